"""Nothing that harms a server leaves: each harmful input, by each way in, is dropped or refused here, with a reason."""

import json
import math
import sqlite3
from contextlib import closing

import msgspec
import pytest
from PIL import Image as Picture

from boxferry import PushOptions, read
from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.fit import fit
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError, UsageError
from boxferry.plan.patience import Patience
from boxferry.plan.plan_file import read_plan
from boxferry.reading.video import clip_problem
from sending.pushing import push
from videos import a_video

GOOD = {"score": 0.5, "label": "cat", "box": {"xmin": 1, "ymin": 2, "xmax": 30, "ymax": 40}}
LONG = "x" * 247 + ".png"  # 251 characters


@pytest.fixture
def images(tmp_path):
    """Two images of 100x80."""
    (tmp_path / "images").mkdir()
    for name in ("good.png", "bad.png"):
        Picture.new("RGB", (100, 80), "grey").save(tmp_path / "images" / name)
    return tmp_path / "images"


def a_box(**changes):
    return GOOD | changes


def corners(**changes):
    return a_box(box=GOOD["box"] | changes)


#: harm → the results of 'bad.png', and why they are left out: by code, or "" where only the harmful part is
BOXES = {
    "score-nan": (a_box(score=math.nan), ""),
    "score-infinite": (a_box(score=math.inf), ""),
    "score-text": (a_box(score="high"), "refused"),
    "score-twice": (a_box(score=[0.5, 0.4]), "refused"),
    "corner-nan": (corners(xmax=math.nan), "not-finite"),
    "corner-infinite": (corners(xmax=math.inf), "not-finite"),
    "corner-huge": (corners(xmax=2**40), ""),
    "corners-beyond": (corners(xmin=2**40, xmax=2**41), "outside-image"),
    "corners-backwards": (corners(xmin=30, xmax=1), "bad-box"),
    "no-width": (corners(xmax=1), "too-small"),
    "label-long": (a_box(label="x" * 201), "bad-label"),
    "label-nul": (a_box(label="a\0b"), "bad-label"),
    "label-surrogate": (a_box(label="a\ud800b"), "bad-label"),
    "label-empty": (a_box(label=""), "bad-label"),
}


def results(bad):
    """A good image, and the bad one."""
    return {"good.png": [GOOD], "bad.png": [bad]}


@pytest.fixture
def ways(sandbox, diffgram, images, serve):
    """Way → a push of results by it; gives the boxes left out by reason."""

    def pushed(bad, **options):
        tally = push(diffgram, read(results(bad), images=images), **options).tally
        return tally.dropped

    def existing(bad):
        push(diffgram, read(images), run="before")
        return pushed(bad, existing=True)

    def collected(bad):
        options = PushOptions(labels="create", patience=Patience(wait_s=20.0, settle_s=0.2, first_pause_s=0.01))
        given = {"directory": "Default", "model": "m", "run": "r", "options": options, "every_s": 0.05}
        with diffgram.collector(**given, images=images) as collect:
            collect(results(GOOD)["good.png"], "good.png")
            collect([bad], "bad.png")
        dropped = collect.report.dropped
        for done in collect.report.pushes:
            dropped = dropped + done.tally.dropped
        if collect.report.lost:
            raise InputError(str(collect.report.problems))
        return dropped

    def planned(bad):
        plan = images.parent / "plan.json"
        dropped = pushed(bad, plan=plan)
        diffgram.carry_out(read_plan(plan))
        return dropped

    return {
        "upload": pushed,
        "url": lambda bad: pushed(bad, media_url=serve(images) + "/{file_name}"),
        "existing": existing,
        "collector": collected,
        "plan": planned,
    }


def harmless(sandbox):
    """See that the server was sent nothing that could harm it; gives the boxes that it was sent."""
    sent = []
    for row in sandbox.inputs():
        assert len(row["original_filename"] or "") <= 250
        assert "\0" not in (row["original_filename"] or "")
        listed = json.loads(row["instance_list"])["list"] if row["instance_list"] else []
        frames = json.loads(row["frame_packet_map"]) if row["frame_packet_map"] else {}
        sent += [*listed, *(box for boxes in frames.values() for box in boxes)]
    for box in sent:
        assert type(box["label_file_id"]) is int
        assert all(type(box[name]) is int and 0 <= box[name] < 2**31 for name in ("x_min", "y_min", "x_max", "y_max"))
        assert box["x_min"] < box["x_max"]
        assert type(box.get("score", 0.5)) in {int, float}
        assert math.isfinite(box.get("score", 0.5))
        assert "\0" not in box["creation_ref_id"]
    with closing(sqlite3.connect(sandbox.folder / "sandbox.sqlite")) as db:
        assert all(0 < len(name) <= 200 and "\0" not in name for (name,) in db.execute("SELECT name FROM label_file"))
    return sent


@pytest.mark.parametrize("way", ["upload", "url", "existing", "collector", "plan"])
@pytest.mark.parametrize("harm", BOXES)
def test_a_harmful_box_stays_here_by_every_way(sandbox, ways, harm, way):
    """Dropped by a code, or sent without its harmful part; what cannot be read at all ends in an error of one line."""
    bad, code = BOXES[harm]
    if code == "refused":
        with pytest.raises(InputError):
            ways[way](bad)
        assert all(box["creation_ref_id"] for box in harmless(sandbox))
        return
    dropped = ways[way](bad)
    assert dropped == ({code: 1} if code else {})
    assert len(harmless(sandbox)) == (1 if code else 2), "the good box is sent all the same"


@pytest.mark.parametrize("way", ["upload", "url", "plan"])
@pytest.mark.parametrize("naming", [None, "y" * 246 + "/{name}"], ids=["its-own", "by-template"])
def test_a_long_name_stays_here(sandbox, diffgram, images, serve, way, naming):
    """The image's own, or a template's; the other image is sent."""
    (images / "bad.png").rename(images / LONG)
    bad = LONG if naming is None else "good.png"
    source = read({name: [GOOD] for name in ("good.png", LONG)}, images=images)
    options = {"file_name": naming} | ({"media_url": serve(images) + "/{file_name}"} if way == "url" else {})
    options |= {"plan": images.parent / "plan.json"} if way == "plan" else {}
    report = push(diffgram, source, **options)
    if way == "plan":
        diffgram.carry_out(read_plan(images.parent / "plan.json"))
    assert report.tally.failed["unsupported-name"] == (1 if naming is None else 2)
    assert report.tally.dropped["unsupported-name"] == (1 if naming is None else 2)
    assert bad not in {row["original_filename"] for row in sandbox.inputs()}
    assert len(harmless(sandbox)) == (1 if naming is None else 0)


def test_a_name_of_250_characters_is_sent(sandbox, diffgram, images):
    """The server takes it."""
    (images / "bad.png").rename(images / LONG[1:])
    assert push(diffgram, read({LONG[1:]: [GOOD]}, images=images)).exit_code == 0
    assert len(harmless(sandbox)) == 1


@pytest.mark.parametrize("name", ["a\0.png", "a\ud800.png"], ids=["nul", "surrogate"])
def test_a_name_that_is_no_text_stays_here(sandbox, diffgram, tmp_path, name):
    """It comes from a JSON file, and no local file is needed where the server fetches the media."""
    image = {"id": 1, "file_name": name, "width": 100, "height": 80}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}
    found = {"images": [image], "categories": [{"id": 1, "name": "cat"}], "annotations": [box]}
    (tmp_path / "coco.json").write_text(json.dumps(found))
    try:
        tally = push(diffgram, read(tmp_path / "coco.json"), media_url="http://127.0.0.1:1/{file_name}").tally
    except InputError:
        tally = Tally()
    assert tally.kept == 0
    assert sandbox.inputs() == []


@pytest.mark.parametrize("changes", [{"model": "m\0"}, {"run": "r\ud800"}], ids=["model", "run"])
def test_the_names_of_model_and_run_are_texts(sandbox, diffgram, images, changes):
    """They are on every box."""
    with pytest.raises(UsageError, match=r"model|run"):
        push(diffgram, {"good.png": [GOOD]}, **changes)
    with pytest.raises(UsageError, match=r"model|run"):
        diffgram.collector(**({"directory": "Default", "model": "m", "run": "r"} | changes))


def a_chunk(image, **columns):
    """One box."""
    return Detections.from_counts([image], [1], [[1.0, 2, 30, 40]], [0], ["cat"], score=[0.5], **columns)


NUMBERS = {
    "image-too-large": a_chunk(Image("a.png", width=10**30, height=80)),
    "bad-track": a_chunk(Image("a.mp4", width=100, height=80, video=True), frame=[1], track=[2**31]),
    "bad-frame": a_chunk(Image("a.mp4", width=100, height=80, video=True), frame=[2**31], track=[1]),
}


@pytest.mark.parametrize(("code", "chunk"), NUMBERS.items(), ids=NUMBERS)
def test_numbers_that_no_database_keeps_are_dropped(code, chunk):
    """The fit, through which every box goes, sees to it."""
    tally = Tally()
    assert len(fit(chunk, tally=tally)) == 0
    assert tally.dropped == {code: 1}


def test_an_image_of_an_impossible_size_costs_its_own_boxes(sandbox, diffgram, tmp_path):
    """The others are sent; no box is scaled to it."""
    images = [{"id": 1, "file_name": "a.png", "width": 10**30, "height": 80}, {"id": 2, "file_name": "b.png"}]
    images[1] |= {"width": 100, "height": 80}
    box = {"category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}
    found = {"images": images, "categories": [{"id": 1, "name": "cat"}]}
    found["annotations"] = [box | {"id": number, "image_id": number} for number in (1, 2)]
    (tmp_path / "coco.json").write_text(json.dumps(found))
    report = push(diffgram, read(tmp_path / "coco.json"), media_url="http://127.0.0.1:1/{file_name}", skip_empty=True)
    assert report.tally.dropped == {"image-too-large": 1}
    assert [row["original_filename"] for row in sandbox.inputs()] == ["b.png"]


def test_clips_that_cannot_be_read_stay_here(sandbox, diffgram, tmp_path, monkeypatch):
    """A server is at them for good. With PyAV they are decoded; without it a file cut short is seen all the same."""
    whole = a_video()
    folder = tmp_path / "videos"
    folder.mkdir()
    for name, data in {
        "whole.mp4": whole,
        "cut.mp4": whole[: len(whole) // 2],
        "empty.mp4": b"",
        "text.avi": b"no",
    }.items():
        (folder / name).write_bytes(data)
    report = push(diffgram, read(folder))
    assert report.tally.failed == {"unreadable-media": 3}
    assert [row["original_filename"] for row in sandbox.inputs()] == ["whole.mp4"]
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert clip_problem(str(folder / "whole.mp4")) is None
    assert all(clip_problem(str(folder / name)) for name in ("cut.mp4", "empty.mp4", "text.avi", "none.mp4"))


# A plan from elsewhere


@pytest.fixture
def plan(sandbox, diffgram, images):
    """A plan of one upload and, beside it, a changed copy: the path, and a function that changes it."""
    path = images.parent / "plan.json"
    push(diffgram, read({"good.png": [GOOD]}, images=images), plan=path, skip_empty=True)
    whole = msgspec.json.decode(path.read_bytes())

    def changed(change):
        found = json.loads(json.dumps(whole))
        change(found, found["files"][0], found["files"][0]["packet"], found["files"][0]["packet"]["instance_list"][0])
        path.write_text(json.dumps(found))
        return path

    return changed


def url(file, packet, **changes):
    """Make an upload a packet by URL."""
    file |= {"route": "url", "media": "http://host/good.png"}
    media = {"type": "image", "url": "http://host/good.png"}
    packet |= {"media": media, "original_filename": "good.png"} | changes


def existing(file, packet, **changes):
    """Make an upload an update."""
    file |= {"route": "existing", "mode": "append", "file_id": 7, "media": ""}
    packet.pop("directory_id")
    packet |= {"file_id": 7, "mode": "update"} | changes


POLYGON = {"type": "polygon", "label_file_id": 1}
HARMFUL_PLANS = {
    "float": (lambda _, f, p, b: b.update(x_min=1.5), "int"),
    "huge": (lambda _, f, p, b: b.update(x_max=2**40), "x_max"),
    "negative": (lambda _, f, p, b: b.update(x_min=-1), "x_min"),
    "text": (lambda _, f, p, b: b.update(x_min="1"), "int"),
    "missing": (lambda _, f, p, b: b.pop("y_max"), "y_max"),
    "backwards": (lambda _, f, p, b: b.update(x_min=90), "corners"),
    "score-text": (lambda _, f, p, b: b.update(score="high"), "score"),
    "label-true": (lambda _, f, p, b: b.update(label_file_id=True), "label_file_id"),
    "label-huge": (lambda _, f, p, b: b.update(label_file_id=2**31), "label_file_id"),
    "label-0": (lambda _, f, p, b: b.update(label_file_id=0), "label_file_id"),
    "label-missing": (lambda _, f, p, b: b.pop("label_file_id"), "label_file_id"),
    "number-float": (lambda _, f, p, b: b.update(number=1.5), "number"),
    "number-huge": (lambda _, f, p, b: b.update(number=2**31), "number"),
    "reference-number": (lambda _, f, p, b: b.update(creation_ref_id=3), "creation_ref_id"),
    "reference-empty": (lambda _, f, p, b: b.update(creation_ref_id=""), "creation_ref_id"),
    "reference-foreign": (lambda _, f, p, b: b.update(creation_ref_id="x"), "reference"),
    "model-nul": (lambda _, f, p, b: b.update(model_ref="a\0"), "NUL"),
    "attributes-list": (lambda _, f, p, b: b.update(attribute_groups=[]), "attribute_groups"),
    "attributes-key": (lambda _, f, p, b: b.update(attribute_groups={"x": 1}), "attribute_groups"),
    "soft-delete": (lambda _, f, p, b: b.update(soft_delete="yes"), "soft_delete"),
    "type": (lambda _, f, p, b: b.update(type="zzz"), "zzz"),
    "polygon-of-2": (
        lambda _, f, p, b: p.update(
            instance_list=[
                {
                    "type": "polygon",
                    "label_file_id": 1,
                    "creation_ref_id": b["creation_ref_id"],
                    "points": [{"x": 1, "y": 1}] * 2,
                }
            ]
        ),
        "points",
    ),
    "empty-list": (lambda _, f, p, b: p.update(instance_list=[]), "instance_list"),
    "frame": (lambda _, f, p, b: p.update(frame_packet_map={"-1": [b]}), "frame_packet_map"),
    "unknown-key": (lambda _, f, p, b: p.update(parent_file_id=1), "parent_file_id"),
    "directory": (lambda _, f, p, b: p.update(directory_id=2**20), "directory_id"),
    "upload-mode": (lambda _, f, p, b: p.update(mode="update_with_existing"), "mode"),
    "route": (lambda _, f, p, b: f.update(route="zzz"), "route"),
    "boxes": (lambda _, f, p, b: f.update(boxes=3), "boxes"),
    "long-name": (lambda _, f, p, b: f.update(file_name=LONG), "251"),
    "nul-name": (lambda _, f, p, b: f.update(file_name="a\0.png"), "NUL"),
    "suffix": (lambda _, f, p, b: f.update(file_name="a.webp"), "webp"),
    "any-file": (lambda _, f, p, b: f.update(media="/etc/passwd"), "/etc/passwd"),
    "url-file": (lambda _, f, p, b: url(f, p, media={"type": "image", "url": "file:///etc/passwd"}), "media.url"),
    "url-type": (lambda _, f, p, b: url(f, p, media={"type": "zzz", "url": "http://host/good.png"}), "media.type"),
    "url-other-name": (lambda _, f, p, b: url(f, p, original_filename=LONG), "original_filename"),
    "url-split": (lambda _, f, p, b: url(f, p, video_split_duration=1), "video_split_duration"),
    "url-job": (lambda _, f, p, b: url(f, p, job_id="x"), "job_id"),
    "existing-no-id": (lambda _, f, p, b: existing(f, p, file_id=8), "file_id"),
    "existing-replaces": (lambda _, f, p, b: existing(f, p, mode="update_with_existing"), "mode"),
    "existing-by-name": (lambda _, f, p, b: existing(f, p, original_filename="a.png"), "media"),
    "label-long": (lambda w, f, p, b: w["summary"].update(create_labels={"x" * 201: -1}), "201"),
    "label-empty": (lambda w, f, p, b: w["summary"].update(create_labels={"": -1}), "name"),
    "head-nul": (lambda w, f, p, b: w.update(run="a\0"), "run"),
}


@pytest.mark.parametrize(("change", "words"), HARMFUL_PLANS.values(), ids=HARMFUL_PLANS)
def test_a_plan_is_held_to_what_a_push_would_send(sandbox, plan, change, words):
    """Anyone can have written it. It is refused in one line that names the plan, before anything is sent."""
    path = plan(change)
    with pytest.raises(InputError, match=words) as caught:
        read_plan(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert sandbox.inputs() == []


GOOD_PLANS = {
    "as-it-is": lambda _, f, p, b: None,
    "url": lambda _, f, p, b: url(f, p),
    "existing": lambda _, f, p, b: existing(f, p),
}


@pytest.mark.parametrize("change", GOOD_PLANS.values(), ids=GOOD_PLANS)
def test_a_good_plan_is_read(plan, change):
    """The checks refuse nothing that a push makes."""
    assert len(read_plan(plan(change)).entries) == 1
