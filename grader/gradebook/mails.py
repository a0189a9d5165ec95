"""Regrade requests as they come in: a folder of mails, or a table of a form's answers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

from grader.errors import BadSource
from grader.gradebook.by_hand.spreadsheet import plain
from grader.gradebook.delimited import decoded, parsed
from grader.report.analysis.regrade import Asked, asked
from grader.text import one_line, passage, shown

__all__ = ["Mail", "read"]

_MOST_BYTES = 4 * 1024 * 1024
_MOST_HTML = 100_000
_MOST_FILES = 5000
_ENDINGS = (".eml", ".txt", ".md")

_COLUMNS = {
    "student": ("student", "id", "student id", "login", "username"),
    "sender": ("email", "e-mail", "email address", "from", "mail"),
    "check": ("check", "check id", "question"),
    "reason": ("my reason", "reason", "why", "comment", "text", "message", "body"),
    "received": ("timestamp", "time", "date", "received"),
}


@dataclass(frozen=True)
class Mail:
    """A mail, or a row of a table: from whom, when, and which requests are in it."""

    source: str
    """Its file, or the table's row."""
    sender: str
    received: str
    """When, as ISO 8601 where that is known."""
    requests: Sequence[Asked]
    """None where no form was found in it."""
    begins: str = ""
    """Its first words, for whoever has to read it instead."""


def read(source: Path) -> list[Mail]:
    """The mails of a folder, in the order of their names, or the rows of a table.

    Raises:
        BadSource: there is no such folder or table, or a file of it cannot be read.
    """
    where = shown(str(source), 1000)
    try:
        if source.is_dir():
            return list(_folder(source, where))
        if source.suffix.lower() in _ENDINGS:
            return [_mail(source, _bytes(source))]
        return list(_rows(source, where))
    except OSError as error:
        raise BadSource(f"{where} cannot be read: {error.strerror or error}") from None


def _folder(folder: Path, where: str) -> Iterator[Mail]:
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _ENDINGS and p.is_file())
    if not files:
        raise BadSource(f"{where} holds no mail: name a folder with .eml or .txt files, or a CSV")
    if len(files) > _MOST_FILES:
        raise BadSource(f"{where} holds more than {_MOST_FILES} mails; name a folder with fewer")
    for path in files:
        yield _mail(path, _bytes(path), path.relative_to(folder).as_posix())


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise BadSource(f"{shown(str(path), 1000)} is larger than 4 MiB; remove what is attached")
    return data


def _mail(path: Path, data: bytes, name: str = "") -> Mail:
    name = one_line(name or path.name, 200)
    if path.suffix.lower() != ".eml":
        return _made(name, "", "", decoded(data).text.lstrip("\ufeff"))
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return _made(name, _sender(message), _date(message), _body(message))


def _made(source: str, sender: str, received: str, text: str) -> Mail:
    return Mail(source, sender, received, asked(text), one_line(text, 160))


def _sender(message: EmailMessage) -> str:
    return one_line(parseaddr(_header(message, "from"))[1], 200)


def _date(message: EmailMessage) -> str:
    try:
        return parsedate_to_datetime(_header(message, "date")).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except Exception:  # the parser of headers fails on some that are no headers
        return ""


def _body(message: EmailMessage) -> str:
    """The text of a mail, or that of its HTML; what is attached is not read."""
    try:
        part = message.get_body(("plain", "html"))
        if part is None:
            return ""
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        text = data.decode(part.get_content_charset("utf-8"), "replace")
        is_html = part.get_content_subtype() == "html"
    except (LookupError, ValueError, AttributeError, TypeError, RecursionError):
        return ""
    return _words(text) if is_html else text


def _words(page: str) -> str:
    """The words of a mail in HTML, a line for each of its blocks."""
    import nh3

    blocks = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4"}
    text = " ".join(page[:_MOST_HTML].split())
    text = nh3.clean(text, tags=blocks, attributes={}, clean_content_tags={"script", "style"})
    return html.unescape(re.sub(r"<(?!/|br)[^>]*>", "", re.sub(r"<(/\w+|br)>", "\n", text)))


def _rows(path: Path, where: str) -> Iterator[Mail]:
    try:
        table = parsed(_bytes(path))
    except BadSource as error:
        raise BadSource(f"{where}: {error}") from None
    header = [plain(cell).casefold() for cell in table.values(0)]
    at = {
        name: next((header.index(word) for word in words if word in header), None)
        for name, words in _COLUMNS.items()
    }
    if at["reason"] is None and at["check"] is None:
        raise BadSource(
            f"{where} has no column for requests: give it the columns student (or email), check "
            "and reason, or one column text with the form of words from the page"
        )
    for n in range(1, len(table.rows)):
        cells = table.values(n)

        def cell(name: str, cells: Sequence[str] = cells) -> str:
            column = at[name]
            return plain(cells[column]) if column is not None and column < len(cells) else ""

        source = f"{one_line(path.name, 100)}, row {table.numbers[n]}"
        found = asked(cell("reason"))
        if not found and cell("check"):
            found = [Asked(cell("student"), cell("check"), passage(cell("reason"), 4000))]
        if any(map(cell, _COLUMNS)):
            words = one_line(cell("reason"), 160)
            yield Mail(source, cell("sender"), cell("received"), found, words)
