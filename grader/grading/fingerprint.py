"""A digest of the whole grader: by which pages, and the audit's rows, know that it has changed."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import grader
from grader import layout
from grader.grading.terms import environment

__all__ = ["fingerprint"]


@cache
def fingerprint(options: str = "") -> str:
    """A digest of every file of the distribution but READMEs, of versions, and of ``options``."""
    about = [grader.__version__, dict(environment()), options]
    digest = hashlib.sha256(json.dumps(about).encode())
    # Of the package, and of the reference from where it is loaded, whatever is on sys.path.
    for folder in (Path(grader.__file__).parent, *filter(None, [layout.reference()])):
        for path in sorted(folder.rglob("*")):
            if path.name == layout.README:
                continue  # a description changes no result
            if path.is_file() and "__pycache__" not in path.parts:
                name, content = str(path.relative_to(folder.parent)).encode(), path.read_bytes()
                digest.update(f"{len(name)}:{len(content)}:".encode() + name + content)
    return digest.hexdigest()[:16]
