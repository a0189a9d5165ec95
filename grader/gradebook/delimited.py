"""A table that somebody else's program wrote, and into which we write single cells.

The file is never written anew: a cell is the stretch of text in which it stands, and only that
stretch is replaced.  Encoding, byte order mark, line ends, quotes and everything else stay byte for
byte as they are.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.errors import BadSource

__all__ = ["Cell", "Decoded", "Table", "decoded", "parsed"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Decoded:
    """A file's text, its mark included, and the encoding that makes the same bytes of it."""

    text: str
    encoding: str


@dataclass(frozen=True)
class Cell:
    """A cell: its value, and from where to where it stands in the text, quotes included."""

    value: str
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True)
class Table:
    """A table as it stands in its file."""

    source: Decoded
    delimiter: str
    rows: Sequence[Sequence[Cell]]
    lines: Sequence[int]
    """The line of the file in which each row begins, from 1."""
    numbers: Sequence[int] = ()
    """The number of each row as a spreadsheet shows it, from 1: a row may go over several lines."""

    def values(self, row: int) -> list[str]:
        """The values of one row."""
        return [cell.value for cell in self.rows[row]]

    def filled(self, changes: Mapping[tuple[int, int], str]) -> bytes:
        """The file with other values in some cells, which are named by row and column."""
        text, pieces, at = self.source.text, [], 0
        for (row, column), value in sorted(changes.items()):
            cell = self.rows[row][column]
            pieces += [text[at : cell.start], self._written(value, cell)]
            at = cell.end
        return "".join([*pieces, text[at:]]).encode(self.source.encoding)

    def _written(self, value: str, cell: Cell) -> str:
        if cell.quoted or re.search(rf'[{self.delimiter}"\r\n]', value):
            return '"' + value.replace('"', '""') + '"'
        return value


def decoded(data: bytes) -> Decoded:
    """Text of bytes that makes the same bytes again: by its mark, as UTF-8, else of Windows.

    Raises:
        BadSource: no encoding gives the bytes back.
    """
    marked = [name for mark, name in _MARKS if data.startswith(mark)]
    for encoding in marked or ("utf-8", "cp1252", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and text.encode(encoding) == data:
            return Decoded(text, encoding)
    raise BadSource("it is not a text file; name the CSV file that the platform exported")


def parsed(data: bytes) -> Table:
    """The table in a file.

    Raises:
        BadSource: it is not a table, with the line where that shows.
    """
    source = decoded(data)
    start = 1 if source.text.startswith("\ufeff") else 0
    told = re.compile(r"sep=(.)\r?\n", re.IGNORECASE).match(source.text, start)
    if told:  # a line with which Excel is told the delimiter
        start, delimiter = told.end(), told[1]
    else:
        delimiter = _delimiter(source.text, start)
    rows, lines, at, line = [], [], start, 1 + source.text.count("\n", 0, start)
    numbers, number = [], 0
    while at < len(source.text):
        row, after = _row(source.text, at, delimiter, line)
        number += 1
        if any(cell.value or cell.quoted for cell in row):
            rows.append(row)
            lines.append(line)
            numbers.append(number)
        line += len(re.findall(r"\r\n|\r|\n", source.text[at:after]))
        at = after
    if not rows:
        raise BadSource("it is empty; name the CSV file that the platform exported")
    return Table(source, delimiter, rows, lines, numbers)


def _delimiter(text: str, start: int) -> str:
    """The delimiter of the first line, outside quotes."""
    first = re.split(r"[\r\n]", re.sub(r'"[^"]*"', "", text[start:]), maxsplit=1)[0]
    return max(DELIMITERS, key=first.count)


def _row(text: str, at: int, delimiter: str, line: int) -> tuple[list[Cell], int]:
    """The cells of the row that begins there, and where the next one does."""
    cells = []
    ends = re.compile(rf"[{re.escape(delimiter)}\r\n]")
    while True:
        start, quoted, value = at, text.startswith('"', at), ""
        if quoted:
            value, at = _quoted(text, at, line)
        end = ends.search(text, at)
        stop = end.start() if end else len(text)
        value += text[at:stop]
        cells.append(Cell(value, start, stop, quoted))
        at = stop
        if end is None:
            return cells, at
        if end[0] != delimiter:
            return cells, at + (2 if text.startswith("\r\n", at) else 1)
        at += 1


def _quoted(text: str, at: int, line: int) -> tuple[str, int]:
    """The value between quotes, and where the text goes on."""
    inside = re.compile(r'"((?:[^"]|"")*)"').match(text, at)
    if inside is None:
        raise BadSource(f"a quote that opens in line {line} is never closed: export it once more")
    return inside[1].replace('""', '"'), inside.end()
