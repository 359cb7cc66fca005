"""cleanlab's ObjectLab takes what boxferry writes for it, and its scores come back on the right boxes."""

import numpy as np

from boxferry.review.fates import fates_of
from boxferry.review.judged import Predicted, Stored
from boxferry.review.objectlab import objectlab_input, objectlab_scores
from boxferry.review.pull import ReviewedFile
from boxferry.review.scenes import scenes_of
from boxferry.review.suspicious import suspicious
from interop.peers import peer

rank = peer("cleanlab.object_detection.rank")

LABELS = ("yak", "ant", "zebra", "cow")


def picture(number):
    """Four animals; on some pictures people left one as something else, elsewhere, or not at all."""
    predicted, stored = [], []
    for place, label in enumerate(LABELS):
        corners = (200.0 * place + 10, 10.0, 200.0 * place + 110, 110.0)
        reference = f"boxferry:{number}-{place}"
        predicted.append(Predicted(reference=reference, label=label, corners=corners, score=0.97 - place / 1000))
        left, now = label, corners
        if (number, place) == (1, 2):
            left = "cow"
        if (number, place) == (2, 0):
            now = (70.0, 10.0, 170.0, 110.0)
        if (number, place) != (3, 1):
            stored.append(Stored(row_id=place, reference=reference, label=left, corners=now))
    return ReviewedFile(
        file_name=f"{number}.jpg", file_id=number, width=900, height=200, complete=True, predicted=predicted,
        stored=stored, judged=fates_of(predicted, stored),
    )  # fmt: skip


def test_scores_are_those_of_cleanlab_on_its_own_input():
    """Computed once more from the input alone, and for whole images by its documented function."""
    scenes = scenes_of([picture(number) for number in range(5)])
    given, found = objectlab_input(scenes), objectlab_scores(scenes)
    facts = {"labels": given.labels, "predictions": given.predictions}
    for ours, theirs in (
        (found.label, rank.compute_swap_box_scores(**facts)),
        (found.place, rank.compute_badloc_box_scores(**facts)),
    ):
        for one, other in zip(ours, theirs, strict=True):
            assert np.array_equal(one, other, equal_nan=True)
    whole = rank.get_label_quality_scores(given.labels, given.predictions, verbose=False)
    assert set(np.argsort(whole)[:3].tolist()) == {1, 2, 3}


def test_the_most_suspicious_boxes_are_those_that_are_wrong():
    """Another label, another place, a box that is missing: each on its box, ahead of everything else."""
    known = suspicious(scenes_of([picture(number) for number in range(5)]))
    assert known.by == "objectlab"
    first = {(each.kind, each.file.file_id, each.predicted.label) for each in known.boxes[:3]}
    assert first == {("other label", 1, "zebra"), ("other place", 2, "yak"), ("missing", 3, "ant")}
