"""Walls: what they refuse, how they are chosen, and what a submission may take behind them."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

import grader
from attacks import working
from grader.cli import doctor, main
from grader.errors import GuestUnusable, NoWalls
from grader.grading import batch
from grader.homework.contract import FILES
from grader.records import Call, Limits
from grader.sandbox.guest import forking
from grader.sandbox.host import bubblewrap, process
from grader.sandbox.host.session import Allowance, ProcessSession
from grader.sandbox.isolation import lockdown, probe, readable
from grader.sandbox.isolation.modes import MODES, NO_WALLS, Walls
from grader.sandbox.isolation.probe import Offer, choose
from grader.submissions.intake import read_one
from grading import ROOT

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="walls are Linux's")

FILE = """
import ctypes, mmap, os, threading, time
import numpy as np
import torch


def scale_pixels(x, saliency):
    return globals()[x](saliency)


def echo(value):
    return value


def loops(_):
    while True:
        pass


def works(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return "done"


def prints_forever(_):
    while True:
        print("again")


def inside_torch(size):
    return torch.linalg.svd(torch.rand(size, size)).S.sum().item()


def inside_python(digits):
    return len(str(7**digits))


def works_in_threads(_):
    for _ in range(2):
        threading.Thread(target=loops, args=(0,), daemon=True).start()
    time.sleep(60)


def sleeps(seconds):
    time.sleep(seconds)
    return "awake"


def numbers(megabytes):
    return float(np.ones(megabytes << 17).sum())


def tensors(megabytes):
    return float(torch.ones(megabytes << 18).sum())


def letters(megabytes):
    return len("x" * (megabytes << 20))


def keeps(megabytes):
    kept = vars(torch).setdefault("_kept", [])
    while True:
        kept.append(bytearray(1 << 20))
        time.sleep(0)


def fails_beneath_python(_):
    held = [bytearray(1 << 20) for _ in range(300)]
    os.abort()


def opens(paths):
    found = []
    for path in paths:
        try:
            with open(path, "rb") as file:
                file.read(1)
            found.append(path)
        except OSError:
            pass
    return found


def status(_):
    return [os.getuid(), sorted(os.environ), os.getcwd()]


def is_imported(name):
    import sys
    return name in sys.modules
"""


def ask(session, what, argument=None, limits=None):
    return session.call(Call("scale_pixels", {"x": what, "saliency": argument}), limits)


def session_of(walls, limits=None, **more):
    return closing(ProcessSession({FILES[0]: FILE.encode()}, limits, walls, **more))


@pytest.fixture(params=MODES[:-1])
def walls(request):
    """The walls of each mode; CI has both."""
    return working(request.param)


# what they refuse


def test_a_mode_is_offered_with_its_layers(walls):
    assert {"Landlock", "seccomp", "limits"} <= set(walls.layers)
    assert ("namespaces" in walls.layers) is (walls.mode == "bubblewrap")
    assert not walls.unsandboxed


@on_linux
def test_the_probe_notices_what_is_not_refused(tmp_path):
    source = Path(probe.__file__).with_name("attempts.py").read_bytes()
    (tmp_path / FILES[2]).write_bytes(source)
    code = "import json, part3_compression; print(json.dumps(part3_compression.random_classes(2)))"
    with probe._targets() as targets:
        (tmp_path / "targets.py").write_text(targets, encoding="utf-8")
        # Not in a guest, which would keep the rules by itself.
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
    succeeded = json.loads(done.stdout)
    assert set(succeeded) >= {
        *("reads_a_file_of_yours", "reads_the_grader", "lists_your_home", "writes_a_file"),
        *("changes_a_file", "connects", "sends_a_datagram", "opens_an_abstract_socket", "forks"),
        *("starts_a_program", "signals_the_grader", "reads_another_process"),
        *("hides_memory_in_a_file", "signals_everything"),
    }


def test_nothing_of_ours_can_be_read(walls, tmp_path):
    home = Path(grader.__file__).parent.parent
    ours = [p for name in ("grader", "reference", "fixtures") for p in (home / name).rglob("*.*")]
    secret = tmp_path / "secret"
    secret.write_text("of another submission", encoding="utf-8")
    tmp_path.chmod(0o755)
    paths = [str(p) for p in (*ours, secret, "/proc/self/maps", "/etc/hostname") if p]
    with session_of(walls) as session:
        found = []
        for start in range(0, len(paths), 200):
            found += ask(session, "opens", paths[start : start + 200]).value
        assert ask(session, "opens", [os.__file__, pytest.__file__]).value == [
            os.__file__,
            pytest.__file__,
        ]
    assert len(paths) > 300
    assert found == []


def test_a_guest_sees_no_variable_of_the_users(walls, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with session_of(walls) as session:
        _, variables, folder = ask(session, "status").value
    assert not {"AWS_SECRET_ACCESS_KEY", "TMPDIR"} & set(variables)
    assert os.path.basename(os.path.dirname(folder)).startswith("hw3-guests-")


MAKER = "torch.distributed.nn.jit.instantiator"
"""What torch imports to make its first optimizer; torch 2.6 writes a file meanwhile."""


@pytest.mark.skipif(not importlib.util.find_spec(MAKER), reason="this torch has no such module")
def test_what_writes_when_it_is_imported_is_imported_before_the_walls(walls):
    with session_of(walls) as session:
        assert ask(session, "is_imported", MAKER).value is True


def test_the_folder_of_such_a_module_is_swept_away(tmp_path, monkeypatch):
    (tmp_path / "writes_at_import.py").write_text(
        "import sys, tempfile\n"
        "folder = tempfile.TemporaryDirectory()\n"
        "sys.path.append(folder.name)\n"
        "open(folder.name + '/made', 'w').close()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    make, paths = tempfile.TemporaryDirectory, list(sys.path)
    forking.import_and_sweep("writes_at_import")
    assert not Path(sys.modules.pop("writes_at_import").folder.name).exists()
    assert tempfile.TemporaryDirectory is make
    assert sys.path == paths
    forking.import_and_sweep("is_in_no_release")


@on_linux
def test_what_is_readable_holds_nothing_of_ours():
    found = readable.readable()
    allowed = [Path(path) for path in found.allowed]
    for own in map(Path, found.ours):
        assert not any(own.is_relative_to(path) for path in allowed)
        inside = [path for path in allowed if path.is_relative_to(own)]
        assert all(path.is_relative_to(sys.prefix) for path in inside)  # an environment in it
    assert any(Path(os.__file__).is_relative_to(path) for path in allowed)
    assert Path.home() not in allowed


@on_linux
def test_the_namespace_shows_the_guests_modules_alone():
    command = bubblewrap.wrapped(["true"], readable.readable(), {})
    shown = {command[i + 2] for i, word in enumerate(command) if word in ("--ro-bind", "--tmpfs")}
    home = Path(grader.__file__).parent.parent
    assert str(home / "grader" / "sandbox") in shown
    for hidden in ("grader/checks", "grader", "reference", "", "grader/oracle"):
        assert str(home / hidden) not in {
            command[i + 2] for i, word in enumerate(command) if word == "--ro-bind"
        }


# how they are chosen


def offered(monkeypatch, *offers):
    monkeypatch.setattr(probe, "offers", lambda: iter(offers))


def test_the_strongest_that_works_is_chosen(monkeypatch):
    strong, weak = Walls("bubblewrap", ("namespaces",)), Walls("lockdown", ("Landlock",))
    offered(monkeypatch, Offer("bubblewrap", strong), Offer("lockdown", weak))
    assert choose("auto") == choose("strict") == strong
    offered(monkeypatch, Offer("bubblewrap", why="not installed"), Offer("lockdown", weak))
    assert choose("auto") == choose("strict") == weak
    assert choose("none") == NO_WALLS


@pytest.fixture
def without_walls(monkeypatch):
    offered(
        monkeypatch,
        Offer("bubblewrap", why="bubblewrap is not installed"),
        Offer("lockdown", why="this kernel has no Landlock"),
    )


def hw3(*arguments):
    return CliRunner().invoke(main.main, [str(argument) for argument in arguments])


SAMPLE = ROOT / "fixtures" / "submissions" / "empty_template"


@pytest.mark.parametrize("wish", ["auto", "strict"])
def test_a_class_is_not_graded_without_walls(without_walls, tmp_path, wish):
    done = hw3("grade", SAMPLE, "--out", tmp_path / "out", "--sandbox", wish)
    assert done.exit_code == 2
    assert "bubblewrap: bubblewrap is not installed" in done.output
    assert "lockdown: this kernel has no Landlock" in done.output
    assert "--sandbox none" in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_a_check_of_ones_own_runs_without_walls_and_says_so(without_walls, tmp_path):
    arguments = ("check", SAMPLE, "--only", "random_classes", "--json", tmp_path / "r.json")
    done = hw3(*arguments)
    assert done.exit_code == 1
    assert "UNSANDBOXED" in done.output
    document = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert document["sandbox"] == {"mode": "none", "layers": [], "unsandboxed": True}
    done = hw3(*arguments, "--sandbox", "strict")
    assert done.exit_code == 2


def test_without_linux_there_is_nothing_to_offer(monkeypatch):
    monkeypatch.setattr(process, "FORKS", False)
    assert list(probe.offers()) == []
    with pytest.raises(NoWalls, match="need Linux"):
        choose("auto")


def test_the_layers_are_stamped_into_the_result(walls):
    submission = read_one(SAMPLE)
    report = batch.grade_one(submission, batch.Job(walls, "part3"))
    assert report.sandbox["mode"] == walls.mode
    assert report.sandbox["layers"] == list(walls.layers)
    assert report.sandbox["unsandboxed"] is False


def test_a_guest_outside_its_walls_is_not_used(walls):
    more = Walls(walls.mode, (*walls.layers, "a moat"))
    with session_of(more) as session, pytest.raises(GuestUnusable, match="not the ones that were"):
        ask(session, "echo", 1)


@on_linux
def test_a_lockdown_that_cannot_be_made_starts_nothing(monkeypatch):
    monkeypatch.setattr(process, "_zygotes", {})
    monkeypatch.setattr(process, "DEVICES", ("/dev/null", "\0"))
    with session_of(Walls("lockdown")) as session, pytest.raises(GuestUnusable, match="null byte"):
        ask(session, "echo", 1)
    process.end_zygote("lockdown")


@on_linux
def test_the_doctor_says_what_is_missing_and_how_to_get_it(monkeypatch):
    monkeypatch.setattr(bubblewrap, "available", lambda: False)
    (first, *_) = doctor._walls([next(probe.offers())])
    assert (first.what, first.says) == ("walls, bubblewrap", "bubblewrap is not installed")
    assert "bubblewrap" in first.repair
    why = "the lockdown failed: libseccomp.so.2: cannot open shared object file"
    assert "libseccomp" in probe._explained("lockdown", why).repair
    assert "5.13" in probe._explained("lockdown", "this kernel has no Landlock").repair


def broken(monkeypatch, module, library="libseccomp.so.2"):
    """What is said where the binding is this module, or its library has this name."""
    monkeypatch.setattr(lockdown, "_LIBRARY", library)
    if module == "there":
        monkeypatch.delitem(sys.modules, "pyseccomp", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "pyseccomp", module)
    with pytest.raises(ImportError) as error:
        lockdown._pyseccomp()
    return probe._explained("lockdown", str(error.value))


@on_linux
def test_a_broken_binding_is_told_from_a_missing_library(monkeypatch):
    absent = broken(monkeypatch, None)
    assert absent.why == "pyseccomp is not installed"
    assert absent.repair == "pip install pyseccomp"
    empty = broken(monkeypatch, types.ModuleType("pyseccomp"))
    assert empty.why.startswith("pyseccomp is installed, but cannot be used (AttributeError: ")
    assert empty.repair == "pip install --force-reinstall --no-deps pyseccomp"
    library = broken(monkeypatch, "there", "libseccomp.so.2.nowhere")
    assert library.why.startswith("libseccomp is not installed (libseccomp.so.2.nowhere")
    assert "libseccomp" in library.repair


# limits

TIGHT = Limits(wall_seconds=20.0, cpu_seconds=0.4, memory_mb=256)


@pytest.fixture(params=["forked", "started", *MODES[:-1]])
def guest(request, monkeypatch):
    """A guest of every kind, with tight limits."""
    if request.param in MODES:
        behind = working(request.param)
    else:
        behind = NO_WALLS
        monkeypatch.setattr(process, "FORKS", process.FORKS and request.param == "forked")
    with session_of(behind, TIGHT, alone=False) as session:
        yield session


forked = pytest.mark.parametrize(
    "guest",
    ["forked", pytest.param("started", marks=pytest.mark.weekly), *MODES[:-1]],
    indirect=True,
)
"""To start a guest anew for each test takes long: every week, where one test in each run does."""


def test_a_loop_without_an_end_is_limited_and_its_line_is_named(guest):
    is_limited(guest, "loops", None, ("while True:", "pass"))


@forked
@pytest.mark.parametrize(
    ("what", "argument", "lines"),
    [
        ("works_in_threads", None, ("time.sleep(60)",)),
        ("prints_forever", None, ("while True:", 'print("again")')),
        ("inside_torch", 1500, ("return torch.linalg.svd(torch.rand(size, size)).S.sum().item()",)),
        ("inside_python", 10**7, ("return len(str(7**digits))",)),
    ],
)
def test_processor_time_is_limited_and_the_line_is_named(guest, what, argument, lines):
    is_limited(guest, what, argument, lines)


def is_limited(guest, what, argument, lines):
    reply = ask(guest, what, argument)
    error = reply.error
    assert (error.kind, error.message) == (
        "timeout",
        "scale_pixels(…) took longer than 0.4 seconds of processor time",
    )
    assert error.file == "part1_focused.py"
    assert error.code in lines
    assert error.code == FILE.splitlines()[error.line - 1].strip()
    assert not reply.stdout.replace("again\n", "").strip("agin… 0123456789bytes.\n")
    assert ask(guest, "echo", 3).value == 3


@forked
def test_processor_time_counts_by_call(guest):
    for _ in range(4):
        assert ask(guest, "works", 0.2).value == "done"


@forked
def test_waiting_takes_no_processor_time(guest):
    assert ask(guest, "sleeps", 1.0).value == "awake"
    error = ask(guest, "sleeps", 60, Limits(wall_seconds=0.5, memory_mb=256)).error
    assert error.message == "scale_pixels(…) took longer than 0.5 seconds"


@on_linux
@pytest.mark.parametrize("what", ["numbers", "tensors", "letters"])
@pytest.mark.parametrize("mode", ["forked", *MODES[:-1]])
def test_memory_is_limited_and_the_guest_lives(what, mode):
    with session_of(NO_WALLS if mode == "forked" else working(mode), TIGHT) as session:
        assert ask(session, what, 50).error is None
        error = ask(session, what, 400).error
        assert (error.kind, error.message) == (
            "memory",
            "scale_pixels(…) used more than 256 MiB of memory",
        )
        assert error.file == FILES[0]
        assert ask(session, "echo", 3).value == 3


def test_memory_that_is_really_taken_is_limited(guest):
    error = ask(guest, "keeps", None, Limits(cpu_seconds=60.0, memory_mb=256)).error
    assert (error.kind, error.message) == (
        "memory",
        "scale_pixels(…) used more than 256 MiB of memory",
    )
    guest.close()
    assert ask(guest, "echo", 3).value == 3


def test_all_calls_together_have_an_allowance(guest):
    guest._allowance = Allowance(0.8)
    replies = [ask(guest, "sleeps", 0.3) for _ in range(5)]
    assert [reply.value for reply in replies[:2]] == ["awake", "awake"]
    assert "took longer than 0.8 seconds in all" in replies[-1].error.message
    assert replies[-1].error.message.endswith("was not run")


def test_what_takes_too_long_is_tried_once_more_where_nothing_else_runs():
    once = FILE + (
        "\n\ndef late_once(path):\n"
        "    if os.path.exists(path):\n"
        "        return 'in time'\n"
        "    import ctypes\n"
        "    ctypes.CDLL(None).creat(path.encode(), 0o644)  # past Python's own rule\n"
        "    loops(0)\n"
    )
    for alone, expected in ((True, ("in time", 0)), (False, (None, 1))):
        allowance = Allowance(60)
        path = Path(__file__).with_suffix(f".{os.getpid()}.{alone}")
        files = {FILES[0]: once.encode()}
        limits = Limits(cpu_seconds=0.3)
        with closing(ProcessSession(files, limits, NO_WALLS, allowance, alone=alone)) as session:
            reply = ask(session, "late_once", str(path))
        path.unlink()
        assert (reply.value, allowance.timeouts) == expected


@on_linux
def test_no_guest_outlives_its_zygote(walls):
    with session_of(walls) as session:
        assert ask(session, "echo", 1).value == 1
        started = process._zygotes[walls.mode]
        pid = started._process.pid
        started._process.kill()
        started._process.wait()
        session.close()
        assert ask(session, "echo", 3).value == 3
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    assert found.stdout.strip() == ""


@on_linux
def test_lists_of_calls_know_their_names():
    """Every name is one that libseccomp knows, or that a newer one would."""
    from grader.sandbox.isolation import lockdown

    binding = lockdown._pyseccomp()
    names = [*lockdown._ALLOWED.split(), *lockdown._DENIED.split()]
    assert len(names) == len(set(names))
    unknown = [n for n in names if binding.resolve_syscall(binding.Arch.NATIVE, n) == -1]
    assert set(unknown) <= {"futex_wake", "futex_wait", "futex_requeue", "fchmodat2"}


@on_linux
def test_the_filter_can_be_made_for_another_processor(tmp_path):
    """As far as that can be seen without one: libseccomp has the numbers of all."""
    from grader.sandbox.isolation import lockdown

    binding = lockdown._pyseccomp()
    arch = binding.Arch
    other = arch.AARCH64 if binding.system_arch() != arch.AARCH64 else arch.X86_64
    made = binding.SyscallFilter(binding.KILL_PROCESS)
    made.add_arch(other)
    made.remove_arch(arch.NATIVE)
    for action, name, arguments in lockdown._rules(binding, 7):
        number = binding.resolve_syscall(arch.NATIVE, name)
        if number != lockdown._UNKNOWN:
            made.add_rule(action, number, *arguments)
    with open(tmp_path / "bpf", "wb") as file:
        made.export_bpf(file)
    assert (tmp_path / "bpf").stat().st_size > 8 * 100
    # What a processor does not have has a number below -1 there, and its rule does nothing.
    assert binding.resolve_syscall(arch.AARCH64, "fork") < -1
    assert binding.resolve_syscall(arch.NATIVE, "mmap2") < -1
    made.add_rule(binding.ALLOW, binding.resolve_syscall(arch.NATIVE, "mmap2"))


DOCKERS = "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw"
DOCKERS += " sys_chroot mknod audit_write setfcap"


@on_linux
@pytest.mark.parametrize(
    "capabilities",
    [
        pytest.param(DOCKERS, marks=pytest.mark.weekly),
        pytest.param("setgid setuid kill", marks=pytest.mark.weekly),
        "",
    ],
)
def test_root_with_fewer_capabilities_has_walls_too(capabilities):
    """Docker leaves root some of its capabilities, and others leave it none."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can give capabilities up, and needs setpriv for it")
    kept = ",".join(["-all", *(f"+{name}" for name in capabilities.split())])
    code = "from grader.sandbox.isolation.probe import choose; print(choose('strict').mode)"
    command = ["setpriv", "--bounding-set", kept, "--inh-caps", "-all", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, encoding="utf-8")
    assert done.stdout.strip() in MODES[:-1], done.stderr
