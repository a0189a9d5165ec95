"""Late, extended, excused, in groups: a line of its own, and never inside a part's score."""

import csv
from dataclasses import replace

import pytest

from course import rules, shown
from grader.errors import BadAssignment, BadRoster
from grader.gradebook import lateness
from grader.grading import late as rule_of
from grader.grading.assignment_toml import load
from grader.grading.late import Late
from grader.records import Allowed, Submission
from report_builders import judge, report

RULE = Late("2026-03-01T23:59:00+01:00", "Europe/Vienna", 10, 10, 1, 40)


def submission(at="", **allowed):
    return Submission("ada", "Ada", {}, "1", received=at, allowed=Allowed(**allowed))


@pytest.mark.parametrize(
    ("received", "allowed", "expected"),
    [
        ("2026-03-01T23:59:00+01:00", {}, (0, 0, 1, 0.0)),
        ("2026-03-02T00:09:00+01:00", {}, (0, 0, 1, 0.0)),  # within the grace
        ("2026-03-01T23:09:00Z", {}, (0, 0, 1, 0.0)),  # the same moment
        ("2026-03-02 00:09:01", {}, (1, 1, 0, 0.0)),  # a time without a zone is the rule's
        ("2026-03-03T00:00:00+01:00", {}, (2, 1, 0, 10.0)),
        ("2026-03-03T00:00:00+01:00", {"late_days": "0"}, (2, 0, 0, 20.0)),
        ("2026-03-03T00:00:00+01:00", {"late_days": "5.0"}, (2, 2, 3, 0.0)),
        ("2026-04-01T00:00:00+02:00", {}, (30, 1, 0, 40.0)),  # the cap
        ("2026-03-03T00:00:00+01:00", {"extension": "2 days"}, (0, 0, 1, 0.0)),
        ("2026-03-03T00:00:00+01:00", {"extension": "12 h"}, (1, 1, 0, 0.0)),
        ("2026-03-03T00:00:00+01:00", {"extension": "2026-03-02"}, (0, 0, 1, 0.0)),
        ("2026-03-03T00:00:00+01:00", {"extension": "2026-02-01"}, (2, 1, 0, 10.0)),
        ("2026-03-03T00:00:00+01:00", {"excused": "ill"}, (2, 0, 1, 0.0)),
        ("2026-03-03T00:00:00+01:00", {"excused": "no"}, (2, 1, 0, 10.0)),
        ("", {"received": "Tuesday, 3 March 2026, 12:00 AM"}, (2, 1, 0, 10.0)),
        ("", {}, (0, 0, 1, 0.0)),
    ],
)
def test_days_and_what_they_cost(received, allowed, expected):
    late = lateness.lateness(RULE, submission(received, **allowed))
    assert (late.days, late.free, late.left, late.percent) == expected


def test_the_line_takes_a_share_of_the_sum_and_no_part_changes():
    full = report(judge("a", points=30.0), judge("b", points=20.0, part="gan"))
    full = replace(full, submission=submission("2026-03-05T12:00:00+01:00"))
    (line,) = lateness.line(RULE, full)
    assert line.score.earned == pytest.approx(-15.0)
    made = replace(full, lines=(line,))
    assert made.scores == full.scores
    assert made.total.earned == pytest.approx(35.0)
    assert made.total.possible == 50.0
    assert "4 days late; 1 of these cost nothing (0 days left)" in line.why
    assert "10 % of what was earned for each day takes 30 % off" in line.why
    assert lateness.line(RULE, replace(full, submission=submission("2026-03-01"))) == []
    assert lateness.line(Late(), full) == []


@pytest.mark.parametrize(
    "allowed",
    [
        {"extension": "Monday"},
        {"extension": "1/2"},
        {"late_days": "two"},
        {"late_days": "-1"},
        {"received": "last week 1"},
    ],
)
def test_what_cannot_be_understood_is_named(allowed):
    ((_, value),) = allowed.items()
    with pytest.raises(BadRoster, match=f"of Ada is {value}, which cannot be understood; write"):
        lateness.refuse(RULE, [submission("2026-03-02T00:00:00+01:00", **allowed)])
    lateness.refuse(Late(), [submission(**allowed)])


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"percent_per_day": 10}, "needs due"),
        ({"due": "soon"}, "is no date; write it like"),
        ({"due": "2026-02-30 12:00"}, "is no date"),
        ({"due": 20260301}, "is no date"),
        ({"due": "2026-03-01 23:59"}, "does not say in which zone"),
        ({"due": "2026-03-01", "zone": "Vienna"}, "is not known here"),
        ({"due": "2026-03-01T12:00Z", "grace": 5}, "has no setting 'grace'"),
        ({"due": "2026-03-01T12:00Z", "percent_per_day": 101}, "from 0 to 100"),
        ({"due": "2026-03-01T12:00Z", "free_days": 1.5}, "a whole number"),
        ({"due": "2026-03-01T12:00Z", "most_percent": "all"}, "from 0 to 100"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(entries, words):
    with pytest.raises(BadAssignment, match=words):
        rule_of.read(entries)


def test_a_date_alone_is_the_end_of_that_day():
    rule = rule_of.read({"due": "2026-03-01", "zone": "Europe/Vienna"})
    assert rule.due == "2026-03-01T23:59:59+01:00"


def test_the_rule_in_the_readme_is_one(tmp_path):
    path = tmp_path / "assignment.toml"
    path.write_text(shown("the late rule"), encoding="utf-8")
    assert load(path).late == Late("2026-03-01T23:59:00+01:00", "Europe/Vienna", 15, 10, 2, 50)


LATE = """
[late]
due = "2026-03-01 12:00"
zone = "Europe/Vienna"
percent_per_day = 10
free_days = 1
"""
ROSTER = """id,name,login,group,extension,excused,late days,received
1,ada,ada,,,,,2026-03-02 13:00
2,bob,bob,,,,0,2026-03-02 13:00
3,cy,cy,,2 days,,,2026-03-02 13:00
4,dot,dot,,,ill,,2026-03-02 13:00
5,eve,eve,,,,,
6,flo,flo,,,ill,,
7,gil,gil,red,,,,2026-03-02 13:00
8,hal,hal,red,,,0,2026-03-02 13:00
"""


@pytest.fixture
def week(course):
    for name in ("ada", "bob", "cy", "dot", "eve", "red"):
        course.hand_in(name)
    course.rules(rules() + LATE)
    (course.folder / "people.csv").write_text(ROSTER)
    return course


def test_a_class_with_extensions_excuses_and_a_group(week):
    code, said = week.grade("--roster", week.folder / "people.csv")
    assert code == 0, said
    assert "Nobody knows when eve handed in" in said
    table = {row["name"]: row for row in week.table().values()}
    full = float(table["eve"]["total"])
    off = {name: table[name]["late"] for name in table if name not in ("maximum", "flo")}
    tenth = f"{-full / 10:.2f}"
    assert off == {
        **{"ada": tenth, "bob": f"{-full / 5:.2f}", "cy": "", "dot": "0.00", "eve": ""},
        **{"gil": tenth, "hal": f"{-full / 5:.2f}"},
    }
    assert {row["part3"] for name, row in table.items() if name != "flo"} == {"2.00"}
    assert float(table["ada"]["total"]) == pytest.approx(full * 0.9)
    assert table["flo"]["status"] == "excused"
    assert table["maximum"]["total"] == f"{full:.2f}"
    one, other = (week.result(table[name]["id"])["checks"] for name in ("gil", "hal"))
    assert one == other  # graded once: not even the seconds differ
    page = week.page("ada/report.html")
    assert "1 of these cost nothing" in page
    assert "excused (ill)" in week.page("dot/report.html")
    with (week.out / lateness.FILE).open(encoding="utf-8-sig", newline="") as file:
        left = {row["name"]: row["free days left"] for row in csv.DictReader(file)}
    assert left == {
        "ada": "0",
        "bob": "0",
        "cy": "1",
        "dot": "1",
        "eve": "1",
        "gil": "0",
        "hal": "0",
    }


def test_a_changed_rule_or_roster_runs_nothing_and_a_run_without_a_roster_forgets_nothing(week):
    week.grade("--roster", week.folder / "people.csv")
    before = week.table()
    code, said = week.grade(source=week.source / "bob")
    assert (code, week.table()) == (0, before)
    assert "mark changed" not in said
    (week.folder / "people.csv").write_text(
        ROSTER.replace("2,bob,bob,,,,0", "2,bob,bob,,9 days,,0")
    )
    code, said = week.grade("--roster", week.folder / "people.csv")
    assert code == 0
    assert "1 mark changed" in said
    assert "became nothing" in said
    week.rules(rules() + LATE.replace("percent_per_day = 10", "percent_per_day = 20"))
    code, said = week.hw3("report", week.out, "--assignment", week.folder / "assignment.toml")
    assert code == 0
    assert "3 marks changed" in said


def test_a_bad_roster_stops_before_anything_is_written(week):
    (week.folder / "people.csv").write_text(ROSTER.replace("2 days", "Monday"))
    code, said = week.grade("--roster", week.folder / "people.csv")
    assert code == 2
    assert "extension of cy is Monday, which cannot be understood" in said
    assert not week.out.exists()
