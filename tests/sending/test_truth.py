"""The server is the truth: what is there, or under way, is not sent again, whichever machine or outbox sent it."""

import shutil
import time
from collections import Counter
from dataclasses import replace
from threading import Barrier, Event, Thread

import pytest
from PIL import Image as Picture

import processes
from boxferry import PushOptions, read
from boxferry.errors import OutboxBusy, Unsure, UsageError
from boxferry.outbox.outbox import Outbox
from boxferry.packets.contents import references_in
from boxferry.plan.patience import Patience
from boxferry.plan.plan_file import read_plan
from boxferry.sandbox.server import Sandbox
from sending.machines import At, Stopped, held, machine, named, stop
from sending.pushing import A_BOXES, ROWS, boxes_in, predictions, push

QUICK = Patience(wait_s=20.0, settle_s=0.5, first_pause_s=0.01)
NO_WAIT = replace(QUICK, wait_s=0.0, pilot=False)
ONCE = {1}


@pytest.fixture
def files(sandbox, diffgram, folder):
    """The three images are there, without boxes, and the labels."""
    push(diffgram, read(folder / "images"), run="raw", annotations=True)
    schema = diffgram._client.schemas()[0].id
    for name in ("cat", "dog"):
        diffgram._client.create_label(name, schema_id=schema)
    return sandbox


def onto(diffgram, folder, **given):
    """A push of the three boxes onto the files that are there, as it is without options."""
    given = {"existing": True, "on_existing": "error", "patience": QUICK} | given
    return push(diffgram, predictions(folder), **given)


def once(sandbox, count=3):
    counts = held(sandbox)
    return len(counts) == count and set(counts.values()) == ONCE


def known(diffgram):
    """A run that the server knows, with a box of its own: none of another run's packets has to go alone."""
    box = {"xmin": 45, "ymin": 36, "xmax": 55, "ymax": 44}
    push(
        diffgram,
        read({"c.jpg": [{"score": 0.9, "label": "cat", "box": box}]}, size="100x80"),
        existing=True,
        run="known",
    )


def stopped_push(diffgram, source, **given):
    """A push whose process ends when its packets are stored, before any goes out."""
    options = PushOptions(**({"labels": "create", "patience": QUICK} | given))
    with pytest.raises(Stopped):
        diffgram.push(source, directory="Default", model="m", run="r", options=options, listener=At(stop))


# An outbox that does not know


def test_a_fresh_outbox_adds_nothing_to_what_is_accepted_and_not_applied(files, diffgram, folder, tmp_path):
    """The earlier attempt's packets wait on the server; afterwards the boxes are found, and are the run's."""
    files.busy = True
    assert set(onto(diffgram, folder, patience=NO_WAIT).states) == {"accepted"}
    with machine(files, tmp_path / "pod.sqlite") as pod:
        report = onto(pod, folder, patience=replace(QUICK, wait_s=0.5))
        assert (report.exit_code, report.tally.dropped) == (5, {"under-way": 3})
        assert report.states == {"accepted": (2, 3)}, "they are watched, as where it had sent them itself"
        assert onto(pod, folder, patience=NO_WAIT).exit_code == 0
        files.busy = False
        files.wait_idle()
        assert once(files)
        again = onto(pod, folder)
        assert (again.exit_code, again.states) == (0, {"applied": (2, 3)}), "so that they are pulled with the run"
    assert once(files)


def test_what_is_under_way_by_url_is_not_fetched_twice(sandbox, diffgram, folder, served, tmp_path):
    """No file is there yet: its name and boxes are in the server's inputs."""
    url = f"{served}/{{file_name}}"
    sandbox.busy = True
    push(diffgram, predictions(folder), media_url=url, patience=NO_WAIT)
    with machine(sandbox, tmp_path / "pod.sqlite") as pod:
        report = push(pod, predictions(folder), media_url=url, patience=NO_WAIT)
        assert report.tally.dropped["under-way"] == 3
        sandbox.busy = False
        sandbox.wait_idle()
        assert once(sandbox)
        assert push(pod, predictions(folder), media_url=url, patience=QUICK).exit_code == 0
    assert [len(named(sandbox, name)) for name in ("a.jpg", "b.png", "c.jpg")] == [1, 1, 1]
    assert once(sandbox)


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "under way"])
def test_what_another_sends_between_planning_and_sending_is_not_sent_again(files, diffgram, folder, tmp_path, applied):
    """The server is asked once more just before each packet goes out."""

    def elsewhere():
        with machine(files, tmp_path / "other.sqlite") as other:
            files.busy = not applied
            onto(other, folder, patience=QUICK if applied else NO_WAIT)

    report = diffgram.push(
        predictions(folder),
        directory="Default",
        model="m",
        run="r",
        options=PushOptions(existing=True, patience=NO_WAIT),
        listener=At(elsewhere),
    )
    files.busy = False
    files.wait_idle()
    assert set(report.states) == {"applied" if applied else "accepted"}
    assert diffgram.resume("r", patience=QUICK, verify=True).exit_code == 0
    assert once(files)


def test_two_machines_at_once_onto_files_that_are_there(folder, tmp_path):
    """Each with an outbox of its own; every box once, or it is said that it is there twice, and deduped."""
    with Sandbox(tmp_path / "slow", delay_s=0.1) as sandbox:
        with machine(sandbox, tmp_path / "first.sqlite") as first:
            push(first, read(folder / "images"), run="raw", annotations=True)
            known(first)
        reports = []

        def work(name):
            with machine(sandbox, tmp_path / f"{name}.sqlite") as own:
                reports.append(onto(own, folder, on_existing="append"))

        threads = [Thread(target=work, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        doubled = [reference for reference, count in held(sandbox).items() if count > 1]
        if doubled:
            assert 1 in {report.exit_code for report in reports}
            with machine(sandbox, tmp_path / "one.sqlite") as one:
                one.dedupe("r")
        else:
            assert [report.exit_code for report in reports] == [0, 0]
        assert once(sandbox, 4)


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
def test_an_outbox_that_was_copied_is_resumed_twice(files, diffgram, folder, tmp_path, at_once):
    """The second finds what the first has sent."""
    known(diffgram)
    stopped_push(diffgram, predictions(folder), existing=True, on_existing="append")
    diffgram.outbox._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    reports = []

    def work(path):
        with machine(files, path) as own:
            reports.append(own.resume("r", patience=QUICK, verify=True))

    paths = [tmp_path / f"copy-{n}.sqlite" for n in range(2)]
    for path in paths:
        shutil.copy(diffgram.outbox_path, path)
    threads = [Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
        if not at_once:
            thread.join(60)
    for thread in threads:
        thread.join(60)
    if not at_once:
        assert [report.exit_code for report in reports] == [0, 0]
    if at_once and max(held(files).values()) > 1:
        assert 1 in {report.exit_code for report in reports}, "said"
        with machine(files, paths[0]) as own:
            assert own.dedupe("r").exit_code == 0
    assert once(files, 4)


# Names: of runs, models and pictures

PLACE = ["--directory", "Default", "--labels", "create"]


def test_two_cameras_are_two_runs(sandbox, tmp_path):
    """run_cam1/labels and run_cam2/labels, pushed as one does: cam2's box never gets onto cam1's picture."""
    for camera, size in (("cam1", (100, 80)), ("cam2", (1920, 1080))):
        (tmp_path / camera).mkdir()
        (tmp_path / f"run_{camera}" / "labels").mkdir(parents=True)
        Picture.new("RGB", size).save(tmp_path / camera / "000001.jpg")
        (tmp_path / f"run_{camera}" / "labels" / "000001.txt").write_text("0 0.5 0.5 0.2 0.2 0.9\n")
    settings = {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(tmp_path / "outbox.sqlite"),
    }
    done = {
        camera: processes.boxferry(
            *["push", f"run_{camera}/labels", "--images", camera, "--names", "cat", *PLACE],
            cwd=tmp_path,
            env=settings | {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        )
        for camera in ("cam1", "cam2")
    }
    assert [run.returncode for run in done.values()] == [0, 1], done["cam1"].stderr
    assert "000001.jpg" in done["cam2"].stderr
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        assert [run.name for run in outbox.runs()] == ["run_cam1", "run_cam2"]
    assert boxes_in(sandbox, "000001.jpg") == [(40, 32, 60, 48)]


def test_another_source_under_the_same_run_names_the_remedy(sandbox, diffgram, folder, tmp_path):
    """Other pictures than the run's own."""
    push(diffgram, predictions(folder))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "d.txt").write_text(ROWS)
    Picture.new("RGB", (100, 80), "red").save(folder / "images" / "d.jpg")
    source = read(tmp_path / "other", format="yolo", names=["cat", "dog"], images=folder / "images")
    with pytest.raises(UsageError, match="--run"):
        push(diffgram, source)
    assert not named(sandbox, "d.jpg")


def test_a_second_models_boxes_are_refused_unless_a_word_says_otherwise(files, diffgram, folder):
    """The default is an error that says what can be chosen; nothing is doubled."""
    onto(diffgram, folder)
    report = onto(diffgram, folder, model="second")
    assert report.exit_code == 1
    assert report.tally.failed == {"has-predictions": 2}
    assert "choose on_existing=append, skip or replace-own" in str(report.tally.examples["has-predictions"][0])
    assert once(files)
    assert onto(diffgram, folder, model="second", on_existing="append").exit_code == 0
    assert once(files, 6)


@pytest.mark.parametrize(
    ("option", "word", "right"), [("on_existing", "replace_own", "replace-own"), ("labels", "creat", "create")]
)
def test_a_misspelt_word_is_an_error_with_the_right_ones(option, word, right):
    """When the options are made, in Python too."""
    with pytest.raises(UsageError) as error:
        PushOptions(**{option: word})
    assert word in str(error.value)
    assert right in str(error.value)


# Plans


def a_plan(diffgram, folder, path, **given):
    onto(diffgram, folder, plan=path, **given)
    return read_plan(path)


def test_a_plan_adds_nothing_to_what_was_pushed_since(files, diffgram, folder, tmp_path):
    """A part of the same run went out between; and the plan is carried out by two outboxes, twice each."""
    plan = a_plan(diffgram, folder, tmp_path / "plan.json")
    part = read(folder / "labels", format="yolo", names=["cat", "dog"], images=folder / "images").filter(min_score=0.8)
    push(diffgram, part, existing=True, on_existing="error", patience=QUICK)
    with machine(files, tmp_path / "second.sqlite") as second:
        for each in (diffgram, second, diffgram, second):
            report = each.carry_out(plan, options=PushOptions(patience=QUICK))
            assert report.exit_code == 0, report.summary()
            assert once(files)
    assert boxes_in(files, "a.jpg") == A_BOXES


def test_a_plan_adds_nothing_to_what_is_under_way(files, diffgram, folder, tmp_path):
    """From another outbox, accepted and not applied."""
    plan = a_plan(diffgram, folder, tmp_path / "plan.json")
    with machine(files, tmp_path / "second.sqlite") as second:
        files.busy = True
        onto(second, folder, patience=NO_WAIT)
        diffgram.carry_out(plan, options=PushOptions(patience=NO_WAIT))
    files.busy = False
    files.wait_idle()
    assert once(files)


# A wire that loses


def test_a_lost_packet_is_not_taken_for_its_neighbour_of_the_same_file(files, diffgram, folder, monkeypatch):
    """Two appends to one file in one batch; the second never arrives, and its reference is not in the first."""
    first = predictions(folder).filter(min_score=0.8)
    for source in (first, predictions(folder)):
        stopped_push(diffgram, source, existing=True, on_existing="append")
    run = diffgram.outbox.find_run("r")
    assert Counter(e.file_name for e in diffgram.outbox.entries(run.id)) == {"a.jpg": 2, "b.png": 1}
    send, lost = diffgram._client.send_packet, []

    def losing(body):
        if not lost and any(":20,16,30,24:" in reference for reference in references_in(body)):
            lost.append(body)
            raise Unsure("lost on the way")
        send(body)

    monkeypatch.setattr(diffgram._client, "send_packet", losing)
    report = diffgram.resume("r", patience=QUICK, verify=True)
    assert lost
    assert (report.exit_code, report.states) == (0, {"applied": (3, 3)})
    assert once(files)


# Clocks


@pytest.mark.parametrize("ahead_s", [3600.0, 864_000.0, -864_000.0], ids=["an hour", "ten days", "ten days behind"])
@pytest.mark.parametrize("whose", ["push", "resume", "server"])
def test_a_clock_that_is_off_neither_doubles_nor_blocks(folder, tmp_path, monkeypatch, ahead_s, whose):
    """The packet in flight when the process ended is decided by the server's clock, and in seconds."""

    def off():
        return time.time() + ahead_s

    with Sandbox(tmp_path / "sandbox", clock=off if whose == "server" else time.time) as sandbox:
        with machine(sandbox, tmp_path / "o.sqlite", clock=off if whose == "push" else None) as diffgram:
            push(diffgram, read(folder / "images"), run="raw", annotations=True)
            send = diffgram._client.send_packet

            def killed(body):
                send(body)
                raise Stopped

            monkeypatch.setattr(diffgram._client, "send_packet", killed)
            with pytest.raises(Stopped):
                onto(diffgram, folder, labels="create")
        with machine(sandbox, tmp_path / "o.sqlite", clock=off if whose == "resume" else None) as diffgram:
            began = time.monotonic()
            report = diffgram.resume("r", patience=QUICK, verify=True)
        assert (report.exit_code, report.states) == (0, {"applied": (2, 3)})
        assert time.monotonic() - began < 15
        assert once(sandbox)


# Pictures


def test_a_picture_that_was_replaced_before_it_went_out_is_not_sent_with_the_old_boxes(sandbox, diffgram, folder):
    """Its boxes were planned for another one; the others go, and pushing again sends the new one."""
    stopped_push(diffgram, predictions(folder))
    Picture.new("RGB", (50, 40), "green").save(folder / "images" / "a.jpg")
    report = diffgram.resume("r", patience=QUICK)
    assert (report.exit_code, report.states["refused"]) == (1, (1, 2))
    assert "changed since its boxes were planned; push it again" in report.failed[0].reason
    assert not named(sandbox, "a.jpg")
    assert push(diffgram, predictions(folder), create_empty=False).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [(10, 8, 15, 12), (20, 15, 30, 25)]


def test_a_picture_that_was_uploaded_is_told_from_another_of_its_size(sandbox, diffgram, folder):
    """By its bytes, where it was uploaded from here."""
    push(diffgram, predictions(folder))
    Picture.new("RGB", (100, 80), "green").save(folder / "images" / "a.jpg")
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.9 0.9 0.9\n")
    report = push(diffgram, predictions(folder), create_empty=False)
    assert report.exit_code == 1
    assert "differs from the image" in str(report.tally.examples["other-picture"][0])
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


@pytest.mark.parametrize("size", [(320, 200), (100, 80)], ids=["another size", "the same size"])
def test_a_picture_without_boxes_whose_name_another_has_is_not_taken_for_it(sandbox, diffgram, tmp_path, size):
    """It was called applied, and never uploaded."""
    for name, facts in (("one", ((100, 80), "grey")), ("two", (size, "red"))):
        (tmp_path / name).mkdir()
        Picture.new("RGB", *facts).save(tmp_path / name / "a.jpg")
    push(diffgram, read(tmp_path / "one"), run="one", annotations=True)
    with machine(sandbox, tmp_path / "second.sqlite") as second:
        for own in (diffgram, second):
            report = push(own, read(tmp_path / "two"), run="two", annotations=True)
            if own is diffgram or size != (100, 80):
                assert (report.exit_code, report.tally.failed.total()) == (1, 1), report.summary()
            else:  # an outbox that did not upload it knows its size only, and a push from a new machine ends well
                assert (report.exit_code, report.tally.noted) == (0, {"file-exists": 1})
    assert len(named(sandbox, "a.jpg")) == 1


def unseen(sandbox, monkeypatch):
    """Uploads of one name at the same time: each finds that no file has it, as on a real server."""
    monkeypatch.setattr(sandbox._store, "file_in", lambda *_: None)
    monkeypatch.setattr("boxferry.deliver.lookup.Lookup.already", lambda *_: None)


def test_two_machines_that_upload_one_picture_at_once_say_so(sandbox, folder, tmp_path, monkeypatch):
    """Both found the name free; with both ids, and when one file is removed the next push finds all well."""
    with machine(sandbox, tmp_path / "first.sqlite") as first:
        schema = first._client.schemas()[0].id
        for name in ("cat", "dog"):
            first._client.create_label(name, schema_id=schema)
    unseen(sandbox, monkeypatch)
    (folder / "labels" / "b.txt").unlink()
    reports = {}

    def work(name):
        with machine(sandbox, tmp_path / f"{name}.sqlite", connections=1) as own:
            options, planned_both = PushOptions(patience=QUICK), At(lambda: planned.wait(20))
            place = {"directory": "Default", "model": "m", "run": "r"}
            reports[name] = own.push(predictions(folder), **place, options=options, listener=planned_both)

    planned = Barrier(2)
    threads = [Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    monkeypatch.undo()
    ids = [file["id"] for file in named(sandbox, "a.jpg")]
    assert len(ids) == 2, [report.failed for report in reports.values()]
    assert 1 in {report.exit_code for report in reports.values()}
    said = " ".join(entry.reason for report in reports.values() for entry in report.doubtful)
    assert f"2 files have its name (ids {ids[0]}, {ids[1]})" in said
    for removed in ids[:1]:
        sandbox.remove_file(removed)
    for name in ("one", "two"):
        with machine(sandbox, tmp_path / f"{name}.sqlite") as own:
            again = push(own, predictions(folder), create_empty=False, patience=QUICK)
            assert (again.exit_code, again.states) == (0, {"applied": (1, 2)}), again.doubtful
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


# Read back


def applied_twice(sandbox, monkeypatch):
    """A server that works each packet off twice."""
    work = sandbox._workers._process

    def twice(row):
        work(row)
        work(row)

    monkeypatch.setattr(sandbox._workers, "_process", twice)


@pytest.mark.parametrize("first", ["verified", "killed before it was read back"])
def test_a_server_that_applied_twice_is_noticed_and_put_right(files, diffgram, folder, monkeypatch, first):
    """As a multiset; also where the process ended between the applying and the reading."""
    with monkeypatch.context() as patched:
        applied_twice(files, patched)
        report = onto(diffgram, folder, verify=first == "verified")
    assert set(held(files).values()) == {2}
    if first != "verified":
        assert report.exit_code == 0
        report = diffgram.resume("r", patience=QUICK, verify=True)
    assert report.exit_code == 1
    assert sorted(entry.reason for entry in report.doubtful) == [
        "1 of 1 boxes are stored twice: run boxferry dedupe",
        "2 of 2 boxes are stored twice: run boxferry dedupe",
    ]
    diffgram.dedupe("r")
    assert once(files)
    again = onto(diffgram, folder)
    assert (again.exit_code, again.doubtful) == (0, [])


def test_a_fresh_outbox_says_that_boxes_are_there_twice(files, diffgram, folder, tmp_path, monkeypatch):
    """They were doubled before it came; it takes them for its run's, and reads them back."""
    with monkeypatch.context() as patched:
        applied_twice(files, patched)
        onto(diffgram, folder)
    with machine(files, tmp_path / "fresh.sqlite") as fresh:
        report = onto(fresh, folder)
        assert report.exit_code == 1
        assert len(report.doubtful) == 2


# Servers that were restored


def test_boxes_that_a_restored_server_lost_are_said_and_can_be_sent_again(files, diffgram, folder, tmp_path):
    """'already-sent' is not believed where the boxes are gone."""
    files.backup(tmp_path / "backup")
    onto(diffgram, folder)
    files.restore(tmp_path / "backup")
    report = onto(diffgram, folder)
    assert report.exit_code == 1, report.summary()
    assert not held(files)
    again = onto(diffgram, folder, resend_missing=True)
    assert again.exit_code == 0, again.summary()
    assert once(files)


def test_files_that_a_restored_server_lost_are_said_and_can_be_sent_again(sandbox, diffgram, folder, tmp_path):
    """The names are free again."""
    sandbox.backup(tmp_path / "backup")
    push(diffgram, predictions(folder))
    sandbox.restore(tmp_path / "backup")
    report = push(diffgram, predictions(folder))
    assert (report.exit_code, report.tally.failed["gone"]) == (1, 3)
    again = push(diffgram, predictions(folder), resend_missing=True)
    assert again.exit_code == 0, again.summary()
    assert once(sandbox)


def test_a_file_id_that_a_restored_server_gave_to_another_file_is_no_other_picture(sandbox, diffgram, folder, tmp_path):
    """Another machine has sent the same since, in another order; this one finds all of it there."""
    for number, name in enumerate(("a.jpg", "b.png", "c.jpg")):
        Picture.new("RGB", (100, 80), (number, 0, 0)).save(folder / "images" / name)
    sandbox.backup(tmp_path / "backup")
    push(diffgram, predictions(folder), create_empty=False)
    sandbox.restore(tmp_path / "backup")
    with machine(sandbox, tmp_path / "other.sqlite") as other:
        (folder / "labels" / "a.txt").rename(tmp_path / "a.txt")
        push(other, predictions(folder), create_empty=False)
        (tmp_path / "a.txt").rename(folder / "labels" / "a.txt")
        push(other, predictions(folder), create_empty=False)
    report = push(diffgram, predictions(folder), create_empty=False)
    assert (report.exit_code, report.tally.dropped) == (0, {"already-sent": 3}), report.summary()
    assert once(sandbox)
    files = {entry.file_name: entry.file_id for entry in diffgram.outbox.entries(report.run.id)}
    assert files == {name: named(sandbox, name)[0]["id"] for name in ("a.jpg", "b.png")}, "for pull"


def test_boxes_that_a_person_removed_are_not_sent_again_as_missing(files, diffgram, folder):
    """An input of the file has brought them, so the server lost nothing."""
    onto(diffgram, folder)
    gone = files.boxes("a.jpg")[0]
    files._store.delete_instances([gone["id"]])
    report = onto(diffgram, folder, resend_missing=True)
    assert report.exit_code == 0, report.summary()
    assert gone["creation_ref_id"] not in held(files)


# What is removed


def test_a_source_that_mentions_one_picture_clears_no_other(sandbox, diffgram, folder):
    """replace-own: an empty night, a part of a night, and results in memory with a folder of images."""
    push(diffgram, predictions(folder))
    before = held(sandbox)
    (folder / "night").mkdir()
    (folder / "night" / "c.txt").write_text("")
    empty = read(folder / "night", format="yolo", names=["cat", "dog"], images=folder / "images")
    assert not push(diffgram, empty, run="night", on_existing="replace-own").states
    assert held(sandbox) == before
    (folder / "night" / "b.txt").write_text("0 0.5 0.5 0.2 0.2 0.9\n")
    part = read(folder / "night", format="yolo", names=["cat", "dog"], images=folder / "images")
    assert push(diffgram, part, run="night", on_existing="replace-own").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert boxes_in(sandbox, "b.png") == [(40, 32, 60, 48)]
    box = {"xmin": 45, "ymin": 36, "xmax": 55, "ymax": 44}
    results = read({"b.png": [{"score": 0.9, "label": "cat", "box": box}]}, images=folder / "images")
    assert push(diffgram, results, run="next", on_existing="replace-own").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert boxes_in(sandbox, "b.png") == [(45, 36, 55, 44)]


def test_more_removed_than_sent_needs_leave_by_its_number(sandbox, diffgram, folder):
    """Nothing is sent without the leave; what a person drew stays, and a file of which nothing is left is cleared."""
    push(diffgram, predictions(folder))
    a = named(sandbox, "a.jpg")[0]["id"]
    label = sandbox.boxes("a.jpg")[0]["label_file_id"]
    drawn = {"type": "box", "label_file_id": label, "machine_made": False}
    sandbox._store.add_instances(a, [drawn | {"x_min": 1, "y_min": 1, "x_max": 9, "y_max": 9}])
    for rows in (folder / "labels").iterdir():
        rows.write_text("")
    before = held(sandbox)
    with pytest.raises(UsageError, match="allow_removals 3"):
        push(diffgram, predictions(folder), run="night", on_existing="replace-own")
    assert held(sandbox) == before
    report = push(diffgram, predictions(folder), run="night", on_existing="replace-own", allow_removals=3)
    assert set(report.states) == {"applied"}
    assert (boxes_in(sandbox, "a.jpg"), boxes_in(sandbox, "b.png")) == ([(1, 1, 9, 9)], [])


def test_completed_files_are_spared(sandbox, diffgram, folder):
    """Unless named."""
    push(diffgram, predictions(folder))
    sandbox._store.update("file", named(sandbox, "a.jpg")[0]["id"], {"ann_is_complete": True})
    for rows in (folder / "labels").iterdir():
        rows.write_text("0 0.5 0.5 0.4 0.4 0.9\n")
    report = push(diffgram, predictions(folder), run="night", on_existing="replace-own")
    assert report.tally.dropped["completed"] == 1
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert boxes_in(sandbox, "b.png") == [(30, 24, 70, 56)]
    push(diffgram, predictions(folder), run="night", on_existing="replace-own", replace_completed=True)
    assert boxes_in(sandbox, "a.jpg") == [(30, 24, 70, 56)]


# One outbox, two processes


def test_an_outbox_can_be_used_while_another_process_plans(sandbox, folder, tmp_path):
    """Packets are stored in short transactions: no 'database is locked', and a second push is refused at once."""
    path, begun, go_on = tmp_path / "o.sqlite", Event(), Event()
    reports = []

    def slow(context):
        begun.set()
        go_on.wait(30)

    def work():
        with machine(sandbox, path) as own:
            adding = own.outbox.add

            def added(run_id, entries, **more):
                def slowly():
                    for entry in entries:
                        yield entry
                        slow(entry)

                return adding(run_id, slowly(), **more)

            own.outbox.add = added
            reports.append(push(own, predictions(folder)))

    thread = Thread(target=work)
    thread.start()
    assert begun.wait(20)
    began = time.monotonic()
    other = processes.run(OTHER, path, sandbox.host)
    go_on.set()
    thread.join(60)
    assert other.stdout.split() == ["wrote", OutboxBusy.__name__], other.stderr
    assert time.monotonic() - began < 30
    assert reports[0].states == {"applied": (3, 3)}


OTHER = """
import sys
from pathlib import Path
from boxferry.errors import OutboxBusy
from boxferry.outbox.outbox import Outbox
with Outbox(Path(sys.argv[1])) as outbox:
    outbox.run(host=sys.argv[2], project="p", directory_id=1, model="m", name="other")
    print("wrote")
    try:
        with outbox.sending():
            print("sending")
    except OutboxBusy:
        print("OutboxBusy")
"""
