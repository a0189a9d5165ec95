"""What ``hw3 check`` says while it runs: a line as each check ends, on stderr.

The report follows on stdout.  A diagnosis has to explain all wrong answers of a function, so it
comes when the last check of the function has ended.
"""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from grader.records import Check, Outcome, Status
from grader.report import labels, numbers
from grader.text import one_line

__all__ = ["Live"]

_TITLE, _DIAGNOSIS = 100, 300


class Live:
    """Prints lines, which come at once, to a terminal as well as to a pipe.

    Args:
        console: where to; a bar may move below the lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[tuple[str, str]] = set()

    def ended(self, check: Check, outcome: Outcome) -> None:
        """Say how a check ended, and what it earned if it is worth points."""
        points = ""
        if outcome.status is Status.INVALID:
            points = f"  undecided, {numbers.number(check.points)} points"
        elif check.points:
            points = f"  {numbers.points(outcome.fraction * check.points, check.points)}"
        mark = (labels.MARKS if self._can_show("✓✗◐…") else labels.PLAIN_MARKS)[outcome.status]
        self._print(f"{mark} {check.id}: {one_line(check.title, _TITLE)}{points}")

    def explained(self, check: Check, outcome: Outcome) -> None:
        """Say what is wrong with the check's function, once."""
        diagnosis = outcome.feedback.diagnosis
        if diagnosis and (check.function, diagnosis) not in self._said:
            self._said.add((check.function, diagnosis))
            self._print(f"  {check.function}: {one_line(diagnosis, _DIAGNOSIS)}")

    def _print(self, words: str) -> None:
        encoding = self._console.encoding
        shown = words.encode(encoding, "replace").decode(encoding, "replace")
        self._console.print(Text(shown), soft_wrap=True, highlight=False)
        self._console.file.flush()

    def _can_show(self, characters: str) -> bool:
        try:
            characters.encode(self._console.encoding)
        except UnicodeEncodeError:
            return False
        return True
