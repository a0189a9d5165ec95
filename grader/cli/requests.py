"""The command ``hw3 requests``."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.errors import PASSED, path_words, writing
from grader.errors import Refused
from grader.text import one_line

__all__ = ["requests"]

_LISTED = 50
"""Requests that are printed; the list has all of them."""


@click.command()
@click.argument("source", metavar="FOLDER_OR_CSV", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "out",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder of results that `hw3 grade` wrote.",
)
def requests(source: Path, out: Path) -> None:
    """Collect regrade requests from a folder of mails, or from a CSV of a form's answers.

    Writes requests.csv to OUT, with the marks before and after.  What a person wrote there into the
    column answer stays.
    """
    from grader.gradebook import book, history, mails
    from grader.gradebook import requests as list_of

    if not out.is_dir():
        raise Refused(f"{path_words(out)} is no folder of results; name one that `hw3 grade` wrote")
    if not source.exists():
        raise Refused(f"there is no {path_words(source)}: name a folder of mails, or a CSV file")
    reports = book.read_results(out).reports
    if not reports:
        raise Refused(f"there are no results in {path_words(out)}: run `hw3 grade` first")
    found = list_of.collected(mails.read(source), reports, history.entries(out))
    with writing(out / list_of.FILE):
        path = list_of.write(out, found)
    for one in found[:_LISTED]:
        who = one.name or one.student or "nobody known"
        about = f"{one.check} {one.points}".strip() or "no form of words"
        total = f"{one.before or '–'} → {one.after or '–'}"
        odd = f" ({one.look_at})" if one.look_at else ""
        click.echo(one_line(f"{who}: {about}; total {total}{odd}", 300))
    click.echo(f"{len(found)} requests: {path_words(path)}")
    raise SystemExit(PASSED)
