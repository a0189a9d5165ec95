"""The audit: what it makes, what it counts, and that a seeded sample of it finds nothing."""

import json
import textwrap
from dataclasses import replace

import pytest
from click.testing import CliRunner

from grader.audit.bank import Specimen, bank, sample
from grader.audit.mutants import mutants
from grader.audit.run import Ended, Row, examine
from grader.audit.summary import document
from grader.audit.uses import users
from grader.cli.main import main
from grader.errors import BadBank
from grader.grading import batch
from grader.homework.contract import FUNCTIONS
from grader.report.writers.audit import audit_page
from grading import CHECKS, ROOT, Inline, reference_files

SOURCE = textwrap.dedent(
    '''
    """Docstrings stay."""

    def scale(x, by: float = 2.0):
        """Of this, too."""
        if by <= 0:
            raise ValueError("by must be > 0")
        return x.detach() * by + offset(1)

    def offset(n):
        return -n

    KEPT = 3
    '''
).lstrip()


FEW = ("top_neurons", "scale_pixels")


@pytest.fixture(scope="module")
def whole():
    return bank(ROOT / "reference", ROOT / "fixtures", ["part1", "part2", "part3"])


def test_mutants_are_made_of_other_solutions_too():
    """With all their files, and only of those that the homework names."""
    folder = ROOT / "fixtures" / "cases" / "by_hand" / "classes_and_a_helper"
    made = bank(folder, None, ["part2"]).specimens
    assert {specimen.part for specimen in made} == {"part2"}
    assert all("slices.py" in specimen.files for specimen in made)


def test_mutants_change_one_place_and_compile():
    made = mutants("m.py", SOURCE)
    assert len({m.source for m in made}) == len(made) == len({m.name for m in made})
    for mutant in made:
        compile(mutant.source, "m.py", "exec")
        removed = [line for line in mutant.diff.splitlines() if line.startswith("-")]
        assert len(removed) in (1, 2)
        assert "Docstrings" not in mutant.diff
        assert '> 0")' in mutant.source or mutant.kind == "dropped"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("by <= 0", "(by < 0)"),
        ("by <= 0", "by <= 1"),
        ("by: float = 2.0", "by: float = 2.5"),
        ("x.detach() * by", "x * by"),
        ("x.detach() * by", "(x.detach() / by)"),
        ("+ offset(1)", "- offset(1)"),
        ("return -n", "return n"),
        ("KEPT = 3", "KEPT = 4"),
    ],
)
def test_mutants_of_each_kind(old, new):
    changed = [line for m in mutants("m.py", SOURCE) for line in m.diff.splitlines()]
    assert any(line.startswith("+") and new in line for line in changed), (old, new)


def test_a_guard_is_left_out():
    assert any("if by <= 0:" not in m.source for m in mutants("m.py", SOURCE))


def test_names_of_mutants_do_not_move_with_the_lines():
    before = {m.name for m in mutants("m.py", SOURCE)}
    assert before <= {m.name for m in mutants("m.py", "import math\n\n\n" + SOURCE)}


def test_users_are_followed_through_files():
    second = "import m as first\n\n\ndef top(x):\n    return first.scale(x)\n"
    found = users({"m.py": SOURCE, "n.py": second})
    assert found["m.py", "offset"] == {"offset", "scale", "top"}
    assert found["n.py", "top"] == {"top"}


def test_the_bank_is_as_large_as_it_should_be(whole):
    kinds = [s.kind for s in whole.specimens]
    everywhere = {
        s.name
        for s in whole.specimens
        if s.kind == "mutant" and all(whole.reason(s.name, f) for f in s.functions)
    }
    assert kinds.count("mutant") - len(everywhere) >= 200
    assert kinds.count("honest") >= 25
    assert kinds.count("mistake") >= 20
    assert not whole.left_out


def test_a_stale_equivalent_is_refused(tmp_path):
    (tmp_path / "equivalent_mutants.toml").write_text(
        '[[equivalent]]\nreason = "was so"\nmutants = ["part1_focused.line.gone-000000"]\n'
    )
    with pytest.raises(BadBank, match="gone-000000"):
        bank(ROOT / "reference", tmp_path)


def test_an_equivalent_of_an_optional_part_is_stale_only_where_the_part_is_audited(tmp_path):
    (tmp_path / "equivalent_mutants.toml").write_text(
        '[[equivalent]]\nreason = "was so"\nmutants = ["warmup.kmeans.gone-000000"]\n'
    )
    assert bank(ROOT / "reference", tmp_path).equivalent
    with pytest.raises(BadBank, match="gone-000000"):
        bank(ROOT / "reference", tmp_path, ["warmup"])


def test_the_bank_of_an_optional_part_has_its_mutants_mistakes_and_honest_variants():
    specimens = bank(ROOT / "reference", ROOT / "fixtures", ["warmup"]).specimens
    kinds = [one.kind for one in specimens]
    assert min(kinds.count(kind) for kind in ("mutant", "mistake", "honest")) >= 20
    assert {f for one in specimens for f in one.functions} == {
        name for name, function in FUNCTIONS.items() if function.part == "warmup"
    }


def test_a_list_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "equivalent_mutants.toml").write_text("[[equivalent")
    with pytest.raises(BadBank, match="is no TOML"):
        bank(ROOT / "reference", tmp_path)


@pytest.mark.parametrize("text", ["mutants = 3", "[mutants]", "[equivalent]\nx = 1"])
def test_a_list_of_something_else_is_refused(tmp_path, text):
    (tmp_path / "equivalent_mutants.toml").write_text(text)
    with pytest.raises(BadBank, match="may hold"):
        bank(ROOT / "reference", tmp_path)


def row(name, kind, **ended):
    ended = {f"top_neurons.{check}": Ended(*values) for check, values in ended.items()}
    return Specimen(name, kind, {}, ("top_neurons",), f"about {name}"), Row(name, ended)


def test_what_is_counted(whole):
    rows = [
        row("killed", "mutant", ranks_units=("failed", 0.0)),
        row("survivor", "mutant", ranks_units=("passed", 1.0)),
        row("honest", "honest", ranks_units=("passed", 1.0)),
        row("wronged", "honest", ranks_units=("partial", 0.5, "half")),
        row("broken", "mistake", ranks_units=("invalid", 1.0, "our fault")),
    ]
    checks = [c for c in CHECKS if c.id == "top_neurons.ranks_units"]
    found = document(whole, rows, checks, 1.0)
    assert [s["name"] for s in found["survivors"]] == ["survivor", "broken"]
    assert found["numbers"] == {
        "wrong": 3,
        "wrong_with_full_marks": 2,
        "honest": 2,
        "honest_below_full": 1,
    }
    assert not found["whole"]
    assert found["honest_below_full"] == [
        {"name": "wronged", "check": "top_neurons.ranks_units", "message": "half"}
    ]
    assert found["invalid"][0]["message"] == "our fault"
    assert found["checks"][0]["kills"] == 1
    assert json.loads(json.dumps(found)) == found
    assert "about survivor" in audit_page(found)


def test_a_mutant_that_hangs_or_ends_the_process_loses_points():
    for text in ("while True: pass", "import os; os._exit(0)"):
        source = reference_files()["part1_focused.py"].decode()
        old = 'require_index("k", k, 1, len(attribution))'
        files = {"part1_focused.py": source.replace(old, text).encode()}
        from grader.audit import run

        limits = run.LIMITS
        run.LIMITS = type(limits)(wall_seconds=0.3)
        try:
            ended = examine(Specimen("x", "mutant", files, ("top_neurons",)))
        finally:
            run.LIMITS = limits
        assert {e.status for e in ended.ended.values()} == {"crashed"}


@pytest.mark.parametrize("kind", ["mutant", "mistake", "honest"])
def test_where_survivors_alone_are_looked_for_the_first_loss_is_enough(kind):
    """Of each function of a mutant, and of a mistake; an honest submission runs all checks."""
    wrong = "".join(f"\n\ndef {name}(*_, **__):\n    return None\n" for name in FEW)
    files = {"part1_focused.py": reference_files()["part1_focused.py"] + wrong.encode()}
    row = examine(Specimen("x", kind, files, FEW), survivors=True)
    lost = {function: len(row.lost(function)) for function in FEW}
    everything = {f: sum(c.function == f for c in CHECKS) for f in FEW}
    few = {"mutant": dict.fromkeys(FEW, 1), "mistake": {FEW[0]: 1, FEW[1]: 0}}
    assert lost == few.get(kind, everything)


def test_where_survivors_alone_are_looked_for_a_right_function_runs_all_its_checks():
    row = examine(Specimen("x", "mutant", reference_files(), FEW[:1]), survivors=True)
    assert {*row.ended} == {c.id for c in CHECKS if c.function == FEW[0]}
    assert not row.lost(FEW[0])


def audit(*arguments):
    return CliRunner().invoke(main, ["audit", *map(str, arguments)])


def test_the_command_refuses_what_it_cannot_use(tmp_path):
    for arguments, words in (
        (["--part", "part9"], "there is no part"),
        (["--only", "no such thing"], "nothing in the bank"),
        (["--bank", tmp_path / "none"], "there is no folder"),
        (["--of", tmp_path / "none"], "there is no folder"),
        (["--of", tmp_path, "--bank", tmp_path], "exclude each other"),
        (["--html", tmp_path], "is a folder"),
    ):
        done = audit(*arguments, "--work", tmp_path / "work")
        assert done.exit_code == 2
        assert words in done.output
        assert "Traceback" not in done.output


@pytest.mark.parametrize("number", [2, pytest.param(8, marks=pytest.mark.weekly)])
def test_a_seeded_sample_finds_nothing(tmp_path, whole, number, monkeypatch):
    """What is drawn here is graded in full: mutants lose points, honest submissions none."""
    monkeypatch.setattr(batch, "pool", lambda workers: Inline())
    arguments = ("--only", "part", "--quick", "--sample", number, "--jobs", 1, "--work", tmp_path)
    done = audit("--part", "part1", *arguments, "--json", tmp_path / "a.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert found["graded"] == number
    assert not found["survivors"]
    assert not found["invalid"]
    assert not [e for e in found["equivalent"] if e["killed_by"]]
    lines = (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines[:-1], lines[-1][:20]]), "utf-8")
    again = audit("--part", "part1", *arguments, "--html", tmp_path / "a.html")
    assert again.exit_code == 0
    assert len((tmp_path / "rows.jsonl").read_text("utf-8").splitlines()) > number
    assert "Kill matrix" in (tmp_path / "a.html").read_text("utf-8")


@pytest.mark.parametrize("functions", [4, pytest.param(99, marks=pytest.mark.weekly)])
def test_a_seeded_sample_of_honest_submissions_keeps_every_point(whole, functions):
    honest = [s for s in whole.specimens if s.kind == "honest"]
    for drawn in sample(honest, 1, seed=1):
        specimen = replace(drawn, functions=drawn.functions[:functions])
        ended = examine(specimen, quick=True).ended
        lost = {check for check, e in ended.items() if e.status != "passed"}
        assert lost <= set(specimen.allowed), specimen.name
