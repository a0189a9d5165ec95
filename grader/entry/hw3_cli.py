"""The command ``hw3``: finds the grader that it belongs to, and hands over to it.

It stands on its own beside the package (in a checkout, in ``grader/entry/``), so that a folder
called ``grader`` elsewhere is noticed before anything of it is imported.  Variables of Python that
change results (``grader/sandbox/isolation/surroundings.py``) do not reach the grader: where one is
set, it starts itself again without.
"""

from __future__ import annotations

import os
import sys

__all__ = ["foreign", "main"]

_USAGE = 2
_AGAIN = "HW3_STARTED_AGAIN"


def main() -> None:
    """Run the command line of the grader."""
    if why := foreign():
        sys.exit(_refused(why))
    from grader.sandbox.isolation.surroundings import cleaned

    # Where a program cannot be replaced by another, its parent said so.
    again = os.environ.pop(_AGAIN, "") in (str(os.getpid()), str(os.getppid()))
    environment = cleaned(os.environ)
    if not again and (sys.flags.optimize or environment != dict(os.environ)):
        _start({**environment, _AGAIN: str(os.getpid())})
    if sys.flags.optimize > 1:
        sys.exit(_refused("Python leaves out docstrings, which hw3 needs: start it without -OO"))
    from grader.cli.main import main as command

    command(prog_name="hw3")


def foreign() -> str:
    """Why ``import grader`` would import somebody else's, in a sentence; nothing if it is ours."""
    ours = os.path.dirname(os.path.realpath(__file__))
    if os.path.basename(ours) == "entry":  # in a checkout
        ours = os.path.dirname(os.path.dirname(ours))
    ours = os.path.join(ours, "grader")
    loaded = sys.modules.get("grader")
    if loaded is None:  # by hand: importlib.util imports what PYTHONPATH may shadow
        found = (finder.find_spec("grader", None) for finder in sys.meta_path)
        spec = next((one for one in found if one is not None), None)
    else:
        spec = loaded.__spec__
    places = [] if spec is None else list(spec.submodule_search_locations or [spec.origin or ""])
    if any(os.path.realpath(place) == ours for place in places):
        return ""
    if not places:
        return f"hw3-grader is not installed whole: {ours} is missing; install it once more"
    return (
        f"Python finds {os.path.abspath(places[0])} where the grader's own package, {ours}, is "
        "meant: take that out of PYTHONPATH, rename it, or start from another folder"
    )


def _refused(why: str) -> int:
    sys.stderr.write(f"Error: {why}\n")
    return _USAGE


def _start(environment: dict[str, str]) -> None:
    """Start this command anew with these variables."""
    command = [sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
    if sys.platform == "win32":  # there a program cannot be replaced by another
        import subprocess

        sys.exit(subprocess.call(command, env=environment))
    os.execve(sys.executable, command, environment)


if __name__ == "__main__":
    if sys.path and os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]  # a script's own folder, in front of the standard library
    main()
