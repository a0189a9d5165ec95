"""How long a browser takes to open the page of a very large class, and to find a name in it.

    python tests/benchmarks/class_page.py                       # of 10,000 and of 100,000
    python tests/benchmarks/class_page.py --submissions 100000

The class is made up: names, points and what is wrong differ from one to the next.  Chromium, by
Playwright, opens the page three times.  It is open when it has loaded and drawn what fits the
screen; a name is found when its row is drawn after the last letter was typed.  Figures are medians
of wall time, so other work on the machine counts; in brackets, and for making the page, are the
seconds of processor time, which for the browser are those of all its processes.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from start import of_tree  # noqa: E402

from browser import NAMES, QUIET  # noqa: E402 - from the tests
from grader.grading.scoring import scores  # noqa: E402
from grader.homework import contract  # noqa: E402
from grader.records import Check, Feedback, Outcome, Report, Status, Submission  # noqa: E402
from grader.report.deliver import ForInstructor  # noqa: E402
from grader.report.writers import html  # noqa: E402

TURNS = 3
FIRST = ("Ada", "Bob", "Chidi", "Dana", "Eve", "Fatima", "Grace", "Hiro", "Ines", "Jörg")
LAST = ("Lovelace", "Okafor", "Nguyen", "Martínez", "Schmidt", "Suzuki", "Novak", "Haddad")

DRAWN = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"

OPENED = f"async () => {{ {DRAWN} return performance.now(); }}"
"""Milliseconds from the start of the navigation until what has loaded is drawn."""

FOUND = f"""async (name) => {{
  const box = document.querySelector("#find input");
  const started = performance.now();
  box.value = name;
  box.dispatchEvent(new Event("input", {{ bubbles: true }}));
  {DRAWN}
  const taken = performance.now() - started;
  const rows = [...document.querySelectorAll("#submissions tbody tr")];
  const shown = rows.filter((row) => row.innerText.includes(name) && row.offsetHeight);
  return [taken, shown.length];
}}"""
"""Milliseconds from the last letter until the rows are drawn, and how many show the name."""


def made_up(submissions: int) -> list[Report]:
    """A class."""
    drawn = random.Random(0)
    functions = list(contract.FUNCTIONS.values())[:12]
    checks = [
        Check(f"{one.name}.a", one.part, one.name, f"Of {one.name}", 3.0, False, (), None, print)
        for one in functions
    ]
    shares = {Status.PASSED: 1.0, Status.PARTIAL: 0.5, Status.FAILED: 0.0, Status.INVALID: 0.0}
    kinds = []
    for _ in range(50):
        ended = drawn.choices(list(shares), (6, 2, 3, 1), k=len(checks))
        outcomes = [
            Outcome(check.id, status, shares[status], Feedback(message="It is twice too large."))
            for check, status in zip(checks, ended, strict=True)
        ]
        about = Submission("", "", {}, "", "2026-03-02 21:14")
        walls = {"mode": "bubblewrap", "unsandboxed": False}
        of_parts = scores(checks, outcomes)
        kinds.append(Report(about, tuple(checks), tuple(outcomes), of_parts, {}, walls))
    reports = []
    for number in range(submissions):
        kind = kinds[number % len(kinds)]
        name = f"{drawn.choice(FIRST)} {drawn.choice(LAST)} {number}"
        about = replace(kind.submission, id=f"s{number:06}", name=name, digest=f"{number}")
        reports.append(replace(kind, submission=about))
    return reports


def measured(page: Path, wanted: Sequence[str]) -> list[list[float]]:
    """Seconds to open the page and to find each name in it: on the wall, and of the processor."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, NAMES)))
    opened: list[list[float]] = [[], []]
    found: list[list[float]] = [[], []]
    with sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        for _ in range(TURNS):
            context = browser.new_context()
            tab = context.new_page()
            before = of_tree(os.getpid())
            tab.goto(page.as_uri(), wait_until="load")
            opened[0].append(tab.evaluate(OPENED) / 1000)
            opened[1].append(of_tree(os.getpid()) - before)
            for name in wanted:
                before = of_tree(os.getpid())
                taken, rows = tab.evaluate(FOUND, name)
                found[1].append(of_tree(os.getpid()) - before)
                assert rows == 1, f"{name} stands in {rows} rows"
                found[0].append(taken / 1000)
            context.close()
        browser.close()
    return [*opened, *found]


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = [10_000, 100_000]
    parser.add_argument("--submissions", type=int, nargs="+", default=sizes)
    if not any(map(shutil.which, NAMES)):
        parser.exit(2, f"there is no browser: none of {', '.join(NAMES)} is installed\n")
    for size in parser.parse_args().submissions:
        reports = made_up(size)
        with tempfile.TemporaryDirectory(prefix="hw3-page-") as folder:
            page = Path(folder, "index.html")
            started = time.process_time()
            page.write_text(html.index_page([*map(ForInstructor, reports)]), encoding="utf-8")
            made = time.process_time() - started
            wanted = [reports[at].submission.name for at in (0, size // 2, size - 1)]
            opened, busy, found, busy_finding = map(statistics.median, measured(page, wanted))
            size_of_page = page.stat().st_size / 2**20
        print(
            f"{size:7} submissions: {size_of_page:.1f} MiB, made in {made:.1f} s; opens in "
            f"{opened:.2f} s ({busy:.2f}), finds a name in {found:.3f} s ({busy_finding:.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
