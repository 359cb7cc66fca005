"""The annotation backend of FiftyOne, with the real FiftyOne and a real MongoDB: `make fiftyone` installs both."""

import json
import logging
import os
import random
import runpy
import subprocess
import sys
from datetime import datetime
from importlib.util import find_spec

import numpy as np
import pytest
import requests
from PIL import Image as Picture

from boxferry import (
    AuthError,
    BoxferryError,
    ConfigError,
    Detections,
    Diffgram,
    Image,
    InputError,
    UnknownLabel,
    UsageError,
)
from docs.blocks import DOCS, ROOT, blocks_of
from interop.databases import database, mongod

if not os.environ.get("BOXFERRY_PEERS") and not (find_spec("fiftyone") and mongod()):
    pytest.skip("FiftyOne or its MongoDB is not installed: see make fiftyone", allow_module_level=True)
bson = pytest.importorskip("bson")  # comes with FiftyOne
pytestmark = pytest.mark.filterwarnings("ignore")  # FiftyOne's own

GUIDE = DOCS / "guides" / "fiftyone.md"
SIZE = (200, 160)
#: image → (label, box as shares of the image, confidence); edges that are no whole pixels among them
PREDICTED = {
    "a.png": [("cat", [0.1, 0.1, 0.2, 0.25], 0.9), ("dog", [0.503, 0.502, 0.2, 0.3], 0.4)],
    "b.png": [("cat", [0.2, 0.2, 0.3, 0.3], 0.8), ("dog", [0.6, 0.1, 0.25, 0.25], 0.7)],
    "c.png": [("dog", [0.3, 0.3, 0.4, 0.4], 0.6)],
    "d.png": [],
}


@pytest.fixture(scope="module")
def fo(tmp_path_factory):
    """FiftyOne on a database of its own."""
    folder = tmp_path_factory.mktemp("fiftyone")
    with database(folder / "database") as uri, pytest.MonkeyPatch.context() as patch:
        settings = {"DATABASE_URI": uri, "DATABASE_VALIDATION": "false", "DO_NOT_TRACK": "true"}
        settings |= {"CONFIG_PATH": folder / "config.json", "ANNOTATION_CONFIG_PATH": folder / "annotation.json"}
        settings |= {"DATABASE_DIR": folder / "none", "SHOW_PROGRESS_BARS": "false"}
        for name, value in settings.items():
            patch.setenv(f"FIFTYONE_{name}", str(value))
        import fiftyone

        yield fiftyone


@pytest.fixture
def machine(sandbox, monkeypatch, tmp_path):
    """Settings that name the sandbox, and an outbox; called with a name, another machine's outbox."""

    def become(name):
        monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / f"{name}.sqlite"))

    found = {"HOST": sandbox.host, "PROJECT": sandbox.project}
    found |= {"CLIENT_ID": sandbox.client_id, "CLIENT_SECRET": sandbox.client_secret}
    for name, value in found.items():
        monkeypatch.setenv(f"DIFFGRAM_{name}", value)
    monkeypatch.setenv("DIFFGRAM_CONFIG", str(tmp_path / "config.toml"))
    become("one")
    return become


@pytest.fixture
def dataset(fo, machine, tmp_path):
    """Four images with predictions in the field `predictions`; the backend is registered."""
    from boxferry.integrations.fiftyone import register

    register(directory="Default", labels="create")
    found = fo.Dataset()
    found.add_samples([_sample(fo, tmp_path / name, boxes) for name, boxes in PREDICTED.items()])
    yield found
    fo.annotation_config.backends.pop("diffgram", None)
    found.delete()


def _sample(fo, path, boxes):
    dice = np.random.default_rng(len(boxes) + ord(path.name[0]))
    Picture.fromarray(dice.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)).save(path)
    labels = [fo.Detection(label=name, bounding_box=box, confidence=score) for name, box, score in boxes]
    return fo.Sample(filepath=str(path), predictions=fo.Detections(detections=labels))


class Reviewer:
    """A person at the sandbox."""

    def __init__(self, sandbox):
        self._sandbox = sandbox

    def rows(self, name):
        return self._call(name, "list", {})["file_serialized"]["instance_list"]

    def save(self, name, rows, *, done=False):
        self._call(name, "update", {"instance_list": rows, "and_complete": done})

    def label(self, name):
        found = self._sandbox._store.rows("SELECT id, name FROM label_file")
        return next(row["id"] for row in found if row["name"] == name)

    def drawn(self, label, x_min, y_min, x_max, y_max):
        corners = {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max}
        return {"type": "box", "label_file_id": self.label(label), "machine_made": False, **corners}

    def _call(self, name, what, body):
        sandbox = self._sandbox
        file = next(file for file in sandbox.files() if file["original_filename"] == name)
        path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file['id']}/annotation/{what}"
        auth = (sandbox.client_id, sandbox.client_secret)
        body = {"directory_id": sandbox.directory_id} | body
        return requests.post(path, json=body, auth=auth, timeout=9).json()


@pytest.fixture
def person(sandbox):
    return Reviewer(sandbox)


def correct(person):
    """a.png: one moved, one deleted, one drawn; b.png: one relabelled; d.png: one drawn; c.png is not looked at."""
    cat, dog = sorted(person.rows("a.png"), key=lambda row: row["x_min"])
    cat["x_max"] += 5
    person.save("a.png", [cat, dog | {"soft_delete": True}, person.drawn("cat", 100, 100, 150, 140)])
    one, other = sorted(person.rows("b.png"), key=lambda row: row["x_min"])
    one["label_file_id"] = person.label("dog")
    person.save("b.png", [one, other], done=True)
    person.save("d.png", [person.drawn("dog", 10, 20, 30, 40)], done=True)


def labels(dataset, field="predictions"):
    """Image → (id, label, box in pixels, confidence) of each label, by name of the image."""
    found = {}
    for sample in dataset:
        boxes = [] if sample[field] is None else sample[field].detections
        found[sample.filepath.rpartition("/")[2]] = [(b.id, b.label, pixels(b), b.confidence) for b in boxes]
    return found


def pixels(label):
    left, top, width, height = label.bounding_box
    edges = np.array([left * SIZE[0], top * SIZE[1], (left + width) * SIZE[0], (top + height) * SIZE[1]])
    return tuple(np.floor(edges + 0.502).astype(int).tolist())


def corrected(run="look"):
    """Image → (label, box) as `pull` gives them, of the reviewed images."""
    with Diffgram.from_env() as diffgram:
        found = diffgram.pull(run).corrected()
    return {
        image.key: sorted(
            (boxes.labels[code], tuple(map(int, corners)))
            for code, corners in zip(boxes.label, boxes.xyxy.tolist(), strict=True)
        )
        for image, boxes in found
    }


def bare(found, names=PREDICTED):
    return {name: sorted((label, box) for _, label, box, _ in found[name]) for name in names}


def test_round_trip(dataset, person, caplog):
    """Predictions go out, people correct them, and the very labels come back as `pull` has the boxes."""
    before = labels(dataset)
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    assert labels(dataset) == before
    correct(person)
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("look")
    after = labels(dataset)
    assert bare(after, ("a.png", "b.png", "d.png")) == corrected()
    cat, dog = before["a.png"]
    assert [row[0] for row in after["a.png"]][:1] == [cat[0]]
    assert dog[0] not in [row[0] for row in after["a.png"]]
    assert after["a.png"][0][3] == cat[3]
    assert [row[0] for row in after["b.png"]] == [row[0] for row in before["b.png"]]
    assert [row[1] for row in after["b.png"]] == ["dog", "dog"]
    assert after["c.png"] == before["c.png"]
    assert "1 of 4 images are not reviewed yet, and stay as they are" in caplog.text


def test_a_box_that_people_left_alone_keeps_its_exact_edges(dataset, person):
    """The server has whole pixels; what nobody moved is not rounded."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    person.save("a.png", person.rows("a.png"), done=True)
    dataset.load_annotations("look")
    found = next(sample for sample in dataset if sample.filepath.endswith("a.png"))
    assert [list(box.bounding_box) for box in found.predictions.detections] == [box for _, box, _ in PREDICTED["a.png"]]


def test_nothing_reviewed_changes_nothing(dataset, caplog):
    """And it is said."""
    before = labels(dataset)
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.load_annotations("look")
    assert labels(dataset) == before
    assert "4 of 4 images are not reviewed yet" in caplog.text


def test_loading_again_adds_nothing_and_follows_later_changes(dataset, person):
    """A box that was drawn and loaded, and is deleted later, goes; one that is moved moves."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    dataset.load_annotations("look")
    first = labels(dataset)
    dataset.load_annotations("look")
    assert labels(dataset) == first
    rows = person.rows("a.png")
    drawn = next(row for row in rows if row["x_min"] == 100)
    rest = [row for row in rows if row is not drawn]
    rest[0]["x_max"] -= 5  # as it was predicted
    person.save("a.png", [*rest, drawn | {"soft_delete": True}])
    person.save("c.png", person.rows("c.png"), done=True)
    dataset.load_annotations("look")
    assert bare(labels(dataset)) == corrected()
    assert len(labels(dataset)["a.png"]) == 1


def test_annotating_again_after_the_run_was_deleted_doubles_nothing(dataset, sandbox, person):
    """The run's name is the key's, so the server has every box once, and corrections are found again."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    count = len(sandbox.boxes("a.png")) + len(sandbox.boxes("b.png"))
    dataset.delete_annotation_run("look")
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    assert len(sandbox.boxes("a.png")) + len(sandbox.boxes("b.png")) == count
    dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()


def test_another_machine_loads_the_same(fo, dataset, person, machine):
    """With an empty outbox the server tells, of images that were sent without boxes too."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    wanted = corrected()
    machine("two")
    dataset._annotation_cache.clear()  # as another process
    dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == wanted
    ids = labels(dataset)
    machine("three")
    dataset._annotation_cache.clear()
    dataset.load_annotations("look")
    assert labels(dataset) == ids


def test_another_machine_annotates_again(dataset, sandbox, person, machine):
    """It sends nothing that is there, and loads what people did before."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    wanted, count = corrected(), len(sandbox.boxes("a.png"))
    dataset.delete_annotation_run("look")
    machine("two")
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    dataset.load_annotations("look")
    assert len(sandbox.boxes("a.png")) == count
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == wanted


def test_into_another_field(dataset, person):
    """The reviewed images alone come there, and the predictions stay."""
    before = labels(dataset)
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    for _ in range(2):
        dataset.load_annotations("look", dest_field="truth")
        assert labels(dataset) == before
        found = labels(dataset, "truth")
        assert found.pop("c.png") == []
        assert {name: sorted(row[1:3] for row in rows) for name, rows in found.items()} == corrected()
    rows = person.rows("d.png")
    person.save("d.png", [rows[0] | {"soft_delete": True}])
    one, other = sorted(person.rows("b.png"), key=lambda row: row["x_min"])
    one["x_max"] += 7
    person.save("b.png", [one, other | {"soft_delete": True}])
    dataset.load_annotations("look", dest_field="truth")
    found = labels(dataset, "truth")
    assert found["d.png"] == []
    assert bare(found, ("b.png",)) == {"b.png": corrected()["b.png"]}
    assert found["b.png"][0][0] == before["b.png"][0][0]


@pytest.mark.parametrize("seed", range(3))
def test_any_review_comes_back_as_pull_has_it(fo, dataset, person, machine, clock, tmp_path, seed):
    """Three rounds of a team at random, loaded into one field or the other, from one machine or the next."""
    dice = random.Random(seed)
    names = [f"{letter}{seed}.png" for letter in "efghij"]
    dataset.clear()
    dataset.add_samples([_sample(fo, tmp_path / name, _any_boxes(dice)) for name in names])
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    samples = dict(zip(*dataset.values(["id", "filepath"]), strict=True))
    for turn in range(3):
        clock.pass_(30)
        for name in dice.sample(names, 4):
            _review_at_random(person, name, dice)
        if dice.random() < 0.4:
            machine(f"m{turn}")
            dataset._annotation_cache.clear()
        field = dice.choice(["predictions", "truth"])
        dataset.load_annotations("look", dest_field=field)
        wanted, found = corrected(), labels(dataset, field)
        for sample in dataset.load_annotation_results("look").review().reviewed:
            name = samples[sample].rpartition("/")[2]
            boxes = {(label, _inside(box)) for _, label, box, _ in found[name]}
            assert name not in wanted or boxes == set(wanted[name])  # an image without predictions is of no run's


def _any_boxes(dice):
    places = ([dice.uniform(-0.1, 0.9) for _ in "xy"] + [dice.uniform(0.02, 0.5) for _ in "wh"] for _ in range(5))
    boxes = [(dice.choice(["cat", "dog"]), place, dice.random()) for place in places]
    return dice.sample(boxes, dice.randint(0, 5)) + boxes[: dice.choice([0, 1])]  # one of them twice


def _review_at_random(person, name, dice):
    rows = person.rows(name)
    for row in rows:
        act = dice.random()
        if act < 0.2:
            row["y_min"] = max(0, row["y_min"] - 4)
        elif act < 0.4:
            row["label_file_id"] = person.label(dice.choice(["cat", "dog"]))
        elif act < 0.6:
            row["soft_delete"] = True
    corners = [dice.randint(0, 100), dice.randint(0, 100)]
    person.save(name, [*rows, person.drawn("cat", *corners, corners[0] + 9, corners[1] + 7)], done=dice.random() < 0.5)


def _inside(box):
    """As it was sent: what is left alone keeps its edges, also those that are beyond the image."""
    return tuple(min(max(edge, 0), side) for edge, side in zip(box, SIZE * 2, strict=True))


def test_no_credentials_in_the_database(fo, dataset, sandbox):
    """Neither the run's configuration nor its results have a part of the key."""
    dataset.annotate("look", backend="diffgram", label_field="predictions", host=sandbox.host)
    import fiftyone.core.odm as foo

    stored = foo.get_db_conn()
    texts = [bson.json_util.dumps(list(stored[name].find())) for name in stored.list_collection_names()]
    chunks = b"".join(bytes(each["data"]) for each in stored["fs.chunks"].find())
    everything = "".join(texts) + chunks.decode("utf-8", "replace")
    assert "a.png" in everything
    assert sandbox.client_secret not in everything
    assert sandbox.client_id not in everything


@pytest.mark.parametrize("word", ["client_secret", "api_key"])
def test_credentials_as_parameters_are_refused(dataset, word):
    """FiftyOne would store them; the key stays free."""
    with pytest.raises(ConfigError, match=f"{word}: FiftyOne would store it with the run; set DIFFGRAM_CLIENT_ID"):
        dataset.annotate("look", backend="diffgram", label_field="predictions", **{word: "secret"})
    assert dataset.list_annotation_runs() == []


def test_a_failed_push_leaves_the_key_free(dataset, monkeypatch):
    """The same call goes on, once what was wrong is put right."""
    with pytest.raises(UnknownLabel):
        dataset.annotate("look", backend="diffgram", label_field="predictions", labels="error")
    assert dataset.list_annotation_runs() == []
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    assert dataset.list_annotation_runs() == ["look"]


def test_cleanup_takes_untouched_boxes_off_the_server(dataset, sandbox, person):
    """What people made stays there, and what was loaded stays in the data set."""
    results = dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    dataset.load_annotations("look", cleanup=True)
    loaded = labels(dataset)
    assert sandbox.boxes("c.png") == []
    assert len(sandbox.boxes("a.png")) == 2
    dataset.load_annotations("look")
    assert labels(dataset) == loaded
    results.cleanup()


def test_deleting_the_run_keeps_what_is_on_the_server(dataset, sandbox):
    """Only its record in FiftyOne goes."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    dataset.delete_annotation_run("look")
    assert len(sandbox.boxes("a.png")) == 2


def test_a_view_sends_its_samples_alone(dataset, sandbox):
    dataset[:1].annotate("look", backend="diffgram", label_field="predictions")
    assert [file["original_filename"] for file in sandbox.files()] == ["a.png"]


def test_a_new_field_is_drawn_by_people(dataset, person):
    """The images go without boxes, with labels to choose from."""
    dataset.annotate("draw", backend="diffgram", label_field="truth", label_type="detections", classes=["cat", "dog"])
    person.save("a.png", [person.drawn("cat", 10, 20, 30, 40)])
    dataset.load_annotations("draw")
    assert bare(labels(dataset, "truth")) == {
        "a.png": [("cat", (10, 20, 30, 40))],
        "b.png": [],
        "c.png": [],
        "d.png": [],
    }


def test_labels_that_are_one_box_share_its_fate(fo, dataset, sandbox, person):
    """They are sent once; where people delete the box, both go."""
    sample = dataset.first()
    again = fo.Detection(label="dog", bounding_box=[0.5031, 0.502, 0.2, 0.3], confidence=0.3)
    sample.predictions.detections.append(again)
    sample.save()
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    assert len(sandbox.boxes("a.png")) == 2
    correct(person)
    dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png",)) == {"a.png": corrected()["a.png"]}


def test_a_label_that_is_too_small_stays_as_it_is(fo, dataset, person, caplog):
    """It is not sent, which is said; the review of its image does not touch it."""
    sample = dataset.first()
    sample.predictions.detections.append(fo.Detection(label="dog", bounding_box=[0.5, 0.5, 0.0001, 0.0001]))
    sample.save()
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.annotate("look", backend="diffgram", label_field="predictions")
    assert "1 labels are not sent, and stay as they are: too-small" in caplog.text
    correct(person)
    dataset.load_annotations("look")
    left = bare(labels(dataset), ("a.png",))["a.png"]
    assert len(left) == len(corrected()["a.png"]) + 1


def test_attributes_that_the_server_has_are_carried(fo, dataset, sandbox, person):
    """They come back as people left them, in the kind of value that they were; others stay."""
    with Diffgram.from_env() as diffgram:
        diffgram.sync_labels(["cat", "dog"], create=True)
        client = diffgram.workspace.client
        ids = sorted(diffgram.labels().values())
        schema = client.schemas()[0].id
        client.create_attribute_group("truncated", "text", schema_id=schema, label_ids=ids)
    for sample in dataset:
        for label in sample.predictions.detections:
            label["truncated"], label["area"] = False, 7.5
        sample.save()
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    rows = person.rows("a.png")
    (group,) = rows[0]["attribute_groups"]
    assert rows[0]["attribute_groups"] == {group: "false"}
    rows[0]["attribute_groups"] = {group: "true"}
    person.save("a.png", rows, done=True)
    dataset.load_annotations("look")
    found = dataset.first().predictions.detections
    assert sorted(label.truncated for label in found) == [False, True]
    assert {label.area for label in found} == {7.5}


def test_attributes_that_people_left_alone_are_as_they_were(fo, dataset, sandbox, person):
    """Lists, numbers and dates too, which are texts on the server; what is empty or no value is not sent."""
    given = {
        "places": ["left", "top"],
        "when": datetime(2026, 1, 2),
        "count": 3,
        "part": 1.5,
        "open": True,
        "text": "é",
    }
    sample = dataset.first()
    label = sample.predictions.detections[0]
    for name, value in (given | {"blank": "", "vector": np.arange(3.0), "facts": {"a": 1}}).items():
        label[name] = value
    sample.save()
    dataset.annotate("look", backend="diffgram", label_field="predictions", attribute_policy="create")
    with Diffgram.from_env() as diffgram:
        groups = diffgram.workspace.client.attribute_groups(diffgram.workspace.client.schemas()[0].id)
    assert {group.name for group in groups if group.attribute_template_list} == set(given)
    person.save("a.png", person.rows("a.png"), done=True)
    dataset.load_annotations("look")
    dataset.reload()
    after = dataset.first().predictions.detections[0]
    assert {name: after[name] for name in given} == given
    assert (after["blank"], list(after["vector"]), after["facts"]) == ("", [0, 1, 2], {"a": 1})


def test_a_label_schema_is_needed(dataset):
    with pytest.raises(ValueError, match="Either `label_schema` or `label_field` is required"):
        dataset.annotate("look", backend="diffgram")


def test_what_is_no_box_is_refused_in_one_line(fo, dataset):
    """Classifications, polylines, keypoints and numbers; the key stays free."""
    sample = dataset.first()
    sample["kind"] = fo.Classification(label="indoor")
    sample["lines"] = fo.Polylines(polylines=[fo.Polyline(label="road", points=[[(0.1, 0.1), (0.5, 0.5)]])])
    sample["points"] = fo.Keypoints(keypoints=[fo.Keypoint(label="eye", points=[(0.1, 0.1)])])
    sample["count"] = 3
    sample.save()
    for field in ("kind", "lines", "points", "count"):
        with pytest.raises(ValueError, match="unsupported") as found:
            dataset.annotate("look", backend="diffgram", label_field=field)
        assert "diffgram" in str(found.value)
        assert "\n" not in str(found.value)
    assert dataset.list_annotation_runs() == []


def test_several_fields_are_refused(fo, dataset):
    """A box that people draw belongs to one field."""
    dataset.clone_sample_field("predictions", "second")
    with pytest.raises(UsageError, match=r"has 2 fields .*; annotate one at a time"):
        dataset.annotate("look", backend="diffgram", label_schema=["predictions", "second"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"directory": None}, "directory: name the directory on the server"),
        ({"lables": "create"}, "lables: no such option; did you mean 'labels'"),
        ({"labels": "make"}, "labels: 'make' is not one of"),
        ({"model": 5}, "model: 5 is int, expected str or None"),
        ({"media_url": "https://x.org/{file_name}?key=1"}, "media_url .*has a password or a query"),
    ],
)
def test_a_wrong_option_is_one_line(dataset, given, message):
    with pytest.raises(UsageError, match=message):
        dataset.annotate("look", backend="diffgram", label_field="predictions", **given)


def test_two_images_of_one_name_are_refused_unless_a_root_is_named(fo, dataset, sandbox, tmp_path):
    """A name tells an image apart on the server."""
    (tmp_path / "more").mkdir()
    dataset.add_sample(_sample(fo, tmp_path / "more" / "a.png", PREDICTED["a.png"]))
    with pytest.raises(InputError, match=r"'a\.png' too; give images_root="):
        dataset.annotate("look", backend="diffgram", label_field="predictions")
    dataset.annotate("look", backend="diffgram", label_field="predictions", images_root=str(tmp_path))
    assert "more_a.png" in [file["original_filename"] for file in sandbox.files()]


def test_a_run_of_another_project_is_not_loaded_by_default(dataset, monkeypatch):
    """The settings of this machine decide where credentials go, and not what stands in a database."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    dataset._annotation_cache.clear()
    monkeypatch.setenv("DIFFGRAM_PROJECT", "another")
    with pytest.raises(UsageError, match=r"was sent to project 'sandbox' .*, and the settings here name 'another'"):
        dataset.load_annotations("look")


def test_a_label_that_was_deleted_here_meanwhile_does_not_come_back(fo, dataset, person):
    """The user's own change in FiftyOne stands."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    gone = dataset.first().predictions.detections[0].id
    dataset.delete_labels(ids=[gone])
    person.save("a.png", person.rows("a.png"), done=True)
    dataset.load_annotations("look")
    assert gone not in [row[0] for row in labels(dataset)["a.png"]]


def test_a_load_that_is_broken_off_is_done_again(dataset, person, monkeypatch):
    """What it had added is known by its id."""
    import fiftyone.utils.annotations as foua

    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    save = foua.AnnotationBackend.save_run_results.__func__
    calls = []

    def broken(cls, *args, **options):
        calls.append(args)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return save(cls, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(foua.AnnotationBackend, "save_run_results", classmethod(broken))
        with pytest.raises(KeyboardInterrupt):
            dataset.load_annotations("look")
    dataset._annotation_cache.clear()
    dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()


def test_an_image_that_is_no_longer_reviewed_keeps_what_was_loaded(dataset, person):
    """A later push adds a box that nobody has seen; when people have, nothing is doubled."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    for field in ("predictions", "truth"):
        dataset.load_annotations("look", dest_field=field)
    loaded = labels(dataset), labels(dataset, "truth")
    with Diffgram.from_env() as diffgram:
        boxes = Detections.from_counts([Image("b.png", *SIZE)], [1], [[1, 1, 9, 9]], [0], ["cat"], score=[0.5])
        given = {"existing": True, "on_existing": "replace-all", "delete_people": True, "replace_completed": True}
        diffgram.push(boxes, directory="Default", model="other", run="later", **given).raise_for_failures()
    results = dataset.load_annotation_results("look")
    assert len(results.review().reviewed) == 2
    for field in ("predictions", "truth"):
        dataset.load_annotations("look", dest_field=field)
    assert (labels(dataset), labels(dataset, "truth")) == loaded
    person.save("b.png", [person.drawn("cat", 50, 60, 70, 80)])
    for field in ("predictions", "truth"):
        dataset.load_annotations("look", dest_field=field)
        found = [row[1:3] for row in labels(dataset, field)["b.png"]]
        assert found.count(("cat", (50, 60, 70, 80))) == 1


def test_what_the_server_had_not_applied_is_looked_at_again(dataset, person, sandbox):
    """A push that does not wait is no failure; the load knows what came since."""
    dataset.annotate("first", backend="diffgram", label_field="predictions")
    given = {"existing": True, "on_existing": "append", "model": "second"}
    dataset[:1].annotate("look", backend="diffgram", label_field="predictions", **given)
    dataset.delete_annotation_run("look")
    sandbox.busy, given["wait_s"] = True, 0  # the server knows the run by now, so no packet is waited for
    results = dataset.annotate("look", backend="diffgram", label_field="predictions", **given)
    assert len(sandbox.boxes("c.png")) == 1
    sandbox.busy = False
    assert sandbox.wait_idle()
    rows = person.rows("c.png")
    max(rows, key=lambda row: row["id"])["x_max"] += 4  # the second model's
    person.save("c.png", rows, done=True)
    assert len(results.review().reviewed) == 1
    before = labels(dataset)["c.png"][0]
    dataset.load_annotations("look")
    (after,) = labels(dataset)["c.png"]
    assert after[0] == before[0]
    assert after[2][2] == before[2][2] + 4


def test_a_later_load_has_the_settings_of_then(dataset, sandbox, person, monkeypatch):
    """A wrong key, and another project, are put right without a new process; as the message says."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    for name in ("CLIENT_SECRET", "PROJECT"):
        dataset._annotation_cache.clear()  # as another process
        with monkeypatch.context() as patch:
            patch.setenv(f"DIFFGRAM_{name}", "wrong")
            with pytest.raises((AuthError, UsageError)):
                dataset.load_annotations("look")
            if name == "PROJECT":
                dataset.load_annotations("look", host=sandbox.host, project=sandbox.project)
        dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()


def test_what_another_process_has_loaded_counts(dataset, person):
    """A box that it loaded, and that people delete later, goes here too."""
    dataset.persistent = True
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    other = f"import fiftyone as fo; fo.load_dataset({dataset.name!r}).load_annotations('look')"
    subprocess.run([sys.executable, "-c", other], check=True, timeout=120)
    *rest, drawn = sorted(person.rows("a.png"), key=lambda row: row["x_min"])
    person.save("a.png", [*rest, drawn | {"soft_delete": True}])
    dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()
    dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()


def _die(*_, **__):
    raise KeyboardInterrupt


def test_a_killed_push_is_gone_on_with_by_the_same_call(dataset, sandbox, person, monkeypatch):
    """FiftyOne has the key already, and no results of it."""
    from boxferry.integrations.fiftyone import DiffgramBackend

    with monkeypatch.context() as patch:
        patch.setattr(DiffgramBackend, "delete_run", classmethod(lambda *_, **__: None))  # it is dead
        patch.setattr(Diffgram, "push", _die)
        with pytest.raises(KeyboardInterrupt):
            dataset.annotate("look", backend="diffgram", label_field="predictions")
    assert dataset.list_annotation_runs() == ["look"]
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    dataset.load_annotations("look")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()
    with pytest.raises(ValueError, match="already exists"):
        dataset.annotate("look", backend="diffgram", label_field="predictions")


def test_a_second_round_on_the_same_images(dataset, person, clock):
    """It is refused with its remedy; then boxes that people had drawn before are no part of it, and none is doubled."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    dataset.load_annotations("look")
    with pytest.raises(BoxferryError, match=r"'a\.png' \(id \d+\) is in the directory already: choose on_existing="):
        dataset.annotate("more", backend="diffgram", label_field="predictions")
    clock.pass_(60)
    dataset.annotate("more", backend="diffgram", label_field="predictions", on_existing="append")
    first = labels(dataset)
    dataset.load_annotations("more")
    assert labels(dataset) == first
    dataset.load_annotations("more", dest_field="truth")
    assert labels(dataset, "truth")["d.png"] == []
    clock.pass_(60)
    drawn = person.drawn("cat", 1, 2, 30, 40)
    person.save("d.png", [*person.rows("d.png"), drawn])
    for key in ("more", "look"):
        dataset.load_annotations(key)
        assert bare(labels(dataset), ("d.png",)) == {"d.png": [("cat", (1, 2, 30, 40)), ("dog", (10, 20, 30, 40))]}


def test_a_field_that_was_renamed_meanwhile_is_loaded_into(dataset, person):
    """By `dest_field`: its labels are known by their ids."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    dataset.rename_sample_field("predictions", "renamed")
    correct(person)
    dataset.load_annotations("look", dest_field="renamed")
    assert bare(labels(dataset, "renamed"), ("a.png", "b.png", "d.png")) == corrected()


def test_a_renamed_key(dataset, person):
    """The run on the server keeps its name."""
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    dataset.rename_annotation_run("look", "other")
    correct(person)
    dataset.load_annotations("other")
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()


def test_results_are_used_after_their_connection_was_closed(dataset, person):
    """`with` closes it; the next call opens one."""
    with dataset.annotate("look", backend="diffgram", label_field="predictions") as results:
        assert len(results.review().waiting) == 4
    correct(person)
    dataset.load_annotations("look")
    assert len(results.review().waiting) == 1


def test_a_slice_of_a_grouped_data_set(fo, dataset, person, tmp_path):
    """Whichever it is, its labels keep their exact edges and what else they have."""
    grouped = fo.Dataset()
    grouped.add_group_field("group", default="left")
    group = fo.Group()
    for side in ("left", "right"):
        sample = _sample(fo, tmp_path / f"{side}.png", PREDICTED["a.png"])
        sample["group"] = group.element(side)
        for label in sample.predictions.detections:
            label.index = 7
        grouped.add_sample(sample)
    right = grouped.select_group_slices("right")
    right.annotate("look", backend="diffgram", label_field="predictions")
    cat, dog = sorted(person.rows("right.png"), key=lambda row: row["x_min"])
    cat["x_max"] += 5
    person.save("right.png", [cat, dog], done=True)
    grouped.load_annotations("look")
    moved, left = right.first().predictions.detections
    assert (moved.index, pixels(moved)) == (7, (20, 16, 65, 56))
    assert (left.index, list(left.bounding_box)) == (7, PREDICTED["a.png"][1][1])
    grouped.delete()


def test_frames_are_refused(fo, dataset, tmp_path):
    """A view of a video's frames has labels of another kind."""
    videos = fo.Dataset()
    sample = fo.Sample(filepath=str(tmp_path / "v.mp4"))
    sample.metadata = fo.VideoMetadata(total_frame_count=1, frame_width=SIZE[0], frame_height=SIZE[1], frame_rate=1)
    sample.frames[1] = fo.Frame(filepath=dataset.first().filepath, predictions=dataset.first().predictions)
    videos.add_sample(sample)
    frames = videos.to_frames(sample_frames=False)
    with pytest.raises(UsageError, match="a view of frames: videos are not annotated"):
        frames.annotate("look", backend="diffgram", label_field="predictions")
    assert videos.list_annotation_runs() == []
    videos.delete()


def test_other_media_of_a_sample_have_their_own_size(dataset, sandbox, tmp_path):
    """Boxes go onto smaller pictures in their pixels; a sample without one is named."""
    for sample in dataset:
        name = sample.filepath.rpartition("/")[2]
        small = tmp_path / f"small_{name}"
        Picture.open(sample.filepath).resize((SIZE[0] // 2, SIZE[1] // 2)).save(small)
        sample["small"] = str(small)
        sample.save()
    dataset.annotate("look", backend="diffgram", label_field="predictions", media_field="small")
    boxes = sorted((box["x_min"], box["x_max"]) for box in sandbox.boxes("small_a.png"))
    assert boxes == [(10, 30), (50, 70)]
    dataset.set_field("small", None).save("small")
    with pytest.raises(InputError, match=r"a\.png: has no small; annotate a view"):
        dataset.annotate("again", backend="diffgram", label_field="predictions", media_field="small")


def test_labels_without_a_class_or_a_box_stay(fo, dataset, caplog):
    """They are counted, and no label of an empty name is made."""
    sample = dataset.first()
    sample.predictions.detections += [fo.Detection(label="cat"), fo.Detection(label="", bounding_box=[0, 0, 0.5, 0.5])]
    sample.save()
    before = labels_without_boxes(dataset)
    with caplog.at_level(logging.WARNING, "fiftyone"):
        dataset.annotate("look", backend="diffgram", label_field="predictions")
    assert "2 labels without a class or a box are not sent, and stay as they are" in caplog.text
    dataset.load_annotations("look")
    assert labels_without_boxes(dataset) == before


def labels_without_boxes(dataset):
    return dataset.values(["predictions.detections.id", "predictions.detections.label"])


def test_an_image_that_is_not_sent_is_named_with_the_reason(fo, dataset, tmp_path):
    """Two names that are one on the server, and media that it does not take."""
    dataset.add_sample(_sample(fo, tmp_path / "e e.png", PREDICTED["c.png"]))
    dataset.add_sample(_sample(fo, tmp_path / "e_e.png", PREDICTED["c.png"]))
    with pytest.raises(BoxferryError, match=r"e_e\.png: its name on the server, 'e_e\.png', is that of 'e e\.png' too"):
        dataset.annotate("look", backend="diffgram", label_field="predictions")


def test_the_backend_is_found_by_fiftyones_own_configuration(fo, tmp_path, monkeypatch):
    """By the environment, and by the file of the guide."""
    from fiftyone.core.config import AnnotationConfig

    (block,) = [block for block in blocks_of(GUIDE) if block.language == "json"]
    (tmp_path / "annotation.json").write_text(block.text)
    found = AnnotationConfig.from_json(str(tmp_path / "annotation.json"))
    assert found.default_backend == "diffgram"
    assert found.backends["diffgram"]["directory"] == "Default"
    monkeypatch.setenv("FIFTYONE_ANNOTATION_BACKENDS", "*,diffgram")
    monkeypatch.setenv("FIFTYONE_DIFFGRAM_CONFIG_CLS", found.backends["diffgram"]["config_cls"])
    monkeypatch.setenv("FIFTYONE_DIFFGRAM_DIRECTORY", "incoming")
    by_environment = AnnotationConfig()
    assert by_environment.backends["diffgram"]["directory"] == "incoming"
    assert "cvat" in by_environment.backends


def test_the_guide(dataset, person):
    """Its Python blocks, in their order; people correct before the last one."""
    *sending, loading = [block for block in blocks_of(GUIDE) if block.language == "python"]
    names = {"dataset": dataset}
    for block in sending:
        exec(compile(block.text, block.place, "exec"), names)
    correct(person)
    exec(compile(loading.text, loading.place, "exec"), names)
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected("week48")


def test_the_example(fo, dataset, person, monkeypatch, capsys):
    """It sends, and loads."""
    for step in ("send", "load"):
        monkeypatch.setattr("sys.argv", ["fiftyone_review.py", step, dataset.name, "predictions", "look"])
        runpy.run_path(str(ROOT / "examples" / "fiftyone_review.py"), run_name="__main__")
        if step == "send":
            correct(person)
    dataset.reload()
    assert bare(labels(dataset), ("a.png", "b.png", "d.png")) == corrected()
    assert "{'cat': 2, 'dog': 4}" in capsys.readouterr().out


def test_ids_are_those_of_the_database(dataset, person):
    dataset.annotate("look", backend="diffgram", label_field="predictions")
    correct(person)
    dataset.load_annotations("look")
    assert all(bson.ObjectId.is_valid(row[0]) for rows in labels(dataset).values() for row in rows)
    assert json.dumps(dataset.load_annotation_results("look").serialize())
