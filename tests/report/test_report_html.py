import base64
import hashlib
import re

import pytest

from grader import layout
from grader.records import Figure
from report_builders import (
    BLOCKED,
    CRASHED,
    NO_WALLS,
    Page,
    index_page,
    instructor_page,
    judge,
    report,
    rich_report,
    student_page,
)

SCRIPTS, NAMES = layout.PACKAGE / "report" / "templates", ("student", "class")
HOSTILE = (
    "</pre></style><script>alert(1)</script>\"' onload=alert(2) x='{{ 7*7 }}"
    "\x1b[31m\x07\u202e\u2066\x00\ud800<img src=x onerror=y>&amp;"
)


def hostile():
    words = dict.fromkeys(
        (
            "message",
            "hint",
            "diagnosis",
            "tried",
            "expected",
            "actual",
            "where",
            "stdout",
            "counterexample",
            "details",
        ),
        HOSTILE,
    )
    figure = Figure("bars", HOSTILE, {HOSTILE: [1.0]})
    pair = judge("a", CRASHED, title=HOSTILE, function=HOSTILE, figures=(figure,), **words)
    return report(
        pair,
        judge("b", BLOCKED, part=HOSTILE),
        id=HOSTILE,
        name=HOSTILE,
        reason=HOSTILE,
        environment={HOSTILE: HOSTILE},
        sandbox={HOSTILE: HOSTILE},
    )


PAGES = {
    "student": student_page,
    "instructor": instructor_page,
    "index": lambda full: index_page([full, full], seconds=3.0),
}
every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
every_report = pytest.mark.parametrize(
    "full",
    [
        rich_report(),
        hostile(),
        report(),
        report(reason="No file."),
        report(judge("a"), sandbox=NO_WALLS, withheld=2.0),
    ],
    ids=["rich", "hostile", "empty", "unusable", "unsandboxed"],
)


@every_page
@every_report
def test_the_policy_names_the_hashes_of_the_pages_own_style_and_script(page, full):
    parsed = Page(page(full))
    (policy,) = [m["content"] for m in parsed.all("meta") if "http-equiv" in m]
    for kind, text in (("style", parsed.style), ("script", parsed.script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f" {kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "img-src data:" in policy
    assert "unsafe" not in policy


@every_page
@every_report
def test_nothing_on_a_page_acts_or_is_loaded(page, full):
    parsed = Page(page(full))
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"iframe", "object", "embed", "form", "base", "audio", "video"}
    assert len(parsed.all("style")) == 1
    assert parsed.all("script") == [{}]
    assert parsed.script in {(SCRIPTS / f"{name}.js").read_text("utf-8") for name in NAMES}
    assert not re.search(r"\b(eval|fetch|innerHTML|XMLHttpRequest|import)\b", parsed.script)
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert all(image["src"].startswith("data:image/png;base64,") for image in parsed.all("img"))
    assert [link["href"] for link in parsed.all("link")] == ["data:,"]
    assert "url(" not in parsed.style
    assert "@import" not in parsed.style
    for link in parsed.all("a"):
        assert re.fullmatch(r"#[\w.-]+|[\w.%~-]+/(report|instructor)\.html", link["href"])


@every_page
@every_report
def test_links_within_a_page_lead_somewhere_and_ids_are_unique(page, full):
    parsed = Page(page(full))
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    inner = [a["href"][1:] for a in parsed.all("a") if a["href"].startswith("#")]
    labels = [a["aria-labelledby"] for _, a in parsed.elements if "aria-labelledby" in a]
    assert set(inner + labels) <= set(ids)


@every_page
def test_student_text_is_escaped_and_stripped(page):
    text = page(hostile())
    parsed = Page(text)
    assert "alert(1)" in parsed.text
    assert text.count("<script") == 1
    assert "49" not in parsed.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert text.encode("utf-8")
    assert "[31m" not in text


@every_page
def test_every_picture_has_words(page):
    parsed = Page(page(rich_report()))
    assert all(image["alt"] for image in parsed.all("img"))
    pictures = [svg for svg in parsed.all("svg") if svg.get("role") == "img"]
    assert pictures
    assert pictures == parsed.all("svg")
    assert all(svg["aria-label"] for svg in pictures)


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme):
    style = Page(student_page(report())).style
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme]))
    grounds = ("page", "card", "soft")
    pairs = [(ink, ground) for ink in ("text", "quiet") for ground in grounds]
    pairs += [("link", "page"), ("link", "card"), ("passed", "card"), ("failed", "card")]
    pairs += [("invalid", "page"), ("alarm", "alarm-soft")]
    states = ("passed", "partial", "failed", "crashed", "blocked", "invalid")
    pairs += [(state, f"{state}-soft") for state in states]
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    assert contrast(colours["bar"], colours["rest"]) > 2
