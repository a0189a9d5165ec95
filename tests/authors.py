"""Invented authors of submissions, and copies of one another's work.

An author takes each file from another sample or honest variant, and puts it into words of their
own: temporaries or none, methods or functions, this or that side of a comparison.  What comes out
need not run; it is text, to be compared.  A copy is one author's work that was made to look
different.
"""

import ast
import random
from functools import cache
from pathlib import Path

import cases

PARTS = ("part1_focused.py", "part2_comparative.py", "part3_compression.py", "gan.py")
GANS = Path(__file__).parents[1] / "fixtures" / "gan"
HONEST_GANS = (
    *("dcgan.py", "hinge_spectral_norm.py", "lsgan.py", "mlp_plain.py"),
    *("wgan_gradient_penalty.py", "wgan_weight_clipping.py"),
)
KINDS = ("renamed", "reordered", "retyped", "all of these")
METHODS = frozenset(
    [
        *("sum", "mean", "abs", "max", "min", "argsort", "clone", "detach", "flatten", "reshape"),
        *("topk", "sort", "unsqueeze", "squeeze", "amax", "clamp", "float", "double", "sqrt"),
        *("norm", "log", "exp", "relu", "sigmoid", "tanh", "matmul", "numel"),
    ]
)
WORDS = (
    *("value", "grad", "out", "inp", "acc", "tmp", "cur", "base", "total", "net", "head", "tail"),
    *("mask", "idx", "row", "step", "width", "chunk", "point", "score", "top", "low", "pos"),
    *("data", "left", "right", "item", "node", "curve", "path", "res", "ref", "diff", "scale"),
    *("weight", "count", "layer_out", "hidden", "feats", "pieces", "mode", "alpha", "beta"),
)


@cache
def pools():
    """Texts of each file that Python can read, by the file's name; no two are the same."""
    found = {name: {} for name in PARTS}
    for sample in map(cases.load, (*cases.HONEST, *cases.SAMPLES)):
        for name in set(PARTS) & set(sample.files):
            try:
                text = ast.unparse(ast.parse(sample.files[name]))
            except (SyntaxError, ValueError):
                continue
            found[name].setdefault(text, sample.name)
    for name in HONEST_GANS:
        text = ast.unparse(ast.parse((GANS / name).read_text(encoding="utf-8")))
        found["gan.py"].setdefault(text, name)
    return {name: sorted(texts) for name, texts in found.items()}


def author(seed):
    """The files of one author who works alone."""
    draw = random.Random(f"author {seed}")
    return {
        name: _changed(draw.choice(texts), draw, habits=0.5, renamed=True, reordered=True)
        for name, texts in pools().items()
    }


def copy_of(files, kind, seed):
    """Somebody's files, made to look different: ``kind`` is one of :data:`KINDS`."""
    draw = random.Random(f"copy {seed}")
    every = kind == KINDS[-1]
    return {
        name: _changed(
            text.decode(),
            draw,
            habits=0.2 if every or kind == "retyped" else 0.0,
            renamed=every or kind == "renamed",
            reordered=every or kind == "reordered",
        )
        for name, text in files.items()
    }


def _changed(text, draw, *, habits, renamed, reordered):
    tree = ast.parse(text)
    if habits:
        tree = _Habits(draw, habits).visit(tree)
    if renamed:
        tree = _Renamed(tree, draw).visit(tree)
    if reordered:
        _reorder(tree, draw)
    return ast.unparse(ast.fix_missing_locations(tree)).encode()


class _Habits(ast.NodeTransformer):
    """Puts what an author writes in another way, each place with a probability of its own."""

    def __init__(self, draw, how_often):
        self.draw, self.how_often, self.made = draw, how_often, 0

    def _does(self, scale=1.0):
        return self.draw.random() < self.how_often * scale

    def _name(self):
        self.made += 1
        return f"{self.draw.choice(WORDS)}_{self.made}"

    def generic_visit(self, node):
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, [new for old in block for new in self._statement(old)])
        return node

    def _statement(self, node):
        before = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return [] if self._does() else [node]  # a docstring
        if isinstance(node, ast.Assign | ast.Return) and isinstance(node.value, ast.Call):
            for place, argument in enumerate(node.value.args):
                apart = isinstance(argument, ast.BinOp | ast.Call | ast.Subscript)
                if apart and self._does(0.7):
                    name = self._name()
                    before.append(_assigned(name, argument))
                    node.value.args[place] = ast.Name(name, ast.Load())
        if isinstance(node, ast.Return) and node.value is not None and self._does():
            if not isinstance(node.value, ast.Name):
                name = self._name()
                before.append(_assigned(name, node.value))
                node = ast.Return(ast.Name(name, ast.Load()))
        elif isinstance(node, ast.Assign) and self._does():
            return [*before, *self._assignment(node)]
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and self._does():
            loaded = ast.Name(node.target.id, ast.Load())
            node = _assigned(node.target.id, ast.BinOp(loaded, node.op, node.value))
        elif _refuses_one_of(node) and self._does():
            return [ast.If(test, node.body, []) for test in node.test.values]
        return [*before, node]

    def _assignment(self, node):
        (target, *others), value = node.targets, node.value
        if isinstance(value, ast.ListComp) and isinstance(target, ast.Name) and not others:
            (first, *rest) = value.generators
            if not rest and not first.ifs:
                call = ast.Attribute(ast.Name(target.id, ast.Load()), "append", ast.Load())
                body = [ast.Expr(ast.Call(call, [value.elt], []))]
                loop = ast.For(first.target, first.iter, body, [])
                return [_assigned(target.id, ast.List([], ast.Load())), loop]
        if isinstance(value, ast.IfExp):
            new = [ast.Assign([target], value.body), ast.Assign([target], value.orelse)]
            return [ast.If(value.test, new[:1], new[1:])]
        both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        if both and len(target.elts) == len(value.elts):
            pairs = zip(target.elts, value.elts, strict=True)
            return [ast.Assign([one], of) for one, of in pairs]
        return [node]

    def visit_Compare(self, node):
        self.generic_visit(node)
        turned = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
        (op, *more) = node.ops
        if not more and type(op) in turned and self._does():
            return ast.Compare(node.comparators[0], [turned[type(op)]()], [node.left])
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Add) and self._does(0.8):
            return ast.BinOp(node.right, node.op, node.left)
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        of = node.func
        if not isinstance(of, ast.Attribute) or of.attr not in METHODS or not self._does():
            return node
        torch = isinstance(of.value, ast.Name) and of.value.id == "torch"
        if torch and node.args:
            first, *rest = node.args
            return ast.Call(ast.Attribute(first, of.attr, ast.Load()), rest, node.keywords)
        if not torch:
            function = ast.Attribute(ast.Name("torch", ast.Load()), of.attr, ast.Load())
            return ast.Call(function, [of.value, *node.args], node.keywords)
        return node


def _refuses_one_of(node):
    either = isinstance(node, ast.If) and isinstance(node.test, ast.BoolOp) and not node.orelse
    return either and isinstance(node.test.op, ast.Or)


def _assigned(name, value):
    return ast.Assign([ast.Name(name, ast.Store())], value)


class _Renamed(ast.NodeTransformer):
    """Other words for every name that the file itself gives, except those the homework asks for."""

    def __init__(self, tree, draw):
        asked = {name for text in _templates() for name in _defined(ast.parse(text))}
        own = sorted(_defined(tree) - asked - {"self", "torch"})
        self.words = {name: f"{draw.choice(WORDS)}{n}" for n, name in enumerate(own)}

    def visit_Name(self, node):
        node.id = self.words.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        self.generic_visit(node)
        node.arg = self.words.get(node.arg, node.arg)
        return node

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.name = self.words.get(node.name, node.name)
        return node


def _defined(tree):
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


@cache
def _templates():
    folder = Path(__file__).parents[1] / "student_template"
    return tuple((folder / name).read_text(encoding="utf-8") for name in PARTS)


def _reorder(tree, draw):
    """Functions in another order, and neighbours inside them that do not need one another."""
    places = [n for n, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef)]
    moved = [tree.body[n] for n in places]
    draw.shuffle(moved)
    for n, node in zip(places, moved, strict=True):
        tree.body[n] = node
    for function in moved:
        body = function.body
        for n in range(len(body) - 1):
            one, other = body[n : n + 2]
            simple = isinstance(one, ast.Assign | ast.If) and isinstance(other, ast.Assign | ast.If)
            apart = simple and not _stored(one) & _used(other) and not _stored(other) & _used(one)
            if apart and draw.random() < 0.5:
                body[n : n + 2] = other, one


def _stored(node):
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _used(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
