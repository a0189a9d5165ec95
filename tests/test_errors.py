"""The tree of errors, and the sentence and exit status with which a command ends for each."""

import re

import click
import pytest
from click.testing import CliRunner

from grader import errors
from grader.cli.errors import USAGE, writing
from grader.cli.options import Commands

TREE = {name: getattr(errors, name) for name in errors.__all__}


def ended(error):
    @click.group(cls=Commands)
    def group():
        pass

    @group.command()
    def command():
        raise error

    return CliRunner().invoke(group, ["command"])


def test_the_picture_is_the_tree():
    drawn = re.findall(r"^( *)[*x·] (\w+)", errors.__doc__, re.MULTILINE)
    assert sorted(name for _, name in drawn) == sorted(TREE)
    above = {-2: Exception}
    for indent, name in drawn:
        depth = len(indent)
        above[depth] = TREE[name]
        assert TREE[name].__bases__[0] is above[depth - 2], name


@pytest.mark.parametrize("name", TREE)
def test_every_error_ends_a_command_with_one_sentence_and_status_2(name):
    done = ended(TREE[name]("what is\n\x1b[31mthe matter"))
    assert done.exit_code == USAGE == 2
    assert re.fullmatch(r"Error: .*what is the matter.*\n", done.output)


def test_what_cannot_be_written_is_named_as_it_was_given(tmp_path):
    with pytest.raises(errors.Unwritten) as caught, writing(tmp_path / "a\nb"):
        (tmp_path / "no" / ".0123.tmp").write_text("")
    assert ended(caught.value).output.endswith("cannot be written: No such file or directory\n")
    assert r"a\nb' cannot" in ended(caught.value).output
