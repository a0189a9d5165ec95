"""CI's own files are right: ours and those of the students' template, by linters and by rule."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_quality import COMMANDS

import wheel_contents
from grader.homework import contract
from grading import ROOT

BIN = Path(sys.executable).parent
TEMPLATE = ROOT / "student_template"
OURS, STUDENTS = ROOT / ".github/workflows/tests.yml", TEMPLATE / ".github/workflows/hw3.yml"
WHEEL, WEEKLY = ROOT / ".github/workflows/wheel.yml", ROOT / ".github/workflows/weekly.yml"
GITHUB, GITLAB = [OURS, STUDENTS, WHEEL, WEEKLY], TEMPLATE / ".gitlab-ci.yml"
CHECKOUT = "actions/checkout@fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09"
DEPENDABOT, HOOKS = ROOT / ".github/dependabot.yml", ROOT / ".pre-commit-config.yaml"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def said(command, *arguments):
    """What a linter says against a file; nothing, where it is content."""
    done = subprocess.run(
        [BIN / command, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8"
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def schema(file):
    if file.name == ".gitlab-ci.yml":
        kind = ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    elif file.name == "dependabot.yml":
        kind = ["vendor.dependabot"]
    else:
        kind = ["vendor.github-workflows"]
    return said("check-jsonschema", "--builtin-schema", *kind, file)


def audit(file):
    return said("zizmor", "--offline", "--no-progress", file)


def read(file):
    return yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)


def steps(file):
    return [step for job in read(file)["jobs"].values() for step in job["steps"]]


def test_what_other_runs_leave_out_runs_every_week():
    options = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert """addopts = "-ra --strict-markers -m 'not weekly'\"""" in options
    (command,) = re.findall(r"- (python -m pytest .*)", WEEKLY.read_text(encoding="utf-8"))
    assert ' -m ""' in command


def test_every_workflow_is_looked_at():
    folders = (ROOT, ROOT / "student_template")
    found = [file for folder in folders for file in folder.glob(".github/workflows/*")]
    assert sorted(found) == sorted(GITHUB)


@pytest.mark.parametrize("file", [*GITHUB, GITLAB, DEPENDABOT], ids=lambda f: f.name)
def test_it_is_what_its_system_reads(file):
    assert schema(file) == ""


@pytest.mark.parametrize("file", [*GITHUB, DEPENDABOT], ids=lambda f: f.name)
def test_it_gives_nothing_away(file):
    assert audit(file) == ""


def broken(file, folder, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    made = folder / ".github" / "workflows" / file.name
    made = folder / file.name if file == GITLAB else made
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(text.replace(old, new), encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("linter", "file", "old", "new", "words"),
    [
        (schema, STUDENTS, "timeout-minutes: 40", "timeout-minutes: soon", "timeout-minutes"),
        (schema, OURS, "runs-on:", "run-on:", "run-on"),
        (schema, GITLAB, "when: always", "when: whenever", "whenever"),
        (schema, DEPENDABOT, "interval: weekly", "interval: often", "often"),
        (audit, WEEKLY, '"$COMMAND"', "${{ github.head_ref }}", "template-injection"),
        (audit, STUDENTS, "  pull_request:", "  pull_request_target:", "dangerous-triggers"),
        (audit, STUDENTS, "persist-credentials: false", "clean: true", "artipacked"),
        (audit, STUDENTS, CHECKOUT, "actions/checkout@v5", "unpinned-uses"),
        (audit, OURS, "bash .ci/run", "echo ${{ github.head_ref }}", "template-injection"),
    ],
)
def test_a_broken_one_is_seen(tmp_path, linter, file, old, new, words):
    assert words in linter(broken(file, tmp_path, old, new))


@pytest.mark.parametrize("file", GITHUB, ids=lambda f: f.name)
def test_actions_are_named_by_commit_alike_in_every_workflow(file):
    """A tag can be moved to other code; a commit cannot.  Its version is said for people."""
    pattern = r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$"
    text = file.read_text(encoding="utf-8")
    pinned = re.findall(pattern, text, re.MULTILINE)
    assert len(pinned) == text.count("uses:") > 0
    everywhere = "".join(other.read_text(encoding="utf-8") for other in GITHUB)
    assert len(set(re.findall(pattern, everywhere, re.MULTILINE))) == 3


@pytest.mark.parametrize("file", GITHUB, ids=lambda f: f.name)
def test_it_can_only_read_and_ends(file):
    document = read(file)
    scheduled = file == WEEKLY
    events = {"schedule", "workflow_dispatch"} if scheduled else {"push", "pull_request"}
    assert set(document["on"]) == events
    assert document["permissions"] == {"contents": "read"}
    assert document["concurrency"]["cancel-in-progress"] == "true"
    for job in document["jobs"].values():
        assert "permissions" not in job
        assert int(job["timeout-minutes"]) <= (350 if scheduled else 90)  # GitHub stops at 360
    assert "secrets." not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", GITHUB, ids=lambda f: f.name)
def test_it_installs_from_a_cache(file):
    (python,) = [s for s in steps(file) if s.get("uses", "").startswith("actions/setup-python")]
    assert python["with"]["cache"] == "pip"


def test_students_results_are_kept_whatever_they_are():
    (kept,) = [s for s in steps(STUDENTS) if "upload-artifact" in s.get("uses", "")]
    assert kept["if"] == "always()"
    assert kept["with"]["path"].split() == ["report.html", "hw3.xml"]
    artifacts = read(GITLAB)["hw3"]["artifacts"]
    assert artifacts["when"] == "always"
    assert set(artifacts["reports"]) == {"junit", "codequality"}


def test_both_systems_install_and_check_alike():
    job = read(GITLAB)["hw3"]
    runs = "\n".join(step["run"] for step in steps(STUDENTS) if "run" in step)
    assert [line for line in runs.split("\n") if line] == job["before_script"] + job["script"]


def test_the_template_s_torch_is_the_grader_s():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    asked = re.findall(r'"(torch(?:vision)?>=[^"]+)"', GITLAB.read_text(encoding="utf-8"))
    assert asked == re.findall(r'"(torch(?:vision)?>=[^"]+)"', project)


def test_ours_runs_on_every_system_with_the_oldest_and_the_newest_python():
    matrix = read(OURS)["jobs"]["tests"]["strategy"]["matrix"]
    assert [name.split("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">={matrix["python"][0]}"' in project


def test_ours_calls_the_readme_s_test_command():
    """On Windows word for word; elsewhere ``.ci/run`` takes it out of the README."""
    runs = [step["run"] for step in steps(OURS) if "run" in step]
    assert "bash .ci/run" in runs
    form = README.partition("<!-- the tests on Windows -->")[2].split("```")[1].strip().split("\n")
    wanted = [form[0].replace("py -m", "python -m"), *form[-2:]]
    assert wanted in [[line.strip() for line in run.strip().split("\n")] for run in runs]


def test_windows_gets_the_readme_s_commands_in_its_form():
    form = README.partition("<!-- the tests on Windows -->")[2].split("```")[1].strip().split("\n")
    blocks = [
        README.partition(f"<!-- the {n} -->")[2].split("```")[1] for n in ("samples", "tests")
    ]
    unix = [line for block in blocks for line in block.strip().split("\n")]
    unix = list(dict.fromkeys(unix))
    as_unix = [
        line.replace("py -m", "python3 -m")
        .replace(".venv\\Scripts\\", ".venv/bin/")
        .replace('".[test]"', "'.[test]'")
        .replace(" --sandbox none", "")
        for line in form
    ]
    assert as_unix == unix


def test_each_week_the_whole_audit_the_fuzzers_and_the_benchmarks_run():
    (job,) = read(WEEKLY)["jobs"].values()
    commands = job["strategy"]["matrix"]["command"]
    # Of an optional part, ``tests/checks/test_warmup.py`` grades mistakes and honest variants.
    audits = {f"hw3 audit --part {part.id}" for part in contract.PARTS if not part.optional}
    assert audits <= set(commands)
    assert "'.[photos]'" in " ".join(step.get("run", "") for step in job["steps"])
    scripts = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests/benchmarks").glob("*.py")
        if "\nif __name__ ==" in path.read_text(encoding="utf-8")
    }
    assert len(scripts) > 10
    assert scripts <= set(re.findall(r"tests/benchmarks/\w+\.py", " ".join(commands)))
    last = job["steps"][-1]
    assert last["env"]["COMMAND"] == "${{ matrix.command }}"
    assert '"$COMMAND"' in last["run"]


def test_the_hooks_are_the_tests_of_quality():
    (local,) = read(HOOKS)["repos"]
    hooks = {hook["id"]: hook for hook in local["hooks"]}
    assert set(hooks) == {"ruff", "ruff-format", "mypy", "shellcheck"}
    shell = hooks.pop("shellcheck")
    # What the environment has, so that there is one version of each tool.
    assert {hook["language"] for hook in hooks.values()} == {"system"}
    tools = {" ".join(word for word in c if word[0] not in "-.") for c in COMMANDS.values()}
    assert {hook["entry"].partition(" --")[0] for hook in hooks.values()} < tools
    assert re.search(shell["files"], ".ci/run")


@pytest.mark.parametrize("name", ["reference/__init__.py", "tests/a.py", "grader/entry/hw3_cli.py"])
def test_a_wheel_with_what_it_must_not_hold_is_seen(name):
    right = [*wheel_contents.NEEDED, "hw3_grader-1.dist-info/RECORD"]
    assert wheel_contents.problems(right) == []
    assert any(name.split("/")[0] in words for words in wheel_contents.problems([*right, name]))


@pytest.mark.parametrize("name", sorted(wheel_contents.NEEDED))
def test_a_wheel_without_a_file_is_seen(name):
    words = wheel_contents.problems(wheel_contents.NEEDED - {name})
    assert words == [f"{name} is missing"]


def test_the_wheel_is_looked_into_and_used():
    runs = [step["run"] for step in steps(WHEEL) if "run" in step]
    assert "python tests/wheel_contents.py dist" in runs
    assert "hw3 doctor" in runs[-1]
