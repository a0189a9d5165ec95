"""Which definitions of a program use which others, so which functions a change may affect."""

from __future__ import annotations

import ast
from collections.abc import Mapping

__all__ = ["defined", "names_in", "users"]


def users(sources: Mapping[str, str]) -> dict[tuple[str, str], set[str]]:
    """For each top-level definition, the names of all definitions that use it, also indirectly.

    Keys are (file, definition).  A file may use names of another file as attributes of the imported
    module: ``part1.score``.
    """
    needs: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for file, source in sources.items():
        tree = ast.parse(source)
        modules = _imported(tree, sources)
        for top in tree.body:
            name = defined(top)
            if name is not None:
                used = needs.setdefault((file, name), set())
                used |= {(file, n.id) for n in ast.walk(top) if isinstance(n, ast.Name)}
                used |= {
                    (modules[n.value.id], n.attr)
                    for n in ast.walk(top)
                    if isinstance(n, ast.Attribute)
                    and isinstance(n.value, ast.Name)
                    and n.value.id in modules
                }
    found: dict[tuple[str, str], set[str]] = {place: set() for place in needs}
    for user in needs:
        seen, more = {user}, [user]
        while more:
            fresh = needs[more.pop()] & needs.keys() - seen
            seen |= fresh
            more += fresh
        for place in seen:
            found[place].add(user[1])
    return found


def _imported(tree: ast.Module, sources: Mapping[str, str]) -> dict[str, str]:
    """The names under which a file imports the other ones: ``part1`` → ``part1_focused.py``."""
    return {
        alias.asname or alias.name: f"{alias.name}.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if f"{alias.name}.py" in sources
    }


def defined(top: ast.stmt) -> str | None:
    """The name that a statement at the top of a file defines, if mutants of it make sense."""
    if isinstance(top, (ast.FunctionDef, ast.ClassDef)):
        return top.name
    if isinstance(top, ast.Assign) and isinstance(top.targets[0], ast.Name):
        name = top.targets[0].id
        alias = bool(names_in(top.value))  # of a type
        return None if alias or name.startswith("__") else name
    return None


def names_in(node: ast.AST) -> set[str]:
    """The names that are read or bound anywhere below a node."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
