"""How often the mistakes of the sample submissions are named, and whether any honest one is.

    python tests/benchmarks/diagnoses.py           # a row per sample of a known mistake
    python tests/benchmarks/diagnoses.py --checks  # and what is said in each of its checks

A sample of ``fixtures/submissions`` says in its ``expected.toml`` by ``mistake`` which names are
right for it; one that passes every check is honest.  What counts is a check in which numbers are
wrong; checks that wait for another one are left out, as in grading.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import torch

from grader.checks import registry
from grader.checks.naming import named
from grader.records import Check
from grader.sandbox.session import InProcessSession

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SAMPLES = Path(__file__).parents[2] / "fixtures" / "submissions"
NAMES = ("rightly", "wrongly", "not at all")


def samples() -> dict[str, tuple[str, ...]]:
    """The samples with a known mistake and the honest ones: the names that are right for each."""
    found = {}
    for path in sorted(SAMPLES.glob("*/expected.toml")):
        expected = tomllib.loads(path.read_text(encoding="utf-8"))
        names = expected.get("mistake", ())
        honest = not expected.get("status") and "reason" not in expected
        if names or honest:
            found[path.parent.name] = (names,) if isinstance(names, str) else tuple(names)
    return found


def found_in(sample: str) -> list[tuple[Check, str]]:
    """The checks of a sample in which numbers are wrong, and the mistake that is named in each."""
    files = {path.name: path.read_bytes() for path in (SAMPLES / sample).glob("*.py")}
    session = InProcessSession(files)
    checks = [check for check in registry.load() if check.part != "gan"]
    try:
        return list(named(checks, session))
    finally:
        session.close()


def verdict(name: str, right: tuple[str, ...]) -> str:
    """One of ``NAMES``."""
    return NAMES[2] if not name else NAMES[0] if name in right else NAMES[1]


def main() -> int:
    """Print the table; 1 if a mistake was misnamed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checks", action="store_true", help="say what is said in each check")
    parser.add_argument("samples", nargs="*", help="these alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    total: Counter[str] = Counter()
    unnamed: list[str] = []
    print(f"{'sample':28}" + "".join(f"{name:>12}" for name in NAMES) + "  mistakes")
    for sample, right in samples().items():
        if options.samples and sample not in options.samples:
            continue
        found = found_in(sample)
        counts = Counter(verdict(name, right) for _, name in found)
        total += counts
        words = ", ".join(right) or "(honest)"
        print(f"{sample:28}" + "".join(f"{counts[n]:12}" for n in NAMES) + f"  {words}", flush=True)
        if options.checks:
            for check, name in found:
                print(f"    {check.id:70} {name or '-'}")
        functions = {check.function for check, _ in found}
        helped = {check.function for check, name in found if name in right}
        unnamed += [f"{sample}: {function}" for function in sorted(functions - helped)]
    print(f"{'all':28}" + "".join(f"{total[n]:12}" for n in NAMES))
    print("functions in which no check names the mistake:", *unnamed or ["none"], sep="\n    ")
    return bool(total[NAMES[1]])


if __name__ == "__main__":
    raise SystemExit(main())
