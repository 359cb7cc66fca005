"""The wire contract: what costs a server its workers. A live run leaves these out unless BOXFERRY_LIVE_HARM=1.

They run last, since a server of which four workers have died applies nothing more until it is started again. What
exactly becomes of such a packet differs from server to server (it fails, it succeeds, it is worked on for good), and
each test accepts all of these; what it holds to is that nothing of the packet is stored.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract.wire import broken, picture, unique
from videos import a_video

pytestmark = pytest.mark.harm


def a_long_name():
    """251 characters, and what they begin with."""
    stem = unique("long", "")
    return stem + "x" * (247 - len(stem)) + ".png", stem


def end_of(wire, batch_id, count=1):
    """What became of a batch: the states of its inputs, once all have ended or the time for harm is up."""
    try:
        return sorted(record["status"] for record in wire.outcomes(batch_id, count, wire.harm_s))
    except AssertionError:
        return sorted(record["status"] for record in wire.inputs(batch_id=batch_id))


def sent(wire, **body):
    """Send a packet that can harm; its end, and whether it was accepted at all."""
    batch_id = wire.batch()
    if broken(lambda: wire.packet({"batch_id": batch_id, **body})):
        return ["broken"]
    return end_of(wire, batch_id)


POISON = {"score-text": {"score": "high"}, "label-true": {"label_file_id": True}, "huge": {"x_max": 2**40}}


@pytest.mark.parametrize("changes", POISON.values(), ids=POISON)
def test_a_box_that_the_database_refuses_stores_nothing(harmed, changes):
    """The input succeeds all the same, or fails, or is 'processing' for good with its worker dead: all were seen. So a
    success does not prove that boxes are there."""
    file_id = harmed.new_file()
    end = sent(harmed, file_id=file_id, mode="update", instance_list=[harmed.box(**changes)])
    assert end in (["success"], ["failed"], ["processing"], ["broken"])
    assert harmed.boxes(file_id) == []


def test_a_name_over_250_characters_makes_no_file(harmed):
    """By URL the input is 'processing' for good, or fails."""
    name, stem = a_long_name()
    media = {"url": harmed.media(), "type": "image"}
    end = sent(harmed, media=media, original_filename=name, directory_id=harmed.directory_id)
    assert end in (["failed"], ["processing"], ["init"], ["broken"])
    assert harmed.files(search_term=stem)["file_list"] == []


def test_an_upload_with_a_name_over_250_characters_makes_no_file(harmed):
    """The answer is broken, or a refusal."""
    name, stem = a_long_name()
    assert broken(lambda: harmed.upload(name, picture()))
    assert harmed.files(search_term=stem)["file_list"] == []


@pytest.mark.parametrize("data", [b"this is no video", a_video()[:900]], ids=["no-video", "cut-in-half"])
def test_a_clip_that_cannot_be_read_makes_nothing_of_its_boxes(harmed, data):
    """It fails, or is worked on for good."""
    name = unique("unreadable", ".mp4")
    media = {"url": harmed.media(data, name=name), "type": "video"}
    frames = {"0": [harmed.box()]}
    body = {"media": media, "original_filename": name, "directory_id": harmed.directory_id, "frame_packet_map": frames}
    end = sent(harmed, **body)
    assert end != ["success"]
    assert set(end) <= {"failed", "processing", "processing_frames_in_queue", "init"}


def test_packets_that_bring_a_new_run_together_store_all_of_their_boxes_or_none(harmed):
    """The server's workers get in each other's way over the rows of the model and the run: a packet ends with all of
    its boxes, or is 'processing' for good with none. How many do is a matter of luck; one at least is applied."""
    files, batch_id = [harmed.new_file() for _ in range(8)], harmed.batch()
    run = {"model_ref": unique("model", ""), "model_run_ref": unique("run", "")}

    def update(file_id):
        box = harmed.box(**run)
        harmed.packet({"file_id": file_id, "mode": "update", "instance_list": [box], "batch_id": batch_id})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(update, files))
    ends = end_of(harmed, batch_id, len(files))
    assert set(ends) <= {"success", "processing", "failed", "init"}
    stored = [len(harmed.boxes(file_id)) for file_id in files]
    assert set(stored) <= {0, 1}
    assert sum(stored) == ends.count("success") >= 1


def test_a_run_that_is_known_loses_nothing(harmed):
    """After one packet of the run was applied, any number of them go together."""
    run = {"model_ref": unique("model", ""), "model_run_ref": unique("run", "")}
    harmed.update(harmed.new_file(), [harmed.box(**run)])
    files, batch_id = [harmed.new_file() for _ in range(8)], harmed.batch()
    body = {"mode": "update", "instance_list": [harmed.box(**run)], "batch_id": batch_id}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda file_id: harmed.packet(body | {"file_id": file_id}), files))
    assert [record["status"] for record in harmed.outcomes(batch_id, len(files))] == ["success"] * 8
    assert [len(harmed.boxes(file_id)) for file_id in files] == [1] * 8


def test_with_its_workers_dead_a_server_accepts_everything_and_applies_nothing(mortal):
    """Of the sandbox only: a live server would have to be started again. What waits is listed as not ended."""
    files = [mortal.new_file() for _ in range(6)]
    for file_id in files[:4]:
        mortal.packet({"file_id": file_id, "mode": "update", "instance_list": [mortal.box(score="high")]})
    time.sleep(0.3)
    for file_id in files[4:]:
        answer = mortal.packet({"file_id": file_id, "mode": "update", "instance_list": [mortal.box()]})
        assert answer.status_code == 200
    time.sleep(0.3)
    waiting = {record["file_id"]: record["status"] for record in mortal.inputs(status_filter="Processing")}
    assert waiting == dict.fromkeys(files[:4], "processing") | dict.fromkeys(files[4:], "init")
    assert [len(mortal.boxes(file_id)) for file_id in files] == [0] * 6
