"""Makes what students get: the template as a repository, with a wheel of the public checks.

The wheel holds the grader with the frozen values of the reference, but neither the reference nor
the hidden checks.  Before anything is written, we search it (:mod:`grader.release.leaks`) and try
it in another process.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

import grader
from grader import layout
from grader.errors import Unfrozen, Unreleasable, Vanished
from grader.grading import versions
from grader.grading.weights import Assignment, declared
from grader.homework import contract
from grader.homework.questions import answer_sheet
from grader.oracle import store
from grader.records import Check, Limits
from grader.release import freeze
from grader.release.leaks import Leak, leaks, secrets_of
from grader.release.wheel import Metadata, wheel, zipped

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Bundle", "about", "build", "made", "package", "placed", "write"]

HOME = layout.HOME
"""The folder that holds the package: a checkout, or where packages are installed."""

_KINDS = (".py", ".pyi", ".typed", ".safetensors", ".html", ".css", ".js", ".md")

SAMPLED = 40
"""Of the calls whose mistakes are frozen, each so many is computed again to see that it is so."""


@dataclass(frozen=True)
class Bundle:
    """What students get.

    Args:
        files: of the repository, by path; the wheel is one of them.
        wheel: the path of the wheel.
        inside: the files of the wheel, by path.
        checks: that are in it.
        missing: checks that the assignment shows, and that no bundle can hold.
    """

    files: Mapping[str, bytes]
    wheel: str
    inside: Mapping[str, bytes]
    checks: Sequence[Check]
    missing: Sequence[Check]


def build(assignment: Assignment, said: freeze.Said) -> Bundle:
    """Make everything in memory, search it and try it.

    Raises:
        Unreleasable: it would give something away, or it would not work.
    """
    _fresh(said)
    bundle = made(package(), _template(), assignment)
    if not bundle.checks:
        raise Unreleasable("the assignment leaves no public check, so there is nothing to hand out")
    found = leaks_in(bundle, assignment)
    if found:
        lines = "; ".join(f"{leak.file} {leak.reason}" for leak in found[:5])
        more = f", and {len(found) - 5} more" if len(found) > 5 else ""
        raise Unreleasable(f"nothing was written, as it gives the homework away: {lines}{more}")
    _try(bundle)
    return bundle


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write what is handed out, by path, to a folder that is empty, or not there.

    Raises:
        OSError: it cannot be written.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def leaks_in(bundle: Bundle, assignment: Assignment) -> list[Leak]:
    """The files of a bundle that give the homework away."""
    from grader.checks import hidden

    inside = {check.id for check in bundle.checks}
    ours = declared(assignment.seed)
    solutions = _solutions()
    reference = {n: source for n, source in solutions.items() if n.startswith("reference/")}
    secrets = secrets_of(
        [check for check in ours if check.id not in inside],
        [check for check in ours if check.id in inside],
        hidden.DEFAULT_SEED if assignment.seed is None else assignment.seed,
        reference,
        {name: source for name, source in solutions.items() if name not in reference},
    )
    files = {name: data for name, data in bundle.files.items() if name != bundle.wheel}
    unpacked = {
        f"{bundle.wheel}/{name}": data
        for name, data in bundle.inside.items()
        if not name.endswith("/RECORD")  # digests and sizes of the others
    }
    return list(leaks({**files, **unpacked}, secrets))


def made(
    package: Mapping[str, bytes], template: Mapping[str, bytes], assignment: Assignment
) -> Bundle:
    """The bundle of these files; it is neither searched for leaks nor tried.

    Args:
        package: files of the grader's package, by their path in it.
        template: files of the template, by their path in it.
        assignment: which checks are shown, and what they are worth.

    Returns:
        The template, and in ``wheels/`` the package without what is for instructors only.
    """
    every = assignment.checks()
    shown = [check for check in every if not check.hidden]
    kept = [check for check in shown if not layout.for_instructors(_file(check))]
    names = {check.id for check in kept}
    dropped = [
        c for c in declared(None) if not layout.for_instructors(_file(c)) and c.id not in names
    ]
    files = {placed(n): data for n, data in package.items() if not layout.for_instructors(n)}
    for file in {_file(check) for check in dropped}:
        source = files[f"grader/{file}"].decode("utf-8")
        of_file = {check.run.__name__ for check in dropped if _file(check) == file}
        files[f"grader/{file}"] = without(source, of_file).encode()
    for name in [n for n in files if n.startswith("grader/checks/")]:
        for check in dropped:  # named as the cause of another one's failure
            files[name] = re.sub(rb' *"%b",\n' % re.escape(check.id.encode()), b"", files[name])
    template = dict(template)
    if assignment.questions:
        sheet = answer_sheet(assignment.questions, template["answers.md"].decode("utf-8"))
        template["answers.md"] = sheet.encode()
    for part in contract.PARTS:
        if part.optional and part.id not in {check.part for check in kept}:
            template.pop(part.file, None)
            folder = f"grader/checks/{part.id}/"
            files = {n: data for n, data in files.items() if not n.startswith(folder)}
        elif part.optional:
            template["README.md"] = _with_row(template["README.md"], part, every)
    if rules := _rules(assignment, kept):
        files["grader/data/assignment.toml"] = rules.encode()
    files["grader/data/graded_with.json"] = versions.noted()
    described = about()
    described = replace(described, requires=versions.pinned(described.requires))
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    described = replace(described, version=f"{grader.__version__}+student.{digest.hexdigest()[:8]}")
    version = f'__version__ = "{described.version}"'.encode()
    start = files["grader/__init__.py"]
    files["grader/__init__.py"] = re.sub(rb'__version__ = "[^"]*"', version, start)
    inside = wheel(files, described)
    where = f"wheels/{described.file}"
    repository = {
        **template,
        "requirements.txt": f"./{where}\n".encode(),
        where: zipped(inside),
    }
    missing = [check for check in shown if check.id not in names]
    return Bundle(repository, where, inside, kept, missing)


def placed(name: str) -> str:
    """Where a file of the package is in a wheel; entry points are at the top."""
    return name.removeprefix("entry/") if name.startswith("entry/") else f"grader/{name}"


def without(source: str, names: set[str]) -> str:
    """A module of checks without some of them; the others then do not need these either."""
    lines = source.splitlines(keepends=True)
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            del lines[first - 1 : node.end_lineno]

    def needs(found: re.Match[str]) -> str:
        kept = [n for n in re.findall(r"\w+", found[1]) if n not in names]
        return f"needs=[{', '.join(kept)}]"

    return re.sub(r"needs=\[([^\]]*)\]", needs, "".join(lines))


def _solutions() -> dict[str, str]:
    """All right solutions: the reference, and in a checkout the solutions among the samples."""
    place = layout.reference() or HOME / "reference"
    paths = {f"reference/{p.relative_to(place).as_posix()}": p for p in place.rglob("*.py")}
    samples = ("cases/bases/*", "submissions/plain", "submissions/twin_hooks")
    for folder in samples:
        paths |= {p.relative_to(HOME).as_posix(): p for p in HOME.glob(f"fixtures/{folder}/*.py")}
    found = {}
    for name, path in sorted(paths.items()):
        try:
            ast.parse(source := path.read_text("utf-8"))
        except (SyntaxError, ValueError) as error:
            raise Unreleasable(f"{path} cannot be read ({error}): mend or remove it") from None
        found[name] = source
    return found


def _fresh(said: freeze.Said) -> None:
    """Refuse to go on if the frozen values are not those of the current reference.

    They are, if the same sources made them on such a machine; else they are computed again.
    """
    try:
        kept = store.Values.read()
        if kept.made == freeze.origin():
            return
        fresh = freeze.freeze(said, every=SAMPLED)
    except Vanished:
        raise Unreleasable(
            f"{store.FILE.name} is missing or damaged: `hw3 freeze` makes it anew"
        ) from None
    except Unfrozen as error:
        raise Unreleasable(str(error)) from None
    if why := freeze.why_stale(kept, fresh):
        raise Unreleasable(why)


def package() -> dict[str, bytes]:
    """Files of the grader's package, by their path in it; of a checkout, those that git knows.

    Raises:
        Unreleasable: a file lies among them that git does not know.
    """
    found = {**_entries(), **_files(HOME / "grader", _KINDS)}
    if (HOME / ".git").exists() and shutil.which("git"):
        # Other files in that folder, a solution for example, must not be handed out.
        command = ["git", "-C", str(HOME), "ls-files", "-z", "grader"]
        done = subprocess.run(command, capture_output=True, check=False)
        tracked = {name.removeprefix("grader/") for name in done.stdout.decode().split("\0")}
        strays = sorted(n for n in found if n not in tracked and not layout.for_instructors(n))
        if strays and not done.returncode:
            raise Unreleasable(
                f"git does not know grader/{strays[0]}, so it would be handed out unseen: add it "
                "to git, or remove it"
            )
    return found


def _entries() -> dict[str, bytes]:
    """What commands start with, which an installed grader has beside its package."""
    paths = {f"entry/{name}": HOME / name for name in ("hw3_cli.py", "hw3_pytest.py")}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def _template() -> dict[str, bytes]:
    beside = HOME / "student_template"
    folder = beside if beside.is_dir() else HOME / "grader" / "data" / "student_template"
    return _files(folder, ())


def _files(folder: Path, kinds: Sequence[str]) -> dict[str, bytes]:
    """Its files by path; of certain kinds, where they are given."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not {"__pycache__", ".pytest_cache"} & set(path.parts)
        and (not kinds or path.suffix in kinds)
    }


def _file(check: Check) -> str:
    """The file of a check, relative to the package."""
    return f"{check.run.__module__.partition('.')[2].replace('.', '/')}.py"


def _with_row(readme: bytes, part: contract.Part, checks: Iterable[Check]) -> bytes:
    """The template's README with a row for an optional part, after those of the others."""
    points = sum(check.points for check in checks if check.part == part.id)
    last = next(p for p in reversed(contract.PARTS) if not p.optional).file
    row = f"| `{part.file}` | {part.title[:1].lower()}{part.title[1:]} | {points:g} |\n".encode()
    return re.sub(rb"(\| `%b` .*\n)" % re.escape(last.encode()), rb"\1" + row, readme, count=1)


def _rules(assignment: Assignment, checks: Iterable[Check]) -> str:
    """The part of an assignment that students may know, as TOML; "" if it is the default one."""
    delivered = {
        check.id: check for check in declared(None) if not layout.for_instructors(_file(check))
    }
    kept = {check.id: check for check in checks}
    points = {
        i: c.points
        for i, c in kept.items()
        if c.points != delivered[i].points or contract.part(c.part).optional
    }
    packages = (
        [f"packages = {json.dumps(list(assignment.packages))}"] if assignment.packages else []
    )
    lines = [
        *packages,
        "[points]",
        *(f"{json.dumps(i)} = {number!r}" for i, number in points.items()),
    ]
    changed = {
        name: value
        for name, value in asdict(assignment.limits).items()
        if value != asdict(Limits())[name]
    }
    lines += ["[limits]", *(f"{name} = {value!r}" for name, value in changed.items())]
    for name, seconds in assignment.seconds.items():
        if name in kept or "." not in name:
            lines.append(f"[limits.{json.dumps(name)}]")
            lines += [f"{limit} = {value!r}" for limit, value in seconds.items()]
    return "\n".join(lines) + "\n" if len(lines) > 2 + len(packages) or packages else ""


def about() -> Metadata:
    """The metadata of a wheel that is handed out: our requirements, without those of tests."""
    project = HOME / "pyproject.toml"
    if project.is_file():  # the metadata of an editable installation may be old
        told = tomllib.loads(project.read_text("utf-8"))["project"]
        requires = list(told["dependencies"])
        python, summary, licence = told["requires-python"], told["description"], told["license"]
        scripts, plugins = told["scripts"], told.get("entry-points", {})
    else:
        ours = metadata.distribution("hw3-grader")
        requires = [r for r in ours.requires or () if "extra ==" not in r]
        python, summary = ours.metadata["Requires-Python"], ours.metadata["Summary"]
        licence = ours.metadata["License-Expression"] or ""
        groups = {e.group for e in ours.entry_points}
        plugins = {
            group: {e.name: e.value for e in ours.entry_points if e.group == group}
            for group in groups
        }
        scripts = plugins.pop("console_scripts")
    points = {"console_scripts": dict(scripts), **plugins}
    return Metadata("hw3-grader", "0", summary, python, requires, licence, points)


_TRIAL = """
import importlib, json, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import grader
for module in pkgutil.walk_packages(grader.__path__, "grader."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        # Theirs may be missing where it is not needed: pytest, or what walls take.
        if error.name.startswith(("grader", "reference")):
            raise
from grader.checks.framework import registry
assert grader.__file__.startswith(sys.argv[1]), grader.__file__
from grader.oracle.live import oracle
assert type(oracle.source).__name__ == "FrozenOracle", oracle.source
from grader.grading.assignment_toml import delivered
print(json.dumps({check.id: check.points for check in delivered().checks()}))
"""


def _try(bundle: Bundle) -> None:
    """Import the wheel in another process, and compare its checks with the intended ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file, content in bundle.inside.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-I", "-c", _TRIAL, str(folder)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        raise Unreleasable(f"what was made does not start ({last[0]}); nothing was written")
    found = json.loads(done.stdout.splitlines()[-1])
    meant = {check.id: check.points for check in bundle.checks}
    if found != meant:
        wrong = sorted({name for name, _ in found.items() ^ meant.items()})
        raise Unreleasable(f"what was made has other checks than meant: {', '.join(wrong[:5])}")
