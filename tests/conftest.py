"""Before torch is imported: tests run side by side, and one thread repeats to the bit.

Where CI runs the tests, what they start is not to report to it.  A shell that runs them in the
background has Ctrl-C ignored, and so would whatever they start.
"""

import gc
import os
import signal

import pytest

from grader.sandbox.host.collecting import collect_less

for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITLAB_CI"):
    os.environ.pop(variable, None)
os.environ["OMP_NUM_THREADS"] = "1"
# Where a test takes two threads, one that waits must not keep the other's core busy.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
signal.signal(signal.SIGINT, signal.default_int_handler)

collect_less()

pytest_plugins = ["browser", "lines"]

LONGEST_FIRST = (
    *("test_submissions.py", "test_load.py", "test_student.py", "test_processors.py"),
    *("test_browsing.py", "test_red_team.py", "test_gan_checks.py", "test_quadrature_rules.py"),
    *("test_pytest_plugin.py", "test_audit.py", "test_quality.py", "test_surroundings.py"),
)


def pytest_collection_modifyitems(config, items):
    """Files that take long come first, so that no process waits for another's last ones.

    Where one process runs all, they come last: what fails fails sooner.
    """
    order = {name: place for place, name in enumerate(LONGEST_FIRST)}
    last = len(order)
    if not hasattr(config, "workerinput"):
        order, last = {name: last - place for name, place in order.items()}, 0
    items.sort(key=lambda item: order.get(item.path.name, last))


def pytest_collection_finish():
    """What stays to the end is not searched for garbage again: thousands of tests, and torch."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One more than there are processors, for ``-n auto``: many tests wait for a guest's limits."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Each process takes its share of the files, and helps the others when it is done.

    pytest-xdist's default deals out tests one by one: every process would set up the same modules.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.option.dist == "load" else None
