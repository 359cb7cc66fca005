"""What waits on disk: status shows it, resume sends it; an image that cannot be sent is set aside and the rest go."""

import json
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace as Thing

import numpy as np
import pytest

import processes
from boxferry import Diffgram, PushOptions
from boxferry.boxes.tally import Tally
from boxferry.collector.disk_queue import DiskQueue, Written, keep
from boxferry.collector.disk_queue_push import DiskQueuePush, Doing
from boxferry.errors import OutboxBusy, OutboxError
from boxferry.hookspecs import hookimpl
from boxferry.plan.options_file import plain, read_options
from boxferry.plan.patience import Patience
from boxferry.plugins import plugin_manager
from boxferry.reading.read import read
from boxferry.sandbox.server import Sandbox
from collector.collecting import OPTIONS, a_collector, a_result, in_a_process, many_images, on_disk, wait_until
from sending.pushing import boxes_in, server_of

ONE_BOX = [(40, 30, 60, 50)]


def names_of(sandbox):
    return sorted(file["original_filename"] for file in sandbox.files())


@pytest.fixture
def later(tmp_path, images):
    """A night without the server: three results wait. Then the server is there: its sandbox, and the project."""
    with Sandbox(tmp_path / "sandbox") as sandbox:
        server, port = server_of(sandbox), int(sandbox.host.rpartition(":")[2])
    with Diffgram(server, outbox=tmp_path / "outbox.sqlite") as diffgram:
        with a_collector(diffgram, run="night1", images=images[0].parent) as collect:
            for path in images[:3]:
                collect(a_result(path))
        assert not collect.report.ok
        assert collect.report.waiting_images == 3
        with Sandbox(tmp_path / "sandbox", port=port) as sandbox:
            yield Thing(sandbox=sandbox, diffgram=diffgram, report=collect.report)


def command(diffgram, *arguments):
    """A command with the settings of the project."""
    credentials = diffgram.server.credentials
    environ = {
        "DIFFGRAM_HOST": diffgram.server.host,
        "DIFFGRAM_PROJECT": diffgram.server.project,
        "DIFFGRAM_CLIENT_ID": credentials.client_id,
        "DIFFGRAM_CLIENT_SECRET": credentials.client_secret,
        "BOXFERRY_OUTBOX": str(diffgram.outbox_path),
        "PATH": "/usr/bin:/bin",
    }
    return processes.boxferry(*arguments, env=environ)


def test_status_shows_what_waits_although_nothing_was_ever_pushed(later):
    """By run: how many images and boxes, since when, and the command that sends it."""
    shown = command(later.diffgram, "status")
    assert shown.returncode == 0, shown.stderr
    assert "night1" in shown.stdout
    assert "boxferry resume night1" in shown.stderr
    (waiting,) = json.loads(command(later.diffgram, "status", "--json").stdout)["waiting"]
    assert (waiting["run"], waiting["model"], waiting["images"], waiting["boxes"]) == ("night1", "m", 3, 3)
    assert waiting["age_s"] < 600
    (record,) = map(json.loads, command(later.diffgram, "status", "night1", "--ndjson").stdout.splitlines())
    assert (record["record"], record["images"]) == ("waiting", 3)


def test_resume_sends_what_waits_whatever_tomorrows_run_is_called(later, images):
    """With the options that the collector had; the next night's collector leaves it alone."""
    with a_collector(later.diffgram, run="night2") as collect:
        collect(a_result(images[3]))
    assert names_of(later.sandbox) == ["3.jpg"]
    assert json.loads(command(later.diffgram, "status", "--json").stdout)["waiting"][0]["run"] == "night1"
    done = command(later.diffgram, "resume", "night1", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["boxes"] == {"read": 3, "kept": 3, "dropped": {}}
    assert facts["states"] == {"applied": {"packets": 3, "boxes": 3}}
    assert [boxes_in(later.sandbox, path.name) for path in images[:4]] == [ONE_BOX] * 4
    assert json.loads(command(later.diffgram, "status", "--json").stdout)["waiting"] == []


def test_what_a_running_collector_has_is_left_to_it(later, images):
    """Resume sends the rest, and says that there is more: exit code 4, as for a busy outbox."""
    (waiting,) = later.diffgram.waiting()
    own = DiskQueue(Path(waiting.folder), waiting.head)
    own.add([Written(b'{"boxferry":1,"image":{"key":"own.jpg","width":9,"height":9}}\n', ("own.jpg",), 0)])
    with pytest.raises(OutboxBusy, match="1 images of run 'm/night1'") as busy:
        later.diffgram.resume("night1", patience=OPTIONS.patience)
    assert busy.value.exit_code == 4
    wait_until(lambda: names_of(later.sandbox) == ["0.jpg", "1.jpg", "2.jpg"])
    assert on_disk(later.diffgram) == (["own.jpg"], [])
    own.rotate()


def test_resume_without_a_run_goes_on_with_all(later, images):
    """With what waits on disk, and with what is in the outbox; once all has ended there is nothing to do."""
    hurried = PushOptions(labels="create", patience=Patience(wait_s=0.0))
    with a_collector(later.diffgram, run="night2") as collect:
        collect(a_result(images[3]))
    later.sandbox.delay_s = 1.0
    source = read({"3.jpg": a_result(images[3], [(1, 2, 30, 40)])}, images=images[0].parent)
    later.diffgram.push(source, directory="Default", model="m", run="night2", options=replace(hurried, existing=True))
    assert later.diffgram.unfinished() == ["1", "m/night1"]
    done = command(later.diffgram, "resume", "--json")
    assert done.returncode == 0, done.stderr
    assert [set(report["states"]) for report in json.loads(done.stdout)["runs"]] == [{"applied"}, {"applied"}]
    again = command(later.diffgram, "resume")
    assert again.returncode == 0
    assert "nothing to do" in again.stderr


def test_resume_in_python_too(later, images):
    """By the run's name, or by model and run."""
    report = later.diffgram.resume("m/night1", patience=OPTIONS.patience)
    assert report.exit_code == 0, report.summary()
    assert report.run.name == "night1"
    assert names_of(later.sandbox) == ["0.jpg", "1.jpg", "2.jpg"]
    assert later.diffgram.waiting() == []


def locked_out(sandbox, diffgram):
    """The same project and outbox, with credentials that the server does not take."""
    refused = Thing(host=sandbox.host, project=sandbox.project, client_id="no", client_secret="no")
    return Diffgram(server_of(refused), outbox=diffgram.outbox_path)


def test_a_name_that_two_models_left_is_an_error_that_lists_them(later, images):
    """And each can be sent by itself."""
    with locked_out(later.sandbox, later.diffgram) as out, a_collector(out, model="n", run="night1") as collect:
        collect(a_result(images[3]))
    assert collect.report.waiting_images == 1
    with pytest.raises(OutboxError, match="m/night1, n/night1"):
        later.diffgram.resume("night1")
    assert later.diffgram.resume("n/night1", patience=OPTIONS.patience).exit_code == 0
    assert names_of(later.sandbox) == ["3.jpg"]


def test_what_cannot_be_sent_is_set_aside_and_the_rest_go(sandbox, diffgram, images):
    """A picture that is not there, one of unknown size: the reason is in the report and in status; resume retries."""
    with a_collector(diffgram, names=["cat"], images=images[0].parent) as collect:
        for path in images[:2]:
            collect(a_result(path))
        collect(a_result("gone.jpg"))
        collect({"boxes": [[1.0, 2, 30, 40]], "labels": [0], "scores": [0.5]}, "sizeless.jpg")
        for path in images[2:]:
            collect(a_result(path))
    report = collect.report
    assert not report.ok
    assert {each.image: each.boxes for each in report.aside} == {"gone.jpg": 1, "sizeless.jpg": 1}
    assert all(each.reason for each in report.aside)
    assert (report.lost, report.waiting) == ({}, [])
    assert [boxes_in(sandbox, path.name) for path in images] == [ONE_BOX] * 5
    shown = command(diffgram, "status", "r")
    assert "set aside gone.jpg" in shown.stderr
    assert "set aside sizeless.jpg" in shown.stderr
    done = diffgram.resume("r", patience=OPTIONS.patience)
    assert (done.exit_code, done.tally.read, dict(done.tally.dropped)) == (1, 2, {"set-aside": 2})
    shutil.copy(images[0], images[0].with_name("gone.jpg"))
    done = command(diffgram, "resume", "r")
    assert done.returncode == 1
    assert "sizeless.jpg" in done.stderr
    _, aside = on_disk(diffgram)
    assert aside == ["sizeless.jpg"]


def test_the_remedy_makes_what_was_set_aside_go(sandbox, diffgram, images):
    """The picture is there again."""
    with a_collector(diffgram, images=images[0].parent) as collect:
        collect(a_result("gone.jpg"))
        collect(a_result(images[0]))
    shutil.copy(images[0], images[0].with_name("gone.jpg"))
    assert [each.image for each in collect.report.aside] == ["gone.jpg"]
    with a_collector(diffgram, images=images[0].parent) as again:
        pass
    assert [each.image for each in again.report.aside] == ["gone.jpg"], "a collector does not try it by itself"
    done = diffgram.resume("r", patience=OPTIONS.patience)
    assert done.exit_code == 0, done.tally.example_dicts()
    assert names_of(sandbox) == ["0.jpg", "gone.jpg"]


def test_a_file_set_aside_can_be_read_like_any_other(sandbox, diffgram, tmp_path):
    """It is in the format `boxferry`, with the reason beside."""
    with a_collector(diffgram) as collect:
        collect(a_result("gone.jpg"))
    (waiting,) = diffgram.waiting()
    (file,) = (tmp_path / "outbox.sqlite.spool").glob("*/aside/*.ndjson")
    tally = Tally()
    assert len(next(read(file).chunks(tally))) == 1
    assert json.loads(file.read_text())["set_aside"] == waiting.aside[0].reason == collect.report.aside[0].reason


def test_a_label_that_the_server_lacks_costs_only_its_images(sandbox, diffgram, images):
    """And where the label is made, resume sends them."""
    diffgram._client.create_label("cat", schema_id=diffgram._client.schemas()[0].id)
    dog = a_result(images[1])
    dog.boxes.cls = np.ones(1)
    with a_collector(diffgram, options=PushOptions(patience=OPTIONS.patience)) as collect:
        for path in images[2:]:
            collect(a_result(path))
        collect(dog)
    assert [each.image for each in collect.report.aside] == ["1.jpg"]
    assert "dog" in collect.report.aside[0].reason
    assert names_of(sandbox) == ["2.jpg", "3.jpg", "4.jpg"]
    diffgram._client.create_label("dog", schema_id=diffgram._client.schemas()[0].id)
    assert diffgram.resume("r", patience=OPTIONS.patience).exit_code == 0
    assert names_of(sandbox) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]


def test_only_pictures_that_results_name_are_uploaded(sandbox, diffgram, images):
    """The folder of the images says where they are, and not that they were predicted."""
    with a_collector(diffgram, names=["cat"], images=images[0].parent) as collect:
        collect({"boxes": np.array([[1.0, 2, 30, 40]]), "labels": [0], "scores": [0.5]}, "3.jpg")
    assert collect.report.ok, collect.report.summary()
    assert names_of(sandbox) == ["3.jpg"]


def test_another_process_that_sends_is_waited_for(sandbox, diffgram, images):
    """Results stay on disk meanwhile; once it has ended they go by themselves."""
    diffgram.outbox.runs()
    held = """
from boxferry.outbox.outbox import Outbox
with diffgram.outbox.sending():
    print("held", flush=True)
    time.sleep(60)
"""
    with in_a_process(held, sandbox.host, diffgram, images) as other:
        assert other.stdout.readline() == "held\n"
        with a_collector(diffgram) as collect:
            collect(a_result(images[0]))
            wait_until(lambda: collect.report.problems)
            assert "another process is sending" in collect.report.problems[0]
            assert names_of(sandbox) == []
            assert on_disk(diffgram) == (["0.jpg"], [])
            other.kill()
            wait_until(lambda: names_of(sandbox) == ["0.jpg"], 20)
    assert collect.report.ok, collect.report.summary()


@pytest.mark.parametrize("seed", range(3))
def test_killed_in_the_middle_resume_sends_all_that_was_on_disk(sandbox, diffgram, tmp_path, seed):
    """With SIGKILL, while results are taken, written and pushed at once; each box is there once."""
    paths = many_images(tmp_path / "many", 60)
    code = """
with a_collector(diffgram, every_s=0.02) as collect:
    for path in paths:
        collect(a_result(path))
        while collect._threads[0]._held:
            time.sleep(0.001)
        print(path, flush=True)
"""
    kept = []
    with in_a_process(code, sandbox.host, diffgram, paths) as loop:
        while len(kept) < 10 + 17 * seed:
            kept.append(loop.stdout.readline().strip())
        loop.send_signal(signal.SIGKILL)
    time.sleep(0.1)
    done = diffgram.resume("r", patience=OPTIONS.patience)
    assert done.exit_code == 0, done.summary()
    there = names_of(sandbox)
    assert {path.rpartition("/")[2] for path in kept} <= set(there)
    assert [boxes_in(sandbox, name) for name in there] == [ONE_BOX] * len(there)
    assert diffgram.waiting() == []


def test_a_line_that_was_cut_off_costs_itself(sandbox, diffgram, images):
    """As where the machine stops while it is written: it is set aside, and the others go."""
    with locked_out(sandbox, diffgram) as out, a_collector(out) as collect:
        for path in images[:2]:
            collect(a_result(path))
    file = collect.report.waiting[-1]
    with file.open("ab") as stream:
        stream.write(file.read_bytes()[:40])
    done = diffgram.resume("r", patience=OPTIONS.patience)
    assert names_of(sandbox) == ["0.jpg", "1.jpg"], done.summary()
    assert done.exit_code == 1, done.summary()
    assert "cut off" in diffgram.waiting()[0].aside[0].reason


def test_what_fails_after_the_time_is_over_is_no_images_fault(tmp_path):
    """At the end of a process nothing works any more: the file stays as it is, and nothing is set aside."""
    left = [5.0]

    def ending(*_):
        left[0] = -1.0
        raise RuntimeError("cannot start a thread at the end of the process")

    path = keep(tmp_path, [b'{"boxferry":1,"image":{"key":"%d.jpg","width":9,"height":9}}\n' % n for n in range(3)])
    notes = []
    files = DiskQueuePush(tmp_path, Doing(ending), pushed=pytest.fail, note=notes.append)
    assert isinstance(files.everything(lambda: left[0]), RuntimeError)
    assert list(tmp_path.rglob("*.ndjson")) == [path]
    assert len(notes) == 1


class Leaver:
    """A plugin that ends the program: while results are looked at, refined, and told about."""

    def __init__(self):
        self.heard = []

    @hookimpl
    def boxferry_refine(self, detections, context):
        if any(image.key == "1.jpg" for image in detections.images):
            raise SystemExit(3)

    @hookimpl
    def boxferry_packet_built(self, packet, context):
        self.heard.append(("built", context["file_name"], context["model"], context["run"]))
        raise SystemExit(3)

    @hookimpl
    def boxferry_outcome(self, outcome, context):
        self.heard.append((str(outcome["state"]), outcome["file_name"], context["model"], context["run"]))
        raise SystemExit(3)


def test_a_plugin_that_ends_the_program_ends_nothing(sandbox, diffgram, images, monkeypatch):
    """The image at which it does so is set aside; observers hear of the others, with model and run."""
    leaver = Leaver()
    plugins = plugin_manager(extra=[leaver])
    monkeypatch.setattr("boxferry.collector.making.plugin_manager", lambda: plugins)
    with a_collector(diffgram) as collect:
        for path in images[:3]:
            collect(a_result(path))
    assert [each.image for each in collect.report.aside] == ["1.jpg"]
    assert "Leaver" in collect.report.aside[0].reason
    assert names_of(sandbox) == ["0.jpg", "2.jpg"]
    assert {(word, name, "m", "r") for name in ("0.jpg", "2.jpg") for word in ("built", "applied")} <= set(leaver.heard)


class Exits:
    """What a framework's object might do when it is looked at."""

    boxes = property(lambda self: sys.exit(3))


def test_a_result_that_ends_the_program_when_it_is_looked_at_is_unusable(sandbox, diffgram, images):
    """The loop goes on."""
    with a_collector(diffgram) as collect:
        collect(Exits())
        collect(a_result(images[0]))
    assert collect.report.lost == {"unusable": 1}
    assert names_of(sandbox) == ["0.jpg"]


def test_push_options_are_kept_as_they_were_meant(tmp_path):
    """Those that are not the defaults, groups of options too."""
    given = PushOptions(
        labels="create", existing=True, file_ids={"a.jpg": 7}, skip_empty=True, patience=OPTIONS.patience
    )
    kept = json.loads(json.dumps(plain(given)))
    assert set(kept) == {"labels", "existing", "file_ids", "skip_empty", "patience"}
    assert read_options(kept, "run.json") == given
