"""Puts every diagnosis to the test: ``python tests/benchmarks/diagnoses.py [--every N] [--said]``.

Wrong submissions are graded, one function each: every known way to make every known mistake, the
ideas and samples of ``fixtures/``, and mutants of the reference.  What the grader says is wrong is
then asked of calls that no check makes.  It is right if the mistake explains every wrong answer to
those, and contradicts no right one; a factor is right if those differ by the same.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "fixtures")]

from diagnosed_calls import CALLS, ORACLE  # noqa: E402
from ideas import IDEAS  # noqa: E402

from cases import SAMPLES, load  # noqa: E402
from cases.mistaken import with_mistakes  # noqa: E402
from grader.audit import mutants, uses  # noqa: E402
from grader.calls.validate import WrongKind  # noqa: E402
from grader.checks.framework import from_failure, registry  # noqa: E402
from grader.diagnosis import match  # noqa: E402
from grader.diagnosis.sentences import SENTENCES  # noqa: E402
from grader.grading import engine  # noqa: E402
from grader.homework import contract  # noqa: E402
from grader.oracle.live import parts_of  # noqa: E402
from grader.records import Status  # noqa: E402
from grader.sandbox.host.session import InProcessSession  # noqa: E402
from grading import CHECKS, few_cases  # noqa: E402
from reference.mistakes import MISTAKES  # noqa: E402

__all__ = ["Wrong", "judged", "main", "wrong_submissions"]

NAMES = {sentence: name for name, sentence in SENTENCES.items()}
FILES = [part.file for part in contract.PARTS[:3]]
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Wrong:
    """A submission in which something is wrong with a function; its name says what."""

    kind: str
    name: str
    function: str
    files: Files


def wrong_submissions() -> Iterator[Wrong]:
    """All that the bank has for the functions of parts 1 to 3."""
    yield from _known()
    yield from _ideas()
    yield from _samples()
    yield from _mutants()


def _known() -> Iterator[Wrong]:
    plain = load("plain").files
    for mistake in MISTAKES:
        for function in mistake.functions:
            file = contract.part(contract.function(function).part).file
            for way in mistake.ways:
                text = with_mistakes(plain[file].decode(), {function: way.__name__})
                name = f"{mistake.name}.{way.__name__}"
                yield Wrong("known mistake", name, function, {**plain, file: text.encode()})


def _ideas() -> Iterator[Wrong]:
    for idea in IDEAS.values():
        if idea.function in CALLS:
            yield Wrong("idea", idea.name, idea.function, idea.files)


def _samples() -> Iterator[Wrong]:
    for name in SAMPLES:
        sample = load(name)
        lost = dict.fromkeys(check.partition(".")[0] for check in sample.expected.status)
        for function in lost:
            if function in CALLS:
                yield Wrong("sample", name, function, sample.files)


def _mutants() -> Iterator[Wrong]:
    sources = {name: (ROOT / "reference" / name).read_text("utf-8") for name in FILES}
    users = uses.users(sources)
    contents = {name: source.encode() for name, source in sources.items()}
    for file, source in sources.items():
        for mutant in mutants.mutants(file, source):
            for function in sorted(users[file, mutant.where] & CALLS.keys()):
                yield Wrong(
                    "mutant", mutant.name, function, {**contents, file: mutant.source.encode()}
                )


def said(wrong: Wrong) -> list[str]:
    """What the grader says is wrong with the function, in public and then in hidden checks."""
    checks = [c for c in CHECKS if c.function == wrong.function and not c.long]
    found = []
    with few_cases(), registry.without_shrinking():
        for outcome in engine.run(checks, lambda part: InProcessSession(wrong.files)):
            if outcome.status in (Status.FAILED, Status.PARTIAL):
                found.append(outcome.feedback.diagnosis)
    return list(dict.fromkeys(filter(None, found)))


def judged(wrong: Wrong) -> list[tuple[str, str]]:
    """Each thing that is said, after ``rightly``, ``wrongly`` or ``untested``; or ``not named``.

    Untested is a sentence that a check says of its own case, and one of a function whose answers to
    the calls here are all right.
    """
    words = said(wrong)
    if not words:
        return [("not named", "")]
    known = _answers(wrong)
    return [(_verdict(sentence, known), sentence) for sentence in words]


def _verdict(sentence: str, known: list[match.Answer]) -> str:
    if not any(answer.wrong for answer in known):
        return "untested"
    if sentence in NAMES:
        name = NAMES[sentence]
        true_of = {name, *match.COVERS.get(name, ())}
        return "rightly" if true_of & match.names_left(known) else "wrongly"
    if not any(words in sentence for words in ("every", "divided", "multiplied")):
        return "untested"
    factor = match.factor(known)
    return "rightly" if factor[1:] == sentence[1:].rstrip(".") else "wrongly"


def _answers(wrong: Wrong) -> list[match.Answer]:
    known = []
    with closing(InProcessSession(wrong.files)) as session:
        for call in CALLS[wrong.function]:
            reply = session.call(call)
            if reply.error is not None:
                continue
            try:
                given = parts_of(call, reply.value)
            except WrongKind:
                continue
            sizes = from_failure.sizes(call)
            known.append(match.Answer(wrong.function, given, ORACLE.mistaken(call), sizes))
    return known


def main() -> int:
    """Print how often what is wrong was named rightly, wrongly and not at all, by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take one submission of so many")
    parser.add_argument("--function", default="", help="only of this function")
    parser.add_argument("--kind", default="", help="only of this kind")
    parser.add_argument("--said", action="store_true", help="print each submission and sentence")
    wish = parser.parse_args()
    chosen = [
        wrong
        for wrong in list(wrong_submissions())[:: wish.every]
        if wish.function in ("", wrong.function) and wish.kind in ("", wrong.kind)
    ]
    counts: dict[str, Counter[str]] = {}
    for wrong in chosen:
        for verdict, sentence in judged(wrong):
            counts.setdefault(wrong.kind, Counter())[verdict] += 1
            if wish.said or verdict == "wrongly":
                print(f"{verdict}: {wrong.name}, {wrong.function}: {sentence}", flush=True)
    for kind, found in counts.items():
        print(f"{kind}: {', '.join(f'{found[v]} {v}' for v in _VERDICTS)}")
    total = sum(counts.values(), Counter())
    print(f"all {len(chosen)}: {', '.join(f'{total[v]} {v}' for v in _VERDICTS)}")
    return 1 if total["wrongly"] else 0


_VERDICTS = ("rightly", "wrongly", "not named", "untested")


if __name__ == "__main__":
    sys.exit(main())
