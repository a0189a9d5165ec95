"""``explore.py`` of the template: all pictures from right functions, and a name for what is not.

Importing torch takes most of a run.  So one process imports it, and each run but the first test's,
which is as students start it, is a copy of that process.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from grader.homework import contract
from grading import ROOT, reference_files

TEMPLATE = ROOT / "student_template"
UNUSED = {
    # The others stand on them, or they are called by other functions of the student's.
    *("linear_scores", "split", "path_influence", "compare_attributions", "comparative_influence"),
    *("mask_slice", "discriminator_loss", "generator_loss", "train_step", "discriminator_penalty"),
}


class Found(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._hidden = [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag == "style"

    def handle_endtag(self, tag):
        self._hidden = False

    def handle_data(self, data):
        self.text += "" if self._hidden else data

    @property
    def pictures(self):
        return [a["alt"] for tag, a in self.tags if tag == "img" and not a["alt"].startswith("Col")]


@pytest.fixture
def folder(tmp_path):
    """A copy of the template."""
    for name in (*contract.FILES, "explore.py"):
        shutil.copy(TEMPLATE / name, tmp_path)
    return tmp_path


def solve(folder, *files):
    for name in files or contract.FILES:
        (folder / name).write_bytes(reference_files()[name])


def change(folder, file, old, new):
    text = (folder / file).read_text("utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), "utf-8")


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
BRIEF = ("--gan-steps", "100")
COPIES = """
import json, os, runpy, sys
import numpy, torch
for line in sys.stdin:
    folder, options = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), number)
        sys.path[0], sys.argv = folder, ["explore.py", *options]
        status = 1
        try:
            runpy.run_path("explore.py", run_name="__main__")
            status = 0
        except SystemExit as error:
            status = error.code or 0
        except BaseException:
            import traceback
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def explore_alone(folder, *options):
    """What it said, by figure: a word, the title, and what it said on that; and the page."""
    ended = subprocess.run(
        [sys.executable, "explore.py", *(options or BRIEF)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        encoding="utf-8",
    )
    return read(folder, ended.returncode, ended.stdout, ended.stderr)


def read(folder, status, said, wrong):
    """Where it was refused: the exit status, and what it said to both streams."""
    if status:
        return status, said, wrong
    assert wrong == ""
    page = Found((folder / "explore.html").read_text("utf-8"))
    return re.findall(r"^(drawn|partly|skipped) +(.*)((?:\n +- .*)*)", said, re.M), page


@pytest.fixture(scope="module")
def explore():
    """The same, in a copy of a process that has imported torch."""
    if not hasattr(os, "fork"):
        yield explore_alone
        return
    command, pipes = [sys.executable, "-c", COPIES], dict.fromkeys(("stdin", "stdout"), -1)
    with subprocess.Popen(command, env=ENVIRONMENT, encoding="utf-8", **pipes) as process:

        def run(folder, *options):
            process.stdin.write(json.dumps([str(folder), options or BRIEF]) + "\n")
            process.stdin.flush()
            status = int(process.stdout.readline())
            said, wrong = ((folder / n).read_text("utf-8") for n in ("stdout", "stderr"))
            return read(folder, status, said, wrong)

        yield run


def test_right_functions_make_every_picture(folder):
    solve(folder)
    figures, page = explore_alone(folder)
    assert [(word, said) for word, _, said in figures] == [("drawn", "")] * 11
    assert "Not written yet" not in page.text
    assert sum("neuron" in alt for alt in page.pictures) == 4 + 1 + 1 + 4 + 8
    for name in ("plain gradient", "integrated gradients", "“5” alone", "“5” − “9”"):
        assert sum(alt.startswith(name) for alt in page.pictures) == 1, name
    assert "your generator, after 100 steps: 24 grey images" in " ".join(page.pictures)
    assert "the score changes by 8.19" in page.text


def test_the_page_is_one_file_that_loads_nothing_and_runs_nothing(folder, explore):
    solve(folder)
    _, page = explore(folder)
    assert not {"script", "iframe", "object", "embed", "form"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:"), tag
        if tag == "img":
            assert attributes["alt"]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert set(levels[1:]) == {2, 3}


def test_of_the_untouched_template_every_figure_is_skipped_and_every_function_named(
    folder, explore
):
    figures, page = explore(folder)
    assert {word for word, _, _ in figures} == {"skipped"}
    assert len(figures) == 10
    assert "Not written yet" in page.text
    for word, _, said in figures:
        for line in said.strip().splitlines():
            assert re.fullmatch(r" *- (\w+) is not written yet \(\w+\.py\)", line), (word, line)


@pytest.mark.parametrize("name", sorted({*contract.FUNCTIONS} - UNUSED))
def test_every_function_that_is_used_is_missed(name):
    assert re.search(rf"\.{name}\(", (TEMPLATE / "explore.py").read_text("utf-8"))


def test_what_is_right_is_drawn_beside_what_raises_and_what_is_not_written(folder, explore):
    solve(folder, "part1_focused.py", "part3_compression.py")
    (folder / "gan.py").unlink()
    change(
        folder,
        "part1_focused.py",
        "def scale_pixels(",
        "def scale_pixels(x, saliency):\n    return missing_name\n\n\ndef once(",
    )
    figures, page = explore(folder)
    words = [word for word, _, _ in figures]
    assert words == ["drawn"] * 2 + ["partly"] * 3 + ["skipped"] + ["drawn"] * 3 + ["skipped"]
    lines = (folder / "part1_focused.py").read_text("utf-8").splitlines()
    number = lines.index("    return missing_name") + 1
    where = f"part1_focused.py, line {number}, in scale_pixels"
    assert where in page.text
    assert where in figures[2][2]
    assert "NameError: name 'missing_name' is not defined" in page.text
    assert "comparative_integrated_gradients is not written yet (part2_comparative.py)" in page.text
    assert "gan.py is not in this folder" in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "saliency_map: it returned nothing: is a return missing?"),
        ("return 'a map'", "saliency_map: the result is not an array but str"),
        ("return x[None, None]", "saliency_map: the result is not a map of pixels"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import torch; return torch.nn.Module()(x)", "NotImplementedError: Module [Module] is"),
        ("raise KeyboardInterrupt", "left out: you pressed Ctrl-C"),
        ("raise ValueError('<b>no</b>')", "ValueError: <b>no</b>"),
    ],
)
def test_whatever_a_function_does_the_next_figures_are_drawn(folder, explore, body, said):
    solve(folder, "part1_focused.py")
    change(
        folder,
        "part1_focused.py",
        "def saliency_map(",
        f"def saliency_map(model, layer, neuron, x):\n    {body}\n\n\ndef once(",
    )
    figures, page = explore(folder, "--gan-steps", "0")
    assert said in figures[2][2]
    assert said in page.text
    assert figures[3][0] == "drawn"


def test_a_function_that_many_figures_need_stops_only_these(folder, explore):
    solve(folder)
    change(
        folder,
        "part1_focused.py",
        "def class_influence(",
        "def class_influence(*given):\n    raise SystemExit(3)\n\n\ndef once(",
    )
    figures, _ = explore(folder, "--gan-steps", "0")
    assert figures[0][0] == figures[4][0] == "drawn"
    assert [word for word, _, _ in figures[1:4]] == ["skipped"] * 3
    assert "SystemExit: 3" in figures[1][2]


def test_a_file_that_python_cannot_read_is_named_with_its_line(folder, explore):
    solve(folder)
    (folder / "part2_comparative.py").write_text("x = 1\ndef f(:\n    pass\n")
    figures, page = explore(folder, "--gan-steps", "0")
    assert "part2_comparative.py, line 2" in page.text
    assert [word for word, _, _ in figures] == [*["drawn"] * 4, "partly", "skipped", *["drawn"] * 3]


def test_a_file_that_imports_what_is_not_there_is_not_said_to_be_missing(folder, explore):
    (folder / "part1_focused.py").write_text("import no_such_package\n")
    _, page = explore(folder, "--gan-steps", "0")
    assert "No module named 'no_such_package'" in page.text
    assert "part1_focused.py is not in this folder" not in page.text


def test_ctrl_c_in_the_training_keeps_what_was_trained(folder, explore):
    solve(folder)
    change(
        folder,
        "gan.py",
        "    torch.manual_seed(seed)\n",
        "    if seed >= 200:\n        raise KeyboardInterrupt\n    torch.manual_seed(seed)\n",
    )
    _, page = explore(folder, "--gan-steps", "1000")
    assert "You stopped the training with Ctrl-C." in page.text
    assert "your generator, after 200 steps: 24 grey images" in " ".join(page.pictures)


def test_the_reference_is_not_needed(folder):
    solve(folder)
    program = (
        "import runpy, sys\n"
        "sys.modules['reference'] = None\n"  # importing it fails
        "sys.argv = ['explore.py', '--gan-steps', '0']\n"
        "runpy.run_path('explore.py', run_name='__main__')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    page = Found((folder / "explore.html").read_text("utf-8"))
    assert sum("neuron" in alt for alt in page.pictures) == 4 + 1 + 1 + 4 + 8


def test_another_digit_class_and_layer(folder, explore):
    solve(folder)
    wish = ("--digit", "0", "--class", "6", "--against", "3", "--layer", "6", "--gan-steps", "0")
    figures, _ = explore(folder, *wish)
    assert {word for word, _, _ in figures} == {"drawn"}
    titles = [title for _, title, _ in figures]
    assert "Which neurons of layer 6 speak for “6”?" in titles
    assert "Why “6” rather than “3”?" in titles


@pytest.mark.weekly
def test_the_warm_up_is_drawn_where_its_file_is(folder, explore):
    solve(folder, "warmup.py")
    figures, page = explore(folder, "--gan-steps", "0")
    words = {title: word for word, title, _ in figures}
    for title in ("Ten groups of digits", "What do digits differ by most?"):
        assert words[title] == "drawn"
    assert words["Drawn again from a code"] == "drawn"
    assert "drawn again: 24 grey images" in " ".join(page.pictures)
    assert "codes of 7" in page.text


def test_a_photograph_says_in_one_sentence_what_it_lacks(folder, explore):
    """Of the packages, the file or the options; what can be read is in test_photographs.py."""
    (folder / "text.jpg").write_text("no image")
    for options, said in (
        (("--photo", "nowhere.jpg"), "there is no file nowhere.jpg"),
        (("--photo", "text.jpg"), "text.jpg cannot be read: it is no image"),
        (("--photo", "."), ". is a folder, not an image"),
        (("--photo", "text.jpg", "--digit", "3"), "give one"),
    ):
        status, printed, wrong = explore(folder, *options)
        assert (status, printed) == (2, "")
        assert said in wrong
        assert len(wrong.splitlines()) == 1
