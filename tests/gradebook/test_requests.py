"""Regrade requests: found in mails as people send them, and listed with marks before and after."""

from email.message import EmailMessage

import pytest

from grader.errors import BadSource
from grader.gradebook import mails, requests
from grader.gradebook.history import Entry
from grader.report.analysis.regrade import Asked, about_check, asked
from report_builders import FAILED, judge, report

CHECK, OUTCOME = judge("split.right", FAILED, tried="split(m, 2)", actual="0.5", expected="0.7")
ADA = report((CHECK, OUTCOME))
FORM = about_check(ADA, CHECK, OUTCOME)
HISTORY = [
    Entry("2026-03-01T10:00:00+0000", "ada_1", "10"),
    Entry("2026-03-03T10:00:00+0000", "ada_1", "12"),
]


def test_the_form_says_check_call_and_what_came_back():
    assert FORM.split("\n") == [
        "Regrade request for homework 3",
        "Student: ada_1",
        "Check: split.right",
        "Points: 0 of 2",
        "Called: split(m, 2)",
        "Came back: 0.5",
        "Expected: 0.7",
        "My reason: ",
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"{FORM}it is right",
        "\r\n".join(f"> {line}" for line in f"Hello,\n\n{FORM}\nit is right".split("\n")),
        FORM.replace("Check:", "*CHECK :*").replace("Called: split(m, 2)", "Called: split(m,\n2)")
        + "\n\nit is right\n-- \nAda, 2nd year",
    ],
)
def test_the_form_is_found_in_what_mails_make_of_it(text):
    assert asked(text) == [Asked("ada_1", "split.right", "it is right")]


def test_several_forms_are_several_requests():
    both = f"{FORM}one\n{FORM.replace('split.right', 'focus')}two\nCheck: third"
    assert [(one.check, one.reason) for one in asked(both)] == [
        ("split.right", "one"),
        ("focus", "two"),
        ("third", ""),
    ]
    assert asked("I want more points") == []


def mail(folder, name, text, sender="", kind="plain"):
    message = EmailMessage()
    if sender:
        message["From"] = sender
    message["Date"] = "Mon, 2 Mar 2026 10:00:00 +0000"
    message.set_content(text, subtype=kind)
    (folder / name).write_bytes(message.as_bytes())


def test_mails_of_a_folder(tmp_path):
    mail(tmp_path, "1.eml", f"{FORM}fine", "Ada <ada@u.example>")
    page = "".join(f"<div>{line}</div>" for line in f"{FORM}fine &lt;3".split("\n"))
    mail(tmp_path, "2.eml", f"<style>Check: no</style>{page}", kind="html")
    (tmp_path / "3.txt").write_bytes(b"\xef\xbb\xbfplease")
    (tmp_path / "4.eml").write_bytes(b"From: \xff\nContent-Type: text/plain; charset=none\n\nx\xff")
    (tmp_path / "picture.png").write_bytes(b"x")
    one, two, three, four = mails.read(tmp_path)
    assert (one.sender, one.received[:10]) == ("ada@u.example", "2026-03-02")
    assert [m.requests[0].reason for m in (one, two)] == ["fine", "fine <3"]
    assert (three.requests, three.begins, four.requests) == ([], "please", [])


def test_a_form_s_answers_in_a_table(tmp_path):
    table = tmp_path / "answers.csv"
    table.write_text("Email Address;Check;Reason\r\na@u;split.right;fine\r\n;;\r\n", "utf-8")
    (one,) = mails.read(table)
    assert (one.source, one.sender) == ("answers.csv, row 2", "a@u")
    assert one.requests == [Asked("", "split.right", "fine")]
    for text, words in (("a,b\n1,2\n", "no column for requests"), ("", "it is empty")):
        table.write_text(text, "utf-8")
        with pytest.raises(BadSource, match=words):
            mails.read(table)
    with pytest.raises(BadSource, match="holds no mail"):
        mails.read(tmp_path)


def listed(*found):
    return requests.collected(found, {"ada_1": ADA}, HISTORY)


def test_marks_before_and_after_and_what_is_odd():
    form = Asked("ada_1", "split.right", "fine")
    at = "2026-03-02T10:00:00+00:00"
    (one,) = listed(mails.Mail("1.eml", "", at, [form]))
    assert (one.name, one.points, one.before, one.after) == ("Ada Lovelace", "0 / 2", "10", "0")
    assert one.look_at == ""
    (late,) = listed(mails.Mail("1.eml", "", "2026-03-04T00:00:00+00:00", [form]))
    assert late.before == "12"
    odd = listed(
        mails.Mail("2.eml", "", "", [Asked("ada_1", "splt.right", "")]),
        mails.Mail("3.eml", "", "", [Asked("bob", "split.right", "")]),
        mails.Mail("4.eml", "x@y", "", [], "please"),
    )
    assert [row.look_at for row in odd] == [
        "there is no check or question splt.right",
        "there is no student bob",
        "nobody knows who sent it; it holds no form of words: read it yourself",
    ]
    assert odd[2].reason == "please"


def test_an_answer_in_the_list_is_never_overwritten(tmp_path):
    form = Asked("ada_1", "split.right", "=1+1")
    path = requests.write(tmp_path, listed(mails.Mail("1.eml", "", "", [form])))
    text = path.read_text("utf-8-sig")
    assert "'=1+1" in text
    lines = text.replace(",", ";").rstrip("\n") + "no, see the forum\n"
    path.write_bytes(lines.encode("cp1252"))
    requests.write(tmp_path, listed(mails.Mail("2.eml", "", "", [form])))
    text = path.read_text("utf-8-sig")
    assert text.count("no, see the forum") == 1
    assert "2.eml" in text
    path.write_text("something else\n", "utf-8")
    with pytest.raises(BadSource, match="no list of requests any more"):
        requests.write(tmp_path, [])
    assert path.read_text("utf-8") == "something else\n"
