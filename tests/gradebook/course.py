"""A class that is graded by the command in this very process, on three functions that take no time.

Everything is as in a real run but the guests: code of these tests runs here.
"""

import csv
import io
import json

from click.testing import CliRunner

from grader.cli.main import main
from grader.grading import batch
from grader.homework import contract
from grader.sandbox.host.session import InProcessSession
from grading import ROOT, Inline

FUNCTIONS = {"part1": "scale_pixels", "part3": "random_classes", "gan": "generator_loss"}
"""Of each part the one that is graded; the others are worth nothing."""

FILES = {"part1": "part1_focused.py", "part3": "part3_compression.py", "gan": "gan.py"}

RIGHT = {name: (ROOT / "reference" / name).read_text("utf-8") for name in FILES.values()}


def rules(**points):
    """An assignment.toml with these functions alone."""
    names = [n for n, f in contract.FUNCTIONS.items() if n not in FUNCTIONS.values()]
    asked = [n for n in names if contract.FUNCTIONS[n].part != "warmup"]
    lines = [f"{name} = 0" for name in asked]
    return "\n".join(["[points]", *lines, *(f"{n} = {p}" for n, p in points.items())]) + "\n"


def shown(marker):
    """A block of the gradebook's README."""
    text = (ROOT / "grader" / "gradebook" / "README.md").read_text(encoding="utf-8")
    return text.partition(f"<!-- {marker} -->")[2].split("```")[1].partition("\n")[2]


class Session(InProcessSession):
    """In this process, with the arguments of a guest's session; counts how many were opened."""

    opened = 0

    def __init__(self, files, limits=None, walls=None, allowance=None, **options):
        Session.opened += 1
        super().__init__(files, limits)


class Course:
    """A folder of submissions, and the folder of its results."""

    def __init__(self, folder, monkeypatch):
        monkeypatch.setattr(batch, "ProcessSession", Session)
        monkeypatch.setattr(batch, "pool", lambda workers: Inline())
        self.folder, self.out = folder, folder / "graded"
        self.source = folder / "class"
        self.source.mkdir()
        (folder / "assignment.toml").write_text(rules(), encoding="utf-8")

    def rules(self, text):
        (self.folder / "assignment.toml").write_text(text, encoding="utf-8")

    def hand_in(self, name, files=RIGHT, below="class"):
        for file, text in files.items():
            path = self.folder / below / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self.folder / below / name

    def grade(self, *words, source=None, out=None):
        """What the command says, on one line, and its exit status."""
        command = ["grade", source or self.source, "--out", out or self.out, *words]
        command += ["--assignment", self.folder / "assignment.toml", "--sandbox", "none"]
        return self.hw3(*command, "--jobs", "1")

    def hw3(self, *command):
        """The same of any command."""
        done = CliRunner().invoke(main, [*map(str, command)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, " ".join(done.output.split())

    def table(self):
        """The rows of the gradebook by id; what can be earned, and who is missing, by status."""
        text = (self.out / "gradebook.csv").read_text("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        return {row["id"] or row["status"]: row for row in rows}

    def result(self, name):
        return json.loads((self.out / name / "result.json").read_text("utf-8"))

    def statuses(self, name):
        return {check["id"]: check["status"] for check in self.result(name)["checks"]}

    def page(self, name="index.html"):
        return (self.out / name).read_text("utf-8")
