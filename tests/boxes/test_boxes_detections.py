"""Detections are checked where they are made; each box stays with its image, whatever is taken or replaced."""

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxes.chunks import LABELS, a_chunk, chunks, same
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.fit import fit
from boxferry.boxes.refine import limit, suppress
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError


@given(chunks())
def test_the_columns_stand_side_by_side_and_images_follow_each_other(chunk):
    n, m = len(chunk), len(chunk.images)
    assert chunk.xyxy.shape == (n, 4)
    assert chunk.label.shape == chunk.score.shape == chunk.row.shape == (n,)
    assert chunk.offsets.shape == (m + 1,)
    assert chunk.counts.sum() == n
    assert np.bincount(chunk.image_index, minlength=m).tolist() == chunk.counts.tolist()


@given(chunks())
def test_the_dtypes_are_those_that_the_docstring_names(chunk):
    dtypes = [c.dtype for c in (chunk.offsets, chunk.xyxy, chunk.label, chunk.score, chunk.row, chunk.sizes)]
    assert dtypes == [np.int64, np.float64, np.int32, np.float64, np.int64, np.int64]


@given(chunks())
def test_each_image_comes_with_its_own_boxes_and_each_box_once(chunk):
    seen = []
    for number, (image, rows) in enumerate(chunk.each_image()):
        assert image is chunk.images[number]
        assert (chunk.image_index[rows] == number).all()
        seen += range(rows.start, rows.stop)
    assert seen == list(range(len(chunk)))


@given(chunks())
def test_counts_make_the_same_chunk_again(chunk):
    again = Detections.from_counts(
        chunk.images, chunk.counts, chunk.xyxy, chunk.label, chunk.labels, score=chunk.score, row=chunk.row
    )
    assert same(again, chunk)


@given(chunks(), st.data())
def test_a_mask_takes_its_boxes_and_every_image_stays(chunk, data):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(chunk), max_size=len(chunk))), np.bool_)
    taken = chunk.take(mask)
    assert taken.row.tolist() == chunk.row[mask].tolist()
    assert taken.image_index.tolist() == chunk.image_index[mask].tolist()
    assert np.array_equal(taken.xyxy, chunk.xyxy[mask], equal_nan=True)
    assert (taken.images, taken.labels, taken.row_unit) == (chunk.images, chunk.labels, chunk.row_unit)
    assert same(taken, chunk.take(np.flatnonzero(mask)))


@given(chunks())
def test_taking_all_is_the_chunk_and_taking_none_leaves_its_images(chunk):
    assert same(chunk.take(np.ones(len(chunk), np.bool_)), chunk)
    none = chunk.take(np.zeros(len(chunk), np.bool_))
    assert (len(none), none.images) == (0, chunk.images)


@given(chunks())
def test_replacing_a_column_leaves_the_others(chunk):
    after = chunk.replace(score=np.zeros(len(chunk)))
    assert (after.score == 0).all()
    assert same(after.replace(score=chunk.score), chunk)


def test_a_chunk_is_of_a_row_unit_through_taking_and_replacing():
    chunk = a_chunk([0, 0, 9, 9], row_unit="item")
    assert chunk.take(np.array([True])).row_unit == chunk.replace(score=[0.5]).row_unit == "item"


def test_scores_and_rows_that_are_left_out_are_unknown():
    chunk = a_chunk([0, 0, 9, 9], [1, 1, 9, 9])
    assert np.isnan(chunk.score).all()
    assert chunk.row.tolist() == [-1, -1]


def test_a_missing_score_among_others_is_unknown():
    assert a_chunk([0, 0, 9, 9], [1, 1, 9, 9], score=[None, 0.5]).score.tolist() == pytest.approx(
        [nan, 0.5], nan_ok=True
    )


def test_nothing_is_a_chunk():
    empty = Detections.empty()
    assert (len(empty), empty.images, empty.xyxy.shape, empty.sizes.shape) == (0, (), (0, 4), (0, 2))
    assert list(empty.each_image()) == []


@pytest.mark.parametrize("column", ["offsets", "xyxy", "label", "score", "row"])
def test_a_column_cannot_be_written_to(column):
    with pytest.raises(ValueError, match="read-only"):
        getattr(a_chunk([0, 0, 9, 9]), column)[:] = 0


def test_the_array_that_a_chunk_was_made_from_stays_its_owners():
    score = np.array([0.5])
    a_chunk([0, 0, 9, 9], score=score)
    score[0] = 0.7
    assert score.flags.writeable


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param({"xyxy": [[0, 0, 9]]}, r"xyxy: shape \(1, 3\), expected \(1, 4\)", id="three coordinates"),
        pytest.param({"xyxy": [[0, 0, 9, 9]] * 2}, r"xyxy: shape \(2, 4\), expected \(1, 4\)", id="boxes too many"),
        pytest.param({"xyxy": []}, r"xyxy: shape \(0,\), expected \(1, 4\)", id="no boxes"),
        pytest.param({"score": [0.1, 0.2]}, r"score: shape \(2,\), expected \(1,\)", id="scores too many"),
        pytest.param({"score": 0.5}, r"score: shape \(\), expected \(1,\)", id="one score for all"),
        pytest.param({"row": []}, r"row: shape \(0,\), expected \(1,\)", id="no rows"),
        pytest.param({"label": [3]}, "label: 3 to 3, expected 0 to 2", id="a label past the end"),
        pytest.param({"label": [-1]}, "label: -1 to -1, expected 0 to 2", id="the code of a class without a name"),
        pytest.param({"labels": ()}, "label: 0 to 0, expected 0 to -1", id="no labels"),
        pytest.param({"labels": ("car", "car")}, "labels: a name stands twice", id="a name twice"),
        pytest.param({"offsets": [0, 2]}, "offsets: expected to rise from 0 to 1", id="offsets past the end"),
        pytest.param({"offsets": [1, 1]}, "offsets: expected to rise from 0 to 1", id="offsets from the middle"),
        pytest.param({"offsets": [0, 0, 1]}, r"offsets: shape \(3,\), expected \(2,\)", id="offsets of another image"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        a_chunk([0, 0, 9, 9]).replace(**columns)


def test_offsets_that_fall_are_refused():
    with pytest.raises(InputError, match="offsets: expected to rise"):
        Detections.from_counts([Image("a"), Image("b")], [2, -1], [[0, 0, 9, 9]], [0], LABELS)


@pytest.mark.parametrize(
    ("width", "height", "sized"),
    [
        pytest.param(640, 480, True, id="both"),
        pytest.param(0, 0, False, id="neither"),
        pytest.param(640, 0, False, id="width alone"),
        pytest.param(0, 480, False, id="height alone"),
    ],
)
def test_an_image_is_sized_when_both_sides_are_known(width, height, sized):
    assert Image("a.jpg", width, height).sized is sized


def test_optional_columns_follow_their_boxes():
    """Frames, tracks, outlines and attributes stay with their boxes when some are taken."""
    outline = (np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]]),)
    detections = Detections.from_counts(
        [Image("clip.mp4", 64, 48, video=True, frames=10)], [3], [[0, 0, 4, 4]] * 3, [0, 0, 0], ["car"],
        frame=[0, 5, 5], track=[1, 2, -1],
        polygons=objects([outline, None, None]), attributes=objects([None, {"pose": "left"}, None]),
    )  # fmt: skip
    kept = detections.take(np.array([True, True, False]))
    assert (kept.frame.tolist(), kept.track.tolist()) == ([0, 5], [1, 2])
    assert kept.polygons[0] is outline
    assert kept.attributes[1] == {"pose": "left"}


def test_a_negative_frame_is_refused():
    """Frames count from 0."""
    with pytest.raises(InputError, match="frame: -1"):
        Detections.from_counts([Image("a.mp4", 9, 9, video=True)], [1], [[0, 0, 4, 4]], [0], ["car"], frame=[-1])


def test_boxes_of_different_frames_or_tracks_do_not_touch_each_other():
    """Suppression, limits and duplicates look at one frame; the same box of two tracks is two boxes."""
    detections = Detections.from_counts(
        [Image("clip.mp4", 64, 48, video=True)], [4], [[0, 0, 9, 9]] * 4, [0] * 4, ["car"],
        score=[0.5, 0.9, 0.7, 0.6], frame=[0, 1, 1, 1], track=[1, 1, 2, 2],
    )  # fmt: skip
    tally = Tally()
    assert suppress(detections, iou=0.5, tally=tally).score.tolist() == [0.5, 0.9]
    assert limit(detections, max_boxes=2, tally=tally).score.tolist() == [0.5, 0.9, 0.7]
    assert fit(detections, tally=tally).score.tolist() == [0.5, 0.9, 0.7]
