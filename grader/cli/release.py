"""The commands ``hw3 freeze`` and ``hw3 release``.

Importing this module does not import torch: every command of ``hw3`` starts with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.errors import path_words, writing
from grader.cli.options import of_assignment, progress_bar, writable
from grader.errors import Refused
from grader.grading.assignment_toml import delivered, load
from grader.grading.weights import Assignment
from grader.records import added
from grader.report import numbers

if TYPE_CHECKING:
    from grader.release.student import Bundle

__all__ = ["freeze", "release"]


@click.command()
def freeze() -> None:
    """Write the reference's results that the public checks need.

    Students get these values instead of the reference (`hw3 release student`).
    """
    from grader.oracle.store import FILE
    from grader.release import freeze
    from grader.report.writers.files import write_bytes

    with _progress() as said:
        values = freeze.freeze(said)
    with writing(FILE):
        write_bytes(FILE, values.packed())
    known, mistaken = (sum(map(len, of.values())) for of in (values.known, values.mistaken))
    size = FILE.stat().st_size / 1e6
    click.echo(f"{known} values, and what known mistakes give for {mistaken} calls")
    click.echo(f"{path_words(FILE)}: {size:.1f} MB")


@click.group()
def release() -> None:
    """Make what you hand out."""


@release.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@of_assignment
def student(folder: Path, assignment: Assignment) -> None:
    """Make what students get, as a repository in DIR: the template, and a wheel of the grader.

    The wheel has the public checks, and neither the reference nor a hidden check.
    """
    from grader.release import student as bundles

    _new(folder)
    with _progress() as said:
        bundle = bundles.build(assignment, said)
    with writing(folder):
        bundles.write(bundle.files, folder)
    _say(bundle)
    size = len(bundle.files[bundle.wheel]) / 1e6
    click.echo(f"{path_words(folder / bundle.wheel)}: {len(bundle.inside)} files, {size:.1f} MB")
    click.echo(f"{path_words(folder)} can be pushed as it is; requirements.txt names the wheel")


@release.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@of_assignment
def classroom50(folder: Path, assignment: Assignment) -> None:
    """Make what Classroom 50 grades with, in DIR: autograder.py, and a wheel beside it.

    Only the public checks are in it, since Classroom 50 publishes these files.
    """
    from grader.release import classroom50 as autograders
    from grader.release import student as bundles

    _new(folder)
    with _progress() as said:
        made = autograders.build(assignment, said)
    with writing(folder):
        bundles.write(made.files, folder)
    _say(made.bundle)
    click.echo(
        f"put the files of {path_words(folder)} into CLASSROOM/autograders/ASSIGNMENT/ of your "
        "classroom50 repository, and add report.html to the assignment's release_assets"
    )


@release.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--assignment",
    "rules",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Points, visibility, limits and the seed of hidden cases: an assignment.toml.",
)
def gradescope(file: Path, rules: Path | None) -> None:
    """Make Gradescope's autograder: a zip with all checks, for its staff alone.

    Hidden checks run on Gradescope only if a submission cannot read them there.
    """
    from grader.release.gradescope import MEMORY_GB, archive
    from grader.report.writers.files import write_bytes

    assignment = delivered() if rules is None else load(rules)
    if file.suffix != ".zip":
        raise Refused(f"{path_words(file)} must end in .zip: Gradescope takes nothing else")
    writable(file)
    content = archive(assignment, None if rules is None else rules.read_bytes())
    with writing(file):
        write_bytes(file, content)
    points = numbers.number(added(check.points for check in assignment.checks()))
    click.echo(f"{path_words(file)}: {len(content) / 1e6:.1f} MB, {points} points")
    click.echo(
        f"choose a container with {MEMORY_GB} GB of memory or more: Gradescope's default of 768 MB "
        "is too small for torch. Gradescope stops a run after 10 minutes, and with its default of "
        "half a processor everything takes twice as long: choose a whole one"
    )
    if assignment.seed is None:
        click.echo("the hidden cases are drawn from the default seed, which anybody can read")


def _new(folder: Path) -> None:
    """Refuse a folder that has something in it, or that cannot be written."""
    with writing(folder):
        there = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    if there:
        raise Refused(f"{path_words(folder)} is there already; name a new folder")
    writable(folder / "README.md")


def _say(bundle: Bundle) -> None:
    """What is in it, and what is not."""
    points = numbers.number(added(check.points for check in bundle.checks))
    click.echo(f"{len(bundle.checks)} checks, {points} points that students can check themselves")
    for check in bundle.missing:
        click.echo(f"left out: {check.id} is public in the assignment, but its file is hidden")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    with progress_bar() as progress:
        task = progress.add_task("starting")

        def said(what: str, done: int, of: int) -> None:
            progress.update(task, description=what, completed=done, total=of)

        yield said
