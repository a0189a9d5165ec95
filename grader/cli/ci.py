"""What ``hw3 check`` hands to the system that runs it: GitHub Actions, GitLab CI, Classroom 50.

The system sets variables of its own, which say where to write what it takes.  A file that cannot
be written gives a message; it changes neither marks nor the exit status.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path

from grader.report.analysis.source_lines import folder_in
from grader.report.deliver import ForStudent
from grader.report.writers.classroom50 import NEEDED, result
from grader.report.writers.files import write_text
from grader.report.writers.github import commands
from grader.report.writers.gitlab import code_quality
from grader.report.writers.markdown import refusal, summary
from grader.text import shown

__all__ = ["BODY", "QUALITY", "RESULT", "SUMMARY", "SYSTEMS", "hand_over", "say_refused", "system"]

SYSTEMS = ("github", "gitlab", "classroom50", "none")
"""Classroom 50 runs on GitHub Actions, so that it has to be named."""

SUMMARY, QUALITY = "hw3-summary.md", "gl-code-quality-report.json"
"""The files that GitLab's job keeps."""

RESULT, BODY = "result.json", "release-body.md"
"""The files that Classroom 50 reads in the checkout."""


def system(wish: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The system that was asked for, else the one whose variables are set, else ``none``."""
    if wish:
        return wish
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else "none"


def hand_over(
    to: str, delivery: ForStudent, submission: Path, environ: Mapping[str, str] = os.environ
) -> tuple[list[str], list[str]]:
    """Write what the CI system takes.

    Args:
        to: the system, one of :data:`SYSTEMS`.
        delivery: the report, as a student may see it.
        submission: the folder that was checked.
        environ: environment variables, which name the files of the system.

    Returns:
        Commands for its log, to be printed outside of anything that fences the log; and a sentence
        for each file that could not be written.
    """
    if to == "github":
        return _github(delivery, submission, environ)
    if to == "gitlab":
        return [], _gitlab(delivery, submission, Path(environ.get("CI_PROJECT_DIR") or "."))
    if to == "classroom50":
        return [], _classroom50(delivery, environ)
    return [], []


def _github(
    delivery: ForStudent, submission: Path, environ: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    path = environ.get("GITHUB_STEP_SUMMARY")
    if path:
        problems = _tried("summary", _append, Path(path), summary(delivery))
    else:
        problems = ["The summary for GitHub is not written: GITHUB_STEP_SUMMARY is not set."]
    folder = folder_in(environ.get("GITHUB_WORKSPACE") or ".", submission)
    return ([] if folder is None else commands(delivery, folder)), problems


def _gitlab(delivery: ForStudent, submission: Path, project: Path) -> list[str]:
    folder = folder_in(str(project), submission)
    quality = "[]\n" if folder is None else code_quality(delivery, folder)
    return [
        *_tried("summary", write_text, project / SUMMARY, summary(delivery)),
        *_tried("code quality report", write_text, project / QUALITY, quality),
    ]


def _classroom50(delivery: ForStudent, environ: Mapping[str, str]) -> list[str]:
    problems = _tried("text of the release", write_text, Path(BODY), summary(delivery))
    missing = [name for name in NEEDED if not environ.get(name)]
    if missing:
        return [*problems, f"{RESULT} for Classroom 50 is not written: {missing[0]} is not set."]
    if delivery.report.total.undecided:
        why = "the grader could not decide every check, and its format has no word for that"
        return [*problems, f"{RESULT} for Classroom 50 is not written: {why}."]
    text = result(delivery, environ, datetime.now(timezone.utc))
    return [*problems, *_tried("result", write_text, Path(RESULT), text)]


def say_refused(reason: str, environ: Mapping[str, str] = os.environ) -> None:
    """Have the summary of a run say why nothing was checked, as far as it can be written."""
    if path := environ.get("GITHUB_STEP_SUMMARY"):
        _tried("summary", _append, Path(path), refusal(reason))


def _append(path: Path, text: str) -> None:
    # Other steps have written there, and others will.
    with path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(text)


def _tried(what: str, write: Callable[[Path, str], None], path: Path, text: str) -> list[str]:
    try:
        write(path, text)
    except OSError as error:
        where = shown(str(path), 1000)
        return [
            f"The {what} cannot be written to {where} ({error.strerror}); the marks do not change."
        ]
    return []
