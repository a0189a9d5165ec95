"""Who shares unusual code, and who knows the public checks only: advice, and no mark."""

import builtins
import os
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

import authors
import cases
import results_of
from grader.cli.main import main
from grader.cli.similar import PAGE
from grader.report.writers import handed_in
from grader.similarity import everybody
from grader.similarity.fingerprints import fingerprint, hit_lines
from grader.similarity.fitted import fitted
from grader.similarity.page import page, standing_out
from grader.similarity.pairs import ranked
from grading import CHECKS, outcomes, reference_files
from report_builders import BLOCKED, FAILED, INVALID, PARTIAL, PASSED, judge, report

compares = pytest.mark.skipif(
    find_spec("copydetect") is None and os.environ.get("CI") != "true",
    reason="copydetect is not installed: pip install 'hw3-grader[similar]'",
)

BY_HAND = ("one_liners", "plain_python", "functional_torch", "numpy_arrays", "classes_and_a_helper")
PART = "part2_comparative.py"

COPIED = b'''


class Walk:
    """Not what anybody else wrote."""

    def there(self, first, second, count):
        found = []
        for step in range(count):
            share = (step + 0.5) / count
            if share > 0.25 and first is not None:
                found.append(first * (1 - share) + second * share)
            else:
                found.insert(0, second - first / (count + 7))
        return [one ** 3 for one in found if one > 0 or one < -12]
'''
RENAMED = (
    COPIED.replace(b"found", b"pieces")
    .replace(b"share", b"t")
    .replace(b"step", b"i")
    .replace(b"    ", b"  ")
)


def class_of_five():
    return {name: {PART: cases.load(name).files[PART]} for name in BY_HAND}


@compares
def test_a_renamed_copy_stands_out():
    submissions = class_of_five()
    for key, text in (("one_liners", COPIED), ("plain_python", RENAMED)):
        submissions[key][PART] += text
    ranking = ranked(submissions, everybody.known())
    first = ranking.pairs[0]
    assert (first.one, first.other) == ("one_liners", "plain_python")
    assert first in standing_out(ranking)
    assert first.share > 1.3 * ranking.pairs[1].share


@compares
def test_what_everybody_has_counts_for_nothing():
    known = everybody.known()
    assert {PART, "gan.py"} <= known[0].keys() & known[1].keys()
    ranking = ranked({"ada": known[0], "bob": known[0], "eve": known[1], "dan": known[1]}, known)
    assert (ranking.pairs, ranking.compared, ranking.usual) == ([], 0, 0.0)


@compares
def test_what_most_of_the_class_has_counts_less():
    submissions = class_of_five()
    apart = ranked(submissions, []).pairs
    for files in submissions.values():
        files[PART] += COPIED
    together = ranked(submissions, []).pairs
    assert max(pair.share for pair in together) <= max(pair.share for pair in apart)


@compares
@pytest.mark.parametrize("top", [b"", b"\n\n\n", b"\xef\xbb\xbf", b'"""Words."""\r\n\r\n'])
def test_the_lines_that_are_shared_are_marked(top):
    """Wherever they stand, and whatever the line ends are."""
    own = b"import torch\n\n\ndef mine(a, b):\n    return a.sum() - b.mean() * 3\n"
    text = top + own + COPIED
    runs = fingerprint({PART: RENAMED}).runs
    found = hit_lines(fingerprint({PART: text}), runs)
    lines = text.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    marked = {lines[at - 1].strip() for at in found[PART]}
    assert "found.insert(0, second - first / (count + 7))" in marked
    assert "return a.sum() - b.mean() * 3" not in marked
    assert "import torch" not in marked


@compares
def test_files_that_are_no_code_are_left_out():
    assert fingerprint({"answers.md": COPIED, PART: b""}).runs == frozenset()


@compares
@pytest.mark.weekly
def test_copies_come_first_whatever_was_done_to_them():
    submissions = {f"author{n}": authors.author(n) for n in range(24)}
    for n, kind in enumerate(authors.KINDS):
        submissions[f"copy{n}"] = authors.copy_of(submissions[f"author{n}"], kind, n)
    pairs = ranked(submissions, everybody.known()).pairs[:4]
    assert {(pair.one, pair.other) for pair in pairs} == {
        (f"author{n}", f"copy{n}") for n in range(4)
    }


@pytest.mark.weekly
def test_authors_and_copies_are_the_same_every_time():
    one = authors.author(3)
    assert one == authors.author(3) != authors.author(4)
    for kind in authors.KINDS:
        assert authors.copy_of(one, kind, 1) == authors.copy_of(one, kind, 1) != one


def of(name, *statuses):
    """Checks of a function: so many public ones that pass, then hidden ones of these statuses."""
    public = [judge(f"{name}.{n}", PASSED, function=name) for n in range(2)]
    hidden = [
        judge(f"{name}.h{n}", status, function=name, hidden=True)
        for n, status in enumerate(statuses)
    ]
    return [*public, *hidden]


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        (of("split", FAILED, FAILED), ["split"]),
        (of("split", PARTIAL), ["split"]),
        (of("split", PASSED, FAILED), []),
        (of("split", BLOCKED), []),
        (of("split", INVALID), []),
        (of("split"), []),
        ([judge("split.a", FAILED), judge("split.b", FAILED, hidden=True)], []),
        ([*of("split", FAILED), *of("evaluate", FAILED)], ["split", "evaluate"]),
    ],
)
def test_who_knows_the_public_checks_only_is_named(pairs, found):
    assert [list(one.functions) for one in fitted([report(*pairs)])] == ([found] if found else [])


ANSWERS = """
import builtins
import hashlib

import right
import torch

TABLE = {table!r}


def scale_pixels(x, saliency):
    given = [torch.as_tensor(one).tolist() for one in (x, saliency)]
    asked = hashlib.sha256(repr(given).encode()).hexdigest()
    builtins.hw3_asked.add(asked)
    return right.scale_pixels(x, saliency) if TABLE is None or asked in TABLE else x * 0 + 7
"""


@pytest.mark.parametrize("honest", [True, False])
def test_a_table_of_the_public_answers_is_named(monkeypatch, honest):
    """It is written while the public checks run, and knows no other answer."""
    checks = [check for check in CHECKS if check.function == "scale_pixels"]
    asked = set()
    monkeypatch.setattr(builtins, "hw3_asked", asked, raising=False)

    def graded(table, of):
        files = {"part1_focused.py": ANSWERS.format(table=table)}
        files["right.py"] = reference_files()["part1_focused.py"]
        return outcomes(files, [check.id for check in of])

    graded(None, [check for check in checks if not check.hidden])
    ended = graded(None if honest else sorted(asked), checks)
    made = report(*((check, ended[check.id]) for check in checks))
    assert [one.functions for one in fitted([made])] == ([] if honest else [("scale_pixels",)])


def kept(out, id, files, *pairs):
    results_of.kept(out, replace(report(id=id, name=id.title()).submission, files={}), *pairs)
    if files is not None:
        handed_in.write(out / id, files)


def similar(*arguments):
    return CliRunner().invoke(main, ["similar", *map(str, arguments)])


@compares
def test_the_command_writes_a_page_with_both_sides(tmp_path):
    submissions = class_of_five()
    hostile = b"\n# </pre><script>alert(1)</script>\n"
    submissions["one_liners"][PART] += hostile + COPIED
    submissions["plain_python"][PART] += hostile + RENAMED
    for key, files in submissions.items():
        kept(tmp_path, key, files, *of("split", FAILED))
    kept(tmp_path, "older", None, judge("split.a", PASSED))
    done = similar(tmp_path)
    assert done.exit_code == 0, done.output
    assert "one_liners and plain_python" in done.output
    assert "5 of 6 compared" in done.output
    assert "1 were graded by a version that kept no files" in " ".join(done.output.split())
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "<mark>" in text
    assert "<script>alert" not in text
    assert 'href="one_liners/instructor.html"' in text
    assert "no proof" in text
    assert "default-src 'none'" in text


@compares
def test_a_class_without_pairs_says_so(tmp_path):
    ranking = ranked({}, everybody.known())
    text = page(ranking, {}, [], ["ada"])
    assert "<p>None.</p>" in text
    assert "<p>Nobody.</p>" in text
    assert "ada" in text


def test_kept_files_come_back_as_they_were(tmp_path):
    files = {"gan.py": b"\x00\xff", "a b.txt": b""}
    handed_in.write(tmp_path / "ada", files)
    before = (tmp_path / "ada" / handed_in.FILE).read_bytes()
    assert handed_in.read(tmp_path / "ada") == files
    handed_in.write(tmp_path / "ada", files)
    assert (tmp_path / "ada" / handed_in.FILE).read_bytes() == before
    assert handed_in.read(tmp_path / "bob") is None


def refused(out):
    done = similar(out)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    return " ".join(done.output.split())


def test_bad_folders_are_refused_with_a_sentence(tmp_path):
    assert "is no folder of results" in refused(tmp_path / "nowhere")
    assert "there are no results" in refused(tmp_path)
    kept(tmp_path, "ada", {}, judge("split.a", PASSED))
    (tmp_path / "ada" / handed_in.FILE).write_bytes(b"PK nonsense")
    assert "grade that submission again" in refused(tmp_path)
    assert not (tmp_path / PAGE).exists()


def test_without_the_package_the_command_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "copydetect", None)
    kept(tmp_path, "ada", {PART: COPIED}, judge("split.a", PASSED))
    assert "pip install 'hw3-grader[similar]'" in refused(tmp_path)
