"""How much of each of the reference's functions is in what students get, at the most.

``grader/release/leaks.py`` refuses above ``MOST_SHARED``.  The second table is how much of them
an honest solution of somebody else has.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.grading.weights import Assignment
from grader.release import leaks, student

ROOT = Path(__file__).parent.parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=8, help="of each table")
    rows = parser.parse_args().rows
    reference = {p.name: p.read_text("utf-8") for p in (ROOT / "reference").glob("*.py")}
    secrets = leaks.secrets_of([], [], 0, reference)
    bundle = student.made(student.package(), student._template(), Assignment())
    released = {n: d for n, d in {**bundle.files, **bundle.inside}.items() if n.endswith(".py")}
    print(f"refused above {leaks.MOST_SHARED}")
    _table("what students get", released, secrets, rows)
    twins = (ROOT / "fixtures" / "submissions" / "twin_hooks").glob("*.py")
    _table("somebody else's solution", {p.name: p.read_bytes() for p in twins}, secrets, rows)


def _table(title: str, files: dict[str, bytes], secrets: leaks.Secrets, rows: int) -> None:
    shares = [
        (share, file, name)
        for file, content in files.items()
        for name, share in (leaks.shared(content.decode("utf-8"), secrets) or {}).items()
    ]
    print(f"\n{title}: {len(files)} files, {len(secrets.bodies)} functions")
    for share, file, name in sorted(shares, reverse=True)[:rows]:
        print(f"{share:6.2f}  {name:45} {file}")


if __name__ == "__main__":
    main()
