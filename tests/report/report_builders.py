"""Small reports for the tests of ``grader.report``."""

from html.parser import HTMLParser

from grader.homework import contract
from grader.records import Check, Feedback, Figure, Outcome, Report, Score, Status, Submission
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.writers import html

PASSED, PARTIAL, FAILED = Status.PASSED, Status.PARTIAL, Status.FAILED
CRASHED, BLOCKED, INVALID = Status.CRASHED, Status.BLOCKED, Status.INVALID

WALLS = {"mode": "bubblewrap", "layers": ["namespaces", "seccomp"], "unsandboxed": False}
NO_WALLS = {"mode": "none", "layers": [], "unsandboxed": True}


def judge(
    check_id,
    status=PASSED,
    points=2.0,
    *,
    part="part1",
    title=None,
    fraction=None,
    hidden=False,
    needs=(),
    function="split",
    seconds=0.5,
    **feedback,
):
    """A check and its outcome; further keywords are the feedback's."""
    check = Check(
        check_id,
        part,
        function,
        title or f"Title of {check_id}",
        points,
        hidden,
        tuple(needs),
        None,
        lambda student: None,
    )
    share = fraction if fraction is not None else float(status is PASSED)
    return check, Outcome(check_id, status, share, Feedback(**feedback), seconds)


def report(
    *pairs, scores=None, reason="", id="ada_1", name="Ada Lovelace", digest="d1ge57", **rest
):
    """A report over pairs of ``judge``, scored by the plain sum unless ``scores`` are given."""
    if scores is None:
        scores = {}
        for check, outcome in pairs:
            undecided = outcome.status is INVALID
            earned = 0.0 if undecided else check.points * outcome.fraction
            score = Score(earned, check.points, check.points if undecided else 0.0)
            scores[check.part] = scores.get(check.part, Score()) + score
    rest.setdefault("sandbox", WALLS)
    rest.setdefault("environment", {"python": "3.11.7", "torch": "2.9.0"})
    return Report(
        Submission(id, name, {"gan.py": b""}, digest, "2025-03-02 21:14", reason),
        tuple(check for check, _ in pairs),
        tuple(outcome for _, outcome in pairs),
        scores,
        **rest,
    )


def many_mistakes(functions, checks=3):
    """A part in which every check of so many functions fails, and says much."""
    words = {name: f"{name} " * 40 for name in ("message", "expected", "actual", "tried")}
    code = "import torch\n" + "x = 1\n" * 6 + "print(x)\n"
    names = list(contract.FUNCTIONS)[:functions]
    made = [
        judge(
            f"{name}.fails_{i}",
            FAILED,
            1.0 + place,
            function=name,
            title=f"Be right on linear slices and on maps, on networks of any kind {i}.",
            counterexample=code,
            hint="h" * 300,
            diagnosis=f"The mistake of {name}: " + "d" * 250 if i < 2 else "",
            **words,
        )
        for place, name in enumerate(names)
        for i in range(checks)
    ]
    return report(*made)


def student_page(full):
    return html.student_page(ForStudent(full))


def instructor_page(full):
    return html.instructor_page(ForInstructor(full))


def index_page(reports, *about, **more):
    return html.index_page([ForInstructor(full) for full in reports], *about, **more)


FIGURES = (
    Figure("maps", "Maps", {"expected": [[1.0, -1.0]], "yours": [[float("nan"), 0.0]]}),
    Figure("images", "Images", {"samples": [[[0.0, 1.0]]]}),
    Figure("bars", "Bars", {"counts": [1.0, 2.0]}),
    Figure("lines", "Lines", {"d_loss": [1.0, 2.0, float("inf")]}),
)


def rich_report(**rest):
    return report(
        judge("fine", PASSED),
        judge("told", PASSED, message="All is well."),
        judge("bad", FAILED, message="Seen", figures=FIGURES, counterexample="print(1)"),
        judge("half", PARTIAL, 4.0, fraction=0.25, part="part2"),
        judge("waits", BLOCKED, part="part2", needs=("half",), message="Waits for half."),
        judge("broken", INVALID, 3.0, part="gan", details="Traceback of ours"),
        judge("secret", FAILED, 5.0, part="gan", hidden=True, title="Secret title"),
        **rest,
    )


VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """A page's elements, its text, style and script; refuses what is not nested well."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.style, self.script = "", ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.style += data
        elif self.open[-1:] == ["script"]:
            self.script += data
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]
