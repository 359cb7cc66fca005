"""Retiring a run or a model: its untouched boxes go, and nothing else, from any machine, however often it is done."""

import json
import threading

import pytest

from boxferry import Diffgram
from boxferry.cli.app import run as boxferry
from boxferry.collector.disk_queue import keep
from boxferry.collector.disk_queue_format import DiskQueueHead, disk_queue_folder, write_head
from boxferry.errors import NotFound, OutboxBusy, UsageError
from boxferry.outbox import turns
from boxferry.outbox.turns import right_to_send
from boxferry.packets.reference import file_digest
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from boxferry.upkeep import retire_removal
from counting import counted
from filled import fill
from sending.pushing import A_BOXES, ROWS, boxes_in, predictions, push, server_of

OTHER = "1 0.7 0.7 0.1 0.1 0.9\n"
OTHER_BOX = (65, 52, 75, 60)


@pytest.fixture
def other(sandbox, tmp_path):
    """Another machine: the same server, an outbox of its own."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as opened:
        yield opened


def file_of(sandbox, name):
    return next(file for file in sandbox.files() if file["original_filename"] == name)


def edit(sandbox, name, change):
    """Save a file's boxes as a reviewer does."""
    file = file_of(sandbox, name)
    save(sandbox._store, file, change(sandbox._store.instances(file["id"])))


def drawn(row):
    box = {"type": "box", "label_file_id": row["label_file_id"], "machine_made": False}
    return box | {"x_min": 70, "y_min": 60, "x_max": 90, "y_max": 75}


def second_model(diffgram, folder, *, rows=OTHER, model="n", run="second", **options):
    """Another model's boxes on a.jpg."""
    (folder / "labels" / "a.txt").write_text(rows)
    (folder / "labels" / "b.txt").unlink(missing_ok=True)
    return push(diffgram, predictions(folder), model=model, run=run, **({"existing": True} | options))


def test_a_dry_run_counts_by_file_and_changes_nothing(sandbox, diffgram, folder):
    """It is the default."""
    push(diffgram, predictions(folder))
    before = len(sandbox.inputs())
    report = diffgram.retire("r")
    assert [(f.file_name, f.removed) for f in report.files] == [("a.jpg", 2), ("b.png", 1)]
    assert (report.removed, report.dry_run, report.exit_code, report.runs) == (3, True, 0, ["m/r"])
    assert (boxes_in(sandbox, "a.jpg"), len(sandbox.inputs())) == (A_BOXES, before)


def test_untouched_boxes_go_and_a_second_time_there_is_nothing_to_do(sandbox, diffgram, folder):
    """Files stay; a file whose boxes were all of the run has none any more."""
    push(diffgram, predictions(folder))
    second_model(diffgram, folder)
    report = diffgram.retire("r", remove=True)
    assert (report.removed, report.exit_code) == (3, 0)
    assert (boxes_in(sandbox, "a.jpg"), boxes_in(sandbox, "b.png")) == ([OTHER_BOX], [])
    sent = len(sandbox.inputs())
    again = diffgram.retire("r", remove=True)
    assert (again.removed, again.exit_code, len(sandbox.inputs())) == (0, 0, sent)


def test_what_people_made_changed_or_completed_stays_as_it_is(sandbox, diffgram, folder):
    """Row by row, with ids and versions; and counted."""
    push(diffgram, predictions(folder))
    edit(sandbox, "a.jpg", lambda rows: [rows[0] | {"x_max": rows[0]["x_max"] + 5}, rows[1], drawn(rows[0])])
    sandbox._store.update("file", file_of(sandbox, "b.png")["id"], {"ann_is_complete": 1})
    people = [box for box in sandbox.boxes("a.jpg") if box["version"] > 1 or not box["machine_made"]]
    report = diffgram.retire("m", remove=True)
    assert {f.file_name: (f.removed, f.touched, f.completed) for f in report.files} == {
        "a.jpg": (1, 1, 0),
        "b.png": (0, 0, 1),
    }
    assert sorted(sandbox.boxes("a.jpg"), key=lambda b: b["id"]) == sorted(people, key=lambda b: b["id"])
    assert len(boxes_in(sandbox, "b.png")) == 1


def test_a_model_is_all_of_its_runs(sandbox, diffgram, folder):
    """And no other model's."""
    push(diffgram, predictions(folder))
    second_model(diffgram, folder, model="m", run="r2")
    second_model(diffgram, folder, model="n", run="r3", rows="0 0.2 0.7 0.1 0.1 0.9\n")
    report = diffgram.retire("m", remove=True)
    assert (report.runs, report.removed) == (["m/r", "m/r2"], 4)
    assert boxes_in(sandbox, "a.jpg") == [(15, 52, 25, 60)]


def test_another_machine_retires_a_run_that_it_never_saw(sandbox, diffgram, other, folder):
    """It needs the directory; two machines do the same as one."""
    push(diffgram, predictions(folder))
    with pytest.raises(UsageError, match="name the directory"):
        other.retire("r")
    assert other.retire("m", directories=["Default"]).removed == 3
    assert other.retire("r", directories=["Default"], remove=True).removed == 3
    assert diffgram.retire("r", remove=True).removed == 0
    assert [boxes_in(sandbox, name) for name in ("a.jpg", "b.png")] == [[], []]
    with pytest.raises(NotFound, match="no box of a run or model 'zzz'"):
        other.retire("zzz", directories=["Default"])


def test_what_a_person_does_after_the_dry_run_counts(sandbox, diffgram, folder, monkeypatch):
    """Files are read again just before; here a person draws and completes after the directory was read."""
    push(diffgram, predictions(folder))
    sent = retire_removal.Removal.files

    def late(self, jobs):
        edit(sandbox, "a.jpg", lambda rows: [*rows, drawn(rows[0])])
        sandbox._store.update("file", file_of(sandbox, "b.png")["id"], {"ann_is_complete": 1})
        return sent(self, jobs)

    monkeypatch.setattr(retire_removal.Removal, "files", late)
    report = diffgram.retire("r", remove=True)
    assert {f.file_name: (f.removed, f.completed) for f in report.files} == {"a.jpg": (2, 0), "b.png": (0, 1)}
    assert (boxes_in(sandbox, "a.jpg"), len(boxes_in(sandbox, "b.png"))) == ([(70, 60, 90, 75)], 1)


def test_a_person_who_saves_between_the_reading_and_the_server_is_said(sandbox, diffgram, folder, monkeypatch):
    """Exit code 1, and the file is named."""
    push(diffgram, predictions(folder))
    edit(sandbox, "a.jpg", lambda rows: [*rows, drawn(rows[0])])
    send = diffgram._client.send_packet

    def save_before(body):
        if b"update_with_existing" in body and b'"x_min":70' in body:
            edit(sandbox, "a.jpg", lambda rows: [r | {"x_max": 95} if r["x_min"] == 70 else r for r in rows])
        send(body)

    monkeypatch.setattr(diffgram._client, "send_packet", save_before)
    report = diffgram.retire("r", remove=True)
    (problem,) = [file.problem for file in report.files if file.problem]
    assert "should have stayed have changed" in problem
    assert (report.exit_code, diffgram.outbox.find_run("r").retired) == (1, 0)


def test_a_push_that_comes_in_between_loses_nothing(sandbox, diffgram, other, folder, monkeypatch):
    """What the replacement took away of another run is sent again."""
    push(diffgram, predictions(folder))
    send, begun, file_id = diffgram._client.send_packet, [], file_of(sandbox, "a.jpg")["id"]

    def push_before(body):
        if b'"file_id":%d,' % file_id in body and not begun:
            begun.append(body)
            second_model(other, folder)
        send(body)

    monkeypatch.setattr(diffgram._client, "send_packet", push_before)
    report = diffgram.retire("r", remove=True)
    assert any("sent again" in file.problem for file in report.files)
    other.resume("second")
    assert boxes_in(sandbox, "a.jpg") == [OTHER_BOX]
    assert len(boxes_in(sandbox, "b.png")) == 0


def test_a_box_that_a_later_run_predicted_too_stays(sandbox, diffgram, folder):
    """The server keeps the older row, with the older run's reference, in the place of an equal box."""
    push(diffgram, predictions(folder))
    second_model(diffgram, folder, rows=ROWS.splitlines()[0] + "\n" + OTHER)
    report = diffgram.retire("m", remove=True)
    assert {f.file_name: (f.removed, f.shared) for f in report.files} == {"a.jpg": (1, 1), "b.png": (1, 0)}
    assert boxes_in(sandbox, "a.jpg") == [(40, 30, 60, 50), OTHER_BOX]


def test_a_row_that_stands_for_a_later_run_is_the_later_runs(sandbox, diffgram, folder):
    """After a replacement, the model's second run owns the rows that were equal, whatever their references say."""
    push(diffgram, predictions(folder))
    second_model(diffgram, folder, model="m", run="r2", on_existing="replace-own", rows=ROWS.splitlines()[0] + "\n")
    references = {box["creation_ref_id"] for box in sandbox.boxes("a.jpg")}
    assert diffgram.retire("1").removed == 1, "b.png alone: the row of a.jpg is not its own any more"
    assert diffgram.retire("2", remove=True).removed == 1
    assert (len(references), boxes_in(sandbox, "a.jpg")) == (1, [])


def test_a_row_of_people_that_equals_a_prediction_is_left_alone(sandbox, diffgram, folder):
    """The server would keep one of the two."""
    push(diffgram, predictions(folder))
    second_model(diffgram, folder)
    edit(sandbox, "a.jpg", lambda rows: [r | {"version": 3, "number": 7} if r["x_min"] == 65 else r for r in rows])
    store, file = sandbox._store, file_of(sandbox, "a.jpg")
    (row,) = [row for row in store.instances(file["id"]) if row["x_min"] == 65]
    store.add_instances(file["id"], [{k: v for k, v in row.items() if k not in {"id", "root_id"}}])
    before = sandbox.boxes("a.jpg")
    report = diffgram.retire("r", remove=True)
    assert ["equal to predictions" in file.problem for file in report.files] == [True, False]
    assert (sandbox.boxes("a.jpg"), report.exit_code) == (before, 1)


def test_it_goes_on_where_it_was_killed(sandbox, diffgram, folder, monkeypatch):
    """What had gone out is not doubled, the rest follows."""
    push(diffgram, predictions(folder))
    send, gone = diffgram._client.send_packet, []

    def killed(body):
        if gone:
            raise KeyboardInterrupt
        gone.append(body)
        send(body)

    monkeypatch.setattr(diffgram._client, "send_packet", killed)
    with pytest.raises(KeyboardInterrupt):
        diffgram.retire("r", remove=True)
    monkeypatch.undo()
    assert diffgram.retire("r", remove=True).exit_code == 0
    assert [boxes_in(sandbox, name) for name in ("a.jpg", "b.png")] == [[], []]


def test_two_machines_at_once_do_what_one_does(sandbox, diffgram, other, folder, monkeypatch):
    """The second begins and ends between the first one's reading and sending."""
    push(diffgram, predictions(folder))
    edit(sandbox, "a.jpg", lambda rows: [*rows, drawn(rows[0])])
    people = [box for box in sandbox.boxes("a.jpg") if not box["machine_made"]]
    send, begun = diffgram._client.send_packet, []

    def other_first(body):
        if not begun:
            begun.append(body)
            assert other.retire("r", directories=["Default"], remove=True).exit_code == 0
        send(body)

    monkeypatch.setattr(diffgram._client, "send_packet", other_first)
    report = diffgram.retire("r", remove=True)
    assert (report.exit_code, [file.problem for file in report.files if file.problem]) == (0, [])
    assert (sandbox.boxes("a.jpg"), boxes_in(sandbox, "b.png")) == (people, [])


def test_a_person_who_completes_a_file_in_between_is_said(sandbox, diffgram, folder, monkeypatch):
    """What went cannot be brought back, and the file is named."""
    push(diffgram, predictions(folder))
    send, file_id = diffgram._client.send_packet, file_of(sandbox, "b.png")["id"]

    def complete_before(body):
        if b'"file_id":%d,' % file_id in body:
            sandbox._store.update("file", file_id, {"ann_is_complete": 1})
        send(body)

    monkeypatch.setattr(diffgram._client, "send_packet", complete_before)
    report = diffgram.retire("r", remove=True)
    assert [
        "completed by people in the meantime" in file.problem for file in report.files if file.file_name == "b.png"
    ] == [True]
    assert report.exit_code == 1


def test_a_server_that_does_not_get_on_is_waited_for_no_longer_than_told(tmp_path, folder):
    """Exit code 5; again while the first packet is on its way: the file waits; the run is not noted as retired."""
    with (
        Sandbox(tmp_path / "slow", delay_s=60) as slow,
        Diffgram(server_of(slow), outbox=tmp_path / "slow.sqlite") as diffgram,
    ):
        push(diffgram, predictions(folder))
        for words in ("has not applied it in time", "another change is being applied"):
            report = diffgram.retire("r", remove=True, wait_s=0.1)
            assert [words in file.problem for file in report.files] == [True, True]
            assert (report.exit_code, report.removed, diffgram.outbox.find_run("r").retired) == (5, 0, 0)


def test_results_that_wait_on_disk_are_sent_first(diffgram, folder):
    """They would bring the run's boxes again."""
    push(diffgram, predictions(folder))
    place = (diffgram.server.host, diffgram.server.project)
    spool = disk_queue_folder(diffgram.outbox_path, *place, "Default", "m", "r")
    keep(spool, [b'{"image":{"key":"z.jpg"},"xyxy":[],"label":[]}\n'])
    write_head(spool, DiskQueueHead(host=place[0], project=place[1], directory="Default", model="m", run="r"))
    with pytest.raises(UsageError, match="1 images of run 'r' wait on disk"):
        diffgram.retire("r", remove=True)


def test_people_are_not_charged_with_what_was_retired(sandbox, diffgram, other, folder):
    """Whichever machine retired it; nothing is amiss, and nothing is sent again."""
    push(diffgram, predictions(folder))
    other.retire("m", directories=["Default"], remove=True)
    assert diffgram.pull("r").summary().fates["deleted"] == 0
    (checked,) = diffgram.check("r")
    assert checked.amiss == []
    diffgram.resume("r", resend_missing=True)
    assert boxes_in(sandbox, "a.jpg") == []


def test_annotations_are_retired_by_the_runs_name(sandbox, other, diffgram, folder):
    """They have no model; rows that count as people's stay."""
    push(diffgram, predictions(folder), annotations=True)
    report = other.retire("r", directories=["Default"], remove=True)
    assert (report.runs, report.removed, boxes_in(sandbox, "a.jpg")) == (["r"], 3, [])


def test_what_waits_in_this_outbox_has_to_end_first(sandbox, diffgram, folder, monkeypatch):
    """It would bring the boxes again; and no other process may be sending."""
    push(diffgram, predictions(folder))
    (entry, *_) = diffgram.outbox.entries(1)
    diffgram.outbox._db.execute("UPDATE packet SET state = 'queued' WHERE id = ?", (entry.id,))
    with pytest.raises(UsageError, match="1 unfinished packets in this outbox"):
        diffgram.retire("r", remove=True)
    assert diffgram.retire("r").removed == 3


def test_a_name_of_several_is_an_error_that_lists_them(diffgram, folder):
    """Each can be named as MODEL/RUN."""
    push(diffgram, predictions(folder))
    second_model(diffgram, folder, model="n", run="r")
    with pytest.raises(UsageError, match="'r' is the name of several: m/r, n/r"):
        diffgram.retire("r")
    assert diffgram.retire("n/r").removed == 1


def test_a_retired_run_is_noted_and_a_new_push_takes_that_back(sandbox, diffgram, folder):
    """The boxes do not come again by the same push; another picture does."""
    push(diffgram, predictions(folder))
    diffgram.retire("r", remove=True)
    assert diffgram.outbox.find_run("r").retired > 0
    assert push(diffgram, predictions(folder)).exit_code == 0
    assert (boxes_in(sandbox, "a.jpg"), diffgram.outbox.find_run("r").retired > 0) == ([], True)
    (folder / "labels" / "c.txt").write_text(ROWS)
    push(diffgram, predictions(folder), on_existing="append")
    assert (boxes_in(sandbox, "c.jpg"), diffgram.outbox.find_run("r").retired) == (A_BOXES, 0)


def test_the_command_shows_first_and_removes_when_told(sandbox, diffgram, folder, monkeypatch, capsys):
    """As a table, as JSON, with the exit code."""
    push(diffgram, predictions(folder))
    server = server_of(sandbox)
    for name, value in {
        "DIFFGRAM_HOST": server.host,
        "DIFFGRAM_PROJECT": server.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(diffgram.outbox_path),
    }.items():
        monkeypatch.setenv(name, value)
    assert boxferry(["retire", "r"]) == 0
    assert "3 boxes on 2 files would be removed" in capsys.readouterr().err
    assert boxferry(["retire", "r", "--remove", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["removed"], told["dry_run"], told["runs"]) == (3, False, ["m/r"])
    assert boxferry(["retire", "r", "--remove"]) == 0
    assert "nothing to do" in capsys.readouterr().err


def test_only_one_process_sends_from_an_outbox(diffgram, other, folder):
    """Exit code 4 while another one does."""
    push(diffgram, predictions(folder))
    held, over = threading.Event(), threading.Event()

    def hold():
        with right_to_send(diffgram.outbox_path):
            held.set()
            over.wait(5)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    turns._turns.clear()  # as in another process, which waits for no thread of this one
    with pytest.raises(OutboxBusy):
        diffgram.retire("r", remove=True)
    over.set()
    thread.join()


def test_what_a_retired_model_predicted_is_not_taken_for_turned_down(sandbox, diffgram, folder):
    """The packet says what it takes away, so that the next model may predict the same and is asked about it."""
    push(diffgram, predictions(folder))
    diffgram.retire("m", remove=True)
    report = second_model(diffgram, folder, rows=ROWS)
    assert (report.exit_code, report.tally.dropped) == (0, {})
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_a_thousand_files_are_looked_at_in_a_few_calls(sandbox, tmp_path):
    """By pages; the inputs in one list."""
    digests = [file_digest(f"{number:06}.png", "m", "r") for number in range(1000)]

    def ours(number, index):
        left = 10 * index
        reference = f"boxferry:{digests[number]}:{left},5,{left + 8},50:cat"
        return {"creation_ref_id": reference, "model_run_id": 1, "type": "box"}

    fill(sandbox, 1000, boxes=2, box=ours)
    sandbox._store.model_run(sandbox.project, "m", "r")
    with (
        counted(sandbox.host) as (host, calls),
        Diffgram(server_of(sandbox, host=host), outbox=tmp_path / "o.sqlite") as diffgram,
    ):
        assert diffgram.retire("m", directories=["Default"]).removed == 2000
        assert calls.counted().total() <= 12, calls.counted()
