"""Gradescope's folders, laid out as Gradescope does it, and a run of an autograder in them."""

import shlex
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import psutil

import environments

ROOT = Path(__file__).parents[1]


def laid_out(archive, root, submission):
    """As Gradescope does it, before ``setup.sh`` would run."""
    for name in ("source", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            path = root / "source" / entry.filename
            path.write_bytes(packed.read(entry))
            path.chmod(entry.external_attr >> 16 & 0o777)
    shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
    shutil.copytree(submission, root / "submission")
    return root


def stub(bin_):
    """A command ``hw3`` that is the one tested, however it is installed."""
    bin_.mkdir(parents=True)
    hw3 = bin_ / "hw3"
    start = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; from grader.cli.main import main; main()"
    hw3.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(start)} "$@"\n')
    hw3.chmod(0o755)


class Watch(threading.Thread):
    """Looks at a process and what it starts, three times a second, until it is over.

    ``peak`` is the largest sum of proportional set sizes in MiB; ``seconds`` is the time of the
    processor, as it was when each process was last seen.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.root, self.over = psutil.Process(pid), threading.Event()
        self.peak, self._used = 0.0, {}

    @property
    def seconds(self):
        return sum(self._used.values())

    def run(self):
        while not self.over.wait(0.3):
            total = 0.0
            try:
                for process in (self.root, *self.root.children(recursive=True)):
                    total += process.memory_full_info().pss / 2**20
                    times = process.cpu_times()
                    self._used[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                continue
            self.peak = max(self.peak, total)


def run(root, seconds=300):
    """``run_autograder``, as root's folders have it; who watched it."""
    process = subprocess.Popen(
        [root / "run_autograder"],
        cwd=root,
        env=environments.clean(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = Watch(process.pid)
    watch.start()
    said = process.communicate(timeout=seconds)[0]
    watch.over.set()
    watch.join()
    assert process.returncode == 0, said
    return watch
