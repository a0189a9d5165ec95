"""``result.json``: how a submission's checks ended, and what each outcome depends on; no marks.

Points are computed from it when pages and tables are made (:mod:`grader.grading.marks`).  The file
is the instructor's.  Importing this module imports neither the checks nor torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from grader.errors import BadSource
from grader.records import FORMAT, Check, Outcome, Submission
from grader.report.writers.files import write_text
from grader.report.writers.results import (
    as_json,
    check_of,
    outcome_as_json,
    outcome_of,
    submission_as_json,
    submission_of,
)
from grader.text import shown

__all__ = [
    "FILE",
    "OLD_FORMAT",
    "OtherFormatError",
    "Ran",
    "Result",
    "Terms",
    "read",
    "read_all",
    "read_of",
    "write",
]

FILE = "result.json"

_OLDER = (1, 2)

OLD_FORMAT = "graded by an older version of the grader"


class OtherFormatError(ValueError):
    """A ``result.json`` that a newer version wrote."""


@dataclass(frozen=True)
class Terms:
    """What an outcome depends on beside its check; each a digest, or words that can be compared.

    ``submission`` is the digest of the files, ``code`` that of the check and of what it can import,
    ``packages`` the versions, ``walls`` whether there were any, ``limits`` those of a call, and
    ``cases`` what hidden cases are drawn from.
    """

    submission: str = ""
    code: str = ""
    packages: str = ""
    walls: str = ""
    limits: str = ""
    cases: str = ""


@dataclass(frozen=True)
class Ran:
    """A check that was run once, and how it ended.

    The check is as it was then, without its points; only that it was hidden matters.
    """

    check: Check
    outcome: Outcome
    terms: Terms
    timeouts: int = 0
    """Calls that took too long: of all checks of the function that ran with it."""
    beside: bool = False
    """Whether something took too long while other submissions ran beside it."""


@dataclass(frozen=True)
class Result:
    """What is kept of a submission: outcomes of whichever runs, by check."""

    submission: Submission
    ran: Sequence[Ran]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the last run."""
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    """Of the last run."""
    handed_in: tuple[str, ...] | None = None
    """The parts whose files were handed in; ``None`` where that is not known."""
    stale: Mapping[str, str] = field(default_factory=dict)
    """Parts whose outcomes are older than the last run and have to be graded again, and why."""
    format: int = FORMAT
    source: str = field(default="", compare=False)
    """A digest of the file that it was read from."""

    def of(self, check_id: str) -> Ran | None:
        """How a check was run, if it was."""
        return next((one for one in self.ran if one.check.id == check_id), None)


def write(folder: Path, result: Result) -> None:
    """Write ``result.json`` to a submission's folder, whole or not at all."""
    terms = list(dict.fromkeys(one.terms for one in result.ran))
    document = {
        "format": FORMAT,
        "submission": submission_as_json(result.submission),
        "checks": [_ran_as_json(one, terms.index(one.terms)) for one in result.ran],
        "terms": [asdict(one) for one in terms],
        "handed_in": result.handed_in,
        "stale": result.stale,
        "environment": result.environment,
        "sandbox": result.sandbox,
    }
    text = json.dumps(as_json(document), allow_nan=False, indent=1)
    write_text(folder / FILE, text + "\n")


def _ran_as_json(one: Ran, terms: int) -> dict[str, Any]:
    return {
        **outcome_as_json(one.check, one.outcome),
        "terms": terms,
        "timeouts": one.timeouts,
        "beside": one.beside,
    }


def read(path: Path) -> Result:
    """What :func:`write` wrote, or an older version: then nothing is known of what it depends on.

    Raises:
        OtherFormatError: a newer version of the grader wrote it.
        OSError, ValueError, KeyError, TypeError: the file is not there, or not such a file.
    """
    content = path.read_bytes()
    document = json.loads(content.decode("utf-8"))
    number = document["format"]
    if number != FORMAT and number not in _OLDER:
        raise OtherFormatError(f"it has format {number}, and this version reads up to {FORMAT}")
    names = [one.name for one in fields(Terms)]
    terms = [Terms(**{name: str(row[name]) for name in names}) for row in document.get("terms", ())]
    if number in _OLDER:
        terms = [Terms(str(document["submission"]["digest"]))]
    ran = tuple(_ran(row, terms) for row in document["checks"])
    handed_in = document.get("handed_in")
    stale = dict(document.get("stale", {}))
    if number in _OLDER:
        stale = dict.fromkeys((one.check.part for one in ran), OLD_FORMAT)
    return Result(
        submission=submission_of(document["submission"]),
        ran=ran,
        environment=dict(document["environment"]),
        sandbox=dict(document["sandbox"]),
        handed_in=None if handed_in is None else tuple(handed_in),
        stale=stale,
        format=number,
        source=hashlib.sha256(content).hexdigest(),
    )


def _ran(row: Mapping[str, Any], terms: Sequence[Terms]) -> Ran:
    of = terms[row.get("terms", 0)]
    timeouts, beside = row.get("timeouts", 0), row.get("beside", False)
    if type(timeouts) is not int or type(beside) is not bool:
        raise ValueError("it says of a check how often it took too long in no number")
    return Ran(check_of(row), outcome_of(row), of, timeouts, beside)


def read_all(out: Path, again: Collection[str] = ()) -> Iterator[Result]:
    """The results of a folder, one after the other: a large class has no room in memory for all.

    Args:
        out: the folder of all results.
        again: ids that are graded now, and whose earlier result may be damaged.

    Raises:
        BadSource: a result cannot be read, or a newer version wrote it: nobody may vanish.
    """
    for path in sorted(out.glob(f"*/{FILE}")):
        name = path.parent.name
        try:
            result = read_of(out, name)
        except _Damaged:
            if name not in again:
                raise
        else:
            yield result


class _Damaged(BadSource):
    """A ``result.json`` that is not what a grader wrote there."""


def read_of(out: Path, name: str) -> Result:
    """The result of one submission.

    Args:
        out: the folder of all results.
        name: the submission's id.

    Raises:
        BadSource: it cannot be read, or a newer version wrote it.
    """
    path = out / name / FILE
    where = shown(str(path), 1000)
    try:
        result = read(path)
        if result.submission.id != name:
            raise ValueError("it was moved")
    except OtherFormatError as error:
        raise BadSource(
            f"{where} cannot be read: {error}; use the version that wrote it, or name another "
            "folder for results"
        ) from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _Damaged(
            f"{where} is damaged ({type(error).__name__}): grade that submission again, or "
            "remove its folder"
        ) from None
    return result
