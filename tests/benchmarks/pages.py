"""How long the pages of a class take, and how large they are.

    python tests/benchmarks/pages.py RESULTS      # a folder that `hw3 grade` wrote
    python tests/benchmarks/pages.py RESULTS --submissions 1000
    python tests/benchmarks/pages.py RESULTS --memory 500 2000

The results of the folder are taken again and again, under other names, until there are so many
submissions: rendered are the student's and the instructor's page of each, and the page of the
class.

With ``--memory``, folders with so many results are written, in which nobody reads the same words
about a mistake as another one, and `hw3 report` makes all pages there: printed is the most memory
that its process held.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from start import HW3

from grader.gradebook.book import read_results
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.writers import html


def write_class(results: Path, out: Path, size: int) -> None:
    """Write a folder of so many results."""
    kept = [path.parent for path in sorted(results.glob("*/result.json"))]
    out.mkdir()
    shutil.copy(results / "rules.json", out)
    for number, folder in enumerate(islice(cycle(kept), size)):
        document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        about = {"id": f"s{number}", "name": f"Student {number}", "digest": f"{number}"}
        document["submission"].update(about)
        for check in document["checks"]:
            if check["status"] != "passed":
                check["feedback"]["message"] += f" Student {number}."
        (out / about["id"]).mkdir()
        text = json.dumps(document, indent=1)
        (out / about["id"] / "result.json").write_text(text, encoding="utf-8")
        if (folder / "submission.zip").is_file():
            shutil.copy(folder / "submission.zip", out / about["id"])


def print_memory(results: Path, sizes: Sequence[int]) -> None:
    """Print what `hw3 report` holds at most of classes of these sizes."""
    before = None
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="hw3-pages-") as name:
            out = Path(name, "out")
            write_class(results, out, size)
            started = subprocess.Popen([HW3, "report", out], stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(started.pid, 0)
        code = started.returncode = os.waitstatus_to_exitcode(status)
        if code not in (0, 3):
            raise RuntimeError(f"hw3 report ended with {code}")
        held, seconds = used.ru_maxrss, used.ru_utime + used.ru_stime
        more = ""
        if before:
            each = (held - before[1]) / (size - before[0])
            more = f", {each:.1f} KiB for each submission more"
        print(f"{size} results: {held / 1024:.0f} MiB, {seconds:.0f} s{more}", flush=True)
        before = size, held


def main() -> None:
    """Render, and print seconds and sizes."""
    parser = argparse.ArgumentParser(description="Time the pages of a class.")
    parser.add_argument("results", type=Path)
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--memory", type=int, nargs="+", metavar="SUBMISSIONS")
    options = parser.parse_args()
    book = read_results(options.results)
    kept = [book.full(report.submission.id) for report in book.in_order()]
    if not kept:
        parser.error(f"{options.results} holds no results: grade something first")
    if options.memory:
        print_memory(options.results, options.memory)
        return
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
