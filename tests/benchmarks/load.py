"""A class of 200 on two workers, a quarter of it hostile: exact marks, memory, and what is left.

    python tests/benchmarks/load.py                    # all of it: two classes, most of an hour
    python tests/benchmarks/load.py --submissions 24   # the same in some minutes
    python tests/benchmarks/load.py --only whole       # without the run that is interrupted

Three quarters are the samples of ``fixtures/cases`` that have no ``gan.py``, in turn; each
must get the marks of its ``expected.toml``.  A quarter are attacks.  Those of this file are right
but for one function, or file, which attacks: that must get its status, and all others their points.
Those of ``fixtures/attacks`` that need no limits of their own aim at things that are really there,
and at the statuses that their ``expected.toml`` says.

``hw3 grade`` itself grades them, behind walls (``--sandbox strict``), with short limits, while
psutil adds up the memory of all its processes twice a second.  Afterwards no process, no temporary
file and no half-written result may be left.  A second class is interrupted by Ctrl-C when a third
of it is done: what is done must stay as it is, and the same command ends it with the same marks.

The exit status is 1 where anything is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import cases
from attacks import ATTACKS, Targets, honest, targets
from grader.checks.framework import registry
from grader.gradebook.book import read_results
from grader.homework import contract

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
PARTS = {part.id: part.points for part in contract.PARTS if part.id != "gan"}

LIMITS = """
[limits]
wall_seconds = 25
cpu_seconds = 10
load_seconds = 12
total_seconds = 300
memory_mb = 512
"""
"""Of a call: what takes longest among the samples, printing all that it computes, takes 3 s."""

ATTACKED, ATTACKED_FILE = "evaluate", "part3_compression.py"
"""The function that attacks when it is called: no other one calls it."""

IMPORTED = "part2"
"""The part whose file attacks when it is imported: no other one imports it."""

AT_CALL = {
    "loop": ("crashed", "while True: pass"),
    "exit": ("crashed", "os._exit(0)"),
    "segfault": ("crashed", "ctypes.string_at(0)"),
    "memory": ("crashed", "held = [bytearray(2**24) for _ in iter(int, 1)]"),
    "forks": ("crashed", "while True: os.fork()"),
    "flood": ("failed", "for _ in range(100): print('x' * 10**6); os.write(1, b'x' * 10**6)"),
    "frames": ("crashed", "for n in range(3, 64): write(n)"),
    "thread": (
        "crashed",
        "threading.Thread(target=lambda: [write(n) for n in range(3, 64)]).start(); time.sleep(2)",
    ),
    "huge": ("failed", "return torch.zeros(80_000_000)"),
    "stop": ("crashed", "os.kill(os.getpid(), signal.SIGSTOP)"),
    "recursion": ("crashed", "sys.setrecursionlimit(10**9); evaluate(classifier, xs, is_target)"),
    "kill": ("failed", "for number in (os.getppid(), 1, -1): kill(number)"),
}
"""By name: the status of the function's first check, and what its body is."""

AT_IMPORT = {
    "import_loop": "while True: pass",
    "import_exit": "os._exit(0)",
    "import_memory": "held = [bytearray(2**24) for _ in iter(int, 1)]",
}

COUNTS = ("forged_values",)
"""Attacks that forge a number which counts the calls before; here there are more of these."""

HOSTILE = """

import ctypes, os, signal, sys, threading, time


def write(descriptor):
    try:
        os.write(descriptor, b"\\xff" * 64)
    except OSError:
        pass


def kill(number):
    try:
        os.kill(number, signal.SIGKILL)
    except OSError:
        pass


"""


@dataclass(frozen=True)
class Expected:
    """What grading one submission must give: points by part, and statuses of checks."""

    score: dict[str, float]
    status: dict[str, str]
    hostile: bool


@dataclass
class Figures:
    """What was seen while the command ran, in MiB where it is memory."""

    seconds: float = 0.0
    tree: list[float] = field(default_factory=list)
    guests: list[float] = field(default_factory=list)
    workers: list[float] = field(default_factory=list)
    processes: int = 0
    seen: dict[int, psutil.Process] = field(default_factory=dict)


def of_samples(folder: Path) -> Iterator[tuple[Path, Expected]]:
    """Sample submissions, with what they must get; those with a GAN train too long for a class."""
    for name in cases.SAMPLES:
        sample = cases.load(name)
        if "gan.py" in sample.files:
            continue
        score = {part: float(sample.expected.score[part]) for part in PARTS}
        status = dict(sample.expected.status)
        yield cases.write(name, folder), Expected(score, status, hostile=False)


def of_the_red_team(folder: Path, aims: Targets) -> Iterator[tuple[Path, Expected]]:
    """The attacks that these limits suit, written to a folder."""
    for attack in ATTACKS:
        suits = attack.machine in ("", platform.machine()) and not attack.seeds
        if not suits or attack.name in COUNTS or attack.limits != honest().limits:
            continue
        for name, content in {**attack.files, "targets.py": aims.source(0)}.items():
            (folder / attack.name / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / attack.name / name).write_bytes(content)
        status = {check.id: attack.expected(check).value for check in attack.checks}
        yield folder / attack.name, Expected({}, status, hostile=True)


def of_attacks(folder: Path) -> Iterator[tuple[Path, Expected]]:
    """This file's own attacks, written to a folder; all but what attacks is right."""
    checks = [check for check in registry.load() if check.part in PARTS]
    whole = dict(PARTS)
    lost = sum(check.points for check in checks if check.function == ATTACKED)
    first = next(check.id for check in checks if check.function == ATTACKED and not check.needs)
    for name, (status, body) in AT_CALL.items():
        code = f"{HOSTILE}def evaluate(classifier, xs, is_target):\n    {body}\n"
        score = {**whole, "part3": whole["part3"] - lost}
        yield _written(folder / name, ATTACKED_FILE, code), Expected(score, {first: status}, True)
    for name, body in AT_IMPORT.items():
        file = next(part.file for part in contract.PARTS if part.id == IMPORTED)
        found = {c.id: "crashed" for c in checks if c.part == IMPORTED and not c.needs}
        expected = Expected({**whole, IMPORTED: 0.0}, found, True)
        yield _written(folder / name, file, f"{HOSTILE}{body}\n"), expected


def _written(folder: Path, file: str, more: str) -> Path:
    ours = shutil.ignore_patterns("gan.py", "expected.toml")
    shutil.copytree(FIXTURES / "submissions" / "twin_hooks", folder, ignore=ours)
    with (folder / file).open("a", encoding="utf-8") as source:
        source.write(more)
    return folder


def make_class(folder: Path, size: int, aims: Targets) -> dict[str, Expected]:
    """A class of so many: every fourth one is an attack, which never come in a row."""
    attacks = folder.parent / "attacks"
    hostile = [*of_attacks(attacks), *of_the_red_team(attacks, aims)]
    made: dict[str, Expected] = {}
    random.Random(0).shuffle(hostile)
    turns = {True: cycle(hostile), False: cycle(of_samples(folder.parent / "samples"))}
    for number in range(size):
        source, expected = next(turns[number % 4 == 3])
        name = f"s{number:03}_{source.name}"
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("expected.toml"))
        made[name] = expected
    for made_of in (attacks, folder.parent / "samples"):
        shutil.rmtree(made_of)
    return made


class Watched:
    """The command at work: its processes are looked at until it has ended.

    Args:
        folder: with the class in it; the results go to a folder ``graded`` beside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.temp = folder, folder / "graded", folder / "temp"
        self.temp.mkdir(exist_ok=True)

    def run(self, figures: Figures, meanwhile: Callable[[subprocess.Popen[str]], None]) -> str:
        """Run the command to its end; what it said, with its exit status in front."""
        (self.folder / "assignment.toml").write_text(LIMITS, encoding="utf-8")
        command = [
            sys.executable,
            "-c",
            "from grader.cli.main import main; main()",
            "grade",
            "class",
        ]
        command += ["--out", "graded", "--assignment", "assignment.toml"]
        command += ["--sandbox", "strict", "--jobs", "2"]
        environment = {**os.environ, "TMPDIR": str(self.temp), "PYTHONPATH": str(ROOT)}
        started = time.monotonic()
        running = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        ended = threading.Event()
        watching = threading.Thread(target=_watch, args=(running.pid, figures, ended))
        watching.start()
        meanwhile(running)
        said, _ = running.communicate()
        figures.seconds += time.monotonic() - started
        ended.set()
        watching.join()
        return f"exit status {running.returncode}\n{said}"

    def results(self) -> dict[str, int]:
        """The submissions that have a result, and when it was written, in nanoseconds."""
        return {
            path.parent.name: path.stat().st_mtime_ns for path in self.out.glob("*/result.json")
        }

    def left_behind(self, figures: Figures) -> Iterator[str]:
        """Processes and files that should be gone, in words."""
        deadline = time.monotonic() + 5  # in which the last zygote notices that nobody is there
        while time.monotonic() < deadline and any(map(_lives, figures.seen.values())):
            time.sleep(0.1)
        for process in filter(_lives, figures.seen.values()):
            yield f"process {process.pid} is still there"
        for path in self.temp.rglob("*"):
            yield f"temporary file {path.relative_to(self.folder)}"
        for path in self.out.rglob("*"):
            if path.is_file() and path.suffix not in (".html", ".json", ".csv"):
                yield f"left in the results: {path.relative_to(self.folder)}"


def _lives(process: psutil.Process) -> bool:
    # psutil compares the time of birth too: a number that was given again is another process.
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _watch(root: int, figures: Figures, ended: threading.Event) -> None:
    """Look at the command's processes twice a second."""
    while not ended.wait(0.5):
        with suppress(psutil.Error):
            parent = psutil.Process(root)
            tree = [parent, *parent.children(recursive=True)]
            figures.seen.update({p.pid: p for p in tree if p.pid != root})
            figures.processes = max(figures.processes, len(tree))
            figures.tree.append(sum(map(_megabytes, tree)))
            for process in tree:
                kind = _kind(process)
                if kind == "guest":
                    figures.guests.append(_megabytes(process, own=True))
                elif kind == "worker":
                    figures.workers.append(_megabytes(process, own=True))


def _megabytes(process: psutil.Process, *, own: bool = False) -> float:
    """Memory, what is shared divided by its sharers; or what is the process's own."""
    with suppress(psutil.Error):
        memory = process.memory_full_info()
        return float(memory.uss if own else memory.pss) / 2**20
    return 0.0


def _kind(process: psutil.Process) -> str:
    with suppress(psutil.Error, AttributeError):
        words = " ".join(process.cmdline())
        if "spawn_main" in words:
            return "worker"
        zygote = "grader.sandbox.guest.forking"  # stands in its command, and in its guests'
        if zygote in words and "bwrap" not in words.split()[0]:
            above = " ".join(process.parent().cmdline())
            return "guest" if zygote in above and "bwrap" not in above else ""
    return ""


def mismatches(out: Path, class_: dict[str, Expected]) -> Iterator[str]:
    """What was graded otherwise than expected, in words."""
    reports = read_results(out).reports
    for name, expected in class_.items():
        try:
            document = json.loads((out / name / "result.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            yield f"{name}: no result ({error})"
            continue
        report = reports[name]
        score = {part: round(one.earned, 2) for part, one in report.scores.items()}
        for part, points in expected.score.items():
            if score[part] != round(points, 2):
                yield f"{name}: {score[part]} of {part}, expected {points}"
        status = {check["id"]: check["status"] for check in document["checks"]}
        for check, wanted in expected.status.items():
            if status[check] != wanted:
                yield f"{name}: {check} is {status[check]}, expected {wanted}"
        if report.total.undecided:
            yield f"{name}: {report.total.undecided} points are undecided"


def whole(folder: Path, size: int, aims: Targets) -> list[str]:
    """Grade a class without a break; what is wrong."""
    class_ = make_class(folder / "class", size, aims)
    watched, figures = Watched(folder), Figures()
    said = watched.run(figures, lambda running: None)
    problems = [*mismatches(watched.out, class_), *watched.left_behind(figures)]
    if not said.startswith("exit status 0\n"):
        problems.append(said)
    hostile = sum(expected.hostile for expected in class_.values())
    print(f"{size} submissions, {hostile} of them hostile, on two workers")
    show(figures, size)
    return problems


def interrupted(folder: Path, size: int, aims: Targets) -> list[str]:
    """Grade a class with a Ctrl-C when a third is done, and go on; what is wrong."""
    class_ = make_class(folder / "class", size, aims)
    watched, figures = Watched(folder), Figures()

    def interrupt(running: subprocess.Popen[str]) -> None:
        while running.poll() is None and len(watched.results()) < size / 3:
            time.sleep(0.2)
        os.killpg(running.pid, signal.SIGINT)

    said = watched.run(figures, interrupt)
    problems = list(watched.left_behind(figures))
    done = watched.results()
    if "exit status 2\n" not in said or "the same command continues from there" not in said:
        problems.append(f"the interruption: {said}")
    started = time.monotonic()
    again = watched.run(figures, lambda running: None)
    rest = time.monotonic() - started
    problems += [*mismatches(watched.out, class_), *watched.left_behind(figures)]
    if not again.startswith("exit status 0\n"):
        problems.append(again)
    after = watched.results()
    timed_out = {
        name
        for name in done
        if json.loads((watched.out / name / "result.json").read_text("utf-8"))["sandbox"][
            "timeouts"
        ]
    }
    lost = [name for name in done if after[name] != done[name] and name not in timed_out]
    problems += [f"{name} was graded again though it was done" for name in lost]
    print(f"{size} submissions, interrupted when {len(done)} were done; the rest in {rest:.0f} s")
    show(figures, size)
    return problems


def reached(aims: Targets) -> dict[str, object]:
    """What attacks aim at, but for what others may change meanwhile: checkout and packages."""
    own = str(aims.folder)
    return {k: how for k, how in aims.state().items() if k.startswith(own) or not os.path.isabs(k)}


def show(figures: Figures, size: int) -> None:
    """Print the figures of a run."""
    most = max(figures.tree, default=0.0)
    quarters = len(figures.tree) // 4 or 1
    first, last = figures.tree[:quarters], figures.tree[-quarters:]
    rows = {
        "time": f"{figures.seconds:.0f} s, {60 * size / figures.seconds:.1f} submissions a minute",
        "memory of all processes, at most": f"{most:.0f} MiB",
        "in the first and last quarter": " and ".join(
            f"{statistics.median(part):.0f} MiB" for part in (first, last) if part
        ),
        "of a guest, its own": _range(figures.guests),
        "of a worker, its own": _range(figures.workers),
        "processes at a time": f"at most {figures.processes}, {len(figures.seen)} seen",
    }
    for words, value in rows.items():
        print(f"  {words:36}{value}", flush=True)


def _range(values: list[float]) -> str:
    if not values:
        return "none seen"
    return f"{statistics.median(values):.0f} MiB, at most {max(values):.0f} MiB"


def main() -> None:
    """Grade both classes and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=200, help="of a class (200)")
    parser.add_argument("--only", choices=["whole", "interrupted"], help="one of the two runs")
    options = parser.parse_args()
    if options.submissions < 4:
        parser.error("--submissions must be at least 4")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    problems: list[str] = []
    for run in (whole, interrupted):
        if options.only in (None, run.__name__):
            with tempfile.TemporaryDirectory(prefix="hw3-load-") as folder, targets() as aims:
                time.sleep(2)  # until what is aimed at has started
                before = reached(aims)
                problems += run(Path(folder), options.submissions, aims)
                after = reached(aims)
                changed = [
                    name for name in {**before, **after} if before.get(name) != after.get(name)
                ]
                changed += ["a listener"] * bool(aims.visitors())
                problems += [f"an attack reached {name}" for name in changed]
    for problem in problems:
        print(problem)
    print(f"{len(problems)} mismatches")
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
