"""Notebooks, encodings, Gradescope's list and git's files: read within bounds, or said why not."""

import hashlib
import json
import random
import struct
import subprocess
import time
import zlib

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import make_exports
from grader.submissions import bounded, clones, names, notebooks, platforms
from grader.submissions.encodings import as_utf8
from make_exports import notebook

COUNTED = settings(max_examples=200, derandomize=True, deadline=None, database=None)


def kept(*cells):
    made = notebooks.module(notebook(*cells))
    assert made.problem == ""
    return [line.partition("  # cell")[0] for line in made.text.splitlines() if line.strip()]


# Notebooks


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("import torch\nfrom torch import nn", ["import torch", "from torch import nn"]),
        ("%matplotlib inline\n!pip install x\nimport math", ["import math"]),
        ("%%time\nimport math", ["import math"]),
        ("%%bash\nls", []),
        ("%%writefile gan.py\nimport math", ["import math"]),
        ("%%writefile notes.txt\nimport math", []),
        ("x = 3; print(x)", ["x = 3"]),
        ("train(2)\nplt.show()", []),
        ("model = train()", []),
        ("LOSS: str = 'hinge'", ["LOSS: str = 'hinge'"]),
        ("device = torch.device('cpu')", ["device = torch.device('cpu')"]),
        ("P = namedtuple('P', 'a b')", ["P = namedtuple('P', 'a b')"]),
        ("if __name__ == '__main__':\n    f()", []),
        ("try:\n    import a\nexcept ImportError:\n    a = None", None),
        ("for i in range(3):\n    f(i)", []),
        ("@deco\ndef f():\n    '''\n    % x\n    '''\n    return 1\nf()", None),
        ("x = (5\n % 2)", ["x = (5", " % 2)"]),
        ("torch.manual_seed?", []),
        ("files = !ls", []),
        ("def (", []),
    ],
)
def test_a_cell_is_kept_as_far_as_it_defines_something(cell, lines):
    found = kept(cell)
    if lines is None:
        assert found
        compile("\n".join(found), "m.py", "exec")
    else:
        assert found == lines


def test_what_is_left_out_is_named():
    made = notebooks.module(notebook("import a", "f()", "x = 1\nf()", "def (", "g()", "%%html\nx"))
    assert list(made.notes("a.ipynb")) == [
        "In a.ipynb, cells 2, 5 and 6 were left out: they only run something.",
        "In a.ipynb, cell 3 was kept but for what only runs.",
        "In a.ipynb, cell 4 was left out: it is not Python.",
    ]


def test_every_line_that_can_have_a_comment_names_its_cell():
    made = notebooks.module(
        notebook("import a\n\n", "def f(x):\n    s = '''a\n  b'''\n    return s")
    )
    compile(made.text, "m.py", "exec")
    assert made.text.splitlines()[0] == "import a  # cell 1"
    assert made.text.count("# cell 2") == 3
    assert "'''a\n  b'''" in made.text


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"{", b"\xff\xfe", b'{"cells": 3}', b"[" * 100_000, b'{"cells": "x"}',
        b'{"cells": [' + b"[]," * 600_000 + b"[]]}", b'"' * 99_999, b'{"a": 1e999999}', b"9" * 9999,
        json.dumps({"cells": [{}] * 2001}).encode(),
    ],
    ids=range(13),
)  # fmt: skip
def test_a_notebook_that_cannot_be_read_says_so_in_time(data):
    started = time.process_time()
    made = notebooks.module(data)
    assert made.problem or made.text == "\n"
    assert time.process_time() - started < 2


def test_odd_cells_do_no_harm():
    cells = [{"cell_type": "code", "source": s} for s in (None, 3, ["a = 1\n", 4], "\ud800", {})]
    data = json.dumps({"cells": [*cells, "x", None, {"cell_type": "markdown"}]}).encode()
    assert notebooks.module(data).text.startswith("a = 1")
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["b = 2"]}]}, 3]}
    assert notebooks.module(json.dumps(old).encode()).text.startswith("b = 2")


DEEP = {
    "signs": "-" * 100_000 + "1",
    "brackets": "(" * 50_000,
    "sums": "+".join("1" * 50_000),
    "elif": "if a:\n  pass\n" + "elif b:\n  pass\n" * 20_000,
    "lambda": "lambda a, b: " * 5000 + "1",
    "calls": "f(1, " * 50_000,
    "attributes": "a" + ".b" * 100_000,
    "called": "f" + "()" * 100_000,
    "assigned": "x = " * 50_000 + "1",
    "not": "not " * 50_000 + "1",
    "open texts": "'''\\" * 90_000,
    "open text": "'\\" * 190_000,
    "nested in nested": "".join(f"f(1, {'-' * 500}" for _ in range(50)),
    "too long": "x = 1\n" * 100_000,
}


@pytest.mark.parametrize("kind", DEEP)
def test_a_program_that_is_too_deep_is_not_parsed(kind):
    started = time.process_time()
    assert bounded.program(DEEP[kind]) is None
    assert time.process_time() - started < 2


def test_ordinary_programs_are_parsed():
    root = make_exports.Path(__file__).parents[2]
    for path in [*(root / "reference").glob("*.py"), *(root / "grader").rglob("*.py")]:
        assert bounded.program(path.read_text(encoding="utf-8")) is not None, path


@COUNTED
@given(
    st.lists(st.text(st.sampled_from("ab1 ='\"\\\n\t#%!(){}[],:;.@?-"), max_size=60), max_size=5)
)
@example(["x = 1\\"])
def test_any_text_in_cells_gives_a_module_that_compiles(cells):
    made = notebooks.module(notebook(*cells))
    compile(made.text, "m.py", "exec")


@COUNTED
@given(st.data())
def test_damage_in_a_notebook_ends_in_a_module_or_a_reason(data):
    whole = bytearray(notebook("import a", "def f():\n    return 1", "x = 1"))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    made = notebooks.module(bytes(whole))
    assert made.problem or isinstance(made.text, str)


# Encodings


@pytest.mark.parametrize(
    ("data", "how"),
    [
        ("x = 'é'".encode(), ""),
        ("\ufeffx = 'é'".encode(), ""),
        ("x = 'é'".encode("utf-16"), "utf-16"),
        ("x = 'é'".encode("utf-32"), "utf-32"),
        ("x = 'é'\nlong = 1\n".encode("utf-16-le"), "utf-16-le"),
        ("x = 'é'\nlong = 1\n".encode("utf-16-be"), "utf-16-be"),
        ("x = 'é'".encode("cp1252"), "cp1252"),
        ("# -*- coding: latin-1 -*-\nx = 'é'".encode("latin-1"), "latin-1"),
        ("# coding=koi8-r\nx = 'я'".encode("koi8-r"), "koi8-r"),
        ("#!python\n# coding: cp1251\nx = 'я'".encode("cp1251"), "cp1251"),
        ("# coding: gbk\nx = '伟'".encode("gbk"), "gbk"),
        ("# coding: utf-8\nx = 'é'".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_that_are_declared_or_unmistakable(data, how):
    text, found, problem = as_utf8(data)
    assert (found, problem) == (how, "")
    space = {}
    exec(compile(text, "m.py", "exec"), space)
    assert space["x"] in ("é", "я", "伟")


@pytest.mark.parametrize(
    "data",
    [
        b"x = 1\0",
        b"\0\0\0\0",
        b"x = '\x81\x8d'",
        b"# coding: idna\n",
        b"# coding: zip\n",
        b"\xff\xfe\xd8",
    ],
)
def test_what_is_no_text_is_left_and_said(data):
    assert as_utf8(data)[0] == data
    assert "save it as UTF-8" in as_utf8(data)[2]


@COUNTED
@given(st.binary(max_size=200))
def test_any_bytes_are_utf_8_afterwards_or_said(data):
    text, _, problem = as_utf8(data)
    if not problem:
        text.decode("utf-8")


# Names


def test_the_readme_s_table_is_the_one_that_is_used():
    readme = make_exports.Path(names.__file__).parent / "README.md"
    assert names.table() in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize("variant", names.VARIANTS, ids=lambda variant: variant.example)
def test_each_example_of_the_table_is_graded(variant):
    assert names.named(variant.example, "Anna Lee").file in names.TARGETS


@pytest.mark.parametrize(
    "name",
    ["organ.py", "test_gan.py", "gan.txt", "my_gan.py", "part1.py", "gan", "gan.pyc", "lee_gan.py"],
)
def test_other_names_are_not(name):
    assert names.named(name, "Bo Roy") is None


@COUNTED
@given(st.text(max_size=80), st.text(max_size=20))
@example("gan" + "_v1" * 60 + ".py", "")
def test_any_name_is_looked_at_in_time(name, student):
    started = time.process_time()
    names.named(name, student)
    names.named(f"{name}.py", student)
    assert time.process_time() - started < 1


# Gradescope's list


def test_gradescope_s_list_is_read_as_yaml_is():
    people = make_exports.students()
    text = make_exports.gradescope(people)["submission_metadata.yml"].decode()
    whole = yaml.safe_load(text)
    found = platforms.metadata(text)
    assert found.keys() == whole.keys()
    for folder, (submitters, received) in found.items():
        right = whole[folder][":submitters"]
        assert submitters == [(p[":name"], p[":sid"], p[":email"]) for p in right]
        assert received.startswith("2026-11-0")


def test_names_in_any_quotes():
    names_ = ["O'Neil", 'A "B" C', "Zoë", "a: b", "# x", "null", "張 伟", "- x", "1e3", "tab\tx"]
    people = [{":name": n, ":sid": str(i), ":email": f"{i}@x"} for i, n in enumerate(names_)]
    for unicode_ in (True, False):
        data = {"submission_1": {":submitters": people, ":created_at": "2026-01-02 03:04:05 Z"}}
        text = yaml.safe_dump(data, allow_unicode=unicode_, sort_keys=False, width=1000)
        ((found, received),) = platforms.metadata(text).values()
        assert [name.replace("\t", " ") for name, _, _ in found] == [
            n.replace("\t", " ") for n in names_
        ]
        assert received == "2026-01-02T03:04:05+00:00"


@COUNTED
@given(st.text(st.sampled_from("submion_1: -'\"\n\t:namesid#|>&*{}[]"), max_size=300))
def test_any_text_is_read_as_a_list(text):
    assert isinstance(platforms.metadata(text), dict)


# Clones


def peeker(folder):
    def peek(path, limit):
        file = folder / path
        return file.read_bytes()[:limit] if file.is_file() else None

    return peek


@pytest.mark.parametrize("packed", [False, True])
def test_commit_and_time_are_git_s(tmp_path, packed):
    def git(*arguments):
        person = ("-c", "user.name=A", "-c", "user.email=a@x", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *person, *arguments],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init", "-q")
    for number in range(3):
        (tmp_path / "gan.py").write_text(str(number))
        git("add", "gan.py")
        git("commit", "-q", "-m", f"{number}")
    if packed:
        git("gc", "-q")
    packs = [p.name for p in (tmp_path / ".git/objects/pack").glob("*")]
    found = clones.read(peeker(tmp_path / ".git"), packs)
    assert (found.commit, found.time) == (
        git("rev-parse", "HEAD"),
        git("log", "-1", "--format=%cI").replace("Z", "+00:00"),
    )


def test_logins_are_what_the_names_do_not_share():
    assert clones.logins(["hw3-ann", "hw3-anders"]) == {"hw3-ann": "ann", "hw3-anders": "anders"}
    assert clones.logins(["hw3-ann"]) == {"hw3-ann": "hw3-ann"}
    assert clones.logins([]) == {}


@COUNTED
@given(st.data())
def test_any_files_of_git_are_read_without_harm(data):
    drawn = random.Random(data.draw(st.integers()))
    commit = hashlib.sha1(b"x").hexdigest()
    index = b"\xfftOc\x00\x00\x00\x02" + struct.pack(">256I", *[1] * 256) + bytes.fromhex(commit)
    files = {
        "HEAD": data.draw(
            st.sampled_from([b"ref: refs/heads/main", commit.encode(), b"ref: ../x", b""])
        ),
        "refs/heads/main": commit.encode(),
        f"objects/{commit[:2]}/{commit[2:]}": data.draw(
            st.sampled_from(
                [b"", b"x", zlib.compress(b"commit 1\0committer A <a> 99999999999 +9999\n")]
            )
        ),
        f"objects/pack/pack-{commit}.idx": index + drawn.randbytes(data.draw(st.integers(0, 60))),
        f"objects/pack/pack-{commit}.pack": drawn.randbytes(50),
    }
    found = clones.read(lambda path, limit: files.get(path), [f"pack-{commit}.idx"])
    assert found.commit in ("", commit)
