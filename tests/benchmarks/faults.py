"""Faults planted in the grader itself, and whether a test notices: one that none does is named.

    pip install cosmic-ray
    python tests/benchmarks/faults.py --faults 40

Each fault changes one operator, comparison, constant or loop of a module of grading, checks, report
or intake, in a copy of the project.  The tests whose files import the module, or else what imports
it, run on it, those that take long last, and the samples on a fault in a check; for a fault that
those of every run miss, the weekly ones run, too.  It fails if a weekly test finds what they miss:
then a test of every run is weaker than it was before the two were told apart.
"""

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import environments  # noqa: E402

MINUTES = 20
"""In which the tests of a fault have to end; where they do not, nobody knows."""
NOT_ENDED = f"the tests did not end within {MINUTES} minutes"
ENVIRONMENT = ".venv"
LOADS = ROOT / "grader/checks/framework/registry.py"
"""What loads the modules with checks, which nothing imports by name."""
CHECKS = ROOT / "grader/checks"
SAMPLES = ROOT / "tests/test_submissions.py"
"""What grades samples on all checks, so that it runs every module of theirs."""
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
    """The test files that import a module, or else import what imports it."""
    files = [*ROOT.glob("grader/**/*.py"), *ROOT.glob("tests/*.py"), *ROOT.glob("tests/*/*.py")]
    names = {file: dotted(file) for file in files if "benchmarks" not in file.parts}
    uses = {file: imported(file) for file in names}
    near, importers, found = {module}, {module}, list[Path]()
    while importers and not found:
        known = {name for file in near for name in (names[file], file.stem)}
        importers = {file for file, imports in uses.items() if imports & known} - near
        found = sorted(file for file in importers if file.name.startswith("test_"))
        near |= importers
    if not found and module != LOADS:
        return tests_of(LOADS)
    if CHECKS in module.parents and SAMPLES not in found:
        found.append(SAMPLES)
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
        if changed and _is_another(changed, text):
            pairs = zip(text.splitlines(), changed.splitlines(), strict=False)
            line, (before, after) = next((n, p) for n, p in enumerate(pairs, 1) if p[0] != p[1])
            where = f"{module.relative_to(ROOT)}:{line}"
            yield module, f"{where}: {before.strip()}  ->  {after.strip()}", changed


def _is_another(changed: str, text: str) -> bool:
    """Whether it is Python, and another program."""
    try:
        return ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))
    except SyntaxError:  # some operators write what needs parentheses without them
        return False


def noticed(
    copy: Path, tests: Sequence[Path | str], marker: str, unfit: Collection[str] = ()
) -> str:
    """The first test that fails in the copy, or "" if none does.

    Args:
        copy: the project, with or without a fault, and an environment in which it is installed.
        tests: files of tests, or single ones.
        marker: which of them.
        unfit: tests that are left out.
    """
    python = copy / ENVIRONMENT / "bin" / "python"
    command = [python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", marker]
    chosen = [*map(str, tests), *(f"--deselect={test}" for test in unfit)]
    try:
        done = subprocess.run(
            [*command, *chosen], cwd=copy, capture_output=True, text=True, timeout=MINUTES * 60
        )
    except subprocess.TimeoutExpired:
        return NOT_ENDED
    if done.returncode in (0, 5):  # 5: no test has the marker
        return ""
    lines = done.stdout.splitlines()
    failed = (w for w in lines if w.startswith(("FAILED", "ERROR")))
    return next(failed, f"pytest: exit {done.returncode}").split(" - ")[0]


def project(folder: Path) -> Path:
    """A copy of the project in this folder, installed in an environment of its own."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=-1, text=True, check=True)
    for name in filter(None, files.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    environments.install(folder / ENVIRONMENT, folder, "--editable")
    return folder


def planted(copy: Path, module: Path, text: str, unfit: set[str]) -> tuple[str, str]:
    """What notices a fault: the marker of the tests that did, and the first; "" where none does.

    Args:
        copy: the project, as :func:`project` makes it.
        module: the module of ours that is changed.
        text: its text with the fault.
        unfit: tests that fail in a copy without a fault, too; those that do so here are added.
    """
    tests, target = tests_of(module), copy / module.relative_to(ROOT)
    try:
        for marker in ("not weekly", "weekly"):
            target.write_text(text, "utf-8")
            while found := noticed(copy, tests, marker, unfit):
                test = found.partition(" ")[2]
                target.write_bytes(module.read_bytes())
                if "tests/" not in test or not noticed(copy, [test], ""):
                    return marker, found
                unfit.add(test)
                target.write_text(text, "utf-8")
    finally:
        target.write_bytes(module.read_bytes())
    return "", ""


def main() -> int:
    """Plant the faults, run the tests, count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--after", type=int, default=0, help="leave out so many, done before")
    parser.add_argument("--jobs", type=int, default=1, help="copies of the project side by side")
    asked = parser.parse_args()
    chosen = list(islice(faults(random.Random(asked.seed)), asked.after, asked.faults))
    unfit, counted = set[str](), Counter[str]()
    copies: Queue[Path] = Queue()

    def judge(fault: tuple[Path, str, str]) -> tuple[str, str]:
        copy = copies.get()
        try:
            return planted(copy, fault[0], fault[2], unfit)
        finally:
            copies.put(copy)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.jobs) as pool:
        for number in range(asked.jobs):
            copies.put(project(Path(folder, str(number))))
        for fault, (when, what) in zip(chosen, pool.map(judge, chosen), strict=True):
            kind = "unknown" if what == NOT_ENDED else when or "missed"
            counted[kind] += 1
            print(f"{counted.total()}/{len(chosen)} {fault[1]}\n    {kind}: {what}", flush=True)
    print(f"\n{counted['not weekly']} of {len(chosen)} are found in every run")
    print(f"{counted['weekly']} are found by the week's run alone")
    print(f"{counted['missed']} are found by none")
    print(f"of {counted['unknown']} nobody knows, since {NOT_ENDED}")
    print(f"left out, since they fail in a copy without a fault: {sorted(unfit) or 'none'}")
    return bool(counted["weekly"])


if __name__ == "__main__":
    sys.exit(main())
