"""The variables that the grader and its guests see, the same on every machine.

A mark may not depend on how somebody's shell is set up: of Python's variables, what changes results
stays outside, and a guest gets a fixed language, time zone, hash seed and number of threads, and no
accelerator.

Imports nothing but ``os`` and ``sys``: the grader asks before anything else is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

__all__ = ["cleaned", "of_guest"]

_CHANGES_RESULTS = (
    *("PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONDEBUG", "PYTHONINSPECT"),
    *("PYTHONCASEOK", "PYTHONASYNCIODEBUG", "PYTHONTRACEMALLOC", "PYTHONINTMAXSTRDIGITS"),
    *("PYTHON_GIL", "PYTHON_JIT", "PYTHON_CONTEXT_AWARE_WARNINGS", "PYTHONBREAKPOINT"),
)

_TAKEN_OVER = (
    *("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "CONDA_PREFIX"),
    # Where Python finds the packages that the grader has found.
    *("PYTHONHOME", "PYTHONPLATLIBDIR", "PYTHONUSERBASE", "PYTHONNOUSERSITE"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
    # What the processor is said to be able to do: the grader computes by it, too.
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS"),
    *("MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "OPENBLAS_CORETYPE"),
)
"""What a guest sees of this process's variables: no token, no command file, no settings."""

_SET = {
    "LANG": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
    "LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
    "TZ": "UTC",
    "LOGNAME": "student",
    "USER": "student",
    "USERNAME": "student",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TORCHDYNAMO_DISABLE": "1",
    # No accelerator is there; `grader/sandbox/guest/devices.py` says so in words.
    "CUDA_VISIBLE_DEVICES": "",
    "HIP_VISIBLE_DEVICES": "",
    "ROCR_VISIBLE_DEVICES": "",
    "PYTORCH_MPS_LOW_WATERMARK_RATIO": "0.0",
    "PYTORCH_MPS_HIGH_WATERMARK_RATIO": "1e-9",  # no memory of Apple's GPU: 0 would mean all of it
}


def cleaned(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables without those of Python that change results.

    Of ``PYTHONPATH``, folders that hold installed packages stay: some clusters bring torch so.
    """
    kept = {k: v for k, v in environment.items() if k not in (*_CHANGES_RESULTS, "PYTHONPATH")}
    if paths := _of_packages(environment.get("PYTHONPATH", "")):
        kept["PYTHONPATH"] = paths
    return kept


def of_guest(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """All that a guest sees, on a machine with these variables."""
    taken = {name: environment[name] for name in _TAKEN_OVER if name in environment}
    if paths := _of_packages(environment.get("PYTHONPATH", "")):
        taken["PYTHONPATH"] = paths
    return taken | _SET


def _of_packages(paths: str) -> str:
    """Of a search path, the folders that hold installed packages, not modules of one's own."""
    folders = [os.path.abspath(path) for path in paths.split(os.pathsep) if path]
    return os.pathsep.join(folder for folder in folders if _installed(folder))


def _installed(folder: str) -> bool:
    if os.path.basename(folder) in ("site-packages", "dist-packages"):
        return True
    try:
        # Not an egg-info: a project that is being developed has one beside its modules.
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False
