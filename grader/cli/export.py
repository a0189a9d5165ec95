"""The commands ``hw3 export``: marks and pages back to the platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from grader.cli.errors import path_words, writing
from grader.cli.options import writable
from grader.errors import BadSource, Refused

__all__ = ["export"]

Command = Callable[..., Any]

_OURS = (
    *("gradebook.csv", "index.html", "questions.csv", "class.json", "pages.csv"),
    *("rules.json", "history.csv"),
)
"""Files of a folder of results."""

_MOST = 8 * 1024 * 1024
"""Bytes of a table; the gradebook of a thousand students has a tenth of it."""


@click.group()
def export() -> None:
    """Bring marks and pages back to the platform that the submissions came from."""


def _of_results(command: Command) -> Command:
    return click.option(
        "--from",
        "results",
        required=True,
        metavar="OUT",
        type=click.Path(path_type=Path),
        help="The folder that `hw3 grade` wrote.",
    )(command)


def _of_table(command: Command) -> Command:
    for option in (
        click.option("--out", type=click.Path(path_type=Path), help="Where the table is written."),
        click.option("--column", metavar="NAME", default="", help="The column of points."),
        _of_results,
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@export.command()
@_of_table
@click.option("--feedback", metavar="ZIP", type=click.Path(path_type=Path), help="Write pages too.")
@click.option(
    "--downloaded",
    metavar="ZIP",
    type=click.Path(path_type=Path),
    help="The submissions as Canvas gave them: --feedback needs their names.",
)
def canvas(
    file: Path,
    results: Path,
    column: str,
    out: Path | None,
    feedback: Path | None,
    downloaded: Path | None,
) -> None:
    """Fill one column of FILE, the gradebook that Canvas exported.

    --feedback also writes the students' pages as Canvas takes them: "Upload submission comments"
    on the page of the assignment.
    """
    from grader.gradebook import export_canvas, export_feedback

    if (feedback is None) != (downloaded is None):
        raise Refused(
            "--feedback needs --downloaded, and the other way round: Canvas takes feedback under "
            "the names of the uploads"
        )
    if feedback is not None and downloaded is not None:
        _keep(feedback, file, results, downloaded)
    writable(feedback)
    sheet, filled = _fill(export_canvas.read, file, results, column, out)
    if feedback is not None and downloaded is not None:
        _write_feedback(feedback, export_feedback.for_canvas(sheet, filled, results, downloaded))


@export.command()
@_of_table
@click.option("--feedback", metavar="ZIP", type=click.Path(path_type=Path), help="Write pages too.")
def moodle(file: Path, results: Path, column: str, out: Path | None, feedback: Path | None) -> None:
    """Fill one column of FILE, the grading worksheet that Moodle exported.

    --feedback also writes the students' pages as Moodle takes them: "Upload multiple feedback
    files in a zip" on the page of the assignment.
    """
    from grader.gradebook import export_feedback, export_moodle

    if feedback is not None:
        _keep(feedback, file, results)
    writable(feedback)
    sheet, filled = _fill(export_moodle.read, file, results, column, out)
    if feedback is not None:
        _write_feedback(feedback, export_feedback.for_moodle(sheet, filled, results))


@export.command()
@_of_table
def gradescope(file: Path, results: Path, column: str, out: Path | None) -> None:
    """Fill one column of FILE, the scores that Gradescope exported."""
    from grader.gradebook import export_gradescope

    _fill(export_gradescope.read, file, results, column, out)


@export.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_of_results
def pages(folder: Path, results: Path) -> None:
    """Copy the students' pages, and nothing else, to DIR, which can be published.

    Nobody can guess another student's address.  OUT/pages.csv says who has which.
    """
    from grader.gradebook import export_pages

    with writing(folder):
        made = export_pages.publish(results, folder)
    click.echo(f"{len(made)} pages in {path_words(folder)}")
    click.echo(f"Who has which: {path_words(results / export_pages.LIST)}; do not publish that.")


def _fill(
    read: Callable[..., Any], file: Path, results: Path, column: str, out: Path | None
) -> tuple[Any, Any]:
    from grader.gradebook import export as exports
    from grader.gradebook.delimited import parsed
    from grader.report.writers.files import write_bytes

    target = out or file.with_name(f"{file.stem}-filled{file.suffix}")
    _keep(target, file, results)
    data = _data(file)
    writable(target)
    grades = exports.read_grades(results)
    try:
        sheet = read(parsed(data), column, grades.possible)
        filled = exports.fill(sheet, grades)
    except (BadSource, Refused) as error:
        raise Refused(f"{path_words(file)}: {error}") from None
    with writing(target):
        write_bytes(target, filled.data)
    students = len(sheet.people)
    click.echo(f"“{filled.column.strip()}” of {filled.filled} of {students} students is filled in:")
    click.echo(f"{path_words(target)}")
    for kind, names in exports.beside_parts(filled).items():
        _list(f"Counted in as “{kind}”", names)
    _list("Not filled in", filled.left)
    _list("In the file, without a result", filled.not_graded)
    _list("With a result, not in the file", filled.not_in_file)
    return sheet, filled


def _data(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST + 1)
    except OSError as error:
        raise BadSource(f"{path_words(file)} cannot be read: {error.strerror or error}") from None
    if len(data) > _MOST:
        raise BadSource(f"{path_words(file)} is larger than 8 MiB; name the table itself")
    return data


def _keep(target: Path, file: Path, results: Path, downloaded: Path | None = None) -> None:
    """Refuse to write over what is read here, or over what `hw3 grade` wrote."""
    inputs = [file, *([downloaded] if downloaded else [])]
    inputs += [results / name for name in _OURS]
    for one in inputs:
        if os.path.exists(target) and os.path.exists(one) and os.path.samefile(target, one):
            raise Refused(f"{path_words(target)} would be overwritten; name another file")


def _write_feedback(path: Path, feedback: Any) -> None:
    from grader.report.writers.files import write_bytes

    with writing(path):
        write_bytes(path, feedback.data)
    click.echo(f"{feedback.pages} pages: {path_words(path)}")
    _list("Without a page in it", feedback.left)


def _list(title: str, names: Sequence[str]) -> None:
    if names:
        click.echo(f"{title} ({len(names)}): {', '.join(names)}")
