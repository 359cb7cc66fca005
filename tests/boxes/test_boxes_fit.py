"""The fit: what leaves it is whole pixels inside the image, and the same pixels from every format."""

from math import floor, inf, isfinite, nan

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from boxes.chunks import a_chunk, chunks, counted, same, worth
from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.fit import fit
from boxferry.boxes.geometry import cxcywh_to_xyxy, xyxy_to_cxcywh
from boxferry.errors import InputError

tinies = st.sampled_from(["drop", "expand"])


def fitted(*boxes, **options):
    """The corners that come out, and what the tally says was dropped and changed."""
    tiny = options.pop("tiny", "drop")
    chunk = a_chunk(*boxes, **options)
    tally = counted(chunk)
    return fit(chunk, tally=tally, tiny=tiny).xyxy.tolist(), dict(tally.dropped), dict(tally.changed)


def plain_axis(low, high, size, tiny):
    """One axis of one finite box, as DESIGN says it in words: the two integers, or the reason why there are none."""
    if (low < 0 and high <= 0) or (high > size and low >= size):
        return "outside-image"
    low, high = max(low, 0), min(high, size)
    first, last = floor(low + 0.502), floor(high + 0.502)
    if first < last:
        return first, last
    pixel = min(floor((low + high) / 2 + 0.002), size - 1)
    return "too-small" if tiny == "drop" else (pixel, pixel + 1)


def plain_box(box, image, tiny):
    """One box after the fit, or the code under which it is dropped."""
    if not all(map(isfinite, box)):
        return "not-finite"
    x_min, y_min, x_max, y_max = box
    if x_max < x_min or y_max < y_min:
        return "bad-box"
    x, y = plain_axis(x_min, x_max, image.width, tiny), plain_axis(y_min, y_max, image.height, tiny)
    for code in ("outside-image", "too-small"):
        if code in (x, y):
            return code
    return x[0], y[0], x[1], y[1]


def plain_fit(chunk, tiny):
    """Box by box: {row: corners} of what stays, and the codes of what goes, sorted."""
    best, codes = {}, []
    for image, rows in chunk.each_image():
        for row in range(rows.start, rows.stop):
            result = plain_box(chunk.xyxy[row].tolist(), image, tiny)
            if isinstance(result, str):
                codes.append(result)
                continue
            key = (image.key, chunk.label[row], result)
            if key in best:
                codes.append("duplicate")
            if key not in best or worth(chunk.score[row]) > worth(chunk.score[best[key]]):
                best[key] = row
    return {row: list(corners) for (_, _, corners), row in best.items()}, sorted(codes)


@given(chunks(), tinies)
def test_the_fit_is_the_one_done_box_by_box(chunk, tiny):
    tally = counted(chunk)
    after = fit(chunk, tally=tally, tiny=tiny)
    expected, codes = plain_fit(chunk, tiny)
    assert dict(zip(after.row.tolist(), after.xyxy.tolist(), strict=True)) == expected
    assert sorted(tally.dropped.elements()) == codes


@given(chunks(), tinies)
def test_what_is_read_is_kept_or_dropped(chunk, tiny):
    tally = counted(chunk)
    after = fit(chunk, tally=tally, tiny=tiny)
    assert tally.kept == len(after)


@given(chunks(), tinies)
def test_every_box_is_whole_pixels_inside_its_image(chunk, tiny):
    after = fit(chunk, tally=counted(chunk), tiny=tiny)
    width, height = after.sizes[after.image_index].T
    x_min, y_min, x_max, y_max = after.xyxy.T
    assert (after.xyxy == np.floor(after.xyxy)).all()
    assert ((x_min >= 0) & (x_min < x_max) & (x_max <= width)).all()
    assert ((y_min >= 0) & (y_min < y_max) & (y_max <= height)).all()


@given(chunks(), tinies, tinies)
def test_a_second_fit_changes_nothing(chunk, tiny, then):
    once = fit(chunk, tally=counted(chunk), tiny=tiny)
    tally = counted(once)
    assert same(fit(once, tally=tally, tiny=then), once)
    assert not tally.dropped
    assert not tally.changed


@given(chunks(), tinies)
def test_images_labels_scores_and_order_stay(chunk, tiny):
    after = fit(chunk, tally=counted(chunk), tiny=tiny)
    assert same(after, chunk.take(np.isin(chunk.row, after.row)).replace(xyxy=after.xyxy))


@pytest.mark.parametrize(
    ("box", "code"),
    [
        pytest.param([nan, 0, 5, 5], "not-finite", id="NaN"),
        pytest.param([0, 0, inf, 5], "not-finite", id="infinite"),
        pytest.param([9, 0, 5, 5], "bad-box", id="negative width"),
        pytest.param([0, 9, 5, 5], "bad-box", id="negative height"),
        pytest.param([-9, 300, -12, 310], "bad-box", id="negative width, outside too"),
        pytest.param([-9, 0, -1, 5], "outside-image", id="left of the image"),
        pytest.param([-9, 0, 0, 5], "outside-image", id="up to the left edge"),
        pytest.param([100, 0, 109, 5], "outside-image", id="from the right edge on"),
        pytest.param([0, 80, 5, 90], "outside-image", id="below"),
        pytest.param([0, -1e308, 5, -1e307], "outside-image", id="far above"),
        pytest.param([5, 5, 5, 9], "too-small", id="no width"),
        pytest.param([5, 5, 5, 5], "too-small", id="a point"),
        pytest.param([0, 0, 0, 9], "too-small", id="no width, on the left edge"),
        pytest.param([100, 0, 100, 9], "too-small", id="no width, on the right edge"),
        pytest.param([5.6, 5, 6.4, 9], "too-small", id="under a pixel after rounding"),
    ],
)
def test_a_box_that_cannot_be_kept_is_dropped_with_its_reason(box, code):
    assert fitted(box) == ([], {code: 1}, {})


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param([10, 20, 30, 40], [10, 20, 30, 40], id="whole already"),
        pytest.param([12.5, 0.5, 30.5, 40.5], [13, 1, 31, 41], id="halves up"),
        pytest.param([12.4986, 0.4986, 30.4986, 40.4986], [13, 1, 31, 41], id="halves that came through text"),
        pytest.param([12.4975, 0.4975, 30.4975, 40.4975], [12, 0, 30, 40], id="below the grace"),
        pytest.param([12.49, 20.2, 29.7, 39.51], [12, 20, 30, 40], id="nearest"),
        pytest.param([5.4, 5, 5.6, 9], [5, 5, 6, 9], id="narrow, over a turning point"),
        pytest.param([-0.001, -0.002, 100.001, 80.002], [0, 0, 100, 80], id="noise at the edges is not counted"),
    ],
)
def test_edges_are_rounded_with_grace(box, expected):
    assert fitted(box) == ([expected], {}, {})


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param([-3, -3, 30, 40], [0, 0, 30, 40], id="left and above"),
        pytest.param([90, 70, 101, 81], [90, 70, 100, 80], id="right and below"),
        pytest.param([-1e308, -1e308, 1e308, 1e308], [0, 0, 100, 80], id="all around"),
        pytest.param([0, 0, 100.0021, 80], [0, 0, 100, 80], id="just more than noise"),
    ],
)
def test_a_box_that_reaches_out_is_clipped_and_counted_once(box, expected):
    assert fitted(box) == ([expected], {}, {"clipped": 1})


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param([5, 5, 5, 9], [5, 5, 6, 9], id="no width"),
        pytest.param([5.6, 5, 5.9, 9], [5, 5, 6, 9], id="in the right half of a pixel"),
        pytest.param([6.1, 5, 6.4, 9], [6, 5, 7, 9], id="in the left half of a pixel"),
        pytest.param([12.9986, 5, 12.9986, 9], [13, 5, 14, 9], id="at the start of a pixel, through text"),
        pytest.param([100, 80, 100, 80], [99, 79, 100, 80], id="in the corner"),
        pytest.param([0, 0, 0, 0], [0, 0, 1, 1], id="in the other corner"),
    ],
)
def test_a_tiny_box_is_expanded_to_the_pixel_that_it_lies_in(box, expected):
    assert fitted(box, tiny="expand") == ([expected], {}, {"expanded": 1})


def test_expanding_keeps_what_is_large_enough_as_it_is():
    assert fitted([5, 5, 5, 9], [10, 20, 30, 40], tiny="expand")[0] == [[5, 5, 6, 9], [10, 20, 30, 40]]


@pytest.mark.parametrize(
    ("score", "row"),
    [
        pytest.param([0.5, 0.9, 0.7], 1, id="the best"),
        pytest.param([0.5, 0.5, 0.5], 0, id="the first of equals"),
        pytest.param([nan, 0.0, 0.0], 1, id="any score rather than none"),
        pytest.param([nan, nan, nan], 0, id="the first of those without a score"),
    ],
)
def test_of_boxes_with_the_same_pixels_and_label_one_stays(score, row):
    chunk = a_chunk([10, 20, 30, 40], [10.2, 20, 30, 40], [10, 20, 29.9, 40], score=score, row=[0, 1, 2])
    tally = counted(chunk)
    assert fit(chunk, tally=tally).row.tolist() == [row]
    assert tally.dropped == {"duplicate": 2}


def test_the_same_pixels_under_another_label_or_in_another_image_stay():
    boxes = [[10, 20, 30, 40]] * 3
    assert fitted(*boxes, label=[0, 1, 0], counts=[2, 1]) == (boxes, {}, {})


def test_boxes_that_share_a_corner_only_stay():
    boxes = [[10, 20, 30, 40], [10, 20, 30, 41], [10, 20, 31, 40]]
    assert fitted(*boxes) == (boxes, {}, {})


def test_a_chunk_without_boxes_stays_one_and_its_images_may_be_without_size():
    chunk = Detections.from_counts([Image("a.jpg")], [0], [], [], ())
    assert same(fit(chunk, tally=counted(chunk)), chunk)


@pytest.mark.parametrize("size", [pytest.param((0, 0), id="neither"), pytest.param((640, 0), id="no height")])
def test_an_image_with_boxes_and_no_size_is_an_error_that_names_it_and_the_remedies(size):
    chunk = a_chunk([0, 0, 5, 5], size=size)
    with pytest.raises(InputError) as caught:
        fit(chunk, tally=counted(chunk))
    assert str(caught.value) == ("0.jpg: the image's size is not known; give --images, --size WxH or --categories")


def test_further_images_without_a_size_are_counted():
    chunk = a_chunk(*[[0, 0, 5, 5]] * 3, counts=[0, 2, 0, 1], size=(0, 0))
    with pytest.raises(InputError, match=r"^1\.jpg: .* \(nor that of 1 others here\); give --images"):
        fit(chunk, tally=counted(chunk))


def through_text(chunk, decimals):
    """The chunk as a normalised text, YOLO's centre and size, of so many decimals gives it back."""
    sides = np.tile(chunk.sizes[chunk.image_index], 2)
    written = [[f"{v:.{decimals}f}" for v in row] for row in (xyxy_to_cxcywh(chunk.xyxy) / sides).tolist()]
    return chunk.replace(xyxy=cxcywh_to_xyxy(np.array(written, np.float64) * sides))


def corners(chunk):
    """The corners after the fit."""
    return fit(chunk, tally=counted(chunk)).xyxy.tolist()


@st.composite
def edges(draw, side, parts):
    """Two edges in 0 to `side`, on a grid of 1/`parts` pixels, or anywhere where `parts` is None."""
    edge = st.floats(0, side) if parts is None else st.integers(0, side * parts).map(lambda k: k / parts)
    return sorted((draw(edge), draw(edge)))


@st.composite
def images_of_one_box(draw, most, parts=None):
    """A chunk of one image, up to `most` pixels a side, and one box in it."""
    width, height = draw(st.integers(1, most)), draw(st.integers(1, most))
    (x_min, x_max), (y_min, y_max) = draw(edges(width, parts)), draw(edges(height, parts))
    return a_chunk([x_min, y_min, x_max, y_max], size=(width, height))


@given(images_of_one_box(most=2666, parts=2))
@example(a_chunk([12.5, 0.5, 30.5, 40.5], size=(2666, 2666)))
def test_six_decimals_keep_whole_and_half_pixel_edges_up_to_2666_pixels(chunk):
    nearest = np.floor(chunk.xyxy + 0.5)
    assert corners(through_text(chunk, 6)) == nearest[(nearest[:, :2] < nearest[:, 2:]).all(axis=1)].tolist()


@given(images_of_one_box(most=26666, parts=2))
def test_seven_decimals_keep_whole_and_half_pixel_edges_up_to_26666_pixels(chunk):
    assert corners(through_text(chunk, 7)) == corners(chunk)


@given(images_of_one_box(most=100_000, parts=1))
def test_six_decimals_keep_whole_edges_on_images_of_any_size(chunk):
    assert corners(through_text(chunk, 6)) == corners(chunk)


def test_six_decimals_are_too_few_for_some_half_pixel_edges_beyond_2666_pixels():
    halves = [[k / 2, 0, w / 2 + k / 2, 9] for k in range(1, 800, 2) for w in range(2, 40)]
    chunk = a_chunk(*halves, size=(3840, 9), counts=[1] * len(halves))
    assert corners(through_text(chunk, 6)) != corners(chunk)
    assert corners(through_text(chunk, 7)) == corners(chunk)


@given(images_of_one_box(most=8000), st.integers(5, 8))
def test_an_edge_keeps_its_integer_unless_the_text_carries_it_over_a_turning_point(chunk, decimals):
    off = 0.75 * 10.0**-decimals * np.tile(chunk.sizes[chunk.image_index], 2) + 1e-9
    back = through_text(chunk, decimals)
    assert (np.abs(back.xyxy - chunk.xyxy) <= off).all()
    past = (chunk.xyxy - 0.498) % 1
    assume(((past > off) & (past < 1 - off)).all())
    assert corners(back) == corners(chunk)
