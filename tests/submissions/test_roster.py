"""The list of a class: every platform's columns, and nobody guessed."""

import pytest

import make_exports
from grader.errors import BadRoster
from grader.submissions.roster import read_roster

PEOPLE = make_exports.students()


@pytest.fixture
def listed(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "people.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return read_roster(path)

    return write


@pytest.mark.parametrize("name", make_exports.rosters(PEOPLE))
def test_the_lists_of_all_platforms_are_read(listed, name):
    roster = listed(make_exports.rosters(PEOPLE)[name])
    assert len(roster.people) == 60
    assert {one.email for one in roster.people} == {one.email for one in PEOPLE}
    ids = {"canvas.csv": "canvas", "moodle.csv": "moodle", "gradescope.csv": "canvas"}
    if name in ids:
        assert [one.id for one in roster.people] == [str(getattr(p, ids[name])) for p in PEOPLE]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_encodings_and_separators(listed, encoding, mark):
    text = mark.join(["name", "email"]) + "\r\n" + mark.join(["Zoë", "z@x.example"]) + "\r\n"
    (zoe,) = listed(text, encoding).people
    assert (zoe.name, zoe.email) == ("Zoë", "z@x.example")


def test_a_word_before_a_number_is_moodle_s_in_any_language(listed):
    for word in ("Participant ", "Participant_", "Teilnehmer/in ", "Partecipante "):
        roster = listed(f"sep=;\nKennung;Nome;Cognome\n{word}12;Ann;Lee\n")
        assert [(one.id, one.name) for one in roster.people] == [("12", "Ann Lee")]
        assert roster.match("12", "", "", "") == [0]


def test_people_are_matched_by_id_then_login_then_email_then_name(listed):
    roster = listed(
        "id,name,email,login,group,extension\n"
        "1,Anna Lee,anna@x,anna,A,\n"
        "2,Bo Roy,bo@x,bo,A,2 days\n"
        "3,Kim Lee,k1@x,k1,,\n"
        "4,Kim Lee,k2@x,k2,,\n"
    )
    assert roster.match("2", "anna", "anna@x", "Anna Lee") == [1]
    assert roster.match("", "anna", "bo@x", "Bo Roy") == [0]
    assert roster.match("", "", "BO@X", "Anna Lee") == [1]
    assert roster.match("bo@x", "", "", "") == [1]
    for name in ("Anna Lee", "Lee, Anna", "leeanna", "ANNA LEE"):
        assert roster.match("", "", "", name) == [0]
    assert roster.match("", "", "", "Kim Lee") == [2, 3]
    assert roster.match("9", "who", "who@x", "Somebody Else") == []
    assert roster.ends("hw3-k2") == [("hw3-", 3)]
    assert roster.people[1].allowed.extension == "2 days"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Quiz,Points\n1,2\n", "has the columns Quiz and Points; a roster needs one of id, name"),
        ("", "no columns"),
        ("id,name\n", "no people"),
        ("id,name\n1,A\n1,B\n", "two people with the id 1"),
        ("name,email\nA,a@x\nB,A@X\n", "two people with the email a@x"),
        (b"id,name\n1,\0\n", "save it as CSV"),
        ('id,name\n1,"A\n2,B\n', "is no CSV file: unexpected end of data"),
        (b"x" * (9 << 20), "larger than 8 MiB"),
    ],
)
def test_a_list_that_cannot_be_used_is_named(listed, text, words):
    with pytest.raises(BadRoster) as caught:
        listed(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("people.csv")


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(BadRoster, match="No such file"):
        read_roster(tmp_path / "nobody.csv")
