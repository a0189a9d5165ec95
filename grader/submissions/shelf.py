"""The files of a class: compressed in a temporary file, and read when one is asked for.

A hundred thousand submissions are gigabytes, of which a run looks at a few at a time.
"""

from __future__ import annotations

import tempfile
import weakref
import zlib
from collections.abc import Iterator, Mapping
from threading import Lock

from grader.errors import BadSource

__all__ = ["Shelf"]


class Shelf:
    """Keeps files as long as anybody holds one of its mappings; the temporary file has no name."""

    def __init__(self) -> None:
        # The finalizer closes it.
        self._file = tempfile.TemporaryFile(prefix="hw3-")  # noqa: SIM115
        self._lock = Lock()
        self._end = 0
        weakref.finalize(self, self._file.close)

    def put(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The same files, which are read again each time that one is asked for.

        A pickle of them, for a worker, holds them all.

        Args:
            files: by name.

        Raises:
            BadSource: there is no room for temporary files.
        """
        return _Kept(self, {name: self._write(content) for name, content in files.items()})

    def _write(self, content: bytes) -> tuple[int, int]:
        packed = zlib.compress(content, 1)
        place = self._end, len(packed)
        try:
            with self._lock:
                self._file.seek(self._end)
                self._file.write(packed)
                self._file.flush()
        except OSError as error:
            raise BadSource(
                f"The submissions do not fit among temporary files in {tempfile.gettempdir()} "
                f"({error.strerror}); make room there, or name another folder in TMPDIR."
            ) from None
        self._end += len(packed)
        return place

    def read(self, place: tuple[int, int]) -> bytes:
        """What was put at a place."""
        with self._lock:
            self._file.seek(place[0])
            packed = self._file.read(place[1])
        return zlib.decompress(packed)


class _Kept(Mapping[str, bytes]):
    """The files of one submission."""

    __slots__ = ("_places", "_shelf")

    def __init__(self, shelf: Shelf, places: dict[str, tuple[int, int]]) -> None:
        self._shelf, self._places = shelf, places

    def __getitem__(self, name: str) -> bytes:
        return self._shelf.read(self._places[name])

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[dict[str, bytes]], tuple[dict[str, bytes]]]:
        return dict, (dict(self),)
