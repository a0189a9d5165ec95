"""The report in a terminal: the parts, what did not pass and why, the total.

Nothing that comes from a submission is read as markup: every text is a ``rich.text.Text`` of
printable characters, and characters that the terminal's encoding lacks are replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.homework.theory import THEORY
from grader.records import Report, Status
from grader.report import labels, numbers
from grader.report.analysis.beside import kinds_of, line_score
from grader.report.analysis.fix_first import (
    Judged,
    also_in,
    brief,
    by_part,
    counted,
    fix_first,
    has_total,
    lost,
    mistakes,
    parts_of,
    passed_everything,
    sentence,
    status_of,
    to_do,
    to_win,
    told,
    unsandboxed,
)
from grader.report.deliver import Delivery, ForInstructor
from grader.text import capped, one_line, printable

__all__ = ["show", "show_class"]

_STYLES = {
    Status.PASSED: "green",
    Status.PARTIAL: "yellow",
    Status.FAILED: "red",
    Status.CRASHED: "magenta",
    Status.BLOCKED: "dim",
    Status.INVALID: "cyan",
}

_CELLS = 20
_MISTAKES, _PASTED = 10, 10
"""How many mistakes of a part are shown, and how many lines of code: a screen for a part."""
_NARROW = 72
"""Columns below which there is no room for bars, nor for words beside their labels."""


def show(delivery: Delivery, console: Console, verbose: bool = False) -> None:
    """Print the report of a submission.

    Args:
        delivery: what may be shown of it.
        console: where to.
        verbose: adds the checks that passed, and all that is known of each.
    """
    _Page(delivery.report, console, verbose).print()


def show_class(deliveries: Sequence[ForInstructor], console: Console) -> None:
    """Print one line a submission: total, parts, status."""
    reports = [delivery.report for delivery in deliveries]
    parts = parts_of(reports)
    table = Table(box=None, pad_edge=False)
    table.add_column("submission", overflow="fold")
    beside = kinds_of(reports)
    for heading in ("total", *map(labels.part_label, parts), *map(one_line, beside)):
        table.add_column(heading, justify="right")
    table.add_column("status", overflow="fold", max_width=48)
    for report in reports:
        points = counted(report)
        total = report.total if has_total(report) else None
        scores = [total, *(points.get(part) for part in parts)]
        cells = [numbers.fixed(s.earned, s.possible) if s else "" for s in scores]
        lines = [line_score(report, kind) for kind in beside]
        cells += [numbers.signed(line.earned) if line else "" for line in lines]
        words = one_line(status_of(report), 160)
        table.add_row(
            Text(one_line(report.submission.id, 60)),
            *map(Text, cells),
            Text(words, "" if words == "graded" else "yellow"),
        )
    console.print(table)


class _Page:
    def __init__(self, report: Report, console: Console, verbose: bool) -> None:
        self.report = report
        self.console = console
        self.verbose = verbose
        self.encoding = console.encoding
        self.plain = not self._can_show("█░✓✗◐…−")
        self.marks = labels.PLAIN_MARKS if self.plain else labels.MARKS

    def print(self) -> None:
        self._heading()
        self.console.print(self._overview())
        for part, pairs in by_part(self.report).items():
            self._part(part, pairs)
        self._ending()

    def _heading(self) -> None:
        submission = self.report.submission
        name = one_line(submission.name, 120) or one_line(submission.id, 120)
        # Cut instead of wrapped: no line of a name's own stands among the grader's.
        title = self._text(f"Homework 3: {name}", "bold")
        self.console.print(title, no_wrap=True, overflow="crop" if self.plain else "ellipsis")
        if unsandboxed(self.report):
            warning = "UNSANDBOXED: this code ran without a sandbox."
            self.console.print(self._text(warning, "bold red"))
        if submission.reason:
            self.console.print(self._text("This submission could not be graded.", "red"))
            reason = self._text(one_line(submission.reason, 600), "red")
            self.console.print(Padding(reason, (0, 0, 0, 2), expand=False))
        self.console.print()

    def _overview(self) -> Table:
        table = Table.grid(padding=(0, 2))
        narrow = self.console.width < _NARROW
        for wraps in (True, False, True, True, False):
            table.add_column(no_wrap=wraps)
        for part, score in self.report.scores.items():
            undecided = (
                f"{numbers.number(score.undecided)} undecided" if score.undecided > 0.0 else ""
            )
            table.add_row(
                self._text(labels.part_label(part), "bold"),
                self._text(labels.part_title(part)),
                "" if narrow else self._bar(numbers.share(score.earned, score.possible)),
                self._text(numbers.points(score.earned, score.possible), "bold"),
                self._text(undecided, "cyan"),
            )
        return table

    def _part(self, part: str, pairs: Sequence[Judged]) -> None:
        shown = [
            pair
            for pair in pairs
            if self.verbose
            or pair[1].status not in (Status.PASSED, Status.BLOCKED)
            or pair[1].feedback.cost
        ]
        blocked = [pair for pair in pairs if pair[1].status is Status.BLOCKED]
        if not shown and not blocked:
            return
        self.console.print()
        label, title = labels.part_label(part), labels.part_title(part)
        self.console.print(self._text(label if title == label else f"{label}: {title}", "bold"))
        if self.verbose:
            for pair in shown:
                self._check(pair)
        else:
            self._mistakes(shown)
        if blocked and not self.verbose:
            points = numbers.number(sum(lost(*pair) for pair in blocked))
            checks = "1 check" if len(blocked) == 1 else f"{len(blocked)} checks"
            line = f"{checks} not run: others have to pass first ({points} points)"
            line = f"{self.marks[Status.BLOCKED]} {line}"
            self.console.print(Padding(self._text(line, "dim"), (0, 0, 0, 2)))

    def _mistakes(self, pairs: Sequence[Judged]) -> None:
        """Each mistake once, the one that costs most first: that one with code to paste."""
        groups = mistakes(pairs)
        for place, alike in enumerate(groups[:_MISTAKES]):
            outcome = alike[0][1]
            self._title(alike[0], alike[1:])
            if not place:
                most = 2 * max(self.console.width - 20, 20)
                rows = [(label, one_line(v, most)) for label, v in brief(outcome.feedback)]
                self._rows(rows)
                self._pasted(outcome.feedback.counterexample)
            elif words := sentence(outcome.feedback):
                self._cut(words)
            if cost := outcome.feedback.cost if place else "":
                self._rows([("cost", self._capped(cost))])
        if rest := groups[_MISTAKES:]:
            points = numbers.number(sum(lost(*pair) for alike in rest for pair in alike))
            self._cut(f"{len(rest)} more mistakes ({points} points): --verbose shows them", "dim")

    def _cut(self, text: str, style: str = "") -> None:
        """A text on one line; what does not fit is left out."""
        line = one_line(text, max(self.console.width - 6, 20))
        self.console.print(
            Padding(self._text(line, style), (0, 0, 0, 4), expand=False), no_wrap=True
        )

    def _pasted(self, code: str) -> None:
        """What to paste into Python to see it, if it is short."""
        if not code or code.count("\n") > _PASTED:
            return
        self.console.print(Padding(self._text("To see it in Python:", "dim"), (0, 0, 0, 4)))
        # At the margin, and not wrapped: so it can be pasted.
        self.console.print(self._text(code.rstrip("\n")), soft_wrap=True)

    def _check(self, pair: Judged) -> None:
        self._title(pair)
        check, outcome = pair
        rows = [
            (label, self._capped(value)) for label, value in told(outcome.feedback, in_full=True)
        ]
        if check.about and check.about != outcome.feedback.hint:
            rows.append(("tries", check.about))
        if theory := THEORY.get(check.function):
            rows.append(("slides", theory.slides))
        self._rows(rows)

    def _title(self, pair: Judged, alike: Sequence[Judged] = ()) -> None:
        check, outcome = pair
        style = _STYLES[outcome.status]
        missed = lost(check, outcome)
        minus = "-" if self.plain else "−"
        line = self._text("")
        if outcome.status is Status.INVALID:
            undecided = f"  {numbers.number(check.points)} points undecided"
            line.append_text(self._text(undecided, style))
        elif missed and not alike:
            points = numbers.trimmed(numbers.fixed(missed, check.points))
            line.append_text(self._text(f"  {minus}{points}", style))
        elif alike:
            points = numbers.number(missed + sum(lost(*pair) for pair in alike))
            others = also_in([pair, *alike])
            also = f", also in {', '.join(map(one_line, others))}" if others else ""
            words = f"  {minus}{points} ({len(alike) + 1} checks{also})"
            line.append_text(self._text(words, style))
        if check.hidden:
            line.append_text(self._text("  hidden", "yellow"))
        id_ = f"  [{one_line(check.id)}]"
        room = 200 if self.verbose else max(self.console.width - 5 - len(id_) - len(line), 24)
        head = self._text(f"{self.marks[outcome.status]} ", style)
        head.append_text(self._text(one_line(check.title, room)))
        head.append_text(self._text(id_, "dim"))
        self.console.print(Padding(head.append_text(line), (0, 0, 0, 2)))

    def _rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Labels beside what they say; where that is narrow, above it."""
        if self.console.width < _NARROW:
            for label, value in rows:
                self.console.print(Padding(self._text(label, "dim"), (0, 0, 0, 4)))
                self.console.print(Padding(self._text(value), (0, 0, 0, 6)), overflow="fold")
            return
        details = Table.grid(padding=(0, 2))
        details.add_column(no_wrap=True, min_width=10)
        details.add_column(overflow="fold")
        for label, value in rows:
            details.add_row(self._text(label, "dim"), self._text(value))
        if rows:
            self.console.print(Padding(details, (0, 0, 0, 4)))

    def _ending(self) -> None:
        report, total = self.report, self.report.total
        self.console.print()
        score = numbers.points(total.earned, total.possible)
        open_ = f", {numbers.number(total.undecided)} undecided" if total.undecided else ""
        self.console.print(self._text(f"Total {score} points{open_}", "bold"))
        if total.undecided > 0.0:
            undecided = numbers.number(total.undecided)
            self._note(
                f"The grader could not decide about {undecided} points. "
                "This is not your fault and not counted as 0; please tell your instructor.",
                "cyan",
            )
        if report.withheld > 0.0:
            withheld = numbers.number(report.withheld)
            self._note(f"{withheld} of the points come from hidden checks; the total counts them.")
        if report.left_out:
            checks = "1 check was" if report.left_out == 1 else f"{report.left_out} checks were"
            self._note(f"{checks} not run this time; the points above do not include them.")
        if passed_everything(report):
            self._note("Everything passed. Well done!", "green")
        first = fix_first(report, 1)
        if first:
            advice = first[0]
            title = one_line(to_do(advice)).rstrip(".")
            if to_do(advice) == advice.check.title:
                title = f"{advice.check.function}: {title}"
            self._note(f"Fix first: {title} ({to_win(advice)})", "bold")

    def _note(self, text: str, style: str = "") -> None:
        self.console.print(self._text(text, style))

    def _capped(self, text: str) -> str:
        return capped(text) if self.verbose else capped(text, 600, 8)

    def _bar(self, percent: float) -> Text:
        """Full or empty only where that is true, as ``numbers.share`` is."""
        cells = round(percent / 100 * _CELLS)
        if 0.0 < percent < 100.0:
            cells = min(max(cells, 1), _CELLS - 1)
        full, empty = ("#", ".") if self.plain else ("█", "░")
        bar = Text(full * cells, "blue")
        return bar.append(empty * (_CELLS - cells), "dim")

    def _text(self, text: str, style: str = "") -> Text:
        shown = printable(text).encode(self.encoding, "replace")
        return Text(shown.decode(self.encoding, "replace"), style)

    def _can_show(self, characters: str) -> bool:
        try:
            characters.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True
