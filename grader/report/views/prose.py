"""Markdown that a student wrote, as HTML that does nothing: no address is loaded or led to.

markdown-it-py renders it and takes HTML in it for text; nh3 then leaves only the tags that are
named here, without any attribute.  Links and pictures become words that name the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from grader.text import one_line, passage

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["LONGEST", "TAGS", "rendered"]

LONGEST = 20_000
"""Characters of one text that are shown, its beginning and its end."""

_LINES = 600

_BLOCKS = ("p", "hr", "pre", "blockquote", "ul", "ol", "li", "h4", "h5", "h6")
_TABLES = ("table", "thead", "tbody", "tr", "th", "td")
TAGS = frozenset([*_BLOCKS, *_TABLES, "br", "strong", "em", "s", "code"])
"""What is left of it; headings begin below those of the page."""


def rendered(text: str) -> Markup:
    """A student's Markdown as harmless HTML; no longer than ``LONGEST`` characters of it."""
    import nh3

    html = _parser().render(passage(text, LONGEST, _LINES))
    return Markup(nh3.clean(html, tags=set(TAGS), attributes={}, url_schemes=set()))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    parser.enable(["table", "strikethrough"])
    for name in ("heading_open", "heading_close"):
        parser.add_render_rule(name, _heading)
    parser.add_render_rule("link_open", _nothing)
    parser.add_render_rule("link_close", _address)
    parser.add_render_rule("image", _picture)
    parser.core.ruler.push("addresses", _keep_addresses)
    return parser


def _keep_addresses(state: Any) -> None:
    """A link's end knows where its beginning led."""
    for block in state.tokens:
        open_: list[str] = []
        for token in block.children or ():
            if token.type == "link_open":
                open_.append(str(token.attrGet("href") or ""))
            elif token.type == "link_close" and open_:
                token.meta["address"] = open_.pop()


def _heading(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    level = min(int(tokens[at].tag[1:]) + 3, 6)
    return f"<h{level}>" if tokens[at].nesting == 1 else f"</h{level}>\n"


def _nothing(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return ""


def _address(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    address = one_line(str(tokens[at].meta.get("address", "")), 300)
    before = tokens[at - 1].content if at else ""
    return "" if not address or address == before else _code(f" (link: {address})")


def _picture(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    words = one_line(renderer.renderInlineAsText(token.children or [], options, env), 200)
    return _code(f"[picture, not shown: {words} {one_line(str(token.attrGet('src') or ''), 300)}]")


def _code(words: str) -> str:
    return str(Markup("{}").format(words))
