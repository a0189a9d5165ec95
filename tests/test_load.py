"""A class that is interrupted, starved or killed: no finished result is lost, nothing is left.

The command runs as instructors run it, on a class in which two are done when two more begin that
never end; what then happens to it is said in one sentence.  Each such run starts five processes
that import torch, so some of those whose logic has tests of its own here run every week.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import replace

import click
import psutil
import pytest
from click.testing import CliRunner

from grader.cli.main import main
from grader.cli.options import Commands
from grader.errors import NoWalls, Unwritten
from grader.grading import batch, marks
from grader.grading.weights import Assignment
from grader.homework import contract
from grader.records import Call, Limits
from grader.report.writers.files import sweep, write_text
from grader.sandbox.host import process
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation import probe
from grader.submissions import intake
from grading import ROOT, Inline, walls

RIGHT = """import random


def random_classes(num_classes, k=5, seed=0):
    if not 1 <= k <= num_classes:
        raise ValueError(f"{k} of {num_classes} classes")
    return random.Random(seed).sample(range(num_classes), k)
"""
ENDLESS = (
    f"{RIGHT}\n\ndef random_classes(num_classes, k=5, seed=0):\n    while True:\n        pass\n"
)
CHECK = "random_classes.draws_distinct_classes"
FUNCTION = "random_classes"


@click.group(cls=Commands)
def signalled():
    """Commands, made as ours are."""


@signalled.command()
@click.argument("name")
def receive(name):
    """Gets a signal."""
    signal.raise_signal(getattr(signal, name))
    click.echo("went on")


forks = pytest.mark.skipif(not process.FORKS, reason="zygotes, and signals of process groups")


def left_out():
    """Everything but one function, in an assignment's words."""
    names = [n for n, f in contract.FUNCTIONS.items() if f.part == "part3" and n != FUNCTION]
    return "".join(f"{name} = 0\n" for name in names)


class Class:
    """Four in a folder, ``ada`` and ``bob`` right, ``eve`` and ``joe`` endless; and the command."""

    def __init__(self, folder, out=None):
        self.folder, self.out = folder, out or folder / "graded"
        self.temp = folder / "temp"
        self.temp.mkdir()
        self.met = {}
        self.running = []
        for name in ("ada", "bob", "eve", "joe"):
            (folder / "class" / name).mkdir(parents=True)
            self.hand_in(name, RIGHT if name in ("ada", "bob") else ENDLESS)
        self.limit(600)

    def hand_in(self, name, code):
        (self.folder / "class" / name / "part3_compression.py").write_text(code, encoding="utf-8")

    def limit(self, seconds):
        text = f"[limits]\nwall_seconds = 600\ncpu_seconds = {seconds}\n[points]\n{left_out()}"
        (self.folder / "assignment.toml").write_text(text, encoding="utf-8")

    def start(self, *, stdout=subprocess.DEVNULL, isolated=True):
        # In the background of a shell Ctrl-C is ignored.
        heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        code = f"{heeds}; from grader.cli.main import main; main()"
        command = [sys.executable, "-c", code, "grade", "class"]
        command += ["--out", str(self.out), "--part", "part3", "--jobs", "2"]
        command += ["--assignment", "assignment.toml"]
        isolated = isolated and not walls().unsandboxed
        command += ["--sandbox", "auto" if isolated else "none"]
        started = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.temp), "PYTHONPATH": str(ROOT)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.running.append(started)
        return started

    def until(self, condition):
        """Wait for something to happen in the command that was started last."""
        deadline = time.monotonic() + 120
        while not condition():
            assert self.running[-1].poll() is None, self.running[-1].stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.look()

    def until_two_are_done(self):
        """And the other two are at work."""
        self.until(lambda: self.done() >= {"ada", "bob"} and len(self.guests()) == 2)

    def look(self):
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.running[-1].pid).children(recursive=True)
            self.met.update({child.pid: child for child in found})

    def children(self, words):
        self.look()
        found = []
        for child in self.met.values():
            with suppress(psutil.Error):
                if words in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
        return found

    def workers(self):
        return self.children("spawn_main")

    def guests(self):
        found = []
        for child in self.children("grader.sandbox.guest.forking"):
            with suppress(psutil.Error):
                words = " ".join(child.parent().cmdline())
                at_work = child.cpu_times().user > 0.3
                if "grader.sandbox.guest.forking" in words and "bwrap" not in words and at_work:
                    found.append(child)
        return found

    def done(self):
        return {path.parent.name for path in self.out.glob("*/result.json")}

    def status(self, name):
        document = json.loads((self.out / name / "result.json").read_text("utf-8"))
        return {check["id"]: check["status"] for check in document["checks"]}[CHECK]

    def written(self):
        return {name: (self.out / name / "result.json").stat().st_mtime_ns for name in self.done()}

    def ends(self):
        """Exit status and what was said, when it has ended and nothing of it is left."""
        _, said = self.running[-1].communicate(timeout=240)
        assert "Traceback" not in said
        self.nothing_is_left()
        return self.running[-1].returncode, " ".join(said.split())

    def nothing_is_left(self):
        _, alive = psutil.wait_procs(list(self.met.values()), timeout=20)
        assert alive == []
        assert list(self.temp.iterdir()) == []
        files = [path for path in self.out.rglob("*") if path.is_file()]
        assert {path.suffix for path in files} <= {".html", ".json", ".csv", ".zip"}

    def the_same_command_ends_it(self):
        for name in ("eve", "joe"):
            self.hand_in(name, RIGHT)
        before = self.written()
        self.start()
        code, said = self.ends()
        assert code == 0
        assert {name: self.written()[name] for name in before} == before
        assert {self.status(name) for name in ("ada", "bob", "eve", "joe")} == {"passed"}
        return said

    def end(self):
        for child in [*self.met.values(), *self.running]:
            with suppress(psutil.Error, OSError):
                child.kill()
        for started in self.running:
            started.communicate()


@pytest.fixture
def class_(tmp_path):
    made = Class(tmp_path)
    yield made
    made.end()


@forks
class TestACommand:
    @pytest.mark.weekly
    def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(self, class_):
        """In every run: ``test_cli.py`` stops a class, and goes on with one."""
        started = class_.start()
        class_.until_two_are_done()
        os.killpg(started.pid, signal.SIGINT)
        code, said = class_.ends()
        assert code == 2
        assert "stopped: 2 of 4 are graded; the same command continues from there" in said
        assert "ada" in (class_.out / "gradebook.csv").read_text()
        said = class_.the_same_command_ends_it()
        assert "2 of 4 have a result already" in said

    @pytest.mark.weekly
    def test_a_termination_is_as_ctrl_c(self, class_):
        """So is a closed terminal: ``test_every_signal_to_stop_is_one_of_the_command``."""
        started = class_.start()
        class_.until_two_are_done()
        started.send_signal(signal.SIGTERM)
        code, said = class_.ends()
        assert code == 2
        assert "stopped: 2 of 4 are graded; the same command continues from there" in said
        assert class_.done() == {"ada", "bob"}

    def test_a_command_that_is_killed_takes_all_with_it(self, class_):
        started = class_.start()
        class_.until_two_are_done()
        started.kill()
        class_.ends()
        assert class_.done() == {"ada", "bob"}

    def test_walls_that_are_being_tried_leave_nothing(self, class_):
        started = class_.start()
        class_.until(lambda: list(class_.temp.glob("hw3-probe-*")))
        started.send_signal(signal.SIGINT)
        code, said = class_.ends()
        assert code == 2
        assert "stopped" in said

    def test_a_pipe_that_nobody_reads_costs_no_result(self, class_):
        for name in ("eve", "joe"):
            class_.hand_in(name, RIGHT)
        reading, writing = os.pipe()
        os.close(reading)
        class_.start(stdout=writing, isolated=False)
        os.close(writing)
        class_.ends()
        assert class_.done() == {"ada", "bob", "eve", "joe"}
        assert (class_.out / "index.html").exists()

    @pytest.mark.weekly
    def test_a_worker_that_is_killed_is_replaced_once(self, class_):
        """The one of two at work that is not killed again is graded, the other is said to be dead.

        In every run: ``test_one_that_kills_its_worker_takes_no_others_with_it``.
        A zygote that is killed: ``test_zygotes_that_are_killed_are_replaced_without_a_trace``.
        """
        class_.limit(3)
        class_.start()
        class_.until_two_are_done()
        before = class_.written()
        for at_work in (2, 1):  # both at once, then the first of them alone
            class_.until(lambda wanted=at_work: len(class_.guests()) == wanted)
            gone = class_.workers()
            gone[0].kill()
            psutil.wait_procs(gone, timeout=20)
        code, said = class_.ends()
        assert code == 3
        assert said.count("could not be graded: the process that graded it died twice") == 1
        after = class_.written()
        assert {name: after[name] for name in before} == before
        (spared,) = class_.done() - {"ada", "bob"}
        assert [class_.status(name) for name in ("ada", "bob", spared)] == [
            *("passed", "passed", "crashed")
        ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process")
def test_ctrl_c_waits_while_any_worker_starts(monkeypatch):
    """One that came while a worker imports would end it with a traceback."""
    from multiprocessing.popen_spawn_posix import Popen

    held, launch = [], Popen._launch

    def launched(*arguments):
        held.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
        return launch(*arguments)

    monkeypatch.setattr(Popen, "_launch", launched)
    made = batch.pool(2)
    try:
        calls = [made.submit(time.sleep, 0.2) for _ in range(2)]
        assert [call.result(60) for call in calls] == [None, None]
    finally:
        batch.stop(made)
    assert held == [True, True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_every_signal_to_stop_is_one_of_the_command(number):
    """The command's own handler, which all three have, and what was to be ignored stays so."""
    names = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    mine = [signal.signal(name, signal.default_int_handler) for name in names]
    try:
        stopped, after = (
            CliRunner().invoke(signalled, ["receive", number]),
            signal.getsignal(names[0]),
        )
        assert after is signal.default_int_handler
        assert (stopped.exit_code, stopped.output) == (2, "Error: stopped\n")
        signal.signal(getattr(signal, number), signal.SIG_IGN)
        ignored = CliRunner().invoke(signalled, ["receive", number])
        assert (ignored.exit_code, ignored.output) == (0, "went on\n")
    finally:
        for name, handler in zip(names, mine, strict=True):
            signal.signal(name, handler)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, which the test may fill."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(place):
    with (place / "filler").open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(2**16))
            file.flush()


@pytest.mark.weekly
def test_a_full_disk_keeps_what_is_done(small_disk, tmp_path):
    class_ = Class(tmp_path, small_disk / "graded")
    try:
        class_.limit(3)
        class_.start()
        class_.until_two_are_done()
        fill(small_disk)
        code, said = class_.ends()
        assert code == 2
        assert (
            f"{class_.out} cannot be written (No space left on device): 2 of 4 are graded" in said
        )
        assert "make space, and the same command continues from there" in said
        assert class_.done() == {"ada", "bob"}
    finally:
        class_.end()


@forks
def test_a_full_temporary_folder_is_a_reason_why_there_are_no_walls(monkeypatch):
    def full(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    with pytest.raises(NoWalls, match="no temporary file can be written: No space left"):
        probe.choose("auto")


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    write_text(tmp_path / "result.json", "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "result.json", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_folder_removed_between_two_steps_of_a_write_is_made_again(tmp_path, monkeypatch):
    fsync, there = os.fsync, tmp_path / "ada"

    def removes(descriptor):
        monkeypatch.setattr(os, "fsync", fsync)
        shutil.rmtree(there)

    monkeypatch.setattr(os, "fsync", removes)
    write_text(there / "result.json", "whole")
    assert [(path.name, path.read_text()) for path in there.iterdir()] == [("result.json", "whole")]


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path):
    for name in (".0123456789abcdef.tmp", ".mine.tmp", "result.json"):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    sweep(tmp_path / "nowhere")
    assert {path.name for path in tmp_path.iterdir()} == {".mine.tmp", "result.json"}


@pytest.fixture
def four(tmp_path):
    for name in ("ada", "bob", "eve", "joe"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "part3_compression.py").write_text(RIGHT, encoding="utf-8")
    return intake.read_many([tmp_path / "class"])


class Pool(ThreadPoolExecutor):
    """One that breaks for good where a submission ``kills`` its worker, as pools of processes."""

    def __init__(self, workers, kills=()):
        super().__init__(workers)
        self.kills, self.broken = kills, False

    def submit(self, grade, submission):
        if self.broken:
            raise BrokenProcessPool
        if submission.id in self.kills:
            self.broken = True
            future = Future()
            future.set_exception(BrokenProcessPool())
            return future
        return super().submit(grade, submission)


def graded(four, out, grade, kills=(), jobs=2):
    """What each submission came back with, by id, from a stand-in for the work itself."""
    job = batch.Job(walls(), "part3")
    made = {"executor": lambda n: Pool(n, kills), "grade_to": grade}
    found = batch.grade_all(four, job, out, jobs=jobs, **made)
    return [(submission.id, problem) for submission, problem in found]


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_that_kills_its_worker_takes_no_others_with_it(four, tmp_path, jobs):
    def grade(submission, job, out, *, alone):
        return False

    found = graded(four, tmp_path, grade, ["bob"], jobs)
    assert sorted(found) == [
        *(("ada", ""), ("bob", "the process that graded it died twice")),
        *(("eve", ""), ("joe", "")),
    ]


def test_what_took_too_long_beside_others_is_graded_again_alone(four, tmp_path):
    asked = []

    def grade(submission, job, out, *, alone):
        asked.append((submission.id, alone))
        return submission.id == "eve"

    found = graded(four, tmp_path, grade)
    assert sorted(found) == [("ada", ""), ("bob", ""), ("eve", ""), ("joe", "")]
    assert found[-1] == ("eve", "")
    assert sorted(asked) == [
        *(("ada", False), ("bob", False), ("eve", False), ("eve", False), ("joe", False))
    ]


def test_a_disk_that_is_full_stops_the_class(four, tmp_path):
    asked = []

    def grade(submission, job, out, *, alone):
        asked.append(submission.id)
        raise Unwritten(28, "No space left on device")

    with pytest.raises(Unwritten, match="No space left on device"):
        graded(four, tmp_path, grade, jobs=1)
    assert asked == ["ada"]


@pytest.fixture
def one_function():
    """An assignment of one function."""
    points = {f.name: 0.0 for f in contract.FUNCTIONS.values() if f.part == "part3"}
    del points[FUNCTION]
    return Assignment(points=points)


@pytest.mark.parametrize("jobs", [1, 2])
def test_who_is_late_only_beside_others_keeps_all_points(
    four, tmp_path, monkeypatch, one_function, jobs
):
    """Side by side in a second run, one by one at once; that counts, and is taken for done."""
    late = {"ada": 1, "bob": 1}

    class Loaded(ProcessSession):
        def _receive(self, pipes, limits, doing, started):
            name = self._files["name.py"].decode()[1:]
            if late[name] and doing.startswith(FUNCTION):
                late[name] -= 1
                return self._lost("timeout", f"{doing} took longer than 1 second")
            return super()._receive(pipes, limits, doing, started)

    monkeypatch.setattr(batch, "ProcessSession", Loaded)
    job = batch.Job(walls(), "part3", one_function)
    two = [replace(one, files={**one.files, "name.py": f"#{one.id}".encode()}) for one in four[:2]]
    found = batch.grade_all(two, job, tmp_path, jobs=jobs, executor=ThreadPoolExecutor)
    assert sorted((one.id, problem) for one, problem in found) == [("ada", ""), ("bob", "")]
    assert late == {"ada": 0, "bob": 0}
    kept = [batch.earlier(one, tmp_path) for one in two]
    for result in kept:
        report = marks.report_of(result, one_function.checks())
        assert report.scores["part3"].earned == report.scores["part3"].possible > 0
        assert report.sandbox["timeouts"] == 0
        assert batch.is_done(report.submission, job, tmp_path)


def test_results_of_other_files_or_another_seed_are_graded_again(four, tmp_path, one_function):
    job = batch.Job(walls(), "part3", one_function)
    for _ in batch.grade_all(four[:1], job, tmp_path, executor=ThreadPoolExecutor):
        pass
    other = replace(job, assignment=replace(one_function, seed=4711))
    changed = replace(four[0], digest="another")
    assert [one.id for one in four if batch.is_done(one, job, tmp_path)] == ["ada"]
    assert not batch.is_done(four[0], other, tmp_path)
    assert not batch.is_done(changed, job, tmp_path)


@pytest.fixture
def one_by_one(four, tmp_path, monkeypatch):
    """``hw3 grade`` of four, one after the other; ``between`` is called when two are done."""
    rules = tmp_path / "assignment.toml"
    rules.write_text(f"[points]\n{left_out()}", encoding="utf-8")
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "graded")]
    command += ["--part", "part3", "--jobs", "1", "--assignment", str(rules)]
    command += ["--sandbox", "none" if walls().unsandboxed else "auto"]

    def grade(between):
        every = batch.grade_all

        def stops_in_between(*arguments, **options):
            with closing(every(*arguments, **options)) as graded:
                for number, one in enumerate(graded):
                    yield one
                    if number == 1:
                        between()

        monkeypatch.setattr(batch, "grade_all", stops_in_between)
        monkeypatch.setattr(batch, "pool", lambda workers: Inline())
        done = CliRunner().invoke(main, command)
        assert isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, " ".join(done.output.split())

    return grade


def test_results_that_somebody_removes_are_said(one_by_one, tmp_path):
    out = tmp_path / "graded"
    code, said = one_by_one(lambda: shutil.rmtree(out))
    assert code == 3
    assert f"Results of 2 are no longer in {out}" in said
    assert {path.parent.name for path in out.glob("*/result.json")} == {"eve", "joe"}


def test_a_folder_that_cannot_be_written_any_more_is_said(one_by_one, tmp_path):
    out, kept = tmp_path / "graded", tmp_path / "kept"

    def becomes_a_file():
        out.rename(kept)
        out.write_text("")

    code, said = one_by_one(becomes_a_file)
    assert code == 2
    assert f"{out} cannot be written" in said
    assert "fix that, and the same command continues from there" in said
    assert {path.parent.name for path in kept.glob("*/result.json")} == {"ada", "bob"}


CALL = Call(FUNCTION, {"num_classes": 10, "k": 5, "seed": 0})


@forks
def test_many_sessions_leave_no_thread_and_no_descriptor():
    files = {"part3_compression.py": RIGHT.encode()}
    ends = {"part3_compression.py": (RIGHT + "\n\nimport os; os._exit(3)\n").encode()}
    this = psutil.Process()

    def one(code):
        session = ProcessSession(code, Limits(), walls())
        reply = session.call(CALL)
        session.close()
        return reply

    def open_now():
        return this.num_fds(), this.num_threads(), len(this.children(recursive=True))

    one(files)
    before = open_now()
    for number in range(50):
        reply = one(ends if number % 5 == 4 else files)
        assert (reply.error is None) == (number % 5 != 4)
    # What other tests left may end meanwhile: fewer are no leak.  The last guest may end late.
    for _ in range(300):
        if all(now <= then for now, then in zip(open_now(), before, strict=True)):
            return
        time.sleep(0.1)
    pytest.fail(f"{open_now()} are open, before {before}")


@forks
def test_zygotes_that_are_killed_are_replaced_without_a_trace(monkeypatch):
    """A call in which one is killed is made again: the student's code did nothing."""
    monkeypatch.setattr(process, "_zygotes", {})
    slow = RIGHT.replace("    return", "    import time; time.sleep(0.5)\n    return")
    files = {"part3_compression.py": slow.encode()}
    this = psutil.Process()
    session = ProcessSession(files, Limits(), walls())
    receive, counts = process.GuestProcess.receive, []

    def kills(self, seconds):
        (own,) = process._zygotes.values()
        process.GuestProcess.receive = receive
        own._process.kill()
        return receive(self, seconds)

    for _ in range(2):
        assert session.call(CALL).error is None
        monkeypatch.setattr(process.GuestProcess, "receive", kills)
        reply = session.call(CALL)
        assert reply.error is None
        counts.append((this.num_fds(), this.num_threads(), len(this.children(recursive=True))))
    assert len(set(counts)) == 1
    session.close()
    for one in process._zygotes.values():
        one.close()
