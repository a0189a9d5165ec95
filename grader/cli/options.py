"""What commands of ``hw3`` share: options, refusals of bad input, the terminal."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from grader.cli.errors import USAGE, path_words, refusals, writing
from grader.cli.streams import lost, outlive_readers
from grader.errors import GraderError, GuestUnusable, NoWalls, Refused
from grader.grading.assignment_toml import delivered, load
from grader.grading.environment import unusable
from grader.homework import contract
from grader.records import Check
from grader.sandbox.host.collecting import collect_less
from grader.sandbox.isolation import probe
from grader.sandbox.isolation.modes import NO_WALLS, WISHES, Walls
from grader.text import one_line

__all__ = [
    "PARTS",
    "Commands",
    "Estimate",
    "choose_walls",
    "console",
    "cores",
    "heeded",
    "known_part",
    "of_assignment",
    "of_part",
    "of_walls",
    "progress_bar",
    "some_checks",
    "writable",
]

PARTS = [part.id for part in contract.PARTS]
SHOWN = [part.id for part in contract.PARTS if not part.optional]

Command = Callable[..., Any]

_HEEDED = "grader.cli.options.heeded"
"""Where a command's context keeps what is printed after its log."""


# What newer versions of click raise where nothing is asked for; its lines are our own.
_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


class Commands(click.Group):
    """Commands that Ctrl-C, a termination or a closed terminal stops in order.

    What click itself says of a command line cannot act on a terminal either.
    """

    def main(self, *args: Any, **options: Any) -> Any:
        """Carry out a command line; what it prints may be read by nobody, or fit on no disk."""
        outlive_readers()
        collect_less()
        try:
            return super().main(*args, **options)
        except SystemExit:
            if why := lost():
                sys.stderr.write(f"Error: {why}\n")
                sys.stderr.flush()
                raise SystemExit(USAGE) from None
            raise

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the options in front of the command's name."""
        with _plainly():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the rest, and carry out the command."""
        with _plainly(), _unheeded(ctx), refusals(), _stoppable(), _usable():
            return super().invoke(ctx)


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except _HELP:
        raise
    except click.UsageError as error:
        raise click.UsageError(one_line(error.format_message(), 4000), error.ctx) from None


def heeded(commands: Iterable[str]) -> None:
    """Have commands carried out by GitHub Actions: printed when this command's own log is over."""
    click.get_current_context().meta.setdefault(_HEEDED, []).extend(commands)


@contextmanager
def _unheeded(ctx: click.Context) -> Iterator[None]:
    """GitHub Actions carries out lines of a log that hold commands; not those from in here.

    Refusals are shown in here too, since they name files.  Commands that are to be ``heeded``
    follow.
    """
    try:
        if os.environ.get("GITHUB_ACTIONS") != "true":
            yield
            return
        token = secrets.token_hex(16)
        click.echo(f"::stop-commands::{token}")
        try:
            yield
        except click.ClickException as error:
            from grader.cli.ci import say_refused

            say_refused(error.format_message())
            error.show(sys.stdout)  # stderr is a pipe of its own, read when the fence may be down
            raise SystemExit(error.exit_code) from None
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            click.echo(f"::{token}::")
    finally:
        for command in ctx.meta.get(_HEEDED, ()):
            click.echo(command)


@contextmanager
def _usable() -> Iterator[None]:
    """Where torch is missing or broken, that is said, and not what followed from it."""
    before = threading.excepthook
    threading.excepthook = lambda args: None if unusable() else before(args)
    try:
        yield
    except Exception as error:
        ours = isinstance(error, (GraderError, click.ClickException, click.exceptions.Exit))
        if ours and not isinstance(error, GuestUnusable):  # torch may be why a guest cannot start
            raise
        if why := unusable():
            raise Refused(f"{why}; `hw3 doctor` says more") from None
        raise
    finally:
        threading.excepthook = before


@contextmanager
def _stoppable() -> Iterator[None]:
    """The first of these signals is the command's KeyboardInterrupt, and the only one.

    What was to be ignored stays so: ``nohup`` counts on that.
    """
    names = [n for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]
    numbers = [signal.Signals[name] for name in names]
    before = {n: signal.getsignal(n) for n in numbers}

    def stop(*_: Any) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise Refused("stopped") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def of_part(command: Command) -> Command:
    """``--part``."""
    words = "Only this part: " + ", ".join(SHOWN) + "."
    return click.option("--part", metavar="PART", default="", help=words)(command)


def of_walls(command: Command) -> Command:
    """``--sandbox``."""
    words = (
        "Walls around submissions: auto (the strongest that work), strict (at least Landlock and "
        "seccomp) or none."
    )
    option = click.option("--sandbox", type=click.Choice(WISHES), default="auto", help=words)
    return option(command)


def of_assignment(command: Command) -> Command:
    """``--assignment``; the command is handed what the file says."""
    option = click.option(
        "--assignment",
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=lambda context, option, path: delivered() if path is None else load(path),
        help="Points, visibility, limits and the seed of hidden cases: an assignment.toml.",
    )
    return option(command)


def known_part(part: str) -> None:
    """Refuse a part that the homework does not have."""
    if part and part not in PARTS:
        raise Refused(f"there is no part {part!r}; the parts are {', '.join(SHOWN)}")


def writable(path: Path | None) -> None:
    """Refuse before the work, not after it, if a file cannot be written."""
    if path is None:
        return
    if path.is_dir():
        raise Refused(f"{path_words(path)} is a folder; name a file to write to")
    folder = next(f for f in path.absolute().parents if f.exists())
    # Really: permissions do not tell, least of all root's.
    with writing(path), tempfile.TemporaryFile(dir=folder):
        pass


def progress_bar() -> Progress:
    """A bar on a terminal; nothing where the output goes to a file."""
    errors = Console(stderr=True)
    return Progress(
        BarColumn(24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


class Estimate:
    """A check that says how far it is, in words, with an estimate of what is left of it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._started, self._from, self._last = say, 0.0, 1.0, 1.0

    def at(self, name: str, done: float) -> None:
        """So much of it is done, 0 … 1."""
        now = time.monotonic()
        if done < self._last:  # it begins, or begins again
            self._started, self._from = now, done
        self._last = done
        words = f"{name}: {done:.0%} of the training"
        if done - self._from > 0.02:
            left = (now - self._started) / (done - self._from) * (1 - done)
            words += f", about {left:.0f} s left"
        self._say(words)


def console(width: int) -> Console:
    """The terminal as wide as it is; a file, ``width`` columns."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=width)


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def some_checks(checks: Sequence[Check], part: str) -> None:
    """Refuse a part of which the assignment leaves nothing."""
    if not any(part in ("", c.part) for c in checks):
        raise Refused(f"the assignment leaves no check of {part or 'any part'} to run")


def choose_walls(sandbox: str, *, fall_back: bool = False) -> Walls:
    """The walls that were wished for, or none where they may fall back."""
    try:
        return probe.choose(sandbox)
    except NoWalls:
        if fall_back:  # one's own code on one's own machine; the report says so
            return NO_WALLS
        raise
