"""The ways of new files: raw data alone, annotations, buckets, jobs, names of one's own, plans."""

import json
import shutil

import pytest

from boxferry import read
from boxferry.errors import InputError, NotFound, UsageError
from boxferry.plan.plan_file import read_plan
from sending.pushing import A_BOXES, boxes_in, predictions, push


def names(sandbox):
    return sorted(file["original_filename"] for file in sandbox.files())


def bodies(diffgram):
    (run,) = diffgram.outbox.runs()
    return [json.loads(diffgram.outbox.body(entry.id)) for entry in diffgram.outbox.entries(run.id)]


def test_a_folder_of_images_is_sent_as_it_is(sandbox, diffgram, folder):
    """No predictions at all; the packets have no list, since an empty one is refused."""
    report = push(diffgram, read(folder / "images"))
    assert (report.exit_code, report.states) == (0, {"applied": (3, 0)})
    assert names(sandbox) == ["a.jpg", "b.png", "c.jpg"]
    assert all("instance_list" not in body for body in bodies(diffgram))
    assert push(diffgram, read(folder / "images")).states == {"applied": (3, 0)}
    assert len(sandbox.inputs()) == 3


def test_annotations_go_without_score_and_model(sandbox, diffgram, folder):
    """They are a starting point like predictions, and people's work only where that is said."""
    push(diffgram, predictions(folder), annotations=True)
    (box, *_) = sandbox.boxes("a.jpg")
    assert (box["machine_made"], box["score"], box.get("model_run_id")) == (True, None, None)
    push(diffgram, predictions(folder), annotations=True, human_made=True, existing=True, run="people")
    assert [box["machine_made"] for box in sandbox.boxes("a.jpg")] == [True, True, False, False]


def test_media_comes_out_of_a_bucket(sandbox, diffgram, folder):
    """By the connection's id, the bucket's name and a template of paths, under a name of its own."""
    shutil.copytree(folder / "images", sandbox.buckets / "photos" / "in")
    way = {"blob_path": "in/{file_name}", "connection": 1, "bucket": "photos", "file_name": "cam3/{name}"}
    report = push(diffgram, predictions(folder), **way)
    assert report.exit_code == 0, report.failed
    assert names(sandbox) == ["cam3/a.jpg", "cam3/b.png", "cam3/c.jpg"]
    assert boxes_in(sandbox, "cam3/a.jpg") == A_BOXES
    body = bodies(diffgram)[0]
    assert {name: body[name] for name in ("type", "connection_id", "bucket_name", "raw_data_blob_path")} == {
        "type": "from_blob_path", "connection_id": 1, "bucket_name": "photos", "raw_data_blob_path": "in/a.jpg",
    }  # fmt: skip


def test_what_is_not_in_the_bucket_is_refused_one_by_one(sandbox, diffgram, folder):
    """The others arrive."""
    shutil.copytree(folder / "images", sandbox.buckets / "photos")
    (sandbox.buckets / "photos" / "b.png").unlink()
    report = push(diffgram, predictions(folder), blob_path="{file_name}", connection=1, bucket="photos")
    assert [entry.file_name for entry in report.failed] == ["b.png"]
    assert (report.exit_code, report.states["applied"]) == (1, (2, 2))


def test_new_files_are_attached_to_a_job(sandbox, diffgram, folder, served):
    """Where the server fetches them; an upload takes none, and says so before anything is sent."""
    push(diffgram, predictions(folder), media_url=served + "/{file_name}", job=7)
    assert {row["job_id"] for row in sandbox.inputs()} == {7}
    with pytest.raises(UsageError, match="not supported for uploads"):
        push(diffgram, predictions(folder), job=7)


@pytest.mark.parametrize(
    ("options", "message"),
    {
        "two-ways": ({"media_url": "http://x/{name}", "existing": True}, "choose one"),
        "no-bucket": ({"blob_path": "{name}", "connection": 1}, "needs connection and bucket"),
        "job": ({"existing": True, "job": 3}, "job cannot be combined with existing: it is for new files"),
        "ids": ({"file_ids": {"a": 1}}, "file_ids needs existing"),
        "human": ({"human_made": True}, "human_made needs annotations"),
        "own": ({"annotations": True, "on_existing": "replace-own"}, "annotations, which have no model"),
        "name": ({"file_name": "fixed"}, "--file-name fixed: needs"),
        "split": ({"media_url": "http://x/{name}", "video_split_s": 1}, "expected 2 to 180"),
    }.values(),
)
def test_what_contradicts_itself_is_said(sandbox, diffgram, folder, options, message):
    """Before the server is asked for anything that changes it."""
    with pytest.raises(UsageError, match=message):
        push(diffgram, predictions(folder), **options)
    assert sandbox.inputs() == []


def test_a_plan_is_carried_out_just_as_it_is(sandbox, diffgram, folder, tmp_path):
    """Planning changes nothing; labels that it makes get their ids when it is carried out; twice changes nothing."""
    report = push(diffgram, predictions(folder), plan=tmp_path / "plan.json")
    assert (sandbox.files(), diffgram.labels()) == ([], {})
    plan = read_plan(tmp_path / "plan.json")
    assert (plan.summary.files, plan.summary.boxes) == (len(report.planned), 3) == (3, 3)
    shutil.rmtree(folder / "labels")
    for _ in range(2):
        done = diffgram.carry_out(plan)
        assert (done.exit_code, done.states, done.tally.images) == (0, {"applied": (3, 3)}, 3)
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert sorted(diffgram.labels()) == ["cat", "dog"]
    assert {box["label_file_id"] for box in sandbox.boxes("a.jpg")} == set(diffgram.labels().values())
    assert len(sandbox.inputs()) == 3


def test_a_plan_that_deletes_peoples_boxes_needs_leave_when_it_is_carried_out(sandbox, diffgram, folder, tmp_path):
    """The count stands in the plan."""
    push(diffgram, predictions(folder), annotations=True, human_made=True)
    wanted = {"existing": True, "on_existing": "replace-all", "run": "next"}
    report = push(diffgram, predictions(folder), plan=tmp_path / "plan.json", **wanted)
    assert [(file.mode, file.deletes) for file in report.planned] == [("replace-all", 2), ("replace-all", 1)]
    plan = read_plan(tmp_path / "plan.json")
    assert plan.summary.deletes == {"a.jpg": 2, "b.png": 1}
    with pytest.raises(UsageError, match="would delete 3 boxes"):
        diffgram.carry_out(plan)
    assert {box["machine_made"] for box in sandbox.boxes("a.jpg")} == {False}


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "not a plan"), ("[1]", "not a plan"), ('{"boxferry_plan": 1}', "not a plan"), (None, "cannot be read")],
)
def test_what_is_no_plan_is_said(tmp_path, text, message):
    """With the file's name."""
    path = tmp_path / "plan.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=rf"plan\.json: {message}"):
        read_plan(path)


def test_a_plan_belongs_to_its_server(sandbox, diffgram, folder, tmp_path):
    """Carried out elsewhere it would hit other files."""
    push(diffgram, predictions(folder), plan=tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text().replace('"project":"sandbox"', '"project":"other"')
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(UsageError, match="project 'other'"):
        diffgram.carry_out(read_plan(tmp_path / "plan.json"))


def test_labels_of_a_plan_are_made_in_its_schema(sandbox, diffgram, folder, tmp_path):
    """The one that was chosen when it was planned."""
    schema = {"project": sandbox.project, "name": "Other", "is_default": 0, "archived": 0}
    sandbox._store.insert("label_schema", schema)
    push(diffgram, predictions(folder), plan=tmp_path / "plan.json", schema="Other")
    assert diffgram.carry_out(read_plan(tmp_path / "plan.json")).exit_code == 0
    assert (diffgram.labels(), sorted(diffgram.labels("Other"))) == ({}, ["cat", "dog"])


def test_what_a_plan_deletes_is_counted_again(sandbox, diffgram, folder, tmp_path):
    """People may have worked since, and anyone can have written the plan: what it says of deletions is not believed."""
    push(diffgram, predictions(folder), annotations=True, human_made=True)
    wanted = {"existing": True, "on_existing": "replace-all", "run": "next"}
    push(diffgram, predictions(folder), plan=tmp_path / "plan.json", **wanted)
    found = json.loads((tmp_path / "plan.json").read_text())
    found["summary"]["deletes"] = {}
    (tmp_path / "plan.json").write_text(json.dumps(found))
    with pytest.raises(UsageError, match="would delete 3 boxes"):
        diffgram.carry_out(read_plan(tmp_path / "plan.json"))
    assert {box["machine_made"] for box in sandbox.boxes("a.jpg")} == {False}


def test_a_plan_for_a_directory_that_is_not_there_sends_nothing(sandbox, diffgram, folder, tmp_path):
    """A server breaks its answer on such a packet."""
    push(diffgram, predictions(folder), plan=tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text().replace('"directory_id":1', '"directory_id":9')
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(NotFound, match="directory"):
        diffgram.carry_out(read_plan(tmp_path / "plan.json"))
    assert sandbox.inputs() == []
