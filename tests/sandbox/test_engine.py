"""What breaks a real server, and costs boxes: the workers, their race, their deaths, and what stays undone."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import pytest
import requests

from boxferry.sandbox.faults import Faults
from boxferry.sandbox.server import Sandbox
from sandbox.calls import PACKET, a_box, a_label, a_png, call, inputs, send_file, update, upload, viewed
from videos import a_video


def test_packets_are_applied_by_several_workers_at_once(tmp_path):
    """Four by default: four packets that take a while end together."""
    with Sandbox(tmp_path, race_s=0.5) as sandbox:
        label = a_label(sandbox)
        ids = [upload(sandbox, f"{n}.png") for n in range(4)]
        sandbox.busy = True
        for number, file_id in enumerate(ids):  # the look-up of a run that is not there takes race_s
            update(sandbox, file_id, [a_box(label, model_ref="m", model_run_ref=f"r{number}")])
        started = time.monotonic()
        sandbox.busy = False
        assert sandbox.wait_idle()
        assert time.monotonic() - started < 4 * 0.5
        assert {i["status"] for i in inputs(sandbox)} == {"success"}


def test_updates_that_bring_a_new_run_together_lose_all_but_one(tmp_path):
    """One makes the run's row; the others stay 'processing' for good, their boxes are lost and their workers dead."""
    with Sandbox(tmp_path, race_s=0.3) as sandbox:
        label = a_label(sandbox)
        ids = [upload(sandbox, f"{n}.png") for n in range(3)]
        sandbox.busy = True
        for file_id in ids:
            update(sandbox, file_id, [a_box(label, model_ref="m", model_run_ref="r")])
        sandbox.busy = False
        assert sandbox.wait_idle()
        states = [row["status"] for row in sandbox.inputs() if row["mode"] == "update"]
        assert sorted(states) == ["processing", "processing", "success"]
        assert [len(sandbox.boxes(f"{n}.png")) for n in range(3)] == [state == "success" for state in states]
        assert sandbox.workers_alive == 2


def test_media_by_url_that_bring_a_new_run_together_lose_their_files_too(tmp_path, serve_picture):
    """Nothing of a lost packet is there."""
    with Sandbox(tmp_path, race_s=0.3) as sandbox:
        box = a_box(a_label(sandbox), model_ref="m", model_run_ref="r")
        sandbox.busy = True
        for number in range(2):
            media = {"media": {"url": serve_picture, "type": "image"}, "original_filename": f"{number}.png"}
            call(sandbox, PACKET, media | {"directory_id": sandbox.directory_id, "instance_list": [box]})
        sandbox.busy = False
        assert sandbox.wait_idle()
        assert sorted(i["status"] for i in inputs(sandbox)) == ["processing", "success"]
        assert len(sandbox.files()) == 1


def test_uploads_that_bring_a_new_run_together_are_answered_with_what_is_no_http(tmp_path):
    """All but one: a broken status line, an input that stays 'processing', no file; no worker had it, none dies."""
    with Sandbox(tmp_path, race_s=1.0) as sandbox:
        box = a_box(a_label(sandbox), model_ref="m", model_run_ref="r")

        def sent(number):
            try:
                return send_file(sandbox, f"{number}.png", a_png(), {"instance_list": [box]}).status_code
            except requests.ConnectionError as error:
                return str(error)

        with ThreadPoolExecutor(2) as pool:
            good, broken = sorted(pool.map(sent, range(2)), key=lambda answer: answer != 200)
        assert good == 200
        assert "HTTP/1.1 0 7s2a" in broken
        assert sorted(row["status"] for row in sandbox.inputs()) == ["processing", "success"]
        assert [row["file_id"] is None for row in sandbox.inputs() if row["status"] == "processing"] == [True]
        assert len(sandbox.files()) == 1
        assert sandbox.workers_alive == 4


def test_where_the_run_is_known_nothing_is_lost(tmp_path):
    """One packet goes first and is waited for; then many together."""
    with Sandbox(tmp_path, race_s=0.1) as sandbox:
        label = a_label(sandbox)
        ids = [upload(sandbox, f"{n}.png") for n in range(12)]
        boxes = [a_box(label, model_ref="m", model_run_ref="r")]
        update(sandbox, ids[0], boxes)
        assert sandbox.wait_idle()
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda file_id: update(sandbox, file_id, boxes), ids[1:]))
        assert sandbox.wait_idle()
        assert [len(sandbox.boxes(f"{n}.png")) for n in range(12)] == [1] * 12
        assert sandbox.workers_alive == 4


def test_there_is_no_race_unless_it_is_asked_for(sandbox):
    """Many packets of a new run at once are all applied."""
    label = a_label(sandbox)
    ids = [upload(sandbox, f"{n}.png") for n in range(12)]
    boxes = [a_box(label, model_ref="m", model_run_ref="r")]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda file_id: update(sandbox, file_id, boxes), ids))
    assert sandbox.wait_idle()
    assert sum(len(sandbox.boxes(f"{n}.png")) for n in range(12)) == 12
    runs = call(sandbox, "/api/v1/project/{}/model-runs/list").json()["model_run_list"]
    assert len(runs) == 1


POISON = {"score": {"score": "high"}, "corner": {"x_max": 2**40}}


@pytest.mark.parametrize("changes", POISON.values(), ids=POISON)
def test_what_the_database_refuses_kills_the_worker(tmp_path, changes):
    """Where it is asked for; the input stays 'processing', and so it does on an upload, which breaks."""
    with Sandbox(tmp_path, poison=True) as sandbox:
        label = a_label(sandbox)
        file_id = upload(sandbox, "a.png")
        update(sandbox, file_id, [a_box(label), a_box(label, 9, **changes)])
        assert sandbox.wait_idle()
        assert sandbox.inputs()[-1]["status"] == "processing"
        assert sandbox.boxes("a.png") == []
        assert sandbox.workers_alive == 3
        with pytest.raises(requests.ConnectionError, match=r"HTTP/1\.1 0 9h9h"):
            send_file(sandbox, "b.png", a_png(), {"instance_list": [a_box(label, **changes)]})
        assert sandbox.inputs()[-1]["status"] == "processing"


@pytest.mark.parametrize(("poison", "alive"), [(True, 3), (False, 4)])
def test_a_name_over_250_characters_stays_undone(tmp_path, serve_picture, poison, alive):
    """250 are fine; one more costs a worker where poison is asked for; an upload breaks."""
    with Sandbox(tmp_path, poison=poison) as sandbox:
        for length in (250, 251):
            body = {"media": {"url": serve_picture, "type": "image"}, "directory_id": sandbox.directory_id}
            call(sandbox, PACKET, body | {"original_filename": "n" * (length - 4) + ".png"})
        assert sandbox.wait_idle()
        assert sorted(row["status"] for row in sandbox.inputs()) == ["processing", "success"]
        assert len(sandbox.files()) == 1
        assert sandbox.workers_alive == alive
        assert send_file(sandbox, "u" * 246 + ".png", a_png()).status_code == 200
        with pytest.raises(requests.ConnectionError, match=r"HTTP/1\.1 0 9h9h"):
            send_file(sandbox, "u" * 247 + ".png", a_png())
        assert sandbox.inputs()[-1]["status"] == "processing"


def test_without_workers_everything_is_accepted_and_nothing_is_applied_until_a_restart(tmp_path):
    """What waits is applied then; what a dead worker had is 'processing' for good, through every restart."""
    with Sandbox(tmp_path, poison=True, workers=2) as sandbox:
        label = a_label(sandbox)
        file_id = upload(sandbox, "a.png")
        for number in range(2):
            update(sandbox, file_id, [a_box(label, number, score="high")])
        assert sandbox.wait_idle()
        assert sandbox.workers_alive == 0
        assert update(sandbox, file_id, [a_box(label)]).status_code == 200
        time.sleep(0.1)
        assert [row["status"] for row in sandbox.inputs()[1:]] == ["processing", "processing", "init"]
        assert sandbox.boxes("a.png") == []
        sandbox.restart_workers()
        assert sandbox.wait_idle()
        assert sandbox.workers_alive == 2
        assert [row["status"] for row in sandbox.inputs()[1:]] == ["processing", "processing", "success"]
    with Sandbox(tmp_path) as sandbox:
        assert sandbox.wait_idle()
        assert [row["status"] for row in sandbox.inputs()[1:]] == ["processing", "processing", "success"]
        assert len(sandbox.boxes("a.png")) == 1


def test_workers_can_die_by_chance(tmp_path):
    """A share of packets costs one each; with all of them gone nothing moves."""
    with Sandbox(tmp_path, kill_worker=1.0, workers=3) as sandbox:
        file_id = upload(sandbox, "a.png")
        for number in range(4):
            update(sandbox, file_id, [a_box(1, number)])
        assert sandbox.wait_idle()
        assert sandbox.workers_alive == 0
        assert [row["status"] for row in sandbox.inputs()[1:]] == ["processing"] * 3 + ["init"]


def test_a_busy_cpu_begins_nothing_and_goes_on_later(sandbox):
    """Accepted packets stay 'init'; uploads are worked on all the same."""
    label = a_label(sandbox)
    sandbox.busy = True
    file_id = upload(sandbox, "a.png", [a_box(label)])
    update(sandbox, file_id, [a_box(label, 30)])
    assert not sandbox.wait_idle(0.1)
    assert [row["status"] for row in sandbox.inputs()] == ["success", "init"]
    sandbox.busy = False
    assert sandbox.wait_idle()
    assert len(sandbox.boxes("a.png")) == 2


def test_the_cpu_can_be_busy_by_chance(tmp_path):
    """From some packet on nothing is begun for a while."""
    with Sandbox(tmp_path, busy_share=1.0, busy_s=0.3, workers=1) as sandbox:
        file_id = upload(sandbox, "a.png")
        started = time.monotonic()
        for number in range(2):
            update(sandbox, file_id, [a_box(1, number)])
        assert sandbox.wait_idle()
        assert time.monotonic() - started >= 0.3


def test_a_clip_that_cannot_be_read_stays_undone_and_costs_no_worker(tmp_path, serve_bytes):
    """'processing' for good, by URL and by upload; the next one is done."""
    with Sandbox(tmp_path) as sandbox:
        for name, data in (("bad.mp4", b"no video"), ("good.mp4", a_video())):
            media = {"url": serve_bytes(name, data), "type": "video"}
            body = {"media": media, "original_filename": name, "directory_id": sandbox.directory_id}
            call(sandbox, PACKET, body)
        assert sandbox.wait_idle()
        assert [row["status"] for row in sandbox.inputs()] == ["processing", "success"]
        assert sandbox.workers_alive == 4
        assert send_file(sandbox, "worse.mp4", b"no video").status_code == 500
        assert (sandbox.inputs()[-1]["status"], sandbox.inputs()[-1]["file_id"]) == ("processing", None)


def test_an_uploaded_video_is_worked_on_after_the_answer(tmp_path):
    """60 % is no end, whatever the status is called; success and all boxes come a little later."""
    with Sandbox(tmp_path, video_s=0.2) as sandbox:
        frames = {"0": [a_box(a_label(sandbox))], "5": [a_box(1, 9)]}
        sent = send_file(sandbox, "a.mp4", a_video(), {"frame_packet_map": frames}).json()
        status = "pushing_frames_into_processing_queue"
        assert (sent["input"]["status"], sent["input"]["percent_complete"]) == (status, 60.0)
        assert sandbox.boxes("a.mp4") == []
        assert sandbox.wait_idle()
        record = viewed(sandbox, sent["input"]["id"])
        assert (record["status"], record["percent_complete"]) == ("success", 100.0)
        assert [box["frame_number"] for box in sandbox.boxes("a.mp4")] == [0, 5]


def test_an_uploaded_video_with_a_float_fails_and_says_success_later(tmp_path):
    """Text and log stay as they were; the good frames are stored, the bad one is not."""
    with Sandbox(tmp_path, video_s=0.2) as sandbox:
        label = a_label(sandbox)
        frames = {"0": [a_box(label)], "3": [a_box(label, x_min=1.5)], "5": [a_box(label, 9)]}
        first = send_file(sandbox, "a.mp4", a_video(), {"frame_packet_map": frames}).json()["input"]
        assert (first["status"], first["status_text"]) == ("failed", "See Update Log")
        assert sandbox.wait_idle()
        later = viewed(sandbox, first["id"])
        assert (later["status"], later["percent_complete"]) == ("success", 100.0)
        assert (later["status_text"], later["update_log"]) == (first["status_text"], first["update_log"])
        assert list(later["update_log"]["error"]) == ["Frame 3"]
        assert [box["frame_number"] for box in sandbox.boxes("a.mp4")] == [0, 5]


def test_the_frames_of_a_video_that_wait_are_forgotten_by_a_restart(tmp_path):
    """The clip stays in the queue for good."""
    with Sandbox(tmp_path, video_s=60) as sandbox:
        sent = send_file(sandbox, "a.mp4", a_video()).json()
        sandbox.restart_workers()
        assert sandbox.wait_idle()
        assert viewed(sandbox, sent["input"]["id"])["status"] == "processing_frames_in_queue"


AHEAD_S = 7200.0


def test_the_servers_clock_may_differ_from_the_clients(tmp_path):
    """It is in the header Date, in every time that an answer shows, and in the rate limit's reset."""
    with Sandbox(tmp_path, clock=lambda: time.time() + AHEAD_S, rate_limit=1) as sandbox:
        file_id = upload(sandbox, "a.png")
        update(sandbox, file_id, [a_box(a_label(sandbox))])
        assert sandbox.wait_idle()
        answer = call(sandbox, "/api/walrus/v1/project/{}/input/view/list")
        limited = [update(sandbox, file_id, []) for _ in range(2)][-1]
        assert ahead_s(parsedate_to_datetime(answer.headers["Date"]).timestamp()) == 0
        assert ahead_s(float(limited.headers["X-RateLimit-Reset"])) == 0
        assert 0 <= float(limited.headers["Retry-After"]) <= 1
        times = [record["created_time"] for record in answer.json()["input_list"]]
        file = call(sandbox, "/api/v1/file/view", {"file_id": file_id, "project_string_id": sandbox.project})
        times += [file.json()["file"][name] for name in ("created_time", "time_last_updated")]
        assert [ahead_s(since_epoch(text)) for text in times] == [0, 0, 0, 0]


def since_epoch(text):
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def ahead_s(moment):
    """How far a moment is from the server's clock, in minutes."""
    return round((moment - time.time() - AHEAD_S) / 60)


def test_every_answer_has_a_date(sandbox):
    """Errors and pages too."""
    for path in ("/", "/api/v1/project/{}/no-such-thing", "/images/99"):
        assert "Date" in requests.get(sandbox.host + path, timeout=10).headers


def test_time_last_updated_moves_with_a_packet_a_save_and_done(sandbox):
    """So who remembers it reads only what moved."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png")
    seen = [last_updated(sandbox, file_id)]
    update(sandbox, file_id, [a_box(label)])
    assert sandbox.wait_idle()
    seen.append(last_updated(sandbox, file_id))
    path = f"/api/project/{{}}/file/{file_id}/annotation/"
    for more in ({}, {"and_complete": True}):
        boxes = call(sandbox, path + "list", {"directory_id": sandbox.directory_id}).json()["file_serialized"]
        body = {"instance_list": boxes["instance_list"], "directory_id": sandbox.directory_id, **more}
        assert call(sandbox, path + "update", body).status_code == 200
        seen.append(last_updated(sandbox, file_id))
    assert seen == sorted(set(seen))
    assert last_updated(sandbox, file_id) == seen[-1]


def last_updated(sandbox, file_id):
    body = {"file_id": file_id, "project_string_id": sandbox.project}
    return call(sandbox, "/api/v1/file/view", body).json()["file"]["time_last_updated"]


def test_a_completed_file_stays_completed_when_a_packet_is_appended(sandbox):
    """So completed says nothing of boxes that came later."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label)])
    body = {"instance_list": [a_box(label)], "directory_id": sandbox.directory_id, "and_complete": True}
    call(sandbox, f"/api/project/{{}}/file/{file_id}/annotation/update", body)
    update(sandbox, file_id, [a_box(label, 30)])
    assert sandbox.wait_idle()
    body = {"file_id": file_id, "project_string_id": sandbox.project}
    assert call(sandbox, "/api/v1/file/view", body).json()["file"]["ann_is_complete"] is True
    assert len(sandbox.boxes("a.png")) == 2


def test_an_upload_without_a_directory_goes_into_the_default_one(sandbox):
    """200, and the file is there."""
    answer = send_file(sandbox, "a.png", a_png(), {"directory_id": None})
    assert answer.status_code == 200
    assert [file["directory_id"] for file in sandbox.files()] == [sandbox.directory_id]


def test_a_backup_can_be_restored_while_it_runs(tmp_path):
    """What came since is gone: files, boxes, inputs; what is sent then is applied; the address stays."""
    with Sandbox(tmp_path / "sandbox") as sandbox:
        label, host = a_label(sandbox), sandbox.host
        file_id = upload(sandbox, "a.png", [a_box(label)])
        sandbox.backup(tmp_path / "backup")
        upload(sandbox, "b.png")
        update(sandbox, file_id, [a_box(label, 30)])
        assert sandbox.wait_idle()
        sandbox.restore(tmp_path / "backup")
        assert sandbox.host == host
        assert [file["original_filename"] for file in sandbox.files()] == ["a.png"]
        assert len(sandbox.boxes("a.png")) == 1
        assert len(sandbox.inputs()) == 1
        assert requests.get(f"{host}/images/{file_id}", timeout=10).content == a_png()
        assert requests.get(f"{host}/images/{file_id + 1}", timeout=10).status_code == 404
        update(sandbox, file_id, [a_box(label, 50)])
        assert sandbox.wait_idle()
        assert sorted(box["x_min"] for box in sandbox.boxes("a.png")) == [1, 50]


def test_a_sandbox_killed_in_the_middle_leaves_what_it_had_in_hand(tmp_path):
    """As a real server: that input is 'processing' for good, what waited is done."""
    with Sandbox(tmp_path, race_s=1.0, workers=1) as sandbox:
        label = a_label(sandbox)
        file_id = upload(sandbox, "a.png")
        update(sandbox, file_id, [a_box(label, 5, model_ref="m", model_run_ref="r")])
        update(sandbox, file_id, [a_box(label, 9)])
        while sandbox.inputs()[1]["status"] != "processing":
            time.sleep(0.01)
        sandbox.backup(tmp_path / "killed")
    with Sandbox(tmp_path / "killed") as again:
        assert again.wait_idle()
        assert [row["status"] for row in again.inputs()] == ["success", "processing", "success"]
        assert [box["x_min"] for box in again.boxes("a.png")] == [9]


def test_a_spec_of_faults_says_what_the_sandbox_has_of_them(tmp_path):
    """Race and poison as soon as faults are wanted at all; each can be switched off."""
    usual = Faults.parse("drop_after=0.1").of_sandbox()
    assert (usual["race_s"], usual["poison"]) == (0.05, True)
    quiet = Faults.parse("race_s=0,poison=0,kill_worker=0.25,busy=0.5,busy_s=2,lose_work=0.125,seed=9")
    assert quiet.of_sandbox() == {
        "race_s": 0.0,
        "poison": False,
        "kill_worker": 0.25,
        "busy_share": 0.5,
        "busy_s": 2.0,
        "lose_work": 0.125,
        "seed": 9,
    }
    with Sandbox(tmp_path, **Faults.parse("kill_worker=1").of_sandbox()) as sandbox:
        update(sandbox, upload(sandbox, "a.png"), [a_box(a_label(sandbox))])
        assert sandbox.wait_idle()
        assert sandbox.workers_alive == 3


@pytest.mark.parametrize(
    ("options", "alive"), [(["--faults", "race_s=1"], 1), (["--workers", "3"], 2)], ids=["faults", "plain"]
)
def test_the_command_shows_the_race_with_faults_only(tmp_path, options, alive):
    """Two updates of a new run together: one is lost, or none is."""
    program = [sys.executable, "-c", "from boxferry.cli.main import main; main()"]
    command = [*program, "sandbox", "--port", "0", "--folder", str(tmp_path / "s"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        found = dict(running.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(4))
        there = SimpleNamespace(
            host=found["DIFFGRAM_HOST"],
            project=found["DIFFGRAM_PROJECT"],
            client_id=found["DIFFGRAM_CLIENT_ID"],
            client_secret=found["DIFFGRAM_CLIENT_SECRET"],
            directory_id=1,
        )
        boxes = [a_box(a_label(there), model_ref="m", model_run_ref="r")]
        ids = [upload(there, f"{n}.png") for n in range(2)]
        for file_id in ids:
            update(there, file_id, boxes)
        deadline = time.monotonic() + 20
        while "init" in (states := [i["status"] for i in inputs(there)][:2]) or states.count("success") < alive:
            assert time.monotonic() < deadline, states
            time.sleep(0.05)
        time.sleep(0.2)
        assert [i["status"] for i in inputs(there)][:2].count("success") == alive
        running.terminate()
