"""Refine steps drop what they say, count it under its code, and leave the rest as it was."""

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxes.chunks import LABELS, a_chunk, chunks, counted, same, worth
from boxferry.boxes.detections import Detections
from boxferry.boxes.geometry import iou_pairs
from boxferry.boxes.label_map import LabelMap
from boxferry.boxes.refine import filter_score, limit, relabel, suppress

STEPS = [
    pytest.param(lambda c, t: filter_score(c, min_score=0.5, tally=t), "below-threshold", id="filter_score"),
    pytest.param(lambda c, t: suppress(c, iou=0.3, tally=t), "suppressed", id="suppress"),
    pytest.param(lambda c, t: suppress(c, iou=0.3, tally=t, across_labels=True), "suppressed", id="suppress across"),
    pytest.param(lambda c, t: limit(c, max_boxes=3, tally=t), "over-limit", id="limit"),
]


@pytest.mark.parametrize(("step", "code"), STEPS)
@given(chunk=chunks())
def test_what_is_read_is_kept_or_dropped_under_the_code(step, code, chunk):
    tally = counted(chunk)
    after = step(chunk, tally)
    assert tally.kept == len(after)
    assert set(tally.dropped) <= {code}
    assert not tally.changed


@pytest.mark.parametrize(("step", "code"), STEPS)
@given(chunk=chunks())
def test_what_stays_is_unaltered_and_in_order_and_every_image_stays(step, code, chunk):
    after = step(chunk, counted(chunk))
    assert same(after, chunk.take(np.isin(chunk.row, after.row)))
    assert after.images == chunk.images


@pytest.mark.parametrize(("step", "code"), STEPS)
@given(chunk=chunks())
def test_a_step_taken_twice_drops_nothing_more(step, code, chunk):
    once = step(chunk, counted(chunk))
    assert same(step(once, counted(once)), once)


@pytest.mark.parametrize(("step", "code"), STEPS)
def test_a_chunk_without_boxes_stays_one(step, code):
    assert len(step(Detections.empty(), counted(Detections.empty()))) == 0


def test_the_threshold_itself_and_boxes_without_a_score_stay():
    chunk = a_chunk(*[[0, 0, 9, 9]] * 4, score=[0.24, 0.25, nan, 0.0])
    tally = counted(chunk)
    assert filter_score(chunk, min_score=0.25, tally=tally).score.tolist() == pytest.approx([0.25, nan], nan_ok=True)
    assert tally.dropped == {"below-threshold": 2}


def test_a_score_of_zero_is_a_score():
    chunk = a_chunk([0, 0, 9, 9], score=[0.0])
    assert len(filter_score(chunk, min_score=0.0, tally=counted(chunk))) == 1


@given(chunks(), st.floats(0, 1))
def test_what_stays_of_one_image_and_label_does_not_overlap(chunk, iou):
    after = suppress(chunk, iou=iou, tally=counted(chunk))
    image = after.image_index
    for i in range(len(after)):
        rows = np.flatnonzero((image == image[i]) & (after.label == after.label[i]))
        others = rows[rows > i]
        assert not (iou_pairs(after.xyxy[others], after.xyxy[[i]]) > iou).any()


def test_boxes_of_other_labels_and_other_images_are_left_alone():
    same_box = [[0, 0, 9, 9]] * 4
    chunk = a_chunk(*same_box, label=[0, 1, 0, 0], counts=[2, 2], score=[0.9, 0.8, 0.6, 0.7])
    assert suppress(chunk, iou=0.5, tally=counted(chunk)).score.tolist() == [0.9, 0.8, 0.7]


def test_across_labels_the_best_of_an_image_stays():
    chunk = a_chunk(*[[0, 0, 9, 9]] * 4, label=[0, 1, 0, 0], counts=[2, 2], score=[0.8, 0.9, 0.6, 0.7])
    assert suppress(chunk, iou=0.5, tally=counted(chunk), across_labels=True).score.tolist() == [0.9, 0.7]


@given(chunks(), st.integers(1, 5))
def test_the_best_boxes_of_each_image_stay(chunk, most):
    after = limit(chunk, max_boxes=most, tally=counted(chunk))
    expected = [
        row
        for _, rows in chunk.each_image()
        for row in sorted(
            sorted(range(rows.start, rows.stop), key=lambda i: (-worth(chunk.score[i]), i))[:most],
        )
    ]
    assert after.row.tolist() == expected


def test_labels_that_come_to_one_name_become_one_label():
    chunk = a_chunk(*[[0, 0, 9, 9]] * 3, label=[0, 1, 2])
    after = relabel(chunk, LabelMap.parse({"car|truck": "vehicle"}))
    assert after.labels == ("vehicle", "cat")
    assert after.label.tolist() == [0, 0, 1]


def test_a_label_can_become_one_that_is_there_already():
    after = relabel(a_chunk(*[[0, 0, 9, 9]] * 3, label=[0, 1, 2]), LabelMap.parse({"cat": "car"}))
    assert [after.labels[code] for code in after.label] == ["car", "truck", "car"]
    assert after.labels == ("car", "truck")


@given(chunks(), st.dictionaries(st.sampled_from(LABELS), st.sampled_from([*LABELS, "new"])))
def test_each_box_has_the_name_that_the_map_gives_it_and_all_else_stays(chunk, names):
    label_map = LabelMap.parse(names)
    after = relabel(chunk, label_map)
    before = [label_map(chunk.labels[code]) for code in chunk.label]
    assert [after.labels[code] for code in after.label] == before
    assert same(after.replace(labels=chunk.labels, label=chunk.label), chunk)
