"""The command ``hw3 grade``."""

from __future__ import annotations

import errno
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from grader.cli.changes import changed_marks, reused, without_time
from grader.cli.errors import PASSED, UNDECIDED, path_words, writing
from grader.cli.options import (
    choose_walls,
    console,
    cores,
    known_part,
    of_assignment,
    of_part,
    of_walls,
    progress_bar,
    some_checks,
    writable,
)
from grader.errors import Refused, Unwritten
from grader.grading.weights import Assignment, drawn_seed
from grader.homework.contract import PARTS
from grader.records import Submission
from grader.report import numbers
from grader.report.deliver import ForInstructor
from grader.sandbox.host import process
from grader.sandbox.isolation.modes import UNTRIED
from grader.submissions import intake
from grader.submissions.found import Class, RosterPerson
from grader.submissions.roster import read_roster
from grader.text import one_line, shown

__all__ = ["grade"]

EVERY = 20.0
"""Seconds after which the class's page is written again while a run goes on."""


WHO = ("name", "person", "email", "login")
"""What a roster knows of a submission's author."""


ELSEWHERE = (
    "This system cannot isolate them. Grade other people's code in a container or in WSL: "
    "grader/sandbox/ELSEWHERE.md says how."
)


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for results.")
@of_part
@click.option("--roster", type=click.Path(path_type=Path), help="The people of the class: a CSV.")
@click.option("--scheduler", metavar="ADDRESS", help="Grade on the workers of a Dask scheduler.")
@click.option("--jobs", type=click.IntRange(1), help="Submissions at a time (default: cores).")
@click.option("--regrade", is_flag=True, help="Grade again what already has a result.")
@of_assignment
@of_walls
def grade(
    sources: tuple[Path, ...],
    out: Path,
    part: str,
    roster: Path | None,
    scheduler: str | None,
    jobs: int | None,
    regrade: bool,
    assignment: Assignment,
    sandbox: str,
) -> None:
    """Grade submissions: SOURCES are submission folders, folders of them, or archives.

    Writes index.html and gradebook.csv to the folder OUT, and report.html (for the student),
    instructor.html and result.json for each submission.  An interrupted run continues where it
    stopped.  OUT keeps the results of all runs: grade late ones, one student or one part into the
    same folder.
    """
    from grader.gradebook import lateness, lock, place, questions
    from grader.grading import batch

    known_part(part)
    if out.exists() and not out.is_dir():
        raise Refused(f"{path_words(out)} is a file; name a folder for the results")
    writable(out / "index.html")
    place.apart(sources, out)
    if missing := assignment.not_installed:
        names = " ".join(missing)
        raise Refused(
            f"the assignment lets submissions import {', '.join(missing)}, which this machine does "
            f"not have: pip install {names}"
        )
    decisions = questions.decisions(questions.read(out))
    people = read_roster(roster) if roster is not None else None
    class_ = intake.read_class(sources, roster=people, decisions=decisions)
    lateness.refuse(assignment.late, class_.submissions)
    # To try them takes longer than to see that nothing is left to do.
    untried = sandbox != "none" and (out.exists() or scheduler is not None)
    walls = UNTRIED if untried else choose_walls(sandbox)
    job = batch.Job(walls, part, assignment, regrade)
    checks = assignment.checks()
    some_checks(checks, part)
    with lock.locked(out):
        run = _Run(class_, job, out, Console(stderr=True, highlight=False), decisions)
        if run.left and scheduler is not None:
            run.cluster = _cluster(scheduler, sandbox)
        elif run.left and walls is UNTRIED:
            run.job = replace(job, walls=choose_walls(sandbox))
        if walls.unsandboxed:
            run.say("UNSANDBOXED: submissions run with your rights.", "bold red")
            if not process.FORKS:
                run.say(ELSEWHERE)
        if assignment.seed is None and any(c.hidden and part in ("", c.part) for c in checks):
            run.say(
                "Hidden cases are drawn from the default seed, which anybody can read: "
                "set one of your own in an assignment.toml (--assignment). For example, drawn just "
                f'now: seed = "{drawn_seed()}"'
            )
        try:
            status = run.all(jobs or (cores() if run.cluster is None else 0), roster is not None)
        finally:
            if run.cluster is not None:
                run.cluster.close()
        raise SystemExit(status)


def _cluster(address: str, sandbox: str) -> Any:
    from grader.grading.cluster import Cluster

    return Cluster(address, sandbox)


class _Run:
    """One run on a folder of results that holds what earlier runs wrote."""

    def __init__(
        self, class_: Class, job: Any, out: Path, errors: Console, decisions: Mapping[str, str]
    ) -> None:
        from grader.gradebook import book, history, state
        from grader.grading import rules

        self.class_, self.job, self.out, self.errors = class_, job, out, errors
        self.decisions = decisions
        self.layout = "; ".join(class_.layout)
        asked = {job.part} if job.part else {check.part for check in job.assignment.checks()}
        self.summary = class_.sum_in_words([part.file for part in PARTS if part.id in asked])
        self.here = {submission.id: submission for submission in class_.submissions}
        rules.refuse_newer(out)
        self.plans: dict[str, Any] = {}
        self.state, self.marks = state.read(out), history.last(out)
        self.book = book.read_book(out, rules.rules_of(job.assignment), self._results())
        self.left = [one for one in class_.submissions if self.plans[one.id].why]
        self.failed: list[tuple[str, str]] = []
        self.cluster: Any = None
        self.changed: Sequence[Any] = ()

    def _results(self) -> Iterator[Any]:
        """The results that count, one after the other; and the plan of each submission."""
        from grader.grading import results
        from grader.grading.reuse import planned

        found: dict[str, Any] = {}
        same: dict[str, Any] = {}  # a class has few different reasons

        def plan(one: Submission, result: Any) -> Any:
            made = planned(self.job.plan(one, result), one.digest)
            return replace(made, why=same.setdefault(repr(made.why), made.why))

        for result in results.read_all(self.out, self.here):
            key = result.submission.id
            if key in self.here:
                found[key] = plan(self.here[key], result)
            # A result on other files is no result of what is graded now.
            if key not in found or found[key].fits:
                yield result
        self.plans = {key: found.get(key) or plan(one, None) for key, one in self.here.items()}

    def say(self, words: str, style: str = "") -> None:
        """A line for the instructor."""
        self.errors.print(Text(words, style))

    def all(self, jobs: int, has_roster: bool) -> int:
        """Grade what is left, and show the class; the exit status.

        Raises:
            Refused: it was stopped, or a file cannot be written; what is done is kept.
        """
        self._say_what_was_read()
        for words in without_time(self.job.assignment.late, list(self.here.values())):
            self.say(words, "yellow")
        stopped: KeyboardInterrupt | OSError | None = None
        started = time.monotonic()
        try:
            self._begin(has_roster)
            self._grade(jobs)
        except (KeyboardInterrupt, Unwritten) as why:
            stopped = why
        seconds = self.state.seconds + time.monotonic() - started
        try:
            self._end(replace(self.state, seconds=seconds), over=stopped is None)
        except OSError as error:
            stopped = stopped or error
        if stopped:
            waiting = {one.id for one in self.state.waiting}
            done = sum(key not in waiting for key in self.here)
            raise _stopped(stopped, f"{done} of {len(self.here)} are graded", self.out)
        return self._show()

    def _say_what_was_read(self) -> None:
        if self.layout:
            self.say(f"Read as {one_line(self.layout, 1000)}.")
        self.say(f"{one_line(self.summary, 1000)}.")
        total = len(self.here)
        if len(self.left) < total:
            kept = total - len(self.left)
            self.say(f"{kept} of {total} have a result already (--regrade ignores it).")
        for words in reused(list(self.plans.values())):
            self.say(words)

    def _begin(self, has_roster: bool) -> None:
        """Say in every file who is not graded yet, before anybody is."""
        from grader.gradebook import book, questions, state
        from grader.gradebook.lateness import is_excused
        from grader.grading import rules
        from grader.report.analysis.roll import EXCUSED, NOT_HANDED_IN, WithoutResult

        class_ = self.class_
        for question in class_.questions:
            if words := self.decisions.get(question.id, ""):
                self.say(
                    f"The decision {shown(words)} about {shown(question.id)} does not settle it; "
                    f"there are: {one_line('; '.join(question.options), 400)}.",
                    "yellow",
                )

        def status(person: RosterPerson) -> str:
            return EXCUSED if is_excused(person.allowed) else NOT_HANDED_IN

        absent = [
            WithoutResult("", p.name or p.id or p.email, status(p), p.id, p.email, p.login)
            for p in class_.absent
        ]
        self.state = replace(
            # Of a run that was killed, some are done whom its state still waits for.
            self.state.graded(self.here.keys()).expecting(_without(self.left)),
            absent=tuple(absent) if has_roster else self.state.absent,
            layout=self.layout,
            summary=self.summary,
            ignored=class_.ignored,
            unknown=class_.unknown,
        )
        with writing(self.out):
            self._keep_files()
            self._keep_about(has_roster)
            rules.write(self.out, self.book.rules)
            state.write(self.out, self.state)
            questions.write(self.out, class_.questions, {*self.here, *class_.groups})
            if self.left:  # else the class is written at once, when all is over
                book.write_class(self.out, self.book, self.state, over=False)

    def _keep_files(self) -> None:
        """Keep the files of results that an older version wrote, which kept none."""
        from grader.report.writers import handed_in

        for key in self.here.keys() & self.book.reports.keys():
            if not (self.out / key / handed_in.FILE).is_file():
                handed_in.write(self.out / key, self.here[key].files)

    def _grade(self, jobs: int) -> None:
        from grader.gradebook import book, pages
        from grader.grading import groups

        others = groups.members(self.left, self.plans)
        given = {one.id for members in others.values() for one in members}
        left = [one for one in self.left if one.id not in given]
        shown = started = time.monotonic()
        with progress_bar() as progress:
            task = progress.add_task("grading", total=len(left))
            with closing(self._graded(left, jobs)) as graded:
                for done, (submission, problem) in enumerate(graded, 1):
                    for one in (submission, *others.get(submission.id, ())):
                        if problem:
                            self.failed.append((one.id, problem))
                        elif one is submission or groups.give(submission, one, self.out):
                            self._take(one.id)
                            self.state = self.state.graded({one.id})
                            with writing(self.out):
                                pages.write_all(self.out, self.book, [one.id])
                    now = time.monotonic()
                    rest = _left(now - started, done, left)
                    words = one_line(submission.id, 40) + (f", {rest} left" if rest else "")
                    progress.update(task, advance=1, description=words)
                    if now - shown > EVERY and done < len(left):
                        said = f"{rest}, at {time.strftime('%H:%M')}"
                        with writing(self.out):
                            book.write_class(self.out, self.book, self.state, over=False, left=said)
                        shown = now

    def _graded(self, left: Sequence[Any], jobs: int) -> Any:
        from grader.grading import batch

        if self.cluster is None:
            return batch.grade_all(left, self.job, self.out, jobs=jobs)
        from grader.grading.cluster import AT_ONCE

        there = {"executor": self.cluster.executor, "grade_to": self.cluster.grade}
        return batch.grade_all(left, self.job, self.out, jobs=jobs or AT_ONCE, **there)

    def _keep_about(self, has_roster: bool) -> None:
        """Keep what is known today of those whose outcomes stay: a name, a note, a question.

        What a roster said once stays until another one says otherwise.
        """
        from grader.grading import results

        for key in self.here.keys() & self.book.results.keys():
            kept = self.book.results[key].submission
            now = replace(self.here[key], files={})
            if not has_roster:
                known = {name: getattr(kept, name) or getattr(now, name) for name in WHO}
                now = replace(now, **known, allowed=kept.allowed)
            if kept != now and kept.digest == now.digest:
                whole = results.read_of(self.out, key)
                results.write(self.out / key, replace(whole, submission=now))
                self._take(key)

    def _take(self, key: str) -> None:
        """Take over the result of a submission that is graded."""
        from grader.grading import batch

        if found := batch.earlier(self.here[key], self.out):
            self.book.take(found)

    def _end(self, ended: Any, *, over: bool) -> None:
        """Write the class as it is now: what somebody removed meanwhile is no result."""
        from grader.gradebook import book, history, pages, state

        for key in list(self.book.results):
            if not (self.out / key / "result.json").is_file():
                self.book.drop(key)
        lost = [one for key, one in self.here.items() if key not in self.book.reports]
        self.state = ended.expecting(_without(lost))
        ids = sorted(self.book.reports)
        pages.write_all(self.out, self.book, ids)
        why = {key: sorted(set(plan.why.values())) for key, plan in self.plans.items()}
        self.changed = history.changes(self.marks, self.book, ids, why)
        history.add(self.out, self.changed)
        state.write(self.out, self.state)
        book.write_class(self.out, self.book, self.state, over=over)

    def _show(self) -> int:
        from grader.report.writers import terminal

        reports = [self.book.reports[key] for key in self.here if key in self.book.reports]
        terminal.show_class([ForInstructor(report) for report in reports], console(100))
        click.echo(f"\n{len(reports)} graded: open {path_words(self.out / 'index.html')}")
        for words in changed_marks(self.changed):
            click.echo(words)
        others = len(self.book.reports) - len(reports)
        if others:
            click.echo(f"{others} more of earlier runs stand beside them")
        for name, problem in self.failed:
            self.say(f"{name} could not be graded: {one_line(problem)}", "red")
        gone = self.here.keys() - self.book.reports.keys() - {name for name, _ in self.failed}
        if gone:
            words = f"Results of {len(gone)} are no longer in {path_words(self.out)}"
            self.say(f"{words}: somebody removed them; the same command grades these again.", "red")
        stale = [report for report in reports if report.stale]
        if stale:
            self.say(
                f"Older results of other parts stand beside these for {len(stale)} of "
                f"{len(reports)}, marked: without --part the same command grades them again.",
                "yellow",
            )
        asked = sum(bool(report.submission.question) for report in reports)
        if asked:
            file = path_words(self.out / "questions.csv")
            self.say(f"{asked} to decide: fill in {file}, and grade again.", "yellow")
        undecided = self.failed or gone or any(r.undecided for r in reports)
        return UNDECIDED if undecided else PASSED


def _left(seconds: float, done: int, all_: Collection[Submission]) -> str:
    """How long the rest may take, as the ones before did."""
    left = len(all_) - done
    return f"about {numbers.duration(seconds / done * left)}" if left else ""


def _without(submissions: Sequence[Submission]) -> Any:
    from grader.report.analysis.roll import NOT_GRADED, WithoutResult

    return (
        WithoutResult(s.id, s.name, NOT_GRADED, s.person, s.email, s.login) for s in submissions
    )


def _stopped(why: KeyboardInterrupt | OSError, graded: str, out: Path) -> Refused:
    rest = "the same command continues from there"
    if isinstance(why, KeyboardInterrupt):
        return Refused(f"stopped: {graded}; {rest}")
    remedy = "make space" if why.errno in (errno.ENOSPC, errno.EDQUOT) else "fix that"
    where, reason = path_words(out), why.strerror or why
    return Refused(f"{where} cannot be written ({reason}): {graded}; {remedy}, and {rest}")
