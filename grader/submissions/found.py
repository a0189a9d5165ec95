"""What reading a class gives: submissions, what was ignored, and what a person has to decide."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from grader.homework.contract import FILES
from grader.records import Allowed, Submission

__all__ = [
    "RENAMED",
    "UNCHANGED",
    "Class",
    "Question",
    "RosterPerson",
    "is_plain",
    "listed",
    "together",
]

RENAMED = "was graded as"
"""The words of a note on a file that does not have its exact name."""

UNCHANGED = "is the template, unchanged."
"""The words of a note on a file that students were given, and that is still the same."""

_TOGETHER = "Handed in "
_PLAIN = ("Commit ", "Canvas marks ", "Extension, ", "Your instructor says: ", _TOGETHER)


def is_plain(note: str) -> bool:
    """Whether a note says what is ordinary, so that nobody has to look at the submission for it."""
    return note.startswith(_PLAIN)


def together(one: Submission, other: Submission) -> bool:
    """Whether two handed in as one group."""
    return any(note.startswith(_TOGETHER) and other.name in note for note in one.notes)


@dataclass(frozen=True)
class Question:
    """What a person has to decide before a submission counts.

    ``id`` is the submission's, and for a question on one file of the homework ``id/file``; it stays
    the same from run to run.  ``found`` says in one sentence what there is, and ``options`` are the
    decisions that are understood.
    """

    id: str
    name: str
    found: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class RosterPerson:
    """One person; what the list does not say is empty."""

    id: str = ""
    name: str = ""
    email: str = ""
    login: str = ""
    group: str = ""
    allowed: Allowed = field(default_factory=Allowed)
    other_id: str = ""
    """The number that the university gave, where the platform has one of its own."""


@dataclass(frozen=True)
class Class:
    """The submissions of a class, each file of the sources accounted for.

    ``layout`` says in words what each source is, ``ignored`` are files that belong to nobody, with
    the reason.  ``absent`` are people of the roster without a submission, ``unknown`` submissions
    of people who are not on it; both are empty without a roster.  ``groups`` are the ids of what a
    group handed in: each of its members has a submission instead.
    """

    submissions: tuple[Submission, ...]
    layout: tuple[str, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    absent: tuple[RosterPerson, ...] = ()
    unknown: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    groups: tuple[str, ...] = ()

    def sum_in_words(self, wanted: Collection[str] = FILES) -> str:
        """How many there are of each kind, each submission counted once; and the ignored files.

        Args:
            wanted: the files that a complete submission has.
        """
        counts = dict.fromkeys(_KINDS, 0)
        for submission in self.submissions:
            counts[_kind(submission, wanted)] += 1
        kinds = [f"{count} {words}" for words, count in counts.items() if count]
        students = _many(len(self.submissions), "student")
        left_out = [*self.ignored, *(pair for one in self.submissions for pair in one.ignored)]
        ignored = sum(not path.endswith("/") for path, _ in left_out)  # folders of junk aside
        words = f"{students}: {', '.join(kinds)}" if kinds else students
        if ignored:
            words += f"; {_many(ignored, 'file')} ignored"
        if self.absent:
            words += f"; {len(self.absent)} on the roster without a submission"
        if self.unknown:
            words += f"; {len(self.unknown)} not on the roster"
        return words


_KINDS = (
    *("complete", "with a renamed file", "with an unchanged template"),
    *("with a part missing", "with nothing", "to look at"),
)


def _kind(submission: Submission, wanted: Collection[str]) -> str:
    if submission.question:
        return "to look at"
    if submission.reason:
        return "with nothing"
    if any(note.endswith(UNCHANGED) for note in submission.notes):
        return "with an unchanged template"
    if any(RENAMED in note for note in submission.notes):
        return "with a renamed file"
    return "complete" if set(wanted) <= set(submission.files) else "with a part missing"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def listed(words: Sequence[str], limit: int = 6) -> str:
    """Words with commas and "and"; of many, the first ones and how many more there are."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
