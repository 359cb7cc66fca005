"""Sets of boxes merged and compared: put together, suppressed, fused; what moved, was relabelled, came and went."""

import numpy as np
import pytest

from boxferry import Detections, Image
from boxferry.errors import InputError, OptionError, UsageError
from boxferry.reading.dataset import Dataset
from boxferry.reading.diff import diff
from boxferry.reading.merge import merge


def one(key: str, *boxes: tuple[str, tuple[float, ...], float]) -> Detections:
    """One image with boxes of label, corners, score."""
    labels = tuple(dict.fromkeys(label for label, *_ in boxes))
    return Detections.from_counts(
        [Image(key, 100, 80)],
        [len(boxes)],
        [corners for _, corners, _ in boxes],
        [labels.index(label) for label, *_ in boxes],
        labels,
        score=[score for *_, score in boxes],
    )


A = one("a.jpg", ("cat", (10, 10, 30, 30), 0.9), ("dog", (50, 50, 70, 70), 0.4))
B = one("a.jpg", ("cat", (12, 10, 32, 30), 0.6))
C = one("c.jpg", ("dog", (1, 1, 9, 9), 0.7))


def test_concat_keeps_all_boxes_image_by_image():
    merged = merge([A, C, B])
    assert [(image.key, len(boxes)) for image, boxes in merged] == [("a.jpg", 3), ("c.jpg", 1)]
    assert (merged.tally.read, merged.tally.kept) == (4, 4)


def test_nms_drops_what_overlaps_a_better_box():
    merged = merge([A, B], "nms", iou=0.5)
    assert merged.boxes.score.tolist() == [0.9, 0.4]
    assert merged.tally.dropped == {"suppressed": 1}


def test_wbf_is_the_weighted_mean_and_counts_who_agrees():
    merged = merge([A, B], "wbf")
    cat = merged.boxes[merged.boxes.label == merged.labels.index("cat")]
    x_min = (10 * 0.9 + 12 * 0.6) / 1.5
    assert cat.xyxy.tolist() == [pytest.approx([x_min, 10, x_min + 20, 30])]
    assert cat.score.tolist() == [pytest.approx(0.75)]
    dog = merged.boxes[merged.boxes.label == merged.labels.index("dog")]
    assert dog.score.tolist() == [pytest.approx(0.2)]  # one of two models
    assert (merged.tally.read, merged.tally.kept, merged.tally.dropped) == (3, 2, {"fused": 1})


def test_wbf_takes_weights():
    merged = merge([A, B], "wbf", weights=[3, 1])
    cat = merged.boxes[merged.boxes.label == merged.labels.index("cat")]
    x_min = (10 * 2.7 + 12 * 0.6) / 3.3
    assert cat.xyxy[0, 0] == pytest.approx(x_min)
    assert cat.score[0] == pytest.approx((2.7 + 0.6) / 2 * 2 / 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: merge([A], "nsm"), UsageError, "method: 'nsm' is not one of concat, nms, wbf; did you mean 'nms'"),
        (lambda: merge([A], iou="x"), UsageError, "iou: 'x' is str, expected float"),
        (lambda: merge(A), UsageError, "sets: Detections, expected a list of sets"),
        (lambda: merge([]), UsageError, "sets: the list is empty"),
        (lambda: merge([A], weights=[1]), OptionError, "weights are for method wbf alone"),
        (lambda: merge([A], "wbf", weights=[1, 2]), UsageError, "weights: 2 values, expected 1"),
        (lambda: merge([A], "wbf", weights=["1"]), UsageError, "weights: '1' is str, expected float"),
        (lambda: merge(["nowhere"]), InputError, "no such file or folder: nowhere"),
        (lambda: diff(A, B, iou=2), UsageError, "iou: 2, expected 0 to 1"),
    ],
)
def test_wrong_words_are_said_in_the_arguments_name(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(message)


def test_a_difference_is_what_moved_was_relabelled_came_and_went():
    old = one("a.jpg", *((label, corners, 0.5) for label, corners in [
        ("cat", (10, 10, 30, 30)), ("cat", (40, 10, 60, 30)), ("dog", (10, 40, 30, 60)), ("dog", (70, 40, 90, 60)),
    ]))  # fmt: skip
    new = one("a.jpg", *((label, corners, 0.5) for label, corners in [
        ("cat", (10, 10, 30, 30)), ("cat", (42, 10, 62, 30)), ("fox", (10, 40, 30, 60)), ("cat", (1, 1, 5, 5)),
    ]))  # fmt: skip
    found = diff(old, merge([new, C]))
    assert found.counts == {"same": 1, "moved": 1, "relabelled": 1, "removed": 1, "added": 2}
    relabelled = next(each for each in found if each.change == "relabelled")
    assert (relabelled.label, relabelled.new_label, relabelled.iou) == ("dog", "fox", 1.0)
    assert {each.image for each in found if each.change == "added"} == {"a.jpg", "c.jpg"}
    assert (found.same, diff(A, A).same, len(diff(A, A))) == (False, True, 2)
    assert repr(diff(A, A)) == "<Diff: 2 same>"
    assert "relabelled" in found._repr_html_()


def test_a_difference_is_a_table():
    pytest.importorskip("pandas")
    table = diff(A, B).to_pandas()
    assert table["change"].tolist() == ["moved", "removed"]
    assert len(diff(Detections.empty(), Detections.empty()).to_pandas()) == 0


def test_merging_loses_no_box_and_no_image():
    """Whatever the sets: read = kept + dropped, and each image once."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        sets = [some(rng) for _ in range(3)]
        for method in ("concat", "nms", "wbf"):
            merged = merge(sets, method)
            assert merged.tally.kept == len(merged.boxes)
            assert merged.tally.read == sum(map(len, sets))
            assert isinstance(merged, Dataset)


def some(rng) -> Detections:
    """One of three images with one to four cats."""
    corners = [tuple(np.sort(rng.uniform(0, 80, (2, 2)), axis=0).ravel()) for _ in range(rng.integers(1, 5))]
    return one(f"{rng.integers(3)}.jpg", *(("cat", each, rng.random()) for each in corners))
