"""Scores against what people did: calibration error, curve and thresholds, checked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxferry.errors import UsageError
from boxferry.review.calibration import (
    Scored,
    calibration,
    calibrations,
    judged_scores,
    threshold_for,
    together,
    wilson,
)
from boxferry.review.calibration_page import calibration_part
from boxferry.review.judged import Judged, Predicted, Stored


def scored(*pairs):
    return Scored(np.array([score for score, _ in pairs]), np.array([bool(right) for _, right in pairs], np.bool_))


#: 0.95 and 0.85 right, 0.81 wrong, 0.42 right, 0.44 wrong
FIVE = scored((0.95, 1), (0.85, 1), (0.81, 0), (0.42, 1), (0.44, 0))


def test_the_calibration_error_by_hand():
    """Three bins: (0.9, 1 box), (0.8, 2 boxes), (0.4, 2 boxes), each with the weight of its boxes."""
    found = calibration(FIVE)
    assert [(each.low, each.boxes, each.right) for each in found.bins] == [(0.4, 2, 0.5), (0.8, 2, 0.5), (0.9, 1, 1.0)]
    assert [each.score for each in found.bins] == [pytest.approx(0.43), pytest.approx(0.83), 0.95]
    assert found.error == pytest.approx((2 * 0.07 + 2 * 0.33 + 1 * 0.05) / 5, abs=1e-15)
    assert (found.boxes, found.right) == (5, 3)


def test_the_threshold_for_a_precision_by_hand():
    """The lowest score that will do, with the boxes that it rests on; no score where none will do."""
    assert (threshold_for(FIVE, 0.9).score, threshold_for(FIVE, 0.9).boxes) == (0.85, 2)
    found = threshold_for(FIVE, 0.6)
    assert (found.score, found.boxes, found.precision) == (0.42, 5, 0.6)
    assert threshold_for(FIVE, 0.66).score == 0.81
    never = threshold_for(scored((0.9, 0), (0.5, 1)), 0.9)
    assert (never.score, never.boxes, never.precision, never.interval) == (None, 0, None, None)


def test_boxes_of_one_score_are_taken_together():
    """A threshold cannot part them."""
    assert threshold_for(scored((0.9, 1), (0.9, 0), (0.9, 1)), 0.9).score is None
    assert threshold_for(scored((0.9, 1), (0.9, 0), (0.9, 1)), 0.6).boxes == 3


def test_a_threshold_is_a_short_number():
    """That parts the same boxes: more digits only where two scores lie that near."""
    assert threshold_for(scored((0.876543, 1), (0.5, 0)), 0.9).score == 0.87
    assert threshold_for(scored((0.29, 1), (0.1, 0)), 0.9).score == 0.29
    assert threshold_for(scored((0.876543, 1), (0.876512, 0)), 0.9).score == 0.87654


def test_wilsons_interval_by_hand():
    """Of 8 in 10, as textbooks have it; certain to the end at none and all."""
    assert wilson(8, 10) == (pytest.approx(0.49016, abs=1e-5), pytest.approx(0.94332, abs=1e-5))
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == pytest.approx(1)


some = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0]) | st.floats(0, 1), st.booleans()), min_size=1)


@given(some, st.floats(0.01, 1))
def test_a_threshold_is_the_lowest_that_will_do(pairs, wished):
    """Tried against every score that there is."""
    found = threshold_for(scored(*pairs), wished)
    shares = {
        score: np.mean([right for each, right in pairs if each >= score]) for score in {score for score, _ in pairs}
    }
    good = [score for score, share in shares.items() if share >= wished]
    assert (found.score is None) == (not good)
    if good:
        taken = [right for score, right in pairs if score >= found.score]
        assert sorted(taken) == sorted(right for score, right in pairs if score >= min(good))
        assert (found.boxes, found.precision) == (len(taken), pytest.approx(np.mean(taken)))


@given(some)
def test_the_error_is_that_of_a_plain_loop(pairs):
    """Bin by bin, in words."""
    expected = 0.0
    for number in range(10):
        inside = [(s, r) for s, r in pairs if min(9, math.floor(s * 10)) == number]
        if inside:
            gap = abs(sum(s for s, _ in inside) / len(inside) - sum(r for _, r in inside) / len(inside))
            expected += gap * len(inside) / len(pairs)
    assert calibration(scored(*pairs)).error == pytest.approx(expected, abs=1e-12)


def judged(fate, score, label="cat", iou=1.0):
    sent = Predicted(reference="r", label=label, corners=(0, 0, 9, 9), score=score)
    now = Stored(row_id=1, reference="r", label=label, corners=(0, 0, 9, 9))
    return Judged(fate=fate, predicted=sent, stored=now, iou=iou)


def test_what_counts_as_right():
    """The label stayed and the box is where it was; what people have not decided on, or has no score, is left out."""
    boxes = [
        judged("kept", 0.9), judged("moved", 0.8, iou=0.6), judged("moved", 0.7, iou=0.3), judged("relabelled", 0.6),
        judged("deleted", 0.5, "dog", 0.0), judged("kept", None), Judged(fate="added"),
    ]  # fmt: skip
    found = judged_scores(boxes)
    assert dict(zip(found["cat"].scores.tolist(), found["cat"].right.tolist(), strict=True)) == {
        0.9: True, 0.8: True, 0.7: False, 0.6: False,
    }  # fmt: skip
    assert found["dog"].right.tolist() == [False]
    assert len(together(found)) == 5
    known = calibrations(found, precision=0.8)
    assert (list(known.labels), known.wished, known.whole.boxes) == (["cat", "dog"], 0.8, 5)
    assert known.labels["cat"].threshold.score == 0.8
    assert calibrations({}).whole is None
    with pytest.raises(UsageError, match=r"precision: 90, expected above 0 and at most 1"):
        calibrations(found, precision=90)


def test_the_page_has_a_curve_for_the_labels_with_the_most_boxes():
    """The table has all; a dot says what it is of."""
    found = {f"label {n:02}": scored(*[(0.75, 1)] * (n + 1), (0.72, 0)) for n in range(30)}
    page = "".join(calibration_part(calibrations(found, precision=0.5)))
    assert page.count("<svg") == 25
    assert "label 29: 31 boxes" in page
    assert "label 03: 5 boxes" not in page
    assert "</span>label 00</td>" in page
    assert "<title>scores 0.7 to 0.8: 31 boxes, mean score 0.75, 97% right</title>" in page
    assert calibration_part(calibrations({})) == []
