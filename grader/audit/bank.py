"""The bank: mutants of the reference, and the mistakes and honest submissions of a folder.

The folder holds ``submissions/`` and ``honest/``, each with one folder per submission, or a script
``make_submissions.py`` that writes both.  It also holds ``equivalent_mutants.toml``: the mutants
that no check can notice, each with a reason.  A sample is honest if it is in ``honest/``, or if its
``expected.toml`` lets it lose no check.
"""

from __future__ import annotations

import hashlib
import importlib.util
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.audit import mutants, uses
from grader.errors import BadBank
from grader.homework import contract
from grader.homework.contract import FUNCTIONS, PARTS
from grader.submissions import intake

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Bank", "Equivalent", "Specimen", "bank", "sample"]

EQUIVALENT = "equivalent_mutants.toml"
MAKER = "make_submissions.py"


@dataclass(frozen=True)
class Specimen:
    """One submission of the bank.

    Args:
        name: of the mutant or of the sample.
        kind: ``"mutant"``, ``"mistake"`` or ``"honest"``.
        files: what is graded, by name.
        functions: only their checks run.
        about: the diff of a mutant, or the first line of a sample's ``expected.toml``.
        mistakes: the names of what is wrong, if they are known.
        allowed: ids of the checks that a sample may lose.
        part: of the changed file, for a mutant.
        requires: a package that it imports beside those that are promised.
    """

    name: str
    kind: str
    files: Mapping[str, bytes]
    functions: tuple[str, ...]
    about: str = ""
    mistakes: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    part: str = ""
    requires: str = ""

    @property
    def key(self) -> str:
        """A digest of everything that its row depends on, except the grader."""
        digest = hashlib.sha256(repr((self.name, self.functions)).encode())
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}:{len(content)}:".encode() + content)
        return digest.hexdigest()[:24]


@dataclass(frozen=True)
class Equivalent:
    """Mutants that no check can notice, and why; in all functions unless some are named."""

    reason: str
    mutants: tuple[str, ...]
    functions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bank:
    """The specimens, and which of the mutants are equivalent to the reference."""

    specimens: tuple[Specimen, ...]
    equivalent: tuple[Equivalent, ...] = ()
    left_out: tuple[str, ...] = ()
    """Samples that need a package that is not here, in words."""

    def reason(self, mutant: str, function: str) -> str:
        """Why no check of a function can notice a mutant; empty if one should."""
        for one in self.equivalent:
            if mutant in one.mutants and (not one.functions or function in one.functions):
                return one.reason
        return ""


def bank(reference: Path, folder: Path | None, parts: Sequence[str] = ()) -> Bank:
    """The specimens that concern some parts (all, if none is named).

    Args:
        reference: the folder of the right solution that is mutated.
        folder: of the samples; ``None`` leaves only mutants.
        parts: ids of the homework's parts.

    Raises:
        BadBank: something in the folder cannot be used.
    """
    # What is wrong with the list is said before all the mutants are made, which takes seconds.
    equivalent = [] if folder is None else _equivalent(folder / EQUIVALENT)
    made = list(_mutants(reference, parts))
    samples: list[Specimen] = []
    left_out: list[str] = []
    if folder is not None:
        known = {mutant.name for mutant in made}
        _refuse_stale(folder / EQUIVALENT, equivalent, known, parts)
        made_by = (folder / MAKER).is_file()
        samples, left_out = _made(folder, parts) if made_by else _both(folder)
    chosen = [s for s in (_of_parts(s, parts) for s in (*made, *samples)) if s.functions]
    return Bank(tuple(chosen), tuple(equivalent), tuple(left_out))


def sample(specimens: Sequence[Specimen], number: int, seed: int) -> list[Specimen]:
    """Draw some of the specimens; they keep their order.

    Args:
        specimens: to draw from.
        number: how many, at most all of them.
        seed: the same seed draws the same specimens.

    Returns:
        Those drawn.
    """
    chosen = random.Random(seed).sample(range(len(specimens)), min(number, len(specimens)))
    return [specimens[i] for i in sorted(chosen)]


def _of_parts(specimen: Specimen, parts: Sequence[str]) -> Specimen:
    """The specimen with the functions of some parts only; none if its mistake is elsewhere."""
    if not parts:
        return specimen
    of = {f for f in specimen.functions if FUNCTIONS[f].part in parts}
    lost = {check.partition(".")[0] for check in specimen.allowed}
    if specimen.kind == "mistake" and not lost & of:
        of = set()
    return Specimen(**{**vars(specimen), "functions": _ordered(of)})


def _ordered(functions: set[str]) -> tuple[str, ...]:
    return tuple(f for f in FUNCTIONS if f in functions)


def _mutants(reference: Path, parts: Sequence[str]) -> Iterator[Specimen]:
    """The mutants of the reference; those of an optional part only if it is named."""
    files = [part.file for part in PARTS if not part.optional or part.id in parts]
    sources = {
        name: (reference / name).read_text("utf-8")
        for name in files
        if (reference / name).is_file()
    }
    users = uses.users(sources)
    contents = {path.name: path.read_bytes() for path in reference.glob("*.py")}
    for file, source in sources.items():
        part = contract.part_of_file(file)
        assert part is not None
        for mutant in mutants.mutants(file, source):
            changed = {**contents, file: mutant.source.encode()}
            functions = _ordered(users[file, mutant.where])
            yield Specimen(mutant.name, "mutant", changed, functions, mutant.diff, part=part.id)


def _equivalent(path: Path) -> list[Equivalent]:
    if not path.is_file():
        return []
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadBank(f"{path} is no TOML: {error}") from None
    rows = document.pop("equivalent", [])
    try:
        made = [
            Equivalent(row["reason"], tuple(row["mutants"]), tuple(row.get("functions", ())))
            for row in rows
        ]
    except (KeyError, TypeError, AttributeError):
        document["equivalent"] = rows
        made = []
    if document:
        raise BadBank(
            f"{path} may hold [[equivalent]] tables alone, each with a reason and mutants "
            f"(got {next(iter(document))!r})"
        )
    unknown = sorted({f for one in made for f in one.functions} - set(FUNCTIONS))
    if unknown:
        raise BadBank(f"{path}: the homework has no function {unknown[0]!r}")
    return made


def _refuse_stale(
    path: Path, equivalent: Sequence[Equivalent], known: set[str], parts: Sequence[str]
) -> None:
    """Refuse names that there are no more; those of an optional part only if it is named."""
    left_out = tuple(f"{Path(p.file).stem}." for p in PARTS if p.optional and p.id not in parts)
    listed = {name for one in equivalent for name in one.mutants}
    stale = sorted(name for name in listed - known if not name.startswith(left_out))
    if stale:
        raise BadBank(
            f"{path} names {len(stale)} mutant(s) that do not exist, {stale[0]} first: the "
            "reference has changed; remove them, and look at what survives now"
        )


def _made(folder: Path, parts: Sequence[str]) -> tuple[list[Specimen], list[str]]:
    """The submissions that the folder's script makes; of an optional part if it is named."""
    optional = [part.id for part in PARTS if part.optional and part.id in parts]
    with tempfile.TemporaryDirectory() as made:
        command = [sys.executable, str(folder / MAKER), made]
        command += [word for part in optional for word in ("--optional", part)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        if done.returncode:
            last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
            raise BadBank(f"{folder / MAKER} made no submissions: {last}")
        return _both(Path(made))


def _both(folder: Path) -> tuple[list[Specimen], list[str]]:
    """The samples and honest variants of a folder, and those that need a missing package."""
    samples: list[Specimen] = []
    left_out: list[str] = []
    for name in ("submissions", "honest"):
        if (folder / name).is_dir():
            found, missing = _samples(folder / name)
            samples += found
            left_out += missing
    return samples, left_out


def _samples(folder: Path) -> tuple[list[Specimen], list[str]]:
    """The submissions of a folder, and those that need a missing package."""
    found, missing = [], []
    for submission in intake.read_many([folder]):
        path = folder / submission.id / "expected.toml"
        text = path.read_text("utf-8") if path.is_file() else ""
        expected = tomllib.loads(text)
        needs = expected.get("requires")
        if needs and importlib.util.find_spec(needs) is None:
            missing.append(f"{submission.id} needs {needs}")
            continue
        if submission.reason:
            continue
        status = expected.get("status", {})
        honest = folder.name == "honest" or not status
        there = {part.id for part in PARTS if part.file in submission.files}
        functions = {f for f in FUNCTIONS if FUNCTIONS[f].part in there}
        if not honest and there <= {part.id for part in PARTS if part.optional}:
            functions &= {check.partition(".")[0] for check in status}  # the others are the same
        label = expected.get("mistake", ())
        found.append(
            Specimen(
                submission.id,
                "honest" if honest else "mistake",
                dict(submission.files),
                _ordered(functions),
                text.partition("\n")[0].lstrip("# "),
                (label,) if isinstance(label, str) else tuple(label),
                tuple(status),
                requires=needs or "",
            )
        )
    return found, missing
