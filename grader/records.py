"""Every record that the grader's modules hand to each other: frozen, standard library only.

A submission becomes outcomes, outcomes become scores, both become a report; nothing here computes
or renders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing this module imports the standard library alone
    import numpy as np

__all__ = [
    "FORMAT",
    "NOTHING_HERE",
    "Allowed",
    "Call",
    "Check",
    "Feedback",
    "Figure",
    "Limits",
    "Line",
    "NumPy",
    "Other",
    "Outcome",
    "Passes",
    "Received",
    "Reply",
    "Report",
    "Score",
    "Status",
    "StudentError",
    "Submission",
    "Written",
    "added",
]

LONG_SECONDS = 600.0
"""Wall seconds of a call's limit from which its check is a long one."""

FORMAT = 3
"""Version of ``result.json``.

1: the first one.
2: who handed it in, what became of the other files, which parts were handed in, and which results
   are older than the rest.
3: outcomes and what each depends on, and no marks: points are computed when pages are made.
   Formats 1 and 2 are still shown, and graded again.
"""


class Status(Enum):
    """How a check ended; blame is part of it: only INVALID is the grader's own fault."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    """The answer is wrong, or missing."""
    CRASHED = "crashed"
    """The student's code raised, died, overran a limit or sent garbage."""
    BLOCKED = "blocked"
    """A check that this one needs did not pass."""
    INVALID = "invalid"
    """The grader could not decide: its points are undecided, not lost."""


NOTHING_HERE = "None of"
"""How a submission's ``reason`` begins if no file of the homework was handed in."""


@dataclass(frozen=True)
class Allowed:
    """What the roster says of somebody's time, as it stands there; see ``gradebook.lateness``.

    ``extension`` is a date or a number of days, ``late_days`` how many free late days are left,
    ``received`` the time of the submission where the platform's download does not hold it.
    """

    extension: str = ""
    excused: str = ""
    late_days: str = ""
    received: str = ""


@dataclass(frozen=True)
class Submission:
    """What a student handed in: names and contents of files, which are never executed here.

    ``reason`` says in one sentence why nothing of it can be graded; it is empty for a usable
    submission.  ``question`` says why a person has to decide before it counts: until then the
    submission is undecided and never 0, whether or not there is a reason.  ``received`` is the
    platform's time (ISO 8601), ``person`` the platform's id; both may be unknown.  ``notes`` are
    sentences for the page, ``ignored`` are paths of files that were not graded, and why.
    """

    id: str
    name: str
    files: Mapping[str, bytes]
    digest: str
    received: str = ""
    reason: str = ""
    person: str = ""
    email: str = ""
    login: str = ""
    notes: tuple[str, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    question: str = ""
    allowed: Allowed = Allowed()


@dataclass(frozen=True)
class Limits:
    """What one call into a submission may take: seconds, mebibytes, kibibytes.

    Processor time is what counts, of all its threads together; the wall clock ends what waits.
    ``memory_mb`` comes on top of what the imports take.  ``total_seconds`` is for all calls of a
    submission together.
    """

    wall_seconds: float = 60.0
    cpu_seconds: float = 15.0
    load_seconds: float = 30.0
    memory_mb: int = 2048
    output_kb: int = 16
    total_seconds: float = 3600.0


@dataclass(frozen=True)
class Call:
    """A call as data: the contract's name of a function and its arguments by name.

    Arguments are JSON scalars, lists, dicts, NumPy arrays, ``Network`` specs, or other calls, whose
    values are then the arguments: a module that a function returned *is* the call that makes it.
    """

    function: str
    arguments: Mapping[str, Any]
    seed: int = 0

    @property
    def driven(self) -> str:
        """The part whose file a driver runs on: of ``drive:part/name``, or ``"gan"``."""
        return self.function.partition(":")[2].rpartition("/")[0] or "gan"


@dataclass(frozen=True)
class StudentError:
    """What went wrong inside a submission.

    ``kind`` is ``"raised"``, ``"missing"`` (not written yet), ``"load"`` (the file cannot be
    imported), ``"timeout"``, ``"memory"``, ``"died"`` or ``"garbage"``.  ``types`` are the names of
    the exception's classes, most specific first.  ``file``, ``line`` and ``code`` point at the
    student's own source where that is known.
    """

    kind: str
    message: str
    types: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    code: str = ""


@dataclass(frozen=True)
class Passes:
    """Passes through the network that a call made, a batch being one; forged where code wants."""

    forward: int = 0
    backward: int = 0


@dataclass(frozen=True)
class Reply:
    """What came back from a call: a value or an error; ``changed`` names what it left altered."""

    value: Any = None
    error: StudentError | None = None
    stdout: str = ""
    changed: tuple[str, ...] = ()
    seconds: float = 0.0
    passes: Passes = Passes()


@dataclass(frozen=True)
class Figure:
    """A picture as data: arrays with a name each, in the order in which they are shown.

    ``kind`` is ``"maps"`` (2-d arrays on one shared diverging scale around 0), ``"images"`` (each
    array is ``(n, H, W)`` in [-1, 1], one grid of grey images per array), ``"bars"`` (1-d arrays),
    ``"lines"`` (1-d arrays) or ``"points"`` ((n, 2) arrays in one plane).  Values are nested lists
    of floats, so that a report is JSON.
    """

    kind: str
    caption: str
    arrays: Mapping[str, Any]


@dataclass(frozen=True)
class Feedback:
    """What a student is told about one check, as data; words only, no markup.

    ``message`` says what was seen, ``hint`` what to look at, ``diagnosis`` which known mistake it
    is (or nothing).  ``cost`` says which function takes far more passes through the network than it
    needs, whether or not the check passed.  ``tried`` says in one line what was called.
    ``counterexample`` is Python code that can be pasted.  ``where`` is the student's own
    ``file:line: source`` where it raised; ``stdout`` what the student's code printed.  ``details``
    is for the instructor: a traceback of the grader itself.  ``note`` is what an instructor says to
    everybody who met this; it is added when pages are made.
    """

    message: str = ""
    hint: str = ""
    diagnosis: str = ""
    cost: str = ""
    tried: str = ""
    expected: str = ""
    actual: str = ""
    counterexample: str = ""
    where: str = ""
    stdout: str = ""
    details: str = ""
    note: str = ""
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing that is graded: ``run(student)`` returns when it holds and raises when not."""

    id: str
    part: str
    function: str
    title: str
    points: float
    hidden: bool
    needs: tuple[str, ...]
    limits: Limits | None
    run: Callable[[Any], Feedback | None] = field(repr=False, compare=False)
    about: str = ""
    """What it tries and what to look at, for a student: the rest of the check's docstring."""
    causes: tuple[str, ...] = ()
    """Checks whose failure may be the reason of this one's, the likeliest first."""

    @property
    def long(self) -> bool:
        """Whether it may take minutes, as trainings do: ``--quick`` leaves it out."""
        return self.limits is not None and self.limits.wall_seconds >= LONG_SECONDS


@dataclass(frozen=True)
class Outcome:
    """How one check ended.  ``fraction`` in [0, 1] is the share of its points that were earned."""

    check_id: str
    status: Status
    fraction: float
    feedback: Feedback
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction <= 1.0:
            raise ValueError(f"fraction of {self.check_id} must be in [0, 1] (got {self.fraction})")
        if (self.status is Status.PASSED) != (self.fraction == 1.0):
            raise ValueError(f"{self.check_id}: {self.status.value} with fraction {self.fraction}")


def added(points: Iterable[float]) -> float:
    """The sum of points as on paper: 0.1 and 0.2 are 0.3."""
    return float(sum((Decimal(repr(float(one))) for one in points if one), Decimal()))


@dataclass(frozen=True)
class Score:
    """Points earned, points possible, and points that the grader could not decide."""

    earned: float = 0.0
    possible: float = 0.0
    undecided: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(
            added((self.earned, other.earned)),
            added((self.possible, other.possible)),
            added((self.undecided, other.undecided)),
        )


@dataclass(frozen=True)
class Line:
    """A line of marks beside the parts: what is taken off for lateness, or what a person gives.

    ``score`` is added to the parts' sum; ``earned`` may be negative.  ``title`` and ``why`` are
    shown to the student.  ``id`` names the kind: it stands in tables and in the history of marks.
    """

    id: str
    title: str
    score: Score
    why: str = ""


@dataclass(frozen=True)
class Written:
    """A question that a person marks, what a student wrote, and what the person made of it.

    ``prompt``, ``answer`` and ``comment`` are Markdown; ``items`` are those of the rubric that
    apply, each with its price.  Until there is a mark, the question's points are undecided.
    """

    id: str
    title: str
    score: Score
    prompt: str = ""
    part: str = ""
    answer: str = ""
    items: tuple[tuple[str, float], ...] = ()
    comment: str = ""

    @property
    def marked(self) -> bool:
        """Whether a person has given a mark."""
        return not self.score.undecided


@dataclass(frozen=True)
class Report:
    """Everything that a renderer needs: the submission, outcomes beside their checks, scores."""

    submission: Submission
    checks: Sequence[Check]
    outcomes: Sequence[Outcome]
    scores: Mapping[str, Score]
    """By part id, in the order of the homework; a part that was not graded is missing."""
    environment: Mapping[str, str] = field(default_factory=dict)
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    withheld: float = 0.0
    """Points of hidden checks that were taken out for the reader (``report.redact``)."""
    left_out: int = 0
    """Checks that were not asked for, or not reached: without them nothing is complete."""
    handed_in: tuple[str, ...] | None = None
    """The parts whose files were handed in; ``None`` where that is not known."""
    stale: Mapping[str, str] = field(default_factory=dict)
    """Parts whose outcomes are older than the rest and have to be graded again, and why."""
    written: Sequence[Written] = ()
    """Questions that a person marks."""
    lines: Sequence[Line] = ()
    """What is added to the parts' sum, or taken off; never inside a part's score."""
    format: int = FORMAT

    @property
    def unmarked(self) -> float:
        """Points of written answers that no person has marked yet; undecided, as others are."""
        return added(one.score.undecided for one in self.written)

    @property
    def undecided(self) -> float:
        """Points that the grader could not decide, without those that wait for a person's mark."""
        return added([self.total.undecided, -self.unmarked])

    @property
    def total(self) -> Score:
        """The sum over the parts, and the lines beside them."""
        return sum((line.score for line in self.lines), sum(self.scores.values(), Score()))


@dataclass(frozen=True)
class NumPy:
    """An argument that is handed over as a NumPy array instead of a tensor."""

    array: np.ndarray


@dataclass(frozen=True)
class Received:
    """An array that a guest sent: its values, and its origin and its dtype's name there.

    ``origin`` is ``"tensor"``, ``"array"`` or ``"list"``.
    """

    array: np.ndarray
    origin: str
    dtype: str


@dataclass(frozen=True)
class Other:
    """Something that cannot be sent as a value.

    ``kind`` is ``"module"`` (``name`` is its class), ``"value"`` (``name`` is its type) or
    ``"words"`` (``name`` says what it is: "a tensor too large to be sent").
    """

    kind: str
    name: str
