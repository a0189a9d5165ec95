"""How many lines of the trusted side the tests run: in CI below 95 % of them fails.

Counted is what the tests run in their own processes.  A guest runs under walls that let it write no
file, and a command that a test starts runs by itself: what only those run counts as not run, but
for the files that nothing but guests and commands load, which are left out.

SlipCover counts.  It takes a line's instruction to count out again once it has counted, which costs
a few seconds of a whole run.
"""

import json
import os
import shutil
from pathlib import Path

import pytest

LEAST = 95.0
GRADER = Path(__file__).parents[1] / "grader"
ELSEWHERE = ("sandbox/guest/*", "sandbox/gan/*", "sandbox/isolation/attempts.py", "entry/*")
"""What only guests and commands load."""
_ENABLED, _FOLDER = "SLIPCOVER_ENABLED", "SLIPCOVER_COVERAGE_DIR"
_counted = pytest.StashKey[dict]()


def wanted(config) -> bool:
    """Whether this is CI's run of all tests, side by side."""
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    some = config.option.keyword or config.option.markexpr not in ("", "not weekly")
    side_by_side = getattr(config.option, "numprocesses", None)
    return bool(os.environ.get("CI") and everything and not some and side_by_side)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Ask SlipCover's plug-in to count in the processes to come, and in nothing that they start."""
    if hasattr(config, "workerinput"):
        os.environ.pop(_ENABLED, None)
    elif wanted(config):
        os.environ[_ENABLED] = "1"
        os.environ["SLIPCOVER_SOURCE"] = str(GRADER)
        os.environ["SLIPCOVER_OMIT"] = ",".join(str(GRADER / files) for files in ELSEWHERE)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session):
    """Collect what was counted; too little fails."""
    if hasattr(session.config, "workerinput"):
        if _FOLDER in os.environ:
            os.environ[_ENABLED] = "1"
        return (yield)
    done = yield
    if os.environ.get(_ENABLED):
        counted = session.config.stash[_counted] = collected(Path(os.environ[_FOLDER]))
        if session.exitstatus == pytest.ExitCode.OK and not enough(counted):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return done


def pytest_terminal_summary(terminalreporter, config):
    """Print what was counted."""
    if _counted in config.stash:
        terminalreporter.section("lines of the trusted side")
        for line in said(config.stash[_counted]):
            terminalreporter.line(line)


def collected(folder: Path) -> dict:
    """SlipCover's document, of which the folder goes; nothing of a run that was interrupted."""
    file = folder / "merged.json"
    counted = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    shutil.rmtree(folder)
    return counted


def enough(counted) -> bool:
    """Whether the tests run as many lines as they must.

    Args:
        counted: SlipCover's document.
    """
    return bool(counted) and counted["summary"]["percent_covered"] >= LEAST


def said(counted) -> list[str]:
    """The share of lines that are run, and the files with most lines that are not."""
    if not counted:
        return ["none were counted"]
    run, missing = (counted["summary"][f"{kind}_lines"] for kind in ("covered", "missing"))
    share = counted["summary"]["percent_covered"]
    files = [(len(f["missing_lines"]), name) for name, f in counted["files"].items()]
    most = [f"{number:5,} lines of {name}" for number, name in sorted(files)[:-11:-1] if number]
    at_least = f"at least {LEAST:g} % must be"
    return [f"{run:,} of {run + missing:,} are run: {share:.1f} % ({at_least}). Not run:", *most]
