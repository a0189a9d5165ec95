"""Folders, archives and classes become submissions; what is hostile costs only its own."""

import contextlib
import errno
import gzip
import hashlib
import io
import os
import pickle
import random
import re
import stat
import struct
import sys
import tarfile
import time
import tracemalloc
import unicodedata
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.errors import BadSource
from grader.homework.contract import FILES
from grader.submissions import archives, disk, intake, shelf
from grader.submissions.identity import Who, key, student_id
from grader.submissions.intake import read, read_many, read_one

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs links, pipes and any name")

GAN = {"gan.py": b"gan = 1\n"}
WHOLE = {name: name.encode() for name in FILES}


def folder(path, files=GAN):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    path.mkdir(parents=True, exist_ok=True)
    return path


def zip_bytes(files, compression=zipfile.ZIP_DEFLATED):
    """Names may be repeated: pairs or a mapping; a ZipInfo may stand for a name."""
    pairs = files.items() if isinstance(files, dict) else files
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in pairs:
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_bytes(files, mode="w:gz"):
    """Pairs or a mapping; a TarInfo may stand for a name."""
    pairs = files.items() if isinstance(files, dict) else files
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in pairs:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def by_name(submissions):
    return {submission.name: submission for submission in submissions}


def refused(function, source):
    """The message: one sentence that says where."""
    with pytest.raises(BadSource) as caught:
        function(source)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def refused_in_class(tmp_path, name, data):
    """The reason of an archive in a class, whose other submission is unaffected."""
    put(tmp_path / "class" / name, data)
    folder(tmp_path / "class" / "zoe")
    bad, good = read(tmp_path / "class")
    assert good.name == "zoe"
    assert (dict(good.files), good.reason) == (GAN, "")
    assert bad.reason.endswith(".")
    assert bad.files == {}
    return bad.reason


# One submission


PACKED = {
    "hw3.zip": zip_bytes,
    "hw3.tar": lambda files: tar_bytes(files, "w"),
    "hw3.tar.gz": tar_bytes,
    "hw3.tgz": tar_bytes,
    "HW3.ZIP": zip_bytes,
}


def test_a_folder_is_one_submission(tmp_path):
    files = {**WHOLE, "answers.md": b"A", "helper.py": b"h", "lib/deep/more.py": b"m"}
    files |= {"notes.md": b"", "data.bin": b"\0\1", "sub/x.txt": b"x"}
    folder(tmp_path / "alice", {**files, ".hidden": b"", "__pycache__/a.pyc": b"", "old.zip": b""})
    alice = read_one(tmp_path / "alice")
    assert (alice.id, alice.name, alice.received, alice.reason) == ("alice", "alice", "", "")
    assert alice.files == files
    assert read(tmp_path / "alice") == read_many([tmp_path / "alice"]) == [alice]


@pytest.mark.parametrize("wrap", ["", "./", "homework/", "./homework/"])
@pytest.mark.parametrize("name", PACKED)
def test_an_archive_is_one_submission_wrapped_or_not(tmp_path, name, wrap):
    files = {**WHOLE, "lib/more.py": b"m"}
    source = put(tmp_path / name, PACKED[name]({wrap + n: d for n, d in files.items()}))
    one = read_one(source)
    assert one.files == files
    assert one.name == name.partition(".")[0]
    assert read(source) == [one]
    assert sorted(os.listdir(tmp_path)) == [name]


def test_the_digest_is_of_names_and_contents_each_with_its_length(tmp_path):
    folder(tmp_path / "a", {"gan.py": b"xy", "b.py": b""})
    pieces = (b"b.py", b"", b"gan.py", b"xy")
    expected = hashlib.sha256(b"".join(struct.pack(">Q", len(p)) + p for p in pieces)).hexdigest()
    assert read_one(tmp_path / "a").digest == expected
    packed = put(tmp_path / "a.zip", zip_bytes({"w/gan.py": b"xy", "w/b.py": b""}))
    assert read_one(packed).digest == expected
    folder(tmp_path / "c", {"gan.py": b"x", "b.py": b"y"})
    assert read_one(tmp_path / "c").digest != expected


@pytest.mark.parametrize(
    "place",
    [".git", ".venv/lib", "venv", "env", "lib/site-packages", "node_modules", "__pycache__"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_files_that_tools_leave_are_skipped(tmp_path, place, packed):
    files = {**GAN, f"{place}/x.py": b"x", ".hidden.py": b"", "__MACOSX/._gan.py": b"\0"}
    source = put(tmp_path / "a.zip", zip_bytes(files)) if packed else folder(tmp_path / "a", files)
    assert read_one(source).files == GAN


def test_links_in_a_virtual_environment_do_no_harm(tmp_path):
    link = tarfile.TarInfo("hw3/.venv/bin/python")
    link.type, link.linkname = tarfile.SYMTYPE, "/usr/bin/python3"
    source = put(tmp_path / "a.tgz", tar_bytes([("hw3/gan.py", b"g"), (link, b"")]))
    assert read_one(source).files == {"gan.py": b"g"}


@on_linux
def test_a_source_may_be_named_in_any_way(tmp_path, monkeypatch):
    folder(tmp_path / "alice")
    (tmp_path / "link").symlink_to("alice")
    monkeypatch.chdir(tmp_path / "alice")
    assert read_one(intake.Path(".")).name == "alice"
    assert read_one(tmp_path / "link").name == "link"
    assert read_one(tmp_path / "link").files == GAN


# Classes


def class_files(wrap=""):
    return {f"{wrap}{who}/gan.py": who.encode() for who in ("bob", "alice", "carol")}


def test_a_folder_of_submissions(tmp_path):
    folder(tmp_path, {"alice/gan.py": b"a", "README.md": b"", ".cache/gan.py": b"", "x.csv": b""})
    put(tmp_path / "bob.zip", zip_bytes({"gan.py": b"b"}))
    put(tmp_path / "carol.tar.gz", tar_bytes({"hw3/gan.py": b"c"}))
    found = read(tmp_path)
    assert [(s.id, s.files["gan.py"]) for s in found] == [
        ("alice", b"a"),
        ("bob", b"b"),
        ("carol", b"c"),
    ]


@pytest.mark.parametrize("wrap", ["", "hw3-submissions/"])
@pytest.mark.parametrize("name", PACKED)
def test_an_archive_of_submissions(tmp_path, name, wrap):
    source = put(tmp_path / name, PACKED[name]({**class_files(wrap), "README": b""}))
    assert [s.name for s in read(source)] == ["alice", "bob", "carol"]
    assert {s.name: dict(s.files) for s in read(source)} == {
        who: {"gan.py": who.encode()} for who in ("alice", "bob", "carol")
    }


def test_archives_in_the_archive_of_a_class(tmp_path):
    inner = {f"{who}.zip": zip_bytes({"gan.py": who.encode()}) for who in ("alice", "bob")}
    found = read(put(tmp_path / "class.zip", zip_bytes(inner)))
    assert {s.name: s.files["gan.py"] for s in found} == {"alice": b"alice", "bob": b"bob"}


def test_members_of_archives_in_an_archive_are_not_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 10)
    inner = zip_bytes({**GAN, **{f"{i}.png": b"" for i in range(9)}})
    data = zip_bytes({f"{i}.zip": inner for i in range(10)}, zipfile.ZIP_STORED)
    found = read(put(tmp_path / "class.zip", data))
    assert [len(s.files) for s in found] == [10] * 10


def test_in_a_class_one_wrapping_folder_or_one_archive_is_opened(tmp_path):
    folder(tmp_path / "alice", {"hw3/gan.py": b"a", "hw3/lib/x.py": b"x", "report.pdf": b""})
    put(tmp_path / "bob" / "hw3.zip", zip_bytes({"hw3/gan.py": b"b"}))
    found = by_name(read(tmp_path))
    assert found["alice"].files == {"gan.py": b"a", "lib/x.py": b"x"}
    assert found["bob"].files == {"gan.py": b"b"}


@pytest.mark.parametrize("outside", ["helper.py", "answers.md"])
def test_in_a_class_files_are_found_one_folder_down(tmp_path, outside):
    folder(tmp_path / "alice", {"hw3/gan.py": b"a", outside: b""})
    (alice,) = read(tmp_path)
    assert (dict(alice.files), alice.reason) == ({"gan.py": b"a", outside: b""}, "")


def test_in_a_class_nothing_is_guessed(tmp_path):
    folder(tmp_path / "alice", {"hw3/gan.py": b"a", "old/gan.py": b""})
    (alice,) = read(tmp_path)
    assert "Different files can be gan.py: hw3/gan.py, old/gan.py" in alice.question
    assert alice.files == {}


def test_an_empty_submission_of_a_class_is_told(tmp_path):
    (tmp_path / "alice").mkdir()
    folder(tmp_path / "bob")
    assert by_name(read(tmp_path))["alice"].reason.endswith("it is empty.")
    packed = put(tmp_path / "c.zip", zip_bytes([("alice/", b""), ("bob/gan.py", b"")]))
    assert [bool(s.reason) for s in read(packed)] == [True, False]


def test_archives_within_archives_end(tmp_path):
    data = zip_bytes(GAN)
    for _ in range(5):
        data = zip_bytes({"more.zip": data})
    put(tmp_path / "alice.zip", data)
    (alice,) = read(tmp_path)
    assert alice.files == {}
    assert "packed too often to be opened" in alice.reason


@pytest.mark.parametrize("name", ["alice.rar", "alice.7z", "alice.tar.xz", "alice.zip"])
def test_an_archive_of_another_kind_is_told(tmp_path, name):
    assert "not a .zip, .tar or .tar.gz" in refused_in_class(tmp_path, name, b"Rar!\x1a\x07" * 200)


def test_what_cannot_be_graded_changes_its_digest_with_its_reason(tmp_path):
    folder(tmp_path / "a", {"part1.py": b""})
    folder(tmp_path / "b", {"part2.py": b""})
    first, second = read(tmp_path)
    assert first.digest != second.digest


# What is not there, and what is nearly there


@pytest.mark.parametrize("function", [read, read_one])
def test_a_source_has_to_be_there(tmp_path, function):
    assert str(tmp_path / "nobody") in refused(function, tmp_path / "nobody")
    assert "no such" in refused(function, tmp_path / "nobody.zip")


@on_linux
@pytest.mark.parametrize("function", [read, read_one])
def test_a_link_that_leads_nowhere_is_refused(tmp_path, function):
    (tmp_path / "loop.zip").symlink_to("loop.zip")
    assert "loop.zip" in refused(function, tmp_path / "loop.zip")


@pytest.mark.parametrize("function", [read, read_one])
def test_a_source_has_to_hold_something(tmp_path, function):
    assert "it is empty" in refused(function, folder(tmp_path / "empty", {}))
    assert "it is empty" in refused(function, put(tmp_path / "empty.zip", zip_bytes({})))
    assert "it is empty" in refused(function, put(tmp_path / "empty.tgz", tar_bytes({})))
    assert "None of" in refused(function, folder(tmp_path / "notes", {"notes.txt": b""}))
    assert "neither" in refused(function, put(tmp_path / "gan.py", b""))


def test_no_sources_are_no_class():
    with pytest.raises(BadSource, match="name a folder"):
        read_many([])


NEAR = {
    "part1.py": "part1_focused.py",
    "Part 2.ipynb": "part2_comparative.py",
    "comparative.py": "part2_comparative.py",
    "part3_compresion-2.py": "part3_compression.py",
    "my_gan_final.py": "gan.py",
}


@pytest.mark.parametrize(("wrong", "right"), NEAR.items())
def test_near_misses_are_named(tmp_path, wrong, right):
    folder(tmp_path / "class" / "alice", {wrong: b""})
    folder(tmp_path / "class" / "bob")
    sentence = f"{wrong} has to be called {right}"
    assert sentence in refused(read_one, tmp_path / "class" / "alice")
    assert sentence in refused(read, tmp_path / "class" / "alice")
    assert sentence in by_name(read(tmp_path / "class"))["alice"].reason
    packed = put(tmp_path / "alice.zip", zip_bytes({f"hw3/{wrong}": b""}))
    assert sentence in refused(read, packed)


@pytest.mark.parametrize("other", ["organ.py", "slogan.py", "main.py", "utils.py", "organ.txt"])
def test_other_names_are_not_taken_for_near_misses(tmp_path, other):
    assert "has to be called" not in refused(read_one, folder(tmp_path / "a", {other: b""}))


def test_near_misses_beside_folders_of_something_else(tmp_path):
    folder(tmp_path, {"part1.py": b"", "data/x.csv": b""})
    assert "part1.py has to be called" in refused(read, tmp_path)


def test_one_of_the_four_is_enough(tmp_path):
    one = read_one(folder(tmp_path / "a", {"gan.py": b"", "part1.py": b""}))
    assert set(one.files) == {"gan.py", "part1.py"}


def test_a_check_says_where_the_files_lie(tmp_path):
    folder(tmp_path / "alice", {"hw3/part1_focused.py": b"", "README": b""})
    message = refused(read_one, tmp_path / "alice")
    assert (
        "found hw3/part1_focused.py one folder down; "
        "hand in the files themselves, not a folder around them" in message
    )
    assert read(tmp_path / "alice")[0].name == "alice"


def test_a_class_is_not_one_submission(tmp_path):
    folder(tmp_path / "class", class_files())
    packed = put(tmp_path / "class.zip", zip_bytes(class_files()))
    for source in (tmp_path / "class", packed):
        assert "alice/gan.py, bob/gan.py, carol/gan.py" in refused(read_one, source)


# Names


HOSTILE = [
    "../../other",
    "..",
    "",
    "a\nb",
    "\u202egnp.exe",
    "\ud800",
    "CON",
    "nul.txt",
    "com¹",
    "lpt1." + "x" * 100,
    "-rf",
    ".hidden",
    "a" * 300,
    "a.",
    "index.html",
    "Gradebook.CSV",
    "张伟",
    "C:\\x",
    "=1+1",
]
RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)


def assert_safe(name):
    assert 0 < len(name) <= 80
    assert len(name.encode()) <= 200
    assert all(c in "._-" or unicodedata.category(c)[0] in "LMN" for c in name)
    assert unicodedata.normalize("NFC", name) == name
    assert name[0] not in "._-"
    assert name[-1] not in "._-"
    assert not RESERVED.fullmatch(name)
    assert name.casefold() not in ("index.html", "gradebook.csv")


ALPHABET = st.one_of(st.sampled_from("aA.-_/\\ \n¹²é"), st.characters(codec=None))
NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(ALPHABET, max_size=120))


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.lists(NAMES, max_size=25))
@example(HOSTILE)
@example(["a", "A", "a-2", "a", "ä", "a" * 80, "a" * 79 + "b", "a" * 81, "a" * 82, "ß", "ss"])
def test_ids_are_safe_and_differ_where_names_do(names):
    ids = {}
    for name in names:
        one = student_id(Who(name))
        assert_safe(one)
        ids.setdefault(unicodedata.normalize("NFC", one).casefold(), set()).add(key(name))
    assert all(len(keys) == 1 for keys in ids.values())
    assert len(ids) == len({key(name) for name in names})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hw3-octocat", "hw3-octocat"),
        ("Zoë Łuk", "Zoë_Łuk"),
        ("张伟", "张伟"),
        ("../../other", "other-"),
        ("CON", "CON-"),
        ("O'Brien", "O_Brien-"),
    ],
)
def test_ids_stay_close_to_names(name, expected):
    found = student_id(Who(name))
    assert found == expected or (found.startswith(expected) and expected.endswith("-"))


def test_one_name_in_several_sources_is_one_row_and_a_question(tmp_path):
    sources = [folder(tmp_path / place / "alice", GAN) for place in "xyz"]
    sources.append(folder(tmp_path / "w" / "Alice", {"gan.py": b"other"}))
    (alice,) = read_many(sources)
    assert alice.id.casefold() == "alice"
    assert "one person, or two?" in alice.question


def test_one_missing_source_stops_before_anything_is_graded(tmp_path):
    with pytest.raises(BadSource, match="nobody"):
        read_many([folder(tmp_path / "alice"), tmp_path / "nobody"])


# Several sources, as when the shell expands the names of a class's folders


UNUSABLE = {
    "empty": (lambda at: folder(at / "bob", {}), "it is empty"),
    "misnamed": (lambda at: folder(at / "bob", {"part1.py": b""}), "has to be called"),
    "something else": (lambda at: folder(at / "bob", {"lib.txt": b""}), "None of"),
    "too large": (
        lambda at: folder(at / "bob", {**GAN, "big.py": bytes(2 * intake.MIB + 1)}),
        "larger than 2 MiB",
    ),
    "damaged": (lambda at: put(at / "bob.zip", b"PK"), "cannot be read"),
    "another kind": (lambda at: put(at / "bob.rar", b"Rar!"), "not a .zip, .tar or .tar.gz"),
    "hostile": (lambda at: put(at / "bob.zip", zip_bytes({"../gan.py": b""})), "not a safe name"),
}


@pytest.mark.parametrize(("make", "reason"), UNUSABLE.values(), ids=UNUSABLE)
def test_one_unusable_source_of_several_costs_only_itself(tmp_path, make, reason):
    alice, bob, carol = folder(tmp_path / "alice"), make(tmp_path), folder(tmp_path / "carol")
    found = read_many([alice, bob, carol])
    assert [(s.id, s.name) for s in found] == [(name, name) for name in ("alice", "bob", "carol")]
    assert [dict(s.files) for s in found] == [GAN, {}, GAN]
    assert found[0].reason == found[2].reason == ""
    assert reason in found[1].reason
    assert str(tmp_path) not in found[1].reason
    assert refused(lambda bob: read_many([bob]), bob) == f"{bob}: {found[1].reason}"


def test_several_sources_are_refused_together_only_one_by_one(tmp_path):
    folder(tmp_path / "a", {"part1.py": b""})
    folder(tmp_path / "b", {"part2.py": b""})
    first, second = read_many([tmp_path / "a", tmp_path / "b"])
    assert first.reason
    assert second.reason
    assert first.digest != second.digest


def test_an_empty_folder_beside_a_class_is_told(tmp_path):
    sources = [folder(tmp_path / "class", class_files()), folder(tmp_path / "late", {})]
    found = by_name(read_many(sources))
    assert sorted(found) == ["alice", "bob", "carol", "late"]
    assert [name for name, one in found.items() if one.reason] == ["late"]


def test_the_folders_of_a_class_are_what_the_class_is(tmp_path):
    folder(tmp_path, {**class_files(), "dan/part1.py": b"", "eve/m.py": b""})
    (tmp_path / "fay").mkdir()
    assert read_many(sorted(tmp_path.iterdir())) == read(tmp_path)


@pytest.mark.parametrize("missing", ["nobody", "nobody.zip", "notes.txt"])
def test_what_is_no_folder_and_no_archive_stops_before_anything_is_graded(tmp_path, missing):
    sources = [folder(tmp_path / "alice"), tmp_path / missing, folder(tmp_path / "bob", {})]
    put(tmp_path / "notes.txt", b"")
    message = refused(read_many, sources)
    assert message.startswith(f"{tmp_path / missing}: ")
    assert "no such" in message or "neither" in message


@on_linux
def test_of_several_sources_a_link_that_leads_nowhere_is_missing(tmp_path):
    (tmp_path / "gone").symlink_to("nobody")
    (tmp_path / "loop.zip").symlink_to("loop.zip")
    for link in ("gone", "loop.zip"):
        assert "no such" in refused(read_many, [folder(tmp_path / "alice"), tmp_path / link])


# Folders on disk


@on_linux
def test_links_on_disk_are_not_followed(tmp_path):
    folder(tmp_path / "secret", {"x.py": b"secret", "gan.py": b"secret"})
    alice = folder(tmp_path / "class" / "alice")
    (alice / "lib").symlink_to(tmp_path / "secret")
    (alice / "notes.txt").symlink_to("/etc/passwd")
    assert read_one(alice).files == GAN
    (alice / "helper.py").symlink_to(tmp_path / "secret" / "x.py")
    assert "helper.py is a link" in refused(read_one, alice)
    (tmp_path / "class" / "bob").symlink_to(tmp_path / "secret")
    put(tmp_path / "secret.zip", zip_bytes(GAN))
    (tmp_path / "class" / "carol.zip").symlink_to(tmp_path / "secret.zip")
    (tmp_path / "class" / "loop").symlink_to("loop")
    folder(tmp_path / "class" / "zoe")
    found = by_name(read(tmp_path / "class"))
    assert [name for name, s in found.items() if "link" in s.reason] == [
        "alice",
        "bob",
        "carol",
        "loop",
    ]
    assert all(not s.files for name, s in found.items() if name != "zoe")
    assert found["zoe"].files == GAN


@on_linux
def test_a_pipe_is_never_opened(tmp_path):
    alice = folder(tmp_path / "class" / "alice")
    os.mkfifo(alice / "pipe.py")
    os.mkfifo(tmp_path / "class" / "bob.zip")
    found = by_name(read(tmp_path / "class"))
    assert "pipe.py is a link or not a file" in found["alice"].reason
    assert "bob.zip is a link or not a file" in found["bob"].reason
    assert "is a link or not a file" in refused(read, tmp_path / "class" / "bob.zip")


@pytest.mark.parametrize("what", ["gan.py", "lib"])
def test_what_may_not_be_read_is_named(tmp_path, monkeypatch, what):
    folder(tmp_path / "class", {"alice/gan.py": b"", "alice/lib/x.py": b"", "bob/gan.py": b""})
    locked = tmp_path / "class" / "alice" / what
    opened, scanned = os.open, os.scandir

    def guarded(real):
        def call(path, *arguments, **options):
            if os.path.realpath(path) == str(locked):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *arguments, **options)

        return call

    monkeypatch.setattr(os, "open", guarded(opened))
    monkeypatch.setattr(os, "scandir", guarded(scanned))
    found = by_name(read(tmp_path / "class"))
    assert what in found["alice"].reason
    assert "Permission denied" in found["alice"].reason
    assert str(tmp_path) not in found["alice"].reason
    assert found["bob"].reason == ""


@on_linux
@pytest.mark.parametrize("name", ["a\nb.py", "a\\b.py", "c:x.py", "\udcff.py", "x" * 237 + ".py"])
def test_names_that_cannot_travel_are_refused_on_disk(tmp_path, name):
    folder(tmp_path / "class", {f"alice/{name}": b"", "alice/gan.py": b"", "bob/gan.py": b""})
    found = by_name(read(tmp_path / "class"))
    assert "name" in found["alice"].reason
    assert found["alice"].reason.isprintable()
    assert found["bob"].reason == ""


# Limits


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({f"m{i}.py": b"" for i in range(200)}, "more than 200"),
        ({"big.py": os.urandom(2 * intake.MIB + 1)}, "big.py is larger than 2 MiB"),
        ({f"m{i}.py": os.urandom(2 * intake.MIB) for i in range(4)}, "8 MiB together"),
    ],
    ids=["files", "file", "sum"],
)
def test_too_much_is_refused(tmp_path, files, word, packed):
    files = {**files, **GAN}
    source = put(tmp_path / "a.zip", zip_bytes(files)) if packed else folder(tmp_path / "a", files)
    assert word in refused(read_one, source)


def test_the_limits_themselves_are_allowed(tmp_path):
    files = {**GAN, **{f"m{i}.py": b"" for i in range(199)}}
    files["m0.py"] = os.urandom(2 * intake.MIB)
    assert read_one(folder(tmp_path / "a", files)).files == files
    assert read_one(put(tmp_path / "a.zip", zip_bytes(files))).files == files


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_an_archive_has_a_limit_of_members(tmp_path, name, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 20)
    files = {**GAN, **{f"data/{i}.png": b"" for i in range(20)}}
    assert "more than 20 members" in refused(
        read, put(tmp_path / name, PACKED["hw3" + name[1:]](files))
    )
    del files["data/0.png"]
    assert read_one(put(tmp_path / name, PACKED["hw3" + name[1:]](files))).files == files


def test_what_lies_beside_the_code_comes_along_as_far_as_there_is_room(tmp_path):
    most = intake.MAX_FILE_BYTES
    files = {**GAN, **{f"{n}.bin": os.urandom(most) for n in range(5)}}
    files |= {"large.bin": bytes(most + 1), "n" * 250 + ".txt": b"", "small.json": b"{}"}
    for source in (folder(tmp_path / "ada", files), put(tmp_path / "b.zip", zip_bytes(files))):
        found = read_one(source).files
        assert list(found) == ["0.bin", "1.bin", "2.bin", "gan.py", "small.json"]
        assert all(found[name] == files[name] for name in found)
    many = {**GAN, **{f"{n}.txt": b"" for n in range(300)}}
    assert len(read_one(folder(tmp_path / "eve", many)).files) == intake.MAX_FILES


def test_folders_archives_and_classes_have_limits(tmp_path, monkeypatch):
    folder(tmp_path / "class", class_files())
    packed = put(tmp_path / "class.zip", zip_bytes(class_files()))
    monkeypatch.setattr(intake, "MAX_CLASS_BYTES", 10)
    assert "smaller groups" in refused(read, tmp_path / "class")
    assert "smaller groups" in refused(read, packed)
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 100)
    assert "is larger than" in refused(read, packed)
    monkeypatch.setattr(disk, "MAX_ENTRIES", 2)
    assert "more than 2 files" in refused(read, tmp_path / "class")


def test_the_files_of_a_class_do_not_lie_in_memory(tmp_path):
    """Read when they are asked for, by any thread; a worker gets them all."""
    for number in range(20):
        beside = random.Random(number).randbytes(500_000)
        folder(tmp_path / f"s{number:02}", {**GAN, "beside.bin": beside})
    tracemalloc.start()
    try:
        class_ = intake.read_class([tmp_path])
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()

    def same(number):
        files = class_.submissions[number].files
        expected = {**GAN, "beside.bin": random.Random(number).randbytes(500_000)}
        return files == expected and len(files) == 2 and "beside.bin" in files

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(same, [*range(20)] * 2))
    sent = pickle.loads(pickle.dumps(class_.submissions[3]))
    assert sent == class_.submissions[3]
    assert type(sent.files) is dict


def test_no_room_for_temporary_files_is_said(tmp_path, monkeypatch):
    folder(tmp_path / "class", class_files())

    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shelf.tempfile, "TemporaryFile", lambda **_: Full())
    words = refused(read, tmp_path / "class")
    assert "No space left on device" in words
    assert "TMPDIR" in words


# Hostile archives


LINK = 0o120777 << 16


def zip_member(name, mode=0):
    info = zipfile.ZipInfo("placeholder")
    info.filename, info.external_attr, info.create_system = name, mode, 3
    return info


TRAVERSAL = ["../x.py", "a/../../x.py", "/etc/x.py", "C:/x.py", "c:x.py", "a\\b.py", "..\\x.py"]
CONTROL = ["a\nb.py", "a\x1b[2Jb.py", "a\u2028b.py", "a" + "\u0315\u0300" * 16 + ".py"]


@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes], ids=["zip", "tar"])
@pytest.mark.parametrize("name", [*TRAVERSAL, *CONTROL])
def test_unsafe_names_are_refused(tmp_path, name, pack):
    data = pack([("gan.py", b""), (zip_member(name) if pack is zip_bytes else name, b"x")])
    source = put(tmp_path / "evil.zip", data)
    assert "not a safe name" in refused(read, source)
    assert "not a safe name" in refused(read_one, source)
    reason = refused_in_class(tmp_path, "evil.zip", data)
    assert "not a safe name" in reason
    assert reason.isprintable()


def test_a_nul_in_a_name_is_refused(tmp_path):
    data = zip_bytes({"gan.py": b"", "xx.py#.txt": b""}).replace(b"#", b"\0")
    assert "not a safe name" in refused_in_class(tmp_path, "evil.zip", data)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, mode):
    data = zip_bytes([("gan.py", b""), (zip_member("lib/x", (mode | 0o644) << 16), b"/etc/passwd")])
    assert "lib/x is a link or not a file" in refused_in_class(tmp_path, "evil.zip", data)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    info = tarfile.TarInfo("x.py")
    info.type, info.linkname = kind, "gan.py"
    data = tar_bytes([("gan.py", b""), (info, b"")])
    assert "x.py is a link or not a file" in refused_in_class(tmp_path, "evil.tgz", data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes], ids=["zip", "tar"])
@pytest.mark.parametrize("twin", ["gan.py", "GAN.py", "./gan.py", ".//gan.py"])
def test_names_that_collide_are_refused(tmp_path, pack, twin):
    data = pack([("gan.py", b"1"), (twin, b"2")])
    assert "Two files are called" in refused_in_class(tmp_path, "evil.zip", data)


@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes], ids=["zip", "tar"])
def test_names_that_collide_once_they_are_normalised_are_refused(tmp_path, pack):
    data = pack([("gan.py", b""), ("\u00e9.py", b"1"), ("e\u0301.py", b"2")])
    assert "Two files are called" in refused_in_class(tmp_path, "evil.zip", data)


@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes], ids=["zip", "tar"])
@pytest.mark.parametrize(("name", "cut"), [("x" * 301, 0), ("a\u0315\u0300" * 1300, 1301)])
def test_a_name_that_takes_long_to_look_at_is_refused(tmp_path, pack, name, cut):
    name = name[:cut] if cut and pack is tar_bytes else name
    assert "is too long; shorten it" in refused_in_class(
        tmp_path, "evil.zip", pack([("gan.py", b""), (name, b"")])
    )
    fits = put(tmp_path / "a.zip", pack([("gan.py", GAN["gan.py"]), ("\u00e9" * 300, b"")]))
    assert read_one(fits).files == GAN


def test_in_the_archive_of_a_class_each_pays_for_itself(tmp_path):
    pairs = [
        ("alice/gan.py", b"a"),
        (zip_member("bob/../../x.py"), b""),
        ("bob/gan.py", b"b"),
        (zip_member("carol/gan.py", LINK), b"/etc/passwd"),
    ]
    found = by_name(read(put(tmp_path / "class.zip", zip_bytes(pairs))))
    assert found["alice"].files == {"gan.py": b"a"}
    assert "not a safe name" in found["bob"].reason
    assert "is a link" in found["carol"].reason
    stray = [*pairs, (zip_member("../zoe/gan.py"), b"")]
    assert "not a safe name" in refused(read, put(tmp_path / "class.zip", zip_bytes(stray)))


def test_a_zip_bomb_is_refused_before_it_is_unpacked_whole(tmp_path):
    data = zip_bytes({"gan.py": bytes(50 * intake.MIB)})
    assert "larger than 2 MiB" in refused_in_class(tmp_path, "bomb.zip", data)


def test_bombs_among_what_is_not_read_do_no_harm(tmp_path):
    data = zip_bytes({**GAN, "data.bin": bytes(50 * intake.MIB)})
    assert read_one(put(tmp_path / "a.zip", data)).files == GAN


def lying(data, size):
    data = bytearray(data)
    for signature, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(signature) + at, size)
    return bytes(data)


def test_what_counts_is_what_a_zip_really_holds(tmp_path):
    # The same bytes every time: now and then random ones hold the signature of a header.
    drawn = random.Random(0)
    code, bomb = drawn.randbytes(intake.MIB), drawn.randbytes(3 * intake.MIB)
    fewer = lying(zip_bytes({"gan.py": code}), 5)
    assert "gan.py cannot be read" in refused_in_class(tmp_path / "1", "evil.zip", fewer)
    fewer = lying(zip_bytes({"gan.py": bomb}), 5)
    assert "gan.py cannot be read" in refused_in_class(tmp_path / "2", "evil.zip", fewer)
    more = put(tmp_path / "a.zip", lying(zip_bytes({"gan.py": code}), 3 * intake.MIB))
    assert read_one(more).files == {"gan.py": code}


def test_a_ratio_beyond_that_of_code_is_refused(tmp_path):
    data = zip_bytes({"gan.py": bytes(2 * intake.MIB)})
    assert "200 times its size" in refused_in_class(tmp_path, "bomb.zip", data)
    data = tar_bytes({**GAN, "data.bin": bytes(20 * intake.MIB)})
    assert "200 times its size" in refused(read, put(tmp_path / "bomb.tgz", data))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_bomb_in_archives_in_archives_is_refused(tmp_path, depth):
    data = zip_bytes({"gan.py": bytes(100 * intake.MIB)})
    for _ in range(depth):
        data = zip_bytes({"hw3.zip": data})
    reason = refused_in_class(tmp_path, "bomb.zip", data)
    assert any(w in reason for w in ("times its size", "larger than 2 MiB", "packed too often"))


def test_an_archive_that_unpacks_to_a_bomb_of_an_archive_is_refused(tmp_path):
    data = tar_bytes({**GAN, "data.bin": bytes(20 * intake.MIB)}, "w")
    reason = refused_in_class(tmp_path, "bomb.zip", zip_bytes({"hw3.tar": data}))
    assert "200 times its size" in reason


def test_a_packed_size_that_lies_does_not_pay_for_a_bomb(tmp_path):
    data = bytearray(zip_bytes({"gan.py": bytes(2 * intake.MIB)}))
    for signature, at in ((b"PK\3\4", 18), (b"PK\1\2", 20)):
        struct.pack_into("<I", data, data.index(signature) + at, intake.MIB)
    assert "overlap" in refused_in_class(tmp_path, "bomb.zip", bytes(data))


def test_overlapping_members_are_bounded(tmp_path):
    """Many directory entries that all point at one packed file."""
    data = zip_bytes({"gan.py": os.urandom(1000)})
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[start:end]
    entries = b"".join(entry.replace(b"gan.py", b"m%02d.py" % i) for i in range(99)) + entry
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 100, 100, len(entries))
    reason = refused_in_class(tmp_path, "evil.zip", data[:start] + entries + bytes(tail))
    assert "overlap" in reason


def test_a_directory_that_claims_fewer_members_than_it_has_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 20)
    data = bytearray(zip_bytes({f"{i}.png": b"" for i in range(21)}))
    struct.pack_into("<HH", data, data.index(b"PK\5\6") + 8, 1, 1)
    assert "more than 20 members" in refused_in_class(tmp_path, "evil.zip", bytes(data))


def directory(entries):
    """A zip of empty members without headers of their own: names, extra fields, comments."""
    data = b""
    pieces = []
    for name, extra, comment in entries:
        lengths = struct.pack("<3H", len(name), len(extra), len(comment))
        pieces += [b"PK\1\2", bytes([20, 3, 20]), bytes(21), lengths, bytes(12)]
        pieces += [name, extra, comment]
    data = b"".join(pieces)
    count = min(len(entries), 65535)
    return data + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, len(data), 0, 0)


@pytest.fixture
def unread(monkeypatch):
    """Whatever makes zipfile read a directory is a mistake here."""

    def read(*_):
        raise AssertionError("the directory was read")

    monkeypatch.setattr(zipfile, "ZipFile", read)


@pytest.mark.usefixtures("unread")
def test_a_zip_of_100_000_members_is_refused_before_they_are_taken_in(tmp_path):
    data = directory([(b"%d" % i, b"", b"") for i in range(100_000)])
    assert "more than 10000 members" in refused(read, put(tmp_path / "a.zip", data))


def test_a_tar_of_100_000_members_is_refused(tmp_path):
    member = bytes(raw_header("x.png", 0, tarfile.REGTYPE))
    source = put(tmp_path / "a.tar", member * 100_000 + bytes(1024))
    assert "more than 10000 members" in refused(read, source)


@pytest.mark.usefixtures("unread")
def test_members_cannot_hide_after_others_that_are_none(tmp_path, monkeypatch):
    """In each comment lies what looks like an entry, and ends where the next one begins."""
    monkeypatch.setattr(archives, "MAX_MEMBERS", 20)
    other = directory([(b"x", b"", b"")])[:47]
    data = directory([(b"%d" % i, b"", other) for i in range(21)] + [(b"", b"", b"")] * 0)
    assert "more than 20 members" in refused(read, put(tmp_path / "a.zip", data))


@pytest.mark.usefixtures("unread")
def test_extra_fields_that_take_long_are_refused_before_they_are_taken_in(tmp_path):
    fields = struct.pack("<HH", 9, 0) * 16_000
    data = directory([(b"%d.py" % i, fields, b"") for i in range(16)])
    assert "directory is too large" in refused(read, put(tmp_path / "a.zip", data))


def test_usual_extra_fields_are_no_hindrance(tmp_path):
    """Times and owners, as zip and Finder write them."""
    info = zip_member("gan.py")
    info.extra = struct.pack("<HHBL", 0x5455, 5, 1, 0) + struct.pack("<HH11s", 0x7875, 11, b"")
    pairs = [(info, b"gan = 1\n"), *((f"data/{i}.png", b"") for i in range(999))]
    assert len(read_one(put(tmp_path / "a.zip", zip_bytes(pairs))).files) == intake.MAX_FILES


@pytest.mark.parametrize("name", ["%d/gan.py", "\u4e00%d/gan.py", "%c/gan.py"])
def test_a_class_of_thousands_is_read_in_seconds(tmp_path, name):
    """Whatever their names are: of some, nothing is left in an id."""
    files = {name % (0x4E00 + i): b"" for i in range(5000)}
    started = time.process_time()
    found = read(put(tmp_path / "class.zip", zip_bytes(files)))
    assert time.process_time() - started < 5
    assert len({submission.id for submission in found}) == 5000


def test_long_names_that_begin_alike_get_ids_in_seconds():
    started = time.process_time()
    ids = {student_id(Who(f"{'a' * 76}{i:06}")) for i in range(6000)}
    assert time.process_time() - started < 5
    assert len(ids) == 6000


def test_reading_takes_the_memory_of_what_is_there_not_of_the_limit(tmp_path):
    source = put(tmp_path / "a.zip", zip_bytes(GAN))
    tracemalloc.start()
    read_one(source)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < intake.MIB


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_cannot_be_unpacked_within_bounds_is_refused(tmp_path, compression):
    data = zip_bytes(GAN, compression)
    assert "make an ordinary .zip" in refused_in_class(tmp_path, "a.zip", data)


def test_an_encrypted_zip_is_refused(tmp_path):
    data = bytearray(zip_bytes(GAN))
    data[data.index(b"PK\3\4") + 6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    assert "without a password" in refused_in_class(tmp_path, "a.zip", bytes(data))


def test_a_damaged_zip_is_refused(tmp_path):
    whole = zip_bytes({"gan.py": bytes(range(256)) * 9}, zipfile.ZIP_STORED)
    for data in (whole[:-30], whole[:20], b"PK", b"", whole.replace(b"\x07\x08", b"\x08\x08")):
        assert "cannot be read" in refused(read_one, put(tmp_path / "a.zip", data))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_truncated_tar_is_refused_wherever_it_ends(tmp_path, mode):
    whole = tar_bytes({"gan.py": os.urandom(1000), "part1_focused.py": os.urandom(1000)}, mode)
    used = len(whole) if mode == "w:gz" else 2 * (512 + 1024)
    for end in (0, 1, 100, 512, 600, 1024, 1536, 1600, 2048, used - 1, used):
        if end < len(whole):
            assert "cannot be read" in refused(read_one, put(tmp_path / "a.tgz", whole[:end]))


def test_a_tar_damaged_in_the_middle_is_refused(tmp_path):
    data = bytearray(tar_bytes({"gan.py": b"x" * 600, "part1_focused.py": b""}, "w"))
    data[512 + 1024 + 150] ^= 0xFF
    assert "cannot be read" in refused_in_class(tmp_path, "a.tar", bytes(data))


def raw_header(name, size, kind):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return bytearray(info.tobuf(tarfile.GNU_FORMAT))


@pytest.mark.parametrize(
    "data",
    [
        raw_header("x", 100_000, tarfile.XHDTYPE) + b"1" * 100_352 + bytes(1024),
        raw_header("gan.py", -512, tarfile.REGTYPE) + bytes(1024),
        b"".join(raw_header("L", 5, tarfile.GNUTYPE_LONGNAME) + bytes(512) for _ in range(3000)),
    ],
    ids=["huge extension", "negative size", "deep nesting"],
)
def test_headers_that_a_parser_chokes_on_are_refused(tmp_path, data):
    assert "cannot be read" in refused_in_class(tmp_path, "a.tar", bytes(data))


LONG = ["lib/" + "d" * 120 + "/x.py", "lib/" + "é" * 20 + "d" * 80 + ".py"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("comment", [{}, {"comment": "5ca1ab1e" * 5}], ids=["plain", "commit"])
def test_tars_of_all_kinds_are_read(tmp_path, form, comment):
    names = LONG[: 1 if form == tarfile.USTAR_FORMAT else 2]
    files = {**GAN, **{name: name.encode() * 99 for name in names}}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, pax_headers=comment) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1.5  # as a record, where there are any
            archive.addfile(info, io.BytesIO(data))
    assert read_one(put(tmp_path / "a.tar", buffer.getvalue())).files == files


def record(key, value):
    """A record of a POSIX header, with its own length."""
    length = len(key) + len(value) + 3
    length += len(str(length + len(str(length))))
    return b"%d %s=%s\n" % (length, key, value)


def extended(*headers, name="gan.py", data=b"gan = 1\n"):
    """A tar of one file, behind headers that extend its own: kind and content of each."""
    blocks = [*((b"e", kind, content) for kind, content in headers), (name.encode(), b"0", data)]
    return b"".join(
        bytes(raw_header(name.decode(), len(content), kind)) + content + bytes(-len(content) % 512)
        for name, kind, content in blocks
    ) + bytes(1024)


def test_a_header_extends_the_name_and_the_size(tmp_path):
    records = record(b"path", b"lib/../gan.py") + record(b"mtime", b"1.5")
    evil = extended((b"x", records), name="lib.py")
    assert "not a safe name" in refused_in_class(tmp_path, "evil.tar", evil)
    for header in ((b"x", record(b"path", b"gan.py")), (b"L", b"gan.py\0")):
        source = put(tmp_path / "a.tar", extended(header, name="other.txt"))
        assert read_one(source).files == GAN
    shorter = put(tmp_path / "a.tar", extended((b"x", record(b"size", b"3"))))
    assert read_one(shorter).files == {"gan.py": b"gan"}


SPARSE = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (extended((b"x", SPARSE), data=b"9999999\n" + b"0\n" * 10**6), "is a link or not a file"),
        (bytes(raw_header("gan.py", 0, b"S")) + bytes(1024), "is a link or not a file"),
        (extended((b"x", b"2 " * 2040 + b"=")), "cannot be read"),
        (extended((b"x", b"5 a=\n" * 51)), "cannot be read"),
        (extended((b"x", b"0 a=\n")), "cannot be read"),
        (extended((b"x", b"9 a=\n")), "cannot be read"),
        (extended((b"x", record(b"size", b"-512"))), "cannot be read"),
        (extended((b"x", record(b"size", b"9" * 3000))), "cannot be read"),
        (extended(*[(b"g", record(b"a", b"b"))] * 5), "cannot be read"),
    ],
    ids=lambda value: value[-40:-30] if isinstance(value, bytes) else "",
)
def test_headers_that_make_work_are_refused(tmp_path, data, reason):
    started = time.process_time()
    assert reason in refused_in_class(tmp_path, "evil.tar", data)
    assert time.process_time() - started < 1


def test_what_extends_headers_is_not_kept(tmp_path):
    """Each of 2000 files adds 300 keys for all files that follow."""
    pairs = []
    for i in range(2000):
        pairs.append((b"g", b"".join(record(b"%06d" % (i * 300 + j), b"x") for j in range(300))))
    data = b"".join(extended(header, name="x.png", data=b"")[:-1024] for header in pairs)
    source = put(tmp_path / "a.tgz", gzip.compress(data + extended()))
    started = time.process_time()
    assert "Two files" in refused(read_one, source)
    assert time.process_time() - started < 3


def test_a_gzip_file_has_one_part_and_maybe_padding(tmp_path):
    whole = tar_bytes(GAN)
    assert read_one(put(tmp_path / "a.tgz", whole + bytes(512))).files == GAN
    for data in (
        whole + b"x",
        gzip.compress(b"") * 100_000 + whole,
        b"\x1f\x8b\x08\x08" + b"n" * intake.MIB,
        whole[:-5],
        whole[:-8] + bytes(8),
    ):
        started = time.process_time()
        assert "cannot be read" in refused(read_one, put(tmp_path / "a.tgz", data))
        assert time.process_time() - started < 1


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.data())
def test_damage_anywhere_ends_in_a_submission_or_a_sentence(tmp_path_factory, data):
    pack = data.draw(st.sampled_from([zip_bytes, tar_bytes, lambda files: tar_bytes(files, "w")]))
    archive = bytearray(pack(class_files()))
    for _ in range(data.draw(st.integers(1, 4))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    source = put(tmp_path_factory.getbasetemp() / "damaged.zip", bytes(archive))
    found = []
    with contextlib.suppress(BadSource):  # any other exception is a bug
        found = read(source)
    for one in found:
        assert_safe(one.id)
        assert bool(one.files) != bool(one.reason) or one.question
