"""``notes.toml`` in a folder of results: what an instructor says to everybody who met a mistake.

::

    [[note]]
    check = "class_influence.averages_over_rows"   # or a function, for all of its checks
    diagnosis = "not averaged"                     # optional: words of its diagnosis or message
    text = "See the forum: the mean is over rows, not over features."
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.errors import BadSource
from grader.grading.assignment_toml import nearest
from grader.records import Check, Outcome, Report, Status
from grader.text import one_line, shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["FILE", "FROM", "Note", "applied", "read"]

FILE = "notes.toml"

FROM = "Your instructor says: "
"""In front of a note that is shown beside no check, because its check is hidden."""

_KEYS = ("check", "diagnosis", "text")


@dataclass(frozen=True)
class Note:
    """A text for everybody whose check did not pass, and of whom these words are said."""

    check: str
    text: str
    diagnosis: str = ""

    def meets(self, check: Check, outcome: Outcome) -> bool:
        """Whether it is meant for how a check ended."""
        if self.check not in (check.id, check.function):
            return False
        if outcome.status in (Status.PASSED, Status.BLOCKED, Status.INVALID):
            return False
        said = f"{outcome.feedback.diagnosis} {outcome.feedback.message}"
        return " ".join(self.diagnosis.casefold().split()) in " ".join(said.casefold().split())


def read(out: Path, checks: Sequence[Check]) -> tuple[Note, ...]:
    """The notes of a folder of results; none where there is no such file.

    Args:
        out: the folder.
        checks: of the assignment, one of which each note is about.

    Raises:
        BadSource: what is wrong with the file, where, and what to do.
    """
    path = out / FILE
    where = shown(str(path), 1000)
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BadSource(f"{where} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BadSource(f"{where} is not text in UTF-8; save it so") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSource(f"{where} is not TOML: {error}") from None
    entries = document.pop("note", [])
    if document or not isinstance(entries, list):
        raise BadSource(f"{where} must hold notes alone, each below a line [[note]]")
    names = {name for check in checks for name in (check.id, check.function)}
    return tuple(_note(entry, n, where, names) for n, entry in enumerate(entries, 1))


def _note(entry: Any, number: int, where: str, names: set[str]) -> Note:
    of = f"{where}, note {number}"
    if not isinstance(entry, dict):
        raise BadSource(f"{of}: put [[note]] above it, and check and text below")
    for key, value in entry.items():
        if key not in _KEYS:
            raise BadSource(f"{of} has no setting {shown(key)}; there is {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise BadSource(f"{of}: {key} must be a text in quotes (got {shown(repr(value))})")
    for key in ("check", "text"):
        if not entry.get(key, "").strip():
            raise BadSource(f"{of} has no {key}; add one")
    if entry["check"] not in names:
        near = nearest(entry["check"], sorted(names))
        raise BadSource(
            f"{of} is about {shown(entry['check'])}, which is no check or function of this "
            f"assignment{near}; `hw3 list --hidden` names them all"
        )
    return Note(entry["check"], entry["text"].strip(), entry.get("diagnosis", ""))


def applied(report: Report, notes: Sequence[Note]) -> Report:
    """The report with the notes that are meant for it.

    A note on a public check stands beside it.  One on a hidden check stands above all checks of the
    student's page, which shows no hidden check, and says nothing but its text.
    """
    if not notes:
        return report
    checks = {check.id: check for check in report.checks}
    outcomes, above = [], []
    for outcome in report.outcomes:
        check = checks[outcome.check_id]
        texts = [note.text for note in notes if note.meets(check, outcome)]
        if texts:
            told = replace(outcome.feedback, note=" ".join(dict.fromkeys(texts)))
            outcome = replace(outcome, feedback=told)
        above += texts if check.hidden else []
        outcomes.append(outcome)
    said = tuple(FROM + one_line(text, 380) for text in dict.fromkeys(above))
    submission = replace(report.submission, notes=(*report.submission.notes, *said))
    return replace(report, outcomes=tuple(outcomes), submission=submission)
