"""The fates that are found are exactly the edits that were made, through the reviewer's own route."""

import json
from dataclasses import replace

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from boxferry import Diffgram, PushOptions, read
from boxferry.plan.patience import Patience
from boxferry.review.applied import Push
from boxferry.review.fates import fates_of
from boxferry.review.judged import Predicted, Stored
from boxferry.review.pushes import _in_order
from boxferry.review.summary import Clicks, best_threshold
from boxferry.review.timeline import Timeline
from boxferry.sandbox.server import Sandbox
from sending.pushing import server_of

LABELS = ("cat", "dog", "bird")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sandbox with its labels, and an outbox."""
    folder = tmp_path_factory.mktemp("world")
    with Sandbox(folder / "sandbox") as sandbox, Diffgram(server_of(sandbox), outbox=folder / "o.sqlite") as diffgram:
        schema = diffgram._client.schemas()[0].id
        for name in LABELS:
            diffgram._client.create_label(name, schema_id=schema)
        yield {"sandbox": sandbox, "diffgram": diffgram, "folder": folder, "number": 0}


def a_run(world, boxes):
    """Push boxes on one image, cell by cell of a grid, so that none overlaps another; gives run and file."""
    world["number"] += 1
    number, folder = world["number"], world["folder"] / f"run-{world['number']}"
    (folder / "images").mkdir(parents=True)
    Picture.new("RGB", (400, 400)).save(folder / "images" / f"{number}.png")
    annotations = [
        {"image_id": 1, "category_id": label, "bbox": [40 * (i % 10), 40 * (i // 10), 20, 20], "score": score}
        for i, (label, score) in enumerate(boxes)
    ]
    dataset = {
        "images": [{"id": 1, "file_name": f"{number}.png", "width": 400, "height": 400}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(LABELS)],
        "annotations": annotations,
    }
    (folder / "x.json").write_text(json.dumps(dataset))
    options = PushOptions(patience=Patience(settle_s=0.2))
    report = world["diffgram"].push(
        read(folder / "x.json", images=folder / "images"),
        directory="Default",
        model="m",
        run=str(number),
        options=options,
    )
    assert report.exit_code == 0, report.failed
    file = next(f for f in world["sandbox"].files() if f["original_filename"] == f"{number}.png")
    return str(number), file["id"]


def reviewer(world, file_id, change, *, complete=False):
    """A person's save through the interface's route."""
    sandbox = world["sandbox"]
    path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file_id}/annotation"
    auth = (sandbox.client_id, sandbox.client_secret)
    found = requests.post(f"{path}/list", json={"directory_id": 1}, auth=auth, timeout=9).json()
    body = {"instance_list": change(found["file_serialized"]["instance_list"]), "and_complete": complete}
    requests.post(f"{path}/update", json=body | {"directory_id": 1}, auth=auth, timeout=9).raise_for_status()


BOXES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.1, 0.35, 0.6, 0.95])), min_size=1, max_size=12)
EDITS = st.lists(st.sampled_from(["kept", "moved", "relabelled", "deleted"]), min_size=12, max_size=12)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes=BOXES, edits=EDITS, added=st.integers(0, 3), by_interface=st.booleans())
def test_the_fates_found_are_the_edits_made(world, boxes, edits, added, by_interface):
    """Random predictions, random edits; the interface clears machine_made, the API keeps it."""
    run, file_id = a_run(world, boxes)
    wanted = edits[: len(boxes)]
    ids = world["diffgram"].labels()

    def change(rows):
        saved = []
        for row, edit in zip(rows, wanted, strict=True):
            mark = {"machine_made": False} if by_interface and edit != "kept" else {}
            if edit == "moved":
                mark |= {"x_max": row["x_max"] + 6}
            if edit == "relabelled":
                names = {number: name for name, number in ids.items()}
                other = LABELS[(LABELS.index(names[row["label_file_id"]]) + 1) % 3]
                mark |= {"label_file_id": ids[other]}
            if edit == "deleted":
                mark |= {"soft_delete": True}  # as the interface does: a save that leaves all out deletes nothing
            saved.append(row | mark)
        drawn = {"type": "box", "label_file_id": ids["cat"], "machine_made": False, "y_min": 380, "y_max": 395}
        return saved + [drawn | {"x_min": 25 * n, "x_max": 25 * n + 15} for n in range(added)]

    reviewer(world, file_id, change)
    (file,) = world["diffgram"].pull(run).files
    assert file.reviewed == (set(wanted) != {"kept"} or added > 0)
    fates = wanted if file.reviewed else ["unreviewed"] * len(wanted)
    assert [box.fate for box in file.judged] == fates + ["added"] * added
    assert all(box.by == "reference" for box in file.judged if box.predicted and box.stored)
    moved = [box.iou for box in file.judged if box.fate == "moved"]
    assert moved == pytest.approx([20 / 26] * len(moved))


def test_a_file_that_nobody_touched_is_told_from_one_that_is_complete(world):
    """Looked at and found right is a review too, where the server is told so."""
    run, file_id = a_run(world, [(0, 0.9)])
    assert not world["diffgram"].pull(run).files[0].reviewed
    reviewer(world, file_id, lambda rows: rows, complete=True)
    (file,) = world["diffgram"].pull(run).files
    assert (file.reviewed, [box.fate for box in file.judged]) == (True, ["kept"])


def predicted(*corners, label="cat", reference="boxferry:a"):
    return Predicted(reference=reference, label=label, corners=corners, score=0.5)


def stored(*corners, label="cat", row_id=1, **more):
    return Stored(**({"row_id": row_id, "reference": "", "label": label, "corners": corners} | more))


def test_without_references_the_best_overlap_of_the_label_counts():
    """Then that of another label; each box is found once."""
    boxes = [predicted(0, 0, 10, 10, reference="a"), predicted(20, 0, 30, 10, reference="b")]
    rows = [
        stored(21, 0, 30, 10, label="dog", row_id=1, touched=True),
        stored(0, 0, 10, 9, row_id=2, touched=True),
        stored(0, 0, 10, 10, label="dog", row_id=3, touched=True),
    ]
    judged = fates_of(boxes, rows)
    assert [(box.fate, box.stored.row_id, box.by) for box in judged] == [
        ("moved", 2, "iou"), ("relabelled", 1, "iou"), ("added", 3, ""),
    ]  # fmt: skip


def onto(stored, *pushes, complete=True):
    """The fates of one prediction of run 'a', which the first packet brought."""
    boxes = [predicted(0, 0, 10, 10, reference="boxferry:a")]
    return [box.fate for box in fates_of(boxes, stored, Timeline(pushes, stored, complete=complete, changed=99.0))]


def a_push(*names, came=10.0, **more):
    return Push(brought=frozenset(f"boxferry:{name}" for name in names), came=came, stood=came + 1, **more)


def test_another_runs_untouched_box_stands_only_for_an_equal_one_that_was_there_before():
    """The server keeps the older of two equal boxes; a near one, or a later one, is another prediction."""
    older = stored(0, 0, 10, 10, reference="boxferry:other", created=5.0)
    replaces = a_push("a", replaces=True)
    assert onto([older], replaces) == ["kept"]
    assert onto([replace(older, corners=(0, 0, 10, 9))], replaces) == ["deleted"]
    assert onto([replace(older, created=11.0)], replaces) == ["deleted"]
    assert onto([older], a_push("a")) == ["deleted"]  # appended, it had a row of its own


def test_what_a_later_push_took_is_no_deletion():
    """Unless people had deleted it before; and it was kept where they had looked at it before."""
    first = a_push("a", complete=False)
    took = {"came": 20.0, "replaces": True, "kept": frozenset(), "took": frozenset({"boxferry:a"}), "own": False}
    assert onto([], first, a_push(complete=False, **took), complete=False) == ["replaced"]
    assert onto([], first, a_push(complete=True, changed=15.0, **took)) == ["kept"]
    not_taken = took | {"took": frozenset()}
    assert onto([], first, a_push(complete=False, changed=10.0, **not_taken)) == ["deleted"]
    for before in (9.0, 0.0):  # the file was read for it before the box came, or that is not known
        assert onto([], first, a_push(complete=False, changed=before, **not_taken)) == ["replaced"]
    edited = took | {"edited": frozenset({"boxferry:a"})}
    assert onto([], first, a_push(complete=True, changed=15.0, **edited)) == ["replaced"]


def test_what_a_packet_took_that_was_given_before_and_applied_after_is_no_deletion():
    """Two packets that the server works on at once end in another order than they are numbered."""
    numbered = _in_order([(1, a_push("b", came=20.0, replaces=True, own=False)), (2, a_push("a", came=15.0))], [])
    assert onto([], *numbered) == ["replaced"]
    assert onto([], *numbered, a_push(came=30.0, changed=30.0, kept=frozenset(), read=True)) == ["replaced"]
    after = _in_order([(1, a_push("b", came=10.0, replaces=True, own=False)), (2, a_push("a", came=15.0))], [])
    assert onto([], *after) == ["deleted"]


def test_a_box_that_was_missing_in_between_is_asked_about_though_it_came_again():
    """A push of another machine may have taken it: people have looked at nothing then."""
    read_for = {"read": True, "complete": False}
    box, other = ("boxferry:a", "boxferry:b")
    pushes = [
        a_push("a", came=10.0, kept=frozenset(), **read_for),
        a_push("b", came=20.0, changed=10.0, kept=frozenset({box}), **read_for),
        a_push("c", came=30.0, changed=25.0, kept=frozenset({other}), **read_for),
        a_push("a", came=40.0, changed=30.0, kept=frozenset({other, "boxferry:c"}), **read_for),
    ]
    rows = [
        stored(0, 0, 10, 10, reference=f"boxferry:{name}", created=came)
        for name, came in (("a", 40.0), ("b", 20.0), ("c", 30.0))
    ]
    assert Timeline(pushes, rows).doubtful
    assert not Timeline(pushes[1:2], rows[1:2]).doubtful


def test_a_file_that_was_completed_before_is_not_reviewed():
    """Completed after is; whether it was before is known, or its time is compared with that of the packet."""
    row = [stored(0, 0, 10, 10, reference="boxferry:a", created=10.0)]
    boxes = [predicted(0, 0, 10, 10, reference="boxferry:a")]

    def fate(push, changed):
        timeline = Timeline([push], row, complete=True, changed=changed)
        (judged,) = fates_of(boxes, row, timeline)
        assert timeline.reviewed == (judged.fate == "kept")
        assert timeline.unseen(row[0]) == (judged.fate == "unreviewed")
        return judged.fate

    for known in (True, None):
        assert fate(a_push("a", complete=known), 11.0) == "unreviewed"
        assert fate(a_push("a", complete=known), 11.5) == "kept"
    assert fate(a_push("a", complete=False), 11.0) == "kept"


def test_what_people_drew_before_the_push_is_not_added():
    """Nor is what they did to another run's boxes, then or later."""
    before = stored(40, 0, 50, 10, machine_made=False, created=9.0)
    row = stored(0, 0, 10, 10, reference="boxferry:a", created=10.0)
    other = stored(70, 0, 90, 10, reference="boxferry:b", touched=True, created=12.0)
    drawn = replace(before, created=12.0)
    assert onto([row, before], a_push("a"), complete=False) == ["unreviewed"]
    assert onto([row, other], a_push("a"), complete=False) == ["kept"]
    assert onto([row, drawn], a_push("a"), complete=False) == ["kept", "added"]


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["kept", "deleted", "moved"])), max_size=12))
def test_the_threshold_costs_the_fewest_clicks_of_all(scored):
    """Against every threshold there is, tried one by one."""
    from boxferry.review.judged import Judged

    boxes = [
        Judged(fate=fate, predicted=Predicted(reference="", label="cat", corners=(0, 0, 1, 1), score=score))
        for score, fate in scored
    ]
    clicks = Clicks(deletion=1, addition=3)
    best = best_threshold(boxes, clicks)
    if not scored:
        assert best is None
        return

    def cost(threshold):
        return sum((fate == "deleted") * 1 if score >= threshold else (fate != "deleted") * 3 for score, fate in scored)

    tried = [0.0, 2.0, *(score for score, _ in scored)]
    assert best.clicks == min(map(cost, tried))
    assert best.clicks_now == cost(0.0)
