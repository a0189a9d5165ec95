"""Faults planted in the grader itself, and whether a test notices: one that none does is named.

    pip install cosmic-ray
    python tests/benchmarks/faults.py --faults 40

Each fault changes one operator, comparison, constant or loop of a module of grading, checks, report
or intake, in a copy of the project.  The tests whose files import the module, nearest first, run on
it; for a fault that those of every run miss, the weekly ones run, too.  It fails if a weekly test
finds what they miss: then a test of every run is weaker than it was before the two were told apart.
"""

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("grader/grading", "grader/checks", "grader/report", "grader/submissions")
KINDS = (
    *("AddNot", "NumberReplacer", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceUnaryOperator"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ReplaceComparisonOperator"),
    *("ReplaceFalseWithTrue", "ReplaceTrueWithFalse", "ReplaceBinaryOperator"),
    "ZeroIterationForLoop",
)


def imported(file: Path) -> set[str]:
    """The dotted names that a file imports: modules, and what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def tests_of(module: Path) -> list[Path]:
    """The test files that import a module, or import what imports it: the nearest first."""
    files = [*ROOT.glob("grader/**/*.py"), *ROOT.glob("tests/*.py"), *ROOT.glob("tests/*/*.py")]
    names = {file: dotted(file) for file in files if "benchmarks" not in file.parts}
    uses = {file: imported(file) for file in names}
    near, found = {module}, []
    for _ in range(3):
        known = {name for file in near for name in (names[file], file.stem)}
        importers = {file for file, imports in uses.items() if imports & known} - near
        found += sorted(f for f in importers if f.name.startswith("test_") and f not in found)
        near |= importers
        if found:
            break
    return [file.relative_to(ROOT) for file in found]


def dotted(file: Path) -> str:
    """The name that a file is imported by."""
    relative = file.relative_to(ROOT)
    inside = relative if relative.parts[0] == "grader" else relative.relative_to(relative.parts[0])
    return ".".join(inside.with_suffix("").parts).removesuffix(".__init__")


def faults(chance: random.Random) -> Iterator[tuple[Path, str, str]]:
    """Without end: a module, what is changed in words, and the module's text with the change."""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    kinds: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for name in plugins.operator_names():
        kind = name.removeprefix("core/").partition("_")[0]
        if kind in kinds and "BitOr" not in name:  # a type's union
            kinds[kind].append(name)
    modules = [m for folder in FOLDERS for m in sorted((ROOT / folder).rglob("*.py"))]
    while True:
        module = chance.choice(modules)
        text = module.read_text("utf-8")
        name = chance.choice(kinds[chance.choice(KINDS)])
        operator = plugins.get_operator(name)
        changed = mutate_code(text, operator(), chance.randrange(6))
        if changed and ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text)):
            pairs = zip(text.splitlines(), changed.splitlines(), strict=False)
            line, (before, after) = next((n, p) for n, p in enumerate(pairs, 1) if p[0] != p[1])
            where = f"{module.relative_to(ROOT)}:{line}"
            yield module, f"{where}: {before.strip()}  ->  {after.strip()}", changed


def noticed(
    copy: Path, tests: Sequence[Path | str], marker: str, unfit: Collection[str] = ()
) -> str:
    """The first test that fails in the copy, or "" if none does.

    Args:
        copy: the project, with or without a fault.
        tests: files of tests, or single ones.
        marker: which of them.
        unfit: tests that are left out.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", marker]
    chosen = [*map(str, tests), *(f"--deselect={test}" for test in unfit)]
    try:
        done = subprocess.run(
            [*command, *chosen], cwd=copy, capture_output=True, text=True, timeout=600
        )
    except subprocess.TimeoutExpired:
        return "did not end within ten minutes"
    if done.returncode in (0, 5):  # 5: no test has the marker
        return ""
    lines = done.stdout.splitlines()
    failed = (w for w in lines if w.startswith(("FAILED", "ERROR")))
    return next(failed, f"pytest: exit {done.returncode}").split(" - ")[0]


def main() -> int:
    """Plant the faults, run the tests, count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    number = asked.faults
    missed, weekly = [], []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        files = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, stdout=-1, text=True, check=True
        )
        for name in filter(None, files.stdout.split("\0")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
        planted, unfit = faults(random.Random(asked.seed)), set[str]()
        for count in range(1, number + 1):
            module, words, text = next(planted)
            tests = tests_of(module)
            target = copy / module.relative_to(ROOT)
            target.write_text(text, "utf-8")
            found, when = "", ""
            for marker in ("not weekly", "weekly"):
                while found := noticed(copy, tests, marker, unfit):
                    test = found.partition(" ")[2]
                    target.write_bytes(module.read_bytes())
                    if "tests/" not in test or not noticed(copy, [test], ""):
                        break
                    unfit.add(test)  # it fails in a copy without a fault, too
                    target.write_text(text, "utf-8")
                if found:
                    break
                when = "only in the week's run: "
            if when:
                missed.append(words)
                weekly += [words] * bool(found)
            target.write_bytes(module.read_bytes())
            said = f"{when}{found}" if found else "nothing noticed it"
            print(f"{count}/{number} {words}\n    {said}", flush=True)
    print(f"\n{number - len(missed)} of {number} are found in every run")
    print(f"{len(weekly)} of the others are found by the week's run")
    print(f"left out, since they fail in a copy without a fault: {sorted(unfit) or 'none'}")
    return bool(weekly)


if __name__ == "__main__":
    sys.exit(main())
