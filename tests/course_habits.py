"""Habits of course code, put above a right solution: what each costs is the same in every mode.

Each is what stands at the top of a file, and whether the file still earns its points: it does not
where the habit breaks the rule for what a submission may do.
"""

EARNS = {
    "a shell, which there is not": "import os\nos.system('mkdir outputs')",
    "prints at import": "print('loading part 3')",
    "prints in colour": "print('\\x1b[31mred\\x1b[0m')",
    "prints in another encoding": (
        "import sys\nsys.stdout.reconfigure(encoding='utf-8')\nprint('Größe ✓')"
    ),
    "wraps stdout": (
        "import io, sys\n"
        "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8', line_buffering=True)"
    ),
    "unbuffered stdout": "import os, sys\nsys.stdout = os.fdopen(sys.stdout.fileno(), 'w', 1)",
    "writes bytes": "import sys\nsys.stdout.buffer.write(b'bytes\\n')\nsys.stdout.flush()",
    "tees what it prints": (
        "import sys\n\nclass Tee:\n    def __init__(self, to): self.to = to\n"
        "    def write(self, text): return self.to.write(text)\n"
        "    def flush(self): self.to.flush()\n\nsys.stdout = Tee(sys.stdout)\nprint('both')"
    ),
    "silences itself": "import os, sys\nsys.stdout = open(os.devnull, 'w')",
    "closes stdout": "import sys\nsys.stdout.close()",
    "sets stderr to stdout": "import sys\nsys.stderr = sys.stdout",
    "a progress bar by hand": (
        "import sys\nfor i in range(100):\n    sys.stderr.write(f'\\r{i}%')\nsys.stderr.flush()"
    ),
    "faulthandler": "import faulthandler\nfaulthandler.enable()",
    "a table of the run": "import time, platform\nprint(platform.platform(), time.ctime())",
    "asks for its user": "import getpass\nUSER = getpass.getuser()",
    "asks for its home": "from pathlib import Path\nHOME = Path.home()\nHOME.exists()",
    "asks for its host": "import socket\nHOST = socket.gethostname()",
    "reads a configuration": (
        "import json\nfrom pathlib import Path\n"
        "CONFIG = json.loads((Path(__file__).parent / 'config.json').read_text())"
    ),
    "reads a file beside it": "import json\nCONFIG = json.load(open('config.json'))",
    "reads its own source": "SOURCE = open(__file__, encoding='utf-8').read()",
    "adds its folder to the path": (
        "import os, sys\nsys.path.append(os.path.dirname(os.path.abspath(__file__)))\nimport helper"
    ),
    "changes to its folder": "import os\nos.chdir(os.path.dirname(os.path.abspath(__file__)))",
    "imports a helper": "from helper import VALUE\nimport helper as h",
    "imports a package of its own": "from tools.maths import TWICE",
    "imports with a star": "from helper import *",
    "imports late": "def later():\n    import fractions\n    return fractions\n\nlater()",
    "does without a package": "try:\n    import scipy\nexcept ImportError:\n    scipy = None",
    "does without plots": (
        "try:\n    import matplotlib.pyplot as plt\nexcept ModuleNotFoundError:\n    plt = None"
    ),
    "asks what is installed": (
        "import importlib.util\nHAS = importlib.util.find_spec('seaborn') is not None"
    ),
    "asks for a GPU": "import torch\nDEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'",
    "asks for every device": (
        "import torch\nDEVICE = torch.device('mps' if torch.backends.mps.is_available() else 'cpu')"
    ),
    "sets seeds": (
        "import random, numpy, torch\nrandom.seed(0)\nnumpy.random.seed(0)\ntorch.manual_seed(0)"
    ),
    "wants determinism": (
        "import torch\ntorch.use_deterministic_algorithms(True)\n"
        "torch.backends.cudnn.benchmark = False"
    ),
    "sets threads": "import torch\ntorch.set_num_threads(4)",
    "sets a default dtype": "import torch\ntorch.set_default_dtype(torch.float64)",
    "turns gradients off": "import torch\ntorch.set_grad_enabled(False)",
    "sets print options": "import torch, numpy\ntorch.set_printoptions(precision=3)",
    "ignores warnings": "import warnings\nwarnings.filterwarnings('ignore')",
    "makes warnings errors": "import warnings\nwarnings.simplefilter('error', DeprecationWarning)",
    "logs": ("import logging\nlogging.basicConfig(level=logging.DEBUG)\nlogging.info('started')"),
    "a dataclass": (
        "from dataclasses import dataclass\n\n@dataclass\nclass Options:\n    steps: int = 50"
    ),
    "a module class": (
        "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.layer = nn.Linear(2, 2)\n\nNet()"
    ),
    "a singleton": (
        "class Once:\n    _made = None\n    def __new__(cls):\n"
        "        cls._made = cls._made or super().__new__(cls)\n        return cls._made\n\nOnce()"
    ),
    "a cache": (
        "from functools import lru_cache\n\n@lru_cache(maxsize=None)\ndef fib(n):\n"
        "    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\nfib(50)"
    ),
    "threads": (
        "import threading\nt = threading.Thread(target=print, args=('x',))\nt.start()\nt.join()"
    ),
    "a thread that stays": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    ),
    "a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    list(pool.map(abs, range(8)))"
    ),
    "a timer": "import time\nSTART = time.perf_counter()\ntime.sleep(0.01)",
    "says goodbye": "import atexit\natexit.register(print, 'done')",
    "a signal handler": ("import signal\nsignal.signal(signal.SIGINT, lambda *a: None)"),
    "collects garbage": "import gc\ngc.collect()\ngc.disable()",
    "a deep recursion limit": "import sys\nsys.setrecursionlimit(20_000)",
    "command line options": (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--steps', type=int, default=50)\nOPTIONS = parser.parse_args()"
    ),
    "a main program": (
        "if __name__ == '__main__':\n    import matplotlib.pyplot\n    open('a.txt', 'w')"
    ),
    "an encoding line": "# -*- coding: utf-8 -*-\nNAME = 'Zoë'",
    "annotations": "from __future__ import annotations\n\ndef typed(x: Missing) -> Other: ...",
    "a compiled model": (
        "import torch\nMODEL = torch.compile(torch.nn.Linear(2, 2))\nMODEL(torch.zeros(1, 2))"
    ),
    "transforms": (
        "from torchvision import transforms\nT = transforms.Compose([transforms.ToTensor()])"
    ),
    "pictures in memory": "from PIL import Image\nImage.new('RGB', (4, 4)).resize((2, 2))",
    "a data loader": (
        "from torch.utils.data import DataLoader\nfor batch in DataLoader(range(8), 4):\n    pass"
    ),
    "globals": "COUNT = 0\n\ndef count():\n    global COUNT\n    COUNT += 1\n\ncount()",
    "a bare except": "try:\n    open('outputs.txt', 'w')\nexcept:\n    pass",
    "careful folders": (
        "import os\ntry:\n    os.makedirs('outputs', exist_ok=True)\nexcept OSError:\n    pass"
    ),
}

DOES_NOT = {
    "makes a folder": "import os\nos.makedirs('outputs', exist_ok=True)",
    "a folder by pathlib": "from pathlib import Path\nPath('outputs').mkdir(exist_ok=True)",
    "logs to a file": "import logging\nlogging.basicConfig(filename='run.log')",
    "saves its model": "import torch\ntorch.save(torch.nn.Linear(2, 2).state_dict(), 'model.pt')",
    "a temporary file": "import tempfile\nTEMPORARY = tempfile.NamedTemporaryFile()",
    "workers": (
        "from torch.utils.data import DataLoader\n"
        "for batch in DataLoader(range(8), 4, num_workers=2):\n    pass"
    ),
    "installs a package": (
        "import subprocess, sys\n"
        "subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'captum'])"
    ),
    "downloads weights": (
        "from torchvision import models\nmodels.resnet18(weights='IMAGENET1K_V1')"
    ),
    "downloads digits": ("from torchvision import datasets\ndatasets.MNIST('data', download=True)"),
    "a package that is not promised": "import scipy.stats",
    "plots": "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt",
    "a progress bar": "from tqdm import tqdm",
    "a file that is not there": "CONFIG = open('settings.yaml').read()",
    "an error": "1 / 0",
    "an exit": "import sys\nsys.exit('not finished')",
}

RIGHT = """

def random_classes(num_classes, k=5, seed=0):
    import random

    if not 1 <= k <= num_classes:
        raise ValueError(f"{k} of {num_classes} classes")
    return random.Random(seed).sample(range(num_classes), k)
"""
"""The solution that stands below each."""

FILES = {
    "config.json": b'{"steps": 50}',
    "helper.py": b"VALUE = 7\n",
    "tools/__init__.py": b"",
    "tools/maths.py": b"from helper import VALUE\n\nTWICE = 2 * VALUE\n",
}
"""What is handed in beside it."""


def submission(habit: str) -> dict[str, bytes]:
    """The files of a submission with a habit."""
    top = {**EARNS, **DOES_NOT}[habit]
    return {**FILES, "part3_compression.py": f"{top}\n{RIGHT}".encode()}
