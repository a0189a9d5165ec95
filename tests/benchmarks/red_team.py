"""The attacks of ``fixtures/attacks`` and how each ends, as a table in Markdown, from a real run.

    python tests/benchmarks/red_team.py                 # all of them, in both modes, in minutes
    python tests/benchmarks/red_team.py --only memory   # those with such a name

A mode that does not work here has an empty column and its reason below the table.  The exit status
is 1 if anything ends otherwise than ``expected.toml`` says.  Needs Linux.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from attacks import ATTACKS, MODES, Attack, Targets, grade, offer, targets
from grader.records import Status
from grader.sandbox.isolation.modes import Walls


def ending(attack: Attack, walls: Walls | None, aims: Targets) -> tuple[str, bool]:
    """How it ended, in a few words, and whether that was expected."""
    if walls is None or attack.machine not in ("", platform.machine()):
        return "", True
    outcomes, _ = grade(attack, walls, aims.source(0))
    right = all(outcomes[c.id].status is attack.expected(c) for c in attack.checks)
    spent = [c for c in attack.checks if attack.expected(c) is not Status.PASSED] or attack.checks
    outcome = outcomes[spent[0].id]
    words = outcome.feedback.message.splitlines()[0][:110] if outcome.feedback.message else ""
    earned = sum(c.points * outcomes[c.id].fraction for c in attack.checks)
    possible = sum(c.points for c in attack.checks)
    verdict = outcome.status.value + (f": {words}" if words else "")
    return f"{verdict} ({earned:g} of {possible:g})" + ("" if right else " **unexpected**"), right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="attacks with it in their name")
    chosen = [a for a in ATTACKS if parser.parse_args().only in a.name]
    offers = [offer(mode) for mode in MODES]
    wrong = 0
    print("| attack | what it tries |", " | ".join(MODES), "|")
    print("|---" * (2 + len(MODES)) + "|")
    with targets() as aims:
        for attack in chosen:
            cells = []
            for found in offers:
                words, right = ending(attack, found.walls, aims)
                cells.append(words.replace("|", "\\|"))
                wrong += not right
            same = len(set(cells)) == 1
            shown = [cells[0], *("the same" if same else cell for cell in cells[1:])]
            print("|", attack.name, "|", attack.what, "|", " | ".join(shown), "|", flush=True)
    for found in offers:
        if found.walls is None:
            print(f"\n{found.mode}: {found.why}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
