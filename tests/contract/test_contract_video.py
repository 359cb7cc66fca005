"""Videos: frames, sequences, what is lost without a word, and how long ones are split."""

import json
import time

import pytest

from contract.wire import unique
from videos import a_video

IN_QUEUE = ("pushing_frames_into_processing_queue", "processing_frames_in_queue")


@pytest.fixture(scope="module")
def short():
    """3 seconds at 10 frames a second, 64x48."""
    return a_video()


def new_video(wire, data, frames=None, *, name=None, **body):
    """A video that the server fetches; gives its input and its name."""
    name = name or unique("clip", ".mp4")
    body |= {"frame_packet_map": frames} if frames is not None else {}
    media = {"url": wire.media(data, name=name), "type": "video"}
    return wire.new_media(media=media, original_filename=name, **body), name


def boxes_by_frame(wire, file_id, start=0, end=30):
    """What is on the frames, by frame number."""
    path = f"/api/project/{{p}}/video/{file_id}/instance/buffer/start/{start}/end/{end}/list"
    found = wire.post(path, {"directory_id": wire.directory_id}).json()["instance_buffer_dict"]
    return {int(frame): boxes for frame, boxes in found.items() if boxes}


def updated(wire, file_id, frames, mode="update"):
    """The input of an update of a video."""
    body = {"directory_id": wire.directory_id} if mode != "update" else {}
    return wire.outcome(file_id=file_id, mode=mode, frame_packet_map=frames, **body)


def test_boxes_come_back_at_the_frames_sent(wire, short):
    """Counted from 0; label and number make a sequence; a box needs no frame_number; without a number it has none."""
    frames = {"0": [wire.box(number=4)], "5": [wire.box(x_min=3, number=4), wire.box(x_min=9)], "7": []}
    record, _ = new_video(wire, short, frames)
    assert record["status"] == "success"
    found = boxes_by_frame(wire, record["file_id"])
    assert sorted(found) == [0, 5]
    assert [(box["x_min"], box["number"]) for box in found[5]] == [(3, 4), (9, None)]


def test_a_video_tells_its_size_rate_and_frames(wire, short):
    """In file/view; the file list knows its kind."""
    record, name = new_video(wire, short)
    video = wire.file(record["file_id"])["video"]
    assert (video["width"], video["height"], video["frame_count"]) == (64, 48, 30)
    assert round(video["frame_rate"]) == 10
    (listed,) = [file for file in wire.files()["file_list"] if file["original_filename"] == name]
    assert listed["type"] == "video"


def test_a_frame_past_the_end_is_a_success_without_the_box(wire, short):
    """It is nowhere to be found."""
    record, _ = new_video(wire, short, {"0": [wire.box()], "500": [wire.box()]})
    assert record["status"] == "success"
    assert sorted(boxes_by_frame(wire, record["file_id"], 0, 900)) == [0]


def test_a_float_is_refused_with_its_frame(wire, short):
    """The status text points to the update log, which names the frame. The status is 'failed' or 'success': both were
    seen of one packet, so the log is what counts."""
    record, _ = new_video(wire, short, {"6": [wire.box(x_min=1.5)]})
    assert record["status_text"] == "See Update Log"
    assert log_of(record)["error"] == {"Frame 6": {"x_min": "Must be an int"}}


@pytest.mark.parametrize(("mode", "third"), [("update", [1, 9]), ("update_with_existing", [9])])
def test_an_update_of_a_video_adds_or_replaces_frame_by_frame(wire, short, mode, third):
    """update_with_existing deletes what the frames that it names held; others stay as they are."""
    record, _ = new_video(wire, short, {"0": [wire.box()], "3": [wire.box()]})
    assert updated(wire, record["file_id"], {"3": [wire.box(x_min=9)]}, mode)["status"] == "success"
    found = boxes_by_frame(wire, record["file_id"])
    there = {
        frame: sorted(box["x_min"] for box in boxes if not box.get("soft_delete")) for frame, boxes in found.items()
    }
    assert there == {0: [1], 3: third}


def test_a_replaced_box_of_a_video_is_still_listed(wire, short):
    """With soft_delete true."""
    record, _ = new_video(wire, short, {"3": [wire.box()]})
    updated(wire, record["file_id"], {"3": [wire.box(x_min=9)]}, "update_with_existing")
    found = boxes_by_frame(wire, record["file_id"])[3]
    assert {box["x_min"]: bool(box["soft_delete"]) for box in found} == {1: True, 9: False}


def test_an_update_of_a_video_needs_frames(wire, short):
    """Without it fails."""
    record, _ = new_video(wire, short, {"0": [wire.box()]})
    assert wire.outcome(file_id=record["file_id"], mode="update")["status"] == "failed"


def test_an_upload_of_a_video_is_answered_before_its_end(wire, short):
    """200 with a status about a queue, 60 percent, which is no end: 'success' comes later, with all boxes. A quick
    server can have ended by then, and answers 'success'."""
    name = unique("clip", ".mp4")
    answer = wire.upload(name, short, {"frame_packet_map": {"0": [wire.box(number=1)], "5": [wire.box(number=1)]}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["input"]["status"] in {*IN_QUEUE, "success"}
    record = later(wire, answer.json()["input"]["id"], lambda record: record["status"] == "success")
    assert sorted(boxes_by_frame(wire, record["file_id"])) == [0, 5]


def test_an_upload_of_a_video_with_a_bad_frame_is_told_by_its_log(wire, short):
    """Its status comes and goes: 'failed' at once and 'success' seconds later, and 'success' with a clean log at once
    that turns to 'failed' seconds later, were both seen. So no status of a video is final before its frames are stored,
    and the log is what counts: 'See Update Log', the frame by name. The good frames are stored, the bad one is not."""
    frames = {"0": [wire.box(number=1)], "6": [wire.box(x_min=1.5, number=1)]}
    answer = wire.upload(unique("clip", ".mp4"), short, {"frame_packet_map": frames})
    assert answer.status_code == 200, answer.text
    record = later(wire, answer.json()["input"]["id"], lambda record: log_of(record).get("error"))
    assert record["status_text"] == "See Update Log"
    assert sorted(log_of(record)["error"]) == ["Frame 6"]
    later(wire, record["id"], lambda record: boxes_by_frame(wire, record["file_id"]))
    assert sorted(boxes_by_frame(wire, record["file_id"])) == [0]


def later(wire, input_id, ready):
    """An input, once it is as it should be."""
    deadline = time.monotonic() + wire.patience_s
    while time.monotonic() < deadline:
        record = wire.post(f"/api/walrus/v1/project/{{p}}/input/view/{input_id}").json()["input"]
        if ready(record):
            return record
        time.sleep(0.5 if wire.live else 0.02)
    raise AssertionError(f"it is {record['status']}: {record['status_text']}")


def log_of(record):
    """The update log, which comes as an object or as its text."""
    log = record["update_log"]
    return (json.loads(log) if isinstance(log, str) else log) or {}


def test_one_input_shows_its_frames(wire, short):
    """The list does not; input/view does."""
    record, _ = new_video(wire, short, {"2": [wire.box()]})
    shown = wire.post(f"/api/walrus/v1/project/{{p}}/input/view/{record['id']}").json()["input"]
    assert list(shown["frame_packet_map"]) == ["2"]


def children(wire, parent, count):
    """The inputs of the clips that a long video was split into, once they are there and have ended.

    A server was seen to begin one clip more, past the end, which fails and makes no file: it is left out.
    """
    deadline = time.monotonic() + wire.patience_s
    while time.monotonic() < deadline:
        found = [i for i in wire.inputs() if i.get("parent_input_id") == parent["id"]]
        made = [i for i in found if i["status"] == "success"]
        if len(made) >= count and all(i["status"] in {"success", "failed"} for i in found):
            return sorted(made, key=lambda i: i["original_filename"])
        time.sleep(0.5 if wire.live else 0.02)
    raise AssertionError(f"of {count} clips these have ended: {found}")


def test_a_long_video_is_split_and_its_frames_are_spread(wire):
    """At 30 s; clips are inputs of their own, without a batch; the whole has no file; frames begin at 0 in each."""
    record, name = new_video(wire, a_video(frames=325, rate=5), {"0": [wire.box()], "160": [wire.box(number=2)]})
    assert (record["status"], record["file_id"]) == ("success", None)
    clips = {clip["original_filename"]: clip for clip in children(wire, record, 3)}
    assert sorted(clips) == sorted(f"{start}_{name}" for start in (0, 30, 60))
    assert all(clip["batch_id"] is None for clip in clips.values())
    assert sorted(boxes_by_frame(wire, clips[f"30_{name}"]["file_id"])) == [10]


def test_the_split_can_be_chosen(wire, short):
    """In seconds, from 2."""
    record, name = new_video(wire, short, video_split_duration=2)
    assert [clip["original_filename"] for clip in children(wire, record, 2)] == [f"0_{name}", f"2_{name}"]
