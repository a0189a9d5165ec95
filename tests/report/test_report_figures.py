import base64
import math
import struct
import zlib

import numpy as np
import pytest

from grader.records import Figure
from grader.report.figures import charts
from grader.report.figures.figures import MOST_ARRAYS, MOST_CELLS, MOST_IMAGES, draw
from grader.report.figures.png import data_uri, encode


def decode(data):
    """A second, independent reading of the PNG format: chunks, checksums, header, rows."""
    assert data[:8] == bytes([137, 80, 78, 71, 13, 10, 26, 10])
    chunks, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(kind + body)
        chunks[kind] = body
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 2, 0, 0, 0]
    raw = zlib.decompress(chunks[b"IDAT"])
    rows = [raw[row * (1 + 3 * width) : (row + 1) * (1 + 3 * width)] for row in range(height)]
    assert {row[0] for row in rows} == {0}
    assert len(raw) == height * (1 + 3 * width)
    return np.array([list(row[1:]) for row in rows]).reshape(height, width, 3)


def pixels(source):
    start = "data:image/png;base64,"
    assert source.startswith(start)
    return decode(base64.b64decode(source[len(start) :]))


def maps(**arrays):
    return draw(Figure("maps", "a caption", arrays))


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 3, 3), (64, 200, 3)])
def test_a_png_comes_back(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(decode(encode(image)), image)
    np.testing.assert_array_equal(pixels(data_uri(image)), image)


@pytest.mark.parametrize(
    "image",
    [np.zeros((2, 2), np.uint8), np.zeros((0, 2, 3), np.uint8), np.zeros((2, 2, 3), np.int64)],
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match="pixels must be"):
        encode(image)


def test_zero_is_pale_negative_blue_positive_orange():
    negative, zero, positive = pixels(maps(a=[[-1.0, 0.0, 1.0]]).pictures[0].src)[0].tolist()
    assert min(zero) > 240
    assert negative[2] > negative[1] > negative[0]
    assert positive[0] > positive[1] > positive[2]


def test_all_maps_of_a_figure_share_one_symmetric_scale():
    drawing = maps(a=[[1.0, 0.5]], b=[[-4.0, 1.0]], c=[[4.0, 0.0]])
    a, b, c = (pixels(picture.src)[0].tolist() for picture in drawing.pictures)
    assert a[0] == b[1]
    assert a[0] != c[0]
    assert (drawing.scale.low, drawing.scale.high) == ("−4", "4")
    strip = pixels(drawing.scale.src)[0].tolist()
    assert (strip[0], strip[-1], strip[len(strip) // 2]) == (b[0], c[0], c[1])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_what_is_not_finite_is_grey_and_said(value):
    drawing = maps(a=[[1.0, value, -1.0]])
    first, broken, last = pixels(drawing.pictures[0].src)[0].tolist()
    assert len(set(broken)) == 1
    assert broken not in (first, last)
    assert max(broken) < 160
    assert "1 value not finite" in drawing.pictures[0].note
    assert "1 value not finite" in drawing.pictures[0].alt
    assert drawing.scale.not_finite
    assert (drawing.scale.low, drawing.scale.high) == ("−1", "1")


def test_finite_maps_have_no_key_for_what_is_not_finite():
    assert not maps(a=[[1.0]]).scale.not_finite


def test_maps_of_nothing_but_nan_and_of_zeros_are_shown():
    drawing = maps(a=[[math.nan]], b=[[0.0, 0.0]])
    assert [bool(picture.src) for picture in drawing.pictures] == [True, True]
    assert drawing.pictures[0].note == "no finite value"
    assert drawing.pictures[1].note == "0 everywhere"


def test_huge_and_tiny_values_do_not_overflow():
    biggest = np.finfo(np.float64).max
    drawing = maps(a=[[biggest, -biggest, 5e-324]])
    left, middle, right = pixels(drawing.pictures[0].src)[0].tolist()
    assert left != middle
    assert min(right) > 240


def test_a_map_says_in_words_what_it_shows():
    alt = maps(expected=[[0.0, -0.2], [0.3, 0.1]]).pictures[0].alt
    assert alt == (
        "expected: heat map of 2 by 2 values, from −0.2 to 0.3, the largest in row 2, column 1"
    )


def test_large_maps_are_thinned_out_and_say_so():
    array = np.zeros((1000, 70))
    array[-1, -1] = 5.0
    picture = maps(a=array.tolist()).pictures[0]
    image = pixels(picture.src)
    assert image.shape == (MOST_CELLS, MOST_CELLS, 3)
    assert image[-1, -1].tolist() != image[0, 0].tolist()
    assert "thinned out from 1000 × 70 to 64 × 64" in picture.note


def test_a_vector_is_a_map_of_one_row():
    picture = maps(a=[0.0, 1.0, 2.0]).pictures[0]
    assert pixels(picture.src).shape == (1, 3, 3)
    assert picture.height >= 16


def test_only_the_first_arrays_are_shown_and_the_rest_counted():
    drawing = maps(**{f"a{number}": [[1.0]] for number in range(9)})
    assert [picture.name for picture in drawing.pictures] == [f"a{n}" for n in range(MOST_ARRAYS)]
    assert drawing.left_out == 3


@pytest.mark.parametrize(
    "garbage",
    [
        [[1.0, 2.0], [3.0]],
        "a string",
        [["a", "b"]],
        [],
        [[]],
        3.0,
        None,
        np.zeros((2, 2, 2)),
        np.zeros((2, 2), np.complex128),
        [[10**400]],
        {"a": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["maps", "bars", "lines", "images"])
def test_garbage_is_named_instead_of_drawn(kind, garbage):
    good = {"maps": [[1.0]], "bars": [1.0], "lines": [1.0, 2.0], "images": [[[1.0]]]}[kind]
    if kind == "images" and isinstance(garbage, np.ndarray) and garbage.ndim == 3:
        garbage = garbage[None]
    drawing = draw(Figure(kind, "c", {"bad": garbage, "good": good}))
    bad, fine = drawing.pictures
    assert (bad.name, bad.src, bad.chart) == ("bad", None, None)
    assert bad.note.startswith("cannot be shown")
    assert fine.src or fine.chart


def test_an_unknown_kind_is_named_instead_of_drawn():
    (picture,) = draw(Figure("holograms", "c", {"a": [1.0]})).pictures
    assert "unknown kind" in picture.note


def test_a_figure_without_arrays_is_empty():
    for kind in ("maps", "images", "bars", "lines"):
        assert draw(Figure(kind, "c", {})).pictures == ()


def test_names_are_one_clean_line():
    (picture,) = maps(**{"a\x1b[31m\nb": [[1.0]]}).pictures
    assert picture.name == "a b"


def test_images_are_grey_side_by_side_with_a_gap():
    images = [[[-1.0, 1.0], [0.0, math.nan]]] * 9
    picture = draw(Figure("images", "c", {"samples": images})).pictures[0]
    image = pixels(picture.src)
    assert image.shape == (2 * 3 - 1, 8 * 3 - 1, 3)
    assert image[0, :2].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert len(set(image[1, 0].tolist())) == 1
    assert len(set(image[1, 1].tolist())) > 1
    np.testing.assert_array_equal(image[:2, 3:5], image[:2, :2])
    np.testing.assert_array_equal(image[3:5, :2], image[:2, :2])
    assert (image[2] == image[2, 0]).all()
    assert picture.alt == "samples: 9 grey images of 2 by 2 pixels"
    assert picture.note == "9 values not finite, in orange"


def test_images_out_of_range_are_clipped_and_counted():
    picture = draw(Figure("images", "c", {"a": [[[-7.0, 7.0]]]})).pictures[0]
    assert pixels(picture.src)[0].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert picture.note == "2 values outside [−1, 1]"


def test_too_many_or_too_large_images_are_cut_down():
    picture = draw(Figure("images", "c", {"a": np.zeros((200, 100, 3)).tolist()})).pictures[0]
    assert pixels(picture.src).shape == (8 * 65 - 1, 8 * 4 - 1, 3)
    assert f"the first {MOST_IMAGES} of 200" in picture.note
    assert "thinned out from 100 × 3 to 64 × 3" in picture.note


def chart_of(kind, values):
    return draw(Figure(kind, "c", {"a": values})).pictures[0].chart


def test_bars_stand_on_zero_in_proportion():
    chart = chart_of("bars", [2.0, 1.0, -1.0])
    two, one, minus = chart.bars
    assert two.height == pytest.approx(2 * one.height, abs=0.05)
    assert one.y + one.height == pytest.approx(chart.zero, abs=0.05)
    assert minus.y == pytest.approx(chart.zero, abs=0.05)
    assert minus.height == pytest.approx(one.height, abs=0.05)


def test_bars_of_a_figure_share_one_scale():
    drawing = draw(Figure("bars", "c", {"a": [1.0], "b": [4.0]}))
    a, b = (picture.chart.bars[0].height for picture in drawing.pictures)
    assert b == pytest.approx(4 * a, abs=0.1)


def test_a_bar_that_is_not_finite_is_marked():
    chart = chart_of("bars", [1.0, math.inf])
    assert [bar.finite for bar in chart.bars] == [True, False]
    assert chart.note == "1 of 2 values not finite"


def test_a_line_rises_where_the_values_do():
    (line,) = chart_of("lines", [1.0, 3.0, 2.0]).lines
    heights = [float(point.split(",")[1]) for point in line.split()]
    assert heights[0] > heights[2] > heights[1]


def test_a_line_has_a_gap_where_a_value_is_not_finite():
    chart = chart_of("lines", [1.0, 2.0, math.nan, 2.0])
    assert [len(line.split()) for line in chart.lines] == [2, 2]
    assert [bar.finite for bar in chart.bars] == [False]


@pytest.mark.parametrize("kind", ["bars", "lines"])
@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [5.0, 5.0],
        [1e308, -1e308],
        [1e300, 1e300],
        [-1e300],
        [math.nan, math.nan],
        [5e-324, 0.0],
        np.linspace(0, 1, 10**4).tolist(),
    ],
    ids=["zero", "constant", "huge", "huge constant", "huge negative", "nan", "tiny", "long"],
)
def test_every_chart_stays_inside_its_frame(kind, values):
    chart = chart_of(kind, values)
    assert len(chart.bars) <= charts.MOST_BARS
    places = [(float(x), float(y)) for line in chart.lines for x, y in map(parts, line.split())]
    assert len(places) <= charts.MOST_POINTS
    places += [(bar.x, bar.y) for bar in chart.bars]
    places += [(bar.x + bar.width, bar.y + bar.height) for bar in chart.bars]
    assert places
    assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y in places)


def parts(point):
    return point.split(",")


def test_charts_say_in_words_what_they_show():
    assert chart_of("bars", [1.0, -0.5]).alt == "a: values 1, −0.5"
    assert chart_of("lines", list(range(50))).alt == (
        "a: 50 values, the first 0, the last 49, the lowest 0, the highest 49"
    )
    assert chart_of("lines", [math.nan] * 50).alt.endswith("the last not a number")


def test_long_charts_say_what_they_leave_out():
    assert chart_of("bars", [1.0] * 65).note == "the first 64 values of 65 drawn"
    assert chart_of("lines", [1.0] * 201).note == "200 values of 201 drawn"
    assert chart_of("lines", [1.0] * 200).note == ""


def test_points_share_a_plane_and_see_each_other_in_grey():
    drawing = draw(Figure("points", "a plane", {"a": [[0.0, 0.0], [4.0, 2.0]], "b": [[2.0, 1.0]]}))
    a, b = (picture.chart for picture in drawing.pictures)
    assert a.dots == "M8 192h0M192 100h0"  # the longer direction fills it, upwards is up
    assert b.dots == a.behind == "M100 146h0"
    assert b.behind == a.dots
    assert a.alt == "a: 2 points, from 0 to 4 across and from 0 to 2 upwards"
    assert a.note == "in grey: b"


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([[math.nan, 1.0], [1.0, 1.0]], "1 of 2 not finite"),
        ([[math.inf, 1.0]], "1 of 1 not finite"),
        ([[1e308, -1e308], [-1e308, 1e308]], ""),
        ([[1.0, 1.0]] * 700, "the first 600 drawn"),
        ([[1.0, 2.0, 3.0]], "cannot be shown: its shape is (1, 3)"),
        ([1.0, 2.0], "cannot be shown: its shape is (2,)"),
    ],
)
def test_points_of_any_kind_are_drawn_or_named(rows, note):
    (picture,) = draw(Figure("points", "", {"a": rows})).pictures
    assert picture.note == note
    assert "nan" not in (picture.chart.dots if picture.chart else "")
