"""A week on each platform, as the README has it: every command as it stands there."""

import shlex
import zipfile

import pytest
from click.testing import CliRunner

import tables
from course import FILES, RIGHT, rules
from grader.cli import grade as command
from grader.cli.main import main
from grader.sandbox.isolation.modes import NO_WALLS
from grading import ROOT

README = (ROOT / "grader" / "gradebook" / "README.md").read_text(encoding="utf-8")
PEOPLE = [
    ("1001", "ada", "ada@uni.example", "Ada", "Lovelace"),
    ("1002", "jm", "jm@uni.example", "Jörg", "Müller"),
    ("1003", "wei", "wei@uni.example", "伟", "李"),
]
SOME = {name: text for name, text in RIGHT.items() if name != FILES["gan"]}
FULL, LESS = "6.00", "3.00"
"""Of all three functions, and without the GAN's."""


def lines(platform):
    """The commands of a platform's week."""
    text = README.partition(f"<!-- the week on {platform} -->")[2]
    return text.split("```")[1].strip().splitlines()


def packed(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


@pytest.fixture
def week(course, monkeypatch):
    """Carries out a platform's commands in the folder of the course."""
    monkeypatch.chdir(course.folder)
    monkeypatch.setattr(command, "choose_walls", lambda sandbox: NO_WALLS)
    (course.folder / "assignment.toml").write_text(rules(), encoding="utf-8")

    def carried_out(platform):
        said = []
        for line in lines(platform):
            first, *words = shlex.split(line)
            assert first == "hw3"
            done = CliRunner().invoke(main, words)
            assert done.exit_code == 0, (line, done.output, done.exception)
            said.append(" ".join(done.output.split()))
        return said

    return carried_out


def test_canvas(week, course):
    uploads = {}
    for n, (number, _, _, first, last) in enumerate(PEOPLE[:2]):
        name = f"{last}{first}".lower()
        late = "_LATE" if n else ""
        for k, (file, text) in enumerate((SOME if n else RIGHT).items()):
            uploads[f"{name}{late}_{number}_{500 + 10 * n + k}_{file}"] = text
    packed(course.folder / "submissions.zip", uploads)
    given = tables.canvas(PEOPLE, [""] * 3, worth="6.00")
    (course.folder / "grades.csv").write_bytes(tables.written(given))
    said = week("Canvas")
    filled = tables.canvas(PEOPLE, [FULL, LESS, ""], worth="6.00")
    assert (course.folder / "grades-filled.csv").read_bytes() == tables.written(filled)
    assert "李, 伟 not handed in" in said[1] or "李, 伟 (not handed in)" in said[1]
    with zipfile.ZipFile(course.folder / "feedback.zip") as archive:
        assert set(archive.namelist()) <= set(uploads)
        assert len(archive.namelist()) == 2


def test_moodle(week, course):
    files = {}
    for n, (number, _, _, first, last) in enumerate(PEOPLE):
        for file, text in (SOME if n == 1 else RIGHT).items():
            files[f"{first} {last}_{number}_assignsubmission_file_/{file}"] = text
    packed(course.folder / "submissions.zip", files)
    given = tables.moodle(PEOPLE, [""] * 3, most="6.00")
    (course.folder / "worksheet.csv").write_bytes(tables.written(given, mark="\ufeff"))
    week("Moodle")
    filled = tables.moodle(PEOPLE, [FULL, LESS, FULL], most="6.00")
    made = (course.folder / "worksheet-filled.csv").read_bytes()
    assert made == tables.written(filled, mark="\ufeff")
    with zipfile.ZipFile(course.folder / "feedback.zip") as archive:
        assert "Jörg Müller_1002_assignsubmission_file_/report.html" in archive.namelist()


def test_gradescope(week, course):
    files, listed = {}, []
    for n, (number, _, email, first, last) in enumerate(PEOPLE):
        listed.append(
            f"submission_{n}:\n  :submitters:\n  - :name: {first} {last}\n    :sid: '{number}'\n"
            f"    :email: {email}\n  :created_at: 2026-03-01 10:00:00.000000000 Z\n"
        )
        for file, text in (SOME if n == 1 else RIGHT).items():
            files[f"assignment_1_export/submission_{n}/{file}"] = text
    files["assignment_1_export/submission_metadata.yml"] = "---\n" + "".join(listed)
    packed(course.folder / "assignment_1_export.zip", files)
    given = tables.gradescope(PEOPLE, [""] * 3, most="6.0")
    (course.folder / "scores.csv").write_bytes(tables.written(given))
    week("Gradescope")
    for row, cell in zip(given[1:], (FULL, LESS, FULL), strict=True):
        row[4] = cell
    assert (course.folder / "scores-filled.csv").read_bytes() == tables.written(given)
    assert len(list((course.folder / "site").iterdir())) == 4


def test_github(week, course):
    for n, (_, login, *_) in enumerate(PEOPLE):
        clone = course.hand_in(f"hw3-{login}", SOME if n == 1 else RIGHT, below="repositories")
        (clone / ".git").mkdir()
        (clone / ".git" / "HEAD").write_text(f"{n:040x}\n")
    rows = [["id", "name", "email", "login"]]
    rows += [[number, f"{f} {s}", email, login] for number, login, email, f, s in PEOPLE]
    (course.folder / "people.csv").write_bytes(tables.written(rows))
    week("GitHub")
    table = {row["login"]: row["total"] for row in course.table().values()}
    assert [table[login] for _, login, *_ in PEOPLE] == [FULL, LESS, FULL]
    assert len((course.out / "pages.csv").read_text("utf-8-sig").splitlines()) == 4
