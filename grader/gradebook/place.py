"""Where results may lie: never among what was handed in, nor around it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from grader.errors import Refused
from grader.text import shown

__all__ = ["apart", "inside"]


def apart(sources: Sequence[Path], out: Path) -> None:
    """Refuse a folder of results that lies inside a source, is one, or holds one.

    The next run would grade the results of this one as a student, and hidden results would lie in
    what students may get back.

    Raises:
        Refused: it is so; the sentence says how, and names a folder that can be taken.
    """
    for source in sources:
        if not os.path.exists(source):
            continue  # whoever reads it says so
        where, there = shown(str(out), 1000), shown(str(source), 1000)
        if inside(source, out) and inside(out, source):
            how = f"{where} is SOURCE itself"
        elif inside(out, source):
            how = f"{where} lies inside SOURCE ({there})"
        elif inside(source, out):
            how = f"{where} holds SOURCE ({there})"
        else:
            continue
        above = source.resolve().parent
        raise Refused(
            f"{how}: results must not lie among submissions; name another folder for them, such as "
            f"--out {shown(str(_free(above, source)), 1000)}"
        )


def inside(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies in it, links followed; neither has to exist."""
    real = Path(os.path.realpath(path))
    target = Path(os.path.realpath(folder))
    return any(_same(above, target) for above in (real, *real.parents))


def _same(one: Path, other: Path) -> bool:
    try:  # as the file system sees it: case may not count
        return os.path.samefile(one, other)
    except OSError:
        return one == other


def _free(above: Path, source: Path) -> Path:
    """A folder beside the source, if that one holds nothing else that is graded."""
    if source.is_dir():
        return above / f"{source.resolve().name}-graded"
    return above.parent / "graded"
