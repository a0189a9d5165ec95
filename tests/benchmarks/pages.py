"""How long the pages of a class take, and how large they are.

    python tests/benchmarks/pages.py RESULTS      # a folder that `hw3 grade` wrote
    python tests/benchmarks/pages.py RESULTS --submissions 1000

The results of the folder are taken again and again, under other names, until there are so many
submissions: rendered are the student's and the instructor's page of each, and the page of the
class.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from grader.gradebook.book import read_results
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.writers import html


def main() -> None:
    """Render, and print seconds and sizes."""
    parser = argparse.ArgumentParser(description="Time the pages of a class.")
    parser.add_argument("results", type=Path)
    parser.add_argument("--submissions", type=int, default=1000)
    options = parser.parse_args()
    kept = read_results(options.results).in_order()
    if not kept:
        parser.error(f"{options.results} holds no results: grade something first")
    reports = [
        replace(
            report,
            submission=replace(report.submission, id=f"s{i}", name=f"Student {i}", digest=f"{i}"),
        )
        for i, report in enumerate(islice(cycle(kept), options.submissions))
    ]
    html.student_page(ForStudent(reports[0]))
    pages = {
        "student": lambda report: html.student_page(ForStudent(report)),
        "instructor": lambda report: html.instructor_page(ForInstructor(report)),
    }
    for name, page in pages.items():
        started = time.perf_counter()
        sizes = [len(page(report).encode()) for report in reports]
        seconds = time.perf_counter() - started
        print(
            f"{len(reports)} pages for the {name}: {seconds:.1f} s, "
            f"the largest {max(sizes) / 1024:.0f} KiB"
        )
    started = time.perf_counter()
    size = len(html.index_page([*map(ForInstructor, reports)]).encode())
    print(f"the class: {time.perf_counter() - started:.1f} s, {size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
