"""Boxes to look at again: what people left and a model contradicts, and what they drew and nothing predicts."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest

from boxferry.review.fates import fates_of
from boxferry.review.judged import Predicted, Stored
from boxferry.review.objectlab import objectlab_input, objectlab_scores
from boxferry.review.pull import ReviewedFile
from boxferry.review.scenes import scenes_of
from boxferry.review.suspicious import RANKED, suspicious
from boxferry.review.suspicious_page import suspicious_part

HERE, THERE = (10.0, 10.0, 50.0, 50.0), (100.0, 100.0, 150.0, 150.0)
HALF = (10.0, 10.0, 50.0, 40.0)  #: IoU with HERE: 0.75


def sent(reference, label, corners, score, frame=None):
    return Predicted(reference=f"boxferry:{reference}", label=label, corners=corners, score=score, frame=frame)


def there(name, label, corners, *, people=False, frame=None):
    reference = name and f"boxferry:{name}"
    return Stored(
        row_id=len(name) + 7, reference=reference, label=label, corners=corners, machine_made=not people,
        touched=people, frame=frame,
    )  # fmt: skip


def file(predicted, stored, number=1):
    judged = fates_of(predicted, stored)
    return ReviewedFile(
        file_name=f"{number}.jpg", file_id=number, width=200, height=200, complete=True, predicted=predicted,
        stored=stored, judged=judged,
    )  # fmt: skip


def found(*files, others=()):
    scenes = scenes_of(files, others)
    return [
        (each.kind, each.file.file_id, round(each.suspicion, 6)) for each in suspicious(scenes, objectlab=False).boxes
    ]


def test_what_everybody_agrees_on_is_not_suspicious():
    """A box that was kept, beside predictions of other runs that are equal."""
    kept = file([sent("a", "car", HERE, 0.6)], [there("a", "car", HERE)])
    other = file([sent("b", "car", HERE, 0.9)], [])
    assert found(kept, others=[[other]]) == []


def test_another_label_of_a_better_score():
    """Score x IoU of the model's label, less that of people's."""
    kept = file([sent("a", "car", HERE, 0.3)], [there("a", "car", HERE)])
    other = file([sent("b", "truck", HALF, 0.9)], [])
    assert found(kept, others=[[other]]) == [("other label", 1, pytest.approx(0.9 * 0.75 - 0.3))]
    assert found(kept, others=[[file([sent("b", "truck", HALF, 0.9)], [], number=2)]]) == [], "of another file"


def test_another_place_of_the_same_label():
    """Score x (1 - IoU) of the prediction that overlaps most."""
    moved = file([sent("a", "car", HERE, 0.8)], [there("a", "car", HALF, people=True)])
    assert found(moved) == [("other place", 1, pytest.approx(0.8 * 0.25))]


def test_a_sure_prediction_without_a_box():
    """Deleted by people, or found by another run; of several of one object there is one."""
    deleted = file([sent("a", "car", HERE, 0.97)], [])
    other = file([sent("b", "car", HALF, 0.9), sent("c", "dog", THERE, 0.2)], [])
    assert found(deleted, others=[[other]]) == [("missing", 1, 0.97), ("missing", 1, 0.2)]


def test_what_people_drew_and_nothing_predicts():
    """More suspicious where the model finds most boxes of the label; a label that it never finds is not."""
    usual = [file([sent(f"{n}", "car", HERE, 0.5)], [there(f"{n}", "car", HERE)], number=n) for n in range(2, 5)]
    drawn = file([], [there("", "car", THERE, people=True), there("", "tree", HERE, people=True)])
    assert found(drawn, *usual) == [("not predicted", 1, 0.75)]


def test_the_other_models_untouched_boxes_are_not_what_people_left():
    """Nor are predictions that people have not judged anything that contradicts."""
    both = file([sent("a", "car", HERE, 0.9)], [there("a", "car", HERE), there("z", "truck", HALF)])
    assert [box.reference for box in scenes_of([both])[0].left] == ["boxferry:a"]


def test_frames_are_scenes_of_their_own():
    """A box on another frame contradicts nothing."""
    film = file([sent("a", "car", HERE, 0.9, 0), sent("b", "truck", HERE, 0.9, 1)], [there("a", "car", HERE, frame=0)])
    scenes = scenes_of([film])
    assert [(scene.frame, len(scene.left), len(scene.predicted)) for scene in scenes] == [(0, 1, 1), (1, 0, 1)]


def test_what_cleanlab_takes():
    """Labels as corners and classes, predictions by class, with the order in which they come back."""
    scene = file([sent("a", "zebra", HERE, 0.4), sent("b", "ant", THERE, 0.6)], [there("a", "zebra", HERE)])
    given = objectlab_input(scenes_of([scene]))
    assert given.names == ["ant", "zebra"]
    assert given.labels[0]["bboxes"].tolist() == [list(HERE)]
    assert given.labels[0]["labels"].tolist() == [1]
    assert [rows.tolist() for rows in given.predictions[0]] == [[[*THERE, 0.6]], [[*HERE, 0.4]]]
    assert given.order[0].tolist() == [1, 0]


def test_scores_come_from_cleanlab_where_it_is_installed(monkeypatch):
    """Those of predictions in the order of the scene, not of the classes; 1 less the score is the suspicion."""
    rank = ModuleType("cleanlab.object_detection.rank")
    rank.compute_swap_box_scores = lambda labels, predictions: [np.array([0.2])]
    rank.compute_badloc_box_scores = lambda labels, predictions: [np.array([0.9])]
    rank.compute_overlooked_box_scores = lambda labels, predictions: [np.array([0.3, np.nan, np.nan])]
    parent = ModuleType("cleanlab.object_detection")
    parent.rank = rank
    for name, module in (("cleanlab", ModuleType("cleanlab")), (parent.__name__, parent), (rank.__name__, rank)):
        monkeypatch.setitem(sys.modules, name, module)
    predicted = [sent("a", "zebra", HERE, 0.4), sent("b", "yak", HALF, 0.9), sent("c", "ant", THERE, 0.96)]
    scenes = scenes_of([file(predicted, [there("a", "zebra", HERE)])])
    assert objectlab_scores(scenes).missing[0][2] == 0.3
    known = suspicious(scenes)
    assert known.by == "objectlab"
    said = [(each.kind, each.predicted.label, round(each.suspicion, 6)) for each in known.boxes]
    assert said == [("other label", "yak", 0.8), ("missing", "ant", 0.7)]


def test_as_json_and_on_the_page():
    """Both say how the list is ordered; labels are escaped."""
    kept = file([sent("a", "<b>", HERE, 0.2), sent("b", "truck", HALF, 0.9)], [there("a", "<b>", HERE)])
    known = suspicious(scenes_of([kept]), objectlab=False)
    facts = json.loads(json.dumps(known.as_dict()))
    assert facts["ranked"] == RANKED["boxferry"]
    assert facts["boxes"][0]["model"] == {"label": "truck", "corners": list(HALF), "score": 0.9}
    page = "".join(suspicious_part(known))
    assert "<td>other label</td><td>&lt;b&gt; at 10, 10, 50, 50</td><td>truck 0.90 at 10, 10, 50, 40</td>" in page
    assert "No model contradicts" in suspicious_part(suspicious([], objectlab=False))[0]
    assert "data-image" not in page
    assert ' data-image="7" data-place="10 10 50 50">' in "".join(suspicious_part(known, images={1: 7}))
