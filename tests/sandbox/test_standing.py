"""The line in which a call stood when its time was up."""

import faulthandler
import os

import pytest

from grader.sandbox.guest import standing as guests
from grader.sandbox.host.standing import Standing, read

FILES = {"gan.py": b"import torch\n\nwhile True:\n    pass\n", "h\u00e9/own.py": b"x = 1\n"}
STACK = (
    "Stack (most recent call first):\n"
    '  File "/usr/lib/python3/torch/nn.py", line 9 in forward\n'
    '  File "{file}", line {line} in train\n'
    '  File "/usr/lib/python3/runpy.py", line 88 in run\n'
)


def stack(file="/in/gan.py", line=4):
    return STACK.format(file=file, line=line)


def test_it_is_the_innermost_line_of_the_submission_s_own():
    assert read(f"step 1\n{stack()}", FILES, "/in") == ("step 1\n", Standing("gan.py", 4, "pass"))


def test_a_file_is_known_by_the_name_that_python_writes():
    name = os.path.join("/in", "h\\xe9", "own.py")
    assert read(stack(name, 1), FILES, "/in")[1] == Standing("h\u00e9/own.py", 1, "x = 1")


@pytest.mark.parametrize(
    ("file", "line"), [("/in/gan.py", 0), ("/in/gan.py", 5), ("/etc/passwd", 1), ("gan.py", 1)]
)
def test_what_no_file_holds_is_not_said(file, line):
    assert read(f"seen{stack(file, line)}", FILES, "/in") == ("seen", None)


def test_the_last_stack_counts_and_words_are_left_alone():
    forged = "Stack (most recent call first): none\n"
    printed = f"{stack(line=1)}{forged}{stack(line=3)}"
    rest, line = read(printed, FILES, "/in")
    assert (rest, line) == (f"{stack(line=1)}{forged}", Standing("gan.py", 3, "while True:"))
    assert read(forged, FILES, "/in") == (forged, None)


def test_a_guest_that_cannot_be_asked_tells_by_itself(monkeypatch, tmp_path):
    def later(seconds, file):
        assert seconds == pytest.approx(1.9)
        faulthandler.dump_traceback(file)

    ended = []
    monkeypatch.setattr(guests, "ASKED", None)
    monkeypatch.setattr(faulthandler, "dump_traceback_later", later)
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: ended.append(True))
    with (tmp_path / "printed").open("w+") as file:
        guests.when_asked(file.fileno())
        with guests.told(file.fileno(), 2.0):
            pass
        file.seek(0)
        printed = file.read()
    with open(__file__, "rb") as file:
        own = {"own.py": file.read()}
    rest, line = read(printed.replace(__file__, "/in/own.py"), own, "/in")
    assert (rest, line.code, ended) == ("", "faulthandler.dump_traceback(file)", [True])
