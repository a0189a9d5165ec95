"""Files that tools and systems leave behind; they are ignored, each for a reason that is shown."""

from __future__ import annotations

import re

__all__ = ["JUNK_FOLDERS", "junk", "may_hide_work"]

JUNK_FOLDERS = {
    "__MACOSX": "left behind by macOS",
    "__pycache__": "left behind by Python",
    "env": "a virtual environment",
    "node_modules": "packages of other people",
    "site-packages": "packages of other people",
    "venv": "a virtual environment",
}
"""Folders that are passed over wherever they lie, and why."""

_HIDDEN = {
    ".git": "the history of a repository",
    ".ipynb_checkpoints": "a notebook's checkpoints",
    ".venv": "a virtual environment",
    ".DS_Store": "left behind by macOS",
}
_FILES = re.compile(
    r"(?P<windows>thumbs\.db|ehthumbs\.db|desktop\.ini|~\$.*)|(?P<macos>icon\r)"
    r"|(?P<python>.*\.pyc|.*\.pyo)|(?P<editor>.*~|.*\.sw[op]|#.*#)",
    re.IGNORECASE,
)
_MAKERS = {"windows": "Windows", "macos": "macOS", "python": "Python", "editor": "an editor"}


def junk(path: str) -> tuple[str, str]:
    """The file or folder that a path belongs to and nobody wrote, and why it is ignored.

    Returns:
        The path up to the first part that is junk, a folder's with a slash at its end; and the
        reason.  Both are empty for an ordinary file.
    """
    parts = path.split("/")
    for count, part in enumerate(parts, 1):
        reason = JUNK_FOLDERS.get(part, "")
        if not reason and part.startswith("."):
            reason = _HIDDEN.get(part, "hidden")
        if reason:
            return "/".join(parts[:count]) + ("/" if count < len(parts) else ""), reason
    if match := _FILES.fullmatch(parts[-1]):
        return path, f"left behind by {_MAKERS[str(match.lastgroup)]}"
    return "", ""


def may_hide_work(path: str, reason: str) -> bool:
    """Whether something that is ignored may be all that a student handed in.

    Args:
        path: of the file, or of the folder with a slash at its end.
        reason: why it is ignored.
    """
    if reason not in ("hidden", "a virtual environment", "packages of other people"):
        return False
    name = path.rstrip("/").rpartition("/")[2]
    of_tools = name.startswith("._") or name in (".github", ".idea", ".vscode", ".venv")
    return not of_tools and bool(re.search(r"(/|\.(py|ipynb|zip|tar|t?gz|rar|7z))$", path))
