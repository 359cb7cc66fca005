"""What a threshold would send and cost is what a push with it sends, and what people would have had to do."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from boxferry.review.recount import STEPS, Recount, at_or_above
from boxferry.review.summary import Clicks, best_threshold
from pages.sources import a_review

SCORES = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 0.57, 1.0])), max_size=30)


@settings(max_examples=60, deadline=None)
@given(SCORES)
def test_counts_are_those_of_scores_at_or_above_each_step(scores):
    """As `filter_score` keeps them: a score that is the threshold stays."""
    assert at_or_above(np.array(scores, np.float64)).tolist() == [sum(s >= step for s in scores) for step in STEPS]


def test_chunks_add_up_and_boxes_without_a_score_are_always_sent():
    """Two chunks are as one."""
    found = Recount()
    found.see("car", np.array([0.2, np.nan]))
    found.see("car", np.array([0.9]))
    assert (found.labels["car"].sent[[0, 20, 21, 90, 91]].tolist(), found.labels["car"].unscored) == (
        [2, 2, 1, 1, 0],
        1,
    )


def test_the_cost_without_a_threshold_is_that_of_the_summary(tmp_path):
    """Of each label: what people deleted and drew."""
    review, clicks = a_review(tmp_path, images=5, boxes=24), Clicks(deletion=1, addition=4)
    found = Recount(clicks=clicks)
    found.judge([box for file in review.files for box in file.judged])
    for label, threshold in review.summary(clicks).thresholds.items():
        counts = found.labels[label]
        assert counts.added * 4 + counts.deleted[0] == threshold.clicks_now
        steps = [
            4 * (counts.added + counts.right[0] - counts.right[step]) + counts.deleted[step] for step in range(101)
        ]
        judged = [
            box for file in review.files for box in file.judged if box.label == label and box.fate != "unreviewed"
        ]
        assert min(steps) >= best_threshold(judged, clicks).clicks
