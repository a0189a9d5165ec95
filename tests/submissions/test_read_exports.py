"""The downloads of four systems, of one class of sixty: everybody has a row, and the right one."""

import pytest

import make_exports
from grader.submissions.intake import read_class
from grader.submissions.roster import read_roster

PEOPLE = make_exports.students()
WHOLE = set(make_exports.PARTS)

EXPORTS = {
    "canvas": (make_exports.canvas(PEOPLE), "canvas", "canvas.csv", "a Canvas download"),
    "anonymous": (make_exports.canvas(PEOPLE, True), "", "", "a Canvas download"),
    "moodle": (make_exports.moodle(PEOPLE), "moodle", "moodle.csv", "a Moodle download"),
    "blind": (make_exports.moodle(PEOPLE, True), "moodle", "moodle.csv", "a Moodle download"),
    "flat": (make_exports.moodle(PEOPLE, flat=True), "moodle", "moodle.csv", "a Moodle download"),
    "gradescope": (
        make_exports.gradescope(PEOPLE),
        "canvas",
        "gradescope.csv",
        "a Gradescope export",
    ),
    "github": (make_exports.github(PEOPLE), "login", "people.csv", "clones of repositories"),
}
NO_ROW_IF_EMPTY = ("canvas", "anonymous", "flat")


@pytest.fixture(params=EXPORTS)
def system(request):
    return request.param


def read(tmp_path, system, packed, roster=True):
    files, _, people, _ = EXPORTS[system]
    source = tmp_path / "download"
    if packed:
        source = tmp_path / "download.zip"
        source.write_bytes(make_exports.packed(files))
    else:
        make_exports.write(source, files)
    make_exports.write(tmp_path, make_exports.rosters(PEOPLE))
    known = read_roster(tmp_path / people) if people and roster else None
    return read_class([source], roster=known)


def expected(system):
    gone = ("absent", "empty") if system in NO_ROW_IF_EMPTY else ("absent",)
    return [one for one in PEOPLE if one.kind not in gone]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_everybody_who_handed_in_has_a_row(tmp_path, system, packed):
    found = read(tmp_path, system, packed)
    assert found.layout == (EXPORTS[system][3],)
    assert len(found.submissions) == len(expected(system))
    assert len({one.id.casefold() for one in found.submissions}) == len(found.submissions)
    key = EXPORTS[system][1]
    if key:
        people = {one.person for one in found.submissions}
        assert people == {str(getattr(one, key)) for one in expected(system)}
        absent = [one for one in PEOPLE if one not in expected(system)]
        assert len(found.absent) == len(absent)
        assert found.unknown == ()


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_everybody_has_their_own_files(tmp_path, system, packed):
    found = {one.person: one for one in read(tmp_path, system, packed, False).submissions}
    for one in expected(system):
        person = str(getattr(one, EXPORTS[system][1] or "number"))
        row = found[person if EXPORTS[system][1] else f"x{one.number}Z"]
        if one.kind in ("empty", "damaged", "hostile"):
            assert row.files == {}, one
            assert row.reason, one
            continue
        if one.kind == "versions":
            assert "gan.py" in row.question
            continue
        assert set(row.files) >= WHOLE, one
        assert row.question == "", one
        author = one.number - 1 if system == "gradescope" and one.number == 53 else one.number
        mark = f"# {author}\n".encode()
        assert row.files["part1_focused.py"].endswith(mark), one
        if one.kind not in ("notebook", "latin"):
            assert row.files["gan.py"].endswith(mark), one


def test_what_is_damaged_is_a_question_and_what_is_hostile_is_refused(tmp_path, system):
    found = {one.person: one for one in read(tmp_path, system, True, False).submissions}
    key = EXPORTS[system][1]
    kinds = {
        one.kind: found[str(getattr(one, key)) if key else f"x{one.number}Z"]
        for one in expected(system)
    }
    assert "cannot be read" in kinds["damaged"].question
    assert kinds["hostile"].question == ""
    assert "not a safe name" in kinds["hostile"].reason
    assert "GAN (1).py was graded as gan.py." in kinds["renamed"].notes
    assert any("cell 3 was left out" in note for note in kinds["notebook"].notes)
    assert "gan.py was read as cp1252; save it as UTF-8." in kinds["latin"].notes
    assert kinds["latin"].files["gan.py"].decode() == "# à la carte\nLOSS = 'hinge'\n"


def test_a_question_is_settled_by_a_decision(tmp_path):
    source = make_exports.write(tmp_path / "canvas", make_exports.canvas(PEOPLE))
    asked = next(q for q in read_class([source]).questions if q.id.endswith("gan.py"))
    assert asked.options == ("use a.zip/gan.py", "use b.zip/gan.py", "ignore")
    for decision, content in (("use b.zip/gan.py", b"other = 1\n"), ("ignore", None)):
        found = read_class([source], decisions={asked.id: decision})
        assert asked.id not in {question.id for question in found.questions}
        row = next(one for one in found.submissions if asked.id.startswith(one.id))
        assert row.question == ""
        assert row.files.get("gan.py") == content
    again = read_class([source], decisions={asked.id: "whatever"})
    assert asked in again.questions


def test_the_last_upload_counts_and_the_page_says_so(tmp_path):
    source = make_exports.write(tmp_path / "canvas", make_exports.canvas(PEOPLE))
    row = next(one for one in read_class([source]).submissions if one.person == "40043")
    assert b"earlier" not in row.files["gan.py"]
    assert "Of several uploads of one file, the last one counts." in row.notes


def test_late_and_time_and_commit_are_kept(tmp_path):
    late = make_exports.write(tmp_path / "canvas", make_exports.canvas(PEOPLE))
    row = next(one for one in read_class([late]).submissions if one.person == "40009")
    assert "Canvas marks this as late." in row.notes
    export = make_exports.write(tmp_path / "gradescope", make_exports.gradescope(PEOPLE))
    rows = read_class([export]).submissions
    assert all(row.received.startswith("2026-11-0") for row in rows)
    clones = make_exports.write(tmp_path / "github", make_exports.github(PEOPLE))
    row = next(one for one in read_class([clones]).submissions if one.login == "user07")
    assert (row.id, row.notes[0]) == ("hw3-user07", "Commit 070707070707.")


def test_members_of_a_group_each_have_a_row(tmp_path):
    export = make_exports.write(tmp_path / "gradescope", make_exports.gradescope(PEOPLE))
    rows = {one.person: one for one in read_class([export]).submissions}
    first, second = rows["40052"], rows["40053"]
    assert first.digest == second.digest
    assert first.id != second.id
    assert f"Handed in together with {PEOPLE[53].name}." in first.notes


def test_two_people_of_one_name_are_not_guessed(tmp_path):
    source = make_exports.write(tmp_path / "canvas", make_exports.canvas(PEOPLE))
    make_exports.write(tmp_path, make_exports.rosters(PEOPLE))
    found = read_class([source], roster=read_roster(tmp_path / "people.csv"))
    asked = [q for q in found.questions if q.id.endswith("/roster")]
    assert {q.id for q in asked} == {"leekim_40032/roster", "leekim_40033/roster"}
    decisions = {asked[0].id: "use user32@uni.example", asked[1].id: "use user33@uni.example"}
    settled = read_class([source], roster=read_roster(tmp_path / "people.csv"), decisions=decisions)
    assert not [q for q in settled.questions if q.id.endswith("/roster")]
    assert len(settled.absent) == 2


def test_adding_and_removing_people_changes_no_id(tmp_path, system):
    files = EXPORTS[system][0]
    every = {one.id for one in read(tmp_path, system, True, False).submissions}
    meta = "submission_metadata.yml"
    tops = sorted({name.partition("/")[0] for name in files if name != meta})
    some = set(tops[::2])
    kept = {n: d for n, d in files.items() if n.partition("/")[0] in some or n == meta}
    (tmp_path / "half.zip").write_bytes(make_exports.packed(kept))
    half = {one.id for one in read_class([tmp_path / "half.zip"]).submissions}
    assert half <= every
    assert half
