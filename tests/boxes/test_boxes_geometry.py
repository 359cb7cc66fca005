"""Boxes can be written in three ways; overlaps are those of their pixels; NMS is the plain greedy one."""

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxes.chunks import boxes, grid, odd, scores, worth
from boxferry.boxes.geometry import (
    area,
    cxcywh_to_xyxy,
    iou_matrix,
    iou_pairs,
    nms_keep,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh,
)

small = st.lists(st.lists(st.integers(-1, 7), min_size=4, max_size=4), max_size=6)
sharing = st.lists(st.tuples(boxes(st.integers(0, 6).map(float)), scores, st.integers(0, 2)), max_size=25)


def as_boxes(rows):
    return np.array(rows, np.float64).reshape(-1, 4)


def pixels(box):
    x_min, y_min, x_max, y_max = (int(edge) for edge in box)
    return {(x, y) for x in range(x_min, x_max) for y in range(y_min, y_max)}


def counted_iou(a, b):
    union = pixels(a) | pixels(b)
    return len(pixels(a) & pixels(b)) / len(union) if union else 0.0


def plain_nms(xyxy, score, group, iou):
    """Box by box, best first: what nms_keep does for all groups together."""
    order = sorted(range(len(score)), key=lambda i: (-worth(score[i]), i))
    kept = []
    for i in order:
        if not any(group[i] == group[j] and counted_iou(xyxy[i], xyxy[j]) > iou for j in kept):
            kept.append(i)
    return [i in kept for i in range(len(score))]


@pytest.mark.parametrize(
    ("convert", "given_box", "expected"),
    [
        pytest.param(xywh_to_xyxy, [10, 20, 30, 40], [10, 20, 40, 60], id="xywh to xyxy"),
        pytest.param(xyxy_to_xywh, [10, 20, 40, 60], [10, 20, 30, 40], id="xyxy to xywh"),
        pytest.param(cxcywh_to_xyxy, [25, 40, 30, 40], [10, 20, 40, 60], id="cxcywh to xyxy"),
        pytest.param(xyxy_to_cxcywh, [10, 20, 40, 60], [25, 40, 30, 40], id="xyxy to cxcywh"),
    ],
)
def test_a_box_is_converted(convert, given_box, expected):
    assert convert(as_boxes([given_box])).tolist() == [expected]
    assert convert(as_boxes([])).shape == (0, 4)


@given(st.lists(boxes(st.floats(-1e4, 1e4)), max_size=5))
def test_a_box_survives_both_other_spellings(rows):
    xyxy = as_boxes(rows)
    assert np.allclose(xywh_to_xyxy(xyxy_to_xywh(xyxy)), xyxy, rtol=0, atol=1e-9)
    assert np.allclose(cxcywh_to_xyxy(xyxy_to_cxcywh(xyxy)), xyxy, rtol=0, atol=1e-9)


@given(small)
def test_the_area_is_the_number_of_pixels(rows):
    assert area(as_boxes(rows)).tolist() == [len(pixels(box)) for box in rows]


@given(small, small)
def test_the_overlap_is_that_of_the_pixels(a, b):
    expected = [[counted_iou(x, y) for y in b] for x in a]
    assert np.allclose(iou_matrix(as_boxes(a), as_boxes(b)), np.reshape(expected, (len(a), len(b))))


@given(st.lists(st.tuples(boxes(grid | odd), boxes(grid | odd)), max_size=6))
def test_pairs_are_the_diagonal_of_the_matrix(pairs):
    a, b = as_boxes([a for a, _ in pairs]), as_boxes([b for _, b in pairs])
    assert np.array_equal(iou_pairs(a, b), np.diagonal(iou_matrix(a, b)), equal_nan=True)


@given(boxes(st.floats(-1e4, 1e4)), boxes(st.floats(-1e4, 1e4)))
def test_an_overlap_lies_between_none_and_all_and_has_no_direction(a, b):
    there, back = iou_pairs(as_boxes([a]), as_boxes([b])), iou_pairs(as_boxes([b]), as_boxes([a]))
    assert 0 <= there[0] <= 1
    assert np.allclose(there, back)


@given(sharing, st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_suppression_is_the_plain_greedy_one(rows, iou):
    xyxy = as_boxes([box for box, _, _ in rows])
    score = np.array([score for _, score, _ in rows], np.float64)
    group = np.array([group for _, _, group in rows], np.int64)
    assert nms_keep(xyxy, score, group, iou=iou).tolist() == plain_nms(xyxy, score, group, iou)


@pytest.mark.parametrize(
    ("score", "kept"),
    [
        pytest.param([0.5, 0.5], [True, False], id="the first of equals"),
        pytest.param([0.5, 0.6], [False, True], id="the better"),
        pytest.param([nan, 0.0], [False, True], id="any score rather than none"),
        pytest.param([nan, -inf], [False, True], id="the lowest score rather than none"),
        pytest.param([nan, nan], [True, False], id="the first of those without a score"),
    ],
)
def test_of_two_equal_boxes_stays(score, kept):
    xyxy = as_boxes([[0, 0, 9, 9]] * 2)
    assert nms_keep(xyxy, np.array(score), np.zeros(2, np.int64), iou=0.5).tolist() == kept


def test_an_overlap_of_exactly_the_limit_is_allowed():
    xyxy, score, group = as_boxes([[0, 0, 2, 2], [0, 0, 2, 1]]), np.array([0.9, 0.8]), np.zeros(2, np.int64)
    assert nms_keep(xyxy, score, group, iou=0.5).tolist() == [True, True]
    assert nms_keep(xyxy, score, group, iou=0.49).tolist() == [True, False]


def test_a_box_suppressed_by_a_suppressed_box_alone_stays():
    xyxy = as_boxes([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    keep = nms_keep(xyxy, np.array([0.9, 0.8, 0.7]), np.zeros(3, np.int64), iou=0.3)
    assert keep.tolist() == [True, False, True]


@pytest.mark.parametrize("value", [pytest.param(v, id=str(v)) for v in (nan, inf, -inf, 1e308, -1e308)])
def test_a_coordinate_beyond_reason_neither_warns_nor_suppresses_others(value):
    xyxy = as_boxes([[value, 0, 5, 5], [0, 0, 5, 5], [0, value, 5, value]])
    assert nms_keep(xyxy, np.array([0.9, 0.5, 0.1]), np.zeros(3, np.int64), iou=0.5)[1]
