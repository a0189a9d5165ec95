"""Can one submission tell the next one anything?  Each channel is tried with both of its ends.

A sender, run as hidden checks run a submission, is told a number.  A receiver, run as public checks
run the next submission of the same worker, says which number it reads.  Where both have to live at
the same time, they do.  A channel counts as open if the receiver is right more often than chance
would have it, and its bits are those of one number.  Of one that is closed, what refuses it is
printed.

    python tests/benchmarks/channels.py                  # all of them, in both modes

Needs Linux.  On a busy machine, process numbers move by themselves in the mode "lockdown".
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from attacks import MODES, offer
from grader.records import Call, Limits
from grader.sandbox.host import process
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.modes import Walls

FILE = """
import ctypes, os, threading, time

libc = ctypes.CDLL(None, use_errno=True)

def scale_pixels(x, saliency):
    return globals()[x](saliency)

def number(_):
    return os.getpid()

def thread():
    seen = []
    one = threading.Thread(target=lambda: seen.append(threading.get_native_id()))
    one.start()
    one.join()
    return seen[0]

def send_numbers(value):
    while thread() % 256 != value:
        pass

def receive_numbers(_):
    return os.getpid() % 256

def new_pipe(_=None):
    reading, writing = os.pipe()
    seen = os.fstat(reading).st_ino
    os.close(reading)
    os.close(writing)
    return seen

NAMES = (
    "status stat statm maps smaps cmdline comm environ auxv limits io mounts mountinfo cwd exe "
    "fd fdinfo ns attr oom_adj oom_score oom_score_adj loginuid sessionid wchan syscall schedstat "
    "cpuset cgroup sched mem pagemap personality smaps_rollup setgroups uid_map gid_map projid_map"
).split()

def new_thread(_=None):
    done = threading.Event()
    one = threading.Thread(target=done.wait)
    one.start()
    seen = 0
    for name in NAMES:
        try:
            seen = max(seen, os.lstat(f"/proc/self/task/{one.native_id}/{name}").st_ino)
        except OSError:
            pass
    done.set()
    one.join()
    return seen

def makes(given):
    # Each processor takes 1,024 numbers at once: who reads takes as many.
    what, many = given
    return max(globals()[what]() for _ in range(many))

def send_pages(given):
    path, value = given
    with open(path, "rb", buffering=0) as file:
        for bit in range(8):
            if value >> bit & 1:
                file.seek(bit << 20)
                file.read(4096)

def receive_pages(given):
    path, _ = given
    took = []
    with open(path, "rb", buffering=0) as file:
        for bit in range(8):
            file.seek(bit << 20)
            begun = time.perf_counter()
            file.read(4096)
            took.append(time.perf_counter() - begun)
    return took

def evicts(path):
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return "done"

def send_atime(path):
    open(path, "rb").read(1)

def receive_atime(path):
    return os.stat(path).st_atime_ns // 1000

def works(value):
    end = time.process_time() + value / 50
    while time.process_time() < end:
        pass
    time.sleep(1)

def receive_clock(pid):
    return time.clock_gettime((~pid << 3) | 2)

def waits(value):
    for _ in range(value):
        threading.Thread(target=time.sleep, args=(1.5,), daemon=True).start()
    time.sleep(1.0)

def receive_threads(pid):
    return os.stat(f"/proc/{pid}/task").st_nlink - 2

def receive_procs(_):
    class Info(ctypes.Structure):
        _fields_ = [
            ("words", ctypes.c_ulong * 10),
            ("procs", ctypes.c_ushort),
            ("rest", ctypes.c_byte * 200),
        ]
    info = Info()
    if libc.sysinfo(ctypes.byref(info)) != 0:
        raise OSError(ctypes.get_errno(), "sysinfo")
    return info.procs
"""

LIMITS = Limits(wall_seconds=60, cpu_seconds=30)
TRIALS = 6


class Closed(Exception):  # noqa: N818 - what a channel is
    """An end was refused what it needs."""


@dataclass(frozen=True)
class Seen:
    """What came of a channel: how many of so many numbers were read rightly, and its bits."""

    right: int
    tried: int
    bits: float


def ask(session: ProcessSession, what: str, argument: Any = None) -> Any:
    """What a function of an end gives.

    Raises:
        Closed: it raised.
    """
    reply = session.call(Call("scale_pixels", {"x": what, "saliency": argument}), LIMITS)
    if reply.error is not None:
        words = reply.error.message.splitlines()[0][:80]
        raise Closed(f"closed: {words}" if reply.error.kind == "raised" else f"no result: {words}")
    value = reply.value
    return getattr(value, "array", value)


def ends(walls: Walls) -> ProcessSession:
    """A submission in a guest of its own."""
    return ProcessSession({"part1_focused.py": FILE.encode()}, LIMITS, walls)


def one_after_the_other(walls: Walls, sent: tuple[str, Any], received: tuple[str, Any]) -> Any:
    """What the receiver reads after the sender has ended."""
    with process.with_secrets(), closing(ends(walls)) as sender:
        ask(sender, *sent)
    with closing(ends(walls)) as receiver:
        return ask(receiver, *received)


def numbers(walls: Walls, draw: random.Random) -> Seen:
    """Process numbers: the sender starts threads until they stand at the value, of 256."""
    shifts, values = [], [draw.randrange(256) for _ in range(TRIALS)]
    for value in values:
        got = one_after_the_other(walls, ("send_numbers", value), ("receive_numbers", None))
        shifts.append((int(got) - value) % 256)
    usual = max(set(shifts), key=shifts.count)
    return Seen(shifts.count(usual), TRIALS, 8.0)


def _inodes(walls: Walls, draw: random.Random, what: str, many: int, batch: int) -> Seen:
    def read(value: int) -> int:
        with closing(ends(walls)) as before:
            first = int(ask(before, "makes", [what, batch]))
        sent = ("makes", [what, 1 + many * value])
        return int(one_after_the_other(walls, sent, ("makes", [what, batch]))) - first

    low, high = read(0), read(1)
    values = [draw.randrange(2) for _ in range(TRIALS)]
    right = sum((read(value) > (low + high) / 2) == value for value in values)
    return Seen(right, TRIALS, 1.0)


def pipes(walls: Walls, draw: random.Random) -> Seen:
    """Numbers of inodes: the sender makes 50,000 pipes, or none."""
    return _inodes(walls, draw, "new_pipe", 50_000, 1100)


def proc(walls: Walls, draw: random.Random) -> Seen:
    """The same numbers, moved by looking at 1,000 new threads in /proc, or at none."""
    return _inodes(walls, draw, "new_thread", 1_000, 40)


def _cold(least: int) -> Iterator[Path]:
    """Large files of packages, which are put out of the page cache."""
    for path in sorted(Path(sysconfig.get_path("purelib")).rglob("*.so*")):
        if path.stat().st_size > least:
            yield path


def _evict(path: Path) -> None:
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def pages(walls: Walls, draw: random.Random) -> Seen:
    """Pages of a file that nobody has read yet: the sender reads some of eight."""
    path = next(_cold(10 << 20), None)
    if path is None:
        raise Closed("no result: no large file")
    right = 0
    for _ in range(TRIALS):
        value = draw.randrange(1, 255)
        _evict(path)
        given = [str(path), value]
        took = one_after_the_other(walls, ("send_pages", given), ("receive_pages", given))
        cut = sorted(float(t) for t in took)
        middle = max(pairwise(cut), key=lambda p: p[1] / max(p[0], 1e-9))[1]
        right += sum((float(t) < middle) << bit for bit, t in enumerate(took)) == value
    return Seen(right, TRIALS, 8.0)


def evicting(walls: Walls, draw: random.Random) -> Seen:
    """Putting pages out of memory, so that they can be sent again and again."""
    path = next(_cold(10 << 20), None)
    with closing(ends(walls)) as sender:
        return Seen(int(ask(sender, "evicts", str(path)) == "done"), 1, 8.0)


def access_times(walls: Walls, draw: random.Random) -> Seen:
    """The time at which a file was last read: the sender reads it, or does not."""
    path = next(_cold(1 << 16))
    right = 0
    for _ in range(TRIALS):
        value = draw.randrange(2)
        with suppress(PermissionError):
            os.utime(path, ns=(1, path.stat().st_mtime_ns))
        what = ("send_atime", str(path)) if value else ("number", None)
        got = one_after_the_other(walls, what, ("receive_atime", str(path)))
        right += (int(got) > 1000) == value
    return Seen(right, TRIALS, 1.0)


def _live(walls: Walls, draw: random.Random, send: str, receive: str, levels: int) -> Seen:
    import threading

    def read(value: int) -> float:
        with ExitStack() as stack:
            receiver = stack.enter_context(closing(ends(walls)))
            with process.with_secrets():
                sender = stack.enter_context(closing(ends(walls)))
            pid = int(ask(sender, "number"))
            before = float(ask(receiver, receive, pid))
            at_work = threading.Thread(target=lambda: ask(sender, send, value))
            at_work.start()
            time.sleep(0.7)
            after = float(ask(receiver, receive, pid))
            at_work.join()
            return after - before

    known = [read(value) for value in range(levels)]
    values = [draw.randrange(levels) for _ in range(TRIALS)]
    right = 0
    for value in values:
        got = read(value)
        right += min(range(levels), key=lambda level: abs(known[level] - got)) == value
    return Seen(right, TRIALS, log2(levels))


def clocks(walls: Walls, draw: random.Random) -> Seen:
    """The processor time of another submission that runs at the same time."""
    return _live(walls, draw, "works", "receive_clock", 4)


def threads(walls: Walls, draw: random.Random) -> Seen:
    """How many threads another one has, in /proc."""
    return _live(walls, draw, "waits", "receive_threads", 4)


def counts(walls: Walls, draw: random.Random) -> Seen:
    """How many threads the machine has, by sysinfo."""
    return _live(walls, draw, "waits", "receive_procs", 4)


CHANNELS = (numbers, pipes, proc, pages, evicting, access_times, clocks, threads, counts)


def tried(walls: Walls, channel: Any, seed: int) -> str:
    """What came of a channel, in words."""
    try:
        seen = channel(walls, random.Random(seed))
    except Closed as error:
        return str(error)
    chance = 2.0**-seen.bits
    usual = seen.tried * chance + 2 * (seen.tried * chance * (1 - chance)) ** 0.5
    if seen.tried > 1 and seen.right <= min(max(1.0, usual), seen.tried - 1):
        return f"nothing read ({seen.right} of {seen.tried} right)"
    return f"OPEN, {seen.bits:g} bits at a time ({seen.right} of {seen.tried} right)"


def main() -> int:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="WORD", help="channels of such a name")
    parser.add_argument("--seed", type=int, default=0, help="of the numbers that are sent")
    arguments = parser.parse_args()
    offers = [offer(mode) for mode in MODES]
    print("| channel | what it tries |", " | ".join(MODES), "|")
    print("|---" * (2 + len(MODES)) + "|")
    for channel in CHANNELS:
        if arguments.only not in channel.__name__:
            continue
        cells = [
            tried(found.walls, channel, arguments.seed) if found.walls else found.why
            for found in offers
        ]
        about = (channel.__doc__ or "").strip()
        print("|", channel.__name__, "|", about, "|", " | ".join(cells), "|", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
