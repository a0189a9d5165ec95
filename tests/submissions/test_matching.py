"""Everybody of the roster has a row: members of groups, logins in names, and nobody is guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_exports
from grader.errors import BadRoster
from grader.submissions.intake import read_class
from grader.submissions.roster import read_roster
from make_exports import WHOLE

OTHER = {**WHOLE, "gan.py": b"other = 1\n"}
TEAMS = (
    "id,name,email,login,group,extension\n"
    "1,Ann Lee,ann@x,ann,Group A,\n"
    '2,Bob Roy,bob@x,bob,"Group A, Lab 1",1 December\n'
    "3,Cy Dan,cy@x,cy,Group B,\n"
    "12,Ed Fo,ed@x,ed,Group C,\n"
)


def under(folder, files):
    return {f"{folder}/{name}": data for name, data in files.items()}


@pytest.fixture
def classroom(tmp_path):
    def read(roster, *folders, decisions=None, files=None):
        for folder in folders:
            make_exports.write(tmp_path / "class", under(folder, files or WHOLE))
        (tmp_path / "people.csv").write_text(roster, encoding="utf-8")
        people = read_roster(tmp_path / "people.csv")
        return read_class([tmp_path / "class"], roster=people, decisions=decisions)

    return read


def rows(found):
    return {one.name: one for one in found.submissions}


@pytest.mark.parametrize(
    "names",
    [
        ("Group A_12_assignsubmission_file_", "Group B_13_assignsubmission_file_"),
        ("Group A", "Group B"),
        ("group a", "GroupB"),
        ("hw3-group-a", "hw3-group-b"),
    ],
)
def test_each_member_of_a_group_has_a_row(classroom, names):
    found = classroom(TEAMS, *names)
    assert {one.person for one in found.submissions} == {"1", "2", "3"}
    assert all(dict(one.files) == WHOLE for one in found.submissions)
    assert [person.name for person in found.absent] == ["Ed Fo"]
    assert found.unknown == ()
    assert len(found.groups) == 2
    ann, bob = rows(found)["Ann Lee"], rows(found)["Bob Roy"]
    assert ann.notes[0].startswith("Handed in by the group ")
    assert ann.notes[0].endswith(", with Bob Roy.")
    assert "Extension, by the roster: 1 December." in bob.notes
    assert ann.email == "ann@x"


def test_a_member_s_id_depends_on_the_group_and_this_member_alone(classroom):
    every = {one.name: one.id for one in classroom(TEAMS, "Group A", "Group B").submissions}
    lines = TEAMS.splitlines(keepends=True)
    fewer = classroom("".join([lines[0], *lines[2:]]), "Group A").submissions
    assert {one.name: one.id for one in fewer} == {n: every[n] for n in ("Bob Roy", "Cy Dan")}


def test_a_group_that_nobody_is_in_stays_a_row(classroom):
    found = classroom(TEAMS, "Group Z_14_assignsubmission_file_")
    assert [one.name for one in found.submissions] == ["Group Z"]
    assert found.unknown == ("Group Z",)


def test_who_is_in_a_group_and_hands_in_alone_is_asked_for_and_decided(classroom):
    found = classroom(TEAMS, "Group A", "Ann Lee")
    asked = [one for one in found.submissions if one.question]
    assert {one.name for one in asked} == {"Ann Lee"}
    assert len(asked) == 2
    alone = next(one for one in asked if one.id == "Ann_Lee")
    decisions = {f"{alone.id}/roster": "counts"}
    again = classroom(TEAMS, "Group A", "Ann Lee", decisions=decisions)
    assert [one.question for one in again.submissions] == [""] * 3
    counting = [one for one in again.submissions if one.person == "1"]
    assert [one.id for one in counting] == [alone.id]
    assert sum("a person decided so" in one.reason for one in again.submissions) == 1


def test_a_number_of_another_list_is_not_taken_for_a_person(classroom):
    found = classroom(TEAMS, "Zoe Quay_12_assignsubmission_file_")
    (zoe,) = found.submissions
    assert "Zoe Quay has the id of Ed Fo on the roster, and another name" in zoe.question
    assert zoe.email == ""
    decided = {f"{zoe.id}/roster": "ignore"}
    (zoe,) = classroom(TEAMS, decisions=decided).submissions
    assert (zoe.question, zoe.name) == ("", "Zoe Quay")
    (ed,) = classroom(TEAMS, decisions={f"{zoe.id}/roster": "use 12"}).submissions
    assert (ed.question, ed.email) == ("", "ed@x")


@pytest.mark.parametrize(
    "name",
    ["Ed Fo_12", "Group C-Ed Fo_12", "Participant_12", "Group C-Participant_12", "Fo, Ed_12"],
)
def test_a_platform_s_number_is_enough_where_no_name_contradicts(classroom, name):
    (ed,) = classroom(TEAMS, f"{name}_assignsubmission_file_").submissions
    assert (ed.question, ed.name, ed.email) == ("", "Ed Fo", "ed@x")


def test_folders_that_are_called_by_a_login_an_e_mail_or_an_id(classroom):
    found = classroom(TEAMS, "ann", "bob@x", "Dan, Cy", "12")
    assert {one.person for one in found.submissions} == {"1", "2", "3", "12"}
    assert found.unknown == ()
    assert found.questions == ()


JANS = "name,login\nJan K,jan-k\nJan L,jan-l\nBob,bob\nKay,k\n"


@pytest.mark.parametrize("git", [True, False], ids=["clones", "folders"])
def test_the_login_ends_a_repository_s_name(classroom, git):
    files = {**WHOLE, **({".git/HEAD": b"ref: refs/heads/main\n"} if git else {})}
    names = ("hw3-jan-k", "hw3-jan-l", "hw3-bob")
    found = classroom(JANS, *names, files=files)
    assert {one.id: one.name for one in found.submissions} == {
        "hw3-jan-k": "Jan K",
        "hw3-jan-l": "Jan L",
        "hw3-bob": "Bob",
    }
    assert [person.name for person in found.absent] == ["Kay"]
    assert found.questions == ()


def test_a_name_may_have_low_lines(classroom):
    files = {**WHOLE, ".git/HEAD": b"x"}
    found = classroom("name,login\nAnn,ann\nBob,bob\n", "hw3_ann", "hw3_bob", files=files)
    assert [one.name for one in found.submissions] == ["Ann", "Bob"]


def test_a_name_that_ends_in_two_logins_is_asked_for(classroom):
    (jan,) = classroom(JANS, "hw3-jan-k", files={**WHOLE, ".git/HEAD": b"x"}).submissions
    assert "may be any of 2 people on the roster" in jan.question


EXPORT = """
submission_1:
  :submitters:
  - :name: Ann
    :sid: {0}
    :email: ann@x
submission_2:
  :submitters:
  - :name: Bob
    :sid: {1}
    :email: bob@x
"""


@pytest.mark.parametrize("sids", [("N/A", "N/A"), ("7", "7"), ("0", "0"), ("''", "''")])
def test_a_student_id_that_two_share_makes_nobody_vanish(tmp_path, sids):
    files = {**under("submission_1", WHOLE), **under("submission_2", OTHER)}
    files["submission_metadata.yml"] = EXPORT.format(*sids).encode()
    found = read_class([make_exports.write(tmp_path / "export", files)])
    assert [(one.name, one.email) for one in found.submissions] == [
        ("Ann", "ann@x"),
        ("Bob", "bob@x"),
    ]


def test_two_submissions_with_nothing_but_one_name_are_asked_for(tmp_path):
    text = "".join(f"submission_{n}:\n  :submitters:\n  - :name: Ann\n" for n in (1, 2))
    files = {**under("submission_1", WHOLE), **under("submission_2", OTHER)}
    files["submission_metadata.yml"] = text.encode()
    source = make_exports.write(tmp_path / "export", files)
    (ann,) = read_class([source]).submissions
    assert "one person, or two?" in ann.question
    assert len(read_class([source], decisions={ann.id: "two people"}).submissions) == 2
    last = read_class([source], decisions={ann.id: f"use {source}/submission_2"})
    assert dict(last.submissions[0].files) == OTHER


def test_clones_in_one_folder_keep_commit_and_time(tmp_path):
    commit = "ab" * 20
    files = {
        **WHOLE,
        ".git/HEAD": b"ref: refs/heads/main\n",
        ".git/refs/heads/main": commit.encode(),
    }
    source = make_exports.write(tmp_path / "org", under("hw3/hw3-ann", files))
    make_exports.write(source, under("hw3/hw3-bob", files))
    found = read_class([source])
    assert found.layout == ("clones of repositories",)
    assert [one.notes[0] for one in found.submissions] == ["Commit abababababab."] * 2


def test_blanks_in_a_name_change_no_id(tmp_path):
    for number, names in enumerate((["Ann Lee"], ["Ann  Lee"], ["Ann  Lee", "Ann Lee"])):
        for name in names:
            source = make_exports.write(tmp_path / str(number), under(name, WHOLE))
        make_exports.write(source, under("zz", WHOLE))
        ann = read_class([source]).submissions[0]
        assert ann.id == "Ann_Lee"
    assert "The files in Ann  Lee and Ann Lee were taken for one person's." in ann.notes


NAMES = st.sampled_from(
    (
        *("Ann Lee", "Lee, Ann", "ann", "bob@x", "12", "hw3-ann", "Zoë", "Group A"),
        *(f"{n}_assignsubmission_file_" for n in ("Group A_12", "Ann Lee_1", "Participant_2")),
    )
)
PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["", "1", "2", "12"]),
        st.sampled_from(["", "Ann Lee", "Bob Roy", "Zoë"]),
        st.sampled_from(["", "ann", "bob", "k"]),
        st.sampled_from(["", "Group A", "Group B, Group A"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=80, derandomize=True, deadline=None, database=None)
@given(st.sets(NAMES, min_size=1, max_size=5), PEOPLE)
def test_whoever_is_there_nobody_of_the_roster_is_lost(tmp_path_factory, names, people):
    folder = tmp_path_factory.mktemp("class")
    for name in names:
        make_exports.write(folder / "class", under(name, WHOLE))
    lines = [f'{id},{name},{login},"{group}"' for id, name, login, group in people]
    (folder / "people.csv").write_text("\n".join(["id,name,login,group", *lines]), "utf-8")
    try:
        roster = read_roster(folder / "people.csv")
    except BadRoster:
        return
    found = read_class([folder / "class"], roster=roster)
    ids = [one.id for one in found.submissions]
    assert len(set(ids)) == len(ids)
    asked = " ".join(question.found for question in found.questions)
    absent = {id(person) for person in found.absent}
    for person in roster.people:
        mine = [one for one in found.submissions if person.name in (one.name, "")]
        assert id(person) in absent or mine or "may be any of" in asked or "another name" in asked
    for question in found.questions:
        assert any(question.id.startswith(one) for one in ids)
    undecided = [one for one in found.submissions if one.question]
    assert bool(undecided) == bool(found.questions)
