"""The filter of system calls by itself, for kernels whose Landlock does less than the newest."""

import subprocess
import sys

import pytest

from attacks import offer
from grader import layout
from grader.sandbox.isolation.modes import MODES

CODE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from grader.sandbox.isolation.lockdown import Lockdown
locked = Lockdown([], [], [])
locked._filter().load()  # without what Landlock adds
os.open(sys.argv[2], os.O_RDONLY)
os.close(os.open(os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
os.close(os.open(os.devnull, os.O_RDWR | os.O_TRUNC))
for mode in (os.O_RDONLY, os.O_ACCMODE):
    for more in (0, os.O_CLOEXEC, os.O_CREAT, os.O_NONBLOCK | os.O_NOFOLLOW):
        try:
            os.open(sys.argv[2], mode | more | os.O_TRUNC)
        except PermissionError:
            continue
        os._exit(3)
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux")
def test_no_file_is_cut_by_opening_it_to_read(tmp_path):
    """Landlock knows of that from Linux 6.2 on."""
    if all(offer(mode).walls is None for mode in MODES[:-1]):
        pytest.skip("no walls here")
    path = tmp_path / "kept"
    path.write_text("kept", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(layout.HOME), str(path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert path.read_text("utf-8") == "kept"
