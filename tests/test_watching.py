"""``hw3 check --watch``: what is checked again when a file is saved."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from grader.submissions.watch import Watched, concerned
from grading import ROOT

FILES = {
    "part1_focused.py": b"import torch\n",
    "part2_comparative.py": b"import numpy, part1_focused as part1\n",
    "part3_compression.py": b"from helpers import top\n",
    "helpers.py": b"from part2_comparative import *\n",
    "gan.py": b'"""It does not import part1_focused."""\n',
}


@pytest.mark.parametrize(
    ("saved", "parts"),
    [
        ({"gan.py"}, {"gan"}),
        ({"part3_compression.py"}, {"part3"}),
        ({"helpers.py"}, {"part3"}),
        ({"part1_focused.py"}, {"part1", "part2", "part3"}),
        ({"notes.py"}, set()),
    ],
)
def test_parts_that_import_a_saved_file_are_checked_again(saved, parts):
    assert concerned(saved, FILES) == parts


def test_changes_are_told_once(tmp_path):
    (tmp_path / "gan.py").write_text("a = 1\n")
    watched = Watched(tmp_path)
    assert watched.changed() == []
    (tmp_path / "gan.py").write_text("a = 11\n")
    (tmp_path / "part1_focused.py").write_text("b = 1\n")
    (tmp_path / "notes.txt").write_text("c")
    assert sorted(watched.changed()) == ["gan.py", "part1_focused.py"]
    assert watched.changed() == []
    (tmp_path / "gan.py").unlink()
    assert watched.changed() == ["gan.py"]


def test_waiting_ends_when_a_file_is_saved(tmp_path):
    watched = Watched(tmp_path)
    threading.Timer(0.5, (tmp_path / "gan.py").write_text, ["a = 1\n"]).start()
    assert watched.wait() == ["gan.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="a Windows console has other signals")
def test_a_saved_file_is_checked_again_until_ctrl_c(tmp_path):
    source = (ROOT / "reference" / "part1_focused.py").read_text("utf-8")
    file = tmp_path / "part1_focused.py"
    file.write_text(source.replace("descending=True", "descending=False"), "utf-8")
    command = [sys.executable, "-u", "-c", "from grader.cli.main import main; main()"]
    running = subprocess.Popen(
        [*command, "check", str(tmp_path), "--watch", "--only", "top_neurons"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    try:
        first = until(running.stdout, "Waiting for a file")
        assert "Everything passed" not in first
        file.write_text(source, "utf-8")
        second = until(running.stdout, "Waiting for a file")
        assert "part1_focused.py changed" in second
        assert "Everything so far: 1.5 / 1.5 points" in second
        running.send_signal(signal.SIGINT)
        rest, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    assert "Traceback" not in rest
    assert running.returncode == 0


def until(stream, words):
    """What comes on a stream up to these words."""
    said = ""
    while words not in said:
        line = stream.readline()
        assert line, said
        said += line
    return said
