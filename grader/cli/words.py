"""The command ``hw3 words``: everything that students and instructors read, on one page."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from grader import layout

__all__ = ["MESSAGES", "messages", "page", "words"]

MESSAGES = (
    "errors.py",
    "calls",
    "checks",
    "gan_metrics",
    "sandbox",
    "submissions",
    "grading",
    "gradebook",
    "report",
    "explore",
    "cli",
)
"""What of the package holds sentences that somebody reads."""


@click.command()
@click.option("--checks", "only_checks", is_flag=True, help="Only titles and hints of checks.")
def words(only_checks: bool) -> None:
    """Print every title, hint, message and sentence of a diagnosis, to be read through.

    Hidden checks are among them, so this page is for instructors.
    """
    for line in page(only_checks=only_checks):
        click.echo(line)


def page(*, only_checks: bool = False) -> Iterator[str]:
    """The page, line by line."""
    yield from _checks()
    if only_checks:
        return
    yield from _diagnoses()
    yield from _templates()
    for name in MESSAGES:
        whole = layout.PACKAGE / name
        for path in [whole] if whole.is_file() else sorted(whole.rglob("*.py")):
            if said := messages(path):
                yield from ("", f"# {path.relative_to(layout.HOME).as_posix()}")
                for line, text in said:
                    yield from _folded(f"{line}: {text}")


def _checks() -> Iterator[str]:
    from grader.checks.framework import registry

    yield "# Titles and hints of checks"
    function = ""
    for check in registry.load():
        if check.function != function:
            function = check.function
            yield from ("", f"{function} must …")
        yield f"  {check.title}" + ("  [hidden]" if check.hidden else "")
        if check.about:
            yield from _folded(check.about, "      ")


def _diagnoses() -> Iterator[str]:
    from grader.diagnosis.sentences import SENTENCES

    yield from ("", "# Sentences of a diagnosis", "")
    for name, sentence in SENTENCES.items():
        yield from _folded(f"{name}: {sentence}")


def _templates() -> Iterator[str]:
    for path in sorted((layout.PACKAGE / "report" / "templates").glob("*.html")):
        yield from ("", f"# {path.relative_to(layout.HOME).as_posix()}")
        yield from path.read_text(encoding="utf-8").splitlines()


def _folded(text: str, indent: str = "  ") -> list[str]:
    one_line = " ".join(text.split())
    return textwrap.wrap(
        one_line,
        110,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def messages(path: Path) -> list[tuple[int, str]]:
    """The strings of a module that are sentences, and the help of its commands.

    Args:
        path: of Python source.

    Returns:
        Line and text of each, in the order of the source; ``{…}`` stands for a value.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: list[tuple[int, str]] = []
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside.update(ast.walk(node))
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{…}" for part in node.values
            )
            found.append((node.lineno, text))
        elif isinstance(node, ast.Expr):
            inside.add(node.value)  # a docstring
        elif isinstance(node, ast.FunctionDef) and any(map(_makes_command, node.decorator_list)):
            found.append((node.lineno, ast.get_docstring(node) or ""))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            found.append((node.lineno, node.value))
    return [(line, text) for line, text in sorted(found) if _is_a_sentence(text)]


def _makes_command(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in ("command", "group")


def _is_a_sentence(text: str) -> bool:
    return len([word for word in text.split() if word.strip("{…}.,:;()").isalpha()]) >= 3
