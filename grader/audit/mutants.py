"""Mutants: copies of a program with one small change in its syntax tree.

A mutant replaces one expression or leaves out one statement.  The rest of the text stays, so the
diff looks as if a person had typed it.  The operators follow DeMillo, Lipton, Sayward 1978 and
Offutt's sufficient set (another operator, another constant, a negated condition, a missing
statement).  Others imitate mistakes with tensors: another reduction, a missing method (``detach``,
``clone``, ``abs``, ``eval``), swapped arguments or parameters, a result with the wrong sign or
without its sign, one that is rounded, cut off or computed in half precision.  Others leave traces:
something is kept on the model, or restored only where nothing raises.  And others take another kind
of layer, or do again and again what is done once.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from grader.audit.uses import defined, names_in

__all__ = ["Mutant", "mutants"]


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    ``name`` is ``file.definition.kind-digest``; the digest is of the changed statement before and
    after, so that a change elsewhere in the file does not rename it.
    """

    name: str
    file: str
    where: str
    """The definition at the top of the file in which the change lies."""
    kind: str
    line: int
    source: str
    diff: str


def mutants(file: str, source: str) -> list[Mutant]:
    """All mutants of a file, in the order of its lines, each once.

    Annotations, docstrings, error messages and imports do not change.
    """
    return list(_mutants(file, source))


@cache
def _mutants(file: str, source: str) -> tuple[Mutant, ...]:
    text, tree = _Text(source), ast.parse(source)
    before = [ast.dump(top) for top in tree.body]
    found: dict[str, Mutant] = {}
    for i, top in enumerate(tree.body):
        where = defined(top)
        if where is None:
            continue
        for change in _changes(top):
            changed = text.replaced(change.node, change.text)
            if changed in found or not _differs(changed, before, i):
                continue
            diff = _diff(file, source, changed)
            digest = hashlib.sha256(_essence(diff).encode()).hexdigest()[:6]
            name = f"{file.removesuffix('.py')}.{where}.{change.kind}-{digest}"
            line = change.node.lineno
            found[changed] = Mutant(name, file, where, change.kind, line, changed, diff)
    ordered = sorted(found.values(), key=lambda mutant: (mutant.line, mutant.kind))
    return tuple(m for _, m in {m.name: (i, m) for i, m in enumerate(ordered)}.values())


class _Text:
    """A source whose nodes can be replaced.  Syntax trees count positions in bytes."""

    def __init__(self, source: str) -> None:
        self.lines = [line.encode() for line in source.splitlines(keepends=True)]

    def replaced(self, node: ast.expr | ast.stmt, text: str) -> str:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first, last = node.lineno - 1, node.end_lineno - 1
        head = b"".join([*self.lines[:first], self.lines[first][: node.col_offset]])
        tail = b"".join([self.lines[last][node.end_col_offset :], *self.lines[last + 1 :]])
        return (head + text.encode() + tail).decode()


def _differs(source: str, before: Sequence[str], i: int) -> bool:
    """Whether the source is a valid program that differs from these statements.

    The change lies in statement ``i``, so that one is compared first: seldom any other has to be.
    """
    try:
        now = ast.parse(source).body
    except SyntaxError:
        return False
    if len(now) != len(before) or ast.dump(now[i]) != before[i]:
        return True
    return list(map(ast.dump, now)) != before


def _diff(file: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), file, file, n=1, lineterm=""
    )
    return "\n".join(list(lines)[2:])


def _essence(diff: str) -> str:
    return "\n".join(line for line in diff.splitlines() if line[:1] in "+-")


@dataclass(frozen=True)
class _Change:
    node: ast.expr | ast.stmt
    text: str
    kind: str


def _changes(top: ast.stmt) -> Iterator[_Change]:
    """The changes of a definition, from its statements to their smallest parts."""
    for function in [n for n in ast.walk(top) if isinstance(n, ast.FunctionDef)]:
        yield from _exchanged_parameters(function)
        yield from _other_results(function)
        yield from _traces(function)
    for node in _evaluated(top):
        if isinstance(node, ast.stmt):
            yield from _left_out(node)
        elif isinstance(node, ast.expr):
            for text, kind in _others(node):
                yield _Change(node, text, kind)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that affect results: no annotation, docstring, decorator or message."""
    yield node
    skipped: set[ast.AST | None] = set()
    if isinstance(node, ast.FunctionDef):
        skipped |= {node.returns, *node.decorator_list}
    elif isinstance(node, ast.ClassDef):
        skipped |= {*node.decorator_list, *node.bases}
    elif isinstance(node, ast.AnnAssign | ast.arg):
        skipped.add(node.annotation)
    elif isinstance(node, ast.Raise):
        return
    for child in ast.iter_child_nodes(node):
        docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if child not in skipped and not docstring and not isinstance(child, ast.JoinedStr):
            yield from _evaluated(child)


# Statements


def _left_out(node: ast.stmt) -> Iterator[_Change]:
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Yield):
        yield _Change(node, "pass", "dropped")
    elif isinstance(node, ast.If):
        yield _Change(node, "pass", "dropped")
        yield _Change(node.test, "True", "condition")
        if not node.orelse and not isinstance(node.body[-1], ast.Return | ast.Raise):
            yield _Change(node, _lines(ast.While(node.test, node.body, []), node), "again")
    elif isinstance(node, ast.Try) and node.finalbody and not node.handlers:
        bare = ast.Module([*node.body, *node.finalbody], [])
        yield _Change(node, _lines(bare, node), "finally")
    elif isinstance(node, ast.AugAssign):
        yield _Change(node, "pass", "dropped")
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        # Without the statement, the name keeps its earlier value.
        if node.targets[0].id in names_in(node.value):
            yield _Change(node, "pass", "dropped")
    elif isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Tuple):
        yield _Change(node, "pass", "dropped")
    elif isinstance(node, ast.For):
        yield _Change(node.iter, f"list({_text(node.iter)})[1:]", "loop")
        yield _Change(node.iter, f"list({_text(node.iter)})[:-1]", "loop")
    elif isinstance(node, ast.With):
        for item in node.items:
            if item.optional_vars is None:
                yield _Change(item.context_expr, "__import__('contextlib').nullcontext()", "with")


def _lines(changed: ast.AST, instead_of: ast.stmt) -> str:
    """Statements as text, indented as the one whose place they take."""
    text = ast.unparse(ast.fix_missing_locations(changed))
    return text.replace("\n", "\n" + " " * instead_of.col_offset)


def _traces(function: ast.FunctionDef) -> Iterator[_Change]:
    """Something is kept on a module that was handed over."""
    given = [a.arg for a in function.args.args if a.arg in ("model", "network", "classifier")]
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None and given:
            kept = f"getattr({given[0]}, '__dict__', {{}}).update(kept=1)"
            yield _Change(node.value, f"({kept}, {_text(node.value)})[1]", "trace")


def _exchanged_parameters(function: ast.FunctionDef) -> Iterator[_Change]:
    """Replace a parameter by another one with the same annotation."""
    parameters = {a.arg: ast.dump(a.annotation) for a in function.args.args if a.annotation}
    for node in (n for statement in function.body for n in _evaluated(statement)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in parameters:
            for other, annotation in parameters.items():
                if other != node.id and annotation == parameters[node.id]:
                    yield _Change(node, other, "name")


def _other_results(function: ast.FunctionDef) -> Iterator[_Change]:
    """A tensor with the wrong sign, without its sign, or without its negative part."""
    returns = ast.unparse(function.returns) if function.returns else ""
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            text = _text(node.value)
            if returns in ("Tensor", "Iterator[Tensor]"):
                yield _Change(node.value, f"-({text})", "sign")
                yield _Change(node.value, f"({text}).abs()", "abs")
                yield _Change(node.value, f"({text}).clamp(min=0)", "relu")
                for method in ("round(decimals=4)", "clamp(min=-100)", "half().float()"):
                    yield _Change(node.value, f"({text}).{method}", "size")
            if isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
                first, second = map(_text, node.value.elts)
                yield _Change(node.value, f"({second}, {first})", "swapped")


# Expressions

_OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.MatMult: (ast.Mult,),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
}
_REDUCTIONS = {
    "amax": ("amin", "mean", "sum"),
    "max": ("min", "mean"),
    "sum": ("mean", "max"),
    "mean": ("sum",),
    "any": ("all",),
    "all": ("any",),
    "sort": ("argsort",),
    "zeros_like": ("ones_like",),
    "ones": ("zeros",),
    "Softmax": ("LogSoftmax",),
    "LogSoftmax": ("Softmax",),
    "softplus": ("relu",),
}


def _others(node: ast.expr) -> Iterator[tuple[str, str]]:
    """What an expression can be replaced by, and the kind of the change."""
    if isinstance(node, ast.BinOp):
        for operator in _OPERATORS.get(type(node.op), ()):
            yield _text(ast.BinOp(node.left, operator(), node.right), True), "operator"
        yield _text(node.left, True), "operand"
        yield _text(node.right, True), "operand"
    elif isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.BoolOp):
        turned = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield _text(ast.BoolOp(turned, node.values), True), "operator"
        for i in range(len(node.values)):
            rest = [value for j, value in enumerate(node.values) if j != i]
            kept = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield _text(kept, True), "operand"
    elif isinstance(node, ast.UnaryOp):
        yield _text(node.operand, True), "operator"
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.IfExp):
        yield _text(node.body, True), "condition"
        yield _text(node.orelse, True), "condition"
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        lower, upper = node.slice.lower, node.slice.upper
        for a, b in ((lower, None), (None, upper), (upper, lower)):
            yield _text(ast.Subscript(node.value, ast.Slice(a, b), node.ctx)), "slice"
    elif isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp):
        for n, generator in enumerate(node.generators):
            for i in range(len(generator.ifs)):
                kept_ifs = [c for j, c in enumerate(generator.ifs) if j != i]
                fewer = ast.comprehension(
                    generator.target, generator.iter, kept_ifs, generator.is_async
                )
                parts = [fewer if m == n else g for m, g in enumerate(node.generators)]
                yield _text(type(node)(node.elt, parts)), "filter"


def _compared(node: ast.Compare) -> Iterator[tuple[str, str]]:
    for i, operator in enumerate(node.ops):
        for other in _COMPARISONS.get(type(operator), ()):
            operators = [other() if j == i else o for j, o in enumerate(node.ops)]
            yield _text(ast.Compare(node.left, operators, node.comparators), True), "compare"


def _constants(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, bool):
        yield str(not value), "constant"
    elif isinstance(value, int):
        yield f"{value + 1}", "constant"
        yield f"{value - 1}" if value > 0 else f"({value - 1})", "constant"
    elif isinstance(value, float):
        yield f"{value + 0.5}", "constant"
        yield f"{value / 2}", "constant"


def _calls(node: ast.Call) -> Iterator[tuple[str, str]]:
    function, arguments = node.func, node.args
    if isinstance(function, ast.Attribute):
        for other in _REDUCTIONS.get(function.attr, ()):
            renamed = ast.Attribute(function.value, other, function.ctx)
            yield _text(ast.Call(renamed, arguments, node.keywords)), "reduction"
        if not isinstance(function.value, ast.Name) or function.value.id not in _MODULES:
            yield _text(function.value, True), "method"
    elif isinstance(function, ast.Name):
        if function.id == "isinstance" and "Softmax" in _text(arguments[1]):
            yield f"(not isinstance({_text(arguments[0])}, nn.Linear))", "kind"
        for other in _REDUCTIONS.get(function.id, ()):
            renamed_name = ast.Name(other, function.ctx)
            if other in ("min", "max", "all", "any", "sum"):
                yield _text(ast.Call(renamed_name, arguments, node.keywords)), "reduction"
    if not any(isinstance(a, ast.Starred) for a in arguments):
        for i in range(len(arguments) - 1):
            swapped = [*arguments[:i], arguments[i + 1], arguments[i], *arguments[i + 2 :]]
            yield _text(ast.Call(function, swapped, node.keywords)), "swapped"
    for i in range(len(node.keywords)):
        fewer = [k for j, k in enumerate(node.keywords) if j != i]
        yield _text(ast.Call(function, arguments, fewer)), "keyword"
    builtin = isinstance(function, ast.Name) and function.id in _BUILTINS
    if builtin and len(arguments) == 1 and not node.keywords:
        yield _text(arguments[0], True), "method"


_BUILTINS = ("float", "int", "set", "sorted", "list", "tuple")
_MODULES = ("torch", "nn", "np", "random", "part1", "functional")


def _text(node: ast.expr, inside: bool = False) -> str:
    """The expression as source; in brackets if it is ``inside`` another one and may need them."""
    text = ast.unparse(node)
    simple = (ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.Subscript, ast.List, ast.Tuple)
    return f"({text})" if inside and not isinstance(node, simple) else text
