"""Readers of what CI systems get, as these systems read it."""

import html
import importlib.util
import re
from functools import cache
from pathlib import Path

from lxml import etree

_COMMAND = re.compile(r"::([\w-]+)(?: (.*?))?::(.*)")


@cache
def _schemas():
    folder = Path(importlib.util.find_spec("pyEDAA.Reports").origin).parent / "Resources"
    names = ("Any-JUnit.xsd", "PyTest-JUnit.xsd")
    return [etree.XMLSchema(etree.parse(str(folder / name))) for name in names]


def junit_problems(text):
    """What two schemas of JUnit's say against it: nothing, where it is valid."""
    document = etree.fromstring(text.encode())
    wrong = [schema for schema in _schemas() if not schema.validate(document)]
    return "\n".join(str(schema.error_log) for schema in wrong)


def carried_out(log):
    """The commands that GitHub's runner carries out, as (name, properties, message).

    A command begins a line, spaces aside; an older form stands anywhere in one.  Between
    ``::stop-commands::token`` and ``::token::`` nothing is carried out.
    """
    found, token = [], ""
    for line in re.split("\r\n|\r|\n", log):
        line = line.lstrip()
        if token:
            token = "" if line == f"::{token}::" else token
            continue
        command = _COMMAND.match(line)
        if command and command[1] == "stop-commands":
            token = command[3]
        elif command:
            pairs = [pair.split("=", 1) for pair in (command[2] or "").split(",") if pair]
            properties = {name: _unescaped(value, ":,") for name, value in pairs}
            found.append((command[1], properties, _unescaped(command[3])))
        elif "##[" in line:
            found.append(("##[", {}, line))
    return found


def _unescaped(text, more=""):
    for character in (*"\r\n", *more, "%"):
        text = text.replace(f"%{ord(character):02X}", character)
    return text


class Markdown:
    """A summary: the grader's own words, and what it quotes, which Markdown does not read.

    A block of ``<pre>`` begins a line and ends with the first line that holds ``</pre>``.
    """

    def __init__(self, text):
        blocks = re.compile("^<pre>\n(.*?)</pre>$", re.DOTALL | re.MULTILINE)
        self.raw = blocks.findall(text)
        self.quoted = [html.unescape(block) for block in self.raw]
        self.ours = blocks.sub("", text)
