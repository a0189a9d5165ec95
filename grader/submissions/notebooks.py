"""A notebook as a module: what it imports, defines and names; what only runs is left out.

Cells are counted as a reader sees them: the first cell of code is cell 1.  Every line of the module
says at its end which cell it comes from, so that an error's line names the cell.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grader.homework.contract import FUNCTIONS
from grader.submissions import bounded
from grader.submissions.found import listed

__all__ = ["Module", "functions_of", "module"]

MAX_CELLS = 2000

_PROSE = ("markdown", "heading")
_LONGEST_PROSE = 240_000

_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}\s*|(?:[\w, ]+=\s*)[%!].*)$")
_RUNS_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")
_HARMLESS = frozenset((
    "namedtuple", "collections.namedtuple", "NamedTuple", "typing.NamedTuple", "TypeVar", "NewType",
    "partial", "functools.partial", "dataclass", "set", "frozenset", "tuple", "list", "dict",
    "float", "int", "str", "bool", "complex", "range", "len", "max", "min", "abs", "round", "Path",
    "torch.device", "torch.tensor", "torch.zeros", "torch.ones", "torch.cuda.is_available",
    "np.array", "numpy.array", "math.sqrt", "math.log", "math.exp", "math.prod", "re.compile",
))  # fmt: skip


@dataclass(frozen=True)
class Module:
    """A module made of a notebook: its text, and which cells are not in it.

    ``defines`` are the names of functions and classes.  ``left_out`` are cells that only run
    something, ``partly`` those of which a part is kept, ``broken`` those that are not Python.
    ``problem`` says why there is no module.  ``prose`` is what its cells of Markdown say.
    """

    text: str = ""
    defines: frozenset[str] = frozenset()
    left_out: tuple[int, ...] = ()
    partly: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()
    problem: str = ""
    prose: str = ""

    def notes(self, name: str) -> Iterator[str]:
        """Sentences on what is not in the module, for the page.

        Args:
            name: of the notebook.
        """
        for cells, one, several in (
            (self.left_out, "was left out: it only runs something", "were left out"),
            (self.partly, "was kept but for what only runs", "were kept but for what only runs"),
            (self.broken, "was left out: it is not Python", "were left out: they are not Python"),
        ):
            numbers = listed([str(number) for number in cells], 30)
            if len(cells) == 1:
                yield f"In {name}, cell {numbers} {one}."
            elif cells:
                only = ": they only run something" if cells is self.left_out else ""
                yield f"In {name}, cells {numbers} {several}{only}."


def module(data: bytes) -> Module:
    """The module that a notebook's cells of code make."""
    try:
        found = _cells(bounded.tree(data))
    except ValueError as error:
        return Module(problem=f"it is no notebook that can be read: {_words(error)}")
    texts: list[str] = []
    defines: set[str] = set()
    left_out: list[int] = []
    partly: list[int] = []
    broken: list[int] = []
    cells = [_source(cell) for cell in found if cell.get("cell_type") == "code"]
    for number, cell in enumerate(cells, 1):
        source, python = _without_magics(cell)
        tree = bounded.program(source) if python else None
        if tree is None:
            if source.strip():
                (broken if python else left_out).append(number)
            continue
        kept = [node for node in tree.body if _kept(node)]
        passed_over = [node for node in tree.body if node not in kept and not _says_nothing(node)]
        if passed_over:
            (partly if kept else left_out).append(number)
        if kept:
            texts.append(_numbered(_only(source, tree.body, kept), number))
            defines.update(n.name for n in kept if isinstance(n, _DEFINITIONS))
    text = "\n".join(texts) + "\n"
    prose = "\n\n".join(_source(c) for c in found if c.get("cell_type") in _PROSE)
    return Module(
        *(text, frozenset(defines), tuple(left_out), tuple(partly), tuple(broken)),
        prose=prose[:_LONGEST_PROSE],
    )


def functions_of(made: Module, part: str) -> frozenset[str]:
    """The functions of a part that a module defines.

    Args:
        made: of a notebook.
        part: its id.
    """
    return frozenset(n for n in made.defines if n in FUNCTIONS and FUNCTIONS[n].part == part)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _words(error: ValueError) -> str:
    known = ("it is", "it holds", "a text", "it has")
    return str(error) if str(error).startswith(known) else "it is not JSON"


def _cells(notebook: Any) -> list[dict[str, Any]]:
    if not isinstance(notebook, dict):
        raise ValueError("it has no cells")
    found = notebook.get("cells")
    if found is None and isinstance(sheets := notebook.get("worksheets"), list):  # format 3
        found = [c for s in sheets if isinstance(s, dict) for c in s.get("cells") or ()]
    if not isinstance(found, list):
        raise ValueError("it has no cells")
    if len(found) > MAX_CELLS:
        raise ValueError(f"it has more than {MAX_CELLS} cells")
    return [cell for cell in found if isinstance(cell, dict)]


def _source(cell: dict[str, Any]) -> str:
    return _text(cell.get("source", cell.get("input", "")))


def _text(source: Any) -> str:
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    text = source if isinstance(source, str) else ""
    # A lone surrogate can stand in JSON, and in no file.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ").replace("\0", "")


def _without_magics(cell: str) -> tuple[str, bool]:
    """A cell's Python, each line where it was; and whether the cell is Python at all."""
    first, _, rest = cell.lstrip().partition("\n")
    if first.startswith("%%"):
        written = re.match(r"%%(writefile|file)\s.*\.py\s*$", first)
        if not written and not first.split()[0].startswith(_RUNS_PYTHON):
            return cell, False
        cell = f"\n{rest}"
    if bounded.program(cell) is not None:  # a line may begin with % inside brackets, or in a text
        return cell, True
    lines = [_MAGIC.sub(r"\1pass", line) if len(line) < 2000 else line for line in cell.split("\n")]
    return "\n".join(lines), True


def _kept(node: ast.stmt) -> bool:
    """Whether a statement imports, defines or names something, and runs nothing else."""
    if isinstance(node, (ast.Import, ast.ImportFrom, *_DEFINITIONS)):
        return True
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return node.value is None or _harmless(node.value)
    if isinstance(node, ast.If):
        inside = [*node.body, *node.orelse]
        return _harmless(node.test) and not _is_main(node.test) and all(map(_kept_inside, inside))
    if isinstance(node, ast.Try):
        handlers = [n for handler in node.handlers for n in handler.body]
        inside = [*node.body, *handlers, *node.orelse, *node.finalbody]
        return all(map(_kept_inside, inside))
    return False


def _kept_inside(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or _kept(node)


def _says_nothing(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass)


def _is_main(test: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(test))


def _harmless(value: ast.expr) -> bool:
    """Whether computing a value runs nothing but what makes constants and types."""
    for node in ast.walk(value):
        if isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            return False
        if isinstance(node, ast.Call) and ast.unparse(node.func) not in _HARMLESS:
            return _inside_lambda(value, node)
    return True


def _inside_lambda(value: ast.expr, call: ast.Call) -> bool:
    return isinstance(value, ast.Lambda) and any(node is call for node in ast.walk(value.body))


def _only(source: str, body: Sequence[ast.stmt], kept: Sequence[ast.stmt]) -> str:
    """The lines of the statements that are kept, each where it was; the others are empty."""
    lines = source.split("\n")
    gone = [node for node in body if node not in kept]
    taken = {row for node in kept for row in range(_first(node), (node.end_lineno or 0) + 1)}
    for node in gone:
        for row in range(_first(node), (node.end_lineno or 0) + 1):
            if row not in taken:
                lines[row - 1] = ""
    for node in kept:
        shares = any(
            _first(other) <= (node.end_lineno or 0) and (other.end_lineno or 0) >= _first(node)
            for other in gone
        )
        if shares:  # statements with a semicolon between them
            segment = ast.get_source_segment(source, node) or ""
            first, last = _first(node), node.end_lineno or 0
            lines[first - 1 : last] = [*segment.split("\n"), *[""] * (last - first)][
                : last - first + 1
            ]
    return "\n".join(lines).rstrip()


def _first(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, _DEFINITIONS) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _numbered(text: str, number: int) -> str:
    """The text with its cell's number at the end of each line that can have a comment."""
    lines = text.split("\n")
    mark = f"  # cell {number}"
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text + "\n").readline))
    except (tokenize.TokenError, SyntaxError, IndentationError, RecursionError):
        tokens = []
    for token in tokens:
        row = token.start[0]
        ends = token.type in (tokenize.NEWLINE, tokenize.NL) and row <= len(lines)
        if ends and lines[row - 1].strip() and not lines[row - 1].endswith(mark):
            lines[row - 1] += mark
    return "\n".join(lines)
