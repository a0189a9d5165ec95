"""What ``explore.py`` stands on: the colours' signs and scales, what is explained, and refusals."""

import base64
import re
import zlib

import numpy as np
import pytest
import torch
from torch import nn

from grader.explore import Page, ask, subject
from grader.explore.own import own
from grader.homework import vgg16

BLUE, WHITE, ORANGE = (8, 64, 129), (247, 247, 247), (158, 70, 6)


@pytest.fixture
def page(tmp_path):
    made = Page("Title", "Lead", str(tmp_path / "explore.py"))
    made.section("Section")
    return made


def pixels(picture):
    """(H, W, 3) of a picture that our own encoder wrote."""
    data = base64.b64decode(str(picture.src).partition(",")[2])
    width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
    body = b"".join(re.findall(rb"IDAT(.*?)....IEND", data, re.S))
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + 3 * width)
    return rows[:, 1:].reshape(height, width, 3)


def maps(page, *values, shared=False):
    with page.figure("Figure", "Caption", shared=shared):
        for number, value in enumerate(values):
            with page.panel(f"map {number}"):
                page.map(value)
    figure = page.sections[-1][2][-1]
    return [pixels(panel.picture) for panel in figure.panels], figure


def test_orange_is_above_zero_blue_below_and_white_zero(page):
    (colours,), _ = maps(page, [[-2.0, 0.0, 2.0]])
    assert [tuple(colour) for colour in colours[0]] == [BLUE, WHITE, ORANGE]


def test_the_scale_is_symmetric_around_zero(page):
    (colours,), _ = maps(page, [[-1.0, 0.0, 4.0]])
    assert tuple(colours[0, 0]) not in (BLUE, WHITE)


def test_maps_of_one_unit_share_a_scale_and_others_do_not(page):
    one, other = [[0.0, 1.0]], [[0.0, 4.0]]
    (apart, _), figure = maps(page, one, other)
    assert tuple(apart[0, 1]) == ORANGE
    assert (figure.scale.low, figure.scale.high) == ("below zero", "above zero")
    (together, largest), figure = maps(page, one, other, shared=True)
    assert tuple(largest[0, 1]) == ORANGE
    assert tuple(together[0, 1]) not in (WHITE, ORANGE)
    assert (figure.scale.low, figure.scale.high) == ("−4", "4")


def test_channels_are_added_up_with_their_signs(page):
    (colours,), _ = maps(page, torch.tensor([[[1.0, 1.0]], [[-1.0, 0.0]]]))
    assert [tuple(colour) for colour in colours[0]] == [WHITE, ORANGE]


def test_one_extreme_pixel_does_not_whiten_a_large_map(page):
    values = np.ones((40, 40))
    values[0, 0] = 1000
    (colours,), _ = maps(page, values)
    assert tuple(colours[20, 20]) == ORANGE


def test_what_is_not_finite_is_no_zero(page):
    (colours,), figure = maps(page, [[float("nan"), 1.0]])
    assert tuple(colours[0, 0]) not in (BLUE, WHITE, ORANGE)
    assert figure.scale.not_finite


def test_an_image_is_black_at_zero_and_keeps_its_colours(page):
    with page.figure("Figure", "Caption"), page.panel("image"):
        page.image(torch.tensor([[[0.0, 1.0]], [[0.0, 0.0]], [[0.0, 9.0]]]))
    shown = pixels(page.sections[-1][2][-1].panels[0].picture)
    assert shown.tolist() == [[[0, 0, 0], [255, 0, 255]]]


def test_texts_are_escaped(page):
    with page.figure("<i>Figure</i>", "`<script>`"):
        page.note("<b>note</b>")
    html = page.html()
    assert "<code>&lt;script&gt;</code>" in html
    assert not re.search("<script|<i>|<b>note", html)


def test_a_file_of_the_student_s_that_is_missing_is_named(page):
    with page.figure("Figure", "Caption"), page.panel("panel"):
        own("no_such_file").function()
    assert "no_such_file.py is not in this folder" in page.html()


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        ask("About.", arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("explore.py: ")
    return said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--digit", "12"), "--digit 12: the digits are 0 to 9"),
        (("--digit", "x"), "--digit"),
        (("--class", "10"), "--class 10: give a class, 0 to 9"),
        (("--class", "-1"), "--class"),
        (("--against", "5"), "a class cannot be compared with itself"),
        (("--layer", "8"), "--layer 8: the layers are -1 (the input) to 7"),
        (("--layer", "-2"), "--layer -2"),
        (("--gan-steps", "-100"), "--gan-steps -100"),
        (("--gan-steps", "7"), "a multiple of 100"),
        (("--out", "no/such/folder/page.html"), "a folder that does not exist"),
        (("--out", "."), "is a folder"),
        (("--nonsense",), "--nonsense"),
        (("--vgg16", "x.png", "--digit", "3"), "give one"),
        (("--vgg16", "no_such.png"), "there is no file no_such.png"),
        (("--vgg16", __file__), "it is no image"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(capsys, arguments, said):
    assert said in refusal(capsys, *arguments)


@pytest.mark.parametrize("number", range(10))
def test_the_network_knows_the_digit_that_is_explained(number):
    on = ask("About.", ["--digit", str(number)]).on
    scores = on.model(on.x[None])[0]
    assert int(scores.argmax()) == on.c1 == number
    assert on.c2 == int(scores.argsort(descending=True)[1])
    assert on.score(on.x, on.c1) > on.score(on.x, on.c2)
    assert len(on.xs) > 50
    assert torch.equal(on.pixels * 2 - 1, on.x)
    assert (on.baseline == on.train.min()).all()


@pytest.fixture
def photo(tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "photo.png"
    image.new("RGBA", (300, 500), (255, 0, 0, 255)).save(path)
    return path


def test_without_vgg16_s_weights_it_says_how_to_get_them(capsys, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert "torchvision.models.vgg16(weights='DEFAULT')" in refusal(capsys, "--vgg16", str(photo))


def test_broken_weights_of_vgg16_are_said_to_be(capsys, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    kept = tmp_path / "hub" / "checkpoints" / vgg16.WEIGHTS
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"broken off")
    assert "download them again" in refusal(capsys, "--vgg16", str(photo))


def test_an_image_becomes_what_vgg16_takes(photo, monkeypatch):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 32, stride=32), *(nn.Identity() for _ in range(28))]
    small = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 49, 1000))
    monkeypatch.setattr(subject, "_vgg16", lambda: small)
    on = ask("About.", ["--vgg16", str(photo), "--class", "Goldfish", "--against", "0"]).on
    assert on.x.shape == on.baseline.shape == (3, 224, 224)
    assert on.pixels.amax((1, 2)).tolist() == [1, 0, 0]
    # torchvision's own words for it: (pixel - mean) / spread, channel by channel
    assert on.x[:, 0, 0].tolist() == pytest.approx([2.2489, -2.0357, -1.8044], abs=1e-4)
    assert on.baseline[:, 0, 0].tolist() == pytest.approx([-2.1179, -2.0357, -1.8044], abs=1e-4)
    assert (on.names[on.c1], on.names[on.c2]) == ("goldfish", "tench")
    assert (on.layer, on.neurons, on.test) == (28, 4, None)
