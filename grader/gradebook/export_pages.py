"""Student pages alone, in a folder that can be published: nobody can guess another's address."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grader.errors import BadSource, Refused
from grader.gradebook.book import read_results
from grader.gradebook.place import inside
from grader.gradebook.table import text_cell
from grader.report.writers.files import write_bytes, write_text
from grader.text import shown

__all__ = ["LIST", "SECRET", "Page", "pages", "publish"]

LIST, SECRET = "pages.csv", "pages-secret.txt"
"""Both stay in the folder of results: who has which page, and what the addresses follow from."""

_BYTES = 20
_NOTHING = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Homework 3</title></html>\n'
"""Where a web server would list the folder, it shows this."""


@dataclass(frozen=True)
class Page:
    """A student's page: whose, and its file's name in the published folder."""

    id: str
    name: str
    email: str
    file: str


def pages(out: Path) -> list[Page]:
    """The pages of a folder of results, each with a name that follows from a secret and the id.

    Raises:
        BadInput: it holds no results, or one of them cannot be read.
    """
    if not out.is_dir():
        raise BadSource(
            f"{shown(str(out), 1000)} is no folder; name the one that `hw3 grade` wrote"
        )
    reports = read_results(out).in_order()
    if not reports:
        raise BadSource(f"{shown(str(out), 1000)} holds no results; grade into it first")
    secret = _secret(out)
    return [
        Page(
            one.id,
            one.name,
            one.email,
            hmac.digest(secret, one.id.encode("utf-8", "surrogatepass"), "sha256")[:_BYTES].hex()
            + ".html",
        )
        for one in (report.submission for report in reports)
        if (out / one.id / "report.html").is_file()
    ]


def publish(out: Path, folder: Path) -> Sequence[Page]:
    """Copy every student's page into a folder; write who has which into the folder of results.

    Raises:
        Refused: one of the folders lies in the other, or the one to publish holds other files.
        OSError: a file cannot be written.
    """
    if inside(folder, out) or inside(out, folder):
        raise Refused(
            f"{shown(str(folder), 1000)} and {shown(str(out), 1000)} must not lie in one another: "
            "what is published must hold no page for instructors; name another folder"
        )
    found = pages(out)
    names = {page.file for page in found}
    if folder.exists():
        others = [path.name for path in folder.iterdir() if not _ours(path.name)]
        if not folder.is_dir() or others:
            what = f"holds {shown(sorted(others)[0])}" if others else "is a file"
            raise Refused(
                f"{shown(str(folder), 1000)} {what}: name a folder that is new, or one that this "
                "command filled before"
            )
        for path in folder.iterdir():
            if path.name not in names:
                path.unlink()  # of somebody whose result was removed
    for page in found:
        write_bytes(folder / page.file, (out / page.id / "report.html").read_bytes())
    write_text(folder / "index.html", _NOTHING)
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    rows.writerow(("id", "name", "email", "page"))
    rows.writerows(
        (text_cell(page.id), text_cell(page.name), text_cell(page.email), page.file)
        for page in found
    )
    write_text(out / LIST, "\ufeff" + buffer.getvalue())
    return found


def _ours(name: str) -> bool:
    stem, dot, ending = name.partition(".")
    is_token = len(stem) == 2 * _BYTES and not set(stem) - set("0123456789abcdef")
    return name == "index.html" or (is_token and dot + ending == ".html")


def _secret(out: Path) -> bytes:
    """The folder's secret, made once: addresses stay the same from run to run."""
    path = out / SECRET
    with suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
    text = path.read_text("ascii", "replace").strip()
    if len(text) != 64:
        raise BadSource(
            f"{shown(str(path), 1000)} is damaged: remove it, and every page gets a new address"
        )
    return hashlib.sha256(text.encode("ascii", "replace")).digest()
