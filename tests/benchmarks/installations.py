"""Walls in each way of installing the grader: as root and as an ordinary user, whose home is 0700.

    python tests/benchmarks/installations.py        (as root)

Copies this interpreter and its packages to a new user's home, so that torch is not downloaded, and
installs the grader there from a wheel, editable, and into a virtual environment inside the
checkout.  Each row: what ``hw3 check`` gives an honest submission, and how many files of the
distribution, of the checkout and of the user's home a submission could read, of how many.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
USER = "hw3-ordinary"

ASKS = """
import json, os, sys
from pathlib import Path
import grader
from importlib import metadata
from grader.records import Call
from grader.sandbox.isolation.probe import offers
from grader.sandbox.host.session import ProcessSession

LOOKS = '''


def top(path):
    try:
        with open(path, "rb") as file:
            file.read(1)
        return True
    except OSError:
        return False

def scale_pixels(x, saliency):
    return [path for path in x if top(path)]
'''
home = Path(grader.__file__).parent.parent
paths = [p for name in ("grader", "reference") for p in (home / name).rglob("*") if p.is_file()]
distribution = metadata.distribution("hw3-grader")
paths += [Path(str(distribution.locate_file(f))) for f in distribution.files or ()]
if (home / "pyproject.toml").is_file():
    paths += [p for p in home.rglob("*") if p.is_file() and ".venv" not in p.parts]
paths += [p for p in Path(sys.argv[1]).glob("*") if p.is_file()]
paths = sorted({str(p) for p in paths if p.is_file()})
for offer in offers():
    if offer.walls is None:
        print(json.dumps({"mode": offer.mode, "why": offer.why}))
        continue
    session = ProcessSession({"part1_focused.py": LOOKS.encode()}, walls=offer.walls)
    readable = []
    for start in range(0, len(paths), 200):
        call = Call("scale_pixels", {"x": paths[start : start + 200], "saliency": None})
        reply = session.call(call)
        assert reply.error is None, reply.error
        readable += reply.value
    modules = session.call(Call("scale_pixels", {"x": [os.__file__], "saliency": None})).value
    session.close()
    assert modules == [os.__file__], "the standard library must stay readable"
    print(json.dumps({"mode": offer.mode, "layers": offer.walls.layers, "readable": readable[:3],
                      "count": len(readable), "of": len(paths)}))
"""


def run(command: list[str], user: str | None, home: Path, **more: object) -> str:
    """What the command prints, run by the user."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    # A copied interpreter looks for its library where it was built.
    environment["LD_LIBRARY_PATH"] = str(copied(home).parent.parent / "lib")
    done = subprocess.run(
        command, user=user, group=user, extra_groups=[] if user else None, cwd=home,
        env=environment, capture_output=True, text=True, check=False, **more
    )  # fmt: skip
    if done.returncode not in (0, 1) or not done.stdout:
        print(done.stdout, done.stderr, file=sys.stderr)
    return done.stdout


def copied(home: Path) -> Path:
    """This interpreter, as pyenv would have it in the home, with pip alone; its python."""

    def others(folder: str, names: list[str]) -> list[str]:
        packages = Path(folder).name == "site-packages"
        return [name for name in names if packages and not name.startswith("pip")]

    base = home / ".pyenv" / "versions" / Path(sys.base_prefix).name
    if not base.exists():
        shutil.copytree(sys.base_prefix, base, True, others, os.link)
    return base / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


def environment(python: Path, folder: Path) -> Path:
    """A virtual environment with the packages of this one, ours left out; its python."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    here = Path(sys.prefix, "lib", version, "site-packages")
    there = folder / "lib" / version / "site-packages"

    def ours(folder: str, names: list[str]) -> list[str]:
        top = Path(folder) == here
        return [n for n in names if top and (n == "grader" or n.strip("_").startswith("hw3_"))]

    shutil.rmtree(there)
    # Hard links: nothing of them is written to, and they keep their owner.
    shutil.copytree(here, there, True, ours, os.link)
    return folder / "bin" / "python"


def installations(home: Path, wheel: Path) -> dict[str, Path]:
    """Ways to install the grader below a home, by name: the python of each."""
    base = copied(home)
    checkout = home / "checkout"
    subprocess.run(["git", "clone", "-q", ROOT, checkout], check=True)
    made = {
        "wheel in a virtual environment": environment(base, home / "venv"),
        "editable, environment in the checkout": environment(base, checkout / ".venv"),
        "wheel in pyenv's own python": base,
    }
    pip = ["-m", "pip", "install", "-q", "--no-deps"]
    for name, python in made.items():
        if name == "wheel in pyenv's own python":
            environment(base, home / "packages")
            pth = next(base.parent.parent.glob("lib/python3*/site-packages")) / "packages.pth"
            packages = next((home / "packages").glob("lib/python3*/site-packages"))
            pth.write_text(f"{packages}\n", encoding="utf-8")
        target = ["-e", str(checkout)] if "editable" in name else [str(wheel)]
        subprocess.run([python, *pip, *target], check=True)
    return made


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    if os.getuid() != 0:
        raise SystemExit("run it as root: it makes an ordinary user")
    subprocess.run(["useradd", "--create-home", USER], check=False)
    home = Path(pwd.getpwnam(USER).pw_dir)
    print("| user | installed | mode | honest | files readable |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
        subprocess.run([*pip, "-w", folder, str(ROOT)], check=True)
        wheel = next(Path(folder).glob("*.whl"))
        root_home = Path(folder, "root")
        root_home.mkdir()
        Path(folder).chmod(0o755)
        for user, where in ((None, root_home), (USER, home)):
            made = installations(where, wheel)
            (where / "secret.txt").write_text("secret", encoding="utf-8")
            if user:
                shutil.chown(where, user, user)
            where.chmod(0o700)
            for name, python in made.items():
                rows(user, where, name, python)
    subprocess.run(["userdel", "--remove", USER], check=False, capture_output=True)


def rows(user: str | None, home: Path, name: str, python: Path) -> None:
    """Print the rows of one installation."""
    sample = home / "checkout" / "fixtures" / "submissions" / "twin_hooks"
    command = [str(python), "-c", "from grader.cli.main import main; main()", "check", str(sample)]
    result = home / "result.json"
    run([*command, "--part", "part3", "--sandbox", "strict", "--json", str(result)], user, home)
    score = json.loads(result.read_text("utf-8"))["score"] if result.is_file() else {}
    result.unlink(missing_ok=True)
    honest = f"{score.get('earned', '?')}/{score.get('possible', '?')}"
    for line in run([str(python), "-c", ASKS, str(home)], user, home).splitlines():
        row = json.loads(line)
        said = (
            f"{row['count']} of {row['of']} {row['readable'] or ''}" if "of" in row else row["why"]
        )
        print(f"| {user or 'root'} | {name} | {row['mode']} | {honest} | {said} |", flush=True)


if __name__ == "__main__":
    main()
