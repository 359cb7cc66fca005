"""Scores and tracks while chunks go by: what is no score, what is percent, and one box a track and frame."""

import numpy as np
import pytest

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.scores import Scores, one_a_track
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError

IMAGE = Image("a.jpg", 100, 80, source="x.json")


def a_chunk(*scores, track=None, label=None, frame=None):
    n = len(scores)
    return Detections.from_counts(
        [IMAGE], [n], [[i, 0, i + 9, 9] for i in range(n)], [0] * n if label is None else label, ["cat", "dog"],
        score=scores, row=np.arange(n), row_unit="item", track=track, frame=frame,
    )  # fmt: skip


def seen(*chunks, **how):
    """The scores that come through, and the tally."""
    tally, scores = Tally(), Scores("x.json", **how)
    found = []
    for chunk in chunks:
        tally.count(chunk)
        found += scores.of(chunk, tally).score.tolist()
    scores.finish(tally)
    assert tally.kept == len(found)
    return found, tally


def test_good_scores_and_boxes_without_one_pass_unaltered():
    """1 and 0 are scores, and so is what 32 bits make of 1."""
    found, tally = seen(a_chunk(0, 1, 0.5, np.nan, 1.0000001))
    assert np.array_equal(found, [0, 1, 0.5, np.nan, 1.0000001], equal_nan=True)
    assert not tally.noted


@pytest.mark.parametrize("chunks", [(a_chunk(87.5, 12, 99),), (a_chunk(0.5), a_chunk(87.5, 12))])
def test_where_most_are_above_1_it_is_an_error_that_names_the_option(chunks):
    """As soon as that is so."""
    with pytest.raises(InputError, match=r"x.json: \d of 3 scores are above 1, .*--score-scale 100"):
        seen(*chunks)
    found, _ = seen(*chunks, scale=100)
    assert max(found) < 1


def test_a_few_above_1_and_zeros_alone_are_noted():
    """They stay."""
    found, tally = seen(a_chunk(0.5, 0.25, 3))
    assert found == [0.5, 0.25, 3]
    assert tally.noted == {"score-above-1": 1}
    assert seen(a_chunk(0, 0))[1].noted == {"zero-scores": 1}


def test_a_negative_score_is_dropped_with_its_place():
    """Its neighbours stay."""
    found, tally = seen(a_chunk(0.5, -0.5))
    assert found == [0.5]
    assert str(tally.examples["bad-score"][0]) == "x.json[1]: its score is negative; expected 0 to 1"


def test_formats_whose_scores_may_be_anything_are_only_scaled():
    """As MOT's."""
    assert seen(a_chunk(-3, 250), any_range=True)[0] == [-3, 250]
    assert seen(a_chunk(-3, 250), any_range=True, scale=10)[0] == [-0.3, 25]


def test_of_one_label_and_track_in_a_frame_the_better_stays():
    """Of equals the first; other labels, other frames and boxes without a track do not matter."""
    chunk = a_chunk(
        0.5, 0.75, 0.75, 0.9, 0.1, 0.2, np.nan, track=[7, 7, 7, 7, 7, -1, -1], label=[0, 0, 0, 1, 0, 0, 0],
        frame=[0, 0, 0, 0, 1, 0, 0],
    )  # fmt: skip
    tally = Tally()
    tally.count(chunk)
    assert one_a_track(chunk, tally).row.tolist() == [1, 3, 4, 5, 6]
    assert tally.dropped == {"same-track": 2}
    assert one_a_track(a_chunk(0.5), tally).row.tolist() == [0]


def test_a_box_without_a_score_is_worse_than_any():
    """NaN is the least."""
    assert one_a_track(a_chunk(np.nan, 0.1, track=[1, 1]), Tally()).row.tolist() == [1]
