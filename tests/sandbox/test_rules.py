"""What a submission may do: the same in every mode, at home and where the class is graded."""

import json
import re
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

import course_habits as habits
from attacks import working
from grader.grading import engine
from grader.records import Call, Limits, Status
from grader.sandbox.guest.rules import RULE
from grader.sandbox.host import process
from grader.sandbox.host.session import ProcessSession
from grader.sandbox.isolation.modes import NO_WALLS
from grading import BY_ID, CHECKS

FORKED = ("bubblewrap", "lockdown", "none")
"""The modes of walls, and none."""


@contextmanager
def way_of(name):
    """The walls of each mode; ``pipes`` has none and does not fork, as on macOS and Windows."""
    with pytest.MonkeyPatch.context() as patch:
        if name == "pipes":
            patch.setattr(process, "FORKS", False)
        yield NO_WALLS if name in ("none", "pipes") else working(name)


@pytest.fixture(scope="module", params=FORKED)
def way(request):
    """The walls of each mode."""
    with way_of(request.param) as walls:
        yield walls


FILES = {"config.json": b'{"steps": 50}', "data/rows.txt": b"1 2 3\n", "helper.py": b"VALUE = 7\n"}


def source(body, name="random_classes", parameters="num_classes, k=5, seed=0"):
    """A function that runs ``body`` and returns what that calls ``result``."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"def {name}({parameters}):\n    result = None\n{lines}    return result\n"


def run(walls, body, files=FILES, **options):
    """The reply to a function that runs ``body``, in a guest of its own."""
    made = {**files, "part3_compression.py": source(body).encode()}
    with closing(ProcessSession(made, Limits(), walls, **options)) as session:
        return session.call(Call("random_classes", {"num_classes": 2}))


ALLOWED = {
    "reads a file beside its code": (
        "import json\nresult = json.load(open('config.json'))['steps']",
        50,
    ),
    "reads through __file__": (
        "from pathlib import Path\n"
        "result = Path(__file__).parent.joinpath('data', 'rows.txt').read_text()",
        "1 2 3\n",
    ),
    "reads its own code": ("result = open(__file__).readline()[:4]", "def "),
    "asks for its user": ("import getpass\nresult = getpass.getuser()", "student"),
    "compiles a model": (
        "import torch\nmodel = torch.compile(torch.nn.Linear(2, 3))\n"
        "result = model(torch.zeros(1, 2)).shape[1]",
        3,
    ),
    "saves to memory": (
        "import io, torch\nbuffer = io.BytesIO()\ntorch.save(torch.ones(2), buffer)\n"
        "buffer.seek(0)\nresult = float(torch.load(buffer).sum())",
        2.0,
    ),
    "throws output away": ("import os\nresult = open(os.devnull, 'w').write('gone')", 4),
    "opens a descriptor again": (
        "import sys\nresult = open(1, 'w', closefd=False).write('said')",
        4,
    ),
    "has a database in memory": (
        "import sqlite3\nresult = sqlite3.connect(':memory:').execute('select 3').fetchone()[0]",
        3,
    ),
    "loads in this process": (
        "from torch.utils.data import DataLoader\nresult = len(list(DataLoader(range(4))))",
        4,
    ),
    "uses threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "result = list(ThreadPoolExecutor(2).map(abs, [-1, 2]))",
        [1, 2],
    ),
    "makes pictures in memory": (
        "import io\nfrom PIL import Image\nbuffer = io.BytesIO()\n"
        "Image.new('L', (2, 2)).save(buffer, 'png')\nresult = buffer.getvalue()[1:4].decode()",
        "PNG",
    ),
    "uses torchvision": (
        "import torch, torchvision\n"
        "result = torchvision.transforms.functional.hflip(torch.tensor([[1, 2]]))[0].tolist()",
        [2, 1],
    ),
}
REFUSED = {
    "makes a folder": ("import os\nos.makedirs('outputs', exist_ok=True)", "'outputs'"),
    "writes a file": ("open('out.txt', 'w')", "'out.txt'"),
    "writes through pathlib": (
        "from pathlib import Path\nPath('out.txt').write_text('x')",
        "'out.txt'",
    ),
    "appends to its own file": ("open('config.json', 'a')", "'config.json'"),
    "logs to a file": ("import logging\nlogging.basicConfig(filename='run.log')", "'run.log'"),
    "changes permissions": ("import os\nos.chmod('config.json', 0o777)", "'config.json'"),
    "removes a file": ("import os\nos.remove('config.json')", "'config.json'"),
    "renames a file": ("import os\nos.rename('config.json', 'b.json')", "'config.json'"),
    "copies a file": ("import shutil\nshutil.copy('config.json', 'b.json')", "'b.json'"),
    "makes a temporary folder": ("import tempfile\ntempfile.mkdtemp()", ""),
    "makes a temporary file": ("import tempfile\ntempfile.TemporaryFile()", ""),
    "makes a pipe": ("import os\nos.mkfifo('pipe')", "'pipe'"),
    "saves a model": ("import torch\ntorch.save(torch.ones(2), 'model.pt')", "'model.pt'"),
    "saves a model as before": (
        "import torch\ntorch.save(torch.ones(2), 'model.pt', _use_new_zipfile_serialization=False)",
        "'model.pt'",
    ),
    "saves a traced model": (
        "import torch\n"
        "traced = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))\n"
        "torch.jit.save(traced, 'model.pt')",
        "'model.pt'",
    ),
    "saves an array": ("import numpy as np\nnp.save('a.npy', np.ones(2))", "'a.npy'"),
    "saves an array as text": ("import numpy as np\nnp.savetxt('a.txt', np.ones(2))", "'a.txt'"),
    "saves a picture": (
        "from PIL import Image\nImage.new('L', (2, 2)).save('a.png')",
        "'a.png'",
    ),
    "saves a picture by torchvision": (
        "import torch, torchvision\n"
        "torchvision.io.write_png(torch.zeros(3, 2, 2, dtype=torch.uint8), 'a.png')",
        "'a.png'",
    ),
    "saves a grid of pictures": (
        "import torch, torchvision\ntorchvision.utils.save_image(torch.zeros(3, 2, 2), 'a.png')",
        "'a.png'",
    ),
    "keeps a database": (
        "import sqlite3\nsqlite3.connect('a.db').execute('create table t(x)')",
        "",
    ),
    "loads in other processes": (
        "from torch.utils.data import DataLoader\nlist(DataLoader(range(4), num_workers=2))",
        "",
    ),
    "has a pool of processes": ("import multiprocessing\nmultiprocessing.Pool(2)", ""),
    "spawns a process": (
        "import multiprocessing\n"
        "multiprocessing.get_context('spawn').Process(target=print).start()",
        "",
    ),
    "forks": ("import os\nos.fork()", ""),
    "starts a program": ("import subprocess\nsubprocess.run(['ls'])", ""),
    "connects": ("import socket\nsocket.create_connection(('192.0.2.1', 80), 1)", ""),
    "looks up a name": ("import socket\nsocket.gethostbyname('example.com')", ""),
    "opens an address": ("import urllib.request\nurllib.request.urlopen('http://example.com')", ""),
    "downloads weights": (
        "import torch\ntorch.hub.load_state_dict_from_url('https://example.com/a.pt')",
        "'.cache'",
    ),
}


BODIES = [body for body, _ in (*ALLOWED.values(), *REFUSED.values())]


@pytest.fixture(scope="module", params=(*FORKED, "pipes"))
def guest(request):
    """A guest that does what it is asked for by its number, in each mode."""
    functions = "".join(source(body, f"f{n}", "") for n, body in enumerate(BODIES))
    chosen = source("result = globals()[f'f{num_classes}']()")
    files = {**FILES, "part3_compression.py": f"{functions}{chosen}".encode()}
    with way_of(request.param) as walls:
        session = ProcessSession(files, walls=walls)  # its guest starts at once
    yield session
    session.close()


@pytest.mark.parametrize("what", ALLOWED)
def test_it_may(guest, what):
    body, result = ALLOWED[what]
    reply = guest.call(Call("random_classes", {"num_classes": BODIES.index(body)}))
    assert reply.error is None
    assert reply.value == result


@pytest.mark.parametrize("what", REFUSED)
def test_it_may_not(guest, what):
    body, file = REFUSED[what]
    error = guest.call(Call("random_classes", {"num_classes": BODIES.index(body)})).error
    assert error.kind == "raised"
    name, _, words = error.message.partition(": ")
    assert words.removeprefix(f"{file}: ") == RULE or (not file and words.endswith(f"': {RULE}"))
    assert name == {
        "looks up a name": "gaierror",
        "opens an address": "URLError",
        "keeps a database": "OperationalError",
    }.get(what, "PermissionError")
    assert error.file == "part3_compression.py"


def test_code_that_catches_it_goes_on(way):
    body = (
        "import os\n"
        "try:\n    os.makedirs('outputs', exist_ok=True)\nexcept PermissionError:\n    result = 5\n"
        "try:\n    open('a.txt', 'w')\nexcept PermissionError:\n    result += 1\n"
    )
    assert run(way, body).value == 6


def test_a_file_that_was_not_handed_in_is_named(way):
    error = run(way, "open('steps.json')").error
    assert error.message.startswith("FileNotFoundError: 'steps.json' is not there.")
    assert "config.json, data/rows.txt, helper.py, part3_compression.py" in error.message


# imports


def test_what_is_not_promised_cannot_be_imported_wherever_it_is_installed(way):
    for body in ("import scipy.stats", "from sklearn import cluster", "import matplotlib.pyplot"):
        error = run(way, body).error
        name = body.split()[1].partition(".")[0]
        assert error.message.startswith(f"imports '{name}', which submissions cannot use")


def test_code_that_can_do_without_a_package_does(way):
    body = (
        "try:\n    import scipy\nexcept ImportError:\n    scipy = None\n"
        "import importlib.util\n"
        "result = [scipy is None, importlib.util.find_spec('scipy') is not None]"
    )
    assert run(way, body).value == [True, True]


def test_an_assignment_may_allow_more(way):
    body = "import importlib\nimport scipy.special\nresult = float(scipy.special.expit(0))"
    assert run(way, body, packages=["scipy"]).value == 0.5
    assert run(way, "import importlib\nimportlib.import_module('scipy')").error is not None
    missing = run(way, "import cupy_of_old", packages=["cupy_of_old"]).error
    assert "is allowed and not installed here" in missing.message


def test_what_libraries_import_is_left_alone(way):
    body = "import torch.fx.experimental.symbolic_shapes as s\nresult = s.sympy.__name__"
    assert run(way, body).value == "sympy"


# what is printed

LOUD = {
    "in C": "import os\nfor _ in range(160):\n    os.write(1, b'x' * 65536)",
    "in threads": (
        "import threading\n"
        "def shout():\n    for _ in range(20):\n        print('x' * 65535)\n"
        "threads = [threading.Thread(target=shout) for _ in range(8)]\n"
        "[t.start() for t in threads]\n[t.join() for t in threads]"
    ),
    "while nothing else in Python runs": (
        "import ctypes\nlibc = ctypes.PyDLL(None)\n"
        "block = b'x' * 65536\nfor _ in range(160):\n    libc.write(1, block, 65536)"
    ),
}


@pytest.mark.parametrize("how", LOUD)
def test_ten_megabytes_neither_hang_nor_are_lost(way, how):
    reply = run(way, f"print('first')\n{LOUD[how]}\nprint('last')\nresult = 1")
    assert reply.value == 1
    assert reply.stdout.startswith("first\nxxx")
    assert reply.stdout.endswith("last\n")
    assert len(reply.stdout) < 17_000


def test_what_is_printed_before_the_end_is_told(way):
    reply = run(way, "import os\nprint('so far')\nos._exit(3)")
    assert reply.error.kind == "died"
    assert reply.stdout == "so far\n"


# habits

CHECKED = [BY_ID["random_classes.draws_distinct_classes"]]


SLOW = ("downloads digits", "transforms", "a compiled model")
"""These import much in every mode, as "downloads weights" and "compiles a model" do."""


@pytest.mark.parametrize(
    "habit",
    [
        pytest.param(habit, marks=pytest.mark.weekly) if habit in SLOW else habit
        for habit in (*habits.EARNS, *habits.DOES_NOT)
    ],
)
def test_a_habit_costs_the_same_in_every_mode(habit):
    """``python tests/benchmarks/habits.py`` says so of guests over pipes, too."""
    files = habits.submission(habit)

    def ended_in(way):
        with way_of(way) as walls:
            found = engine.run(CHECKED, lambda p: ProcessSession(files, Limits(), walls, part=p))
            return [(o.status, re.sub(r"/tmp\w+", "", o.feedback.message)) for o in found]

    ended = [ended_in(way) for way in FORKED]
    assert ended[0] == ended[1] == ended[2]
    earns = {status for status, _ in ended[0]} == {Status.PASSED}
    assert earns is (habit in habits.EARNS), ended[0][0]


# part by part


def test_a_part_takes_no_other_along(way):
    """Threads that stay keep torch from computing in the same process."""
    threads = (
        "import threading, time\n"
        "try:\n"
        "    for _ in range(5000):\n"
        "        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "except RuntimeError:\n    pass\n"
        "def top_neurons(attribution, k=1):\n    return [0]\n"
    )
    honest = source("import random\nresult = random.Random(seed).sample(range(num_classes), k)")
    files = {"part1_focused.py": threads.encode(), "part3_compression.py": honest.encode()}
    first = next(check for check in CHECKS if check.function == "top_neurons")
    last = BY_ID["random_classes.draws_distinct_classes"]
    ended = engine.run([first, last], lambda part: ProcessSession(files, Limits(), way, part=part))
    assert [outcome.status is Status.PASSED for outcome in ended] == [False, True]


def test_parts_import_each_other_in_their_own_guests(way):
    files = {"part1_focused.py": b"VALUE = 3\n"}
    assert run(way, "from part1_focused import VALUE\nresult = VALUE", files).value == 3


# an ordinary Python

ORDINARY = {
    "source": "import inspect\nresult = inspect.getsource(random_classes)[:18]",
    "pickle": (
        "import pickle\nimport helper\nresult = pickle.loads(pickle.dumps(helper.Point(2))).x"
    ),
    "warnings": "import warnings\nwarnings.warn('careful')\nresult = 1",
    "logging": "import logging\nlogging.warning('careful')\nresult = 1",
    "stdin": "import sys\nresult = sys.stdin.read()",
    "isatty": "import sys\nresult = [s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)]",
    "fileno": "import sys\nresult = [s.fileno() for s in (sys.stdin, sys.stdout, sys.stderr)]",
    "names": "import sys\nresult = [s.name for s in (sys.stdin, sys.stdout, sys.stderr)]",
    "encoding": "import sys\nresult = [sys.stdout.encoding, sys.getdefaultencoding()]",
    "errors": "import sys\nresult = [sys.stdout.errors, sys.stderr.errors]",
    "originals": "import sys\nresult = sys.stdout is sys.__stdout__",
    "reconfigure": "import sys\nsys.stdout.reconfigure(encoding='utf-8')\nprint('é')\nresult = 1",
    "buffer": "import sys\nresult = sys.stdout.buffer.write(b'bytes\\n')",
    "detach": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')\n"
        "print('é')\nresult = 1"
    ),
    "redirect": (
        "import contextlib, io\nkept = io.StringIO()\n"
        "with contextlib.redirect_stdout(kept):\n    print('kept')\nresult = kept.getvalue()"
    ),
    "faulthandler": (
        "import faulthandler\nfaulthandler.enable()\nresult = faulthandler.is_enabled()"
    ),
    "atexit": "import atexit\natexit.register(print, 'bye')\nresult = 1",
    "hints": (
        "import typing\nimport helper\n"
        "result = sorted(typing.get_type_hints(helper.Point.__init__))"
    ),
    "doctest": "import doctest, helper\nresult = doctest.testmod(helper).attempted",
    "docs": "import inspect, helper\nresult = inspect.getdoc(helper.Point)",
    "module": (
        "import helper\nresult = [helper.__name__, helper.__package__, helper.Point.__module__]"
    ),
    "file": "import os, helper\nresult = os.path.basename(helper.__file__)",
    "spec": "import helper\nresult = [helper.__spec__.name, helper.__spec__.has_location]",
    "arguments": "import sys\nresult = len(sys.argv)",
    "working folder": (
        "import os\nresult = os.path.samefile(os.getcwd(), os.path.dirname(__file__))"
    ),
    "traceback": (
        "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n"
        "    result = traceback.format_exc().splitlines()[-1]"
    ),
    "line of a traceback": (
        "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
        "    result = traceback.extract_tb(error.__traceback__)[-1].line"
    ),
    "print_exc": (
        "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc(0)"
    ),
    "random": "import random\nrandom.seed(3)\nresult = random.random()",
    "hash": "result = hash('a') == hash('a')",
    "time zone": "import time\nresult = time.tzname[0]",
    "locale": "import locale\nresult = locale.getpreferredencoding(False)",
    "decimal": "from decimal import Decimal\nresult = str(Decimal(1) / 3)",
    "dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 1\n"
        "result = repr(P())[-6:]"
    ),
    "named tuple": (
        "from collections import namedtuple\nresult = namedtuple('P', 'x')(1).__class__.__module__"
    ),
    "enum": "from enum import Enum\nresult = Enum('E', 'a b').a.value",
    "functools": "import functools\nresult = functools.lru_cache(abs)(-2)",
    "thread": "import threading\nresult = threading.current_thread() is threading.main_thread()",
    "recursion": "import sys\nresult = sys.getrecursionlimit()",
    "asyncio": "import asyncio\nresult = asyncio.sleep(0).__class__.__name__",
    "argparse": (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--steps', default=5)\nresult = parser.parse_args().steps"
    ),
    "tqdm's way": "import sys\nsys.stderr.write('\\r 50%')\nsys.stderr.flush()\nresult = 1",
    "environment": "import os\nresult = [bool(os.environ.get('HOME')), 'PATH' in os.environ]",
    "home": "from pathlib import Path\nresult = Path.home().is_dir()",
    "temporary folder": "import os, tempfile\nresult = os.path.isdir(tempfile.gettempdir())",
    "optimised": "result = [__debug__]",
    "finalizer": (
        "import weakref\nclass C: pass\nc = C()\n"
        "weakref.finalize(c, print, 'gone')\ndel c\nresult = 1"
    ),
    "import again": "import importlib, helper\nresult = importlib.reload(helper).VALUE",
    "exit code": "try:\n    exit(3)\nexcept SystemExit as error:\n    result = error.code",
    "input": "try:\n    input()\nexcept EOFError:\n    result = 'no input'",
    "main": "import __main__\nresult = hasattr(__main__, '__name__')",
}

HELPER = b'''VALUE = 7


class Point:
    """A point.

    >>> Point(1).x
    1
    """

    def __init__(self, x: int) -> None:
        self.x = x
'''

DIFFERENT = {
    "atexit": "a guest is ended by the grader, and nothing runs then",
    "errors": "printing never fails: half of a surrogate pair is escaped",
}
"""What a guest does otherwise than Python, and why."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """What an ordinary Python gives and prints."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "helper.py").write_bytes(HELPER)
    found = {}
    code = (
        "import json, os, sys\n"
        "sys.argv[:] = ['part3_compression.py']\n"
        "sys.path.insert(0, os.getcwd())\n"
        "import part3_compression\n"
        "result = part3_compression.random_classes(2)\n"
        "sys.stdout.flush()\n"
        "with open(os.environ['RESULT'], 'w') as file:\n"
        "    json.dump(result, file)\n"
    )
    environment = {
        **{"PYTHONUTF8": "1", "TZ": "UTC", "HOME": str(folder), "PATH": "/usr/bin"},
        **{"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "RESULT": str(folder / "result.json")},
    }
    for name, body in ORDINARY.items():
        (folder / "part3_compression.py").write_text(source(body), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-B", "-c", code],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        printed = done.stdout.decode().replace(f"{folder}/", "")
        found[name] = json.loads((folder / "result.json").read_text()), printed
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="its variables and streams are others")
@pytest.mark.parametrize("what", ORDINARY)
def test_a_guest_is_an_ordinary_python(bare, what):
    reply = run(NO_WALLS, ORDINARY[what], {"helper.py": HELPER})
    assert reply.error is None, reply.error
    value = reply.value.array.tolist() if hasattr(reply.value, "array") else reply.value
    result, printed = bare[what]
    assert ((value, reply.stdout) == (result, printed)) is (what not in DIFFERENT)
