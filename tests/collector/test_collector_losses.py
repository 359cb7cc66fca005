"""What a collector is given is sent, or on disk, or counted with a reason: whatever is slow, full or forked."""

import os
import threading
import time

import numpy as np
import pytest

from boxferry import Diffgram, PushOptions
from boxferry.boxes.tally import Tally
from boxferry.collector import disk_queue, keeper
from boxferry.collector.collector import Collector
from boxferry.collector.disk_queue import DiskQueue, claims
from boxferry.collector.disk_queue_format import DiskQueueHead
from boxferry.collector.disk_queue_push import DiskQueuePush, Doing
from boxferry.collector.keeper import Keeper
from boxferry.deliver.report import PushResult
from boxferry.errors import Unreachable, UsageError
from boxferry.plugins import plugin_manager
from boxferry.sandbox.faults import Faults, FaultyWire
from collector.collecting import (
    OPTIONS,
    SLOW,
    a_collector,
    a_result,
    many_images,
    on_disk,
    through_a_process,
    wait_until,
)
from sending.pushing import boxes_in, server_of
from videos import a_video

ONE_BOX = [(40, 30, 60, 50)]


@pytest.fixture
def slow(sandbox, tmp_path):
    """The project behind a wire on which each answer takes its time."""
    with (
        FaultyWire(sandbox.host, Faults(delay=1.0, delay_s=0.08)) as wire,
        Diffgram(server_of(sandbox, host=wire.host), outbox=tmp_path / "outbox.sqlite") as diffgram,
    ):
        yield diffgram


def names_of(sandbox):
    return sorted(file["original_filename"] for file in sandbox.files())


def test_a_slow_server_never_fills_the_queue(sandbox, slow, tmp_path, monkeypatch):
    """Many times more images than the queue has places for come while one push is under way: all of them arrive."""
    go_on, push = threading.Event(), DiskQueuePush._push
    monkeypatch.setattr(DiskQueuePush, "_push", lambda *given: go_on.wait(60) and push(*given))
    paths = many_images(tmp_path / "many", 90)
    with a_collector(slow, waiting=20, options=SLOW) as collect:
        for path in paths:
            collect(a_result(path))
            wait_until(lambda: collect._threads[0]._held < 10)
        go_on.set()
    assert collect.report.lost == {}
    assert collect.report.ok, collect.report.summary()
    assert collect.report.images == len(paths)
    assert names_of(sandbox) == [path.name for path in paths]
    assert len(collect.report.pushes) < 20, "what came meanwhile goes together"


def test_leaving_takes_one_deadline_and_the_rest_waits(sandbox, slow, tmp_path):
    """What was not sent by then is on disk, and counted as waiting; `resume` sends it, and nothing twice."""
    paths = many_images(tmp_path / "many", 60)
    started = time.monotonic()
    with a_collector(slow, every_s=30.0, close_s=0.5, options=SLOW) as collect:
        for path in paths:
            collect(a_result(path))
        started = time.monotonic()
    assert time.monotonic() - started < 2.0
    report = collect.report
    assert not report.ok
    assert (report.images, report.lost) == (60, {})
    waiting, _ = on_disk(slow)
    assert report.waiting_images == len(waiting) > 0
    assert set(names_of(sandbox)) | set(waiting) == {path.name for path in paths}
    wait_until(lambda: not any(t.name == "boxferry-pusher" and t.is_alive() for t in threading.enumerate()), 30)
    done = slow.resume("r", patience=SLOW.patience)
    assert done.exit_code == 0, done.summary()
    found = {path.name: boxes_in(sandbox, path.name) for path in paths}
    assert {name: boxes for name, boxes in found.items() if boxes != ONE_BOX} == {}, done.summary()
    assert slow.waiting() == []


def test_what_was_taken_during_the_last_push_can_be_sent_by_whoever_comes_next(tmp_path):
    """Its file is closed, although the time was over before it could be pushed."""
    pushing, go_on = threading.Event(), threading.Event()

    def push(*_):
        pushing.set()
        go_on.wait(20)
        raise Unreachable("no server here")

    times = iter([0.0])  # the second reading is after the deadline
    collect = Collector(
        tmp_path / "spool", DiskQueueHead(), Doing(push), options={}, every_s=0.01, clock=lambda: next(times, 1000.0)
    )
    with collect:
        collect(a_result("1.jpg"))
        assert pushing.wait(10)
        collect(a_result("2.jpg"))
    assert collect.report.waiting_images == 2
    assert [b"2.jpg" in path.read_bytes() for path in claims(tmp_path / "spool", set())] == [True]
    go_on.set()


def test_leaving_sends_all_before_it_waits_for_the_end_of_any(tmp_path, monkeypatch):
    """A packet that a killed process left may take longer than there is time; what waits behind it would stay here."""
    monkeypatch.setattr(disk_queue, "LARGEST_FILE", 1)
    closing, sent, waited = threading.Event(), [], []

    def push(predictions, wait_s):
        if not closing.is_set():
            raise Unreachable("no server yet")
        sent.extend(predictions.collect().images)
        time.sleep(wait_s)
        return PushResult(tally=Tally(), run=None, outbox="")

    doing = Doing(push, go_on=waited.append)
    collect = Collector(tmp_path / "spool", DiskQueueHead(), doing, options={}, every_s=30.0, close_s=0.5)
    with collect:
        for number in range(4):
            collect(a_result(f"{number}.jpg"))
        closing.set()
    assert {image.key for image in sent} == {f"{number}.jpg" for number in range(4)}
    assert collect.report.waiting_images == 0
    assert max(waited) > 0


def test_ctrl_c_while_leaving_ends_the_waiting_and_loses_nothing(sandbox, slow, tmp_path, monkeypatch):
    """The interrupt goes on to the program; what was in memory is on disk, and counted as waiting."""
    close = Keeper.close
    interrupts = [KeyboardInterrupt]

    def interrupted(keeper, **given):
        if interrupts:
            raise interrupts.pop()
        close(keeper, **given)

    monkeypatch.setattr(Keeper, "close", interrupted)
    collect = a_collector(slow, every_s=30.0, options=SLOW)
    paths = many_images(tmp_path / "many", 30)
    collect.__enter__()
    time.sleep(0.1)
    for path in paths:
        collect(a_result(path))
    with pytest.raises(KeyboardInterrupt):
        collect.__exit__()
    assert (collect.report.waiting_images, collect.report.lost) == (30, {})
    assert on_disk(slow)[0] == [path.name for path in paths]


def test_little_room_is_enough_for_a_disk_that_is_fast(sandbox, diffgram, tmp_path, monkeypatch):
    """Results are gathered for the disk only as long as there is room for more, however long they might be."""
    monkeypatch.setattr(keeper, "GATHERING_S", 60.0)
    with a_collector(diffgram, waiting=6, every_s=30.0) as collect:
        for path in many_images(tmp_path / "some", 30):
            wait_until(lambda: collect._threads[0]._held < 6)
            collect(a_result(path))
    assert collect.report.ok, collect.report.summary()


def test_one_bad_result_counts_once_whatever_it_holds(sandbox, diffgram, images):
    """Also where it looks like several itself."""
    with a_collector(diffgram) as collect:
        collect(a_result(images[0]))
        collect([a_result(images[1]), {"x": 1, "y": 2}])
    assert collect.report.lost == {"unusable": 1}
    assert names_of(sandbox) == ["0.jpg", "1.jpg"]


def test_a_video_is_kept_although_the_queue_is_full(sandbox, diffgram, tmp_path, images, monkeypatch):
    """Each frame: one that is left out would move those after it."""
    (tmp_path / "clip.mp4").write_bytes(a_video(width=100, height=80))
    go_on, add = threading.Event(), DiskQueue.add
    monkeypatch.setattr(DiskQueue, "add", lambda self, group: (go_on.wait(10), add(self, group)))
    with a_collector(diffgram, waiting=1) as collect:
        collect(a_result(images[0]))
        for _ in range(3):
            collect(a_result(tmp_path / "clip.mp4"))
        assert collect.report.ok, collect.report.summary()
        collect([a_result(images[1]), a_result(tmp_path / "clip.mp4")])
        threading.Timer(0.3, go_on.set).start()
    assert names_of(sandbox) == ["0.jpg", "clip.mp4"]
    assert [box["frame_number"] for box in sandbox.boxes("clip.mp4")] == [0, 1, 2, 3]
    assert (collect.report.lost, collect.report.images, collect.report.boxes) == ({"queue-full": 1}, 6, 6)
    assert collect.report.dropped == {"queue-full": 1}


def test_frames_come_in_their_order_although_one_has_no_boxes(sandbox, diffgram, tmp_path):
    """A pipeline of Hugging Face gives an empty list then, which looks like no other result."""
    (tmp_path / "clip.mp4").write_bytes(a_video(width=100, height=80))
    box = {"label": "cat", "score": 0.5, "box": {"xmin": 1, "ymin": 1, "xmax": 9, "ymax": 9}}
    with a_collector(diffgram) as collect:
        for frame in ([], [box], [box], [], [box], a_result(tmp_path / "clip.mp4"), [box]):
            collect(frame, tmp_path / "clip.mp4")
    assert collect.report.ok, collect.report.summary()
    assert sorted(each["frame_number"] for each in sandbox.boxes("clip.mp4")) == [1, 2, 4, 5, 6]


def test_a_disk_that_hangs_costs_the_deadline_and_each_image_is_counted(sandbox, diffgram, images, monkeypatch):
    """What is neither on disk nor sent is lost, and never ok."""
    go_on, write = threading.Event(), os.write
    with a_collector(diffgram, close_s=0.3) as collect:
        monkeypatch.setattr(os, "write", lambda *given: (go_on.wait(10), write(*given))[1])
        for path in images:
            collect(a_result(path))
        started = time.monotonic()
    assert time.monotonic() - started < 2.0
    go_on.set()
    assert collect.report.lost == collect.report.dropped == {"not-kept": 5}
    assert (collect.report.images, collect.report.boxes) == (5, 5)
    assert not collect.report.ok


def test_outside_its_context_the_first_call_is_an_error(sandbox, diffgram, images):
    """Nothing would ever be sent: before the context is entered, and after it was left."""
    collect = a_collector(diffgram)
    with pytest.raises(UsageError, match="with"):
        collect(a_result(images[0]))
    assert collect.report.lost == {"outside": 1}
    assert not collect.report.ok
    with collect:
        collect(a_result(images[1]))
    with pytest.raises(UsageError, match="with"):
        collect(a_result(images[2]))
    assert collect.report.lost == {"outside": 2}
    assert names_of(sandbox) == ["1.jpg"]


def test_a_context_can_be_entered_again_but_not_twice_at_once(sandbox, diffgram, images):
    """The numbers go on."""
    collect = a_collector(diffgram)
    for path in images[:2]:
        with collect:
            collect(a_result(path))
            with pytest.raises(UsageError, match="already open"):
                collect.__enter__()
    assert collect.report.ok, collect.report.summary()
    assert collect.report.images == 2
    assert names_of(sandbox) == ["0.jpg", "1.jpg"]


def test_options_that_would_send_nothing_are_refused(diffgram, tmp_path):
    """A plan or a dry run inside a collector would take results and send none of them."""
    for options in (PushOptions(dry_run=True), PushOptions(plan=tmp_path / "plan.json")):
        with pytest.raises(UsageError, match="dry_run"):
            a_collector(diffgram, options=options)
    with pytest.raises(UsageError, match="min_score"):
        a_collector(diffgram, min_score=3)


def test_columns_of_different_length_are_unusable_with_both_lengths(sandbox, diffgram, images):
    """Never "0 boxes read"; the image beside it is taken."""
    with a_collector(diffgram, names=["cat"]) as collect:
        collect({"boxes": np.array([[1.0, 2, 30, 40], [5, 5, 9, 9]]), "labels": [], "scores": [0.5, 0.5]}, images[0])
        collect({"boxes": np.array([[1.0, 2, 30, 40]]), "labels": [0], "scores": [0.5]}, images[1])
    assert collect.report.lost == {"unusable": 1}
    assert "2 boxes, 0 labels" in collect.report.problems[0]
    assert names_of(sandbox) == ["1.jpg"]


def test_one_bad_result_of_several_costs_itself(sandbox, diffgram, images):
    """In a list, and in a dict; the others are taken."""
    bad = a_result(images[1])
    bad.boxes.conf = np.zeros(7)
    with a_collector(diffgram) as collect:
        collect([a_result(images[0]), bad, a_result(images[2])])
        collect({str(images[3]): a_result(images[3]), "1.jpg": bad})
        collect(result for result in (a_result(images[4]), bad))
    assert collect.report.lost == {"unusable": 3}
    assert names_of(sandbox) == ["0.jpg", "2.jpg", "3.jpg", "4.jpg"]


def test_one_name_that_no_line_can_hold_costs_its_own_image(sandbox, diffgram, images):
    """Results of several calls are read and written together."""
    odd = a_result("odd \udcff.jpg")
    with a_collector(diffgram) as collect:
        for result in (a_result(images[0]), a_result(images[1]), odd, a_result(images[2])):
            collect(result)
    assert (collect.report.lost, collect.report.dropped) == ({"not-kept": 1}, {"not-kept": 1})
    assert (collect.report.images, collect.report.boxes) == (4, 4)
    assert names_of(sandbox) == [path.name for path in images[:3]]


def test_boxes_that_are_left_out_are_tallied(sandbox, diffgram, images):
    """Boxes read = boxes sent + boxes dropped with a reason; a class without a name is not ok."""
    corners = [(1, 2, 30, 40), (5, 5, 9, 9), (np.nan, 1, 2, 3), (50, 50, 60, 60)]
    result = {"boxes": np.array(corners), "labels": [0, 0, 0, 7], "scores": [0.9, 0.1, 0.9, 0.9]}
    with a_collector(diffgram, names=["cat"], min_score=0.5) as collect:
        collect(result, images[0])
    report = collect.report
    dropped = report.dropped + report.dropped_by_pushes
    assert (report.boxes, dropped["below-threshold"], dropped["unknown-label"]) == (4, 1, 1)
    assert report.boxes == len(sandbox.boxes("0.jpg")) + dropped.total()
    assert not report.ok
    assert "7" in report.problems[0]


def test_a_buffer_that_is_used_again_changes_nothing(sandbox, diffgram, images):
    """Frameworks write the next result over the last one."""
    with a_collector(diffgram) as collect:
        for path in images[:2]:
            collect(result := a_result(path))
            result.boxes.xyxy[:] = 0
            result.boxes.conf[:] = 0
            result.boxes.cls[:] = 1
    assert [boxes_in(sandbox, path.name) for path in images[:2]] == [ONE_BOX, ONE_BOX]


def test_an_image_that_goes_at_once_is_known_by_its_name_all_the_same(sandbox, diffgram, images):
    """The loop deletes what it has predicted; the images are on the server already."""
    with a_collector(diffgram) as collect:
        collect([a_result(path, np.zeros((0, 4))) for path in images[:3]])
    with a_collector(diffgram) as collect:
        for path in images[:3]:
            collect(a_result(path))
            path.unlink()
    assert collect.report.ok, collect.report.summary()
    assert [boxes_in(sandbox, path.name) for path in images[:3]] == [ONE_BOX] * 3


def test_two_results_of_one_image_are_both_sent(sandbox, diffgram, images):
    """One after the other; the second adds to the first."""
    with a_collector(diffgram) as collect:
        collect(a_result(images[0]))
        collect(a_result(images[0], [(1, 2, 30, 40)]))
    assert collect.report.ok, collect.report.summary()
    assert boxes_in(sandbox, "0.jpg") == [(1, 2, 30, 40), *ONE_BOX]


def test_several_collectors_and_threads_share_the_outbox(sandbox, diffgram, tmp_path):
    """Each takes its turn; none is refused, and everything arrives once."""
    paths = many_images(tmp_path / "many", 24)
    collectors = [a_collector(diffgram, run=f"r{number}", every_s=0.02) for number in range(3)]

    def work(collect, own):
        for path in own:
            collect(a_result(path))
            time.sleep(0.01)

    for collect in collectors:
        collect.__enter__()
    jobs = [(collectors[number % 3], paths[number::6]) for number in range(6)]
    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for collect in collectors:
        collect.__exit__()
        assert collect.report.ok, collect.report.summary()
        assert collect.report.problems == []
    assert names_of(sandbox) == [path.name for path in paths]


HOOKS = ("on_", "training_", "validation_", "test_", "predict_", "configure_", "setup", "teardown", "write_")


def test_no_name_of_a_collector_looks_like_a_hook_of_a_framework(diffgram):
    """Frameworks call what has such a name; a former name leads to the new one."""
    collect = a_collector(diffgram)
    public = [name for name in dir(collect) if not name.startswith("_")]
    assert [name for name in public if name.startswith(HOOKS)] == []
    assert not hasattr(collect, "on_predict_batch_end")
    with pytest.raises(AttributeError, match="on_val_end is called ultralytics_validation"):
        _ = collect.on_val_end


def test_a_forked_process_keeps_its_results_and_they_are_sent(sandbox, diffgram, images):
    """It has none of the threads; frames of a video are counted as lost there, since they would stay in its memory."""
    code = """
import os
from videos import a_video
open(paths[0] + ".mp4", "wb").write(a_video(width=100, height=80))
with a_collector(diffgram, every_s=0.05) as collect:
    collect(a_result(paths[0]))
    child = os.fork()
    if not child:
        collect(a_result(paths[1]))
        collect(a_result(paths[0] + ".mp4"))
        print(json.dumps([dict(collect.report.lost), collect.report.problems]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    collect(a_result(paths[2]))
    time.sleep(0.3)
print(collect.report.ok, collect.report.summary())
"""
    done = through_a_process(code, sandbox.host, diffgram, images)
    child, parent = done.stdout.splitlines()
    assert '"forked": 1' in child
    assert "was forked" in child
    assert parent.startswith("True"), done.stdout + done.stderr
    assert names_of(sandbox) == ["0.jpg", "1.jpg", "2.jpg"]


def test_a_process_that_never_leaves_the_context_keeps_its_results(sandbox, diffgram, images):
    """At its end they are on disk, frames of a video too, and that is said; `resume` sends them."""
    code = """
from videos import a_video
open(paths[0] + ".mp4", "wb").write(a_video(width=100, height=80))
collect = a_collector(diffgram, every_s=30.0).__enter__()
time.sleep(0.5)
for path in paths + [paths[0] + ".mp4"]:
    collect(a_result(path))
"""
    done = through_a_process(code, sandbox.host, diffgram, images)
    assert "6 images wait for `boxferry resume`" in done.stderr
    assert names_of(sandbox) == []
    assert diffgram.resume("r", patience=OPTIONS.patience).exit_code == 0
    assert len(sandbox.files()) == 6


def test_taking_a_result_costs_little(tmp_path):
    """At 50 boxes an image at most a twentieth of a loop of 12 ms an image, in the loop's own thread."""
    rng = np.random.default_rng(13)
    corners = rng.uniform(0, 30, (200, 50, 2))
    results = [a_result(f"{number}.jpg", np.hstack([each, each + 40])) for number, each in enumerate(corners)]

    def down(*_):
        raise Unreachable("no server here")

    options = {"plugins": plugin_manager()}
    with Collector(tmp_path / "spool", DiskQueueHead(), Doing(down), options=options) as collect:
        collect(results[0])
        started = time.thread_time()
        for result in results[1:]:
            collect(result)
        spent_s = time.thread_time() - started
    assert (collect.report.lost, collect.report.waiting_images) == ({}, 200)
    assert spent_s / len(results) < 0.05 * 0.012
