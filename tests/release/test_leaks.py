"""What is handed out is searched: each kind of leak is planted, and seen with its file."""

import html
from functools import cache

import pytest

from grader.checks import hidden
from grader.grading.weights import Assignment
from grader.release import leaks as search
from grader.release import student as bundles
from grading import CHECKS, ROOT

SEED = 90_210
OURS = Assignment(seed=SEED)
PACKAGE, TEMPLATE = bundles.package(), bundles._template()
HIDDEN = next(c for c in CHECKS if c.id == "linear_scores.removes_the_last_softmax_only")
REFERENCE = (ROOT / "reference" / "part1_focused.py").read_text("utf-8")

RENAMED = '''
def _helper(n: Any, at, rows: list,
            index):
    """Nothing to see here."""
    # another name, another layout, types
    return t.cat(
        many(of (plain(n), at,
                 rows, quantity (index)) ))
'''
"""``instance_influence`` of the reference, in other words."""

LONGER = """
class Tools:
    @staticmethod
    def sort_of(numbers: list, count: int = 3) -> "list":
        print("here it comes")
{body}
        return None
"""


def body_of(name):
    """A function of the reference as other words for it: without docstring, names and layout."""
    import ast
    import re
    import textwrap

    (function,) = [
        f for f in ast.parse(REFERENCE).body if isinstance(f, ast.FunctionDef) and f.name == name
    ]
    lines = [ast.unparse(statement) for statement in function.body[1:]]
    names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)} | {"self"}
    text = "\n".join(lines)
    for i, word in enumerate(sorted(names, key=len, reverse=True)):
        text = re.sub(rf"(?<![\w.]){word}\b(?!=)", f"v{i}", text)
    return textwrap.indent(text, "        ")


def found(package=(), template=(), assignment=OURS):
    bundle = bundles.made(PACKAGE | dict(package), TEMPLATE | dict(template), assignment)
    return bundles.leaks_in(bundle, assignment)


@cache
def sources():
    folder = ROOT / "reference"
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("[!_]*.py")
    }


@cache
def secrets(seed=SEED):
    shown = [c for c in CHECKS if not c.hidden]
    return search.secrets_of([c for c in CHECKS if c.hidden], shown, seed, sources())


def seen(file, content, seed=SEED):
    return list(search.leaks({file: content}, secrets(seed)))


def test_what_students_get_gives_nothing_away():
    assert found() == []
    assert found(assignment=Assignment()) == []


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("checks/notes.py", f'"""See {HIDDEN.id}."""\n', "the id of the hidden check"),
        ("checks/notes.py", f"def {HIDDEN.run.__name__}(): ...\n", "the name of the hidden"),
        (
            "report/templates/note.html",
            HIDDEN.title.replace(" ", "\n  "),
            "the title of the hidden",
        ),
        ("data/more.safetensors", f"\x00\x01{HIDDEN.id}\x00", "the id of the hidden check"),
        ("notes.py", f"X = ({SEED}, 1)\n", "the seed of hidden cases"),
        ("notes.py", f"X = {SEED + 7:_}\n", "the seed of hidden cases"),
        ("notes.py", RENAMED, "the body of instance_influence"),
        ("notes.py", LONGER.format(body=body_of("ranking")), "the body of ranking"),
        ("notes.py", RENAMED.replace("def", "async def"), "the body of instance_influence"),
        ("notes.py", RENAMED.replace("    return", "    print(1)\n    return"), "the body of inst"),
        ("notes.py", REFERENCE.replace("\n", "\n# "), "the body of"),
        ("notes.py", f"CODE = {REFERENCE!r}\n", "the body of"),
        ("notes.py", "x = 1  # it is 0x16062, the seed\n", "the seed of hidden cases"),
        ("notes.md", f"The seed is {SEED}.\n", "the seed of hidden cases"),
        ("notes.md", f"```python\r\n{RENAMED}```\r\n".replace("\n", "\r\n"), "the body of inst"),
        ("notes.md", RENAMED.replace("\n", "\n> "), "the body of instance_influence"),
        ("notes.txt", REFERENCE, "the body of"),
        ("notes.html", f"<pre>{html.escape(REFERENCE)}</pre>", "the body of"),
        ("notes.md", f"*{HIDDEN.title.rstrip('.')}*", "the title of the hidden"),
        (f"{HIDDEN.id}.md", "", "the id of the hidden check"),
        ("notes.py", "def broken(:\n", "is no Python"),
        ("notes.md", f"```python\n{REFERENCE}\n```\n", "the body of"),
        ("report/templates/logo.css", b"\xff\xfe\x00", "cannot be looked into"),
    ],
)
def test_a_leak_is_seen(file, text, reason):
    leaks = seen(file, text if isinstance(text, bytes) else text.encode())
    assert {leak.file for leak in leaks} == {file}
    assert any(reason in leak.reason for leak in leaks), leaks


def test_the_wheel_and_what_stands_beside_it_are_searched():
    package = {"notes.py": RENAMED.encode()}
    leaks = found(package, {"answers.md": HIDDEN.title.encode(), "image.png": b"x"})
    wheel = bundles.made(PACKAGE | package, TEMPLATE, OURS).wheel
    assert {leak.file for leak in leaks} == {f"{wheel}/grader/notes.py", "answers.md", "image.png"}


def test_the_delivered_seed_is_seen_where_a_seed_is_named():
    text = f"case = Case(Network('affine', seed={hidden.DEFAULT_SEED + 1}))\n".encode()
    assert "seed" in seen("notes.py", text, hidden.DEFAULT_SEED)[0].reason
    assert seen("notes.py", b"WIDTH = 400\n", hidden.DEFAULT_SEED) == []


def test_numbers_of_the_wheel_s_own_record_are_no_seed():
    bundle = bundles.made(PACKAGE, TEMPLATE, OURS)
    size = len(bundle.inside["grader/checks/gan/mechanics.py"])
    chosen = Assignment(seed=size)
    assert [leak for leak in found(assignment=chosen) if "RECORD" in leak.file] == []


@pytest.mark.parametrize("function", ["train", "split"])
def test_any_function_can_be_hidden(function):
    assert found(assignment=Assignment(visibility={function: "hidden"})) == []


def test_a_check_that_the_assignment_hides_is_hidden():
    hides = Assignment(visibility={"evaluate": "hidden", "split.composes": "hidden"})
    assert found(assignment=hides) == []
    inside = bundles.made(PACKAGE, TEMPLATE, hides).inside
    whole = b"".join(inside.values())
    for secret in (b"takes_zero_for_a_no", b"def composes", b"equals model(x) for every layer"):
        assert secret in b"".join(PACKAGE.values())
        assert secret not in whole


def test_every_function_of_the_homework_is_looked_for():
    bodies = search.secrets_of([], [], 400, sources()).bodies
    from grader.homework import contract

    named = {name.partition(" of ")[0] for name in bodies}
    # The reference has no penalty, and its autoencoder is a class, which is looked for.
    assert set(contract.FUNCTIONS) - named == {"discriminator_penalty", "make_autoencoder"}
    assert "__init__ of warmup.py" in bodies


def test_honest_code_of_others_is_no_leak_of_most_functions():
    """A student's own solution may be alike in short functions; what is long differs."""
    twin = ROOT / "fixtures" / "submissions" / "twin_hooks" / "part2_comparative.py"
    secrets = search.secrets_of([], [], 400, sources())
    assert list(search.leaks({"twin.py": twin.read_bytes()}, secrets)) == []
