"""Grading on a cluster gives what grading here gives, also where a worker is lost meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from grader.cli.main import main
from grader.errors import Refused
from grading import ROOT

FILES = [ROOT / "reference" / name for name in ("part1_focused.py", "part3_compression.py")]
NAMES = ("ada", "ben", "cy", "dee")


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "cluster.example:8786"])
def test_a_scheduler_that_others_may_reach_needs_tls(address):
    from grader.grading.cluster import Cluster

    with pytest.raises(Refused, match="TLS"):
        Cluster(address, "auto")


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers on loopback, each in a process of its own."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}

    def start(name, *options):
        command = [sys.executable, "-m", f"distributed.cli.{name}", *options]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=tmp_path, env=env)

    local = ("--host", "127.0.0.1", "--no-dashboard")
    started = [start("dask_scheduler", "--port", "0", "--scheduler-file", str(file), *local)]
    while not file.is_file():
        assert started[0].poll() is None
        time.sleep(0.1)
    for _ in range(2):
        one = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", *local)
        started.append(start("dask_worker", *one))
    yield json.loads(file.read_text())["address"], started[1:]
    for process in started:
        process.kill()
        process.wait()


def outcomes(out):
    """All of the results but times, and what the machines are called."""
    found = {}
    for name in NAMES:
        result = json.loads((out / name / "result.json").read_text())
        for check in result["checks"]:
            del check["seconds"]
        found[name] = json.dumps(result, sort_keys=True)
    return found


@pytest.mark.weekly
def test_a_lost_workers_submissions_are_graded_elsewhere(tmp_path, cluster):
    address, (first, _) = cluster
    folder = tmp_path / "class"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        for file in FILES:
            (folder / name / file.name).write_text(f"# {name}\n{file.read_text()}")
    command = ["grade", str(folder), "--part", "part3", "--sandbox", "none", "--out"]
    of_cluster = [*command, str(tmp_path / "there"), "--scheduler", address]
    with subprocess.Popen(
        [sys.executable, "-c", "from grader.cli.main import main; main()", *of_cluster],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as there:
        while not list((tmp_path / "there").glob("*/result.json")):
            assert there.poll() is None, there.stderr.read()
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
        assert there.wait(300) == 0, there.stderr.read()
    here = CliRunner().invoke(main, [*command, str(tmp_path / "here"), "--jobs", "1"])
    assert here.exit_code == 0, here.output
    assert outcomes(tmp_path / "there") == outcomes(tmp_path / "here")
