"""What is unsure is asked about before it is sent again; one process sends at a time; a run is gone on with."""

import json
import subprocess
import sys
import time
from unittest.mock import patch

import pytest
from PIL import Image as Picture

from boxferry import Credentials, Diffgram, PushOptions, Server, read
from boxferry.deliver.backoff import Backoff
from boxferry.diffgram.client import Client
from boxferry.errors import DiffgramError, OutboxError, Unreachable, Unsure, UsageError
from boxferry.plan.patience import Patience
from boxferry.sandbox.faults import Faults, FaultyWire
from boxferry.sandbox.server import Sandbox

QUICK = Patience(wait_s=20.0, settle_s=0.2, failures=5, first_pause_s=0.01)


@pytest.fixture
def folder(tmp_path):
    """Two images of 100x80 with two boxes each."""
    for name in ("a.png", "b.png"):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "labels").mkdir(exist_ok=True)
        Picture.new("RGB", (100, 80)).save(tmp_path / "images" / name)
        rows = "0 0.5 0.5 0.2 0.25 0.9\n1 0.25 0.25 0.1 0.1 0.4\n"
        (tmp_path / "labels" / name).with_suffix(".txt").write_text(rows)
    return tmp_path


def server_at(sandbox, host=None):
    credentials = Credentials(sandbox.client_id, sandbox.client_secret)
    return Server(host=host or sandbox.host, project=sandbox.project, credentials=credentials)


def push(diffgram, folder, *, run="r", patience=QUICK, **options):
    predictions = read(folder / "labels", format="yolo", names=["cat", "dog"], images=folder / "images")
    options = {"on_existing": "append" if options.get("existing") else "error"} | options
    options = PushOptions(labels="create", patience=patience, **options)
    return diffgram.push(predictions, directory="Default", model="m", run=run, options=options)


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_at(sandbox), outbox=tmp_path / "outbox.sqlite", connections=1) as opened:
        yield opened


CALLS = {"upload": "upload", "existing": "send_packet"}
WHEN = ["before", "after"]


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("route", CALLS)
def test_a_call_of_which_nobody_is_sure_is_looked_up_and_not_doubled(sandbox, diffgram, folder, route, when):
    """Whether the connection broke before the server acted or after."""
    if route == "existing":
        push(diffgram, folder, run="images")
    real, calls = getattr(Client, CALLS[route]), []

    def breaking(self, *arguments):
        calls.append(when)
        if len(calls) == 1 and when == "before":
            raise Unsure("the connection broke")
        answer = real(self, *arguments)
        if len(calls) == 1:
            raise Unsure("the connection broke")
        return answer

    with patch.object(Client, CALLS[route], breaking):
        report = push(diffgram, folder, existing=route == "existing")
    assert report.states == {"applied": (2, 4)}
    assert len(calls) == (3 if when == "before" else 2)
    for name in ("a.png", "b.png"):
        assert len(sandbox.boxes(name)) == (4 if route == "existing" else 2)


def test_a_file_of_another_run_is_not_taken_for_this_ones(sandbox, diffgram, folder):
    """An unsure upload whose name was there before is refused in the end, in the server's words."""
    real, calls = Client.upload, []

    def breaking(self, *arguments):
        calls.append(1)
        if len(calls) == 1:  # meanwhile another one sends pictures of these names
            with Diffgram(server_at(sandbox), outbox=folder / "other.sqlite") as other:
                push(other, folder, run="other")
            raise Unsure("the connection broke")
        return real(self, *arguments)

    with patch.object(Client, "upload", breaking):
        report = push(diffgram, folder)
    assert report.states == {"refused": (2, 4)}
    assert "is in the directory already" in report.failed[0].reason
    assert len(sandbox.boxes("a.png")) == 2


def test_sending_stops_after_a_run_of_failures_and_is_gone_on_with(sandbox, diffgram, folder):
    """Exit code 4, everything queued; resume brings it to the end."""
    refusing = patch.object(Client, "upload", side_effect=Unreachable("nobody answers"))
    with refusing as upload:
        report = push(diffgram, folder)
    assert report.exit_code == 4
    assert upload.call_count == QUICK.failures
    assert report.states == {"queued": (2, 4)}
    resumed = diffgram.resume("r", patience=QUICK)
    assert (resumed.exit_code, resumed.states) == (0, {"applied": (2, 4)})
    assert len(sandbox.boxes("a.png")) == 2


def test_not_waiting_leaves_the_packets_accepted_and_resume_finds_their_end(sandbox, diffgram, folder):
    """--no-wait; later somebody asks."""
    push(diffgram, folder, run="images")
    report = push(diffgram, folder, existing=True, patience=Patience(wait_s=0.0))
    assert (report.exit_code, report.states) == (0, {"applied": (1, 2), "accepted": (1, 2)}), "the first is waited for"
    assert diffgram.resume("r", patience=QUICK).states == {"applied": (2, 4)}


@pytest.mark.parametrize("images", [1, 2])
def test_not_waiting_waits_for_a_runs_first_packet_only_where_others_follow_and_a_minute_at_most(
    tmp_path, folder, monkeypatch, images
):
    """On a server that applies nothing: what may be spent on lost requests is more, and is not spent on this."""
    monkeypatch.setattr("boxferry.deliver.run_to_end.PILOT_S", 0.05)
    with (
        Sandbox(tmp_path / "sandbox", lose_work=1.0) as sandbox,
        Diffgram(server_at(sandbox), outbox=tmp_path / "outbox.sqlite") as diffgram,
    ):
        push(diffgram, folder, run="images")
        if images == 1:
            (folder / "labels" / "b.txt").unlink()
        report = push(diffgram, folder, existing=True, patience=Patience(wait_s=0.0))
    if images > 1:
        assert (report.exit_code, report.states) == (5, {"queued": (1, 2), "accepted": (1, 2)})
        assert "the first packet of the run, which is sent alone, is not applied yet" in str(report.stopped)
    else:
        assert (report.exit_code, report.states) == (0, {"accepted": (1, 2)})


def test_a_file_that_is_still_being_processed_is_tried_again(sandbox, diffgram, folder):
    """The server's words for an update that came too early send it out once more."""
    push(diffgram, folder, run="images")
    store, early = sandbox._store, []
    real = sandbox._workers._process

    def too_early(row):
        if row["mode"] == "update" and len(early) < 2:
            early.append(row["id"])
            reason = "media_type undefined. This may be a timing issue"
            return store.update("input", row["id"], {"status": "failed", "status_text": reason})
        return real(row)

    with patch.object(sandbox._workers, "_process", too_early):
        report = push(diffgram, folder, existing=True)
    assert len(early) == 2
    assert report.states == {"applied": (2, 4)}
    assert len(sandbox.boxes("a.png")) == 4


def test_a_second_process_on_the_same_outbox_is_refused(sandbox, diffgram, folder):
    """Never do both send."""
    diffgram.outbox.runs()
    held = f"""
import sys, time
from pathlib import Path
from boxferry.outbox.outbox import Outbox
with Outbox(Path({str(diffgram.outbox_path)!r})).sending():
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(OutboxError, match="another process is sending") as busy:
            push(diffgram, folder)
        assert busy.value.exit_code == 4, "as for a server that cannot be reached: the same can be tried again"
        other.kill()
    assert push(diffgram, folder).states == {"applied": (2, 4)}, "a killed process holds nothing"


def test_a_run_of_another_project_is_not_sent_here(diffgram, sandbox, folder, tmp_path):
    """The settings have to be those of the run."""
    push(diffgram, folder)
    other = Server(host=sandbox.host, project="other", credentials=Credentials("i", "s"))
    with Diffgram(other, outbox=diffgram.outbox_path) as wrong, pytest.raises(UsageError, match="project 'sandbox'"):
        wrong.resume("r")


def test_a_full_disk_is_one_clear_line_and_nothing_goes_out_unrecorded(sandbox, diffgram, folder):
    """The packets are stored before the first is sent, all or none."""
    diffgram.outbox._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(OutboxError, match=r"outbox\.sqlite: database or disk is full"):
        push_many(diffgram, folder)
    assert sandbox.files() == []


def test_an_outbox_that_cannot_be_written_sends_nothing(sandbox, diffgram, folder):
    """What is not recorded does not go out."""
    diffgram.outbox._db.execute("PRAGMA query_only = ON")
    with pytest.raises(OutboxError, match=r"outbox\.sqlite: attempt to write a readonly database"):
        push(diffgram, folder)
    assert sandbox.files() == []


def push_many(diffgram, folder):
    for number in range(150):
        name = f"{number}.png"
        Picture.new("RGB", (100, 80)).save(folder / "images" / name)
        (folder / "labels" / name).with_suffix(".txt").write_text("0 0.5 0.5 0.2 0.25 0.9\n" * 3)
    return push(diffgram, folder)


def test_the_circuit_waits_longer_each_time_and_starts_again_after_a_success():
    """Half of each pause is left to chance."""
    pauses = []
    backoff = Backoff(patience=5, first_pause_s=1.0, random=lambda: 1.0, sleep=pauses.append)
    assert [backoff.failed() for _ in range(3)] == [True] * 3
    backoff.worked()
    assert [backoff.failed() for _ in range(5)] == [True] * 4 + [False]
    assert pauses == [1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 8.0]


FAULTS = {
    "drop_before": Unsure,
    "drop_after": Unsure,
    "truncate": Unsure,
    "error_after": Unsure,
    "error_before": Unsure,
}


@pytest.mark.parametrize(("name", "error"), FAULTS.items(), ids=FAULTS)
def test_the_faults_are_what_they_say(sandbox, name, error):
    """Each alone, always: what the client sees, and whether the server acted."""
    proxy = FaultyWire(sandbox.host, Faults(**{name: 1.0}))
    with proxy as wire, Client(server_at(sandbox, wire.host)) as client, pytest.raises(Unsure):
        client.create_directory("x")
    acted = name in {"drop_after", "truncate", "error_after"}
    deadline = time.monotonic() + 5
    with Client(server_at(sandbox)) as client:
        while acted and len(client.directories()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(client.directories()) == (2 if acted else 1)


def test_faults_are_repeatable_and_a_misspelt_one_is_said():
    """By their seed."""
    wires = [FaultyWire("http://127.0.0.1:9", Faults.parse("drop_before=0.3,seed=7")) for _ in range(2)]
    rolls = [[wire._fault() for _ in range(50)] for wire in wires]
    for wire in wires:
        wire._listener.close()
    assert rolls[0] == rolls[1]
    assert {name for name, _ in rolls[0]} == {"none", "drop_before"}
    with pytest.raises(ValueError, match="'drop' is no fault; there are drop_before"):
        Faults.parse("drop=1")


def test_no_file_that_a_run_leaves_behind_holds_the_secret(sandbox, diffgram, folder, caplog):
    """Nor what it logs at the loudest level."""
    caplog.set_level("DEBUG")
    report = push(diffgram, folder)
    import base64

    secret = base64.b64encode(f"{sandbox.client_id}:{sandbox.client_secret}".encode())
    left = [p.read_bytes() for p in diffgram.outbox_path.parent.glob("outbox.sqlite*")]
    left += [caplog.text.encode(), json.dumps(report.as_dict()).encode(), repr(diffgram.__dict__).encode()]
    for hidden in (sandbox.client_secret.encode(), secret):
        assert not any(hidden in text for text in left)


def test_a_packet_that_never_gets_through_is_given_up(sandbox, diffgram, folder):
    """After ten attempts, with the last reason; the backoff is not what ends it."""
    patience = Patience(wait_s=5.0, settle_s=0.01, failures=1000, first_pause_s=0.0)
    with patch.object(Client, "upload", side_effect=Unsure("500 to everything")) as upload:
        report = push(diffgram, folder, patience=patience)
    assert report.states == {"refused": (2, 4)}
    assert upload.call_count == 20
    assert report.failed[0].reason == "given up after 10 attempts: 500 to everything"


def test_a_server_that_never_finishes_is_not_waited_for_without_end(sandbox, diffgram, folder):
    """An upload whose boxes hang: exit code 5, and the packet stays unsure."""
    real = Client.upload

    def breaking(self, *arguments):
        answer = real(self, *arguments)
        sandbox._store.delete_instances([box["id"] for box in sandbox._store.instances(answer.file_id)])
        sandbox._store.update("input", answer.input.id, {"status": "processing"})
        raise Unsure("the connection broke")

    with patch.object(Client, "upload", breaking):
        report = push(diffgram, folder, patience=Patience(wait_s=0.1, settle_s=0.05, first_pause_s=0.01))
    assert report.exit_code == 5
    assert set(report.states) == {"unsure", "queued"}, "the first packet of the run goes alone"
    sandbox._store.update("input", 1, {"status": "success"})
    assert diffgram.resume("r", patience=QUICK).states == {"applied": (2, 4)}, "the missing boxes are appended"
    assert len(sandbox.boxes("a.png")) == 2


@pytest.mark.parametrize("verify", [False, True])
def test_success_that_stored_nothing_is_found_out_by_reading_back(sandbox, diffgram, folder, verify):
    """The server says success for a list that its database turned down."""
    push(diffgram, folder, run="images")
    with patch("boxferry.sandbox.annotating.vanishes", return_value=True):
        report = push(diffgram, folder, existing=True, verify=verify)
    assert set(report.states) == ({"refused"} if verify else {"applied"})
    if verify:
        assert report.exit_code == 1
        assert report.failed[0].reason == "the server reports success, but 2 of 2 boxes are not stored"
    again = push(diffgram, folder, existing=True, verify=True)
    assert (again.states.get("applied", (0, 0))[1], len(sandbox.boxes("a.png"))) == (4, 4 if verify else 2)


def test_work_that_the_server_loses_ends_in_time_and_is_applied_once_when_it_is_found(tmp_path, folder):
    """Accepted and never worked on: the push ends with exit code 5, a resume sends nothing, and nothing is doubled."""
    sandbox = Sandbox(tmp_path / "sandbox", lose_work=1.0)
    with sandbox, Diffgram(server_at(sandbox), outbox=tmp_path / "outbox.sqlite") as diffgram:
        push(diffgram, folder, run="images")
        quick = Patience(wait_s=0.3, settle_s=0.2)
        report = push(diffgram, folder, existing=True, patience=quick)
        assert (report.exit_code, report.states) == (5, {"queued": (1, 2), "accepted": (1, 2)})
        assert diffgram.resume("r", patience=quick).exit_code == 5
        assert sandbox.find_lost() == 1
        assert diffgram.resume("r", patience=quick).states == {"applied": (1, 2), "accepted": (1, 2)}
        assert sandbox.find_lost() == 1
        assert diffgram.resume("r", patience=QUICK).states == {"applied": (2, 4)}
        assert len(sandbox.boxes("a.png")) == 4


def test_a_server_that_refuses_connections_for_a_while_is_waited_for(sandbox, tmp_path, folder):
    """Nobody listens; what was in hand stays queued, and goes out when the server is back."""
    patience = Patience(wait_s=20.0, settle_s=0.2, failures=20, first_pause_s=0.1)
    broken = Faults(refuse=0.3, refuse_s=0.3, seed=3)
    with (
        FaultyWire(sandbox.host, broken) as wire,
        Diffgram(server_at(sandbox, wire.host), outbox=tmp_path / "outbox.sqlite", connections=1) as diffgram,
    ):
        for _ in range(20):
            try:
                report = push(diffgram, folder, patience=patience)
            except DiffgramError:
                continue  # before the first packet: nothing is sent
            if set(report.states) == {"applied"}:
                break
        assert report.states == {"applied": (2, 4)}
    assert len(sandbox.boxes("a.png")) == 2
