"""Ids: readable, different for different people, and nobody's depends on anybody else."""

import itertools
import unicodedata

import pytest

import make_exports
from grader.submissions.identity import Who, key, student_id
from grader.submissions.intake import read_class

SCRIPTS = {
    "latin": (
        "Anna Zoë Seán José Łucja Đặng Þóra Çağla Ulla Max",
        "Müller O'Brien Strauß García Lee",
    ),
    "greek": ("Γιώργος Μαρία Νίκος Ελένη Πέτρος", "Παππάς Νικολάου Ιωάννου Δήμου Ρήγας"),
    "cyrillic": ("Ольга Дмитрий Юрій Анна Иван", "Иванова Ёлкин Шевченко Петров Ким"),
    "arabic": ("محمد فاطمة علي سارة يوسف", "علي حسن الزهراء خالد صالح"),
    "han": ("伟 芳 娜 敏 静 丽 强 磊 军 洋", "王 李 张 刘 陈 杨 赵 黄 周 吴"),
    "devanagari": ("अनिता राज सीता मोहन गीता", "शर्मा कुमार वर्मा सिंह गुप्ता"),
}


def names():
    found = []
    for first, last in SCRIPTS.values():
        found += [f"{f} {n}" for f, n in itertools.product(first.split(), last.split())]
    for number in itertools.count(2):
        for name in found[: len(found)]:
            if len(found) == 1000:
                return found
            found.append(f"{name} {number}" if number % 2 else f"{name.split()[0]}-{name} {number}")


def folded(text, form="NFC"):
    return unicodedata.normalize(form, unicodedata.normalize(form, text).casefold())


def test_a_thousand_names_in_six_scripts_give_a_thousand_ids():
    every = names()
    assert len(set(every)) == 1000
    ids = [student_id(Who(name)) for name in every]
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert len({folded(one, form) for one in ids}) == 1000
    assert sum(one == name.replace(" ", "_") for one, name in zip(ids, every, strict=True)) > 900


def test_letters_of_every_script_are_kept():
    for name in ("张伟", "Ольга_Иванова", "محمد_علي", "अनिता_शर्मा", "Γιώργος", "Zoë"):
        assert student_id(Who(name)) == unicodedata.normalize("NFC", name)
    assert student_id(Who(unicodedata.normalize("NFD", "Zoë"))) == student_id(Who("Zoë"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("O'Brien", "O Brien"),
        ("a" * 90, "a" * 91),
        ("Strauß", "Strauss"),
        ("ﬁn", "fin"),
        ("???", "!!!"),
        ("nul.txt", "nul txt"),
        ("x-0123456789", "x"),
        (".", ".."),
    ],
)
def test_names_that_a_folder_cannot_tell_apart_have_different_ids(first, second):
    assert folded(student_id(Who(first)), "NFKC") != folded(student_id(Who(second)), "NFKC")


def test_the_platform_s_id_is_what_counts():
    before = Who("Anna Lee", "canvas", "11")
    assert student_id(before) == "Anna_Lee_11"
    assert student_id(Who("O'Neil", "moodle", "12")) == "O_Neil_12"
    assert student_id(Who("Participant 12", "moodle", "12")) == "Participant_12"
    upper, lower = Who("anon", "canvas", "aB3x"), Who("anon", "canvas", "ab3X")
    assert student_id(upper).casefold() != student_id(lower).casefold()
    assert before.key == Who("Another Name", "canvas", "11").key


def test_case_and_blanks_do_not_make_another_person():
    assert key("Anna  Lee") == key("anna_lee")
    assert key("ΓΙΏΡΓΟΣ") == key("γιώργος")
    assert key("Strauß") != key("Strauss")


def test_an_id_is_the_same_whoever_else_is_there(tmp_path):
    every = names()[::7]
    files = {f"{name}/gan.py": name.encode() for name in every}
    ids = {}
    for number, some in enumerate((every, every[::2], every[::-3], every[5:6])):
        kept = {n: d for n, d in files.items() if n.partition("/")[0] in some}
        kept["zz/gan.py"] = b""
        source = make_exports.write(tmp_path / str(number), kept)
        found = {one.name: one.id for one in read_class([source]).submissions}
        assert len(found) == len(kept)
        for name, one in found.items():
            assert ids.setdefault(name, one) == one
