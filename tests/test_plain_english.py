"""Prose reads as one would say it to a student: these turns of phrase stay out, everywhere."""

import ast
import io
import re
import tokenize

import pytest

from grading import ROOT

PLAIN = {
    r"hears? so": "gets a warning, or fails",
    r"told so": "`hw3 check` refuses, warns or prints …",
    r"who [^.;:?!]{1,60} (is|are) told": "say what the command does, and when",
    r"but for (one|a) factor": "half the points if only a constant factor is wrong",
    r"waits? for this one": "could not run until this one passes",
    r"is the model again": "g(h(x)) equals model(x)",
    r"computes by hand": "matches the formula where it can be computed by hand",
    r"in [^.;:]{1,40} there is NaN": "… contains NaN or infinity although the input is finite",
    r"that there (is|are) not": "does not exist, or is out of range",
    r"the very same": "the same, or does not change",
    r"not yet the integral": "is still wrong",
    r"stands? around": "isolation",
    r"may read nothing of [^.;:]{1,30} any more": "before the lockdown",
    r"should hear": "so that failures report quickly",
    r"(?<!left )(?<!leaves )(?<!leave )behind": "after",
    r"will do": "is accepted, or is enough",
    r"leaves? (all|everything) as": "leaves everything unchanged",
}
"""What was seen, as a pattern, and how to say it plainly."""

SEEN = re.compile("|".join(rf"\b(?:{pattern})\b" for pattern in PLAIN), re.IGNORECASE)


def prose_of_python(source):
    """Strings, docstrings and comments, as (line, text); a comment of several lines is one."""
    tree = ast.parse(source)
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= set(ast.walk(node))
            parts = [p.value if isinstance(p, ast.Constant) else "{…}" for p in node.values]
            yield node.lineno, "".join(map(str, parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node.lineno, node.value
    comments, began = [], 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            began = began if comments else token.start[0]
            comments.append(token.string.lstrip("# "))
        elif token.type != tokenize.NL and comments:
            yield began, " ".join(comments)
            comments = []


def prose(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return list(prose_of_python(text))
    if path.suffix == ".html":
        text = re.sub(r"\{[{%].*?[%}]\}|<[^>]*>", "", text)
    paragraphs, line = [], 1
    for paragraph in text.split("\n\n"):
        paragraphs.append((line, paragraph))
        line += paragraph.count("\n") + 2
    return paragraphs


def files():
    yield ROOT / "README.md"
    folders = {"grader": ("py", "html"), "reference": ("py",), "student_template": ("py", "md")}
    for folder, kinds in folders.items():
        for kind in kinds:
            yield from sorted((ROOT / folder).rglob(f"*.{kind}"))


def test_prose_is_plain():
    texts = [(path, line, text) for path in files() for line, text in prose(path)]
    assert len(texts) > 1000
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]}"
        for path, line, text in texts
        if (match := SEEN.search(" ".join(text.split())))
    ]
    assert found == []


def test_names_of_tests_are_plain():
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = node.name.replace("_", " ")
                if match := SEEN.search(name):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {match[0]}")
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "Code that takes many times the passes hears so.",
        "Who has another release than the repository brings is told so.",
        "Right but for one factor: half.",
        "14 checks wait for this one.",
        "g(h(x)) is the model again.",
        "Where g is simple, is what one computes by hand.",
        "in the influence there is NaN or infinity",
        "a class that there is not",
        "the result is the\nvery same, and wrong",
        "What stands around a submission",
        "before it may read nothing of it any more",
        "a student who is wrong should hear so soon",
        "the shape behind a convolution",
        "arrays and lists will do",
        "leaves all as it was",
    ],
)
def test_what_was_seen_is_found(text):
    assert SEEN.search(" ".join(text.split()))


@pytest.mark.parametrize("text", ["files that a tool left behind", "after a convolution"])
def test_what_is_plain_is_not(text):
    assert not SEEN.search(text)
