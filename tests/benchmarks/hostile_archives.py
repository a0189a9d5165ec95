"""Archives that lie, drawn from a generator: what ``fuzz.py`` tries.

Written by hand, so that every length, count, size, offset and flag can be another than the true
one; a few are honest but work to read.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from hostile_frames import NUMBERS, bent

__all__ = ["archive"]

HONEST = ["gan.py", "part1_focused.py", "hw3/gan.py", "hw3/lib/more.py", "alice/gan.py"]
HONEST += ["bob/hw3/gan.py", "bob/part2_comparative.py", "lib/more.py", "answers.md", "data.png"]
HONEST += [
    "hw3/",
    "alice/",
    "bob.zip",
    "carol.tar.gz",
    "dan.tgz",
    "hw3.zip",
    "inner.tar",
    "part1.py",
]
NAMES = [
    "../x.py",
    "a/../../x.py",
    "/etc/x.py",
    "C:/x.py",
    "c:x.py",
    "a\\b.py",
    "..\\x.py",
    "GAN.py",
]
NAMES += ["gan.py\0.txt", "a\nb.py", "\x1b[2J.py", "\u202e.py", "é/gan.py", "e\u0301/gan.py", ""]
NAMES += [".hidden/gan.py", "__MACOSX/._gan.py", "./gan.py", "a//gan.py", "con/gan.py", ".", ".."]
NAMES += ["index.html/gan.py", "../../other/gan.py", "\udcff.py", "x" * 240 + ".py", "y" * 5000]
NAMES += ["a/" * 140 + "gan.py", "/", "//", "a\u0315\u0300" * 2000, "部/gan.py", "分/gan.py"]
NAMES += [
    "gan.py/x.py",
    "alice",
    "bob.zip/gan.py",
    "ALICE/gan.py",
    "gan.py ",
    "x.rar",
    "venv/gan.py",
]


class Liar:
    """Says what is true, and now and then something else."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.rate = random.choice((0, 0, 0.01, 0.03, 0.1))

    def number(self, true: int, width: int = 4) -> int:
        """The number, or another of so many bytes."""
        if self.random.random() >= self.rate:
            return true % 2 ** (8 * width)
        return self.random.choice([true + 1, true - 1, *NUMBERS]) % 2 ** (8 * width)

    def of(self, usual: Any, *others: Any) -> Any:
        """What is usual, or one of the others."""
        return self.random.choice(others) if self.random.random() < self.rate else usual


def _files(random: Random, depth: int) -> list[tuple[str, bytes]]:
    files = []
    wild = random.choice((0, 0, 0.1, 0.3))
    for _ in range(random.choice((0, 1, 1, 2, 3, 5, 8))):
        name = random.choice(NAMES if random.random() < wild else HONEST)
        ends = name.endswith(("zip", "tgz", "tar", "gz"))
        if ends and depth < 3 and random.random() < 0.9:
            data = _archive(random, depth + 1)
        else:
            size = random.choice((0, 1, 10, 300, 2000))
            data = random.choice((random.randbytes(size), bytes(size), b"x = 1\n" * (size // 6)))
        files.append((name, data))
    return files


def _zip(files: list[tuple[str, bytes]], random: Random) -> bytes:
    liar, body, directory = Liar(random), bytearray(), bytearray()
    for name, data in files:
        text = name.encode("utf-8", "surrogatepass")
        method = liar.of(random.choice((0, 8)), 0, 8, 9, 12, 14, 99)
        deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = deflate.compress(data) + deflate.flush() if method == 8 else data
        packed = liar.of(packed, bent(packed, random), packed[:-1], b"")
        flags = liar.of(0x800, 0, 1, 8, 0x801, 0x2000, 0xFFFF)
        sizes = (zlib.crc32(data), len(packed), len(data))
        mode = liar.of(0o100644, 0o120777, 0o040755, 0o010644, 0o020644, 0o140644, 0, 0xFFFF)
        extra = liar.of(b"", struct.pack("<HHQ", 1, 8, random.choice(NUMBERS) % 2**64), b"\1\0" * 3)
        extra = liar.of(extra, b"\x75\x70\x0b\0\1aaaa../x", struct.pack("<HH", 9, 0) * 100)
        start = len(body)
        for central in (False, True):
            said = [liar.number(n) for n in sizes]
            common = struct.pack("<HHHHH", liar.number(20, 2), flags, method, 0, 33)
            common += struct.pack(
                "<3L2H", *said, liar.number(len(text), 2), liar.number(len(extra), 2)
            )
            if central:
                tail = (liar.number(0, 2), 0, 0, (mode << 16), liar.number(start))
                directory += b"PK\1\2\x14\3" + common + struct.pack("<HHHLL", *tail) + text + extra
            else:
                body += b"PK\3\4" + common + text + extra + packed
        if random.random() < liar.rate:
            directory += directory[-46 - len(text) - len(extra) :]  # overlaps itself
    count = liar.number(len(files), 2)
    size, at = liar.number(len(directory)), liar.number(len(body))
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, size, at, liar.number(0, 2))
    if random.random() < liar.rate:
        fields = (liar.number(44, 8), 45, 45, 0, 0, *(liar.number(count, 8),) * 2)
        end64 = b"PK\6\6" + struct.pack("<QHHLLQQ", *fields)
        end64 += struct.pack("<QQ", liar.number(len(directory), 8), liar.number(len(body), 8))
        where = liar.number(len(body) + len(directory), 8)
        end = end64 + b"PK\6\7" + struct.pack("<LQL", 0, where, 1) + end
    return bytes(body + directory) + end


def _header(name: str, size: int, kind: bytes, liar: Liar) -> bytes:
    info = tarfile.TarInfo(name[:90])
    info.size, info.type, info.linkname = size, kind, "gan.py"
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogatepass")[:512])
    if liar.random.random() < liar.rate:
        at = liar.random.choice((100, 108, 124, 136, 156, 257, 345, 386, 482, 483))
        header[at : at + 4] = liar.random.choice(
            (b"\xff" * 4, b"\x80\0\0\1", b"7777", b"-1\0 ", bytes(4))
        )
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 256)
    return bytes(header)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def _record(key: bytes, value: bytes, liar: Liar) -> bytes:
    length = len(key) + len(value) + 3
    length += len(str(length + len(str(length))))
    return b"%d %s=%s\n" % (liar.of(length, 0, 1, 2, length + 1, 10**9), key, value)


def _tar(files: list[tuple[str, bytes]], random: Random) -> bytes:
    liar, blocks = Liar(random), []
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"S", b"7", b"\0"]
    kinds += [b"x", b"g", b"L", b"K", b"X", b"V", b"5"]
    for name, data in files:
        text = name.encode("utf-8", "surrogateescape" if "\udcff" in name else "surrogatepass")
        for _ in range(liar.of(0, 1, 1, 2, 5, 30)):
            records = [
                (b"path", text),
                (b"size", b"%d" % random.choice(NUMBERS)),
                (b"comment", b""),
            ]
            records += [
                (b"GNU.sparse.major", b"1"),
                (b"GNU.sparse.minor", b"0"),
                (b"a", b"=\n" * 9),
            ]
            records += [
                (b"GNU.sparse.map", b"0,1,2"),
                (b"hdrcharset", b"BINARY"),
                (b"mtime", b"nan"),
            ]
            chosen = random.sample(records, random.randint(1, 6))
            extension = b"".join(_record(key, value, liar) for key, value in chosen)
            kind = random.choice((b"x", b"x", b"g", b"L", b"K"))
            blocks += [_header("e", liar.number(len(extension)), kind, liar), _padded(extension)]
        if len(text) > 90 or not text.isascii():
            blocks += [_header("l", len(text) + 1, b"L", liar), _padded(text + b"\0")]
        kind = liar.of(b"5" if name.endswith("/") else b"0", *kinds)
        size = 0 if kind == b"5" else liar.number(len(data))
        plain = name.encode("ascii", "replace").decode()
        blocks += [_header(plain, size, kind, liar), _padded(data) if kind != b"5" else b""]
    return b"".join(blocks) + liar.of(bytes(1024), b"", bytes(512), b"\0" * 100, b"x" * 512)


def _archive(random: Random, depth: int = 0) -> bytes:
    files = _files(random, depth)
    kind = random.randrange(4)
    data = _zip(files, random) if kind < 2 else _tar(files, random)
    if random.random() < 0.15:
        data = bent(data, random)
    if kind == 3:
        data = gzip.compress(data, 1, mtime=0)
        data = bent(data, random) if random.random() < 0.1 else data
    return data


def _plain_zip(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A directory of empty members, by name and extra field, that all lie at the same place."""
    head = struct.pack("<5H3L", 20, 0x800, 0, 0, 33, 0, 0, 0)
    out = io.BytesIO()
    for name, extra in entries:
        lengths = struct.pack("<3H", len(name), len(extra), 0)
        out.write(b"PK\1\2\x14\3" + head + lengths + bytes(12) + name + extra)
    size, count = out.tell(), min(len(entries), 65535)
    return out.getvalue() + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, size, 0, 0)


def _plain_tar(members: list[tuple[bytes, bytes, bytes]]) -> bytes:
    quiet = Liar(Random(0))
    quiet.rate = 0
    blocks = [_header(n.decode(), len(d), kind, quiet) + _padded(d) for n, kind, d in members]
    return b"".join(blocks) + bytes(1024)


def _slow(random: Random) -> bytes:
    """An archive, of megabytes unpacked, that is work to read."""
    n = random.choice((100, 1000, 9_000, 11_000))
    many = min(n, 3000)
    record = b"".join(b"12 %05d=123\n" % i for i in range(40))
    maps = b"%d\n" % (n * 100) + b"0\n" * (n * 100)
    sparse = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    marks = "a" + "\u0315\u0300" * random.choice((100, 15_000))
    shapes: list[Callable[[], bytes]] = [
        lambda: _plain_zip([(b"%d/gan.py" % i, b"") for i in range(n)]),
        lambda: _plain_zip([(chr(0x4E00 + i).encode() + b"/gan.py", b"") for i in range(n)]),
        lambda: _plain_zip([(b"%d" % i, b"") for i in range(n * 15)]),
        lambda: _plain_zip([(b"%d" % i, b"\x09\0\0\0" * 16_000) for i in range(n // 30)]),
        lambda: _plain_zip([(b"%d.py" % i, b"\x09\0\0\0" * 200) for i in range(many)]),
        lambda: _plain_zip([(b"%d" % i + marks.encode()[:65_000], b"") for i in range(n // 100)]),
        lambda: _plain_zip(
            [(b"%d" % i + ("a" + "\u0315\u0300" * 15).encode() * 9, b"") for i in range(n)]
        ),
        lambda: _plain_zip([(b"%d" % i + "\u0315\u0300".encode() * 140, b"") for i in range(n)]),
        lambda: _plain_zip([(b"%d" % i + b"a." * 30_000, b"") for i in range(n // 100)]),
        lambda: _plain_zip([(b"a/" * 145 + b"%d.py" % i, b"") for i in range(n)]),
        lambda: _plain_zip([(b"%d" % i + b"gan " * 50 + b".py", b"") for i in range(n)]),
        lambda: _plain_tar([(b"%d" % i, b"0", b"") for i in range(n)]),
        lambda: _plain_tar(
            [(b"%d" % (i // 2), b"g0"[i % 2 : i % 2 + 1], record) for i in range(many)]
        ),
        lambda: _plain_tar([(b"%d" % i, b"g", b"13 %06d=12\n" % i * 300) for i in range(many)]),
        lambda: _plain_tar([(b"%d" % i, b"x0"[i % 2 : i % 2 + 1], record) for i in range(many)]),
        lambda: _plain_tar(
            [(b"a", b"x0"[i % 2 : i % 2 + 1], b"2 " * 2040 + b"=") for i in range(n)]
        ),
        lambda: _plain_tar([(b"s", b"x", sparse), (b"gan.py", b"0", maps)]),
        lambda: _plain_tar([(b"l", b"L", b"a\0")] * many),
    ]
    data = random.choice(shapes)()
    way = random.randrange(4)
    if way == 0:
        return gzip.compress(data, 6, mtime=0)
    if way == 1:
        return _zip([("hw3.zip", data)], Random(0))
    if way == 2 and random.random() < 0.2:
        return random.choice(
            (gzip.compress(b"", mtime=0) * (10 * n), b"\x1f\x8b\x08\x08" + b"a" * n * 99)
        )
    return data


def archive(random: Random) -> bytes:
    """A .zip, .tar or .tar.gz, or what is left of it."""
    return _slow(random) if random.random() < 0.002 else _archive(random)
