"""The instructor's own table comes out with one column filled; every other byte is as it was."""

import io
import zipfile
from decimal import ROUND_HALF_UP, Decimal

import pytest
from click.testing import CliRunner

import tables
from grader.cli.main import main
from grader.gradebook import delimited
from grader.gradebook.export import rounded
from grader.gradebook.people import Person, match, name_keys
from results_of import people, points, result

PEOPLE = people()
EMPTY = [""] * len(PEOPLE)


def hw3(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, " ".join(done.output.split())


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Sixty with ids, e-mails and logins, but for four who do not count or are not there."""
    out = tmp_path_factory.mktemp("graded")
    for n, (number, login, email, first, last) in enumerate(PEOPLE):
        about = {"person": number, "login": login, "email": email}
        if n == 5:
            result(out, f"s{n}", f"{first} {last}", 0.0, undecided=100.0, **about)
        elif n == 6:
            result(out, f"s{n}", f"{first} {last}", question="two files", **about)
        elif n == 7:
            result(out, f"s{n}", f"{first} {last}", stale={"part1": "old"}, **about)
        elif n != 8:
            result(out, f"s{n}", f"{first} {last}", points(n), **about)
    result(out, "stranger", "Nobody Else", 50.0, person="5", email="x@else.example")
    return out


def expected(n):
    """The cell of the person of that number, when it is filled."""
    if n in (5, 6, 7, 8):
        return ""
    return str(Decimal(repr(points(n))).quantize(Decimal("0.01"), ROUND_HALF_UP))


FILLED = [expected(n) for n in range(len(PEOPLE))]

WAYS = {
    "as Canvas and Moodle write it": {},
    "with a mark": {"mark": "\ufeff"},
    "lines that end in LF": {"end": "\n"},
    "lines that end in CR": {"end": "\r"},
    "semicolons": {"delimiter": ";"},
    "tabs in UTF-16": {"delimiter": "\t", "encoding": "utf-16-le", "mark": "\ufeff"},
    "every cell quoted": {"always": True},
    "without a last line end": {"last": False},
}
PLATFORMS = {"canvas": tables.canvas, "moodle": tables.moodle, "gradescope": tables.gradescope}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_column_is_filled_and_every_other_byte_is_as_it_was(graded, tmp_path, platform, way):
    table = PLATFORMS[platform]
    file, out = tmp_path / "book.csv", tmp_path / "new" / "filled.csv"
    given = tables.written(table(PEOPLE, EMPTY), **WAYS[way])
    file.write_bytes(given)
    code, said = hw3("export", platform, file, "--from", graded, "--out", out)
    assert code == 0, said
    cells = FILLED
    if platform == "gradescope":  # its last column says who was graded there
        rows = table(PEOPLE, EMPTY)
        for n, cell in enumerate(cells, 1):
            rows[n][4] = cell
    else:
        rows = table(PEOPLE, cells)
    assert out.read_bytes() == tables.written(rows, **WAYS[way])
    assert file.read_bytes() == given
    assert f"is filled in: {out}" in said
    assert "56 of 60 students" in said
    for words in ("undecided", "a person has to decide: two files", "to be graded again: Part 1"):
        assert words in said
    assert "In the file, without a result (1): " in said
    assert "With a result, not in the file (1): Nobody Else" in said


def test_old_points_are_replaced_and_excused_ones_are_not(graded, tmp_path):
    file = tmp_path / "book.csv"
    cells = ["12.5"] * len(PEOPLE)
    cells[1] = "EX"
    file.write_bytes(tables.written(tables.canvas(PEOPLE, cells)))
    code, said = hw3("export", "canvas", file, "--from", graded)
    assert code == 0
    assert "(excused in Canvas)" in said
    kept = [cell or "12.5" for cell in FILLED]
    kept[1] = "EX"
    filled = (tmp_path / "book-filled.csv").read_bytes()
    assert filled == tables.written(tables.canvas(PEOPLE, kept))


def test_a_windows_encoding_stays_what_it_was(tmp_path):
    out = tmp_path / "graded"
    result(out, "s", "Jörg Müller", 90.0, person="1000")
    some = [("1000", "u", "u@x", "Jörg", "Müller")]
    for encoding in ("cp1252", "utf-8"):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes(tables.written(tables.canvas(some, [""]), encoding=encoding))
        assert hw3("export", "canvas", file, "--from", out)[0] == 0
        filled = (tmp_path / f"{encoding}-filled.csv").read_bytes()
        assert filled == tables.written(tables.canvas(some, ["90.00"]), encoding=encoding)


class TestMoodle:
    def test_without_names_the_number_is_enough(self, graded, tmp_path):
        file = tmp_path / "blind.csv"
        file.write_bytes(tables.written(tables.moodle(PEOPLE, EMPTY, names=False)))
        assert hw3("export", "moodle", file, "--from", graded)[0] == 0
        filled = (tmp_path / "blind-filled.csv").read_bytes()
        assert filled == tables.written(tables.moodle(PEOPLE, FILLED, names=False))

    def test_in_german_with_a_decimal_comma(self, graded, tmp_path):
        header = ["ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Bewertung"]
        header += ["Bestwertung", "Bewertung kann geändert werden", "Geändert", "Feedback"]
        file = tmp_path / "b.csv"
        more = {"most": "100,00", "header": header, "word": "Teilnehmer/in"}
        file.write_bytes(tables.written(tables.moodle(PEOPLE, EMPTY, **more)))
        code, said = hw3("export", "moodle", file, "--from", graded)
        assert code == 0, said
        commas = [cell.replace(".", ",") for cell in FILLED]
        made = (tmp_path / "b-filled.csv").read_bytes()
        plain = tables.written(tables.moodle(PEOPLE, commas, **more))
        assert made == plain

    def test_pages_lie_in_the_folders_that_moodle_takes_back(self, graded, tmp_path):
        file, archive = tmp_path / "m.csv", tmp_path / "feedback.zip"
        file.write_bytes(tables.written(tables.moodle(PEOPLE, EMPTY)))
        code, said = hw3("export", "moodle", file, "--from", graded, "--feedback", archive)
        assert code == 0, said
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
            assert "Ada Lovelace_1000_assignsubmission_file_/report.html" in names
            page = opened.read("Ada Lovelace_1000_assignsubmission_file_/report.html")
        assert page == b"<p>page of Ada Lovelace"
        assert len(names) == 59
        for name in names:  # as Moodle takes the name apart
            whose, number, plugin, of, rest = name.split("/")[0].split("_", 4)
            assert whose
            assert number in {row[0] for row in PEOPLE}
            assert (plugin, of, rest) == ("assignsubmission", "file", "")


def test_pages_for_canvas_have_the_names_of_the_uploads(graded, tmp_path):
    file, archive, given = (tmp_path / n for n in ("c.csv", "feedback.zip", "submissions.zip"))
    file.write_bytes(tables.written(tables.canvas(PEOPLE, EMPTY)))
    uploads = ["lovelaceada_1000_501_part1_focused.py", "lovelaceada_1000_502_gan.py"]
    uploads += ["stastnazofie_LATE_1001_777_hw3.zip", "x_1002_9_link.html", "anon_12_3_a.py"]
    with zipfile.ZipFile(given, "w") as made:
        for name in uploads:
            made.writestr(name, "x")
    words = ("export", "canvas", file, "--from", graded, "--feedback", archive)
    code, said = hw3(*words, "--downloaded", given)
    assert code == 0, said
    with zipfile.ZipFile(archive) as opened:
        pages = {name: opened.read(name).decode() for name in opened.namelist()}
    assert pages == {
        "lovelaceada_1000_502_gan.py": "<p>page of Ada Lovelace",
        "stastnazofie_LATE_1001_777_hw3.zip": "<p>page of Žofie Šťastná",
    }
    assert "Without a page in it" in said
    assert hw3(*words)[0] == 2


class TestPages:
    def test_they_lie_alone_under_names_that_nobody_can_guess(self, graded, tmp_path):
        site = tmp_path / "site"
        code, said = hw3("export", "pages", site, "--from", graded)
        assert code == 0, said
        files = {path.name for path in site.iterdir()}
        rows = (graded / "pages.csv").read_text("utf-8-sig").splitlines()[1:]
        named = {row.rpartition(",")[2] for row in rows}
        assert files == named | {"index.html"}
        assert len(named) == 60
        assert all(len(name) == 45 for name in named)
        for path in site.iterdir():
            text = path.read_text("utf-8")
            assert "all about" not in text
        assert "page of" not in (site / "index.html").read_text("utf-8")
        before = {path.name: path.read_bytes() for path in site.iterdir()}
        assert hw3("export", "pages", site, "--from", graded)[0] == 0
        assert {path.name: path.read_bytes() for path in site.iterdir()} == before

    def test_another_folder_of_results_has_other_addresses(self, tmp_path):
        names = []
        for n in range(2):
            result(tmp_path / f"g{n}", "ada", "Ada")
            hw3("export", "pages", tmp_path / f"s{n}", "--from", tmp_path / f"g{n}")
            names += [path.name for path in (tmp_path / f"s{n}").glob("?*.html")]
        assert len(set(names)) == 3  # two pages, and the empty one of both

    @pytest.mark.parametrize("place", [".", "site", "../graded"])
    def test_neither_folder_may_lie_in_the_other(self, tmp_path, place):
        out = tmp_path / "graded"
        result(out, "ada", "Ada")
        code, said = hw3("export", "pages", out / place, "--from", out)
        assert code == 2
        assert "must not lie in one another" in said
        assert {path.name for path in out.iterdir()} == {"ada", "rules.json"}

    def test_a_folder_with_other_files_is_not_filled(self, tmp_path):
        result(tmp_path / "graded", "ada", "Ada")
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "thesis.pdf").write_text("mine")
        code, said = hw3("export", "pages", tmp_path / "site", "--from", tmp_path / "graded")
        assert code == 2
        assert "holds thesis.pdf" in said
        assert [path.name for path in (tmp_path / "site").iterdir()] == ["thesis.pdf"]


class TestWhoIsWho:
    def test_two_of_one_name_are_told_apart_by_an_id_and_by_nothing_else(self):
        rows = [Person(ids=("1",), names=("Li, Wei",)), Person(ids=("2",), names=("Li, Wei",))]
        with_ids = [Person(ids=("2",), names=("Li Wei",)), Person(ids=("1",), names=("Li Wei",))]
        assert match(rows, with_ids).result_of == {0: 1, 1: 0}
        found = match(rows, [Person(names=("Wei Li",))])
        assert found.result_of == {}
        assert found.doubtful == dict.fromkeys((0, 1), "two lines of the table have this name")

    def test_a_name_decides_nothing_against_an_id(self):
        rows = [Person(ids=("1",), names=("A",)), Person(ids=("2",), names=("Li, Wei",))]
        results = [Person(ids=("1",), names=("A",)), Person(ids=("3",), names=("Li Wei",))]
        found = match(rows, results)
        assert found.result_of == {0: 0}
        assert (found.rows_left, found.results_left) == ([1], [1])

    def test_ids_of_another_platform_do_not_hinder_names(self):
        rows = [Person(ids=("1000",), names=("Lovelace, Ada",))]
        assert match(rows, [Person(ids=("77",), names=("Ada Lovelace",))]).result_of == {0: 0}

    def test_the_login_then_the_e_mail(self):
        rows = [Person(("1",), ("ada",), (), ("x",)), Person(("2",), (), ("B@U.example",), ("y",))]
        results = [Person((), (), ("b@u.example",), ("z",)), Person((), ("ADA",), (), ("w",))]
        assert match(rows, results).result_of == {0: 1, 1: 0}

    def test_everybody_of_a_group_gets_its_points(self):
        rows = [Person(ids=("1",)), Person(ids=("2",)), Person(ids=("3",))]
        assert match(rows, [Person(ids=("1", "3"))]).result_of == {0: 0, 2: 0}

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Lovelace, Ada", "Ada Lovelace"),
            ("Lovelace, Ada", "lovelaceada"),
            ("O'Hara, Seán", "Seán O’Hara"),
            ("d'Arc, Anne-Marie", "Anne-Marie d’Arc"),
            ("Jo\u0308rg Müller", "Jörg Müller"),
            ("李, 雷", "李雷"),
        ],
    )
    def test_one_name_in_two_spellings(self, one, other):
        assert name_keys(one) & name_keys(other)

    @pytest.mark.parametrize(("one", "other"), [("Jörg M", "Jorg M"), ("Ann Li", "Anna Li")])
    def test_two_names(self, one, other):
        assert not name_keys(one) & name_keys(other)


@pytest.mark.parametrize(
    ("earned", "text"),
    [
        *((0.0, "0.00"), (0.001, "0.01"), (1.005, "1.01"), (95.5, "95.50"), (33.335, "33.34")),
        *((99.996, "99.99"), (99.9999999999, "100.00"), (100.0, "100.00")),
    ],
)
def test_two_decimals_and_full_marks_only_where_that_is_true(earned, text):
    assert rounded(earned, 100.0) == text


class TestBadInput:
    """Each is one sentence and exit status 2, and no file is written."""

    @pytest.mark.parametrize(
        ("platform", "rows", "words", "said"),
        [
            ("canvas", [["a", "b"]], [], "no gradebook of Canvas"),
            ("canvas", [["Student", "ID", "HW3 (1)"], ["Ann", "1", ""]], [], "no row “Points"),
            (
                "canvas",
                tables.canvas(PEOPLE, EMPTY, worth="90"),
                [],
                "no column is worth 100 points",
            ),
            ("canvas", tables.canvas(PEOPLE, EMPTY), ["--column", "HW2"], "is worth 50 points"),
            ("canvas", tables.canvas(PEOPLE, EMPTY), ["--column", "HW9"], "no column HW9 to fill"),
            ("canvas", tables.canvas(PEOPLE, EMPTY, worth="50"), ["--column", "hw3"], "another"),
            ("canvas", tables.canvas([("7", "", "", "X", "Y")], [""]), [], "nobody of this table"),
            ("moodle", [["a", "b"], ["1", "2"]], [], "no grading worksheet of Moodle"),
            ("moodle", tables.moodle(PEOPLE, EMPTY, most="20.00"), [], "maximum is 20 points"),
            ("moodle", tables.moodle(PEOPLE, EMPTY, most="Good, Bad"), [], "graded by a scale"),
            ("gradescope", [["a", "b"], ["1", "2"]], [], "no scores of Gradescope"),
            ("gradescope", tables.gradescope(PEOPLE, EMPTY, most="9"), [], "out of 9 points"),
        ],
    )
    def test_tables(self, graded, tmp_path, platform, rows, words, said):
        file = tmp_path / "book.csv"
        file.write_bytes(tables.written(rows))
        code, output = hw3("export", platform, file, "--from", graded, *words)
        assert code == 2
        assert said in output
        assert str(file) in output
        assert [path.name for path in tmp_path.iterdir()] == ["book.csv"]

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "it is empty"),
            (b"\n\n", "it is empty"),
            (b"PK\x03\x04\0\0\xff", "not a text file"),
            (b'Student,ID\n"Ann,1\n', "a quote that opens in line 2 is never closed"),
        ],
    )
    def test_files(self, graded, tmp_path, data, said):
        file = tmp_path / "book.csv"
        file.write_bytes(data)
        code, output = hw3("export", "canvas", file, "--from", graded)
        assert code == 2
        assert said in output

    def test_lines_that_are_too_short(self, graded, tmp_path):
        file = tmp_path / "book.csv"
        rows = tables.canvas(PEOPLE, EMPTY)
        rows[9] = rows[9][:3]
        file.write_bytes(tables.written(rows))
        code, output = hw3("export", "canvas", file, "--from", graded)
        assert code == 2
        assert "line 10 has 3 cells instead of 9" in output

    def test_the_table_itself_is_never_overwritten(self, graded, tmp_path):
        file = tmp_path / "book.csv"
        given = tables.written(tables.canvas(PEOPLE, EMPTY))
        file.write_bytes(given)
        code, output = hw3("export", "canvas", file, "--from", graded, "--out", file)
        assert code == 2
        assert "would be overwritten" in output
        assert file.read_bytes() == given

    def test_neither_a_download_nor_a_gradebook_is_overwritten(self, graded, tmp_path):
        file, given = tmp_path / "c.csv", tmp_path / "submissions.zip"
        file.write_bytes(tables.written(tables.canvas(PEOPLE, EMPTY)))
        with zipfile.ZipFile(given, "w") as made:
            made.writestr("lovelaceada_1000_501_gan.py", "x")
        (graded / "gradebook.csv").write_text("mine")
        before = given.read_bytes()
        words = ("export", "canvas", file, "--from", graded)
        for more in (
            ("--downloaded", given, "--feedback", given),
            ("--out", graded / "gradebook.csv"),
        ):
            code, said = hw3(*words, *more)
            assert code == 2
            assert "would be overwritten" in said
        assert given.read_bytes() == before
        assert (graded / "gradebook.csv").read_text() == "mine"
        assert not (tmp_path / "c-filled.csv").exists()
        (graded / "gradebook.csv").unlink()

    def test_folders_without_results(self, tmp_path):
        file = tmp_path / "book.csv"
        file.write_bytes(tables.written(tables.canvas(PEOPLE, EMPTY)))
        (tmp_path / "empty").mkdir()
        for folder, words in (("empty", "holds no results"), ("nowhere", "is no folder")):
            code, output = hw3("export", "canvas", file, "--from", tmp_path / folder)
            assert code == 2
            assert words in output
        assert hw3("export", "canvas", tmp_path / "no.csv", "--from", tmp_path)[0] == 2


def test_a_cell_is_where_it_stands():
    table = delimited.parsed(b'a,"b ""x"", y",c\r\n,"",\n\nlast,1\n2"')
    assert [[cell.value for cell in row] for row in table.rows] == [
        *(["a", 'b "x", y', "c"], ["", "", ""], ["last", "1"], ['2"']),
    ]
    assert table.lines == [1, 2, 4, 5]
    assert table.filled({}) == table.source.text.encode()
    assert table.filled({(0, 1): "z", (2, 1): 'q"'}) == b'a,"z",c\r\n,"",\n\nlast,"q"""\n2"'


def test_excel_may_be_told_the_delimiter():
    table = delimited.parsed(b"sep=|\r\na|b,c\r\n")
    assert table.values(0) == ["a", "b,c"]
    assert io.BytesIO(table.filled({(0, 0): "x"})).read() == b"sep=|\r\nx|b,c\r\n"
