"""The commands ``hw3 freeze`` and ``hw3 release``.

Importing this module does not import torch: every command of ``hw3`` starts with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from grader.cli.errors import path_words, writing
from grader.cli.options import of_assignment, progress_bar, writable
from grader.errors import Refused
from grader.grading.weights import Assignment
from grader.records import added
from grader.report import numbers

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

    with writing(folder):
        there = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    if there:
        raise Refused(f"{path_words(folder)} is there already; name a new folder")
    writable(folder / "README.md")
    with _progress() as said:
        bundle = bundles.build(assignment, said)
    with writing(folder):
        bundles.write(bundle, folder)
    points = numbers.number(added(check.points for check in bundle.checks))
    size = len(bundle.files[bundle.wheel]) / 1e6
    click.echo(f"{len(bundle.checks)} checks, {points} points that students can check themselves")
    for check in bundle.missing:
        click.echo(f"left out: {check.id} is public in the assignment, but its file is hidden")
    click.echo(f"{path_words(folder / bundle.wheel)}: {len(bundle.inside)} files, {size:.1f} MB")
    click.echo(f"{path_words(folder)} can be pushed as it is; requirements.txt names the wheel")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    with progress_bar() as progress:
        task = progress.add_task("starting")

        def said(what: str, done: int, of: int) -> None:
            progress.update(task, description=what, completed=done, total=of)

        yield said
