"""Options that commands of ``hw3`` share, and how a command refuses bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from grader import contract
from grader.assignment import Assignment, BadAssignment, load
from grader.report import display
from grader.sandbox.walls import MODES

__all__ = ["PARTS", "USAGE", "Refused", "of_assignment", "of_part", "of_walls"]

USAGE = 2
"""The exit status where a command cannot be carried out."""

PARTS = [part.id for part in contract.PARTS]

Command = Callable[..., Any]


class Refused(click.ClickException):
    """One sentence on what is wrong, and exit status 2."""

    exit_code = USAGE

    def format_message(self) -> str:
        """The sentence, without what acts on a terminal."""
        return display.printable(self.message)


def of_part(command: Command) -> Command:
    """``--part``."""
    words = "Only this part: " + ", ".join(PARTS) + "."
    return click.option("--part", metavar="PART", default="", help=words)(command)


def of_walls(command: Command) -> Command:
    """``--sandbox``."""
    words = "Walls around submissions: auto, strict (refuse without) or none."
    option = click.option("--sandbox", type=click.Choice(MODES), default="auto", help=words)
    return option(command)


def of_assignment(command: Command) -> Command:
    """``--assignment``; the command is handed what the file says."""
    option = click.option(
        "--assignment",
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=lambda context, option, path: _read(path),
        help="Points, visibility, limits and the seed of hidden cases: an assignment.toml.",
    )
    return option(command)


def _read(path: Path | None) -> Assignment:
    try:
        return Assignment() if path is None else load(path)
    except BadAssignment as error:
        raise Refused(str(error)) from None
