"""What one submission leaves in memory is not found by the next one of the same worker."""

from contextlib import closing

import numpy as np
import pytest

from attacks import FOLDER, MODES, working
from grader.records import Call, Limits, NumPy
from grader.sandbox.host.session import ProcessSession

SEARCH = (FOLDER / "searches_raw_memory" / "part3_compression.py").read_text("utf-8")
HELPERS = {name: (FOLDER / name).read_bytes() for name in ("honest.py", "attempts.py")}
LEFT = "LEFT-BY-ANOTHER"
KEEPS = f"""
kept = []

def scale_pixels(x, saliency):
    kept.append((x, "{LEFT}-in-code", x.tobytes() * 50))
    return x
"""
SEARCHES = """
from part3_compression import found

def scale_pixels(x, saliency):
    return found(x.encode())
"""
LIMITS = Limits(wall_seconds=120, cpu_seconds=60)


def called(walls, files, argument):
    call = Call("scale_pixels", {"x": argument, "saliency": None})
    with closing(ProcessSession(files, LIMITS, walls)) as session:
        reply = session.call(call)
    assert reply.error is None, reply.error
    return reply.value


@pytest.mark.parametrize("mode", MODES)
def test_what_a_submission_left_in_memory_is_not_found_by_the_next(mode):
    walls = working(mode)
    hidden_input = NumPy(np.frombuffer(f"{LEFT}-in-a-call".encode(), dtype=np.uint8))
    called(walls, {"part1_focused.py": KEEPS.encode()}, hidden_input)
    searching = {"part1_focused.py": SEARCHES.encode(), "part3_compression.py": SEARCH.encode()}
    assert called(walls, {**searching, **HELPERS}, "[L]EFT-BY-ANOTHER") == 0
    # The same search finds what is there: the text of a file of its own.
    assert called(walls, {**searching, **HELPERS}, "[a] text that only this file has: ") > 0
