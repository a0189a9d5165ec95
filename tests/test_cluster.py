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


def certificates(folder):
    """Settings of Dask that name a certificate of this machine's own, made here."""
    key, certificate = folder / "node.key", folder / "node.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=hw3", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    node = {"cert": str(certificate), "key": str(key)}
    tls = {"ca-file": str(certificate), "scheduler": node, "worker": node, "client": node}
    comm = {"require-encryption": True, "tls": tls}
    (folder / "hw3.yaml").write_text(json.dumps({"distributed": {"comm": comm}}))
    return {"DASK_CONFIG": str(folder)}


@pytest.fixture(params=["tcp", "tls"])
def cluster(request, tmp_path):
    """A scheduler and two workers on loopback, each in a process of its own; how to reach it."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    env |= certificates(tmp_path) if request.param == "tls" else {}

    def start(name, *options):
        command = [sys.executable, "-m", f"distributed.cli.{name}", *options]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=tmp_path, env=env)

    local = ("--protocol", request.param, "--host", "127.0.0.1", "--no-dashboard")
    started = [start("dask_scheduler", "--port", "0", "--scheduler-file", str(file), *local)]
    while not file.is_file():
        assert started[0].poll() is None
        time.sleep(0.1)
    for _ in range(2):
        one = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", *local)
        started.append(start("dask_worker", *one))
    yield json.loads(file.read_text())["address"], started[1:], env
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
    """Without walls on this machine's own, and by TLS with the walls that each worker finds."""
    address, (first, _), env = cluster
    folder = tmp_path / "class"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        for file in FILES:
            (folder / name / file.name).write_text(f"# {name}\n{file.read_text()}")
    sandbox = "auto" if address.startswith("tls:") else "none"
    command = ["grade", str(folder), "--part", "part3", "--sandbox", sandbox, "--out"]
    of_cluster = [*command, str(tmp_path / "there"), "--scheduler", address]
    with subprocess.Popen(
        [sys.executable, "-c", "from grader.cli.main import main; main()", *of_cluster],
        cwd=ROOT,
        env=env,
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
    walls = [json.loads(one)["sandbox"] for one in outcomes(tmp_path / "there").values()]
    assert {one["unsandboxed"] for one in walls} == {sandbox == "none"}
    assert all(one["layers"] for one in walls) == (sandbox == "auto")
