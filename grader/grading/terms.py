"""What an outcome depends on: the code of its check, packages, limits, walls, hidden cases.

A check's code is its module, with all that this can import, and what carries out its calls.  That
is found in the text of import statements: nothing is imported here that takes time.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path

import grader
from grader import layout
from grader.grading.results import Terms
from grader.grading.weights import Assignment
from grader.homework import contract
from grader.records import Check, Limits, Submission
from grader.sandbox.isolation.modes import Walls

__all__ = ["changed", "code_of", "environment", "of_checks"]

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(grader[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)"
    r"|import[ \t]+(grader[\w.]*))",
    re.MULTILINE,
)

_CARRIES_OUT = (
    "grader.checks.framework.from_failure",
    "grader.sandbox.host.session",
    "grader.sandbox.guest.server",
)
"""Beside a check's module: what is imported wherever a check is run."""

_RUNS = ("grading/engine.py", "grading/dependence.py")
"""What runs checks; not what it imports, such as points."""

_FROZEN = "frozen.safetensors"


@cache
def environment() -> Mapping[str, str]:
    """Versions on which an outcome may depend."""
    versions = {"python": platform.python_version()}
    for package in ("torch", "torchvision", "numpy", "hypothesis"):
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {**versions, "platform": f"{platform.system()} {platform.machine()}"}


def of_checks(
    checks: Sequence[Check],
    modules: Mapping[str, str],
    submission: Submission,
    assignment: Assignment,
    walls: Walls,
) -> dict[str, Terms]:
    """What the outcome of each check depends on, were it run now; by id.

    Args:
        checks: of the assignment.
        modules: in which each check is declared, by id.
        submission: on which they run.
        assignment: whose limits and whose seed count.
        walls: around the submission; only whether there are any counts.
    """
    versions = {**environment(), **_versions(tuple(assignment.packages))}
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    isolated = "none" if walls.unsandboxed else "isolated"
    hidden_cases = _cases(assignment)
    made = {}
    for check in checks:
        module = modules[check.id]
        made[check.id] = Terms(
            submission.digest,
            code_of(module, check.part),
            packages,
            isolated,
            _limits(check.limits or assignment.limits, assignment.limits),
            hidden_cases if check.hidden and layout.is_hidden(module) else "public",
        )
    return made


def changed(before: Terms, now: Terms) -> str:
    """What is different, in words for "because"; nothing if all is the same.

    Args:
        before: under which an outcome came about.
        now: under which it would.
    """
    if before == now:
        return ""
    if before == Terms(before.submission):
        return "an older version of the grader ran it"
    if before.submission != now.submission:
        return "the submission has changed"
    if before.packages != now.packages:
        old, new = before.packages.split(", "), now.packages.split(", ")
        gone = ", ".join(one for one in old if one not in new)
        come = ", ".join(one for one in new if one not in old)
        return f"packages have changed ({gone or 'nothing'} → {come or 'nothing'})"
    if before.code != now.code:
        return "its code, or what it can import, has changed"
    if before.walls != now.walls:
        return "it ran without isolation" if before.walls == "none" else "it ran isolated"
    if before.limits != now.limits:
        return "its limits have changed"
    return "its hidden cases are drawn from another seed"


@cache
def _versions(packages: tuple[str, ...]) -> Mapping[str, str]:
    """Those of what submissions may import beside the promised packages."""
    found = {}
    for name in packages:
        found[name] = "without a version"
        for distribution in metadata.packages_distributions().get(name, [])[:1]:
            found[name] = metadata.version(distribution)
    return found


@cache
def _limits(of_check: Limits, of_assignment: Limits) -> str:
    """Of each call of the check, of imports and of everything together."""
    own, of_all = asdict(of_check), asdict(of_assignment)
    for name in ("load_seconds", "total_seconds", "output_kb", "memory_mb"):
        own[f"all {name}"] = of_all[name]
    return ", ".join(f"{name} {value:g}" for name, value in own.items())


def _cases(assignment: Assignment) -> str:
    if assignment.seed is None:
        return "the default seed"
    return hashlib.sha256(json.dumps(["cases", assignment.seed]).encode()).hexdigest()[:16]


@cache
def code_of(module: str, part: str) -> str:
    """A digest of all that a check can import, and of what carries out its calls.

    Args:
        module: in which the check is declared, by its name in Python.
        part: of the homework, whose reference its expected values may come from.
    """
    files: dict[str, Path] = {}
    for name in (module, *_CARRIES_OUT):
        _follow(name, files)
    for name in _RUNS:
        files[name] = layout.PACKAGE / name
    files.update(_values(part))
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = _content(path)
        digest.update(f"{len(name)}:{len(content)}:{name}".encode() + content)
    return digest.hexdigest()[:16]


def _follow(module: str, files: dict[str, Path]) -> None:
    """Add a module, the packages around it and all that they import, if they are files of ours."""
    path = _file(module)
    if path is None or module in files:
        return
    files[module] = path
    above = module.rpartition(".")[0]
    if above != grader.__name__:
        _follow(above, files)
    for name in _imported(path):
        _follow(name, files)


@cache
def _imported(path: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_names(path.read_text("utf-8"))))


def _names(text: str) -> Iterator[str]:
    for source, names, whole in _IMPORT.findall(text):
        if whole:
            yield whole
            continue
        yield source
        for name in re.findall(r"\w+", names):  # any of them may be a module
            yield f"{source}.{name}"


@cache
def _file(module: str) -> Path | None:
    if module == grader.__name__ or not module.startswith(f"{grader.__name__}."):
        return None  # the package's own file holds the version, which decides nothing
    path = layout.PACKAGE.joinpath(*module.split(".")[1:])
    beside = (path.with_suffix(".py"), path / "__init__.py")
    return next((one for one in beside if one.is_file()), None)


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


def _values(part: str) -> dict[str, Path]:
    """What is loaded and not imported: data, and the reference, or the values frozen of it."""
    data = {path.name: path for path in layout.data("").glob("*.safetensors")}
    reference = layout.reference()
    if reference is None:
        return data
    data.pop(_FROZEN, None)
    for path in reference.rglob("*.py"):
        name = path.relative_to(reference).as_posix()
        other = any(name == one.file and one.id != part for one in contract.PARTS)
        # Known mistakes are made with the first part's own functions.
        if not other or name == contract.PARTS[0].file:
            data[f"reference/{name}"] = path
    return data
