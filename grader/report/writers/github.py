"""What GitHub takes besides the summary: annotations.

They are commands that the runner reads from the log; everything in them is escaped as it
asks for, so that no word of a submission is a command of its own.
"""

from __future__ import annotations

from grader.records import Status
from grader.report import labels
from grader.report.analysis.fix_first import Advice, to_win
from grader.report.analysis.source_lines import Place, to_mark
from grader.report.deliver import ForStudent
from grader.text import one_line, printable

__all__ = ["commands"]


def commands(told: ForStudent, folder: str = "") -> list[str]:
    """Annotations: commands that mark lines of the student's own, what to fix first leading.

    ``folder`` is the submission's in the repository.
    """
    return [_command(*marked) for marked in to_mark(told.report, folder)]


def _command(advice: Advice, place: Place) -> str:
    kind = "warning" if advice.outcome.status is Status.PARTIAL else "error"
    feedback = advice.outcome.feedback
    lines = [
        feedback.message or labels.WORDS[advice.outcome.status],
        f"expected: {feedback.expected}" if feedback.expected else "",
        f"got: {feedback.actual}" if feedback.actual else "",
        feedback.diagnosis or feedback.hint,
    ]
    words = "\n".join(one_line(line, 400) for line in lines if line)
    title = f"{advice.check.function}: {advice.check.title} ({to_win(advice)})"
    properties = {"file": place.file, "line": str(place.line), "title": title}
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {named}::{_data(words)}"


def _data(text: str) -> str:
    text = printable(text)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text, 400)).replace(":", "%3A").replace(",", "%2C")
