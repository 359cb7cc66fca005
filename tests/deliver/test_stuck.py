"""Work that the server will never do: it is told from work that takes its time, and sent again only when asked."""

import json
import time
from dataclasses import replace

import pytest

from boxferry import Diffgram, read
from boxferry.plan.patience import Patience
from boxferry.sandbox.server import Sandbox
from sending.pushing import A_BOXES, boxes_in, predictions, push, server_of

NO_WAIT = Patience(wait_s=0.0, settle_s=0.5, stuck_s=0.4, first_pause_s=0.01, pilot=False)
SHORT = Patience(wait_s=4.0, settle_s=0.5, stuck_s=0.4, first_pause_s=0.01)


@pytest.fixture
def files(sandbox, diffgram, folder):
    """The three images, without boxes, and a run that the server knows."""
    push(diffgram, read(folder / "images"), run="raw", annotations=True)
    box = {"xmin": 45, "ymin": 36, "xmax": 55, "ymax": 44}
    push(diffgram, read({"c.jpg": [{"score": 0.9, "label": "cat", "box": box}]}, size="100x80"), existing=True)
    return diffgram


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def kill_all(sandbox):
    """What a worker begins from now on, it dies of."""
    sandbox.kill_worker = 1.0


def mend(sandbox):
    sandbox.kill_worker = 0.0
    sandbox.restart_workers()


def test_what_dead_workers_had_is_stuck_and_is_sent_again_when_asked(sandbox, files, folder):
    """Exit code 5 and the state; a resume looks and sends nothing; with the flag every box is there once."""
    kill_all(sandbox)
    report = push(files, predictions(folder), existing=True, patience=SHORT)
    assert (report.exit_code, report.states["stuck"]) == (5, (2, 3))
    assert "restart its service" in report.failed[0].reason
    mend(sandbox)
    sent = len(sandbox.inputs())
    assert files.resume("r", patience=SHORT).states["stuck"] == (2, 3)
    assert len(sandbox.inputs()) == sent
    resumed = files.resume("r", patience=SHORT, resend_stuck=True)
    assert (resumed.exit_code, resumed.states) == (0, {"applied": (3, 4)})
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_what_another_outbox_sent_and_dead_workers_had_is_stuck_too(tmp_path, sandbox, files, folder):
    """That outbox is lost: the next one waits for its packets as for its own, and sends them again when asked."""
    assert files
    then_sent_again_from_elsewhere(tmp_path, sandbox, folder, existing=True)


def test_what_another_outbox_sent_by_url_and_dead_workers_had_is_stuck_too(tmp_path, sandbox, folder, serve):
    """No file is there yet."""
    then_sent_again_from_elsewhere(tmp_path, sandbox, folder, media_url=f"{serve(folder / 'images')}/{{file_name}}")
    assert sorted(file["original_filename"] for file in sandbox.files()) == ["a.jpg", "b.png", "c.jpg"]


def then_sent_again_from_elsewhere(tmp_path, sandbox, folder, **where):
    kill_all(sandbox)
    with Diffgram(server_of(sandbox), outbox=tmp_path / "lost.sqlite") as lost:
        push(lost, predictions(folder), patience=NO_WAIT, **where)
    wait_for(lambda: not any(row["status"] == "init" for row in sandbox.inputs()))
    mend(sandbox)
    with Diffgram(server_of(sandbox), outbox=tmp_path / "empty.sqlite") as other:
        report = push(other, predictions(folder), patience=SHORT, **where)
        assert (report.exit_code, "stuck" in report.states) == (5, True), report.summary()
        assert push(other, predictions(folder), patience=SHORT, **where).states == report.states
        resumed = other.resume("r", patience=SHORT, resend_stuck=True)
        assert (resumed.exit_code, set(resumed.states)) == (0, {"applied"}), resumed.summary()
        assert push(other, predictions(folder), patience=SHORT, **where).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_a_part_that_is_stored_is_not_sent_again(sandbox, files, folder):
    """The worker died after the first box."""
    kill_all(sandbox)
    push(files, predictions(folder), existing=True, patience=SHORT)
    mend(sandbox)
    row = next(row for row in sandbox.inputs() if row["status"] == "processing" and row["file_id"] == file_id(sandbox))
    first = json.loads(row["instance_list"])["list"][0]
    sandbox._store.add_instances(row["file_id"], [first])
    resumed = files.resume("r", patience=SHORT, resend_stuck=True)
    assert set(resumed.states) == {"applied"}
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def file_id(sandbox, name="a.jpg"):
    return next(file["id"] for file in sandbox.files() if file["original_filename"] == name)


def test_what_was_applied_after_all_is_found_applied(sandbox, files, folder):
    """The state 'stuck' is believed only as long as the server says so."""
    kill_all(sandbox)
    push(files, predictions(folder), existing=True, patience=SHORT)
    mend(sandbox)
    for row in sandbox.inputs():
        if row["status"] == "processing":
            sandbox._store.update("input", row["id"], {"status": "init"})
    sandbox.restart_workers()
    sandbox.wait_idle()
    assert files.resume("r", patience=SHORT).states == {"applied": (3, 4)}
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_a_busy_cpu_that_goes_on_later_is_no_reason_to_give_up(sandbox, files, folder):
    """Nothing is begun for longer than stuck_s: the push waits, says why, and is resumed to its end."""
    sandbox.busy = True
    report = push(files, predictions(folder), existing=True, patience=replace(SHORT, wait_s=1.5))
    assert (report.exit_code, set(report.states)) == (5, {"accepted", "applied"})
    assert "CPU busy" in report.silence
    sandbox.busy = False
    sandbox.wait_idle()
    assert files.resume("r", patience=SHORT).states == {"applied": (3, 4)}
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_one_bad_clip_does_not_hold_the_others(tmp_path, folder, serve):
    """A video that the server's library cannot read stays 'processing'; the images around it are applied."""
    with Sandbox(tmp_path / "other") as sandbox, Diffgram(server_of(sandbox), outbox=tmp_path / "o.sqlite") as diffgram:
        push(diffgram, predictions(folder), run="known", model="m")
        (folder / "bad").mkdir()
        (folder / "bad" / "clip.mp4").write_bytes(b"no video at all")
        store = sandbox._store
        media = {"type": "from_url", "url": f"{serve(folder / 'bad')}/clip.mp4", "media_type": "video"}
        stuck = {"project": sandbox.project, "directory_id": sandbox.directory_id, "status": "init", "due": 0.0}
        store.insert("input", {**stuck, **media, "original_filename": "clip.mp4", "created_time": 1.0})
        sandbox._workers.notify()
        report = push(diffgram, predictions(folder), run="next", existing=True, patience=replace(SHORT, wait_s=20.0))
        assert (report.exit_code, report.states) == (0, {"applied": (2, 3)})


def test_one_packet_that_never_ends_is_named_and_the_others_are_applied(sandbox, diffgram, folder):
    """Its worker died on it, while later inputs ended."""
    push(diffgram, predictions(folder), run="raw")
    good = push(diffgram, predictions(folder), run="r", existing=True, patience=SHORT)
    assert good.exit_code == 0
    entry = diffgram.outbox.entries(diffgram.outbox.find_run("r").id)[0]
    diffgram.outbox._db.execute("UPDATE packet SET state = 'accepted' WHERE id = ?", (entry.id,))
    row = next(row for row in sandbox.inputs() if row["file_id"] == entry.file_id and row["mode"] == "update")
    sandbox._store.update("input", row["id"], {"status": "processing", "percent_complete": 10.0})
    report = diffgram.resume("r", patience=SHORT)
    assert (report.exit_code, report.states["stuck"][0]) == (5, 1)
