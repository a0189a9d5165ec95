"""The command ``hw3 audit``."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import grader
from grader import layout
from grader.cli.errors import FAILED, PASSED, path_words, writing
from grader.cli.options import (
    console,
    cores,
    known_part,
    of_part,
    progress_bar,
    writable,
)
from grader.errors import Refused
from grader.homework.contract import FUNCTIONS, PARTS
from grader.records import Check
from grader.text import one_line

__all__ = ["audit"]

CHECKOUT = Path(grader.__file__).parent.parent


@click.command()
@of_part
@click.option(
    "--bank",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder with submissions/ and honest/, or a script that makes them (default: fixtures).",
)
@click.option(
    "--of",
    "solution",
    type=click.Path(path_type=Path),
    help="Mutants of this right solution alone, instead of the reference and the bank.",
)
@click.option("--only", metavar="NAME", default="", help="A function, or part of a name.")
@click.option(
    "--sample", "number", type=click.IntRange(1), help="Grade only this many, drawn at random."
)
@click.option("--seed", type=int, default=0, help="Seed of --sample (0).")
@click.option("--quick", is_flag=True, help="Leave out the training of the GAN.")
@click.option(
    "--survivors",
    is_flag=True,
    help="End a function's checks at the first that takes points: faster, and the matrix has gaps.",
)
@click.option("--jobs", type=click.IntRange(1), help="Submissions at a time (default: cores).")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path(".hw3-audit"),
    show_default=True,
    help="Folder for finished work: an interrupted run continues from there.",
)
@click.option("--matrix", is_flag=True, help="Print every mutant, not every changed definition.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write it as a page.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write it as data.")
def audit(
    part: str,
    folder: Path | None,
    solution: Path | None,
    only: str,
    number: int | None,
    seed: int,
    quick: bool,
    survivors: bool,
    jobs: int | None,
    work: Path,
    matrix: bool,
    html_file: Path | None,
    json_file: Path | None,
) -> None:
    """Measure the checks: which wrong submissions pass, and which honest ones lose points.

    Grades mutants of the reference (one small change each), the hand-written mistakes and the
    honest variants, and prints what each check notices.  With --of the mutants are those of another
    solution: some mistakes only exist in another structure.  Exit status: 0 if every wrong one
    loses points where it is wrong and no honest one loses any, 1 otherwise.
    """
    from grader.audit import terminal
    from grader.audit.bank import bank, sample
    from grader.audit.summary import document

    known_part(part)
    for path in (html_file, json_file, work / "rows.jsonl"):
        writable(path)
    for given in (folder, solution):
        if given is not None and not given.is_dir():
            raise Refused(f"there is no folder {path_words(given)}")
    if folder is not None and solution is not None:
        raise Refused("--of and --bank exclude each other: the bank belongs to the reference")
    if folder is None and solution is None and (CHECKOUT / "fixtures").is_dir():
        folder = CHECKOUT / "fixtures"
    reference = layout.reference()
    assert reference is not None  # a student's package has no such command
    whole = bank(solution or reference, folder, [part] if part else [])
    if only in FUNCTIONS:
        chosen = [
            replace(specimen, functions=(only,))
            for specimen in whole.specimens
            if only in specimen.functions
            and (specimen.kind != "mistake" or f"{only}." in " ".join(specimen.allowed))
        ]
    else:
        chosen = [specimen for specimen in whole.specimens if only in specimen.name]
    if not chosen:
        raise Refused(f"nothing in the bank has {only!r} in its name")
    if number is not None:
        chosen = sample(chosen, number, seed)
    started = time.monotonic()
    rows = _examine(chosen, work, jobs or cores(), quick, survivors)
    found = document(whole, rows, _checks(part), time.monotonic() - started)
    terminal.show(found, console(100), matrix=matrix)
    _write(found, html_file, json_file)
    raise SystemExit(FAILED if found["survivors"] or found["honest_below_full"] else PASSED)


def _checks(part: str) -> list[Check]:
    from grader.checks.framework import registry

    return registry.load(optional=part in {one.id for one in PARTS if one.optional})


def _examine(chosen: Any, work: Path, jobs: int, quick: bool, survivors: bool) -> list[Any]:
    from grader.audit.run import examine_all

    rows = {}
    with writing(work), progress_bar() as progress:
        task = progress.add_task("starting", total=len(chosen))
        try:
            for specimen, row in examine_all(
                chosen, work, jobs=jobs, quick=quick, survivors=survivors
            ):
                rows[specimen.key] = (specimen, row)
                progress.update(task, advance=1, description=one_line(specimen.name, 60))
        except KeyboardInterrupt:
            raise Refused(
                f"stopped: {len(rows)} of {len(chosen)} are graded; the same command continues "
                "from there"
            ) from None
    return [rows[specimen.key] for specimen in chosen]


def _write(found: dict[str, Any], html_file: Path | None, json_file: Path | None) -> None:
    from grader.report.writers.audit import audit_page
    from grader.report.writers.files import write_text

    if html_file is not None:
        with writing(html_file):
            write_text(html_file, audit_page(found))
    if json_file is not None:
        with writing(json_file):
            write_text(json_file, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
