"""What one submission leaves in memory, or in the numbers of processes, tells the next one nothing.

``tests/benchmarks/channels.py`` measures what else could.
"""

from contextlib import closing

import numpy as np
import pytest

from attacks import FOLDER, MODES, working
from grader.records import Call, Limits, NumPy
from grader.sandbox.host import process
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


MOVES = """
import os, threading

def scale_pixels(x, saliency):
    for _ in range(x):
        one = threading.Thread(target=int)
        one.start()
        one.join()
    return os.getpid()
"""


def test_process_numbers_of_hidden_checks_are_not_those_of_public_ones():
    walls, files = working("bubblewrap"), {"part1_focused.py": MOVES.encode()}
    first = called(walls, files, 0)
    with process.with_secrets():
        called(walls, files, 300)
    after = called(walls, files, 0)
    assert 0 < after - first < 10
    called(walls, files, 300)
    assert called(walls, files, 0) - after > 300  # they do count in one namespace
