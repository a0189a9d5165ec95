"""Do hostile frames, archives and notebooks end in a message or a sentence, in time and in memory?

Begins with valid frames and archives and makes them lie: in bytes, lengths, counts, sizes, offsets,
flags and names, and in shapes that are slow to read.  A finding is whatever is neither a message
nor Garbage, neither a submission nor a reason; and a case that takes a second of processor time, or
more memory than its size allows.  Its bytes are written to a file.  A case depends on the seed and
its number alone: ``--only archive:123`` makes it again.

    python tests/benchmarks/fuzz.py --frames 1000000 --archives 100000

Memory is measured twice: in each case as what the process grows by (peak RSS; where that cannot be
reset, as off Linux, beyond its highest yet), and in every fiftieth as Python's allocations
(tracemalloc).  On Linux a limit stops the process where it maps 2 GiB more than at first.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import signal
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from hostile_archives import archive
from hostile_frames import frame

from grader.calls.validate import WrongKind, validate
from grader.errors import BadSource
from grader.homework import contract
from grader.homework.networks import Network
from grader.records import Call, Reply, Submission
from grader.sandbox.protocol import replies, wire
from grader.submissions import bounded, intake, notebooks, platforms
from grader.submissions.encodings import as_utf8

try:
    import resource
except ImportError:  # on Windows
    resource = None

MIB = 1024 * 1024
SECONDS = 1.0
"""Of processor time, which a case may take."""
HANG_SECONDS = 20
"""After which it is stopped, where there are signals."""
TRACED = 50
"""One case in so many has its allocations traced."""
SHOWN = 20
"""So many findings are written; the others are counted."""


RETURNS = [
    contract.function(name).returns
    for name in ("linear_scores", "split", "scale_pixels", "top_neurons", "compare_attributions")
]


class Hang(BaseException):
    """Not an exception that a target could take for one of its own."""


class Wrong(Exception):  # noqa: N818 - what a target must never make of a case
    """A result that is neither an answer nor a refusal."""


@dataclass
class Tally:
    """What came of the cases, by kind."""

    cases: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)
    largest: dict[str, tuple[int, int]] = field(default_factory=dict)
    traced: int = 0
    grown: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """What makes cases of a kind, what reads one, and what a reading may allocate.

    Each of ``reads`` gives the class of its outcome.
    """

    make: Callable[[Random], bytes]
    reads: tuple[Callable[[bytes, Path], str], ...]
    cap: Callable[[int], int]


def read_frame(data: bytes, folder: Path) -> str:
    """Read a stream of frames as a session does: what is said, and whether a reply is accepted."""
    stream, outcome = io.BytesIO(data), "nothing"
    try:
        while (found := wire.read_frame(stream)) is not None:
            message = wire.decode(*found)
            _expect(type(message) is dict, "a message that is no dict")
            _look(message)
            outcome = "a message"
            outcome = _answered(replies.read(message, 1, 0.0))
    except wire.Garbage as error:
        reason = f"garbage ({re.sub(r'[0-9]+', 'n', str(error))})"
        return f"a message, no reply: {reason}" if outcome == "a message" else reason
    return outcome


def _look(value: Any, depth: int = 0) -> None:
    _expect(depth <= 2 * wire.MAX_DEPTH, "a value that is nested too deep")
    if isinstance(value, (list, tuple)):
        for item in value:
            _look(item, depth + 1)
    elif isinstance(value, dict):
        _expect(all(type(key) is str for key in value), "a key that is no text")
        _look(list(value.values()), depth + 1)
    elif isinstance(value, Call):
        _look(dict(value.arguments), depth + 1)
    elif isinstance(value, (wire.Received, wire.NumPy)):
        _look(value.array)
    elif isinstance(value, np.ndarray):
        _expect(value.dtype.name in wire._DTYPES, f"an array of {value.dtype}")
        _expect(value.nbytes <= wire.MAX_PAYLOAD, "an array that is too large")
        if value.dtype == bool:
            _expect(bool((value.view(np.uint8) <= 1).all()), "a boolean of another byte")
    else:
        known = (bool, int, float, str, type(None), Network, wire.Other)
        _expect(type(value) in known, f"a {type(value).__name__} in a message")


def _answered(reply: Reply) -> str:
    texts = [reply.stdout, *reply.changed]
    if (error := reply.error) is not None:
        ours = error.kind in ("timeout", "died", "garbage")
        _expect(not ours, "an error that only the grader can find")
        texts += [error.message, error.file, error.code, *error.types]
        _expect(type(error.line) is int and error.line >= 0, "a line that is no number")
    _expect(all(type(text) is str for text in texts), "a text that is none")
    for returns in RETURNS:
        with contextlib.suppress(WrongKind):
            validate(returns, reply.value, {"Z": (2, 3), "N": (2,), "x": (2, 3), "k": (2,)})
    return "an error" if reply.error else "a reply"


def read_alone(data: bytes, folder: Path) -> str:
    """Read one archive as a submission."""
    return _taken(data, folder, "alone", lambda source: [intake.read_one(source)])


def read_class(data: bytes, folder: Path) -> str:
    """Read one archive as what a class handed in."""
    return _taken(data, folder, "as a class", lambda source: intake.read_many([source]))


def _taken(data: bytes, folder: Path, how: str, read: Callable[[Path], list[Submission]]) -> str:
    source = folder / "case.zip"
    source.write_bytes(data)
    try:
        found = read(source)
    except BadSource as error:
        return f"{how}: refused ({_sentence(str(error).removeprefix(str(source)))})"
    _hold(found)
    return f"{how}: read" if any(not one.reason for one in found) else f"{how}: each has a reason"


LINES = (
    "import a", "def f(x):\n    return 1", "class A:\n    b = 'é'", "x = 1", "if a:\n    x = 2",
    "%time f()", "!ls", "f?", "x = (1,\n  % 2)", "@d\ndef g(): pass", "s = '''a\n  b'''", "f()",
    "n = namedtuple('n', 'a'); f()", "if __name__ == '__main__':\n    f()", "# coding: latin-1",
)  # fmt: skip
TOKENS = (
    "def f(x):", "else:", "elif b:\n", "try:", "%%bash\n", "(", ")", "[", "]", "{", "}", ",", ";",
    ":", "=", "\n", "  ", "lambda x:", "not ", "'", '"', "'''", "\\", "#", "\ud800", "\0", "-",
)  # fmt: skip


def notebook(drawn: Random) -> bytes:
    """A notebook, or a program: pieces of Python in any order, some of them very often."""
    cells = []
    for _ in range(drawn.randint(0, 6)):
        if drawn.random() < 0.6:
            cells.append("\n".join(drawn.choices(LINES, k=drawn.randint(0, 8))))
            continue
        pieces = drawn.choices(TOKENS, k=drawn.randint(0, 30))
        times = [drawn.choice((1, 1, 1, 1, 1, 300, 20_000)) if len(p) < 9 else 1 for p in pieces]
        cells.append("".join(p * min(n, 60_000) for p, n in zip(pieces, times, strict=True)))
    found: list[Any] = [{"cell_type": "code", "source": cell[:200_000]} for cell in cells]
    data = bytearray(json.dumps({"cells": found}).encode())
    for _ in range(drawn.choice((0, 0, 0, 1, 20))):
        data[drawn.randrange(len(data))] = drawn.randrange(256)
    if drawn.random() < 0.05:
        return drawn.choice((b"[", b"{", b'{"a":')) * drawn.choice((10, 1000, 100_000))
    return bytes(data)


def read_notebook(data: bytes, folder: Path) -> str:
    """Read one notebook as a module, and its bytes as a program, a list and a file's encoding."""
    made = notebooks.module(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(made.text, "module.py", "exec")
    for note in made.notes("a.ipynb"):
        _expect(note.endswith(".") and note.isprintable(), f"a note that is no sentence: {note!r}")
    bounded.program(data.decode("utf-8", "replace"))
    platforms.metadata(data.decode("utf-8", "replace"))
    text, _, problem = as_utf8(data)
    if not problem:
        text.decode("utf-8")
    return "no module" if made.problem else "a module" if made.text.strip() else "an empty module"


def _hold(found: list[Submission]) -> None:
    _expect(bool(found), "no submission at all")
    ids = {one.id.casefold() for one in found}
    _expect(len(ids) == len(found), "two submissions of one id")
    for one in found:
        safe = re.fullmatch(r"\w([\w.-]|[^\x00-\x7f]){0,79}", one.id) and one.id.isprintable()
        _expect(bool(safe) and one.id[-1] not in "._-", f"the id {one.id!r}")
        _expect(bool(one.files) != bool(one.reason), "neither files nor a reason, or both")
        if one.reason:
            _sentence(one.reason)
        sizes = [len(data) for data in one.files.values()]
        _expect(max(sizes, default=0) <= intake.MAX_FILE_BYTES, "a file that is too large")
        _expect(sum(sizes) <= intake.MAX_SUBMISSION_BYTES, "files that are too large")
        for path in one.files:
            bad = path.startswith("/") or ".." in path.split("/") or re.search(r"[\0-\x1f\\]", path)
            _expect(not bad, f"the path {path!r}")


def _sentence(reason: str) -> str:
    sound = reason.endswith(".") and reason.isprintable() and len(reason) < 2000
    _expect(sound, f"a reason that is no sentence: {reason[:200]!r}")
    words = re.sub(r"^: |\(.*\)|[0-9]+", "", reason)
    kinds = (
        "cannot be read",
        "safe name",
        "is a link",
        "too long",
        "Two files",
        "None of",
        "packed",
    )
    kinds += (
        "password",
        "times its size",
        "members",
        "overlap",
        "directory",
        "larger",
        "more than",
    )
    return next((kind for kind in kinds if kind in words), words)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)


TARGETS = {
    "frame": Target(frame, (read_frame,), lambda size: 16 * MIB + 8 * size),
    "archive": Target(
        archive, (read_alone, read_class), lambda size: 96 * MIB + 3 * min(200 * size, 256 * MIB)
    ),
    "notebook": Target(notebook, (read_notebook,), lambda size: 64 * MIB + 300 * size),
}
"""A frame of 64 KiB may become lists of lists.  Archives in archives are unpacked in memory, by up
to 200 times their size and to 256 MiB, of which three may be held at a time."""


def peak() -> int:
    """The most memory that this process had, in bytes, since its peak was forgotten."""
    if resource is None:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _forget_the_peak() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def run(kind: str, number: int, seed: int, tally: Tally, folder: Path, out: Path) -> None:
    """Make one case and read it in every way; what comes of it goes into the tally."""
    target = TARGETS[kind]
    data = target.make(Random(f"{seed} {kind} {number}"))
    tally.cases[kind] += 1
    for read in target.reads:
        problem, outcome = _watched(
            partial(read, data, folder), target.cap(len(data)), tally, kind, number
        )
        tally.outcomes[kind]["a finding" if problem else outcome] += 1
        if problem:
            what = f"{kind} {number} of seed {seed} ({len(data)} bytes) {problem}."
            if len(tally.findings) < SHOWN:
                out.mkdir(parents=True, exist_ok=True)
                file = out / f"{kind}-{seed}-{number}.bin"
                file.write_bytes(data)
                what = f"{file}: {what}"
                print(what, flush=True)
            tally.findings.append(what)


def _watched(
    read: Callable[[], str], cap: int, tally: Tally, kind: str, number: int
) -> tuple[str, str]:
    """What is wrong with a reading, or nothing; and its outcome."""
    _forget_the_peak()
    before = peak()
    problem, outcome, seconds = _timed(read)
    if not problem and seconds > SECONDS:  # it may have been the first to import something
        problem, outcome, seconds = _timed(read)
        problem = problem or (f"took {seconds:.1f} seconds" if seconds > SECONDS else "")
    tally.slowest[kind] = max(tally.slowest.get(kind, (0.0, 0)), (seconds, number))
    grown = peak() - before
    tally.grown = max(tally.grown, grown)
    if grown > cap:
        problem = problem or f"made the process grow by {grown // MIB} MiB"
    if number % TRACED == 0 and not problem:
        tracemalloc.start()
        problem = _timed(read)[0]
        allocated = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        tally.traced += 1
        tally.largest[kind] = max(tally.largest.get(kind, (0, 0)), (allocated, number))
        if allocated > cap:
            problem = problem or f"allocated {allocated // MIB} MiB"
    return problem, outcome


def _timed(read: Callable[[], str]) -> tuple[str, str, float]:
    """What is wrong, or nothing; the outcome; and the seconds of processor time."""
    started, problem, outcome = time.process_time(), "", ""
    try:
        with _alarm():
            outcome = read()
    except Wrong as error:
        problem = f"gave {error}"
    except Hang:
        problem = f"took longer than {HANG_SECONDS} seconds"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # Rust's panics are no Exception
        problem = f"raised {type(error).__name__}: {str(error)[:200]}"
    return problem, outcome, time.process_time() - started


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise Hang

    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def fuzz(
    numbers: dict[str, range], seed: int, tally: Tally, out: Path, seconds: float = float("inf")
) -> None:
    """Run the cases of those numbers, by kind; each kind has its share of the seconds."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind, cases in numbers.items():
            end = time.monotonic() + seconds / len(numbers)
            shown = time.monotonic()
            for number in cases:
                run(kind, number, seed, tally, Path(folder), out)
                now = time.monotonic()
                if now > end:
                    break
                if now > shown + 10:
                    shown = now
                    done = f"{number - cases.start + 1:,} of {len(cases):,} {kind}s"
                    print(f"{done}, {len(tally.findings)} findings", file=sys.stderr, flush=True)


def summary(tally: Tally) -> str:
    """What was done, in lines."""
    lines = []
    for kind, outcomes in tally.outcomes.items():
        lines.append(f"{tally.cases[kind]:,} {kind}s")
        lines += [f"  {count:>9,}  {outcome}" for outcome, count in outcomes.most_common()]
        seconds, number = tally.slowest[kind]
        lines.append(f"  slowest: {seconds:.3f} seconds of processor time ({kind}:{number})")
        if kind in tally.largest:
            size, number = tally.largest[kind]
            lines.append(
                f"  most allocated beside the input: {size / MIB:.1f} MiB ({kind}:{number})"
            )
    lines.append(f"allocations were traced in {tally.traced:,} readings (tracemalloc)")
    if resource is not None:
        lines.append(
            f"the process grew by at most {tally.grown / MIB:.1f} MiB in a reading (peak RSS)"
        )
    return "\n".join([*lines, f"{len(tally.findings):,} findings"])


def _limit_memory() -> None:
    if resource is not None and sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + 2048 * MIB
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> int:
    """Print the findings and the counts; exit status 1 if there is a finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100_000, help="how many (default: 100,000)")
    parser.add_argument("--archives", type=int, default=10_000, help="how many (default: 10,000)")
    parser.add_argument("--notebooks", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of all cases (default: 0)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--only", default="", metavar="KIND:NUMBER", help="one case, as printed")
    parser.add_argument("--out", type=Path, default=Path("findings"), help="where findings go")
    arguments = parser.parse_args()
    numbers = {"frame": range(arguments.frames), "archive": range(arguments.archives)}
    numbers["notebook"] = range(arguments.notebooks)
    if arguments.only:
        kind, _, number = arguments.only.partition(":")
        numbers = {kind: range(int(number), int(number) + 1)}
    _limit_memory()
    tally, started, interrupted = Tally(), time.monotonic(), False
    try:
        fuzz(numbers, arguments.seed, tally, arguments.out, arguments.seconds)
    except KeyboardInterrupt:
        interrupted = True
    print(summary(tally))
    print(f"{time.monotonic() - started:.0f} seconds" + ", interrupted" * interrupted)
    return 1 if tally.findings else 130 * interrupted


if __name__ == "__main__":
    sys.exit(main())
