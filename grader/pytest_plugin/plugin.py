"""The public checks as items of pytest, once they were asked for (``grader.pytest_plugin``).

The homework's files are never imported here: items ask the walled guest that ``hw3 check`` asks.
What a report says of points stands in its ``user_properties``: so it is in JUnit files, and comes
from the processes of pytest-xdist.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

# Before torch is imported: one thread repeats to the bit.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from grader.errors import BadAssignment, BadSource, GuestUnusable, NoWalls
from grader.grading import engine, versions
from grader.grading.assignment_toml import delivered
from grader.grading.environment import another
from grader.grading.scoring import score
from grader.grading.weights import Assignment
from grader.homework import contract
from grader.records import Check, Outcome, Report, Score, Status, Submission
from grader.report.deliver import ForStudent
from grader.report.writers import plain
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.modes import NO_WALLS, Walls
from grader.sandbox.isolation.probe import choose
from grader.submissions import intake
from grader.text import one_line

__all__ = ["Homework"]

_LONG = "long: checks that take minutes, as the GAN's training does; -m 'not long' leaves them out"


class Homework:
    """One folder's run: the plug-in that collects, runs and adds up its checks."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.folder = _folder(config)
        self.ended: dict[str, dict[str, Any]] = {}
        """What reports say of each item; with pytest-xdist they come from other processes."""
        self._submission: Submission | None = None
        self._assignment = Assignment()
        self._checks: list[Check] = []
        self._selected: dict[str, Check] = {}
        self._outcomes = engine.Outcomes(())
        self._session: ProcessSession | None = None
        self._part_of_session = ""
        self._walls: Walls | None = None
        config.addinivalue_line("markers", _LONG)
        # Feedback has many lines: the summary names its first one, also in CI.
        config.option.force_short_summary = True

    def checks(self) -> list[Check]:
        """The public checks, in the order of the homework."""
        if not self._checks:
            self._checks = [check for check in self._assignment.checks() if not check.hidden]
        return self._checks

    def files(self) -> list[str]:
        """The files of the homework; of an optional part only where it has checks."""
        there = {check.part for check in self.checks()}
        return [p.file for p in contract.PARTS if not p.optional or p.id in there]

    def close(self) -> None:
        """End the guest, whatever ended the run."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Read the files, before anything else looks at them; refuse what ``hw3 check`` does."""
        if why := another(self.folder):
            raise pytest.UsageError(one_line(why, 4000))
        try:
            self._assignment = delivered()
            self._submission = intake.read_one(self.folder)
        except (BadAssignment, BadSource) as error:
            raise pytest.UsageError(one_line(str(error), 4000)) from None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """In place of what pytest would import: a part's checks.

        Of files of these names in other folders nothing is collected: they are copies.
        """
        found = yield
        if file_path.name not in self.files():
            return found
        return [self._part(parent, file_path.name)] if self._is_ours(file_path.parent) else []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Parts stand in the homework's order, and those without a file among them."""
        report = yield
        inside = isinstance(collector, pytest.Directory) and self._is_ours(collector.path)
        if inside and report.passed:
            missing = [f for f in self.files() if not (self.folder / f).is_file()]
            found = [*report.result, *(self._part(collector, file) for file in missing)]
            report.result = sorted(found, key=lambda node: _place(node.name))
        return report

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Know which checks are to be run: no other holds anything up."""
        items = [item for item in session.items if isinstance(item, _Item)]
        self._selected = {item.check.id: item.check for item in items}
        ours = self.checks() if items else ()
        self._outcomes = engine.Outcomes(ours, wanted=list(self._selected.values()))

    def outcome(self, check: Check) -> tuple[Outcome, str]:
        """How a check ends, and the mode of the walls; what it needs is run before it.

        Items may come in any order, and those that pytest-xdist gives to another process not at
        all: they end the same.

        Raises:
            GuestUnusable: nothing can be checked here.
        """
        for need in check.needs:
            if need in self._selected:
                self.outcome(self._selected[need])
        outcome = self._outcomes.of(check, self._opened(check.part))
        assert self._walls is not None
        return outcome, self._walls.mode

    def delivered(self, check: Check, outcome: Outcome) -> ForStudent:
        """What a student may see of how this check ended."""
        assert self._submission is not None
        return ForStudent(Report(self._submission, (check,), (outcome,), {}))

    def line_of(self, check: Check) -> int:
        """Where the function of a check begins in its file, from 0."""
        assert self._submission is not None
        source = self._submission.files.get(_file(check.part), b"")
        found = re.search(rb"^def %s\b" % check.function.encode(), source, re.MULTILINE)
        return source.count(b"\n", 0, found.start()) if found else 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """What waits points at the student's function, not at a line in here."""
        report = yield
        if isinstance(item, _Item) and report.skipped and isinstance(report.longrepr, tuple):
            path, line, _ = item.reportinfo()
            report.longrepr = (os.fspath(path), line + 1, report.longrepr[2])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what is said of points."""
        said = dict(report.user_properties)
        if "hw3_status" in said:
            self.ended[report.nodeid] = said

    def pytest_report_header(self) -> list[str]:
        """Which folder it is about, and what the course grades with if that is not here."""
        folder = one_line(str(self.folder), 1000)
        other = versions.differences(versions.of_course(), versions.here())
        return [f"hw3: public checks of {folder} (advisory)", *other]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The points, and what they leave out."""
        if self._submission is None or self.config.option.collectonly:
            return
        terminalreporter.write_sep("=", "hw3: points of the public checks (advisory)", bold=True)
        unsandboxed = any(said["hw3_sandbox"] == NO_WALLS.mode for said in self.ended.values())
        if unsandboxed:
            warning = "UNSANDBOXED: this code ran without walls around it."
            terminalreporter.write_line(warning, red=True, bold=True)
        for node, said in self.ended.items():
            if said["hw3_cost"]:
                terminalreporter.write_line(f"{one_line(node)}: {said['hw3_cost']}")
        scores: dict[str, Score] = {}
        for said in self.ended.values():
            earned = Score(said["hw3_earned"], said["hw3_points"], said["hw3_undecided"])
            scores[said["hw3_part"]] = scores.get(said["hw3_part"], Score()) + earned
        left_out = len(self.checks()) - len(self.ended) if self.ended else 0
        for line in plain.points(scores, left_out):
            terminalreporter.write_line(line)

    def _is_ours(self, folder: Path) -> bool:
        try:
            return folder.samefile(self.folder)
        except OSError:
            return False

    def _part(self, parent: pytest.Collector, file: str) -> pytest.Collector:
        path = self.folder / file
        node = os.path.relpath(path, self.config.rootpath).replace(os.sep, "/")
        # A path that exists, also where the file does not: --nf looks at its time.
        place = path if path.is_file() else self.folder
        part: pytest.Collector = _Part.from_parent(
            parent, name=file, path=place, nodeid=node, homework=self
        )
        return part

    def _opened(self, part: str) -> ProcessSession:
        """The session of a part; items may come in any order, mostly one part after the other."""
        if self._session is None or self._part_of_session != part:
            assert self._submission is not None
            self.close()
            if self._walls is None:
                try:
                    self._walls = choose("auto")
                except NoWalls:  # one's own code on one's own machine; the summary says so
                    self._walls = NO_WALLS
            self._session = ProcessSession(
                self._submission.files,
                self._assignment.limits,
                self._walls,
                part=part,
                packages=self._assignment.packages,
            )
            self._part_of_session = part
        return self._session


class _Part(pytest.Collector):
    """The checks of one file; no ``pytest.File``, as the file may be missing."""

    def __init__(self, *, homework: Homework, **options: Any) -> None:
        super().__init__(**options)
        self.homework = homework

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each public check."""
        for check in self.homework.checks():
            if _file(check.part) == self.name:
                yield _Item.from_parent(self, name=check.id, check=check, homework=self.homework)


class _Item(pytest.Item):
    """One check."""

    def __init__(self, *, check: Check, homework: Homework, **options: Any) -> None:
        super().__init__(**options)
        self.check, self.homework = check, homework
        if check.long:
            self.add_marker("long")

    def runtest(self) -> None:
        """Run the check; what did not pass is raised."""
        try:
            ended, mode = self.homework.outcome(self.check)
        except GuestUnusable as error:
            words = one_line(f"{error}; `hw3 doctor` may say more", 4000)
            self.session.shouldstop = words  # it would be said of every other check, too
            raise _NotPassed(f"Nothing can be checked here: {words}") from None
        delivery = self.homework.delivered(self.check, ended)
        (outcome,) = delivery.report.outcomes
        points = score(self.check, outcome)
        self.user_properties = [
            ("hw3_part", self.check.part),
            ("hw3_status", outcome.status.value),
            ("hw3_points", points.possible),
            ("hw3_earned", points.earned),
            ("hw3_undecided", points.undecided),
            ("hw3_sandbox", mode),
            ("hw3_cost", one_line(outcome.feedback.cost, 600)),
        ]
        if outcome.feedback.stdout:
            printed = plain.labelled("", outcome.feedback.stdout)
            self.add_report_section("call", "stdout", printed)
        if outcome.status is Status.BLOCKED:
            pytest.skip(one_line(outcome.feedback.message, 600))
        if outcome.status is not Status.PASSED:
            raise _NotPassed(plain.feedback(delivery))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The feedback, and nothing of the grader's own frames."""
        if isinstance(excinfo.value, _NotPassed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The student's function that it is about; the last stands over a failure."""
        points = "1 point" if self.check.points == 1 else f"{self.check.points:g} points"
        file = self.homework.folder / _file(self.check.part)
        return file, self.homework.line_of(self.check), f"{self.name} ({points})"


class _NotPassed(Exception):  # noqa: N818  (it is no error of the grader's)
    """Carries the feedback on a check that did not pass."""


def _folder(config: pytest.Config) -> Path:
    """The folder with the homework's files: pytest's root, or else one that was named."""
    named = [config.invocation_params.dir / arg.partition("::")[0] for arg in config.args]
    places = [config.rootpath, config.invocation_params.dir]
    places += [place if place.is_dir() else place.parent for place in named]
    for place in places:
        if any((place / file).is_file() for file in contract.FILES):
            return place
    return config.rootpath


def _file(part: str) -> str:
    return next(known.file for known in contract.PARTS if known.id == part)


def _place(name: str) -> int:
    """Where a part stands in the homework; what is no part comes last."""
    files = [part.file for part in contract.PARTS]
    return files.index(name) if name in files else len(files)
