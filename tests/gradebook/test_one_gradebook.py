"""A folder of results is a gradebook: what every run wrote stands in it, and nothing is lost."""

import json
import os
import random
import subprocess
import sys
from contextlib import suppress

import pytest

from course import FILES, RIGHT, Session, rules
from grader.errors import BadSource
from grader.gradebook import book, lock, state
from grader.grading import batch, engine
from grader.report.writers import files
from grading import ROOT

WRONG = {"part3_compression.py": "def random_classes(num_classes, k=5, seed=0):\n    return [0]\n"}


def test_late_ones_stand_beside_the_class(course):
    course.hand_in("ada")
    course.hand_in("bob")
    course.grade()
    course.hand_in("zoe", below="late")
    code, said = course.grade(source=course.folder / "late")
    assert code == 0
    assert "1 graded" in said
    assert "2 more of earlier runs stand beside them" in said
    assert {"ada", "bob", "zoe", "maximum"} == set(course.table())
    for name in ("ada", "bob", "zoe"):
        assert f"{name}/report.html" in course.page()


def test_one_student_is_graded_again_alone(course):
    course.hand_in("ada")
    course.hand_in("bob", WRONG)
    course.grade()
    before = course.table()
    bob = course.hand_in("bob", RIGHT)
    code, _ = course.grade(source=bob)
    assert code == 0
    after = course.table()
    assert after["ada"] == before["ada"]
    assert after["bob"]["total"] == after["maximum"]["total"] != before["bob"]["total"]


def test_a_part_is_graded_and_the_others_stay(course):
    course.hand_in("ada")
    course.grade()
    before, marks = course.result("ada"), course.table()
    code, _ = course.grade("--part", "part3", "--regrade")
    after = course.result("ada")
    assert code == 0
    assert {c["part"] for c in after["checks"]} == set(FILES)
    kept = [c for c in before["checks"] if c["part"] != "part3"]
    assert [c for c in after["checks"] if c["part"] != "part3"] == kept
    assert course.table() == marks
    assert after["stale"] == {}
    assert "to be graded again" not in course.page("ada/report.html")


def test_parts_one_by_one_give_what_one_run_gives(course):
    course.hand_in("ada")
    course.hand_in("bob", WRONG)
    course.grade()
    whole = course.table()
    for path in course.out.rglob("*"):
        if path.is_file():
            path.unlink()
    for part in ("gan", "part1", "part3"):
        assert course.grade("--part", part)[0] == 0
        assert set(course.table()["maximum"]) >= {part}
    assert course.table() == whole
    opened = Session.opened
    code, said = course.grade()
    assert code == 0
    assert "2 of 2 have a result already" in said
    assert Session.opened == opened


def test_a_whole_run_grades_only_parts_that_are_missing(course, monkeypatch):
    course.hand_in("ada")
    course.grade("--part", "gan")
    asked = []
    every = engine.run

    def noted(checks, *rest, **options):
        asked.extend({check.part for check in checks})
        return every(checks, *rest, **options)

    monkeypatch.setattr(engine, "run", noted)
    assert course.grade()[0] == 0
    assert set(asked) == {"part1", "part3"}
    assert set(course.table()["maximum"]) >= set(FILES)


def test_older_parts_are_kept_and_marked_when_the_files_have_changed(course):
    course.hand_in("ada")
    course.grade()
    gan = [c for c in course.result("ada")["checks"] if c["part"] == "gan"]
    course.hand_in("ada", WRONG)
    code, said = course.grade("--part", "part3")
    assert code == 0
    assert "Older results of other parts stand beside these for 1 of 1" in said
    after = course.result("ada")
    assert [c for c in after["checks"] if c["part"] == "gan"] == gan
    assert set(after["stale"]) == {"part1", "gan"}
    status = course.table()["ada"]["status"]
    assert status == "graded; to be graded again: Part 1, GAN"
    assert "Part of this result is older" in course.page("ada/report.html")
    assert "to be graded again: Part 1, GAN" in course.page()
    course.grade()
    assert course.result("ada")["stale"] == {}
    assert course.table()["ada"]["status"] == "graded"


def test_older_parts_are_marked_when_the_limits_have_changed(course):
    course.hand_in("ada")
    course.grade()
    course.rules(rules(random_classes=5) + "[limits]\ncpu_seconds = 20\n")
    course.grade("--part", "part3")
    assert set(course.result("ada")["stale"]) == {"part1", "gan"}
    assert course.table()["ada"]["part3"] == "5.00"
    course.grade()
    assert course.result("ada")["stale"] == {}


def test_not_handed_in_is_not_zero(course):
    course.hand_in("ada", {"part3_compression.py": RIGHT["part3_compression.py"]})
    course.hand_in("bob", {**RIGHT, **WRONG})
    course.grade()
    table = course.table()
    assert (table["ada"]["part1"], table["ada"]["gan"]) == ("", "")
    assert table["ada"]["status"] == "graded; not handed in: Part 1, GAN"
    assert float(table["bob"]["part3"]) < float(table["maximum"]["part3"])
    assert table["bob"]["status"] == "graded"


def test_names_are_whole_in_excel(course):
    course.hand_in("Žofie Šťastná")
    course.grade()
    data = (course.out / "gradebook.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfid,name,")
    assert "Žofie Šťastná".encode() in data


class TestWhereResultsMayLie:
    @pytest.mark.parametrize(
        ("out", "words"),
        [
            ("class", "is SOURCE itself"),
            ("class/graded", "lies inside SOURCE"),
            ("class/ada/deep/graded", "lies inside SOURCE"),
            (".", "holds SOURCE"),
            ("link", "is SOURCE itself"),
        ],
    )
    def test_among_submissions_they_may_not(self, course, out, words):
        course.hand_in("ada")
        if hasattr(os, "symlink"):
            (course.folder / "link").symlink_to(course.source, target_is_directory=True)
        before = sorted(course.folder.rglob("*"))
        code, said = course.grade(out=course.folder / out)
        assert code == 2
        assert words in said
        assert "--out" in said
        assert sorted(course.folder.rglob("*")) == before

    def test_beside_an_archive_they_may_not_hold_it(self, course):
        archive = course.source / "s.zip"
        archive.write_bytes(b"")
        code, said = course.grade(source=archive, out=course.source)
        assert code == 2
        assert "holds SOURCE" in said


TAKES = """
import sys, time
from pathlib import Path
from grader.gradebook.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


class TestOneRunAtATime:
    def holder(self, course):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started = subprocess.Popen(
            [sys.executable, "-c", TAKES, course.out],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        assert started.stdout.readline() == "held\n"
        return started

    def test_a_second_is_refused_until_the_first_has_ended(self, course):
        course.hand_in("ada")
        first = self.holder(course)
        try:
            code, said = course.grade()
            assert code == 2
            assert "another `hw3 grade` writes to" in said
            assert not (course.out / "ada").exists()
        finally:
            first.kill()
            first.wait()
            first.stdout.close()
        assert list(course.out.iterdir()) == []  # a killed run leaves no lock
        assert course.grade()[0] == 0

    def test_it_is_given_back(self, course):
        with lock.locked(course.out):
            pass
        with lock.locked(course.out):
            pass
        assert list(course.out.iterdir()) == []


class Killed(BaseException):
    """Nothing in the program expects it, as nothing sees a SIGKILL."""


class TestInterrupted:
    """At whatever moment: who is missing is said, and the same command makes it whole."""

    def class_of(self, course, number):
        for n in range(number):
            course.hand_in(f"s{n:02}", RIGHT if n % 3 else WRONG)

    def test_ctrl_c_says_who_is_missing_in_both_files(self, course, monkeypatch):
        self.class_of(course, 4)
        stops_after(monkeypatch, 3, KeyboardInterrupt)
        code, said = course.grade()
        assert code == 2
        assert "stopped: 3 of 4 are graded; the same command continues from there" in said
        table = course.table()
        assert len([row for row in table.values() if row["status"].startswith("graded")]) == 3
        missing = [row for row in table.values() if row["status"] == "not graded yet"]
        assert len(missing) == 1
        assert missing[0]["total"] == ""
        assert "1 of 4 not graded yet" in table
        assert "1 of 4 not graded yet" in course.page()
        assert "Graded in" not in course.page()

    def test_who_waits_is_remembered_by_runs_on_others(self, course, monkeypatch):
        self.class_of(course, 3)
        with monkeypatch.context() as patched:
            stops_after(patched, 2, KeyboardInterrupt)
            course.grade()
        course.hand_in("zoe", below="late")
        course.grade(source=course.folder / "late")
        assert "1 of 4 not graded yet" in course.table()
        course.grade()
        assert not any("not graded yet" in key for key in course.table())

    @pytest.mark.parametrize("seed", range(10))
    def test_killed_at_any_moment_and_resumed_it_is_as_if_undisturbed(
        self, course, monkeypatch, seed
    ):
        self.class_of(course, 5)
        code, said = course.grade()
        assert code == 0, said
        undisturbed = course.table(), [course.statuses(f"s{n:02}") for n in range(5)]
        for path in course.out.rglob("*"):
            if path.is_file():
                path.unlink()
        draw = random.Random(seed)
        writes, last = draw.randint(1, 36), draw.random() < 0.5
        with monkeypatch.context() as patched:
            dies_at_write(patched, writes, half_written=last)
            with suppress(Killed):
                course.grade()
        if (course.out / "gradebook.csv").exists():
            rows = course.table()
            shown = [key for key in rows if key.startswith("s0")]
            assert sorted(shown) == [f"s{n:02}" for n in range(5)]
        code, said = course.grade()
        assert code == 0, said
        assert (course.table(), [course.statuses(f"s{n:02}") for n in range(5)]) == undisturbed
        assert "not graded yet" not in course.page()
        assert not list(course.out.rglob("*.tmp"))


def stops_after(monkeypatch, number, error):
    """The class ends there, as by a signal."""
    every = batch.grade_all

    def stopped(*arguments, **options):
        graded = every(*arguments, **options)
        for _ in range(number):
            yield next(graded)
        graded.close()
        raise error

    monkeypatch.setattr(batch, "grade_all", stopped)


def dies_at_write(monkeypatch, number, *, half_written):
    """The process ends when it renames that file, or has written half of it."""
    left = [number]
    write = files._write

    def counted(path, content):
        left[0] -= 1
        if left[0] == 0:
            if half_written:
                temporary = path.parent / ".0123456789abcdef.tmp"
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(content[: len(content) // 2])
            raise Killed
        if left[0] > 0:
            write(path, content)
        else:
            raise Killed

    monkeypatch.setattr(files, "_write", counted)


class TestOldAndDamagedFolders:
    def test_results_of_older_formats_are_shown_and_graded_again(self, course):
        course.hand_in("ada")
        course.hand_in("bob")
        course.grade()
        marks = course.table()["ada"]["total"]
        for name, number in (("ada", 1), ("bob", 2)):
            document = course.result(name)
            document["format"] = number
            for key in ("handed_in", "stale") if number == 1 else ():
                del document[key]
            del document["terms"]
            for check in document["checks"]:
                for key in ("terms", "timeouts", "beside"):
                    del check[key]
            for key in ("person", "email", "login", "notes", "ignored", "question"):
                if number == 1:
                    del document["submission"][key]
            (course.out / name / "result.json").write_text(json.dumps(document))
        for file in (state.FILE, "rules.json"):
            (course.out / file).unlink()
        with pytest.raises(BadSource, match="older version of the grader: run the same"):
            book.read_results(course.out)
        code, said = course.grade(source=course.source / "bob")
        assert code == 0
        assert "because an older version of the grader ran it" in said
        table = course.table()
        assert {"ada", "bob", "maximum"} == set(table)
        assert table["bob"]["status"] == "graded"
        assert table["ada"]["total"] == marks
        assert "to be graded again" in table["ada"]["status"]

    @pytest.mark.parametrize(
        ("file", "text", "words"),
        [
            ("ada/result.json", '{"format": 99}', "format 99, and this version reads up to 3"),
            ("ada/result.json", "{", "is damaged"),
            (state.FILE, '{"format": 99}', "format 99, and this version reads 1"),
            (state.FILE, "[]", "is damaged"),
            ("rules.json", '{"format": 99}', "format 99, and this version reads 1"),
            ("history.csv", "id,total\n", "columns are missing"),
            ("questions.csv", "name,decision\n", "has no column id"),
            ("questions.csv", "id,decision\na,x\na,y\n", "decides twice about a"),
        ],
    )
    def test_a_folder_that_cannot_be_read_is_refused_in_a_sentence(self, course, file, text, words):
        course.hand_in("ada")
        course.hand_in("bob")
        course.grade()
        (course.out / file).write_text(text)
        before = (course.out / "gradebook.csv").read_bytes()
        code, said = course.grade(source=course.source / "bob")
        assert code == 2
        assert words in said
        assert (course.out / "gradebook.csv").read_bytes() == before

    def test_a_damaged_result_of_somebody_who_is_graded_now_is_graded_again(self, course):
        course.hand_in("ada")
        course.grade()
        (course.out / "ada" / "result.json").write_text("{")
        assert course.grade()[0] == 0
        assert course.table()["ada"]["status"] == "graded"


def test_reading_says_which_results_there_are(course):
    course.hand_in("ada")
    course.grade()
    assert [r.submission.id for r in book.read_results(course.out).in_order()] == ["ada"]
