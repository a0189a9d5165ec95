"""The documents say what is true: their links lead somewhere, their commands run, and the table and
the example are the code's.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from environments import HW3
from grader.cli.main import main
from grader.grading.engine import run
from grader.homework import contract
from grader.records import Status
from grader.sandbox.host.session import InProcessSession
from grading import ROOT, reference_files

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(ROOT.glob(".github/*.md")),
    *sorted(ROOT.glob("grader/**/README.md")),
    *sorted(ROOT.glob("tests/README.md")),
    *sorted(ROOT.glob("fixtures/README.md")),
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}


def block(document, marker):
    """The fenced block after a marker."""
    return TEXTS[document].partition(f"<!-- {marker} -->")[2].split("```")[1].partition("\n")[2]


def shown(text):
    """Commands that a document shows: lines of fenced blocks without a language, and code spans."""
    fenced = re.findall(r"^```\n(.*?)^```", text, re.M | re.S)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    lines = [line.strip() for part in fenced for line in part.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", rest)
    return [line for line in [*lines, *spans] if re.match(r"[\w./\\-]+ ", line)]


def plain(command):
    """A command without the folder of the environment."""
    return command.replace(".venv/bin/", "")


WORKFLOWS = {p.name: p.read_text(encoding="utf-8") for p in ROOT.glob(".github/workflows/*.yml")}
WEEKLY = yaml.safe_load(WORKFLOWS["weekly.yml"])["jobs"]["weekly"]["strategy"]["matrix"]["command"]
WEEK = [
    line
    for line in block("grader/gradebook/README.md", "the week").splitlines()
    if line.startswith(("hw3 list", "hw3 grade"))  # the others take minutes
]
PLATFORMS = ("Canvas", "Moodle", "Gradescope", "GitHub")
WALKS = [
    line
    for name in PLATFORMS
    for line in block("grader/gradebook/README.md", f"the week on {name}").splitlines()
]
"""What ``tests/gradebook/test_walks.py`` carries out, as written."""

RUN = [plain(part) for line in [*WEEKLY, *WEEK, *WALKS] for part in line.split(" && ")]
"""What a workflow runs every week, and what a test runs here."""

TOOLS = {
    # Of the README, which CI runs as it is (``tests/test_workflows.py``).
    "python3 -m venv .venv": ".ci/run",
    "pip install --quiet -e .": "README.md",
    "pip install --quiet -e '.[test]'": ".github/workflows/weekly.yml",
    "python -m pytest -n auto": ".github/workflows/tests.yml",
    'python -m pytest -n auto -m ""': ".github/workflows/weekly.yml",
    "bash .ci/run": ".github/workflows/tests.yml",
    "pre-commit run --all-files": ".github/workflows/weekly.yml",
    "pip install -r requirements.txt": "student_template/.github/workflows/hw3.yml",
    "pytest --hw3": "tests/test_pytest_plugin.py",
    "python -m grader.calls.stub": "tests/test_quality.py",
}
"""What is neither ours nor a script, and where it runs."""

COMMANDS = sorted(
    {(name, plain(command)) for name, text in TEXTS.items() for command in shown(text)}
)
HW3_COMMANDS = [pair for pair in COMMANDS if re.match("hw3 [a-zC]", pair[1])]
SCRIPTS = sorted({c for _, c in COMMANDS if re.match(r"python \S+\.py", c)})


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120
    assert {p.name for p in ROOT.glob("*.*") if not p.name.startswith(".")} <= {
        "README.md",
        "pyproject.toml",
    }


def test_every_document_is_reached_from_the_readme():
    reached, found = {"README.md"}, ["README.md"]
    while found:
        name = found.pop()
        for link in links(name):
            target = (ROOT / name).parent.joinpath(link.partition("#")[0]).resolve()
            target = target / "README.md" if target.is_dir() else target
            other = target.relative_to(ROOT.resolve()).as_posix()
            if other in TEXTS and other not in reached:
                reached.add(other)
                found.append(other)
    assert reached == set(TEXTS)


def links(name):
    found = re.findall(r"(?:\]\(|src=\")([^)\"\s]+)", TEXTS[name])
    return [link for link in found if "://" not in link]


def headings(text):
    """What a link's ``#…`` may name, as GitHub makes it."""
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name):
    for link in links(name):
        path, _, heading = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if heading:
            assert heading in headings(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("name", TEXTS)
def test_named_files_are_there(name):
    folders = "grader|reference|tests|fixtures|student_template"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", TEXTS[name])
    for path in named:
        assert (ROOT / path).exists(), path


def test_the_table_is_the_contract_s():
    rows = []
    for part in contract.PARTS:
        rows.append(f"| **{part.id}** `{part.file}` | {part.title} | {part.points:g} points |")
        for function in contract.FUNCTIONS.values():
            if function.part == part.id:
                optional = " (optional)" if function.optional else ""
                rows.append(f"| | `{function.signature}` | {function.summary}{optional} |")
    text = TEXTS["grader/homework/README.md"]
    table = text.partition("<!-- the contract -->")[2].partition("\n\n")[0].strip()
    assert table.splitlines()[2:] == rows


def test_the_readme_has_all_commands():
    rows = re.findall(r"^\| `hw3 ([a-z]+)", README, re.M)
    assert set(rows) == {name for name, of in main.commands.items() if not of.hidden}


def named(command):
    """The command of ours, or of a group of ours, and the words that follow it."""
    words = shlex.split(re.sub(r"\.\.\.|[\[\]]", "", command))[1:]
    found = main
    while words and words[0] in getattr(found, "commands", {}):
        found = found.commands[words.pop(0)]
    return found, words


@pytest.mark.parametrize(("document", "command"), HW3_COMMANDS, ids=lambda word: word)
def test_commands_take_these_options(document, command):
    found, words = named(command)
    if words == ["COMMAND", "--help"]:
        return
    assert found is not main, "there is no such command"
    found.make_parser(found.make_context(found.name, [], resilient_parsing=True)).parse_args(words)


def test_each_command_of_ours_runs():
    """Every week by a workflow, or by a test: here, or ``tests/gradebook/test_walks.py``."""
    runs = {named(command)[0].name for command in RUN if command.startswith("hw3 ")}
    shown_here = {named(c)[0].name for _, c in HW3_COMMANDS if "COMMAND" not in c}
    assert shown_here <= runs | {"export"}
    assert {"grade", "check", "list", "doctor", "audit", "freeze", "student"} <= runs
    assert {"classroom50", "gradescope"} <= runs


def test_scripts_run_every_week():
    bare = {re.search(r"python (\S+\.py)", command)[1] for command in RUN if ".py" in command}
    assert {script.split()[1] for script in SCRIPTS} <= bare
    benchmarks = {p.name for p in (ROOT / "tests" / "benchmarks").glob("*.py") if starts(p)}
    assert benchmarks == {Path(s.split()[1]).name for s in SCRIPTS if "benchmarks" in s}
    for script in SCRIPTS:
        assert (ROOT / script.split()[1]).is_file(), script


def starts(path):
    return "\nif __name__ ==" in path.read_text(encoding="utf-8")


START = """
import contextlib, os, runpy, sys
failed = []
for script in sys.argv[1:]:
    # make_digits has no options: it is left to its module's own import.
    name = "imported" if script.endswith("make_digits.py") else "__main__"
    sys.argv, sys.path[0] = [script, "--help"], os.path.dirname(script)
    try:
        runpy.run_path(script, run_name=name)
    except SystemExit as ended:
        if ended.code:
            failed.append((script, ended.code))
    except BaseException as error:
        failed.append((script, repr(error)))
print("failed:", failed)
"""


def test_scripts_start():
    """One after the other in one process, which imports torch once."""
    paths = sorted({script.split()[1] for script in SCRIPTS})
    assert len(paths) >= 3
    done = subprocess.run(
        [sys.executable, "-c", START, *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "failed: []"
    shown = done.stdout.count("usage: ")
    assert shown == sum(not script.endswith("make_digits.py") for script in paths)


def test_other_commands_run_somewhere():
    others = {
        command
        for _, command in COMMANDS
        if re.match(r"(python3?|pip|pytest|bash|pre-commit|lint-imports|mypy|ruff) ", command)
        and command not in SCRIPTS
        and "download.pytorch.org" not in command
        and command != "pre-commit install"  # asks git to call it; nothing to see
    }
    assert others <= set(TOOLS)
    for command, file in TOOLS.items():
        text = (ROOT / file).read_text(encoding="utf-8").replace('"', "'")
        (last,) = command.split()[-1:]
        assert command.replace('"', "'") in text or (
            file.startswith(("tests/", ".ci")) and last in text
        ), command


def test_the_weekly_workflow_installs_torch_as_the_readme_says():
    (command,) = {c for _, c in COMMANDS if "download.pytorch.org" in c}
    assert command in plain(WORKFLOWS["weekly.yml"])
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    asked = re.findall(r'"(torch(?:vision)?>=[^"]+)"', command)
    assert asked == re.findall(r'"(torch(?:vision)?>=[^"]+)"', project)


def test_the_samples_are_graded_every_week():
    assert plain(block("README.md", "the samples").splitlines()[-1]) in RUN


@pytest.mark.skipif(sys.platform != "linux", reason="grades without --sandbox none")
def test_the_week(tmp_path):
    """What an instructor types to see the settings and to grade, with those that the page shows."""
    assert len(WEEK) == 2
    settings = block("grader/gradebook/README.md", "the assignment")
    (tmp_path / "assignment.toml").write_text(settings, encoding="utf-8")
    folder = tmp_path / "submissions" / "ada"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "student_template" / "part2_comparative.py", folder)
    for line in WEEK:
        command, *words = shlex.split(line)
        assert command == "hw3"
        done = subprocess.run(
            [HW3, *words], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8"
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    written = {p.name for p in (tmp_path / "graded").iterdir()}
    assert written == {
        "ada",
        "class.json",
        "gradebook.csv",
        "history.csv",
        "index.html",
        "rules.json",
    }
    pages = {p.name for p in (tmp_path / "graded" / "ada").iterdir()}
    assert pages == {"report.html", "instructor.html", "result.json", "submission.zip"}


ONE_ROW = b"""
from part1_right import *

def class_influence(model, layer, xs, target, weights=None):
    return instance_influence(model, layer, xs, target)[0]
"""


def test_the_example_is_a_check():
    """It is declared as it stands, passes the reference, and fails who looks at one row only."""
    from grader.checks.framework import registry
    from grader.checks.part1 import influence

    imports = """
from grader.checks.framework.cases import cases
from grader.checks.framework.registry import for_all
"""
    source = block("grader/README.md", "the example")
    names = dict(vars(influence))
    before = dict(registry.CHECKS)
    try:
        exec(imports + source, names)
        (name,) = set(registry.CHECKS) - set(before)
        check = registry.CHECKS[name]
    finally:
        registry.CHECKS.clear()
        registry.CHECKS.update(before)
    assert not check.hidden
    asked = [before[need] for need in check.needs] + [check]

    files = reference_files()
    (right,) = _last(asked, files)
    assert right.status is Status.PASSED
    wrong = {
        **files,
        "part1_right.py": files["part1_focused.py"],
        "part1_focused.py": ONE_ROW,
    }
    (outcome,) = _last(asked, wrong)
    assert outcome.status is Status.FAILED
    assert "with the rows turned round the influence" in outcome.feedback.message.lower()


def _last(checks, files):
    return list(run(checks, lambda part: InProcessSession(files)))[-1:]
