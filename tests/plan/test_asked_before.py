"""No question is asked twice: what people decided on a file outlives the run, the machine and the outbox."""

from dataclasses import replace
from unittest.mock import Mock, patch

import msgspec
import numpy as np
import pytest
from PIL import Image as Picture

from boxferry import Diffgram, PushOptions, read
from boxferry.boxes.detections import Detections
from boxferry.cli.app import run as boxferry
from boxferry.errors import OutboxError, Unreachable, UsageError
from boxferry.formats import Format
from boxferry.plan.make_planner import make_planner
from boxferry.plan.patience import Patience
from boxferry.plan.plan_file import read_plan
from collector.collecting import OPTIONS, a_collector, a_result
from pages.page_data import boxes_of, data_of
from sending.pushing import push, server_of
from sending.test_video import on_frames
from stored.deciding import at, changed, completed, deleted, drawn, predicted, saved, stored
from videos import a_video

QUICK = Patience(wait_s=20.0, settle_s=0.2, first_pause_s=0.01)

CAT, DOG = 0, 1
A, B, FAR = (40, 30, 60, 50), (5, 5, 25, 25), (70, 55, 95, 75)
NEAR_A, NEAR_B = (41, 30, 61, 50), (5, 6, 25, 26)  # IoU 0.905
MOVED = (46, 34, 66, 54)  # from A; IoU 0.389
NEAR_MOVED = (46, 35, 66, 55)

#: what people do → the predictions of a later run about it, with why each is not sent
DECISIONS = {
    "moved": (
        lambda sandbox: changed(sandbox, A, to=MOVED),
        {(CAT, NEAR_A): "people-have-it", (CAT, NEAR_MOVED): "people-have-it"},
    ),
    "relabelled": (
        lambda sandbox: changed(sandbox, A, label=2),
        {(CAT, NEAR_A): "rejected-before", (DOG, NEAR_A): "people-have-it"},
    ),
    "moved and relabelled": (
        lambda sandbox: changed(sandbox, A, to=MOVED, label=2),
        {
            (CAT, NEAR_A): "rejected-before",
            (CAT, NEAR_MOVED): "rejected-before",
            (DOG, NEAR_MOVED): "people-have-it",
            (DOG, NEAR_A): "people-have-it",
        },
    ),
    "deleted": (lambda sandbox: deleted(sandbox, A), {(CAT, NEAR_A): "rejected-before"}),
    "drawn": (lambda sandbox: drawn(sandbox, FAR), {(CAT, (71, 55, 95, 75)): "people-have-it"}),
    "kept and completed": (completed, {(CAT, NEAR_A): "people-have-it", (DOG, NEAR_B): "people-have-it"}),
}
NEW = (DOG, (70, 5, 90, 25))  # what the later run has beside


@pytest.fixture
def night(sandbox, diffgram, tmp_path):
    """Run 'r' of model 'm': a cat at A and a dog at B."""
    report = push(diffgram, predicted(tmp_path, (CAT, A), (DOG, B)))
    assert report.exit_code == 0, report.failed


def another(sandbox, tmp_path):
    """Another machine: an outbox that knows nothing."""
    return Diffgram(server_of(sandbox), outbox=tmp_path / "another.sqlite")


def kinds(*without):
    return [pytest.param(*value, id=name) for name, value in DECISIONS.items() if name not in without]


def expected(asked):
    codes = list(asked.values())
    return {code: codes.count(code) for code in dict.fromkeys(codes)}


@pytest.mark.parametrize("elsewhere", [False, True], ids=["this outbox", "an empty outbox"])
@pytest.mark.parametrize(("decide", "asked"), kinds())
def test_a_later_run_appends_nothing_that_people_decided(sandbox, diffgram, tmp_path, night, decide, asked, elsewhere):
    """Whatever its model and run are called; what is new to people is sent."""
    decide(sandbox)
    before = stored(sandbox)
    source = predicted(tmp_path, *asked, NEW)
    with another(sandbox, tmp_path) if elsewhere else diffgram as sender:
        report = push(sender, source, model="m2", run="next", existing=True)
    assert (report.exit_code, report.tally.dropped) == (0, expected(asked)), report.as_dict()
    assert (report.tally.read, report.tally.kept) == (len(asked) + 1, 1)
    assert stored(sandbox) == sorted([*before, (2, NEW[1])])


@pytest.mark.parametrize(("model", "elsewhere"), [("m", False), ("m", True), ("m2", True)])
@pytest.mark.parametrize(("decide", "asked"), kinds("kept and completed"))
def test_replace_own_brings_nothing_back(sandbox, diffgram, tmp_path, night, decide, asked, model, elsewhere):
    """Of the same model or another one; what people made stays."""
    decide(sandbox)
    before = [box for box in sandbox.boxes("a.jpg") if box["version"] == 2 or not box["creation_ref_id"]]
    source = predicted(tmp_path, *asked, NEW, (DOG, NEAR_B))
    with another(sandbox, tmp_path) if elsewhere else diffgram as sender:
        report = push(sender, source, model=model, run="next", existing=True, on_existing="replace-own")
    assert (report.exit_code, report.tally.dropped) == (0, expected(asked)), report.as_dict()
    after = stored(sandbox)
    kept = [(box["label_file_id"], tuple(box[n] for n in ("x_min", "y_min", "x_max", "y_max"))) for box in before]
    untouched = [(1, A)] if decide is DECISIONS["drawn"][0] and model == "m2" else []
    others = [(2, B)] if model == "m2" else []
    assert after == sorted([*kept, *untouched, *others, (2, NEW[1]), (2, NEAR_B)])


@pytest.mark.parametrize(("decide", "asked"), kinds())
def test_the_same_run_again_from_an_empty_outbox(sandbox, diffgram, tmp_path, night, decide, asked):
    """Brings no box back, be it sent as before or a little beside; the outbox that sent it knows that too."""
    decide(sandbox)
    before = stored(sandbox)
    source = predicted(tmp_path, (CAT, A), (DOG, B), *asked)
    push(diffgram, source, existing=True)
    assert stored(sandbox) == before
    with another(sandbox, tmp_path) as sender:
        report = push(sender, source, existing=True)
    assert report.exit_code == 0, report.as_dict()
    assert stored(sandbox) == before


def test_ask_again_sends_them_all(sandbox, diffgram, tmp_path, night):
    """As it was before there was a memory."""
    changed(sandbox, A, to=MOVED)
    source = predicted(tmp_path, (CAT, NEAR_A), (CAT, NEAR_MOVED))
    report = push(diffgram, source, run="next", existing=True, ask_again=True)
    assert (report.exit_code, report.tally.dropped) == (0, {})
    assert len(sandbox.boxes("a.jpg")) == 4


def test_the_overlap_that_counts_can_be_chosen(sandbox, diffgram, tmp_path, night):
    """Just the bound counts as the same object; one that is no overlap is refused."""
    drawn(sandbox, (0, 0, 10, 10))
    source = predicted(tmp_path, (CAT, (0, 0, 10, 7)))  # IoU 0.7
    report = push(diffgram, source, run="one", existing=True, dry_run=True)
    assert report.tally.dropped == {"people-have-it": 1}
    report = push(diffgram, source, run="one", existing=True, dry_run=True, same_iou=0.71)
    assert report.tally.dropped == {}
    for wrong in (0.0, 1.1, float("nan")):
        with pytest.raises(UsageError, match="same_iou"):
            push(diffgram, source, run="one", existing=True, same_iou=wrong)


def test_two_predictions_of_one_box_of_people(sandbox, diffgram, tmp_path, night):
    """Are both left out: it is one object, and people have it."""
    changed(sandbox, A, to=MOVED)
    source = predicted(tmp_path, (CAT, NEAR_MOVED), (CAT, MOVED))
    report = push(diffgram, source, run="next", existing=True)
    assert report.tally.dropped == {"people-have-it": 2}


def test_an_open_prediction_beside_a_decided_one_is_not_taken_for_it(sandbox, diffgram, tmp_path):
    """Of two objects of one label that overlap, each is judged as the one that it fits best."""
    beside = (43, 30, 63, 50)  # IoU with A 0.739
    push(diffgram, predicted(tmp_path, (CAT, A), (CAT, beside)))
    deleted(sandbox, A)
    source = predicted(tmp_path, (CAT, A), (CAT, (43, 31, 63, 51)))
    report = push(diffgram, source, run="next", existing=True, on_existing="replace-own")
    assert (report.exit_code, report.tally.dropped) == (0, {"rejected-before": 1})
    assert stored(sandbox) == [(1, (43, 31, 63, 51))]
    changed(sandbox, (43, 31, 63, 51), to=beside)
    report = push(diffgram, source, run="third", existing=True, on_existing="replace-own")
    assert report.tally.dropped == {"people-have-it": 2}


def test_the_label_counts_as_the_server_calls_it_now(sandbox, diffgram, tmp_path, night):
    """A renamed label is the same label; another one at the same place is another question."""
    deleted(sandbox, A)
    sandbox._store.update("label_file", 1, {"name": "tabby"})
    source = predicted(tmp_path, (CAT, NEAR_A), (DOG, NEAR_A), names=["tabby", "dog"])
    report = push(diffgram, source, run="next", existing=True)
    assert (report.exit_code, report.tally.dropped) == (0, {"rejected-before": 1}), report.as_dict()
    report = push(diffgram, predicted(tmp_path, (CAT, NEAR_A)).relabel({"cat": "pet"}), run="third", existing=True)
    assert (report.exit_code, report.tally.dropped) == (0, {}), "to people that is another question"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["this outbox", "an empty outbox"])
def test_what_a_push_took_away_was_not_turned_down(sandbox, diffgram, tmp_path, night, elsewhere):
    """A replacement by a model that does not see the cat says nothing of cats; a person's deletion after it does."""
    wanted = {"existing": True, "on_existing": "replace-own", "allow_removals": 9}
    push(diffgram, predicted(tmp_path, (DOG, B)), run="blind", **wanted)
    assert stored(sandbox) == [(2, B)]
    report = push(diffgram, predicted(tmp_path, (CAT, A), (DOG, B)), run="third", **wanted)
    assert (report.exit_code, report.tally.dropped) == (0, {})
    deleted(sandbox, A)
    push(diffgram, predicted(tmp_path, (DOG, NEAR_B)), run="fourth", **wanted)
    with another(sandbox, tmp_path) if elsewhere else diffgram as sender:
        report = push(sender, predicted(tmp_path, (CAT, NEAR_A), (DOG, B)), run="fifth", **wanted)
    assert (report.exit_code, report.tally.dropped) == (0, {"rejected-before": 1}), "also with a replacement between"


def test_what_dedupe_took_away_was_not_turned_down(sandbox, diffgram, tmp_path, night):
    """The double goes, and its box is there still; what people had deleted before it is known after it too."""
    file_id = sandbox.files()[0]["id"]
    deleted(sandbox, B)
    (row,) = sandbox.boxes("a.jpg")
    sandbox._store.add_instances(file_id, [{name: value for name, value in row.items() if name != "id"}])
    assert diffgram.dedupe("r").removed == 1
    changed(sandbox, A, to=FAR)
    source = predicted(tmp_path, (CAT, NEAR_A), (DOG, NEAR_B), NEW)
    report = push(diffgram, source, run="next", existing=True)
    assert report.tally.dropped == {"people-have-it": 1, "rejected-before": 1}


def test_a_replacing_packet_of_an_earlier_version_is_not_blamed_on_people(sandbox, diffgram, tmp_path, night):
    """It does not say what it took away: what is not in its list counts as taken by it."""
    rows = [row for row in sandbox.boxes("a.jpg") if row["label_file_id"] == 2]
    place = {"directory_id": sandbox.directory_id, "file_id": sandbox.files()[0]["id"]}
    packet = place | {"instance_list": rows, "mode": "update_with_existing"}
    diffgram._client.send_packet(msgspec.json.encode(packet))
    assert sandbox.wait_idle()
    assert stored(sandbox) == [(2, B)]
    report = push(diffgram, predicted(tmp_path, (CAT, NEAR_A)), run="next", existing=True)
    assert (report.exit_code, report.tally.dropped) == (0, {})


def test_replace_all_keeps_to_what_people_deleted(sandbox, diffgram, tmp_path, night):
    """What they made goes with leave, and its predictions come in its place; what they deleted stays away."""
    changed(sandbox, A, to=MOVED)
    deleted(sandbox, B)
    source = predicted(tmp_path, (CAT, NEAR_MOVED), (DOG, NEAR_B))
    wanted = {"existing": True, "on_existing": "replace-all", "delete_people": True}
    report = push(diffgram, source, run="next", **wanted)
    assert (report.exit_code, report.tally.dropped) == (0, {"rejected-before": 1}), report.as_dict()
    assert stored(sandbox) == [(1, NEAR_MOVED)]


def test_what_is_appended_to_a_completed_file_is_not_approved(sandbox, diffgram, tmp_path, night):
    """A packet leaves the file completed, and no person has seen what it brought; what was approved stays approved."""
    completed(sandbox)
    push(diffgram, predicted(tmp_path, NEW), run="next", existing=True)
    like_new = (DOG, (70, 6, 90, 26))
    source = predicted(tmp_path, like_new, (DOG, NEAR_B), (CAT, NEAR_A))
    report = push(diffgram, source, run="third", existing=True, dry_run=True)
    assert report.tally.dropped == {"people-have-it": 2}
    with another(sandbox, tmp_path) as sender:
        report = push(sender, source, run="third", existing=True, dry_run=True)
        assert report.tally.dropped == {}, "nothing on the server tells of the completion any more"
        saved(sandbox, lambda rows: [*rows[1:], rows[0] | {"x_max": 61, "machine_made": False}])
        report = push(sender, source, run="third", existing=True, dry_run=True)
        assert report.tally.dropped == {"people-have-it": 3}, "who saved a box has seen the others"


def test_what_came_just_before_the_completion_was_not_looked_at(sandbox, diffgram, tmp_path, night):
    """Within two seconds after a packet the change is the packet's own."""
    completed(sandbox, later=1.5)
    report = push(diffgram, predicted(tmp_path, (CAT, NEAR_A)), run="next", existing=True, dry_run=True)
    assert report.tally.dropped == {}


def test_what_the_server_did_not_store_was_not_turned_down(sandbox, diffgram, tmp_path, night):
    """It said success, and reading back found no box: that people deleted it is not believed then."""
    source = predicted(tmp_path, NEW)
    with patch("boxferry.sandbox.annotating.vanishes", return_value=True):
        report = push(diffgram, source, run="next", existing=True)
    assert set(report.states) == {"refused"}
    report = push(diffgram, source, run="next", existing=True)
    assert (report.exit_code, report.tally.dropped) == (0, {}), report.as_dict()
    assert stored(sandbox) == sorted([(1, A), (2, B), (2, NEW[1])])


def test_replace_completed_replaces_what_was_approved(sandbox, diffgram, tmp_path, night):
    """That is what it asks for."""
    completed(sandbox)
    source = predicted(tmp_path, (CAT, NEAR_A), (DOG, NEAR_B))
    wanted = {"existing": True, "on_existing": "replace-own"}
    report = push(diffgram, source, run="next", **wanted)
    assert report.tally.dropped == {"completed": 2}
    report = push(diffgram, source, run="next", replace_completed=True, **wanted)
    assert (report.exit_code, report.tally.dropped) == (0, {})
    assert stored(sandbox) == [(1, NEAR_A), (2, NEAR_B)]


def test_boxes_of_people_are_sent_wherever_they_are(sandbox, diffgram, tmp_path, night):
    """Annotations that people made ask nothing."""
    drawn(sandbox, FAR)
    report = push(
        diffgram, predicted(tmp_path, (CAT, FAR)), run="truth", existing=True, annotations=True, human_made=True
    )
    assert (report.exit_code, report.tally.dropped) == (0, {})


WAYS = {
    "append": {"existing": True, "on_existing": "append"},
    "a name that is taken": {"on_existing": "append"},
    "replace-own": {"existing": True, "on_existing": "replace-own"},
}
HAVE_BOTH = [(1, MOVED), (2, B)]  # after the night: what a person makes of the cat, and the dog


def waiting(diffgram, source, **options):
    """A push that is stored and not sent: the server cannot be reached any more once it is planned."""
    with patch.object(type(diffgram._client), "send_packet", side_effect=Unreachable("gone")):
        report = push(diffgram, source, run="next", patience=Patience(failures=1, first_pause_s=0.0), **options)
    assert report.states["queued"][0], report.as_dict()
    return report


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_what_waits_is_compared_with_what_people_decided_meanwhile(sandbox, diffgram, tmp_path, night, options):
    """By resume, and by a push of the same run; the counts say so. It is sent as it was planned where that is asked."""
    source = predicted(tmp_path, (CAT, NEAR_A), (DOG, NEAR_B), NEW)
    waiting(diffgram, source, **options)
    changed(sandbox, A, to=MOVED)
    deleted(sandbox, B)
    report = diffgram.resume("next", patience=QUICK)
    assert (report.exit_code, report.states) == (0, {"applied": (1, 1)}), report.as_dict()
    assert report.tally.dropped == {"people-have-it": 1, "rejected-before": 1}
    assert (report.tally.read, report.tally.kept) == (2, 0)
    assert stored(sandbox) == sorted([(1, MOVED), (2, NEW[1])])


def test_a_packet_of_which_nothing_is_left_has_come_to_its_end(sandbox, diffgram, tmp_path, night):
    """Nothing is sent; the next push of the run finds all of it decided."""
    source = predicted(tmp_path, (CAT, NEAR_A))
    waiting(diffgram, source, existing=True)
    changed(sandbox, A, to=MOVED)
    sent = len(sandbox.inputs())
    report = push(diffgram, source, run="next", existing=True)
    assert (report.exit_code, report.states) == (0, {"applied": (1, 0)}), report.as_dict()
    assert len(sandbox.inputs()) == sent
    assert push(diffgram, source, run="next", existing=True).tally.dropped == {"people-have-it": 1}


def test_what_waits_is_sent_as_it_was_planned_where_that_is_asked_for(sandbox, diffgram, tmp_path, night):
    """As the push that planned it was told."""
    waiting(diffgram, predicted(tmp_path, (CAT, NEAR_A)), existing=True)
    changed(sandbox, A, to=MOVED)
    report = diffgram.resume("next", patience=QUICK, ask_again=True)
    assert (report.exit_code, report.tally.dropped) == (0, {})
    assert (1, NEAR_A) in stored(sandbox)


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("ask_again", [False, True])
def test_a_plan_is_compared_when_it_is_written_and_when_it_is_carried_out(
    sandbox, diffgram, tmp_path, night, options, ask_again
):
    """What people decide in between is left out; boxes read are boxes sent and boxes dropped both times."""
    changed(sandbox, A, to=MOVED)
    source, plan = predicted(tmp_path, (CAT, NEAR_A), (DOG, NEAR_B), NEW), tmp_path / "plan.json"
    report = push(diffgram, source, run="next", plan=plan, **options)
    assert report.tally.dropped == {"people-have-it": 1}
    deleted(sandbox, B)
    report = diffgram.carry_out(read_plan(plan), options=PushOptions(patience=QUICK, ask_again=ask_again))
    assert (report.exit_code, report.tally.dropped) == (0, {} if ask_again else {"rejected-before": 1})
    assert (report.tally.read, report.tally.kept) == (2, 2 if ask_again else 1)
    again = [(2, NEAR_B)] if ask_again else []
    assert stored(sandbox) == sorted([(1, MOVED), (2, NEW[1]), *again])


def test_a_collector_sends_nothing_that_people_decided(sandbox, diffgram, tmp_path, night):
    """Its report counts it; what a collector left on disk is compared when it is sent."""
    changed(sandbox, A, to=MOVED)
    path = tmp_path / "images" / "a.jpg"
    options = replace(OPTIONS, on_existing="append")
    with a_collector(diffgram, run="live", model="m2", options=options, images=tmp_path / "images") as collect:
        collect(a_result(path, (NEAR_A, FAR)))
    assert collect.report.dropped_by_pushes == {"people-have-it": 1}, collect.report
    assert stored(sandbox) == sorted([*HAVE_BOTH, (1, FAR)])


def saved_on_frames(sandbox, changes):
    """People change boxes of a video: frame → what becomes of its box, or None where it is deleted."""
    store, file_id = sandbox._store, sandbox.files()[0]["id"]
    for row in sandbox.boxes("clip.mp4"):
        if row["frame_number"] in changes:
            store.delete_instances([row["id"]])
            chain = {"previous_id": row["id"], "version": 2, "action_type": "edited", "machine_made": False}
            if change := changes[row["frame_number"]]:
                store.add_instances(file_id, [{k: v for k, v in row.items() if k != "id"} | chain | change])


@pytest.mark.parametrize("elsewhere", [False, True], ids=["this outbox", "an empty outbox"])
def test_videos_are_compared_frame_by_frame(sandbox, diffgram, tmp_path, elsewhere):
    """A box moved, one relabelled, one deleted and one drawn, each on a frame of its own; a frame between is new."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clip.mp4").write_bytes(a_video())
    push(diffgram, on_frames(tmp_path / "clips", [0, 5, 9]))
    other = {"label_file_id": diffgram._client.create_label("van", schema_id=1)}
    saved_on_frames(sandbox, {0: {"x_max": 30}, 5: other, 9: None})
    box = {"type": "box", "frame_number": 12, "label_file_id": 1, "machine_made": False, **at((12, 1, 21, 9))}
    sandbox._store.add_instances(sandbox.files()[0]["id"], [box])
    with another(sandbox, tmp_path) if elsewhere else diffgram as sender:
        source = on_frames(tmp_path / "clips", [0, 5, 7, 9, 12])
        report = push(sender, source, model="m2", run="next", existing=True, dry_run=True)
        assert report.tally.dropped == {"people-have-it": 2, "rejected-before": 2}


def test_what_was_left_on_a_completed_video_is_approved(sandbox, diffgram, tmp_path):
    """Frame by frame, as on an image."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clip.mp4").write_bytes(a_video())
    push(diffgram, on_frames(tmp_path / "clips", [0, 5]))
    completed(sandbox, "clip.mp4")
    with another(sandbox, tmp_path) as sender:
        report = push(sender, on_frames(tmp_path / "clips", [0, 7]), run="next", existing=True, dry_run=True)
    assert report.tally.dropped == {"people-have-it": 1}


def detections_of(images, xyxy, **columns):
    """Predictions 'cat' of one image, with further columns."""

    def reader(_, context):
        chunk = Detections.from_counts(
            [context.images.named("a.jpg")], [len(xyxy)], xyxy, [0] * len(xyxy), ["cat"], **columns
        )
        context.tally.count(chunk)
        yield chunk

    made = read(images, images=images)
    return replace(made, format=Format(name="made", summary="", sniff=lambda _: None, read=reader))


def test_outlines_are_compared_by_their_bounds(sandbox, diffgram, tmp_path):
    """All parts of an outline are one object: where people changed one of them, none comes back, and all stay."""
    (tmp_path / "images").mkdir()
    Picture.new("RGB", (100, 80), "grey").save(tmp_path / "images" / "a.jpg")
    parts = [[[10, 10], [30, 10], [30, 30], [10, 30]], [[40, 10], [60, 10], [60, 30], [40, 30]]]

    def outlined(shift):
        polygons = np.empty(1, object)
        polygons[0] = [np.array(part, float) + shift for part in parts]
        return detections_of(tmp_path / "images", [[10 + shift, 10 + shift, 60 + shift, 30 + shift]], polygons=polygons)

    push(diffgram, outlined(0))
    assert [row["type"] for row in sandbox.boxes("a.jpg")] == ["polygon", "polygon"]

    def reshaped(rows):
        points = [*rows[0]["points"][:3], {"x": 12, "y": 28}]
        return [rows[0] | {"points": points, "machine_made": False}, *rows[1:]]

    saved(sandbox, reshaped)
    before = sandbox.boxes("a.jpg")
    for on_existing in ("append", "replace-own"):
        report = push(diffgram, outlined(1), run=f"next {on_existing}", existing=True, on_existing=on_existing)
        assert (report.exit_code, report.tally.dropped) == (0, {"people-have-it": 1}), report.as_dict()
    boxes = detections_of(tmp_path / "images", [[11, 10, 60, 30]])
    assert push(diffgram, boxes, run="boxes", existing=True).tally.dropped == {"people-have-it": 1}
    assert sandbox.boxes("a.jpg") == before


def test_the_preview_shows_what_people_decided(sandbox, diffgram, tmp_path, night, monkeypatch, capsys):
    """Dashed, counted, and not among the boxes to send; new pictures beside it are new."""
    changed(sandbox, A, to=MOVED)
    deleted(sandbox, B)
    predicted(tmp_path, NEW, name="new.jpg")
    predicted(tmp_path, (CAT, NEAR_A), (DOG, NEAR_B), NEW)
    for name, value in (("HOST", sandbox.host), ("PROJECT", sandbox.project), ("CLIENT_ID", sandbox.client_id)):
        monkeypatch.setenv(f"DIFFGRAM_{name}", value)
    monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", sandbox.client_secret)
    page = tmp_path / "preview.html"
    source = [str(tmp_path / "labels"), "--names", "cat,dog", "--images", str(tmp_path / "images")]
    where = ["--directory", "Default", "--outbox", str(diffgram.outbox_path)]
    assert boxferry(["preview", *source, *where, "-o", str(page)]) == 0
    text = page.read_text()
    assert "<dt>to send</dt><dd>2</dd>" in text
    assert sorted(box[0] for box in boxes_of(text)) == ["people-have-it", "rejected-before", "to send", "to send"]
    assert [fate["name"] for fate in data_of(text)["fates"] if fate["dashed"]] == ["people-have-it", "rejected-before"]
    assert "1 box; 2 that people have decided about, dashed" in [image["t"] for image in data_of(text)["images"]]
    assert boxferry(["preview", *source, *where, "-o", str(page), "--same-iou", "1"]) == 0
    assert {box[0] for box in boxes_of(page.read_text())} == {"to send"}
    assert "people-have-it" in capsys.readouterr().err


@pytest.mark.parametrize("when", ["made since", "not ended"])
def test_what_another_sender_brought_since_the_boxes_were_read_was_not_deleted(
    sandbox, diffgram, tmp_path, night, when
):
    """It is not among the boxes that were read, though its input has ended when the inputs are read."""
    push(diffgram, predicted(tmp_path, NEW), run="another's", existing=True)
    record = max(diffgram._client.inputs(file_id=sandbox.files()[0]["id"]), key=lambda each: each.id)
    sandbox._store.delete_instances([sandbox.boxes("a.jpg")[-1]["id"]])
    client, place = diffgram._client, diffgram._client.find_directory("Default")
    source = predicted(tmp_path, NEW)
    facts = {"model": "m", "run": "next"}
    then = {"now": record.created - 9} if when == "made since" else {"unfinished": [record]}
    with patch.multiple(client, **{name: Mock(return_value=value) for name, value in then.items()}):
        planner = make_planner(client, source, place, PushOptions(existing=True, on_existing="append"), **facts)
    assert [entry.boxes for entry in planner.entries()] == [1]
    planner = make_planner(client, source, place, PushOptions(existing=True, on_existing="append"), **facts)
    assert [entry.boxes for entry in planner.entries()] == []
    assert planner.tally.dropped == {"rejected-before": 1}


def test_what_was_retired_can_be_asked_again(sandbox, diffgram, tmp_path, night):
    """retire takes boxes off the server, and says so in its packets; what people deleted before stays deleted."""
    deleted(sandbox, A)
    assert diffgram.retire("r", remove=True).exit_code == 0
    source = predicted(tmp_path, (CAT, NEAR_A), (DOG, NEAR_B))
    report = push(diffgram, source, model="m2", run="next", existing=True, dry_run=True)
    assert report.tally.dropped == {"rejected-before": 1}


@pytest.mark.parametrize(("step", "error"), [("upload", Unreachable), ("claim", OutboxError)], ids=["tried", "never"])
def test_a_file_that_another_sender_made_meanwhile_gets_back_nothing_that_people_deleted(
    sandbox, diffgram, tmp_path, step, error
):
    """The upload waited; the same run came from another machine, and people have looked at it."""
    source = predicted(tmp_path, (CAT, A), (DOG, B))
    owner, name = (type(diffgram._client), "upload") if step == "upload" else (type(diffgram.outbox), "claim")
    with patch.object(owner, name, side_effect=error("gone")):
        push(diffgram, source, patience=Patience(failures=1, first_pause_s=0.0))
    with another(sandbox, tmp_path) as other:
        push(other, predicted(tmp_path, (CAT, A)))
    deleted(sandbox, A)
    report = diffgram.resume("r", patience=QUICK)
    assert (report.exit_code, stored(sandbox)) == (0, [(2, B)]), report.as_dict()
    report = diffgram.resume("r", patience=QUICK, verify=True)
    assert (report.exit_code, stored(sandbox)) == (0, [(2, B)]), report.as_dict()
