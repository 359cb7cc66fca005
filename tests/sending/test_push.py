"""Push, end to end: real files, real HTTP, a real sandbox."""

import dataclasses
import json
import os
import signal
import threading
import time

import pytest
from PIL import Image as Picture

from boxferry import Credentials, Diffgram
from boxferry.errors import AuthError, ConfigError, InputError, NotFound, UnknownLabel, Unreachable, UsageError
from sending.pushing import A_BOXES, ROWS, boxes_in, predictions, push, server_of


def test_an_upload_brings_images_and_boxes(sandbox, diffgram, folder):
    """Every image is a file, every box is stored, the image without predictions is there without boxes."""
    report = push(diffgram, predictions(folder))
    assert report.exit_code == 0, report.summary()
    assert report.states == {"applied": (3, 3)}
    assert (report.tally.read, report.tally.kept) == (3, 3)
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert boxes_in(sandbox, "b.png") == A_BOXES[1:]
    assert boxes_in(sandbox, "c.jpg") == []
    stored = sandbox.boxes("a.jpg")[0]
    assert stored["machine_made"]
    assert stored["creation_ref_id"].startswith("boxferry:")


def test_by_url_the_server_fetches_the_images(sandbox, diffgram, folder, served):
    """The work is done in the background; the push waits until it is applied."""
    report = push(diffgram, predictions(folder), media_url=served + "/{file_name}")
    assert report.states == {"applied": (3, 3)}, report.failed
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_onto_existing_files_boxes_are_appended_by_name(sandbox, diffgram, folder):
    """Files that are there are found by name; an image without boxes sends nothing."""
    push(diffgram, predictions(folder), run="first")
    report = push(diffgram, predictions(folder), run="second", existing=True)
    assert report.states == {"applied": (2, 3)}, report.failed
    assert boxes_in(sandbox, "a.jpg") == sorted(A_BOXES * 2)


def test_sizes_come_from_the_server_where_nobody_else_knows_them(sandbox, diffgram, folder):
    """Normalised rows without an images folder, onto files that are there."""
    push(diffgram, predictions(folder), run="first")
    report = push(diffgram, predictions(folder, images=None), run="second", existing=True)
    assert report.states == {"applied": (2, 3)}, report.failed
    assert boxes_in(sandbox, "b.png") == A_BOXES[1:] * 2


@pytest.mark.parametrize("route", ["upload", "url", "existing"])
def test_the_same_run_again_sends_nothing(sandbox, diffgram, folder, served, route):
    """What is in the outbox is not sent again; the boxes are counted as already sent."""
    if route == "existing":
        push(diffgram, predictions(folder), run="first")
    options = {"url": {"media_url": served + "/{file_name}"}, "existing": {"existing": True}}.get(route, {})
    push(diffgram, predictions(folder), **options)
    before = boxes_in(sandbox, "a.jpg")
    again = push(diffgram, predictions(folder), **options)
    assert again.tally.dropped == {"already-sent": 3}
    assert boxes_in(sandbox, "a.jpg") == before
    assert again.exit_code == 0


def test_a_lower_threshold_sends_only_what_is_new(sandbox, diffgram, folder):
    """The boxes keep their references, and the new ones are appended to the file that is there."""
    push(diffgram, predictions(folder).filter(min_score=0.5))
    assert boxes_in(sandbox, "a.jpg") == A_BOXES[1:]
    report = push(diffgram, predictions(folder))
    assert report.tally.dropped == {"already-sent": 2}
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_a_dry_run_changes_nothing_and_says_everything(sandbox, diffgram, folder):
    """File by file, label by label; no label, file or run is made."""
    report = push(diffgram, predictions(folder), dry_run=True)
    planned = {f.file_name: (f.boxes, f.labels) for f in report.planned}
    assert planned == {"a.jpg": (2, {"cat": 1, "dog": 1}), "b.png": (1, {"cat": 1}), "c.jpg": (0, {})}
    assert report.labels_created == ["cat", "dog"]
    assert sandbox.files() == []
    assert diffgram.labels() == {}
    assert not diffgram.outbox_path.exists()
    json.dumps(report.as_dict())


def test_skip_empty_makes_no_file_for_an_image_without_boxes(sandbox, diffgram, folder):
    """Only images with boxes are uploaded."""
    assert push(diffgram, predictions(folder), skip_empty=True).states == {"applied": (2, 3)}


def test_labels_that_the_server_lacks_are_an_error_that_lists_them(sandbox, diffgram, folder):
    """With the near misses, before anything is stored or sent."""
    push(diffgram, predictions(folder).relabel({"dog": "Cat"}), run="first")
    with pytest.raises(UnknownLabel, match=r"'cot' \(2 boxes; near: .*--map 'from=to'.* --labels create or skip"):
        push(diffgram, predictions(folder, names=["cot", "cat"]), run="second", labels="error")
    assert diffgram.outbox.counts(diffgram.outbox.find_run("second").id) == {}


def test_labels_that_the_server_lacks_can_be_skipped(sandbox, diffgram, folder):
    """Their boxes are dropped with the reason."""
    push(diffgram, predictions(folder, names=["cat", "cat2"]), run="first")
    report = push(diffgram, predictions(folder, names=["cat", "eel"]), run="second", existing=True, labels="skip")
    assert report.tally.dropped == {"no-such-label": 1}
    assert report.states == {"applied": (2, 2)}


def test_a_label_is_created_once(sandbox, diffgram, folder):
    """Looked up before it is made, since making it twice makes a second one."""
    push(diffgram, predictions(folder), run="first")
    first = diffgram.labels()
    push(diffgram, predictions(folder), run="second", existing=True)
    assert diffgram.labels() == first


def test_a_file_that_is_not_there_costs_only_its_own_boxes(sandbox, diffgram, folder):
    """It is listed, its boxes are counted, the others go, and the exit code is 1."""
    push(diffgram, predictions(folder), run="first")
    (folder / "labels" / "zebra.txt").write_text(ROWS)
    source = predictions(folder, images=None, size="100x80")
    report = push(diffgram, source, run="second", existing=True)
    assert report.tally.dropped == {"no-such-file": 2}
    assert report.states == {"applied": (2, 3)}
    assert report.exit_code == 1


def test_a_name_that_another_runs_file_has_is_refused(sandbox, diffgram, folder, served):
    """Another run's file has the name; it is said with the file's id, and nothing is doubled."""
    push(diffgram, predictions(folder), run="first")
    report = push(diffgram, predictions(folder), run="second", media_url=served + "/{file_name}")
    assert (report.states, report.tally.failed) == ({}, {"file-exists": 2}), "an image without boxes asks for nothing"
    assert report.tally.examples["file-exists"][0].message.startswith("'a.jpg' (id ")
    assert report.exit_code == 1
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_media_that_the_server_would_refuse_is_said_before(sandbox, diffgram, folder):
    """A webp is not uploaded; its boxes are counted, the others go."""
    Picture.new("RGB", (100, 80)).save(folder / "images" / "d.webp")
    (folder / "labels" / "d.txt").write_text(ROWS)
    report = push(diffgram, predictions(folder))
    assert report.tally.dropped == {"unsupported-media": 2}
    assert report.states == {"applied": (3, 3)}
    assert report.exit_code == 1


def test_two_images_with_one_name_on_the_server_are_told_apart(sandbox, diffgram, folder):
    """An upload renames files; the second is refused here, not lost there."""
    for name in ("x y.jpg", "x_y.jpg"):
        Picture.new("RGB", (100, 80)).save(folder / "images" / name)
        (folder / "labels" / name).with_suffix(".txt").write_text(ROWS)
    report = push(diffgram, predictions(folder))
    assert report.tally.dropped == {"name-clash": 2}
    assert report.exit_code == 1


def test_a_bad_source_sends_nothing(sandbox, diffgram, folder):
    """Packets are stored all or none."""
    with pytest.raises(InputError, match="--names"):
        push(diffgram, predictions(folder, names=None))
    assert sandbox.files() == []


def test_wrong_secret_directory_and_host_are_told_apart(sandbox, folder, tmp_path):
    """3, 2 and 4: who you are, what you named, whether anybody is there."""
    wrong = server_of(sandbox, credentials=Credentials(sandbox.client_id, "hunter2"))
    with Diffgram(wrong, outbox=tmp_path / "o.sqlite") as diffgram, pytest.raises(AuthError) as refused:
        push(diffgram, predictions(folder))
    assert refused.value.exit_code == 3
    assert "hunter2" not in str(refused.value)
    with (
        Diffgram(server_of(sandbox), outbox=tmp_path / "o.sqlite") as diffgram,
        pytest.raises(NotFound, match="Default"),
    ):
        push(diffgram, predictions(folder), directory="Defualt")
    gone = server_of(sandbox, host="http://127.0.0.1:9")
    with Diffgram(gone, outbox=tmp_path / "o.sqlite") as diffgram, pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
        push(diffgram, predictions(folder))
    assert not (tmp_path / "o.sqlite").exists()


def test_a_server_that_goes_away_leaves_the_rest_queued(sandbox, diffgram, folder):
    """The report says so, the outbox knows, and pushing again finishes it."""
    from boxferry.diffgram.client import Client

    with Client(server_of(sandbox)) as client:
        place = client.find_directory("Default")
    real, calls = diffgram._client.upload, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise Unreachable("connection refused")
        return real(*arguments)

    diffgram._client.upload = failing
    diffgram._connections = 1
    report = push(diffgram, predictions(folder), directory=place.id)
    assert report.exit_code == 4
    assert report.states["queued"][0] == 2
    diffgram._client.upload = real
    again = push(diffgram, predictions(folder), directory=place.id)
    assert again.states == {"applied": (3, 3)}
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"existing": True, "media_url": "http://x/{file_name}"}, "choose one"),
        ({"media_url": "http://x/fixed.jpg"}, "one for each image"),
        ({"media_url": "http://x/{filename}.jpg"}, "'filename' is not"),
        ({"media_url": "ftp://x/{file_name}"}, "http"),
    ],
    ids=["two-routes", "no-name", "misspelt-name", "scheme"],
)
def test_requests_that_make_no_sense(sandbox, diffgram, folder, options, message):
    """Are usage errors, before anything is asked of the source."""
    with pytest.raises(UsageError, match=message):
        push(diffgram, predictions(folder), **options)


def test_missing_settings_are_named(monkeypatch, tmp_path):
    """The option and the variable."""
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(f"DIFFGRAM_{name}", raising=False)
    monkeypatch.setenv("DIFFGRAM_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="DIFFGRAM_"):
        Diffgram.from_env()


@pytest.mark.parametrize("route", ["upload", "url", "existing"])
def test_the_server_is_asked_where_the_outbox_knows_nothing(sandbox, folder, served, tmp_path, route):
    """The same run from another machine: what is there is not sent again, what is missing is."""
    options = {"url": {"media_url": served + "/{file_name}"}, "existing": {"existing": True}}.get(route, {})
    with Diffgram(server_of(sandbox), outbox=tmp_path / "first.sqlite") as diffgram:
        if route == "existing":
            push(diffgram, predictions(folder), run="images")
        push(diffgram, predictions(folder).filter(min_score=0.5), **options)
    before = len(sandbox.boxes("a.jpg"))
    with Diffgram(server_of(sandbox), outbox=tmp_path / "second.sqlite") as diffgram:
        report = push(diffgram, predictions(folder), **options)
    assert set(report.states) == {"applied"}, report.failed
    assert len(sandbox.boxes("a.jpg")) == before + 1
    references = [b["creation_ref_id"] for b in sandbox.boxes("a.jpg")]
    assert len(references) == len(set(references))


def test_a_name_of_which_nothing_is_left_is_said_before(sandbox, diffgram, folder):
    """An upload keeps ASCII only: the server would be left with 'jpg', without extension."""
    Picture.new("RGB", (100, 80)).save(folder / "images" / "日本.jpg")
    (folder / "labels" / "日本.txt").write_text(ROWS)
    report = push(diffgram, predictions(folder))
    assert report.tally.dropped == {"unsupported-name": 2}
    assert report.states == {"applied": (3, 3)}


def test_a_wrong_path_stops_the_run_rather_than_refusing_every_packet(sandbox, diffgram, folder, served):
    """405 to the packet call: everything stays queued, exit code 2, and the path is named."""
    path = "/api/v1/walrus/project/{project}/input/packet"
    diffgram = Diffgram(dataclasses.replace(diffgram.server, packet_path=path), outbox=diffgram.outbox_path)
    report = push(diffgram, predictions(folder), media_url=served + "/{file_name}")
    assert report.exit_code == 2
    assert set(report.states) == {"queued"}
    assert "/api/v1/walrus/project/sandbox/input/packet" in str(report.stopped)


def test_what_was_refused_can_be_pushed_again_and_is_forgotten(sandbox, diffgram, folder):
    """The reason is gone, the same run goes through, and the exit code is 0."""
    push(diffgram, predictions(folder), run="other")
    assert push(diffgram, predictions(folder)).exit_code == 1
    for file in sandbox.files():
        sandbox.remove_file(file["id"])
    report = push(diffgram, predictions(folder))
    assert (report.exit_code, report.states["applied"][1]) == (0, 3), report.failed
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_a_viewers_key_is_told_before_anything_is_planned(sandbox, folder, tmp_path):
    """Exit code 3, the role that is needed, and nothing in the outbox."""
    server = server_of(sandbox, credentials=Credentials(sandbox.viewer_id, sandbox.viewer_secret))
    with Diffgram(server, outbox=tmp_path / "o.sqlite") as viewer:
        with pytest.raises(AuthError, match="role of an editor or admin"):
            push(viewer, predictions(folder))
        assert viewer.outbox.runs() == []


def test_a_picture_that_is_cut_in_half_is_refused_at_once(sandbox, diffgram, folder):
    """In the server's words, sent once; the others arrive."""
    whole = (folder / "images" / "a.jpg").read_bytes()
    (folder / "images" / "a.jpg").write_bytes(whole[: len(whole) // 2])
    report = push(diffgram, predictions(folder))
    assert report.exit_code == 1
    (refused,) = report.failed
    assert (refused.file_name, refused.state, refused.attempts) == ("a.jpg", "refused", 1)
    assert "Could not open file" in refused.reason
    assert sum(row["original_filename"] == "a.jpg" for row in sandbox.inputs()) == 1
    assert report.states["applied"][0] == 2


class TimeUp(BaseException):
    """What an orchestrator's signal handler raises in the main thread at a task's time limit."""


def test_what_a_signal_raises_lets_what_is_in_flight_end_first(sandbox, diffgram, folder, monkeypatch):
    """Not Ctrl-C alone: else the threads would go on to send beside the attempt that follows."""

    def time_up(*_):
        raise TimeUp

    upload, sent = diffgram._client.upload, []

    def slow(name, image, body):
        sent.append(name)
        if len(sent) == 1:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.05)
        return upload(name, image, body)

    monkeypatch.setattr(diffgram._client, "upload", slow)
    usual = signal.signal(signal.SIGUSR1, time_up)
    try:
        with pytest.raises(TimeUp):
            push(diffgram, predictions(folder))
    finally:
        signal.signal(signal.SIGUSR1, usual)
    assert set(diffgram.workspace.outbox.counts(1)) == {"applied", "queued"}
    assert len(sent) == len(sandbox.files()) == 1


def test_a_signal_while_a_connection_is_begun_lets_what_is_in_flight_end_too(sandbox, diffgram, folder, monkeypatch):
    """The connection works already, although its beginning was broken off."""
    upload, start = diffgram._client.upload, threading.Thread.start

    def slow(*given):
        time.sleep(0.1)
        return upload(*given)

    def broken_off(thread):
        start(thread)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt

    monkeypatch.setattr(diffgram._client, "upload", slow)
    monkeypatch.setattr(threading.Thread, "start", broken_off)
    with pytest.raises(KeyboardInterrupt):
        push(diffgram, predictions(folder))
    monkeypatch.undo()
    (run,) = diffgram.outbox.runs()
    assert [(state, n) for state, (n, _) in diffgram.outbox.counts(run.id).items()] == [("queued", 2), ("applied", 1)]
    assert diffgram.resume("r").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
