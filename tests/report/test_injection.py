"""What a submission says is shown as text, whatever it says: names, prints, errors, classes, code.

A class is graded whose every word tries to act: markup and script for the pages, escapes for the
terminal, formulas for the spreadsheet, newlines for rows and lines of its own.
"""

import contextlib
import csv
import io
import json
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from markupsafe import Markup

from environments import once
from grader.cli.main import main
from grader.gradebook.table import gradebook
from grader.grading import batch, results
from grader.report.deliver import ForInstructor
from grader.report.writers import html
from grader.report.writers.results import write_json
from grading import Inline
from hostile import FILES, IMAGE, MARKUP, NAMES, TEXT, acts, build, everything, write
from report_builders import index_page, instructor_page, judge, report, student_page

GRADE = ("grade", "class", "--out", "graded", "--part", "part3", "--sandbox", "none")
"""What is written is the same behind walls."""


def hw3(*arguments, cwd, terminal=False):
    """Run the command; what it wrote, to a terminal or to two pipes, and its exit status."""
    command = [sys.executable, "-c", "from grader.cli.main import main; main()", *arguments]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "50"}
    environment.pop("NO_COLOR", None)
    if not terminal:
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True)
        return (done.stdout + b"\n" + done.stderr).decode(), done.returncode
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody is left on it
        while chunk := os.read(ours, 65536):
            written += chunk
    os.close(ours)
    return written.decode(), process.wait()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, graded: the folder of results, what was written meanwhile, how many there are."""

    def make(place):
        place.mkdir()
        # Two more have the name and the files of a third, but for blanks in the name: one person's.
        count = build(place / "class") - 2
        terminal = sys.platform != "win32"
        said, status = hw3(*GRADE, "--jobs", "1", cwd=place, terminal=terminal)
        assert status == 3, said  # some cannot be read: a person has to decide
        (place / "said.json").write_text(json.dumps([said, count]), encoding="utf-8")

    place = once(tmp_path_factory, "injection", make)
    return place / "graded", *json.loads((place / "said.json").read_text("utf-8"))


# The pages

ELEMENTS = """() => {
    const wrong = [];
    const known = new Set(`html head meta link title style body main header footer section div p b
        span h1 h2 ul ol li dl dt dd a code pre details summary img figure figcaption table thead
        tbody tr th td svg rect line path polyline text script button label input select option
        output math mrow mi mn mo msub msup msubsup munder mover munderover mfrac mtext mspace
        mpadded`.split(/\\s+/));
    const named = /^(#[\\w.-]+|[\\w.%-]+\\/(report|instructor)\\.html)$/;
    for (const element of document.querySelectorAll("*")) {
        const tag = element.localName, outer = element.outerHTML.slice(0, 200);
        const body = element.closest("body");
        if (!known.has(tag)) wrong.push(outer);
        if (body && ["meta", "link", "title", "style"].includes(tag)) wrong.push(outer);
        for (const {name, value} of element.attributes) {
            const acts = /^on|^(style|srcdoc|action|formaction|autofocus|ping|target)$/.test(name);
            const source = name == "src" && !value.startsWith("data:image/png;base64,");
            const link = name == "href" && tag != "link" && !named.test(value);
            if (acts || source || link) wrong.push(outer);
        }
    }
    const counts = {style: 1, script: 1, link: 1, title: 1, meta: 5};
    for (const [tag, count] of Object.entries(counts))
        if (document.querySelectorAll(tag).length != count) wrong.push(`not ${count} <${tag}>`);
    if (window.hacked !== undefined) wrong.push("script ran");
    if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the window");
    return wrong;
}"""


def looked_at(opened):
    """What is wrong with a page when all of it is open, and its text."""
    title = opened.page.title()
    opened.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    opened.page.evaluate(
        "() => document.querySelectorAll('a[href^=\"javascript:\"]').forEach(a => a.click())"
    )
    opened.page.wait_for_timeout(100)
    wrong = [*opened.page.evaluate(ELEMENTS), *opened.noticed]
    text = opened.text()
    wrong += [f"{c!r} in the text" for c in acts(text + title)]
    wrong += ["another title"] if title == "owned" else []
    return wrong, text


PAGES = {
    "report": student_page,
    "instructor": instructor_page,
    "index": lambda one: index_page([one, one], TEXT),
}
POLICY = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')


def test_the_browser_notices_what_such_text_does_where_it_is_not_escaped(open_page, tmp_path):
    """Of a page that is not ours: what could not fail here would show nothing below."""
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><title>t</title><p>{TEXT}", "utf-8", "replace"
    )
    opened = open_page(page)
    wrong, _ = looked_at(opened)
    assert {"script ran", "another title", *(f"dialog: {n}" for n in (1, 2, 4, 5))} <= set(wrong)
    assert "request: https://evil.invalid/pixel.png" in wrong
    assert "request: https://evil.invalid/l.css" in wrong
    assert any("javascript:alert(5)" in line for line in wrong)
    assert "'\\u202e' in the text" in wrong


@pytest.mark.parametrize("name", PAGES)
def test_every_word_of_a_page_is_shown_as_text(open_page, tmp_path, name):
    page = tmp_path / "page.html"
    page.write_text(PAGES[name](everything()), "utf-8")
    opened = open_page(page)
    wrong, text = looked_at(opened)
    assert wrong == []
    missing = [piece for piece in MARKUP if " ".join(piece.split()) not in text]
    assert missing == []
    page.write_text(PAGES[name](everything("some words", "a word")), "utf-8")
    tree = "() => [...document.querySelectorAll('*')].map(element => element.localName)"
    assert opened.page.evaluate(tree) == open_page(page).page.evaluate(tree)


def test_escaping_alone_is_enough(open_page, tmp_path):
    page = tmp_path / "page.html"
    text, found = POLICY.subn("<meta>", instructor_page(everything()))
    assert found == 1
    page.write_text(text, "utf-8")
    assert looked_at(open_page(page))[0] == []


def test_the_policy_alone_lets_nothing_run_and_nothing_load(open_page, tmp_path, monkeypatch):
    """If a template ever forgot to escape: the page is spoilt, and that is all."""
    monkeypatch.setattr(html, "_shown", lambda value: Markup(value))
    html._environment.cache_clear()
    try:
        text = instructor_page(everything())
    finally:
        html._environment.cache_clear()
    page = tmp_path / "page.html"
    page.write_text(text, "utf-8", "replace")
    opened = open_page(page)
    wrong, _ = looked_at(opened)
    assert any('onload="alert(4)"' in line for line in wrong)  # it is markup now
    assert "script ran" not in wrong
    did = {kind: set() for kind in ("console", "request", "blocked", "navigation")}
    for line in opened.noticed:
        kind, _, what = line.partition(": ")
        did[kind].add(what)
    assert all("Content Security Policy" in line for line in did["console"])
    assert "https://evil.invalid/pixel.png" in did["request"]
    assert did["request"] == did["blocked"]
    assert did["navigation"] <= {"about:srcdoc"}


def test_a_graded_class_is_shown_as_text(open_page, graded):
    out, _, count = graded
    wrong, text = looked_at(open_page(out / "index.html"))
    assert wrong == []
    assert text.count("student instructor") == count
    for name in (IMAGE, "%2e%2e", "javascript:alert(1)", "{{7*7}} {% for x in y %}"):
        assert name in text
    assert "None of part1_focused.py" in text
    assert "../../other/part3_compression.py is not a safe name" in text


SAID = {
    "raises/report.html": [
        *MARKUP,
        f"a value of type {IMAGE}",
        f"raise Odd(TEXT) # {IMAGE} </pre></style></script>",
        f"{IMAGE}.py:2: raise KeyError",
    ],
    "raises/instructor.html": MARKUP,
    "loads/report.html": MARKUP,
    "parses/report.html": [f"x = = 1 # {IMAGE} </style> {MARKUP[0]}"],
    "decodes/report.html": ["was read as cp1252"],
    "misnamed/report.html": ["part3 <script>window.hacked=1;"],
    "climbs/report.html": ["../../other/part3_compression.py is not a safe name"],
}
"""What is quoted on which page of the class."""


@pytest.mark.parametrize("page", SAID)
def test_what_a_submission_says_is_quoted(open_page, graded, page):
    wrong, text = looked_at(open_page(graded[0] / page))
    assert wrong == []
    assert [words for words in SAID[page] if words not in text] == []


def test_the_links_of_the_class_lead_to_its_pages(open_page, graded):
    out, _, count = graded
    opened = open_page(out / "index.html")
    links = opened.page.evaluate("() => [...document.links].map(link => link.href)")
    pages = {path.as_uri() for path in out.glob("*/*.html")}
    assert set(links) == pages
    assert len(pages) == 2 * count


# The gradebook


def read_as_a_spreadsheet(text, separators):
    """Rows of cells as a spreadsheet reads them: it may split at several separators at once.

    A cell that begins with a quote lasts until the next single one, line ends included.
    """
    rows, row, cell, state = [], [], "", "new"
    for character in text:
        if state == "quoted":
            state = "closed" if character == '"' else state
            cell += character if state == "quoted" else ""
        elif character == '"' and state in ("new", "closed"):
            cell += character if state == "closed" else ""
            state = "quoted"
        elif character == "\n" or character in separators:
            row, cell, state = [*row, cell], "", "new"
            if character == "\n":
                rows, row = [*rows, row], []
        else:
            cell, state = cell + character, "plain"
    return [*rows, [*row, cell]] if row or cell or state != "new" else rows


def cells_that_run(text, separators):
    cells = [cell for row in read_as_a_spreadsheet(text, separators) for cell in row]
    runs = re.compile('[\\s"]*[=+\\-@|%＝＋－＠\\t\\r\\0]')
    number = re.compile(r"-?[0-9]+\.[0-9]+")
    return [cell for cell in cells if runs.match(cell) and not number.fullmatch(cell)]


@pytest.mark.parametrize("separators", [",", ";", "\t", ",;", ",;\t", ",;\t|"])
def test_a_gradebook_is_text_whatever_a_spreadsheet_splits_at(graded, separators):
    out, _, count = graded
    text = (out / "gradebook.csv").read_text("utf-8-sig")
    hostile = [report(judge("a"), id=name, name=name, reason=TEXT) for name in NAMES]
    # The first row after the header is what can be earned.
    for book, rows in ((text, count + 1), (gradebook(map(ForInstructor, hostile)), len(NAMES))):
        read = read_as_a_spreadsheet(book, separators)
        assert len(read) == len(book.splitlines()) == rows + 1
        assert cells_that_run(book, separators) == []
        assert acts(book) == []
        if separators in (",", ",;", ",;\t"):
            assert {len(row) for row in read} == {len(read[0])}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_reading_of_spreadsheets_is_that_of_the_csv_module(graded, separator):
    text = (graded[0] / "gradebook.csv").read_text("utf-8-sig")
    read = list(csv.reader(io.StringIO(text), delimiter=separator))
    assert read_as_a_spreadsheet(text, separator) == read
    assert cells_that_run("a,=1\n", ",") == ["=1"]
    assert cells_that_run('a;" =1"\n', ";") == [" =1"]


# The results


def test_results_are_strict_json_of_the_same_words(graded, tmp_path):
    out, _, count = graded
    files = list(out.glob("*/result.json"))
    assert len(files) == count
    write_json(tmp_path / "everything.json", ForInstructor(everything()))
    for file in (*files, tmp_path / "everything.json"):
        text = file.read_bytes().decode("utf-8", "strict")
        assert text.isascii()
        json.loads(text, parse_constant=lambda name: pytest.fail(name))
        assert '\\ud83d"' not in text
    for file in files:
        results.read(file)
    told = json.loads((out / "raises" / "result.json").read_bytes())
    printed = [check["feedback"]["stdout"] for check in told["checks"]]
    assert any(all(piece in text for piece in MARKUP) for text in printed)


# The terminal

OWN = re.compile(r"\x1b\[(\?25[lh]|[0-9;]*m|[0-9]*[AK])|\r")
"""What rich moves the cursor with, and colours by."""


def lines_of(said):
    plain = OWN.sub("", said)
    assert acts(plain) == []
    assert "\x1b[5;35;7m" not in said  # a colour of the submission's own
    forged = [line for line in plain.split("\n") if re.match(r" {0,7}\S?.{0,2}FORGED", line)]
    assert forged == []
    return plain.split("\n")


def test_grading_writes_nothing_that_acts(graded):
    out, said, count = graded
    lines = lines_of(said)
    assert f"{count} graded: open graded/index.html" in lines
    piped, status = hw3(*GRADE, cwd=out.parent)
    assert status == 3
    assert "\x1b" not in piped
    assert "\r" not in piped
    # Of those about whom a person has to decide nothing is kept.
    kept = re.compile(rf"[0-9]+ of {count} have a result already")
    assert any(kept.match(line) for line in lines_of(piped))


def test_a_log_of_github_actions_carries_nothing_out(tmp_path, monkeypatch):
    told = "raise ValueError('x\\n::error::FORGED\\n##[error]FORGED')"
    write(tmp_path, {"part3_compression.py": told})
    command = ["check", str(tmp_path), "--only", "evaluate.counts_right"]
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert "stop-commands" not in CliRunner().invoke(main, command).output
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    first, *between, last = result.output.strip().split("\n")
    token = re.fullmatch("::stop-commands::([0-9a-f]{32})", first)[1]
    assert last == f"::{token}::"
    assert any("::error::FORGED" in line for line in between)
    assert not any(token in line for line in between)


PLACE = "b\x1b]0;owned\x07\u202e\nFORGED: all passed"


@pytest.mark.parametrize("terminal", [pytest.param(False, marks=pytest.mark.weekly), True])
def test_checking_writes_nothing_that_acts(tmp_path, terminal):
    folder = tmp_path / PLACE
    folder.mkdir()
    write(folder, FILES)
    command = ("check", str(folder), "--part", "part3", "--verbose")
    said, status = hw3(
        *(*command, "--html", str(folder / "a.html"), "--json", str(folder / "a.json")),
        cwd=tmp_path,
        terminal=terminal,
    )
    assert status == 1
    lines = lines_of(said)
    assert any("value of type" in line for line in lines)
    assert terminal or "\x1b" not in said
    text = " ".join(" ".join(lines).split())
    assert "</pre></code></style>" in text
    assert json.loads((folder / "a.json").read_bytes().decode("utf-8", "strict"))


@pytest.mark.parametrize(
    "command",
    [
        ["check", f"nowhere/{PLACE}"],
        ["check", ".", "--html", f"part3_compression.py/{PLACE}"],
        ["check", ".", "--json", PLACE],
        ["check", ".", "--part", PLACE],
        ["check", ".", "--assignment", PLACE],
        ["check", ".", "--sandbox", PLACE],
        ["check", ".", PLACE],
        ["check", ".", f"--{PLACE}"],
        [f"--{PLACE}"],
        [PLACE],
        ["grade", PLACE, "--out", "out"],
        ["grade", f"{PLACE}/file", "--out", "out"],
        ["grade", ".", "--out", f"{PLACE}/file"],
        ["grade", ".", "--out", f"part3_compression.py/{PLACE}"],
        ["grade", ".", "--out", "out", "--jobs", PLACE],
        ["list", "--part", PLACE],
        ["audit", "--bank", f"{PLACE}/none"],
    ],
)
def test_what_is_refused_is_said_in_one_line(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"part3_compression.py": "", f"{PLACE}/file": ""})
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert acts(result.output) == []
    assert [line for line in result.output.split("\n") if line.startswith("FORGED")] == []


def test_where_results_lie_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batch, "pool", lambda workers: Inline())
    write(tmp_path / "class" / "ada", {"part3.py": ""})
    result = CliRunner().invoke(main, ["grade", "class", "--out", PLACE, "--part", "part3"])
    assert result.exit_code == 3  # about a name that is not the file's
    assert acts(result.output) == []
    (line,) = (line for line in result.output.split("\n") if "graded: open" in line)
    assert line == r"1 graded: open 'b\x1b]0;owned\x07\u202e\nFORGED: all passed/index.html'"
