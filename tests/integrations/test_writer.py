"""The one writer of a distributed write, without a framework: what is handed over is sent once, and waited for."""

import os
from contextlib import ExitStack

import pytest

from boxferry import Credentials, Diffgram, Tally
from boxferry.boxes.lines import encoded
from boxferry.errors import AuthError, BoxferryError, NotFound, UsageError
from boxferry.integrations.table_rows import TableRows
from boxferry.integrations.writer import Destination, Writer
from boxferry.integrations.written import part_of, written
from boxferry.plan.patience import Patience
from boxferry.plan.push_options import PushOptions
from boxferry.sandbox.server import Sandbox
from sending.machines import held
from sending.pushing import server_of

PATIENCE = Patience(wait_s=20.0, settle_s=0.2, failures=2, first_pause_s=0.01)


def a_writer(diffgram, *, sleep=lambda _: None, **options):
    given = PushOptions(**({"labels": "create", "patience": PATIENCE} | options))
    destination = Destination(directory="Default", model="m", run="r", options=given)
    return Writer(diffgram, destination, every_s=0.05, sleep=sleep)


def a_part(writer, key, images, corners=((1, 2, 30, 40),)):
    """Hand over a part: these boxes on each image."""
    boxes = {"boxes": corners, "labels": ["cat"] * len(corners)}
    return handed_over(writer, key, [{"image": str(path), **boxes} for path in images], paths=True)


def handed_over(writer, key, rows, **options):
    """Hand over a part: these rows."""
    tally, table = Tally(), TableRows(**options)
    writer.store(key, b"".join(line for chunk in table.detections(rows, tally) for line in encoded(chunk)))
    return part_of(key, tally)


def test_what_tasks_hand_over_is_sent_while_others_are_at_work_and_then_waited_for(diffgram, sandbox, images):
    """Boxes read = boxes sent + boxes dropped."""
    writer = a_writer(diffgram)
    parts = [a_part(writer, "job.1", images[:2]), a_part(writer, "job.2", images[2:], [(1, 2, 30, 40), (5, 2, 9, 9)])]
    found = written(parts, writer.finish(["job.1", "job.2"], 20.0))
    assert (found.exit_code, found.images, found.boxes) == (0, 5, 8)
    assert found.sending.states == {"applied": (5, 8)}
    assert set(held(sandbox).values()) == {1}
    assert len(held(sandbox)) == 8


def test_boxes_of_one_image_that_come_from_two_tasks_are_all_sent(diffgram, sandbox, images):
    writer = a_writer(diffgram)
    for number in range(3):
        a_part(writer, f"job.{number}", images[:1], [(number, 2, 30, 40)])
    assert writer.finish([f"job.{n}" for n in range(3)], 20.0).exit_code == 0
    assert len(held(sandbox)) == 3


@pytest.mark.parametrize("way", [{"on_existing": "replace-own"}, {"replaces": "old"}, {"on_existing": "skip"}], ids=str)
def test_boxes_from_several_tasks_go_together_where_a_files_boxes_are_taken_as_a_whole(diffgram, sandbox, images, way):
    """Else a later packet would take away, or leave out, what an earlier one has brought."""
    writer, keys = a_writer(diffgram, **way), [f"job.{number}" for number in range(3)]
    for number, key in enumerate(keys):
        a_part(writer, key, images[:1], [(number, 2, 30, 40)])
        writer._queue.rotate()  # as it is called every few seconds
    found = writer.finish(keys, 20.0)
    assert (found.exit_code, found.dropped, found.states) == (0, {}, {"applied": (1, 3)})
    assert len(held(sandbox)) == 3


def test_of_two_attempts_at_a_job_that_replaces_the_later_boxes_stay(diffgram, sandbox, images):
    dead = a_writer(diffgram, on_existing="replace-own")
    dead.start = lambda: None
    a_part(dead, "zz.1", images[:1], [(1, 2, 30, 40)])
    os.utime(dead.parts.waiting()[0], (1, 1))
    writer = a_writer(diffgram, on_existing="replace-own")
    a_part(writer, "aa.1", images[:1], [(5, 2, 30, 40)])
    assert writer.finish(["aa.1"], 20.0).exit_code == 0
    assert [name.rpartition(":")[0][-9:] for name in held(sandbox)] == ["5,2,30,40"]


def test_a_job_that_is_run_again_sends_nothing_twice(diffgram, sandbox, images):
    for job in ("first", "again"):
        writer = a_writer(diffgram)
        part = a_part(writer, f"{job}.1", images)
        found = written([part], writer.finish([part.key], 20.0))
    assert found.dropped == {"already-sent": 5}
    assert found.exit_code == 0
    assert set(held(sandbox).values()) == {1}


def test_what_was_handed_over_before_the_writer_died_is_sent_by_the_next_one(diffgram, sandbox, images):
    dead = a_writer(diffgram)
    dead.start = lambda: None
    part = a_part(dead, "dead.1", images)
    found = written([part], a_writer(diffgram).finish([], 20.0))
    assert found.sending.states == {"applied": (5, 5)}
    assert len(held(sandbox)) == 5


def test_a_writer_that_died_after_it_had_sent_is_followed_by_one_that_waits_and_reads_back(diffgram, images):
    """As an actor that was killed and restarted: it has pushed nothing itself."""
    dead = a_writer(diffgram)
    part = a_part(dead, "job.1", images)
    dead._pusher.close(dead._clock() + 20.0)
    assert a_writer(diffgram).finish([part.key], 20.0).states == {"applied": (5, 5)}


def test_what_there_was_no_time_for_waits_for_the_next_write(diffgram, sandbox, images):
    writer = a_writer(diffgram)
    part = a_part(writer, "job.1", images)
    found = written([part], writer.finish([part.key], 0.0))
    writer.parts.forget([part.key])
    assert (found.exit_code, found.sending.waiting) == (5, 5)
    assert a_writer(diffgram).finish([], 20.0).states == {"applied": (5, 5)}
    assert len(held(sandbox)) == 5


def test_results_of_the_same_run_for_another_directory_are_another_writes(diffgram, sandbox, images):
    """They stay where they are, and the end is that of this write."""
    diffgram._client.create_directory("other")
    options = PushOptions(labels="create", patience=PATIENCE)
    other = Writer(diffgram, Destination(directory="other", model="m", run="r", options=options))
    other.start = lambda: None
    a_part(other, "other.1", images[:2])
    other.stop()
    writer = a_writer(diffgram)
    part = a_part(writer, "job.1", images[2:])
    found = writer.finish([part.key], 20.0)
    assert (found.exit_code, found.states) == (0, {"applied": (3, 3)})
    assert diffgram.resume("1", wait_s=20.0).states == {"applied": (3, 3)}
    assert len(held(sandbox)) == 3
    assert [each.states for each in diffgram.resume(wait_s=20.0)] == [{"applied": (2, 2)}]


def test_an_image_with_an_unknown_label_leaves_the_others_as_they_are(diffgram, images):
    diffgram.sync_labels(["dog"], create=True)
    writer, labels = a_writer(diffgram, labels="error"), ("dog", "dgo")
    rows = [{"image": str(images[n]), "boxes": [[1, 2, 3, 4]], "labels": [name]} for n, name in enumerate(labels)]
    handed_over(writer, "job.1", rows)
    found = writer.finish(["job.1"], 20.0)
    assert (found.exit_code, found.states, len(found.aside)) == (1, {"applied": (1, 1)}, 1)


def test_an_image_that_the_writer_alone_can_see_is_sent(diffgram, sandbox, images):
    """A task on another machine has its path, or its URL, and not its file."""
    writer, moved = a_writer(diffgram), [path.rename(path.with_suffix(".hidden")) for path in images]
    part = a_part(writer, "job.1", images)
    for there, path in zip(moved, images, strict=True):
        there.rename(path)
    assert writer.finish([part.key], 20.0).states == {"applied": (5, 5)}
    assert sorted(file["original_filename"] for file in sandbox.files()) == [path.name for path in images]


def test_images_at_urls_are_sent(diffgram, images, serve):
    writer, url = a_writer(diffgram), serve(images[0].parent)
    part = a_part(writer, "job.1", [f"{url}/{path.name}" for path in images])
    assert writer.finish([part.key], 20.0).states == {"applied": (5, 5)}


def test_images_that_the_server_fetches_have_the_sizes_of_their_rows(diffgram, images, serve):
    writer = a_writer(diffgram, media_url=f"{serve(images[0].parent)}/{{file_name}}")
    row = {"image": images[0].name, "boxes": [[1, 2, 30, 40]], "labels": ["cat"], "w": 100, "h": 80}
    part = handed_over(writer, "job.1", [row], columns={"width": "w", "height": "h"})
    assert writer.finish([part.key], 20.0).states == {"applied": (1, 1)}


def test_an_outbox_that_is_named_relatively_is_the_same_for_tasks(sandbox, tmp_path, monkeypatch):
    """Their working directory is another."""
    monkeypatch.chdir(tmp_path)
    with Diffgram(server_of(sandbox), outbox="outbox.sqlite") as diffgram:
        assert a_writer(diffgram).parts.folder.is_relative_to(tmp_path)


def test_a_task_that_has_handed_over_nothing_is_a_failure(diffgram, images):
    writer = a_writer(diffgram)
    part = a_part(writer, "job.1", images)
    found = written([part], writer.finish(["job.1", "job.2"], 20.0))
    with pytest.raises(BoxferryError, match="1 tasks handed over nothing"):
        found.raise_for_failures()


def test_nothing_to_write_is_a_success(diffgram):
    found = written([], a_writer(diffgram).finish([], 5.0))
    assert (found.exit_code, found.boxes) == (0, 0)


def test_an_image_that_cannot_be_sent_is_named_and_the_others_go(diffgram, sandbox, images, tmp_path):
    writer = a_writer(diffgram)
    part = a_part(writer, "job.1", [*images, tmp_path / "not-there.jpg"])
    found = written([part], writer.finish([part.key], 20.0))
    assert found.sending.aside == [
        ("not-there.jpg", f"not-there.jpg: {tmp_path}/not-there.jpg: no image that can be read here")
    ]
    assert len(held(sandbox)) == 5
    with pytest.raises(BoxferryError, match="1 images set aside"):
        found.raise_for_failures()


def test_wrong_credentials_are_known_before_the_work_begins(sandbox, tmp_path):
    server = server_of(sandbox, credentials=Credentials("LIVE__sandbox", "wrong"))
    with Diffgram(server, outbox=tmp_path / "other.sqlite") as diffgram, pytest.raises(AuthError):
        a_writer(diffgram).check()


def test_a_directory_that_is_not_there_is_known_before_the_work_begins(diffgram):
    destination = Destination(directory="nowhere", model="m", run="r")
    with pytest.raises(NotFound, match="nowhere"):
        Writer(diffgram, destination).check()


def test_a_server_that_is_down_is_waited_for(tmp_path, images, monkeypatch):
    """What was handed over meanwhile arrives once it is back."""
    monkeypatch.setattr("boxferry.diffgram.http.BACKOFF_S", (0.01,))
    with Sandbox(tmp_path / "data") as first:
        server = server_of(first)
    port, pauses = int(server.host.rpartition(":")[2]), []
    with Diffgram(server, outbox=tmp_path / "outbox.sqlite") as diffgram, ExitStack() as stack:

        def come_back(pause_s):
            pauses.append(pause_s)
            if len(pauses) == 2:
                stack.enter_context(Sandbox(tmp_path / "data", port=port))

        writer = a_writer(diffgram, sleep=come_back)
        writer.check()
        part = a_part(writer, "job.1", images)
        found = written([part], writer.finish([part.key], 60.0))
    assert (found.exit_code, found.sending.states, len(pauses)) == (0, {"applied": (5, 5)}, 2)


def test_options_that_make_no_sense_are_an_error_before_anything_is_written(diffgram):
    with pytest.raises(UsageError, match="dry_run"):
        a_writer(diffgram, dry_run=True)


def test_a_url_that_may_hold_a_secret_goes_to_no_other_process():
    """Its message does not hold it either."""
    options = PushOptions(media_url="https://me:hidden@host/{file_name}")
    with pytest.raises(UsageError, match="would be pickled") as raised:
        Destination(directory="Default", model="m", run="r", options=options).check_secrets()
    assert "hidden" not in str(raised.value)
