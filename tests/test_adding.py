"""Adding a function is a small step: the README's five files, in a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

from grading import ROOT

README = (ROOT / "grader" / "README.md").read_text(encoding="utf-8")
GRADED = """
import json, pathlib
from grader import layout
from grader.checks.framework import registry
from grader.grading import engine
from grader.sandbox.host.session import InProcessSession

checks = [check for check in registry.load() if check.function == "conductance"]
reference = {p.name: p.read_bytes() for p in layout.reference().glob("[!_]*.py")}
wrong = {**reference}
part1 = reference["part1_focused.py"]
wrong["part1_focused.py"] = part1.replace(b"influence * (z[k + 1] - z[k])", b"influence / steps")
template = {"part1_focused.py": (layout.HOME / "student_template/part1_focused.py").read_bytes()}
found = {}
for name, files in (("right", reference), ("wrong", wrong), ("template", template)):
    ended = list(engine.run(checks, lambda part: InProcessSession(files)))
    told = [(o.status.value, o.feedback.message + o.feedback.diagnosis) for o in ended]
    found[name] = told
print(json.dumps(found))
"""


def block(name):
    found = re.search(rf"<!-- conductance: {name} -->\n```python\n(.*?)```", README, re.S)
    return found[1]


def steps(copy):
    """The README's steps, and the files that they touch."""
    path = copy / "grader/homework/contract.py"
    text = path.read_text("utf-8")
    entry = textwrap.indent(block("the contract").rstrip(), "    ") + ",\n"
    marker = '    _function(\n        "part2",\n        "comparative_influence('
    assert text.count(marker) == 1
    path.write_text(text.replace(marker, f"{entry}    {marker.lstrip()}"), "utf-8")
    for folder, name in (("reference", "the reference"), ("student_template", "the template")):
        path = copy / folder / "part1_focused.py"
        text = path.read_text("utf-8").rstrip() + "\n\n\n" + block(name)
        if folder == "reference":
            text = text.replace("from collections.abc", "import copy\nfrom collections.abc", 1)
            text = text.replace(
                '    "class_influence",', '    "class_influence",\n    "conductance",', 1
            )
        path.write_text(text, "utf-8")
    (copy / "grader/checks/part1/conductance.py").write_text(block("the checks"), "utf-8")


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.weekly
def test_conductance_takes_at_most_six_files_and_is_graded(tmp_path):
    copy = tmp_path / "copy"
    for folder in ("grader", "reference", "student_template"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    before = contents(copy)
    steps(copy)
    there = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}

    def python(*words):
        done = subprocess.run(
            [sys.executable, *words], cwd=copy, env=there, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    python("-m", "grader.calls.stub")
    after = contents(copy)
    touched = sorted(name for name in after if before.get(name) != after[name])
    assert len(touched) <= 6
    assert not [
        n for n in touched if n.startswith(("grader/grading", "grader/report", "grader/sandbox"))
    ]

    found = json.loads(python("-c", GRADED))
    assert [status for status, _ in found["right"]] == ["passed", "passed"]
    assert [status for status, _ in found["wrong"]] == ["failed", "failed"]
    assert "This is the influence alone" in found["wrong"][1][1]
    assert all("not written yet" in words for _, words in found["template"])
    python("-m", "mypy", "-p", "grader.checks.part1")
