"""Sessions: a submission in a process of its own, and what it can do there to itself alone."""

import io
import math
import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import grader
from grader.errors import GuestUnusable
from grader.homework.contract import FILES, PARTS
from grader.homework.families import FAMILIES
from grader.homework.networks import Network, build
from grader.records import Call, Limits, NumPy, Other, Passes, Received
from grader.sandbox.guest import forking
from grader.sandbox.guest import server as guests
from grader.sandbox.host import process
from grader.sandbox.host import session as sessions
from grader.sandbox.host.session import InProcessSession, ProcessSession
from grader.sandbox.protocol import replies, wire
from grader.sandbox.protocol.wire import MAX_PAYLOAD, MAX_REPLY, Garbage

SHORT = Limits(wall_seconds=0.5)
PART_IDS = tuple(part.id for part in PARTS if not part.optional)
MLP = Network("smooth_mlp", seed=3)

FILE = '''
import ctypes
import os
import sys
import threading
import time

import numpy as np
import torch


def scale_pixels(x, saliency):
    """Whatever a test asks for: a function of this file, and its argument."""
    return globals()[x](saliency)


def instance_influence(model, layer, xs, target):
    values = [value.double().flatten() for value in model.state_dict().values()]
    return torch.cat([torch.zeros(0), *values])


def mask_slice(model, layer, keep):
    print("masked")
    return model


def top_neurons(attribution, k=1):
    raise NotImplementedError


def echo(value):
    return value


def doubles(value):
    value *= 2


def pid(_):
    return os.getpid()


def descriptors():
    """Those that are open beside the standard three."""
    found = []
    for number in range(3, 64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def everywhere(text):
    """Write to every descriptor that can be written to."""
    for number in descriptors():
        try:
            os.write(number, text.encode())
        except OSError:
            pass


def raises(_):
    numbers = [1, 2, 3]
    return numbers[7]


def raises_in_torch(_):
    return torch.zeros(2) @ torch.zeros(3)


def leaves(_):
    raise SystemExit(3)


def interrupted(_):
    raise KeyboardInterrupt


def exits(code):
    os._exit(code)


def remember(value):
    """What the process was last told, if ``value`` is None."""
    kept = vars(torch).setdefault("_kept", [])
    if value is not None:
        kept.append(value)
    return kept[-1] if kept else None


def kills(signal):
    os.kill(os.getpid(), signal)


def loops(_):
    while True:
        pass


def exits_later(seconds):
    threading.Thread(target=lambda: (time.sleep(seconds), os._exit(0)), daemon=True).start()
    return "answered"


def writes_later(text):
    threading.Thread(target=lambda: (time.sleep(0.1), everywhere(text)), daemon=True).start()
    return "answered"


def floods(_):
    while True:
        everywhere("\\0" * 2**16)


def shuts_pipe(_):
    for number in descriptors():
        os.close(number)


def leaves_a_child(_):
    if ctypes.CDLL(None).fork() == 0:  # Python's own fork is refused
        time.sleep(60)
    os._exit(0)


def prints(text):
    print(text)
    print("warned", file=sys.stderr)
    os.write(1, b"straight to the descriptor")
    os.write(2, b"straight to the descriptor")


def prints_a_lot(count):
    for number in range(count):
        print(number)


def prints_wide(count):
    print("█" * count)
    return torch.arange(5)


def prints_controls(count):
    print("\\x1b" * count)
    return torch.arange(5)


def replaces_stdout(_):
    sys.stdout = None


def imports(name):
    return __import__(name).__name__


def sees(_):
    return [sorted(sys.modules), sys.path, sorted(os.environ), os.getcwd(), sys.argv]


def torchvision_twice(_):
    import torchvision
    from torchvision import models

    return torchvision is sys.modules["torchvision"] and models is torchvision.models


def deep(_):
    return deep(_)


def own_list(width):
    value = []
    value.extend([value] * width)
    return value


def many_words(count):
    return ["word" * 100] * count


def many_tensors(count):
    return [[torch.zeros(1)] * count] * 2


def large(megabytes):
    return torch.zeros(megabytes << 18)


def expanded(_):
    return torch.zeros(1).expand(2**20, 2**20)


class Loud:
    def __repr__(self):
        raise RuntimeError

    __str__ = __repr__


def loud(_):
    return Loud()


def loud_key(_):
    return {Loud(): 1}


class Lying(torch.Tensor):
    def numpy(self, **_):
        return "no array"

    def detach(self):
        return self


def lying(_):
    return torch.zeros(2).as_subclass(Lying)


def renamed(_):
    class Meta(type):
        __name__ = property(lambda cls: [])

    return Meta("Odd", (), {})()


def draws(_):
    return [torch.rand(1).item(), float(np.random.rand())]


def threads(_):
    return torch.get_num_threads()
'''


def submission(**files):
    """Files by part: ``part1`` is :data:`FILE`, unless it is given."""
    names = {
        "part1": "part1_focused.py",
        "part2": "part2_comparative.py",
        "part3": "part3_compression.py",
    }
    texts = {"part1": FILE, **files}
    return {names.get(n, f"{n}.py"): t.encode() for n, t in texts.items()}


def ask(session, what, argument=None, limits=None):
    """The reply of a function of :data:`FILE`."""
    return session.call(Call("scale_pixels", {"x": what, "saliency": argument}), limits)


def answers(session):
    """Whether the next call is answered."""
    return ask(session, "echo", 5).value == 5


@pytest.fixture(scope="module")
def guest():
    """A guest that lives through what tests do to it, or is started again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_ENV", "commands")
        session = ProcessSession(submission())
        yield session
        session.close()


@pytest.fixture(scope="module")
def inside():
    """The same submission in this process."""
    session = InProcessSession(submission())
    yield session
    session.close()


@pytest.fixture(params=["guest", "inside"])
def either(request):
    """Both kinds of session, which do the same."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def same_guest(guest):
    """The guest, which must be the same process afterwards."""
    before = ask(guest, "pid").value
    yield guest
    assert ask(guest, "pid").value == before


# what both sessions do


def test_values_come_back_and_arrays_are_arrays(either):
    value = ask(either, "echo", np.arange(3, dtype=np.float64)).value
    assert isinstance(value, Received)
    assert (value.origin, value.dtype) == ("tensor", "float64")
    np.testing.assert_array_equal(value.array, [0, 1, 2])
    assert ask(either, "echo", ["a", None, 1.5]).value == ["a", None, 1.5]


def test_a_module_is_called_by_the_call_that_makes_it(either):
    xs = np.random.RandomState(0).standard_normal((3, 6)).astype(np.float32)
    module = Call("mask_slice", {"model": MLP, "layer": 1, "keep": [0]})
    reply = either.call(module)
    assert reply.error.message == "part3_compression.py is not in the submission"
    module = Call("scale_pixels", {"x": "echo", "saliency": MLP})
    assert either.call(module).value == Other("module", "Sequential")
    value = either.call(Call("()", {"module": module, "inputs": xs})).value
    assert value.array.shape == (3, 5)


def test_an_error_has_the_students_own_line(either):
    error = ask(either, "raises").error
    assert (error.kind, error.message) == ("raised", "IndexError: list index out of range")
    assert error.types == ("IndexError", "LookupError", "Exception", "BaseException")
    assert (error.file, error.code) == ("part1_focused.py", "return numbers[7]")
    assert FILE.splitlines()[error.line - 1].strip() == error.code
    assert ask(either, "raises_in_torch").error.code == "return torch.zeros(2) @ torch.zeros(3)"


def test_what_is_not_written_yet_is_missing(either):
    error = either.call(Call("top_neurons", {"attribution": [1.0]})).error
    assert (error.kind, error.message) == ("missing", "not written yet")
    error = either.call(Call("split", {"model": MLP, "layer": 0})).error
    assert (error.kind, error.message) == ("missing", "split is not defined")
    error = either.call(Call("drive:generator_losses", {"fake": np.zeros((1, 2))})).error
    assert (error.kind, error.message) == ("missing", "gan.py is not in the submission")


def test_what_is_changed_is_named(either):
    call = Call("instance_influence", {"model": MLP, "layer": 0, "xs": np.zeros((1, 6))})
    assert either.call(call).changed == ()
    call = Call("scale_pixels", {"x": "doubles", "saliency": np.ones(2)})
    assert either.call(call).changed == ("the values of saliency",)


def test_leaving_python_is_an_error_like_any_other(either):
    error = ask(either, "leaves").error
    assert (error.kind, error.message, error.code) == (
        "raised",
        "SystemExit: 3",
        "raise SystemExit(3)",
    )


def test_what_is_printed_comes_with_the_reply_and_not_with_the_next(either):
    assert ask(either, "prints", "hello").stdout.startswith("hello\nwarned\n")
    assert ask(either, "echo").stdout == ""


def test_of_much_output_the_first_and_the_last_is_kept(either):
    stdout = ask(either, "prints_a_lot", 20_000).stdout
    assert stdout.startswith("0\n1\n2\n")
    assert stdout.endswith("\n19998\n19999\n")
    assert re.search(r"\n… \d+ bytes …\n", stdout)
    assert 16_000 < len(stdout) < 17_000


@pytest.mark.parametrize("what", ["prints_wide", "prints_controls"])
def test_much_output_does_not_cost_the_value(either, what):
    reply = ask(either, what, 50_000)
    np.testing.assert_array_equal(reply.value.array, np.arange(5))
    assert len(reply.stdout) >= 2000


@pytest.mark.parametrize(
    ("what", "argument", "value"),
    [
        ("own_list", 1, Other("words", "lists nested too deep")),
        ("own_list", 1000, Other("words", "lists nested too deep")),
        ("many_words", 900, Other("words", "a result too large to be sent")),
        ("many_tensors", 900, Other("words", "a result too large to be sent")),
        ("large", (MAX_REPLY >> 20), Other("words", "a result too large to be sent")),
        (
            "large",
            (MAX_REPLY >> 20) + 1,
            Other("words", "a tensor too large to be sent, of shape (2359296,)"),
        ),
        (
            "expanded",
            None,
            Other("words", "a tensor too large to be sent, of shape (1048576, 1048576)"),
        ),
        ("loud", None, Other("value", "Loud")),
        ("lying", None, Other("words", "a tensor of float32")),
        ("renamed", None, Other("value", "[]")),
    ],
)
def test_what_cannot_be_sent_arrives_in_words(either, what, argument, value):
    reply = ask(either, what, argument)
    assert reply.error is None
    assert reply.value == value
    assert answers(either)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("deep", "RecursionError"),
        ("loud_key", "RuntimeError"),
        ("interrupted", "KeyboardInterrupt"),
    ],
)
def test_what_the_students_objects_raise_is_their_error(same_guest, what, message):
    error = ask(same_guest, what).error
    assert error.kind == "raised"
    assert error.message.startswith(message)
    assert error.file == "part1_focused.py"


def test_seeds_decide_what_is_drawn(either):
    def drawn(seed):
        return either.call(Call("scale_pixels", {"x": "draws", "saliency": None}, seed)).value

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_request_that_is_too_large_is_not_the_students_fault(either):
    with pytest.raises(Garbage, match="bytes"):
        ask(either, "echo", np.zeros(MAX_PAYLOAD, np.uint8))
    with pytest.raises(TypeError, match="cannot be sent"):
        ask(either, "echo", {1, 2})
    assert answers(either)


# what only a process does


def test_importing_sessions_does_not_import_torch():
    code = "import sys, grader.sandbox.host.session; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_guest_builds_the_same_networks_to_the_bit(guest):
    for family in FAMILIES:
        for spec in (Network(family, seed=5), Network(family, seed=6, dtype="float64")):
            arguments = {"model": spec, "layer": 0, "xs": np.zeros((1, 1)), "target": 0}
            there = guest.call(Call("instance_influence", arguments)).value
            here = [v.double().numpy().ravel() for v in build(spec).state_dict().values()]
            np.testing.assert_array_equal(there.array, np.concatenate([np.zeros(0), *here]))


def test_the_guest_shows_no_module_of_ours_no_token_and_no_folder(same_guest):
    modules, path, variables, folder, arguments = ask(same_guest, "sees").value
    home = Path(grader.__file__).parent.parent
    assert not [name for name in modules if name.partition(".")[0] in ("grader", "reference")]
    assert str(home) not in path or (home / "torch").is_dir()
    assert "" not in path
    assert "GITHUB_ENV" not in variables
    assert os.listdir(folder) == ["part1_focused.py"]
    assert arguments == ["part1_focused.py"]
    for name in ("grader", "grader.records", "reference"):
        error = ask(same_guest, "imports", name).error
        assert error.message.endswith("which belongs to the grader: a submission cannot import it")
    assert ask(same_guest, "imports", "torchvision").value == "torchvision"
    assert ask(same_guest, "torchvision_twice").value is True


def test_the_guest_computes_with_one_thread(same_guest):
    assert ask(same_guest, "threads").value == 1


def test_a_replaced_stdout_is_put_back(same_guest):
    assert ask(same_guest, "replaces_stdout").error is None
    printed = ask(same_guest, "prints", "again").stdout
    assert printed == "again\nwarned\n" + 2 * "straight to the descriptor"


FRAME = "\0\0\0\x0c\0\0\0\0" + '{"$dict":[]}'
MODULE = Call("scale_pixels", {"x": "echo", "saliency": MLP})
ON_MODULE = Call("()", {"module": MODULE, "inputs": np.ones((2, 6), np.float32)})

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal and no fork")


@pytest.mark.parametrize(
    ("what", "argument", "kind", "message"),
    [
        ("loops", None, "timeout", "scale_pixels(…) took longer than 0.5 seconds"),
        ("exits", 7, "died", "the process ended in scale_pixels(…) with exit status 7"),
        pytest.param(
            "kills", 9, "died", "the process ended in scale_pixels(…) by signal 9", marks=POSIX
        ),
        (
            "everywhere",
            "garbage" * 9,
            "garbage",
            "in scale_pixels(…) your code wrote into the grader's own connection, or closed it",
        ),
        (
            "everywhere",
            FRAME,
            "garbage",
            "in scale_pixels(…) your code wrote into the grader's own connection, or closed it",
        ),
        (
            "floods",
            None,
            "garbage",
            "in scale_pixels(…) your code wrote into the grader's own connection, or closed it",
        ),
        ("shuts_pipe", None, "died", "the process ended in scale_pixels(…) with exit status 1"),
        pytest.param(
            *("leaves_a_child", None, "timeout", "scale_pixels(…) took longer than 0.5 seconds"),
            marks=POSIX,
        ),
    ],
)
def test_what_ends_the_guest_ends_one_call(guest, what, argument, kind, message):
    before = ask(guest, "pid").value
    module = guest.call(ON_MODULE).value.array
    started = time.monotonic()
    error = ask(guest, what, argument, SHORT).error
    assert time.monotonic() - started < 30  # the child that is left sleeps for a minute
    assert (error.kind, error.message) == (kind, message)
    np.testing.assert_array_equal(guest.call(ON_MODULE).value.array, module)
    assert ask(guest, "pid").value != before


def test_a_guest_that_dies_between_two_calls_costs_none(guest):
    assert ask(guest, "exits_later", 0.1).value == "answered"
    guest._pipes.process.wait(timeout=10)
    guest._pipes._threads[0].join(timeout=10)
    assert answers(guest)


def test_what_is_written_between_two_calls_costs_the_next(guest):
    assert ask(guest, "writes_later", FRAME).value == "answered"
    deadline = time.monotonic() + 10
    while not guest._pipes.waiting() and time.monotonic() < deadline:
        time.sleep(0.01)
    error = ask(guest, "echo").error
    assert error.kind == "garbage"
    assert (
        error.message == "before scale_pixels(…) your code wrote into the grader's own connection"
    )
    assert answers(guest)


def test_closing_ends_the_process_and_can_be_done_twice():
    session = ProcessSession(submission())
    ended = session._pipes.process
    session.close()
    session.close()
    assert ended.returncode is not None


@pytest.fixture(params=[True, False], ids=["forked", "started"])
def afresh(request, monkeypatch):
    """Guests made either way; a zygote of the test's own."""
    if request.param and not process.FORKS:
        pytest.skip("guests are never forked here")
    monkeypatch.setattr(process, "FORKS", request.param)
    monkeypatch.setattr(process, "_zygotes", {})
    yield request.param
    for one in process._zygotes.values():
        one.close()


def boot(monkeypatch, change):
    monkeypatch.setattr(guests, "BOOT", change(guests.BOOT))
    monkeypatch.setattr(forking, "BOOT", change(forking.BOOT))


def test_a_guest_that_cannot_start_is_not_the_students_fault(afresh, monkeypatch):
    boot(monkeypatch, lambda code: "raise SystemExit(1)")
    session = ProcessSession(submission())
    with pytest.raises(GuestUnusable, match="cannot start: it ended before it was ready"):
        ask(session, "echo")
    session.close()


def test_a_guest_without_torch_says_so(afresh, monkeypatch):
    boot(monkeypatch, lambda code: "import sys; sys.modules['torch'] = None; " + code)
    session = ProcessSession(submission())
    with pytest.raises(GuestUnusable, match="cannot start: ModuleNotFoundError: import of torch"):
        ask(session, "echo")
    session.close()


def test_a_guest_answers_crashes_hangs_and_is_followed_by_another(afresh):
    session = ProcessSession(submission(), SHORT)
    try:
        first = ask(session, "pid").value
        assert ask(session, "echo", 3).value == 3
        assert "exit status 7" in ask(session, "exits", 7).error.message
        second = ask(session, "pid").value
        assert ask(session, "loops").error.kind == "timeout"
        assert len({first, second, ask(session, "pid").value}) == 3
    finally:
        session.close()


@pytest.mark.skipif(not process.FORKS, reason="guests are never forked here")
class TestForking:
    def test_guests_share_nothing_that_one_of_them_changes(self):
        one, two = ProcessSession(submission()), ProcessSession(submission())
        try:
            assert ask(one, "remember", 5).value == 5
            assert ask(one, "remember", None).value == 5
            assert ask(two, "remember", None).value is None
        finally:
            one.close()
            two.close()

    def test_a_zygote_that_is_gone_is_replaced(self, monkeypatch):
        monkeypatch.setattr(process, "_zygotes", {})
        session = ProcessSession(submission())
        try:
            assert ask(session, "echo", 1).value == 1
            (old,) = process._zygotes.values()
            old._process.kill()
            old._process.wait()
            session.close()
            assert ask(session, "echo", 2).value == 2
            (new,) = process._zygotes.values()
            assert new is not old
        finally:
            session.close()
            new.close()

    def test_no_guest_outlives_the_grader(self, tmp_path):
        """A guest in an endless loop does not notice that its pipe has ended."""
        source = submission()["part1_focused.py"].decode()
        (tmp_path / "source.py").write_text(source, encoding="utf-8")
        code = """
import pathlib, sys
from grader.records import Call
from grader.sandbox.host.session import ProcessSession
files = {"part1_focused.py": pathlib.Path("source.py").read_bytes()}
session = ProcessSession(files)
print(session.call(Call("scale_pixels", {"x": "pid", "saliency": 0})).value, flush=True)
session.call(Call("scale_pixels", {"x": "loops", "saliency": 0}))
"""
        grader_process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        guest = int(grader_process.stdout.readline())
        grader_process.kill()
        grader_process.wait()
        grader_process.stdout.close()
        deadline = time.monotonic() + 20
        while Path(f"/proc/{guest}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not Path(f"/proc/{guest}").exists()


# files that cannot be loaded


def counting(path, then):
    """A file that leaves a letter in ``path`` each time that it is run, past Python's own rule."""
    opened = f"libc.open({bytes(path)!r}, {os.O_WRONLY | os.O_APPEND | os.O_CREAT}, 0o644)"
    return f"import ctypes\nlibc = ctypes.CDLL(None)\nlibc.write({opened}, b'x', 1)\n{then}\n"


def call_of(part):
    """A call to some function of the part."""
    return {
        "part1": Call("top_neurons", {"attribution": [1.0]}),
        "part2": Call("comparative_influence", {"model": MLP}),
        "part3": Call("random_classes", {"num_classes": 9, "k": 2}),
        "gan": Call("make_discriminator", {}),
    }[part]


def test_a_file_that_cannot_be_loaded_is_left_alone(tmp_path):
    session = ProcessSession(
        submission(
            part1=counting(tmp_path / "part1", "while True: pass"),
            part2=counting(tmp_path / "part2", "from part1_focused import top_neurons"),
            part3=counting(tmp_path / "part3", "import os; os._exit(3)"),
            gan=counting(tmp_path / "gan", "def make_discriminator(): return 5"),
        ),
        Limits(load_seconds=0.5),
    )
    expected = {
        "part1": "importing part1_focused.py took longer than 0.5 seconds",
        "part2": "importing part2_comparative.py took longer than 0.5 seconds",
        "part3": "the process ended in importing part3_compression.py with exit status 3",
    }
    try:
        for _ in range(3):
            for part, message in expected.items():
                error = session.call(call_of(part)).error
                assert (error.kind, error.message) == ("load", message)
                assert error.file in FILES
        for _ in range(2):
            assert session.call(call_of("gan")).value == 5
    finally:
        session.close()
    times = {part: len((tmp_path / part).read_text()) for part in (*expected, "gan")}
    # What takes too long is tried twice.  Part 2 imports part 1, which is run again for it.
    assert times == {"part1": 4, "part2": 2, "part3": 1, "gan": 1}


@pytest.fixture
def inside_of():
    """Make sessions in this process, closed in the end."""
    opened = []

    def make(**files):
        opened.append(InProcessSession(submission(**files)))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


def test_a_broken_file_costs_its_part_and_those_that_import_it(tmp_path, inside_of):
    session = inside_of(
        part1=counting(tmp_path / "part1", "def top_neurons(:"),
        part2="import part1_focused\n",
        part3=counting(tmp_path / "part3", "import scikit_of_old.image"),
        gan="def make_discriminator(): return 5\n",
    )
    for _ in range(3):
        first, second, third, last = (session.call(call_of(p)) for p in PART_IDS)
        assert first.error.kind == second.error.kind == third.error.kind == "load"
        assert first.error.message.startswith("Python cannot read the file: ")
        assert (second.error.file, second.error.line) == ("part1_focused.py", 4)
        assert third.error.message.startswith(
            "imports 'scikit_of_old', which submissions cannot use"
        )
        assert third.error.code == "import scikit_of_old.image"
        assert last.value == 5
    assert not (tmp_path / "part1").exists()
    assert (tmp_path / "part3").read_text() == "x"


def test_a_call_inside_a_call_needs_its_file_too(inside_of):
    session = inside_of(part1="1 / 0", part3="def mask_slice(*_): return 1")
    inner = Call("linear_scores", {"model": MLP})
    reply = session.call(Call("mask_slice", {"model": inner, "layer": 0, "keep": []}))
    assert (reply.error.kind, reply.error.file) == ("load", "part1_focused.py")
    assert reply.error.message == "ZeroDivisionError: division by zero"


def test_leaving_python_while_loading_costs_the_part(inside_of):
    error = inside_of(part1="import sys; sys.exit()").call(call_of("part1")).error
    assert (error.kind, error.message) == ("load", "SystemExit")


def test_two_sessions_in_one_process_do_not_mix(inside_of):
    source = "import helper\ndef make_discriminator(): return helper.VALUE\n"
    one, two = (inside_of(gan=source, helper=f"VALUE = {value}") for value in (1, 2))
    assert [s.call(call_of("gan")).value for s in (one, two, one, two)] == [1, 2, 1, 2]


def test_how_much_output_is_kept_is_a_limit():
    session = InProcessSession(submission(), Limits(output_kb=1))
    assert 1000 < len(ask(session, "prints_a_lot", 5000).stdout) < 1200
    session.close()


# replies that are forged

GOOD = {"id": 1, "value": 5, "changed": ["x"], "passes": [3, 2]}
ERROR = {"kind": "raised", "message": "", "types": [], "file": "", "line": 1, "code": ""}


# As text, it is twenty megabytes and takes ten seconds; 64 MiB may come.
HUGE = np.zeros((2,) * 20, np.int8)
FORGED_VALUES = (HUGE, NumPy(HUGE), MLP, Call("split", {"model": HUGE}), [{"a": HUGE}])
FORGED_TEXTS = (HUGE, Received(HUGE, "array", "int8"), 5, None, ["x"], {"a": "x"})
FORGED_LISTS = (HUGE, "text", {"a": "x"}, [5], [["x"]], [HUGE])
FORGED_NUMBERS = (HUGE, np.array([1]), True, 1.0, -1, 2**31, 10**400, float("nan"))

FORGED_PASSES = (
    *(None, 3, "33", [], [3], [1, 2, 3], [-1, 0], [0, -1], [0, 2**31], [10**30, 0], [1.0, 2]),
    *([True, 0], [0, None], ["1", 0], [[1], 0], {"forward": 1, "backward": 1}),
)


def test_a_sound_reply_is_taken():
    assert replies.read(GOOD, 1, 0.5).passes == Passes(3, 2)
    assert replies.read(GOOD, 1, 0.5).value == 5
    assert replies.read(GOOD, 1, 0.5).seconds == 0.5
    reply = replies.read({"id": 1, "error": ERROR, "changed": []}, 1, 0.5, "x")
    assert (reply.error.kind, reply.error.line, reply.stdout) == ("raised", 1, "x")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {**GOOD, "id": 2},
        {**GOOD, "id": "1"},
        {**GOOD, "extra": 1},
        {**GOOD, "changed": 5},
        {"id": 1, "value": 5},
        {"id": 1, "value": 5, "changed": []},
        *({**GOOD, "passes": forged} for forged in FORGED_PASSES),
        {"id": 1},
        {"id": 1, "value": 5, "changed": [], "error": ERROR},
        {"id": 1, "changed": [], "error": None},
        {"id": 1, "changed": [], "error": {}},
        {"id": 1, "changed": [], "error": {**ERROR, "kind": "invalid"}},
        {"id": 1, "changed": [], "error": {**ERROR, "kind": "timeout"}},
        {"id": 1, "changed": [], "error": {**ERROR, "line": "x"}},
        {"id": 1, "changed": [], "error": {**ERROR, "types": 3}},
        *({**GOOD, "id": forged} for forged in FORGED_NUMBERS),
        *({**GOOD, "value": forged} for forged in FORGED_VALUES),
        *({**GOOD, "stdout": forged} for forged in FORGED_TEXTS),
        *({**GOOD, "changed": forged} for forged in FORGED_LISTS),
        *({"id": 1, "changed": [], "error": {**ERROR, "message": text}} for text in FORGED_TEXTS),
        *({"id": 1, "changed": [], "error": {**ERROR, "kind": text}} for text in FORGED_TEXTS),
        *({"id": 1, "changed": [], "error": {**ERROR, "types": forged}} for forged in FORGED_LISTS),
        *({"id": 1, "changed": [], "error": {**ERROR, "line": n}} for n in FORGED_NUMBERS),
    ],
)
def test_a_forged_reply_is_garbage(message):
    started = time.process_time()
    with pytest.raises(Garbage):
        replies.read(message, 1, 0.5)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        0.5,
        "x",
        [1, [2]],
        {"a": [None]},
        Received(HUGE, "array", "int8"),
        Other("value", "set"),
    ],
)
def test_what_a_guest_can_send_is_taken(value):
    assert replies.read({**GOOD, "value": value}, 1, 0.5).value is value


def test_what_a_reply_says_is_capped():
    long = dict.fromkeys(("message", "file", "code"), "x" * 9000)
    error = {**ERROR, **long, "types": ["T" * 900] * 90}
    described = replies.read({"id": 1, "error": error, "changed": []}, 1, 0.5).error
    assert len(described.message) == 2000
    assert (len(described.file), len(described.code)) == (200, 200)
    assert described.types == ("T" * 100,) * 20
    assert len(replies.read({**GOOD, "changed": ["c" * 900] * 90}, 1, 0.5).changed) == 20


def test_a_training_says_how_far_it_is():
    gan = (Path(grader.__file__).parent.parent / "reference" / "gan.py").read_bytes()
    told = []
    arguments = {
        "images": np.zeros((40, 1, 8, 8), np.float32),
        "noise": np.ones((2, 4), np.float32),
        **{"steps": 400, "batch_size": 32, "train_seed": 0, "still": False},
        **{"rates": [1e-3, 1e-3], "stops": []},
    }
    with closing(ProcessSession({"gan.py": gan})) as session:
        session.on_progress = told.append
        reply = session.call(Call("drive:begin_training", arguments, 0))
    assert reply.error is None
    assert told
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] <= 1


@pytest.mark.parametrize("said", [math.nan, 2.0, -1.0, "x", None, 1, [0.5]])
def test_what_a_guest_makes_up_is_no_progress(said):
    assert sessions._progress(wire.encode({"progress": said})) is None
    assert sessions._progress(wire.encode({"progress": 0.5, "value": said})) is None
    assert sessions._progress(wire.encode({"progress": 0.5})) == 0.5


def test_a_flood_of_progress_meets_the_limits():
    stream = io.BytesIO()
    wire.write_frame(stream, *wire.encode({"progress": 0.5}))
    endless = f"""

def flood(_):
    while True:
        everywhere({stream.getvalue().decode()!r})
"""
    with closing(ProcessSession({"part1_focused.py": (FILE + endless).encode()}, SHORT)) as session:
        reply = session.call(Call("scale_pixels", {"x": "flood", "saliency": 1.0}))
    assert reply.error.kind == "timeout"
