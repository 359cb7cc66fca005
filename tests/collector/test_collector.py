"""The collector: results of an inference loop go out in the background, whatever happens; the loop notices nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace as Thing
from unittest.mock import patch

import numpy as np

import processes
from boxferry import Diffgram
from boxferry.boxes.labels import classes_in
from boxferry.collector import collecting as pushed_by
from boxferry.collector.disk_queue import DiskQueue
from boxferry.diffgram.settings import Credentials
from boxferry.sandbox.server import Sandbox
from collector.collecting import a_collector, a_result, wait_until
from sending.pushing import boxes_in, server_of
from videos import a_video


def test_results_arrive_while_the_loop_goes_on(sandbox, diffgram, images):
    """Each image is a file with its boxes; leaving the context waits for them; nothing waits on the disk."""
    with a_collector(diffgram) as collect:
        for path in images:
            collect(a_result(path))
            time.sleep(0.06)
    assert collect.report.ok, collect.report.summary()
    assert (collect.report.images, collect.report.boxes, collect.report.waiting) == (5, 5, [])
    assert len(collect.report.pushes) > 1
    assert [boxes_in(sandbox, path.name) for path in images] == [[(40, 30, 60, 50)]] * 5


def test_the_ultralytics_callback_hands_over_a_batch(sandbox, diffgram, images):
    """model.add_callback("on_predict_batch_end", collect.ultralytics_batch)."""
    with a_collector(diffgram) as collect:
        collect.ultralytics_batch(Thing(results=[a_result(path) for path in images]))
        collect.ultralytics_batch(Thing(results=None))
    assert collect.report.ok
    assert len(sandbox.files()) == 5


def test_the_validators_results_are_taken_at_its_end(sandbox, diffgram, images):
    """By the names of the classes, whatever ids the validation writes; without results it is said and stops nothing."""
    item = {"category_id": 17, "bbox": [40, 30, 20, 20], "score": 0.5}
    validator = Thing(names={0: "person", 1: "cat"}, class_map=[1, 17], jdict=[item | {"file_name": "1.jpg"}])
    with a_collector(diffgram, images=images[0].parent) as collect:
        collect.ultralytics_validation(validator)
        collect.ultralytics_validation(Thing(names={}, jdict=[]))
        collect.ultralytics_validation(Thing(names={0: "cat"}, class_map=[17], jdict=[item]))
    assert boxes_in(sandbox, "1.jpg") == [(40, 30, 60, 50)]
    assert list(diffgram.labels()) == ["cat"]
    assert collect.report.lost == {"unusable": 2}
    assert "save_json=True" in collect.report.problems[0]


def test_results_without_a_name_are_given_one(sandbox, diffgram, images):
    """torchvision and others do not know their image."""
    with a_collector(diffgram, names=["cat", "dog"], images=images[0].parent) as collect:
        collect({"boxes": np.array([[1.0, 2, 30, 40]]), "labels": [1], "scores": [0.5]}, "3.jpg")
    assert collect.report.ok, collect.report.summary()
    assert boxes_in(sandbox, "3.jpg") == [(1, 2, 30, 40)]


def test_what_is_no_result_is_counted_and_stops_nothing(sandbox, diffgram, images):
    """The loop goes on, the others arrive, the report says what it was."""
    with a_collector(diffgram) as collect:
        for value in (3, None, {"boxes": "x"}, a_result(images[0])):
            collect(value)
    assert collect.report.lost == {"unusable": 3}
    assert not collect.report.ok
    assert "no format recognises it" in collect.report.problems[0]
    assert len(sandbox.files()) == 1


def test_without_the_server_results_wait_and_the_next_collector_sends_them(tmp_path, images):
    """Nothing is raised; nothing is lost; nothing is doubled."""
    with Sandbox(tmp_path / "sandbox") as sandbox:
        server, port = server_of(sandbox), int(sandbox.host.rpartition(":")[2])
    outbox = tmp_path / "outbox.sqlite"
    with Diffgram(server, outbox=outbox) as diffgram, a_collector(diffgram) as collect:
        for path in images[:3]:
            collect(a_result(path))
    assert not collect.report.ok
    assert "cannot be reached" in collect.report.problems[0]
    assert collect.report.waiting
    with (
        Sandbox(tmp_path / "sandbox", port=port) as sandbox,
        Diffgram(server, outbox=outbox) as diffgram,
        a_collector(diffgram) as collect,
    ):
        collect(a_result(images[3]))
        collect(a_result(images[0]))
        collect.__exit__()  # the sandbox is needed for a look
        assert collect.report.waiting == []
        assert [boxes_in(sandbox, path.name) for path in images[:4]] == [[(40, 30, 60, 50)]] * 4


def test_a_wrong_secret_reaches_the_report_and_not_the_loop(sandbox, tmp_path, images):
    """Labelling is down; inference is not."""
    wrong = Diffgram(server_of(sandbox, credentials=Credentials("i", "wrong")), outbox=tmp_path / "outbox.sqlite")
    with wrong, a_collector(wrong) as collect:
        collect(a_result(images[0]))
    assert any("does not let us in" in problem for problem in collect.report.problems)
    assert collect.report.waiting


def test_a_full_queue_is_counted_and_never_waited_for(sandbox, diffgram, images, monkeypatch):
    """The loop is faster than the disk: what does not fit is lost, and said, with its boxes."""
    go_on = threading.Event()
    add = DiskQueue.add
    monkeypatch.setattr(DiskQueue, "add", lambda self, group: (go_on.wait(10), add(self, group)))
    with a_collector(diffgram, waiting=1) as collect:
        started = time.monotonic()
        for path in images:
            collect(a_result(path))
            time.sleep(0.02)
        assert time.monotonic() - started < 5
        go_on.set()
    report = collect.report
    assert not report.ok
    assert report.lost["queue-full"] == report.dropped["queue-full"] >= 2
    assert (report.images, report.boxes) == (5, 5)
    assert len(sandbox.files()) == 5 - report.lost["queue-full"]


def test_a_full_disk_is_counted(sandbox, diffgram, images, monkeypatch):
    """Not a traceback in a thread."""

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, a_collector(diffgram) as collect:
        patched.setattr(os, "write", full)
        collect(a_result(images[0]))
        wait_until(lambda: collect.report.lost)
    assert collect.report.lost == collect.report.dropped == {"not-kept": 1}
    assert not collect.report.ok
    assert "No space left" in collect.report.problems[0]


def test_the_frames_of_a_video_are_one_packet(sandbox, diffgram, tmp_path):
    """Handed over one by one; an empty frame counts."""
    (tmp_path / "clip.mp4").write_bytes(a_video(width=100, height=80))
    with a_collector(diffgram) as collect:
        for corners in ([(1, 1, 9, 9)], np.zeros((0, 4)), [(2, 2, 9, 9)]):
            collect(a_result(tmp_path / "clip.mp4", corners))
    assert collect.report.ok, collect.report.summary()
    assert sorted(box["frame_number"] for box in sandbox.boxes("clip.mp4")) == [0, 2]


def main(host, outbox, paths):
    """A loop that is killed, before a push of what it took has come to its end."""
    sandbox = Thing(host=host, project="sandbox", client_id="LIVE__sandbox", client_secret="sandbox-secret")
    with (
        patch.object(pushed_by, "push", lambda *_, **__: time.sleep(60)),
        Diffgram(server_of(sandbox), outbox=outbox) as diffgram,
        a_collector(diffgram, every_s=30.0) as collect,
    ):
        for path in paths:
            collect(a_result(path))
        time.sleep(0.3)
        sys.stdout.write("taken\n")
        sys.stdout.flush()
        time.sleep(30)


def test_what_was_taken_survives_the_process(sandbox, diffgram, tmp_path, images):
    """Killed with SIGKILL after the results were taken, before any push: the next collector sends them."""
    arguments = json.dumps([sandbox.host, str(tmp_path / "outbox.sqlite"), [str(path) for path in images]])
    code = "import json, sys; from collector.test_collector import main; main(*json.loads(sys.argv[1]))"
    with processes.Process(code, arguments, stdout=subprocess.PIPE, needs=("collector.test_collector",)) as loop:
        assert loop.stdout.readline() == "taken\n"
        loop.send_signal(signal.SIGKILL)
    assert sandbox.files() == []
    with a_collector(diffgram) as collect:
        pass
    assert collect.report.waiting == []
    assert len(sandbox.files()) == 5


def test_the_class_ids_of_results_go_along(sandbox, diffgram, images):
    """As the results or whoever made the collector say them, so that corrections come home under them."""
    with a_collector(diffgram) as collect:
        collect(a_result(images[0]))
        collect(a_result(images[1]))
    assert classes_in(diffgram.outbox.find_run("r").classes) == {0: "cat", 1: "dog"}
    with a_collector(diffgram, run="named", names=["cat", "dog", "cow"]) as collect:
        collect(a_result(images[2]))
    assert classes_in(diffgram.outbox.find_run("named").classes) == {0: "cat", 1: "dog", 2: "cow"}


def test_only_the_images_that_are_to_be_kept_are_sent(sandbox, diffgram, images):
    """The others are counted with their boxes."""
    with a_collector(
        diffgram, keep=lambda image, boxes: image.key.endswith(images[0].name) and len(boxes) == 1
    ) as collect:
        for path in images:
            collect(a_result(path))
    assert collect.report.ok, collect.report.summary()
    assert (collect.report.boxes, collect.report.dropped) == (5, {"not-chosen": 4})
    assert [file["original_filename"] for file in sandbox.files()] == [images[0].name]
    assert repr(collect).startswith("<Collector: m/r to Default, 5 images")
