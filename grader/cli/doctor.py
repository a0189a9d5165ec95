"""Whether this machine can grade: what is installed, what works, and what to repair."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from grader.errors import GuestUnusable, Vanished
from grader.grading import versions
from grader.grading.environment import copies, unusable
from grader.homework.contract import FILES
from grader.records import Call
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.probe import Offer, offers

__all__ = ["Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One fact; ``level`` is ``"good"``, ``"note"`` (works, but know this) or ``"bad"``."""

    what: str
    says: str
    level: str = "good"
    repair: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything that grading needs, the cheapest things first."""
    yield _python()
    yield Finding("hw3-grader", metadata.version("hw3-grader"))
    if several := copies():
        says = f"installed {len(several)} times ({', '.join(several)})"
        yield Finding("hw3-grader", says, "bad", "pip uninstall hw3-grader until none is left")
    if why := unusable():
        yield Finding(why.package, why.says, "bad", why.repair)
        return
    yield from _packages()
    data = _data()
    yield data
    yield _torchvision()
    if data.level == "good":
        yield from _guests()


def _python() -> Finding:
    says = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.maxsize < 2**32:
        return Finding("Python", f"{says}, 32 bit", "bad", "install a 64-bit Python")
    return Finding("Python", f"{says}, {os.cpu_count()} cores")


def _packages() -> Iterator[Finding]:
    for name in ("torch", "numpy", "hypothesis"):
        yield Finding(name, metadata.version(name))
    for words in versions.differences(versions.of_course(), versions.here()):
        yield Finding("versions", words, "note")


def _data() -> Finding:
    """What the package contains: networks, digits, and results of our own solution."""
    from grader.gan_metrics.measure import digits
    from grader.homework.networks import Network, build
    from grader.oracle.store import Values

    what = "data of the grader"
    repair = "pip install --force-reinstall --no-deps -r requirements.txt"
    try:
        digits()
        build(Network("digits"))
        Values.read()
    except Exception as error:  # damaged files raise whatever their readers do
        says = str(error) if isinstance(error, Vanished) else f"{type(error).__name__}: {error}"
        return Finding(what, says.partition(": install")[0], "bad", repair)
    return Finding(what, "all there")


def _torchvision() -> Finding:
    from grader.homework.torchvision_compat import operators_fit

    try:
        fit = operators_fit()
    except ImportError as error:
        repair = "install torch and torchvision together, in one command, from one place"
        return Finding("torchvision", str(error), "bad", repair)
    version = metadata.version("torchvision")
    if not fit:
        says = (
            f"{version}, built for another torch: 'operator torchvision::nms does not exist'.  "
            "The grader works around that, also for submissions; detection models do not work"
        )
        return Finding("torchvision", says, "note")
    return Finding("torchvision", version)


_STUDENT_CODE = "a process for student code"


def _guests() -> Iterator[Finding]:
    """Whether student code starts, and within which walls; weaker ones than work are not tried."""
    tried: list[Offer] = []
    for offer in offers():
        tried.append(offer)
        if offer.walls is not None:
            break
    works = bool(tried) and tried[-1].walls is not None
    # Where walls work, student code has started within them.
    yield Finding(_STUDENT_CODE, "starts, imports torch and answers") if works else _guest()
    yield from _walls(tried)


def _guest() -> Finding:
    what = _STUDENT_CODE
    source = b"def random_classes(num_classes, k=5, seed=0):\n    return list(range(k))\n"
    session = ProcessSession({FILES[2]: source})
    try:
        reply = session.call(Call("random_classes", {"num_classes": 9, "k": 2}))
    except GuestUnusable as error:
        return Finding(what, str(error), "bad", "see whether `python -c 'import torch'` works")
    finally:
        session.close()
    if reply.error is not None:
        return Finding(what, reply.error.message, "bad")
    return Finding(what, "starts, imports torch and answers")


def _walls(tried: Sequence[Offer]) -> Iterator[Finding]:
    works = False
    for offer in tried:
        what = f"walls, {offer.mode}"
        if offer.walls is not None:
            says = "tested, they refuse what they must: " + ", ".join(offer.walls.layers)
            yield Finding(what, says)
        else:
            level = "note" if works or offer.mode == "bubblewrap" else "bad"
            yield Finding(what, offer.why, level, offer.repair)
        works = works or offer.walls is not None
    if not works:
        says = "none: submissions would run UNSANDBOXED, with your rights; `hw3 grade` refuses"
        yield Finding(
            "walls",
            says,
            "note",
            "grade on Linux, also in a container or in WSL; for code that you trust, use --sandbox "
            "none",
        )
