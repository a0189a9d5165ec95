"""Whatever lies in a source, each file ends in exactly one place; and the grader counts."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import make_exports
from grader.errors import BadSource, Miscounted
from grader.submissions import intake, ledger
from grader.submissions.intake import read_class
from grader.submissions.ledger import Fate, Ledger

FOLDERS = [
    "", "ann/", "bob/", "ann/hw3/", "ann/v1/", "ann/venv/", ".git/", "bob/.git/", "hw3/", "src/",
    "Ann Lee_17_assignsubmission_file_/", "submission_12/", "Анна/", "ann/a b/c/",
]  # fmt: skip
NAMES = [
    "gan.py", "GAN.py", "gan (1).py", "part1_focused.py", "part1.py", "util.py", "answers.md",
    "gan.ipynb", "all.ipynb", "report.pdf", "notes.txt", ".DS_Store", "a.zip", "b.tar", "old.rar",
    "lee_11_9001_gan.py", "lee_11_9002_a.zip", "roy_12_9003_gan.py", "submission_metadata.yml",
    "Bo_3_assignsubmission_file_gan.py", "CON.py", "x\u0301.py",
]  # fmt: skip
CONTENTS = [
    b"", b"a = 1\n", b"b = 2\n", b"\xe9\n", b"\0", b"PK", make_exports.notebook("import torch"),
    make_exports.packed({"gan.py": b"a = 1\n", "hw3/part1_focused.py": b"c\n"}),
    make_exports.packed({"hw3/gan.py": b"z\n", "__MACOSX/x": b"", "more.zip": b"PK"}),
    b"submission_12:\n  :submitters:\n  - :name: A\n    :sid: 7\n  - :name: B\n    :sid: 8\n",
]  # fmt: skip
SOURCES = st.dictionaries(
    st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)).map("".join),
    st.sampled_from(CONTENTS),
    min_size=1,
    max_size=14,
)


@pytest.fixture
def ledgers(monkeypatch):
    """The ledgers that are kept."""
    kept = []

    class Kept(Ledger):
        def __init__(self):
            super().__init__()
            kept.append(self)

    monkeypatch.setattr(intake, "Ledger", Kept)
    return kept


@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a source is small enough to be looked at as it is
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(SOURCES, st.booleans())
def test_every_file_ends_in_exactly_one_place(tmp_path_factory, ledgers, files, packed):
    source = tmp_path_factory.mktemp("source")
    if packed:
        source = source / "class.zip"
        source.write_bytes(make_exports.packed(files))
    else:
        make_exports.write(source, files)
    ledgers.clear()
    try:
        found = read_class([source])  # counts, and would raise Miscounted
    except BadSource:
        return
    fates = ledgers[0].fates
    for name in files:
        under_archives = [origin for origin in fates if origin.startswith(f"{name}/")]
        folder = name.split(".git/")[0].split("venv/")[0]
        collapsed = [o for o in fates if o.endswith("/") and name.startswith(o) and folder in o]
        twin = any(origin.startswith(f"{name}#") for origin in fates)  # two names, but for case
        assert name in fates or under_archives or collapsed or twin, name
        assert not (name in fates and under_archives), name
    ids = {one.id.casefold() for one in found.submissions}
    assert len(ids) == len(found.submissions)
    for one in found.submissions:
        assert one.files or one.reason
        assert one.question == "" or any(q.id.startswith(one.id) for q in found.questions)
    asked = {words for fate, words in fates.values() if fate is Fate.ASKED}
    assert not asked or found.questions


def test_a_file_that_is_forgotten_stops_the_grader(tmp_path, monkeypatch):
    source = make_exports.write(tmp_path / "ann", {"gan.py": b"", "notes.txt": b""})
    monkeypatch.setattr(intake.Handed, "ignore", lambda *_: None)
    monkeypatch.setattr("grader.submissions.assemble.MAX_PATH", 8)
    with pytest.raises(Miscounted, match=r"notes\.txt"):
        read_class([source])


def test_a_file_cannot_end_in_two_places():
    book = ledger.Ledger()
    book.found(["a"])
    book.put("a", Fate.GRADED, "gan.py of ann")
    book.put("a", Fate.GRADED, "gan.py of ann")
    with pytest.raises(Miscounted, match="two places"):
        book.put("a", Fate.IGNORED, "left behind")
    book.close()
    book.put("b", Fate.IGNORED, "left behind")
    with pytest.raises(Miscounted, match="b"):
        book.close()
