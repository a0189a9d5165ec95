"""The pages of graded samples in a real browser: for every reader, by mouse and by keyboard."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner

import cases
from environments import once
from grader.checks.gan import tries
from grader.cli.main import main
from grader.gradebook import book
from grader.grading import batch
from grader.report.views import class_view
from grading import Inline, few_cases
from report_builders import FAILED, PASSED, index_page, judge, report

SAMPLES = ("gan_leak", "no_path", "unfinished")
PAGES = ("index", "gan_leak/report", "no_path/report", "no_path/instructor")
every_page = pytest.mark.parametrize("name", PAGES)
KILOBYTES = 1536


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The samples, graded."""

    def make(folder):
        handed_in = tmp_path_factory.mktemp("browsing")
        sources = [str(cases.write(name, handed_in)) for name in SAMPLES]
        arguments = ["grade", *sources, "--out", str(folder), "--jobs", "1", "--sandbox", "none"]
        with few_cases(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(tries, "STEPS", 400)  # what a page shows of a training is there by then
            patch.setattr(batch, "pool", lambda workers: Inline())
            done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output

    return once(tmp_path_factory, "browsed", make)


ALL_RULES = {}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


ONE_OF_EACH = """() => {
    const seen = new Set();
    for (const one of document.querySelectorAll("details.check, tbody tr")) {
        const inside = [one, ...one.querySelectorAll("*")].filter(e => !e.closest("math *"));
        const kinds = inside.map(e => e.localName + "." + (e.getAttribute("class") || ""));
        const kind = [...new Set(kinds)].sort().join();
        if (seen.has(kind)) one.remove();
        seen.add(kind);
    }
}"""
"""Of checks, and of rows, that are made of the same elements and classes, one stays."""


@pytest.mark.parametrize(
    ("name", "scheme", "rules"),
    [
        *(pytest.param(name, "light", ALL_RULES, id=f"light-{name}") for name in PAGES),
        pytest.param("index", "dark", COLOURS, id="dark-index"),
        pytest.param("no_path/report", "dark", COLOURS, id="dark-report"),
    ],
)
def test_axe_finds_nothing_and_nothing_is_asked_for(out, open_page, name, scheme, rules):
    """In the dark a page differs in its colours alone, and checks like others have their faults."""
    opened = open_page(out / f"{name}.html", color_scheme=scheme, bypass_csp=True)
    opened.page.evaluate(ONE_OF_EACH)
    opened.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    found = Axe().run(opened.page, options=rules)
    assert "color-contrast" in {rule["id"] for rule in found.response["passes"]}
    violations = {
        v["id"]: [n["html"][:120] for n in v["nodes"]] for v in found.response["violations"]
    }
    assert violations == {}
    assert opened.noticed == []


@every_page
def test_a_page_fits_a_phone_and_a_desk(out, open_page, name):
    assert (out / f"{name}.html").stat().st_size < KILOBYTES * 1024
    for width in (360, 1200):
        opened = open_page(out / f"{name}.html", viewport={"width": width, "height": 800})
        opened.page.evaluate(
            "() => document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        assert opened.page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert opened.noticed == []


def test_details_open_and_close_by_keyboard(out, open_page):
    opened = open_page(out / "no_path/report.html")
    first = opened.page.locator("details.passed > summary").first
    body = opened.page.locator("details.passed .body").first
    assert not body.is_visible()
    first.focus()
    opened.page.keyboard.press("Enter")
    assert body.is_visible()
    opened.page.keyboard.press("Space")
    assert not body.is_visible()


def test_what_to_fix_first_leads_to_its_check(out, open_page):
    opened = open_page(out / "no_path/report.html")
    link = opened.page.locator(".fixes a").first
    title = link.inner_text()
    link.click()
    there = opened.page.locator(":target")
    assert title.rstrip(".") in there.inner_text()
    assert there.locator(".body").first.is_visible()


def test_code_is_copied(out, open_page):
    opened = open_page(
        out / "no_path/report.html", permissions=["clipboard-read", "clipboard-write"]
    )
    button = opened.page.locator("button.copy:visible").first
    code = button.locator("xpath=..").locator("pre").text_content()
    button.click()
    assert (
        opened.page.wait_for_function("() => navigator.clipboard.readText()").json_value() == code
    )
    assert button.inner_text() == "Copied"


def test_without_scripts_everything_is_there_but_the_buttons(out, open_page):
    opened = open_page(out / "no_path/report.html", java_script_enabled=False)
    assert opened.page.locator("button:visible").count() == 0
    assert opened.page.locator("pre:visible").count() > 0
    opened = open_page(out / "index.html", java_script_enabled=False)
    assert opened.page.locator("button, input:visible, select:visible").count() == 0
    assert opened.page.locator("#submissions tbody tr:visible").count() == len(SAMPLES)


def names(opened):
    return [
        text.split()[0]
        for text in opened.page.locator("#submissions tbody tr:visible th").all_inner_texts()
    ]


def totals(out):
    reports = book.read_results(out).reports
    return {name: reports[name].total.earned for name in SAMPLES}


def test_the_class_is_sorted_by_any_column(out, open_page):
    opened = open_page(out / "index.html")
    assert names(opened) == sorted(SAMPLES)
    total = opened.page.get_by_role("button", name="Total", exact=True)
    by_points = totals(out)
    total.focus()
    opened.page.keyboard.press("Enter")
    assert names(opened) == sorted(SAMPLES, key=lambda n: -by_points[n])
    assert opened.page.locator("#submissions th[aria-sort=descending]").inner_text() == "Total"
    total.click()
    assert names(opened) == sorted(SAMPLES, key=by_points.get)
    opened.page.get_by_role("button", name="Submission", exact=True).click()
    assert names(opened) == sorted(SAMPLES)


def test_the_class_is_filtered(out, open_page):
    opened = open_page(out / "index.html")
    search = opened.page.get_by_role("searchbox")
    search.fill("PATH")
    assert names(opened) == ["no_path"]
    assert opened.page.locator("output").inner_text() == f"1 of {len(SAMPLES)}"
    search.fill("")
    assert names(opened) == sorted(SAMPLES)
    assert opened.noticed == []


def test_the_class_is_narrowed_to_a_kind(tmp_path, open_page):
    page = tmp_path / "index.html"
    reports = [
        report(judge("a", status), name=n) for n, status in (("ada", PASSED), ("bob", FAILED))
    ]
    page.write_text(index_page(reports), "utf-8")
    opened = open_page(page)
    choice = opened.page.get_by_role("combobox")
    choice.select_option("full")
    assert names(opened) == ["ada"]
    choice.select_option("")
    assert names(opened) == ["ada", "bob"]
    assert opened.noticed == []


def test_a_class_of_thousands_is_searched_and_sorted_too(tmp_path, open_page, monkeypatch):
    monkeypatch.setattr(class_view, "MANY", 101)
    hostile = "</script><b>eve"
    people = [(f"n{i:03}", FAILED) for i in range(102)] + [("ada", PASSED), (hostile, FAILED)]
    page = tmp_path / "index.html"
    reports = [report(judge("a", status), name=n, id=n.strip("<>/")) for n, status in people]
    page.write_text(index_page(reports), "utf-8")
    opened = open_page(page)
    assert names(opened)[0].startswith("n000")
    assert len(names(opened)) == 100
    opened.page.get_by_role("button", name="Next").click()
    assert [name.split()[0] for name in names(opened)] == ["n100", "n101", "ada", hostile]
    opened.page.get_by_role("button", name="Total").click()
    assert names(opened)[0] == "ada"
    opened.page.get_by_role("searchbox").fill("EVE")
    assert [name.split()[0] for name in names(opened)] == [hostile]
    assert opened.page.locator("output").inner_text() == "1 to 1 of 1 found among 104"
    opened.page.get_by_role("searchbox").fill("")
    opened.page.get_by_role("combobox").select_option("full")
    assert names(opened) == ["ada"]
    assert opened.noticed == []


def test_paper_shows_every_check_that_did_not_pass(out, open_page):
    opened = open_page(out / "no_path/report.html")
    opened.page.emulate_media(media="print")
    closed = opened.page.evaluate(
        """() => [...document.querySelectorAll("details.check:not(.passed, .blocked) .body")]
            .filter(body => !body.getBoundingClientRect().height).length"""
    )
    assert opened.page.locator("details.check:not(.passed, .blocked, [open])").count() > 0
    assert closed == 0
    printed = opened.page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4
