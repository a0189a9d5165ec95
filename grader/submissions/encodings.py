"""Python files in other encodings than UTF-8, where those are declared or unmistakable."""

from __future__ import annotations

import codecs
import re

__all__ = ["as_utf8"]

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_PROGRAMS = (
    (b"pk\x03\x04", "an archive"),
    (b"%pdf-", "a PDF"),
    (b"{\\rtf", "a document of a word processor"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs.github.com/spec/", "what Git LFS puts in place of a file"),
)
"""How files begin that are certainly no Python, whatever they are called."""

_DECLARED = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_KNOWN = re.compile(  # others are slow, or no encodings of text: idna, punycode, zip
    r"ascii|utf_?(8|16|32)(_?[lb]e|_sig)?|latin_?1|l1|iso_?8859_?\d{1,2}|(cp|windows_?)\d{3,4}"
    r"|mac_?(roman|latin2|greek|cyrillic|turkish)|koi8_?[rtu]|gb(2312|k|18030)|big5(_?hkscs)?"
    r"|shift_?jis|euc_?(jp|kr)"
)


def as_utf8(data: bytes) -> tuple[bytes, str, str]:
    """A Python file as UTF-8.

    Returns:
        The file, converted where that was needed; how it was read, or nothing where it was UTF-8;
        and why it cannot be read, or nothing.
    """
    for begin, kind in _NO_PROGRAMS:
        if data[:1000].lstrip().lower().startswith(begin):
            return data, "", f"it is {kind}; save the program itself"
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decoded(data, name, declared=False)
    declared = _declaration(data)
    if b"\0" in data:
        guess = _wide(data)
        return _decoded(data, guess, declared=False) if guess else (data, "", _SAVE)
    if declared and declared not in ("utf_8", "utf_8_sig", "ascii"):
        if not _KNOWN.fullmatch(declared):
            return data, "", f"it declares an encoding that is not known here; {_SAVE}"
        return _decoded(data, declared, declared=True)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(data, "cp1252", declared=bool(declared))
    return data, "", ""


_SAVE = "it is not text in UTF-8; save it as UTF-8"


def _declaration(data: bytes) -> str:
    """The encoding that one of the first two lines declares (PEP 263)."""
    for line in data[:1000].removeprefix(codecs.BOM_UTF8).splitlines()[:2]:
        if match := _DECLARED.match(line):
            return match[1].decode("ascii", "replace").casefold().replace("-", "_")
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return ""


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: nearly every second byte of a program in it is 0."""
    half = len(data) // 2
    for name, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
        if half > 8 and zeros.count(0) > 0.8 * half and data.count(0) < 1.1 * zeros.count(0):
            return name
    return ""


def _decoded(data: bytes, name: str, *, declared: bool) -> tuple[bytes, str, str]:
    try:
        text = data.decode(name)
    except (UnicodeError, LookupError):
        return data, "", _SAVE
    if "\0" in text:
        return data, "", _SAVE
    if declared:  # the line stands for bytes that are no longer there
        head, ending = text[:1000], text[1000:]
        text = re.sub(r"(coding[:=][ \t]*)[-\w.]+", r"\1utf-8", head, count=1) + ending
    return text.encode("utf-8"), name.replace("_", "-"), ""
