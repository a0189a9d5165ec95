"""The command ``hw3 report``."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.changes import changed_marks
from grader.cli.errors import PASSED, UNDECIDED, path_words, writing
from grader.errors import Refused

__all__ = ["report"]


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--assignment",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Points, visibility and the late rule (default: those that OUT was graded with).",
)
def report(out: Path, assignment: Path | None) -> None:
    """Make all pages and tables of OUT anew, and run no check.

    OUT is a folder of results of `hw3 grade`.  Points, visibility, the late rule and marks by hand
    are those of today.
    """
    from grader.gradebook import book, history, lock, pages, state
    from grader.grading import results, rules
    from grader.grading.assignment_toml import load
    from grader.grading.marks import waits

    if not out.is_dir():
        raise Refused(f"{path_words(out)} is no folder of results; name one that `hw3 grade` wrote")
    with lock.locked(out):
        if assignment is None:
            made = book.read_results(out)
        else:
            made = book.read_book(out, rules.rules_of(load(assignment)), results.read_all(out))
        if not made.reports:
            raise Refused(f"there are no results in {path_words(out)}: run `hw3 grade` first")
        known, marks = state.read(out), history.last(out)
        ids = sorted(made.reports)
        with writing(out):
            rules.write(out, made.rules)
            pages.write_all(out, made, ids, anew=True)
            changed = history.changes(marks, made, ids, {})
            history.add(out, changed)
            book.write_class(out, made, known, over=True)
    for words in changed_marks(changed):
        click.echo(words)
    click.echo(f"{len(ids)} made anew, no check was run: open {path_words(out / book.INDEX)}")
    waiting = {one.check_id for r in made.reports.values() for one in r.outcomes if waits(one)}
    if waiting:
        click.echo(
            f"{len(waiting)} checks have not been run as the assignment has them now, and are "
            "undecided: `hw3 grade` runs these, and no others"
        )
    undecided = any(one.undecided for one in made.reports.values())
    raise SystemExit(UNDECIDED if undecided else PASSED)
