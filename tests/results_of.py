"""Folders of results without grading anybody, and the tables that platforms export of a class."""

from dataclasses import replace

from grader.grading import results, rules
from grader.grading.results import Ran, Result, Terms
from grader.grading.weights import Assignment
from grader.records import Check, Feedback, Outcome, Status, Submission
from grader.report.writers.files import write_text

CHECK = Check("split.right", "part1", "split", "Right.", 100.0, False, (), None, lambda s: None)


def result(out, id, name, earned=90.0, possible=100.0, *, undecided=0.0, **about):
    """A student with so many points; ``about`` is the submission's, or the report's."""
    of_report = {key: about.pop(key) for key in ("stale", "handed_in") if key in about}
    status, fraction = Status.PARTIAL, earned / possible
    if fraction == 1.0:
        status = Status.PASSED
    elif fraction == 0.0:
        status = Status.FAILED
    if undecided:
        status, fraction = Status.INVALID, 0.0
    check = replace(CHECK, points=possible)
    outcome = Outcome(check.id, status, fraction, Feedback())
    kept(out, Submission(id, name, {}, f"digest of {id}", **about), (check, outcome), **of_report)
    write_text(out / id / "report.html", f"<p>page of {name}")
    write_text(out / id / "instructor.html", f"<p>all about {name}")


def kept(out, submission, *pairs, **about):
    """A submission's result, as a run leaves it; the last one's checks are the assignment's."""
    ran = tuple(Ran(check, outcome, Terms(submission.digest)) for check, outcome in pairs)
    about.setdefault("sandbox", {"mode": "bubblewrap", "timeouts": 0})
    results.write(out / submission.id, Result(submission, ran, **about))
    checks = tuple(check for check, _ in pairs)
    modules = {check.id: "grader.checks.part1.influence" for check in checks}
    rules.write(out, rules.Rules(Assignment(), checks, modules))


NAMES = [
    *("Ada Lovelace", "Žofie Šťastná", "Seán O'Hara", "Anne-Marie d’Arc", "李 雷", "韩 梅梅"),
    *(
        "Анна Каренина",
        "Лев Толстой",
        "Jörg Müller",
        "Jorg Muller",
        "François Noël",
        "Zoë Ångström",
    ),
]
"""Accents, apostrophes, three scripts, and two who differ in a dot."""


def people(number=60):
    """So many people: id, login, e-mail, first and last name; two share a name."""
    made = []
    for n in range(number):
        first, _, last = NAMES[n % len(NAMES)].partition(" ")
        if n >= len(NAMES) and n % 7:
            last = f"{last} {chr(65 + n % 26)}{n}"
        made.append((str(1000 + n), f"u{n:03}", f"u{n:03}@uni.example", first, last))
    return made


def points(n):
    """What the person of that number earned: a share of 100, as a mark is made of a fraction."""
    return 100 * (round((n * 7.335) % 100, 3) / 100)
