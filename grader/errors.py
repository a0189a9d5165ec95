"""Every reason for which a command stops, in one tree; the text of each is one sentence.

* GraderError
  x BadInput           What somebody named cannot be used.
    · BadSource        A submission, a folder of them, or an archive.
      · Unreadable     What is damaged, too large or of no kind that is read: a person decides.
    · BadRoster        The list of the people in a class.
    · BadMarks         The table of the marks that persons give.
    · BadAssignment    An assignment.toml.
    · BadBank          The bank of submissions of ``hw3 audit``.
    · NoSubject        The image or the network that explore.py is to explain.
    · Refused          Anything else on the command line.
  x BadMachine         This machine cannot do it.
    · NoWalls          No walls work here.
    · GuestUnusable    A process for student code cannot start.
    · Unwritten        A file cannot be written.
  x BadValues          The grader's own frozen values are not as they should be.
    · Vanished         A value is missing, or the file is damaged.
    · Unfrozen         Values cannot be frozen.
  x Unreleasable       What students would get cannot be handed out.
  x Miscounted         Files of a source would be lost: a mistake in the grader.

``grader.cli.errors`` gives each its sentence and its exit status.  What a student's code does
wrong is an outcome, and none of these.
"""

from __future__ import annotations

__all__ = [
    "BadAssignment",
    "BadBank",
    "BadInput",
    "BadMachine",
    "BadMarks",
    "BadRoster",
    "BadSource",
    "BadValues",
    "GraderError",
    "GuestUnusable",
    "Miscounted",
    "NoSubject",
    "NoWalls",
    "Refused",
    "Unfrozen",
    "Unreadable",
    "Unreleasable",
    "Unwritten",
    "Vanished",
]


class GraderError(Exception):
    """The base of all; its text is one sentence that a person can act on."""


class BadInput(GraderError):
    """What somebody named cannot be used."""


class BadSource(BadInput):
    """A source that cannot be graded; the text says where, what is wrong and what to do."""


class Unreadable(BadSource):
    """What is damaged, encrypted, too large or of no kind that is read: nobody earns 0 for that."""


class BadRoster(BadInput):
    """A list of people that cannot be used; the text says what was found and what is needed."""


class BadMarks(BadInput):
    """Marks given by hand that cannot be used; the text names each row, and what to do."""


class BadAssignment(BadInput):
    """An assignment that cannot be used."""


class BadBank(BadInput):
    """Something in the audit's bank of submissions cannot be used."""


class NoSubject(BadInput):
    """An image or a network that is to be explained, and cannot be had."""


class Refused(BadInput):
    """What the command line asks for cannot be done."""


class BadMachine(GraderError):
    """This machine cannot do what is asked."""


class NoWalls(BadMachine):
    """No walls work here; the text says why, mode by mode."""


class GuestUnusable(BadMachine):
    """A guest cannot even start here: the grader's fault or the machine's, not the student's."""


class Unwritten(BadMachine, OSError):
    """A file cannot be written: the disk is full, say; arguments and attributes are OSError's.

    ``filename`` is the path that somebody named, since the error's own may be a temporary one.
    """


class BadValues(GraderError):
    """The values that the grader was frozen with are not as they should be."""


class Vanished(BadValues):
    """There is no such value: this copy of the grader is damaged, or of another version."""


class Unfrozen(BadValues):
    """Values that cannot be frozen; the text says why."""


class Unreleasable(GraderError):
    """Nothing may be handed out as it is; the text says why, and what to do."""


class Miscounted(GraderError):
    """A file of a source is accounted for twice, or not at all: a mistake in the grader."""
