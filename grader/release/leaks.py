"""Whether files that are to be handed out give the homework away, and which.

Looked for are hidden checks by id, name and title, the seed of hidden cases, and the bodies of the
reference's functions.  These are compared as programs: without names, layout, comments and types,
in runs of :data:`RUN` steps (the idea of MOSS: Schleimer, Wilkerson, Aiken 2003), so that renaming,
reformatting or a function around it hides nothing.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
"""Runs of a function, below which only the whole of it is looked for, as a function."""

SHORTEST = 8
"""Steps of such a function; what is shorter is nobody's: ``return x - baseline``."""

TEXT = (".py", ".md", ".toml", ".txt", ".html", ".j2", ".css", ".yml", ".yaml", ".in", ".jinja")
NUMBERS = (".safetensors",)
"""Kinds of files that may be handed out: what is readable, and arrays."""

_PLAIN = ("LICENSE", "METADATA", "WHEEL", "RECORD", ".gitignore")

_SPREAD = 100
"""Cases of one seed use this one and those behind it."""

_TELLING = 10_000
"""From here on a number is so rare that it is the seed; smaller ones only where a seed is named."""


@dataclass(frozen=True)
class Leak:
    """A file that gives something away, and what."""

    file: str
    reason: str


@dataclass(frozen=True)
class Secrets:
    """What must not be found.

    Args:
        words: what each stands for, by words that give it away.
        seed: from which on hidden cases have theirs.
        bodies: the runs of each function of the reference, by its name.
    """

    words: Mapping[str, str]
    seed: int
    bodies: Mapping[str, frozenset[int]]


def secrets_of(
    hidden: Iterable[Check], public: Iterable[Check], seed: int, reference: Mapping[str, str]
) -> Secrets:
    """What gives these checks, this seed and these programs away.

    Args:
        hidden: checks that nobody may see.
        public: checks that everybody may: what they have in common with hidden ones gives nothing
            away.
        seed: of the cases of hidden checks.
        reference: sources by file name.
    """
    known = {word for check in public for word in (check.run.__name__, _plain(check.title))}
    words: dict[str, str] = {}
    for check in hidden:
        words[check.id] = f"the id of the hidden check {check.id}"
        if check.run.__name__ not in known:
            words[check.run.__name__] = f"the name of the hidden check {check.id}"
        if (title := _plain(check.title)) not in known:
            words[title] = f"the title of the hidden check {check.id}"
    bodies = {}
    for file, source in reference.items():
        for function in _functions(ast.parse(source)):
            runs = frozenset(_runs(function.body))
            if len(runs) < LONG_ENOUGH:  # a part of it could be anybody's
                runs = frozenset(_whole(function))
            if runs:
                bodies[f"{function.name} of {file}"] = runs
    return Secrets(words, seed, bodies)


def leaks(files: Mapping[str, bytes], secrets: Secrets) -> Iterator[Leak]:
    """What of the files gives something away; nothing if they may be handed out.

    A file of a kind that cannot be looked into is a leak itself.
    """
    for file, content in files.items():
        path = PurePosixPath(file)
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
        yield from _of_seed(file, text, secrets.seed)
        yield from _of_bodies(file, text, secrets)


def _of_words(file: str, text: str, secrets: Secrets) -> Iterator[Leak]:
    plain = _plain(text)
    for word, what in secrets.words.items():
        if word in plain and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain):
            yield Leak(file, f"holds {what}")


def _of_seed(file: str, text: str, seed: int) -> Iterator[Leak]:
    for found in re.finditer(r"(?<![\w.])\d[\d_]*(?![\w.])", text):
        number = int(found[0].replace("_", "") or "0")
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.end()]
        named = number >= _TELLING or "seed" in line.lower()
        if seed <= number < seed + _SPREAD and named:
            yield Leak(file, "holds the seed of hidden cases")
            return


def _of_bodies(file: str, text: str, secrets: Secrets) -> Iterator[Leak]:
    found = shared(text if file.endswith(".py") else _code_in(text), secrets)
    if found is None:
        if file.endswith(".py"):
            yield Leak(file, "is no Python, so it cannot be looked into")
        return
    for name, share in found.items():
        if share > MOST_SHARED:
            yield Leak(file, f"holds the body of {name} ({100 * share:.0f} % of it)")


def shared(source: str, secrets: Secrets) -> dict[str, float] | None:
    """The share of each function of the reference that is in a source; ``None`` for no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    runs = set(_runs(tree.body)).union(*map(_whole, _functions(tree)))
    return {name: len(body & runs) / len(body) for name, body in secrets.bodies.items()}


def _code_in(text: str) -> str:
    """The blocks of code in a text that are Python."""
    kept = []
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        code = textwrap.dedent(block)
        try:
            ast.parse(code)
        except (SyntaxError, ValueError):
            continue
        kept.append(code)
    return "\n".join(kept)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _runs(body: list[ast.stmt]) -> Iterator[int]:
    steps = [step for statement in body for step in _steps(statement)]
    return (hash(tuple(steps[i : i + RUN])) for i in range(len(steps) - RUN + 1))


def _whole(function: ast.FunctionDef) -> set[int]:
    """A whole body as one run; none if it is too short to be anybody's."""
    steps = [step for statement in function.body for step in _steps(statement)]
    return {hash(("whole", *steps))} if len(steps) >= SHORTEST else set()


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
