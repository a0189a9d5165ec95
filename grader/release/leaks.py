"""Finds files that would give the homework away, before they are handed out.

We look for ids, names and titles of hidden checks, the seed of hidden cases, and the bodies of the
reference's functions.  Bodies are compared as programs, without names, layout, comments and types,
in runs of :data:`RUN` steps (the idea of MOSS: Schleimer, Wilkerson, Aiken 2003).  So it does not
help to rename, to reformat or to wrap a function into another one.
"""

from __future__ import annotations

import ast
import html
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from grader.records import Check

__all__ = ["Leak", "Secrets", "leaks", "secrets_of", "shared"]

RUN = 10
"""Steps of a program that are compared at a time."""

MOST_SHARED = 0.5
"""The share of a function's runs that may occur in a file.

Of what is handed out, the most is 0.19 (``python tests/benchmarks/leaks.py``).
"""

LONG_ENOUGH = 12
"""Runs of a function, below which only the whole of it is looked for, as one run."""

SHORTEST = 8
"""Steps of such a function.  A shorter one could be anybody's: ``return x - baseline``."""

TEXT = (
    *(".py", ".pyi", ".md", ".toml", ".txt", ".html", ".j2", ".css", ".js", ".yml", ".yaml"),
    *(".in", ".jinja", ".json"),
)
NUMBERS = (".safetensors",)
"""Kinds of files that may be handed out: what is readable, and arrays."""

_PLAIN = ("LICENSE", "METADATA", "WHEEL", "RECORD", ".gitignore", "py.typed")

_SPREAD = 100
"""The cases of a seed use so many numbers, from the seed on."""

_TELLING = 10_000
"""From here on a number is so rare that it is the seed; smaller ones only where a seed is named."""


@dataclass(frozen=True)
class Leak:
    """A file that gives something away, and what it gives away."""

    file: str
    reason: str


@dataclass(frozen=True)
class Secrets:
    """What must not be found.

    Args:
        words: what each stands for, by words that give it away.
        seed: from which on hidden cases have theirs, if it is a number.
        bodies: by the name of each function of the reference, the length of its runs, and these.
            A short one is a single run: a part of it could be anybody's.
    """

    words: Mapping[str, str]
    seed: int | None
    bodies: Mapping[str, tuple[int, frozenset[int]]]


def secrets_of(
    hidden: Iterable[Check],
    public: Iterable[Check],
    seed: str | int,
    reference: Mapping[str, str],
    others: Mapping[str, str] | None = None,
) -> Secrets:
    """Everything that would give these checks, this seed and these programs away.

    Args:
        hidden: checks that nobody may see.
        public: checks that everybody may see; what they share with hidden ones is no secret.
        seed: of the cases of hidden checks.
        reference: sources by file name.
        others: sources of other right solutions; if these have a short function too, it is no
            secret.
    """
    known = {
        word for check in public for word in (check.run.__name__, _plain(check.title).rstrip("."))
    }
    words: dict[str, str] = {}
    for check in hidden:
        words[check.id] = f"the id of the hidden check {check.id}"
        name = check.run.__name__
        if name not in known:  # a single word, such as "runs", only where it is a function
            words[name if "_" in name else f"def {name}"] = f"the name of the hidden {check.id}"
        if (title := _plain(check.title).rstrip(".")) not in known:
            words[title] = f"the title of the hidden check {check.id}"
    bodies = {}
    for file, source in {**reference, **(others or {})}.items():
        for function in _functions(ast.parse(source)):
            steps = _steps_of(function.body)
            long = len(steps) - RUN + 1 >= LONG_ENOUGH
            length = RUN if long else len(steps)
            if long or (len(steps) >= SHORTEST and file in reference):
                bodies[f"{function.name} of {file}"] = (length, frozenset(_runs(steps, length)))
    if isinstance(seed, str):
        words[_plain(seed)] = "the seed of hidden cases"
    return Secrets(words, seed if isinstance(seed, int) else None, bodies)


def leaks(files: Mapping[str, bytes], secrets: Secrets) -> Iterator[Leak]:
    """The files that give something away; none if all may be handed out.

    A file of a kind that we cannot search counts as a leak.
    """
    for file, content in files.items():
        path = PurePosixPath(file)
        yield from _of_words(file, file.replace("/", " "), secrets)
        if path.suffix in NUMBERS:
            yield from _of_words(file, content.decode("latin-1"), secrets)
            continue
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = ""
        if not (text or not content) or (path.suffix not in TEXT and path.name not in _PLAIN):
            yield Leak(file, "is of a kind that cannot be looked into")
            continue
        yield from _of_words(file, text, secrets)
        if secrets.seed is not None:
            yield from _of_seed(file, text, secrets.seed)
        yield from _of_bodies(file, text, secrets)


def _of_words(file: str, text: str, secrets: Secrets) -> Iterator[Leak]:
    # Comments, quotes and markup of lines that a title may be wrapped over.
    plain = _plain(re.sub(r"\n\s*(?:#|>|\*|//)?|[*`]", " ", html.unescape(text)))
    for word, what in secrets.words.items():
        if word in plain and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain):
            yield Leak(file, f"holds {what}")


def _of_seed(file: str, text: str, seed: int) -> Iterator[Leak]:
    for line in text.splitlines():
        for found in re.finditer(r"(?<![\w.#])(?:0x[\da-fA-F]+|\d[\d_]*)(?!\w)", line):
            number = int(found[0].replace("_", "") or "0", 0 if found[0][:2] == "0x" else 10)
            named = number >= _TELLING or "seed" in line.lower()
            if seed <= number < seed + _SPREAD and named:
                what = f"holds the seed of hidden cases, or by chance a number like it: {number}"
                yield Leak(file, f"{what} in {line.strip()[:60]!r}")
                return


def _of_bodies(file: str, text: str, secrets: Secrets) -> Iterator[Leak]:
    if file.endswith(".py") and shared(text, secrets) is None:
        yield Leak(file, "is no Python, so it cannot be looked into")
    for name, share in _most(text, secrets).items():
        if share > MOST_SHARED:
            yield Leak(file, f"holds the body of {name} ({100 * share:.0f} % of it)")


def shared(source: str, secrets: Secrets) -> dict[str, float] | None:
    """The share of each function of the reference that is in a source; ``None`` for no Python."""
    runs = _runs_in(source, frozenset(length for length, _ in secrets.bodies.values()))
    if runs is None:
        return None
    return {
        name: len(body & runs[length]) / len(body)
        for name, (length, body) in secrets.bodies.items()
    }


@cache
def _runs_in(source: str, lengths: frozenset[int]) -> Mapping[int, frozenset[int]] | None:
    """The runs of each length; kept, as a source is looked at twice, and by most bundles alike."""
    tree = _parsed(source)
    if tree is None:
        return None
    steps = _steps_of(tree.body)
    return {length: frozenset(_runs(steps, length)) for length in lengths}


def _most(text: str, secrets: Secrets) -> dict[str, float]:
    """The same of a text of any kind: as Python, and of all that looks like functions in it."""
    most: dict[str, float] = {}
    for piece in _pieces(text):
        for name, share in (shared(piece, secrets) or {}).items():
            most[name] = max(share, most.get(name, 0.0))
    return most


@cache
def _pieces(text: str) -> tuple[str, ...]:
    """A text, and what looks like functions in it and in its strings."""
    whole = _parsed(text)
    pieces = [text, "\n".join(_functions_in(text))]
    if whole is not None:
        strings = [n.value for n in ast.walk(whole) if isinstance(n, ast.Constant)]
        pieces += [
            "\n".join(_functions_in(s)) for s in strings if isinstance(s, str) and "def " in s
        ]
    return tuple(filter(None, pieces))


def _functions_in(text: str) -> Iterator[str]:
    """The parts of a text that look like Python functions, whatever each line begins with."""
    lines = [_PREFIX.sub("", line) for line in html.unescape(text).splitlines()]
    for start, line in enumerate(lines):
        head = re.match(r"(\s*)(?:async )?def ", line)
        if head is None:
            continue
        end = start + 1
        while end < len(lines) and (
            not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > len(head[1])
        ):
            end += 1
        block = textwrap.dedent("\n".join(lines[start:end]))
        if _parsed(block) is not None:
            yield block


_PREFIX = re.compile(r"^(?:(?:[#>*|]|//|>>>|\.\.\.)[ \t]?)+")
"""Comments, quotations, lists and what a terminal shows, in front of a line of code."""


def _parsed(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def _steps_of(body: list[ast.stmt]) -> list[str]:
    return [step for statement in body for step in _steps(statement)]


def _runs(steps: list[str], length: int) -> Iterator[int]:
    return (hash(tuple(steps[i : i + length])) for i in range(len(steps) - length + 1))


def _steps(node: ast.AST) -> Iterator[str]:
    """A program as steps: kinds of expressions, attributes and constants; no names, no types."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.arguments | ast.expr_context | ast.alias | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Attribute):
        yield f".{node.attr}"
    elif isinstance(node, ast.Constant):
        yield repr(node.value)
    elif isinstance(node, ast.keyword):
        yield f"{node.arg}="
    elif isinstance(node, ast.AnnAssign):
        yield "Assign"  # with a type, or without
    else:
        yield type(node).__name__
    for name, child in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST):
                yield from _steps(part)


def _plain(text: str) -> str:
    return " ".join(text.split())
