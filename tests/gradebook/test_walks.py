"""A week on each platform, as the README has it: every command as it stands there."""

import csv
import html
import io
import shlex
import zipfile
from email.message import EmailMessage

import pytest
from click.testing import CliRunner

import tables
from course import FILES, RIGHT, Session, rules
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


def carried_out(line):
    """What a command says, on one line."""
    first, *words = shlex.split(line)
    assert first == "hw3"
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, (line, done.output, done.exception)
    return " ".join(done.output.split())


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

    return lambda platform: [carried_out(line) for line in lines(platform)]


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


QUESTIONS = """
seed = "the seed of this week"
{points}
[late]
due = "2026-03-01 23:59"
zone = "Europe/Vienna"
percent_per_day = 10
[[questions]]
id = "focus"
title = "Focused explanation"
points = 4
part = "part1"
prompt = "Which neurons of your slice are the most influential for a class?"
rubric = [{{ id = "vague", text = "no numbers", points = {price} }}]
"""
ANSWER = """# Answers
## 1. Focused explanation
The **third** channel, <script>alert(1)</script> see ![mine](https://evil.example/a.png).
"""
GUESS = "\n\ndef random_classes(num_classes, k=5, seed=0):\n    return list(range(k))\n"
ADA, JM = PEOPLE[:2]


def table_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_a_whole_week(course, monkeypatch):
    """Download, questions, marks, lateness, an extension, a request, other weights, export."""
    monkeypatch.chdir(course.folder)
    monkeypatch.setattr(command, "choose_walls", lambda sandbox: NO_WALLS)
    monkeypatch.setattr(command, "UNTRIED", NO_WALLS)
    steps = iter(lines("every step of it"))

    def then(words):
        line = next(steps)
        assert line.startswith(f"hw3 {words}"), line
        return carried_out(line)

    def totals():
        rows = course.table()
        return [rows[key]["total"] for key in keys]

    def roster(**extension):
        head = ["id", "name", "email", "login", "received", "extension"]
        rows = [
            [
                n,
                f"{f} {s}",
                mail,
                login,
                f"2026-03-0{1 + (login == 'jm')}",
                extension.get(login, ""),
            ]
            for n, login, mail, f, s in (ADA, JM)
        ]
        (course.folder / "people.csv").write_bytes(tables.written([head, *rows]))

    # The download of Canvas, people with times, an assignment with a question and a late rule.
    uploads = {}
    for number, _, _, first, last in (ADA, JM):
        wrong = GUESS if number == JM[0] else ""
        for k, (file, text) in enumerate([*RIGHT.items(), ("answers.md", ANSWER)]):
            text = text + wrong if file == FILES["part3"] else text
            uploads[f"{last}{first}_{number}_{k}_{file}".lower()] = text
    packed(course.folder / "submissions.zip", uploads)
    roster()
    course.rules(QUESTIONS.format(points=rules(), price=-1))

    then("grade")
    keys = [next(k for k in course.table() if n in k) for n in (ADA[0], JM[0])]
    row = course.table()[keys[1]]
    assert (row["focus"], row["undecided"]) == ("", "4.00")
    assert float(row["late"]) < 0
    assert "1 answer to be marked" in row["status"]

    # The table and the page for markers name nobody, and the page asks for nothing.
    assert "0 of 2 answers are marked, 2 rows were added" in then("marks")
    file = course.folder / "marks.csv"
    assert [row["name"] for row in table_of(file)] == ["", ""]
    page = course.page("marking.html")
    for secret in (*ADA[3:], *JM[3:], *keys, "<script>alert", '<img src="https'):
        assert secret not in page.partition("<body>")[2]
    assert "<strong>third</strong>" in page

    # A spreadsheet fills it in, and saves it as it likes.
    cells = [[*row.values()] for row in table_of(file)]
    for row, items in zip(cells, ("vague", "none"), strict=True):
        row[4] = items
    given = tables.written([list(table_of(file)[0]), *cells], delimiter=";", encoding="cp1252")
    file.write_bytes(given)
    said = then("marks")
    assert "2 of 2 answers are marked, 0 rows were added" in said
    assert file.read_bytes() == given
    assert sorted(course.table()[key]["focus"] for key in keys) == ["3.00", "4.00"]
    assert course.table()[keys[0]]["status"] == "graded"

    # What is wrong is refused, and nothing changes.
    kept = {path: path.read_bytes() for path in course.out.rglob("*") if path.is_file()}
    file.write_bytes(given + f"{keys[0]};;focus;01.02.2026;;\r\n".encode())
    code, said = course.hw3("marks", "graded", file)
    assert (code, "row 4: points are a date (01.02.2026)" in said) == (2, True)
    file.write_bytes(given)
    course.rules(QUESTIONS.format(points=rules(), price=-1).replace("vague", "unclear"))
    for words in (("report", "graded"), ("grade", "submissions.zip", "--out", "graded")):
        code, said = course.hw3(*words, "--assignment", "assignment.toml")
        assert (code, "the rubric of focus has no item vague any more" in said) == (2, True)
    assert {path: path.read_bytes() for path in kept} == kept
    course.rules(QUESTIONS.format(points=rules(), price=-1))

    # Somebody was ill: no check runs, and the line is gone.
    roster(jm="3 days")
    opened = Session.opened
    then("grade")
    assert Session.opened == opened
    assert float(course.table()[keys[1]].get("late") or 0) == 0

    # Another price and another weight: every past mark follows, and nothing is graded.
    course.rules(QUESTIONS.format(points=rules(random_classes=4), price=-2))
    then("report")
    assert sorted(course.table()[key]["focus"] for key in keys) == ["2.00", "4.00"]
    assert Session.opened == opened

    # Jörg copies the form from his page into a mail.
    page = (course.out / keys[1] / "report.html").read_text("utf-8")
    form = html.unescape(page.partition("Regrade request")[2].partition("</pre>")[0])
    check = form.partition("Check: ")[2].partition("\n")[0]
    mail = EmailMessage()
    mail["From"], mail["Date"] = f"Jörg <{JM[2]}>", "Mon, 2 Mar 2026 10:00:00 +0100"
    mail.set_content("> Regrade request" + form.replace("\n", "\n> ") + "the draw is fine\n")
    (course.folder / "mails").mkdir()
    (course.folder / "mails" / "1.eml").write_bytes(mail.as_bytes())
    assert f"Jörg Müller: {check} 0 / " in then("requests")
    (asked,) = table_of(course.out / "requests.csv")
    assert (asked["student"], asked["check"]) == (keys[1], check)
    assert (asked["reason"], asked["look at"]) == ("the draw is fine", "")

    # The instructor gives the points, as a line of its own; the list says before and after.
    old = asked["after"]
    with file.open("ab") as added:
        added.write(f"{keys[1]};;{check};0,5;;You are right\r\n".encode("cp1252"))
    assert f"Jörg Müller: {old} → {float(old) + 0.5:g}" in then("marks")
    page = (course.out / keys[1] / "report.html").read_text("utf-8")
    assert "Changed by a person: " in page
    assert "0.5 in place of 0 points. You are right" in page
    then("requests")
    (asked,) = table_of(course.out / "requests.csv")
    assert float(asked["after"]) == float(old) + 0.5
    assert asked["before"] != asked["after"]

    # The marks go back to the platform.
    worth = course.table()["maximum"]["total"]
    book = tables.canvas(PEOPLE, [""] * 3, worth=worth)
    (course.folder / "grades.csv").write_bytes(tables.written(book))
    then("export canvas")
    filled = tables.canvas(PEOPLE, [*totals(), ""], worth=worth)
    assert (course.folder / "grades-filled.csv").read_bytes() == tables.written(filled)
    assert next(steps, None) is None
