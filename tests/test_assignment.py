"""An assignment changes points, visibility, limits and the hidden cases, and nothing by mistake."""

import json
import pickle
from collections import Counter
from fractions import Fraction

import pytest
from click.testing import CliRunner

from grader.calls.digest import key
from grader.checks.framework import registry
from grader.cli.main import main
from grader.errors import BadAssignment
from grader.gradebook import book
from grader.grading import batch, engine, terms
from grader.grading.assignment_toml import load
from grader.grading.batch import Job
from grader.grading.rules import rules_of
from grader.grading.weights import Assignment
from grader.homework.contract import PARTS
from grader.records import Limits, Submission, added
from grader.report.redact import redacted
from grader.sandbox.host.session import InProcessSession
from grader.sandbox.isolation.modes import NO_WALLS
from grading import BY_ID, CHECKS, ROOT, Inline, reference_files

PUBLIC = "evaluate.takes_zero_for_a_no"
HIDDEN = "path_influence.bends_the_line"
SEED = 90210
PART3 = (ROOT / "reference" / "part3_compression.py").read_text()


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "assignment.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def points(assignment, part=None):
    return {c.id: c.points for c in assignment.checks() if part in (None, c.part)}


def by_function(assignment):
    totals = Counter()
    for check in assignment.checks():
        totals[check.function] += Fraction(str(check.points))
    return totals


def hw3(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_without_a_file_all_is_as_declared():
    assert Assignment().checks() == CHECKS
    assert Assignment().describe()["hidden cases"] == "the default seed"
    assert {c.run for c in Assignment().checks()} == {c.run for c in CHECKS}


def test_a_file_says_it_all(written):
    read = load(
        written(
            f"""
            seed = {SEED}
            [points]
            integrated_gradients.is_complete = 2  # without quotes it is a table in a table
            "evaluate.counts_right" = 1.25
            part3 = 30
            [visibility]
            "{PUBLIC}" = "hidden"
            [limits]
            wall_seconds = 30
            output_kb = 8
            [limits."train.learns_the_digits"]
            wall_seconds = 300
            """
        )
    )
    assert read == Assignment(
        SEED,
        {"integrated_gradients.is_complete": 2, "evaluate.counts_right": 1.25, "part3": 30},
        {PUBLIC: "hidden"},
        Limits(wall_seconds=30.0, output_kb=8),
        {"train.learns_the_digits": {"wall_seconds": 300.0}},
    )
    assert load(written("")) == Assignment()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed = 500", ["no setting 'sed'", "did you mean 'seed'", "visibility"]),
        ("seed = 99", ["100 to 2147483647", "99", "public cases"]),
        ("seed = 2147483648", ["100 to 2147483647"]),
        ("seed = true", ["whole number", "True"]),
        ("seed = 500.0", ["whole number", "500.0"]),
        ("seed = ''", ["a text in quotes", "''", "hw3 list --hidden"]),
        ("seed = ' '", ["a text in quotes"]),
        (f"seed = '{'x' * 1001}'", ["a text in quotes", "xxx…"]),
        ("points = 3", ["points must be a table, [points]"]),
        ("[points]\nseed = 500", ["seed stands inside [points]", "above all tables"]),
        ("[points]\npart4 = 3", ["'part4'", "no check, function or part", "did you mean 'part"]),
        ("[points]\nevaluat = 3", ["did you mean 'evaluate'", "hw3 list --hidden"]),
        ("[points]\nevaluate.count_right = 3", ["did you mean 'evaluate.counts_right'"]),
        ("[points]\nevaluate = -1", ["evaluate must be a number from 0", "-1"]),
        ("[points]\nevaluate = nan", ["from 0", "nan"]),
        ("[points]\nevaluate = inf", ["from 0", "inf"]),
        ("[points]\nevaluate = '3'", ["from 0", "'3'"]),
        ("[points]\nevaluate = true", ["from 0", "True"]),
        ("[points]\nevaluate = 1.005", ["two decimals", "1.005"]),
        ("[points]\nevaluate = [1]", ["from 0", "[1]"]),
        ('[points]\n"split.composes" = 1\nsplit.composes = 2', ["split.composes appears twice"]),
        ("[points]\nevaluate = 5\npart3 = 4", ["part3 = 4", "adds up to 5", "give part3 more"]),
        ("[points]\nevaluate = 5\npart3 = 5", ["leaves nothing for", "and 19 more", "give 0"]),
        ("[points]\npart3 = 0.05", ["part3 is so little", "less than 0.01"]),
        ("[points]\npart1 = 0\npart2 = 0\npart3 = 0\ngan = 0", ["leaves out every check"]),
        ("[visibility]\npart3 = 'hidden'", ["'part3'", "no check or function"]),
        ("[visibility]\nevaluate = 'secret'", ['"public" or "hidden"', "'secret'"]),
        ("[visibility]\nevaluate = true", ['"public" or "hidden"', "True"]),
        ("[limits]\nwall_second = 3", ["'wall_second'", "did you mean 'wall_seconds'"]),
        ("[limits]\nmemory_mb = 1.5", ["memory_mb must be a whole number", "1.5"]),
        ("[limits.train]\nmemory_mb = 3", ["no limit 'memory_mb' of train", "cpu_seconds"]),
        ("[limits]\nwall_seconds = 0", ["wall_seconds must be a number above 0", "got 0"]),
        ("[limits]\nwall_seconds = inf", ["at most 86400", "inf"]),
        ("[limits]\nwall_seconds = nan", ["above 0", "nan"]),
        ("[limits]\nwall_seconds = '3'", ["above 0", "'3'"]),
        ("[limits]\noutput_kb = 1.5", ["a whole number", "1.5"]),
        ("[limits.trian]\nwall_seconds = 3", ["'trian'", "did you mean 'train'"]),
        ("[limits.train]\nload_seconds = 3", ["no limit 'load_seconds' of train", "wall_seconds"]),
        ("[points]\npart3 = 3 0", ["not TOML", "line 2"]),
        (
            "[points]\nevaluate = 1\nevaluate.counts_right = 2",
            ["not TOML", "dot in quotes"],
        ),
    ],
)
def test_bad_files_get_one_sentence(written, text, words):
    path = written(text)
    with pytest.raises(BadAssignment) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(BadAssignment, match="no such file"):
        load(tmp_path / "nowhere.toml")
    with pytest.raises(BadAssignment, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(BadAssignment, match="UTF-8"):
        load(tmp_path / "latin.toml")


@pytest.mark.parametrize("total", [30, 22, 1.07, 10.01, 33.33, 10000])
@pytest.mark.parametrize("part", [p.id for p in PARTS])
def test_a_part_adds_up_to_what_was_written(part, total):
    made = points(Assignment(points={part: total}), part)
    every = registry.load(optional=True)
    assert set(made) == {c.id for c in every if c.part == part}
    assert sum(Fraction(str(p)) for p in made.values()) == Fraction(str(total))
    assert added(made.values()) == total
    # In proportion, to the hundredth.
    declared = {c.id: c.points for c in every if c.part == part}
    whole = sum(declared.values())
    assert all(abs(p - total * declared[i] / whole) < 0.01 for i, p in made.items())


def test_the_most_specific_rule_holds_and_the_rest_fills():
    rules = {
        "part3": 30,
        "evaluate": 7,
        "evaluate.counts_right": 2,
        "mask_slice.may_keep_nothing": 3,
    }
    made = points(Assignment(points=rules))
    totals = by_function(Assignment(points=rules))
    assert made["evaluate.counts_right"] == 2
    assert made["mask_slice.may_keep_nothing"] == 3
    assert totals["evaluate"] == 7
    of_part = ["random_classes", "influential_neurons", "mask_slice", "binary_classifier"]
    assert sum(totals[f] for f in of_part) == 23
    assert totals["split"] == sum(Fraction(c.points) for c in CHECKS if c.function == "split")


def test_a_rule_on_every_check_of_a_function_must_agree_with_the_function_s():
    ids = [c.id for c in CHECKS if c.function == "top_neurons"]
    each = dict.fromkeys(ids, 0.5)
    whole = 0.5 * len(ids)
    assert points(Assignment(points={**each, "top_neurons": whole}))[ids[0]] == 0.5
    with pytest.raises(BadAssignment, match="leaves no check to scale"):
        Assignment(points={**each, "top_neurons": whole + 1}).checks()


def test_zero_points_leave_out_and_hold_nothing_up():
    made = {c.id: c for c in Assignment(points={"gan": 0, "evaluate.counts_right": 0}).checks()}
    assert not any(c.part == "gan" for c in made.values())
    assert "evaluate.counts_right" not in made
    assert "evaluate.counts_right" in BY_ID[PUBLIC].needs
    assert made[PUBLIC].needs == ()
    assert [c.id for c in registry.checks_of(list(made.values()), only=PUBLIC)] == [PUBLIC]


def test_points_of_groups_are_refused_where_hidden_checks_are_not_installed(monkeypatch):
    """Else a student would see other points than those that are given."""
    public = [c for c in CHECKS if not c.hidden]
    monkeypatch.setattr(registry, "load", lambda **_: public)
    with pytest.raises(BadAssignment, match="points of single checks"):
        Assignment(points={"part3": 30}).checks()
    made = points(Assignment(points={"gan": 0, PUBLIC: 3}))
    assert made[PUBLIC] == 3
    assert "train.learns_the_digits" not in made


def test_visibility_moves_a_check_between_sessions_and_out_of_a_student_s_sight():
    opened = []

    class Recording(InProcessSession):
        def call(self, call, limits=None):
            self.asked = [*getattr(self, "asked", []), call.function]
            return super().call(call, limits)

    def open_session(part):
        opened.append(Recording(reference_files()))
        return opened[-1]

    assignment = Assignment(
        visibility={"evaluate": "public", "evaluate.counts_right": "hidden", "split": "hidden"}
    )
    checks = [c for c in assignment.checks() if c.function in ("evaluate", "split")]
    hidden = {c.id for c in checks if c.hidden}
    assert hidden == {"evaluate.counts_right", *(c.id for c in checks if c.function == "split")}
    # The points are the same, and no public check waits for a hidden one.
    assert {c.id: c.points for c in checks} == {c.id: BY_ID[c.id].points for c in checks}
    assert not any(hidden.intersection(c.needs) for c in checks if not c.hidden)

    outcomes = list(engine.run(checks, open_session))
    # A session for each part, public checks apart from hidden ones.
    public_session, *hidden_sessions = opened
    assert set(public_session.asked) <= {"evaluate", "()", "drive:part3/again"}
    assert ["split" in session.asked for session in hidden_sessions] == [True, False]
    report = engine.report(Submission("ada", "ada", {}, ""), checks, outcomes, {})
    shown = redacted(report)
    assert {c.id for c in shown.checks}.isdisjoint(hidden)
    assert shown.withheld == added(c.points for c in checks if c.hidden)
    assert shown.total == report.total


def test_limits_reach_the_checks_and_leave_the_others_their_own():
    assignment = Assignment(
        limits=Limits(output_kb=8),
        seconds={"train": {"wall_seconds": 5.0}, PUBLIC: {"wall_seconds": 3.0}},
    )
    made = {c.id: c.limits for c in assignment.checks()}
    assert made["train.learns_the_digits"] == Limits(
        wall_seconds=5, cpu_seconds=BY_ID["train.learns_the_digits"].limits.cpu_seconds
    )
    assert made[PUBLIC] == Limits(wall_seconds=3, output_kb=8)
    assert made["evaluate.counts_right"] is None
    assert made["train_step.steps_both"] == BY_ID["train_step.steps_both"].limits


def calls(check):
    """The digests of the calls that a check makes."""
    asked = []

    class Recording(InProcessSession):
        def call(self, call, limits=None):
            asked.append(key(call))
            return super().call(call, limits)

    (outcome,) = engine.run([check], lambda part: Recording(reference_files()))
    assert outcome.status.value == "passed"
    return asked


def check_of(assignment, name):
    return next(c for c in assignment.checks() if c.id == name)


def test_a_seed_changes_the_cases_of_hidden_checks_only():
    mine, yours = Assignment(seed=SEED), Assignment(seed=SEED + 1)
    name = "path_influence.refuses_bad_steps"
    ours = calls(check_of(Assignment(), name))
    first = calls(check_of(mine, name))
    assert set(first).isdisjoint(calls(check_of(yours, name)))
    assert set(first).isdisjoint(ours)
    # Each seed keeps its own, whatever was loaded in between; public checks are the same.
    assert calls(check_of(mine, name)) == first
    assert calls(BY_ID[name]) == ours
    assert {c.id: c.run for c in mine.checks() if not c.hidden} == {
        c.id: c.run for c in CHECKS if not c.hidden
    }
    assert [c.id for c in mine.checks()] == [c.id for c in CHECKS]


def test_a_hidden_check_that_is_made_public_does_not_show_the_seed():
    shown = Assignment(seed=SEED, visibility={HIDDEN: "public"})
    assert check_of(shown, HIDDEN).run is BY_ID[HIDDEN].run
    assert check_of(shown, "integrated_gradients.keeps_float64").run is not BY_ID[HIDDEN].run
    kept = check_of(Assignment(seed=SEED), HIDDEN)
    assert kept.run is not BY_ID[HIDDEN].run


def test_what_a_report_says_tells_rules_apart_and_not_seeds():
    one, two = Assignment(seed=SEED), Assignment(seed=SEED + 1)
    assert (
        one.describe()
        == two.describe()
        == {
            "assignment": "as delivered",
            "hidden cases": "the instructor's seed",
        }
    )
    other = Assignment(points={"part3": 30}).describe()
    assert other["assignment"] != Assignment(points={"part3": 31}).describe()["assignment"]


def test_a_byte_order_mark_is_read_over(tmp_path):
    file = tmp_path / "assignment.toml"
    file.write_bytes(b"\xef\xbb\xbf[points]\npart3 = 30\n")
    assert load(file).points == {"part3": 30}


def test_a_key_that_stands_there_twice_is_named_with_its_line(tmp_path):
    file = tmp_path / "assignment.toml"
    file.write_text("[points]\npart3 = 30\npart3 = 31\n")
    with pytest.raises(BadAssignment, match=r"line 3.*each name only once"):
        load(file)


def test_every_setting_travels_to_workers_and_only_points_change_no_outcome():
    walls, of = NO_WALLS, Submission("ada", "Ada", {}, "1")
    jobs = [
        Job(walls, "", assignment)
        for assignment in (
            Assignment(),
            Assignment(seed=SEED),
            Assignment(seed=SEED + 1),
            Assignment(points={"part3": 30}),
            Assignment(visibility={"evaluate": "hidden"}),
            Assignment(limits=Limits(wall_seconds=30)),
            Assignment(seconds={"evaluate": {"wall_seconds": 30.0}}),
        )
    ]
    rules = rules_of(Assignment())

    def needed(job):
        checks = job.assignment.checks()
        now = terms.of_checks(checks, rules.modules, of, job.assignment, job.walls)
        return {(check.id, check.hidden, now[check.id]) for check in checks}

    kinds = [needed(job) for job in jobs]
    assert kinds.pop(3) == kinds[0]
    assert all(one not in kinds[:place] for place, one in enumerate(kinds))
    assert [pickle.loads(pickle.dumps(job)) for job in jobs] == jobs


RULES = f"""
seed = {SEED}
[points]
part3 = 10.1
random_classes = 0
influential_neurons = 0
mask_slice = 0
binary_classifier = 0
[visibility]
"{PUBLIC}" = "hidden"
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "ada"
    made.mkdir()
    (made / "part3_compression.py").write_text(PART3.replace("margin > 0", "margin > 0.7"))
    return made


def test_grade_with_an_assignment(written, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "pool", lambda workers: Inline())
    out = tmp_path / "graded"
    command = ["grade", folder, "--out", out, "--part", "part3", "--jobs", "1", "--assignment"]
    result = hw3(*command, written(RULES))
    assert result.exit_code == 0, result.output
    assert "default seed" not in result.output
    document = json.loads((out / "ada" / "result.json").read_text())
    assert book.read_results(out).reports["ada"].total.possible == 10.1
    made = {c["id"]: c for c in document["checks"]}
    assert {name.partition(".")[0] for name in made} == {"evaluate"}
    assert made[PUBLIC]["hidden"]
    assert "instructor&#39;s seed" in (out / "ada" / "report.html").read_text()
    shown = book.read_results(out).reports["ada"].environment["assignment"]
    page = (out / "ada" / "report.html").read_text()
    assert "/ 10.1" in page
    assert shown in page
    digests = {one["cases"] for one in document["terms"] if one["cases"] != "public"}
    assert digests
    for secret in (str(SEED), PUBLIC, *digests):
        assert secret not in page
    assert str(SEED) not in result.output

    again = " ".join(hw3(*command, written(RULES)).output.split())
    assert "1 of 1 have a result already" in again
    changed = written(RULES.replace(str(SEED), str(SEED + 1)))
    assert "have a result already" not in hw3(*command, changed).output


def test_check_and_list_with_an_assignment(written, folder, tmp_path):
    page = tmp_path / "report.html"
    path = written(RULES)
    result = hw3("check", folder, "--part", "part3", "--html", page, "--assignment", path)
    assert result.exit_code == 1
    assert PUBLIC not in result.output
    assert "evaluate.counts_right" in result.output
    for shown in (result.output, page.read_text()):
        assert str(SEED)[:4] not in shown
    assert "instructor&#39;s seed" in page.read_text()
    listed = hw3("list", "--hidden", "--part", "part3", "--assignment", path).output
    assert "(10.1 points)" in listed
    assert "random_classes" not in listed

    for command in (["list"], ["check", folder], ["grade", folder, "--out", tmp_path / "out"]):
        refused = hw3(*command, "--part", "gan", "--assignment", written("[points]\ngan = 0"))
        assert refused.exit_code == 2
        assert "leaves no check of gan" in refused.output
        refused = hw3(*command, "--assignment", written("[points]\ngann = 0"))
        assert refused.exit_code == 2
        assert "did you mean 'gan'" in " ".join(refused.output.split())
        assert "Traceback" not in refused.output
    assert not (tmp_path / "out").exists()
