"""What Gradescope's autograder takes for a whole submission: memory, and time of the processor.

Memory is the peak of the proportional set sizes of all processes together, so that what they share
counts once.  It is what decides which container an instructor has to choose.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from grader.grading.assignment_toml import delivered  # noqa: E402 - from the folder above
from grader.release.gradescope import archive  # noqa: E402
from gradescope_root import laid_out, run, stub  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submission", type=Path, default=ROOT / "reference")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "autograder.zip").write_bytes(archive(delivered(), None))
        root = laid_out(folder / "autograder.zip", folder / "autograder", given.submission)
        stub(root / "venv" / "bin")
        started = time.monotonic()
        watch = run(root, seconds=3600)
        wall = time.monotonic() - started
        document = json.loads((root / "results" / "results.json").read_text("utf-8"))
    print(document["output"])
    print(f"\npeak of memory: {watch.peak:.0f} MiB")
    print(f"at least {watch.seconds:.0f} s of the processor, {wall:.0f} s here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
