"""The command ``hw3 marks``."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.changes import changed_marks
from grader.cli.errors import PASSED, path_words, writing
from grader.cli.options import writable
from grader.errors import Refused
from grader.grading.rules import Rules
from grader.text import one_line

__all__ = ["PAGE", "marks"]

PAGE = "marking.html"

_LISTED = 20
"""Answers that are listed one by one."""


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.argument("table", metavar="TABLE", type=click.Path(path_type=Path))
@click.option(
    "--assignment",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Questions, prices and points (default: those that OUT was graded with).",
)
@click.option("--named", is_flag=True, help="Say who wrote what, in the order of names.")
def marks(out: Path, table: Path, assignment: Path | None, named: bool) -> None:
    """Take over the marks that persons wrote into TABLE, and add the rows that it lacks.

    OUT is a folder of results of `hw3 grade`.  TABLE is a CSV file, which is made if it is not
    there.  Writes marking.html to OUT, for whoever marks, and makes all pages anew.  Runs no check.
    """
    from grader.gradebook import book, history, lock, pages, state
    from grader.gradebook.by_hand import kept, page, sheet
    from grader.gradebook.by_hand.order import Order
    from grader.grading import results, rules
    from grader.report.writers.files import write_bytes, write_text

    if not out.is_dir():
        raise Refused(f"{path_words(out)} is no folder of results; name one that `hw3 grade` wrote")
    writable(table)
    with lock.locked(out):
        every = {one.submission.id: one.submission for one in results.read_all(out)}
        if not every:
            raise Refused(f"there are no results in {path_words(out)}: run `hw3 grade` first")
        asked = _rules(out, assignment)
        order = Order(asked.assignment.seed, every)
        class_ = page.class_of(asked, every, order)
        with writing(table):
            data = table.read_bytes() if table.is_file() else None
        found = sheet.Marks() if data is None else sheet.read(data, class_, path_words(table))
        rows = page.missing(class_, order, found.there, named=named)
        added = sheet.added_to(data, rows)
        before, known, last = kept.read(out), state.read(out), history.last(out)
        now = kept.Kept(str(table), page.for_groups(found.marks, class_), before.read)
        made = book.read_book(out, asked, results.read_all(out), now)
        now = page.with_answers(now, before, made)
        ids = sorted(made.reports)
        if added != data:
            with writing(table):
                write_bytes(table, added)
        with writing(out):
            kept.write(out, now)
            rules.write(out, asked)
            pages.write_all(out, made, ids)
            shown = page.markers_page(made, class_, order, table.name, named=named)
            write_text(out / PAGE, shown)
            changed = history.changes(last, made, ids, {})
            history.add(out, changed)
            book.write_class(out, made, known, over=True)
    for words in changed_marks(changed):
        click.echo(words)
    for mark in page.changed_since(now, made)[:_LISTED]:
        who = one_line(class_.names[mark.student] if named else class_.codes[mark.student], 80)
        click.echo(f"The answer of {who} to {mark.what} changed after it was marked: look again")
    answers = [one for key in ids if class_.is_read(key) for one in made.reports[key].written]
    given = sum(one.marked for one in answers)
    click.echo(f"{given} of {len(answers)} answers are marked, {len(rows)} rows were added:")
    click.echo(f"fill in {path_words(table)} beside {path_words(out / PAGE)}, and run this again")
    raise SystemExit(PASSED)


def _rules(out: Path, assignment: Path | None) -> Rules:
    from grader.grading import rules
    from grader.grading.assignment_toml import load

    asked = rules.rules_of(load(assignment)) if assignment else rules.read(out)
    if asked is None or not asked.assignment.questions:
        raise Refused(
            "the assignment has no questions: add [[questions]] to your assignment.toml, and name "
            "it with --assignment"
        )
    return asked
