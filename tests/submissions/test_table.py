"""What once lost a student or a file, and forty more ways of handing in: each ends rightly."""

import json

import pytest

import make_exports
from grader.submissions.intake import read_class, read_one
from make_exports import WHOLE, notebook, packed

FILES = set(WHOLE)
REST = {name: data for name, data in WHOLE.items() if name != "part1_focused.py"}
FIRST = {"part1_focused.py": WHOLE["part1_focused.py"]}
OTHER = {**WHOLE, "gan.py": b"other = 1\n"}
ONE_FOR_ALL = notebook(
    "import torch",
    "def split(a, b):\n    pass\n\ndef linear_scores(m):\n    return m",
    "LOSS = 'hinge'\n\ndef make_generator(n):\n    pass\n\ndef train():\n    pass",
    "train()",
)


def under(folder, files):
    return {f"{folder}/{name}": data for name, data in files.items()}


def both(*parts):
    return {name: data for part in parts for name, data in part.items()}


def read(tmp_path, files):
    return read_class([make_exports.write(tmp_path / "class", files)])


# Files of the one student "ann" beside a second student: all four parts are graded as they are.
COMPLETE = {
    "at the root": WHOLE,
    "renamed": both(
        FIRST,
        {"Part2_Comparative.py": REST["part2_comparative.py"]},
        {"part3-compression.py": REST["part3_compression.py"], "GAN.py": REST["gan.py"]},
    ),
    "variants beside the exact name": both(
        WHOLE, {"part1_focused (1).py": b"x", "part1_focused_final.py": b"y"}
    ),
    "the rest in a zip": both(FIRST, {"rest.zip": packed(REST)}),
    "the rest in a folder": both(FIRST, under("hw3 final", REST)),
    "a folder and notes": both(under("hw3", WHOLE), {"notes.py": b""}),
    "sources and tests": both(under("src", WHOLE), {"tests/test_a.py": b""}),
    "two folders down": under("homework/hw3", WHOLE),
    "a repository's zip": under("repo-main/hw3", WHOLE),
    "a folder for each part": {f"part{n}/{name}": d for n, (name, d) in enumerate(WHOLE.items())},
    "two equal versions": both(under("v1", WHOLE), under("v2", WHOLE)),
    "two zips": {"a.zip": packed(FIRST), "b.zip": packed(REST)},
    "a zip in a zip": {"a.zip": packed({"b.zip": packed(WHOLE)})},
    "a zip and its content": both(WHOLE, {"all.zip": packed(WHOLE)}),
    "a zip wrapped": {"a.zip": packed(under("ann hw3", WHOLE))},
    "a zip from macOS": {"a.zip": packed(both(under("hw3", WHOLE), {"__MACOSX/._gan.py": b"\0"}))},
    "a damaged zip beside everything": both(WHOLE, {"old.zip": b"PK"}),
    "an unknown archive beside everything": both(WHOLE, {"old.rar": b"Rar!"}),
    "copies": {f"{n[:-3]} copy.py": d for n, d in WHOLE.items()},
    "numbers of a browser": {f"{n[:-3]} (12).py": d for n, d in WHOLE.items()},
    "versions in names": {f"{n[:-3]}_v2.py": d for n, d in WHOLE.items()},
    "final versions": {f"{n[:-3]}_final_v3.py": d for n, d in WHOLE.items()},
    "two endings": {f"{n}.txt": d for n, d in WHOLE.items()},
    "upper case": {n.upper(): d for n, d in WHOLE.items()},
    "blanks": {n.replace("_", " "): d for n, d in WHOLE.items()},
    "the name in front": {f"ann_{n}": d for n, d in WHOLE.items()},
    "no underscores": {n.replace("_", ""): d for n, d in WHOLE.items()},
    "blanks before numbers": {n.replace("part", "Part "): d for n, d in WHOLE.items()},
    "copies of a drive": {f"Copy of {n}": d for n, d in WHOLE.items()},
    "copies in German": {f"{n[:-3]} - Kopie.py": d for n, d in WHOLE.items()},
    "the homework in front": {f"HW3_{n}": d for n, d in WHOLE.items()},
    "the name at the end": {f"{n[:-3]}_Ann.py": d for n, d in WHOLE.items()},
    "one ending twice": {f"{n}.py": d for n, d in WHOLE.items()},
    "equal copies": both(WHOLE, {"GAN.py": WHOLE["gan.py"]}),
    "a virtual environment": both(WHOLE, {"venv/lib/gan.py": b"x", ".venv/gan.py": b"x"}),
    "checkpoints": both(WHOLE, {".ipynb_checkpoints/gan.py": b"x"}),
    "caches": both(WHOLE, {"__pycache__/gan.cpython-311.pyc": b"\0", "gan.pyc": b"\0"}),
    "left by systems": both(WHOLE, {"Thumbs.db": b"", ".DS_Store": b"", "desktop.ini": b""}),
    "left by editors": both(WHOLE, {"gan.py~": b"", "#gan.py#": b"", ".gan.py.swp": b""}),
    "a report": both(WHOLE, {"report.pdf": b"%PDF", "figures/a.png": b"\x89PNG"}),
    "a notebook to explore": both(WHOLE, {"explore.ipynb": ONE_FOR_ALL}),
    "a notebook beside its export": both(WHOLE, {"gan.ipynb": notebook("x = 1")}),
    "one folder deeper than the other": both(under("a/b/c", FIRST), under("a", REST)),
    "helpers in folders": both(WHOLE, {"lib/deep/more.py": b"", "lib/__init__.py": b""}),
    "a helper for each part": both(
        {"part1/part1_focused.py": FIRST["part1_focused.py"], "part1/util.py": b"a"},
        {f"part2/{n}": d for n, d in REST.items()},
        {"part2/util.py": b"b"},
    ),
    "answers in another folder": both(under("hw3", WHOLE), {"Answers.md": b"A"}),
    "a byte order mark": both(REST, {"part1_focused.py": b"\xef\xbb\xbfx = 1\n"}),
    "lines of Windows": {n: d.replace(b"\n", b"\r\n") for n, d in WHOLE.items()},
    "names with accents beside": both(WHOLE, {"übung.py": b"", "作业.txt": b""}),
    "an own folder of tests": both(WHOLE, {"tests/gan_test.py": b"", "tests/test_gan.py": b""}),
}

# The same, where a person has to decide: what the question names.
ASKED = {
    "two versions": (both(under("v1", WHOLE), under("v2", OTHER)), "v1/gan.py, v2/gan.py"),
    "a zip of another version": (both(WHOLE, {"a.zip": packed(OTHER)}), "a.zip/gan.py"),
    "two different zips": ({"a.zip": packed(WHOLE), "b.zip": packed(OTHER)}, "b.zip/gan.py"),
    "two variants": (both(FIRST, {"gan_v1.py": b"1", "gan_v2.py": b"2"}), "gan_v1.py, gan_v2.py"),
    "an unknown archive": ({"hw3.rar": b"Rar!"}, "hw3.rar"),
    "the rest in an unknown archive": (both(FIRST, {"rest.7z": b"7z"}), "rest.7z"),
    "a document": ({"hw3.pdf": b"%PDF"}, "hw3.pdf"),
    "one file of another name": ({"main.py": b"x = 1\n"}, "main.py"),
    "a name that comes near": (both(FIRST, {"part2.py": b"x = 1\n"}), "part2.py"),
    "a mistyped name": (both(FIRST, {"part3_compresion.py": b""}), "part3_compresion.py"),
    "zero bytes": (both(REST, {"part1_focused.py": b"x = 1\0"}), "save it as UTF-8"),
    "a broken notebook": (both(REST, {"part1_focused.ipynb": b"{"}), "part1_focused.ipynb"),
    "two notebooks for all": (
        {"a.ipynb": ONE_FOR_ALL, "b.ipynb": ONE_FOR_ALL.replace(b"hinge", b"lsgan")},
        "a.ipynb",
    ),
    "a text": (both(FIRST, {"gan.txt": b""}), "gan.txt may be meant"),
    "a notebook that was printed": (both(FIRST, {"Gan.ipynb.pdf": b""}), "Gan.ipynb.pdf"),
    "no ending": (both(FIRST, {"part2_comparative": b""}), "part2_comparative may be meant"),
    "a number without a hyphen": (both(FIRST, {"gan2.py": b""}), "gan2.py may be meant"),
    "a copy that an editor keeps": (both(FIRST, {"gan.py.bak": b""}), "gan.py.bak may be meant"),
    "a page that was saved": (both(REST, {"part1_focused.py": b"<!DOCTYPE html>"}), "a web page"),
    "a rich text": (both(REST, {"part1_focused.py": b"{\\rtf1 x}"}), "a word processor"),
    "a pointer of Git LFS": (
        both(REST, {"part1_focused.py": b"version https://git-lfs.github.com/spec/v1\n"}),
        "what Git LFS puts in place of a file",
    ),
    "a notebook without code": (both(FIRST, {"gan.ipynb": notebook("!ls")}), "no cell defines"),
    "a subject mistyped": (both(FIRST, {"comparitive.py": b""}), "comparitive.py may be meant"),
    "nothing but a hidden folder": (under(".hw3", WHOLE), "there is only .hw3/ (hidden)"),
    "nothing but a folder env": (under("env", WHOLE), "env/ (a virtual environment)"),
    "a file that is too large": (both(REST, {"gan.py": b"#" * 2_200_000}), "larger than 2 MiB"),
    "paths of Windows": ({"a.zip": packed({"hw3\\gan.py": b""})}, "is not a safe name"),
    "two of one name": ({"a.zip": packed({"gan.py": b"", "Gan.py": b"1"})}, "Two files are called"),
    "packed too often": ({"a.zip": packed({"b.zip": packed({"c.zip": packed(WHOLE)})})}, "c.zip"),
}


@pytest.mark.parametrize("name", COMPLETE)
def test_all_parts_are_found(tmp_path, name):
    found = read(tmp_path, both(under("ann", COMPLETE[name]), under("bob", WHOLE)))
    ann, bob = found.submissions
    assert (ann.id, bob.id) == ("ann", "bob")
    assert (ann.question, ann.reason) == ("", "")
    assert set(ann.files) >= FILES
    for file in FILES:
        data = ann.files[file].replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf")
        assert data in (WHOLE[file], b"x = 1\n")
    assert (dict(bob.files), bob.notes) == (WHOLE, ())
    assert found.questions == ()


@pytest.mark.parametrize("name", ASKED)
def test_what_a_person_has_to_decide_is_asked(tmp_path, name):
    files, words = ASKED[name]
    found = read(tmp_path, both(under("ann", files), under("bob", WHOLE)))
    ann, bob = found.submissions
    assert words in ann.question
    assert bob.question == ""
    assert found.questions
    assert all(question.id.startswith("ann") for question in found.questions)
    ignored = {question.id: "ignore" for question in found.questions} | {"ann": "ignore"}
    again = read_class([tmp_path / "class"], decisions=ignored)
    if not name.startswith(("zero", "a broken", "a page", "a rich", "a pointer", "a notebook w")):
        assert again.submissions[0].question == ""


@pytest.mark.parametrize("packed_", [False, True])
def test_a_folder_of_students_is_not_taken_for_one(tmp_path, packed_):
    inside = both(under("ann", WHOLE), under("bob", WHOLE), under("cy", OTHER))
    section = {"morning.zip": packed(inside)} if packed_ else under("morning", inside)
    found = read(tmp_path, both(section, under("dan", WHOLE)))
    dan, morning = found.submissions
    assert "or several students?" in morning.question
    assert morning.files == {}
    assert (dict(dan.files), dan.question) == (WHOLE, "")
    decision = {"morning": "one student"}
    (_, again) = read_class([tmp_path / "class"], decisions=decision).submissions
    assert "ann/gan.py, cy/gan.py" in again.question
    if not packed_:
        sources = [tmp_path / "class" / name for name in ("morning", "dan")]
        assert [one.id for one in read_class(sources).submissions] == ["ann", "bob", "cy", "dan"]


def test_renamed_files_are_said_and_counted(tmp_path):
    found = read(tmp_path, both(under("ann", COMPLETE["renamed"]), under("bob", WHOLE)))
    assert "Part2_Comparative.py was graded as part2_comparative.py." in found.submissions[0].notes
    assert found.sum_in_words() == "2 students: 1 complete, 1 with a renamed file"


def test_a_student_s_own_check_treats_a_renamed_file_as_grading_does(tmp_path):
    source = make_exports.write(tmp_path / "class" / "ann", COMPLETE["renamed"])
    make_exports.write(tmp_path / "class" / "bob", WHOLE)
    graded = read_class([tmp_path / "class"]).submissions[0]
    assert read_one(source) == graded


def test_the_template_is_graded_and_said(tmp_path):
    template = make_exports.Path(__file__).parents[2] / "student_template" / "gan.py"
    files = both(FIRST, {"gan.py": template.read_bytes()})
    (ann,) = read(tmp_path, under("ann", files)).submissions
    assert "gan.py is the template, unchanged." in ann.notes
    more = both(under("hw3", WHOLE), {"template/gan.py": template.read_bytes()})
    (bea,) = read(tmp_path / "more", under("bea", more)).submissions
    assert bea.files["gan.py"] == WHOLE["gan.py"]
    assert ("template/gan.py", "it is the template, unchanged") in bea.ignored


def test_an_unchanged_template_is_not_counted_as_complete(tmp_path):
    template = make_exports.Path(__file__).parents[2] / "student_template" / "gan.py"
    found = read(tmp_path, both(under("ann", {**WHOLE, "gan.py": template.read_bytes()})))
    assert found.sum_in_words() == "1 student: 1 with an unchanged template"


def test_complete_is_what_is_asked_for(tmp_path):
    found = read(tmp_path, both(under("ann", FIRST), under("bob", REST)))
    assert found.sum_in_words() == "2 students: 2 with a part missing"
    assert found.sum_in_words(FIRST) == "2 students: 1 complete, 1 with a part missing"


def test_a_notebook_is_one_whatever_its_name_says(tmp_path):
    cells = notebook("def make_generator(n):\n    pass", "make_generator(2)")
    for name in ("gan.py", "gan.ipynb.json", "GAN.ipynb.txt"):
        (ann,) = read(tmp_path / name, under("ann", {name: cells})).submissions
        assert ann.files["gan.py"].startswith(b"def make_generator(n):")
        assert f"The notebook {name} was graded as gan.py." in ann.notes


def test_a_file_of_somebody_beside_the_folders_is_asked_for(tmp_path):
    beside = {"bob_gan.py": b"", "cy.ipynb": ONE_FOR_ALL, "run.py": b"", "notes.txt": b""}
    found = read(tmp_path, both(beside, under("ann", WHOLE), {"dan.zip": packed(WHOLE)}))
    assert [one.id for one in found.submissions] == ["ann", "bob_gan", "cy", "dan"]
    assert [bool(one.question) for one in found.submissions] == [False, True, True, False]
    assert "bob_gan.py lies beside the students' folders: whose is it?" in found.questions[0].found
    assert [path for path, _ in found.ignored] == ["notes.txt", "run.py"]


def test_each_of_many_archives_may_be_a_download(tmp_path):
    files = {f"a{n:02}.zip": packed(FIRST) for n in range(40)}
    files["z.zip"] = packed(under("Ann_12_assignsubmission_file_", WHOLE))
    found = read(tmp_path, files)
    assert len(found.submissions) == 41
    assert "Ann_12" in {one.id for one in found.submissions}


def test_the_second_and_the_third_upload_to_canvas_are_one_file(tmp_path):
    names = ("lee_11_9001_gan-1.py", "lee_11_9004_gan-2.py", "roy_12_9003_util-1.py")
    found = read(tmp_path, {n: n.encode() for n in (*names, "roy_12_9005_util-2.py")})
    lee, roy = found.submissions
    assert dict(lee.files) == {"gan.py": b"lee_11_9004_gan-2.py"}
    assert "Of several uploads of one file, the last one counts." in lee.notes
    assert "util-1.py and util-2.py" in roy.reason


def test_an_instructor_s_own_file_beside_the_students_is_nobody_s(tmp_path):
    found = read(tmp_path, both({"gan.py": b"mine"}, under("ann", WHOLE), under("bob", WHOLE)))
    assert [one.id for one in found.submissions] == ["ann", "bob"]
    assert [path for path, _ in found.ignored] == ["gan.py"]
    assert found.sum_in_words() == "2 students: 2 complete; 1 file ignored"


def test_canvas_with_two_zips_and_loose_files(tmp_path):
    loose = {f"kim_13_900{n}_{name}": data for n, (name, data) in enumerate(WHOLE.items())}
    zips = {"lee_11_9001_hw3.zip": packed(WHOLE), "roy_LATE_12_9002_hw3.zip": packed(WHOLE)}
    found = read(tmp_path, both(loose, zips))
    assert [one.id for one in found.submissions] == ["kim_13", "lee_11", "roy_12"]
    assert all(dict(one.files) == WHOLE for one in found.submissions)


def test_a_zip_that_holds_one_moodle_folder_is_that_student(tmp_path):
    source = tmp_path / "download.zip"
    source.write_bytes(packed(under("Ann Lee_17_assignsubmission_file_", WHOLE)))
    (ann,) = read_class([source]).submissions
    assert (ann.id, ann.name, ann.person) == ("Ann_Lee_17", "Ann Lee", "17")


def test_an_archive_beside_the_folder_of_one_name_is_one_person_s(tmp_path):
    found = read(tmp_path, both({"s1.zip": packed(WHOLE)}, under("s1", WHOLE), under("s2", WHOLE)))
    assert [one.id for one in found.submissions] == ["s1", "s2"]
    assert found.questions == ()
    found = read(tmp_path / "b", both({"s1.zip": packed(OTHER)}, under("s1", WHOLE)))
    assert "s1.zip/gan.py, s1/gan.py" in found.submissions[0].question


def test_several_downloads_in_one_folder(tmp_path):
    people = make_exports.students()[:4]
    files = {
        "canvas.zip": packed(make_exports.canvas(people)),
        "moodle.zip": packed(make_exports.moodle(people)),
        **under("ann", WHOLE),
    }
    found = read(tmp_path, files)
    assert len(found.submissions) == 9
    words = found.layout[0]
    assert all(part in words for part in ("Canvas", "Moodle", "a folder of folders"))


def test_a_class_in_a_folder_in_a_folder(tmp_path):
    found = read(
        tmp_path, both(under("hw3-submissions/ann", WHOLE), under("hw3-submissions/b", WHOLE))
    )
    assert [one.id for one in found.submissions] == ["ann", "b"]


def test_the_same_person_in_two_canvas_downloads_the_last_counts(tmp_path):
    early = make_exports.write(
        tmp_path / "a", {"leeann_11_9001_gan.py": b"1", "roy_12_9002_gan.py": b""}
    )
    late = make_exports.write(
        tmp_path / "b", {"leeann_LATE_11_9009_gan.py": b"2", "x_13_9010_gan.py": b""}
    )
    for sources in ([early, late], [late, early]):
        found = read_class(sources)
        lee = next(one for one in found.submissions if one.person == "11")
        assert dict(lee.files) == {"gan.py": b"2"}
        assert "Of 2 uploads, the last one counts." in lee.notes


def test_a_download_for_each_part_is_one_submission(tmp_path):
    first = make_exports.write(
        tmp_path / "1", {"lee_11_9001_part1_focused.py": b"1", "roy_12_9002_part1_focused.py": b""}
    )
    second = make_exports.write(
        tmp_path / "4", {"lee_11_9003_gan.py": b"4", "x_13_9004_gan.py": b""}
    )
    lee = read_class([first, second]).submissions[0]
    assert dict(lee.files) == {"part1_focused.py": b"1", "gan.py": b"4"}
    assert lee.ignored == ()
    one = make_exports.write(tmp_path / "a", under("ann", FIRST))
    two = make_exports.write(tmp_path / "b", under("ann", REST))
    (ann,) = read_class([one, two]).submissions
    assert "one person, or two?" in ann.question
    (ann,) = read_class([one, two], decisions={ann.id: "together"}).submissions
    assert (dict(ann.files), ann.question) == (WHOLE, "")


def test_a_source_that_is_named_twice_or_lies_in_another_counts_once(tmp_path):
    source = make_exports.write(tmp_path / "class", both(under("ann", WHOLE), under("bob", WHOLE)))
    again = [source, source / "ann", tmp_path / "class" / ".." / "class"]
    assert read_class(again).submissions == read_class([source]).submissions
    make_exports.write(source, both(under("late/cy", WHOLE), under("late/di", WHOLE)))
    assert "or several students?" in read_class([source]).questions[0].found
    named = read_class([source, source / "late"])
    assert [one.id for one in named.submissions] == ["ann", "bob", "cy", "di"]
    assert named.questions == ()


def test_students_with_short_names_are_not_one(tmp_path):
    inside = both(under("li", WHOLE), under("wu", WHOLE))
    found = read(tmp_path, both(under("sec1", inside), under("ann", WHOLE)))
    assert "or several students?" in found.submissions[1].question


def test_one_name_in_two_sources_is_asked_and_can_be_decided(tmp_path):
    first = make_exports.write(tmp_path / "a" / "ann", WHOLE)
    second = make_exports.write(tmp_path / "b" / "ann", OTHER)
    (ann,) = read_class([first, second]).submissions
    assert "one person, or two?" in ann.question
    (ann,) = read_class([first, second], decisions={"ann": f"use {second}"}).submissions
    assert (dict(ann.files), ann.question) == (OTHER, "")
    two = read_class([first, second], decisions={"ann": "two people"}).submissions
    assert [one.question for one in two] == ["", ""]
    assert len({one.id for one in two}) == 2
    assert read_class([second, first], decisions={"ann": "two people"}).submissions == two


def test_a_notebook_s_module_runs_and_names_its_cells(tmp_path):
    cells = notebook("%matplotlib inline\nimport math", "def make_generator(n):\n    return 1 / n")
    files = both(REST, FIRST, {"gan.ipynb": cells})
    del files["gan.py"]
    (ann,) = read(tmp_path, under("ann", files)).submissions
    text = ann.files["gan.py"].decode()
    space = {}
    exec(compile(text, "gan.py", "exec"), space)
    with pytest.raises(ZeroDivisionError) as caught:
        space["make_generator"](0)
    line = text.splitlines()[caught.traceback[-1].lineno]
    assert line.endswith("# cell 2")
    assert json.loads(cells)["cells"]
