"""What a group handed in is graded once: each member gets the outcomes, and marks of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grader.errors import Unwritten
from grader.grading import results
from grader.grading.reuse import Planned
from grader.records import Submission
from grader.report.writers import handed_in
from grader.submissions.found import together

__all__ = ["give", "members"]


def members(
    submissions: Sequence[Submission], plans: Mapping[str, Planned]
) -> dict[str, list[Submission]]:
    """Who has the outcomes of whom, by the id of the one member that is graded.

    Only members of whom nothing is kept are among them; an earlier outcome is never replaced so.

    Args:
        submissions: that are graded now.
        plans: what is run of each, by id.
    """
    found: dict[str, list[Submission]] = {}
    taken: set[str] = set()
    new = [one for one in submissions if not plans[one.id].kept and one.files and not one.question]
    for place, one in enumerate(new):
        if one.id in taken:
            continue
        found[one.id] = [
            other
            for other in new[place + 1 :]
            if other.id not in taken and other.digest == one.digest and together(one, other)
        ]
        taken.update(other.id for other in found[one.id])
    return {key: others for key, others in found.items() if others}


def give(graded: Submission, member: Submission, out: Path) -> bool:
    """Write the outcomes of one member for another; whether there are any.

    Args:
        graded: the one who was graded.
        member: the other.
        out: the folder of all results.

    Raises:
        Unwritten: the result cannot be written.
    """
    try:
        kept = results.read(out / graded.id / results.FILE)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    try:
        handed_in.write(out / member.id, member.files)
        results.write(out / member.id, replace(kept, submission=member))
    except OSError as error:
        raise Unwritten(*error.args) from None
    return True
