"""Parsers of what was handed in, each with bounds that it meets before it starts.

A deep program can exhaust the C stack of Python's own parser, which nothing can catch: so sizes and
depths are counted first, in one pass.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Any

__all__ = ["NOTEBOOK_BYTES", "program", "tree"]

NOTEBOOK_BYTES = 16 * 1024 * 1024  # outputs hold pictures
MAX_CHARACTERS = 400_000  # of a program that is parsed
MAX_DEPTH = 60  # of brackets
MAX_RUN = 600  # words and marks that no comma and no line's end parts
MAX_NESTED = 60  # lambda in one line, elif in one chain
MAX_VALUES, MAX_JSON_DEPTH = 1_000_000, 50

_TOKEN = re.compile(
    r"(?P<text>'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\""
    r"|(?!'''|\"\"\")(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"))"
    r"|(?P<open_text>['\"])|(?P<comment>#[^\n]*)|(?P<word>\w+)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<line>[;\n])|(?P<mark>[^\s\w])",
    re.DOTALL,
)
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|["\[{\]}]', re.DOTALL)


def program(text: str) -> ast.Module | None:
    """A Python program as a tree, or nothing if it is too large, too deep or not Python."""
    if len(text) > MAX_CHARACTERS or not _shallow(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None


def _shallow(text: str) -> bool:
    """Whether a program is not so deep that parsing it could exhaust the stack.

    A text that does not end is no program either; looking for more of them would take long.
    """
    open_at: list[int] = []  # the run in which each bracket stands
    run = lambdas = 0
    chains: dict[int, int] = {}  # by indentation: how many elif there are in a row
    began = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "open":
            open_at.append(run)
        elif kind == "close":
            run = open_at.pop() if open_at else run
        elif kind == "comma":
            run = open_at[-1] if open_at else 0
        elif kind == "line" and not open_at:
            run = lambdas = 0
            began = token.end()
        elif kind == "word" and not run:
            indent = token.start() - began
            chains = {at: count for at, count in chains.items() if at <= indent}
            chains[indent] = chains.get(indent, 0) + 1 if token[0] == "elif" else 0
            if chains[indent] > MAX_NESTED:
                return False
        run += kind != "comment"
        lambdas += token[0] == "lambda"
        if kind == "open_text" or len(open_at) > MAX_DEPTH or run > MAX_RUN or lambdas > MAX_NESTED:
            return False
        run -= kind == "line"
    return True


def tree(data: bytes) -> Any:
    """What a JSON text says; numbers stay texts.

    Raises:
        ValueError: it is too large, too deep, or not JSON.
    """
    if len(data) > NOTEBOOK_BYTES:
        raise ValueError("it is too large")
    if sum(data.count(mark) for mark in (b"[", b"{", b",")) > MAX_VALUES:
        raise ValueError("it holds too many values")
    depth = 0
    for match in _BRACKETS.finditer(data):
        if match[0] == b'"':
            raise ValueError("a text in it does not end")
        depth += (match[0] in (b"[", b"{")) - (match[0] in (b"]", b"}"))
        if depth > MAX_JSON_DEPTH:
            raise ValueError("it is nested too deep")
    try:
        return json.loads(data.decode("utf-8-sig"), parse_int=str, parse_float=str)
    except (RecursionError, MemoryError) as error:
        raise ValueError("it is nested too deep") from error
