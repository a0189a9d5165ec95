"""Puts every diagnosis to the test: ``python tests/benchmarks/diagnoses.py [--mutants 10]``.

Wrong submissions are graded, one function each: every known way to make every known mistake, the
ideas and samples of ``fixtures/``, and mutants of the reference.  What the grader says is wrong is
then asked of calls that no check makes.  It is right if the mistake explains every wrong answer to
those, and contradicts no right one; a factor is right if those differ by the same.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
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
from grader.oracle import live  # noqa: E402
from grader.oracle.live import parts_of  # noqa: E402
from grader.records import Status  # noqa: E402
from grader.sandbox.host.session import InProcessSession  # noqa: E402
from grading import CHECKS, few_cases  # noqa: E402
from reference.mistakes import MISTAKES  # noqa: E402

__all__ = ["Wrong", "judged", "main", "wrong_submissions"]

NAMES = {sentence: name for name, sentence in SENTENCES.items()}
FILES = [part.file for part in contract.PARTS[:3]]
Files = Mapping[str, bytes]
SECONDS = 60
"""Of processor time for a submission: some mutants never end."""
_VERDICTS = ("wrongly", "untested", "rightly", "not named", "not wrong")


@dataclass(frozen=True)
class Wrong:
    """A submission in which something is wrong with a function; its name says what."""

    kind: str
    name: str
    function: str
    files: Files


def wrong_submissions(every: int = 1) -> Iterator[Wrong]:
    """All that the bank has for the functions of parts 1 to 3; one mutant of so many."""
    yield from _known()
    yield from _ideas()
    yield from _samples()
    yield from islice(_mutants(), 0, None, every)


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


def judged(wrong: Wrong) -> tuple[str, list[str]]:
    """A verdict on what the grader says is wrong with the function, and what it says.

    ``not wrong``: no check fails.  ``not named``: some do, and it says nothing.  ``wrongly``: a
    sentence is false.  ``untested``: nobody can tell here, because a check says it of its own case,
    or because the function's answers to the calls here are all right.  Otherwise ``rightly``.
    """
    sentences = _said(wrong)
    if sentences is None:
        return "not wrong", []
    known = _answers(wrong) if sentences else []
    found = {_verdict(sentence, known) for sentence in sentences} or {"not named"}
    return min(found, key=_VERDICTS.index), sentences


def _said(wrong: Wrong) -> list[str] | None:
    """What is said in public and in hidden checks; ``None`` if none of them fails."""
    checks = [c for c in CHECKS if c.function == wrong.function and not c.long]
    with few_cases(), registry.without_shrinking():
        ended = list(engine.run(checks, lambda part: InProcessSession(wrong.files)))
    if all(outcome.status is Status.PASSED for outcome in ended):
        return None
    return list(dict.fromkeys(filter(None, (outcome.feedback.diagnosis for outcome in ended))))


def _verdict(sentence: str, known: list[match.Answer]) -> str:
    if not any(answer.wrong for answer in known):
        return "untested"
    if sentence in NAMES:
        name = NAMES[sentence]
        true_of = {name, *match.COVERS.get(name, ())}
        return "rightly" if true_of & match.names_left(known) else "wrongly"
    left = match.factors_left(known)
    if any(words in sentence for words in ("every value", "Every value", "Every sign")):
        return "rightly" if sentence[1:].rstrip(".") in {one[1:] for one in left} else "wrongly"
    return "untested"


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


class TooLong(BaseException):
    """A submission ran for too long."""


def _too_long(*_: object) -> None:
    raise TooLong


def _judged_in_time(wrong: Wrong) -> tuple[str, list[str]]:
    signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        return judged(wrong)
    except TooLong:
        return "not named", []
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _table(found: Mapping[str, Counter[str]]) -> str:
    rows = {kind: [counts[verdict] for verdict in _VERDICTS] for kind, counts in found.items()}
    rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    lines = [f"| {' | '.join(('kind', *_VERDICTS))} |", f"|---{'|---:' * len(_VERDICTS)}|"]
    lines += [f"| {' | '.join(map(str, (kind, *row)))} |" for kind, row in rows.items()]
    return "\n".join(lines)


def main() -> int:
    """Print how often what is wrong was named rightly, wrongly and not at all, by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=10, help="take one mutant of so many")
    parser.add_argument("--function", default="", help="only of this function")
    parser.add_argument("--kind", default="", help="only of this kind")
    parser.add_argument("--said", action="store_true", help="print each submission and sentence")
    parser.add_argument("--log", type=Path, help="keep verdicts here, and go on with the rest")
    wish = parser.parse_args()
    os._exit = sys.exit  # a submission runs in this process, and must not end it
    live.oracle.source.remembered = ORACLE.remembered = 10_000
    before = {}
    if wish.log and wish.log.exists():
        lines = map(json.loads, wish.log.read_text("utf-8").splitlines())
        before = {tuple(line[:3]): (line[3], line[4]) for line in lines}
    found: dict[str, Counter[str]] = {}
    order = list(CALLS).index
    for wrong in sorted(wrong_submissions(wish.mutants), key=lambda one: order(one.function)):
        if wish.function not in ("", wrong.function) or wish.kind not in ("", wrong.kind):
            continue
        place = wrong.kind, wrong.name, wrong.function
        verdict, sentences = before.get(place) or _judged_in_time(wrong)
        found.setdefault(wrong.kind, Counter())[verdict] += 1
        if wish.log and place not in before:
            with wish.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps([*place, verdict, sentences]) + "\n")
        if wish.said or verdict == "wrongly":
            print(f"{verdict}: {wrong.name}, {wrong.function}: {' '.join(sentences)}", flush=True)
    print(_table(found))
    return 1 if any(counts["wrongly"] for counts in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
