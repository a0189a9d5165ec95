"""What a submission's code looks like without its names, layout and comments.

copydetect does the work: it replaces names by single letters and takes every run of
:data:`RUN` characters of what is left (winnowing: Schleimer, Wilkerson, Aiken 2003; here each
window holds one run, so that the answer is the same every time).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.errors import BadMachine

__all__ = ["RUN", "Fingerprint", "fingerprint", "hit_lines"]

RUN = 20
"""Characters in a run; a name is one of them."""


_LONGEST = 200_000
"""Characters of a file that are looked at."""


@dataclass(frozen=True)
class Fingerprint:
    """The runs of a submission.

    Args:
        files: what copydetect knows of each file, by name.
        runs: hashes of all runs; they are comparable within this process only.
    """

    files: Mapping[str, Any]
    runs: frozenset[int]


def fingerprint(files: Mapping[str, bytes]) -> Fingerprint:
    """The runs of the Python files of a submission.

    Args:
        files: contents by name; other files are left out.

    Raises:
        BadMachine: copydetect is not installed.
    """
    made = {name: _of(name, text) for name, text in _sources(files)}
    runs = frozenset(run for one in made.values() for run in one.hashes)
    return Fingerprint(made, runs)


def hit_lines(of: Fingerprint, runs: Collection[int]) -> dict[str, list[int]]:
    """The lines, from 1, on which some runs stand, by file; files without any are left out."""
    found = {}
    for name, one in of.files.items():
        places = sorted({at for run in runs if run in one.hashes for at in one.hash_idx[run]})
        if places:
            found[name] = _lines(one, places)
    return found


def _sources(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    for name, content in sorted(files.items()):
        if name.endswith(".py"):
            text = content.decode("utf-8-sig", "replace")
            yield name, text.replace("\r\n", "\n").replace("\r", "\n")[:_LONGEST]


def _of(name: str, text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import copydetect
    except ModuleNotFoundError as error:
        raise BadMachine(
            f"{error.name} is not installed here: pip install 'hw3-grader[similar]', or in a "
            "checkout pip install -e '.[similar]'"
        ) from None
    return copydetect.CodeFingerprint(name, RUN, 1, language="python", fp=io.StringIO(text))


def _lines(one: Any, places: list[int]) -> list[int]:
    """The lines of the file that the runs at these places of the filtered code cover."""
    # copydetect's reader drops empty lines at the top of a file.
    dropped = len(one.raw_code) - len(one.raw_code.lstrip("\n"))
    starts = np.array(places)
    first, last = (_in_file(one, at) + dropped for at in (starts, starts + RUN - 1))
    breaks = np.flatnonzero(np.frombuffer(one.raw_code.encode("utf-32-le"), np.uint32) == ord("\n"))
    ends = zip(np.searchsorted(breaks, first), np.searchsorted(breaks, last), strict=True)
    count = len(breaks) + 1
    covered = {
        line + 1 for low, high in ends for line in range(int(low), min(int(high), count - 1) + 1)
    }
    return sorted(covered)


def _in_file(one: Any, at: Any) -> Any:
    """Positions of filtered code in the file, found as copydetect's own report finds them."""
    if not len(one.offsets):
        return at
    nearest = np.clip(np.searchsorted(one.offsets[:, 0], at), 0, len(one.offsets) - 1)
    # What is left out before a place never falls; copydetect 0.5 forgets it at a class's name.
    return at + np.maximum.accumulate(one.offsets[:, 1])[nearest]
