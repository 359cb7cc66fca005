"""Everything comes home: outlines as one object, other shapes, videos with tracks and rate, attributes by name."""

import json

import pytest

from boxferry import Diffgram, read
from boxferry.boxes.detections import objects
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run as boxferry
from boxferry.plan.attributes import AttributeWish
from boxferry.plugins import plugin_manager
from boxferry.sandbox.annotating import save
from sending.pushing import predictions, push, server_of
from videos import a_video

FORMATS = plugin_manager().formats()
PARTS = [[10, 10, 60, 10, 60, 60, 10, 60], [100, 100, 150, 100, 150, 150]]


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def settings(sandbox, tmp_path, monkeypatch):
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file_of(sandbox, name):
    return next(file for file in sandbox.files() if file["original_filename"] == name)


def rows_of(sandbox, name):
    return sandbox._store.instances(file_of(sandbox, name)["id"])


def corrected(diffgram, *, everything=True, run="r"):
    """What comes home, as one list of (image, label, corners), and the chunks and the tally."""
    tally = Tally()
    chunks = list(diffgram.pull(run).corrected_chunks(everything=everything, tally=tally))
    return chunks, tally


def home(diffgram, fmt, target, **how):
    tally = Tally()
    diffgram.pull("r").write_as(FORMATS[fmt], target, tally, **{"everything": True} | how)
    return tally


@pytest.fixture
def outline(tmp_path):
    """One object whose outline has two parts."""
    from PIL import Image as Picture

    (tmp_path / "pictures").mkdir()
    Picture.new("RGB", (640, 480)).save(tmp_path / "pictures" / "a.jpg")
    item = {"id": 1, "image_id": 1, "category_id": 1, "score": 0.9, "segmentation": PARTS}
    images = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    found = {"images": images, "categories": [{"id": 1, "name": "c"}], "annotations": [item]}
    (tmp_path / "two.json").write_text(json.dumps(found))
    return read(tmp_path / "two.json", images=tmp_path / "pictures", polygons=True)


def test_09_an_outline_of_two_parts_that_was_not_touched_is_one_object(sandbox, diffgram, outline):
    """It is kept, the file is not reviewed, and it comes home whole."""
    push(diffgram, outline)
    (file,) = diffgram.pull("r").files
    assert (len(rows_of(sandbox, "a.jpg")), [box.fate for box in file.judged]) == (2, ["unreviewed"])
    assert not file.reviewed
    (chunk,), tally = corrected(diffgram)
    assert chunk.xyxy.tolist() == [[10, 10, 150, 150]]
    assert [ring.reshape(-1).tolist() for ring in chunk.polygons[0]] == PARTS
    assert (tally.read, tally.kept) == (1, 1)
    sandbox._store.update("file", file.file_id, {"ann_is_complete": 1, "time_last_updated": sandbox._store.now() + 60})
    assert diffgram.pull("r").metrics()["AP"] == pytest.approx(1)


def test_a_part_that_was_moved_or_deleted_moves_the_object(sandbox, diffgram, outline):
    """And another label on one part is another object."""
    push(diffgram, outline)
    file, (one, two) = file_of(sandbox, "a.jpg"), rows_of(sandbox, "a.jpg")
    points = [*one["points"][:-1], {"x": 20, "y": 50}]
    save(sandbox._store, file, [one | {"points": points}, two])
    assert [box.fate for box in diffgram.pull("r").files[0].judged] == ["moved"]
    first, second = sorted(rows_of(sandbox, "a.jpg"), key=lambda row: row["x_min"])
    save(sandbox._store, file, [second])
    (judged,) = diffgram.pull("r").files[0].judged
    assert (judged.fate, judged.by, judged.stored.corners) == ("moved", "reference", (100, 100, 150, 150))
    save(sandbox._store, file, [first | {"id": None}, second])
    new = sandbox._store.insert("label_file", {"project": "sandbox", "schema_id": 1, "name": "d"})
    rows = sorted(rows_of(sandbox, "a.jpg"), key=lambda row: row["x_min"])
    save(sandbox._store, file, [rows[0] | {"label_file_id": new}, *rows[1:]])
    assert sorted(box.stored.label for box in diffgram.pull("r").files[0].judged) == ["c", "d"]


def drawn(sandbox, name, *shapes):
    """People draw shapes on a file."""
    file, (first, *_) = file_of(sandbox, name), rows_of(sandbox, name)
    common = {"label_file_id": first["label_file_id"], "machine_made": False}
    save(sandbox._store, file, [*rows_of(sandbox, name), *(common | shape for shape in shapes)])


TRIANGLE = [{"x": 10, "y": 10}, {"x": 90, "y": 10}, {"x": 50, "y": 70}]


def face(x, y):
    corners = {"top_left": (x, y), "top_right": (x + 9, y), "bot_left": (x, y + 8), "bot_right": (x + 9, y + 8)}
    return {"width": 9, "height": 8} | {name: dict(zip("xy", at, strict=True)) for name, at in corners.items()}


SHAPES = {
    "polygon": ({"points": TRIANGLE}, [10, 10, 90, 70], 3),
    "ellipse": ({"center_x": 30, "center_y": 40, "width": 10, "height": 12, "angle": 0}, [20, 28, 40, 52], 32),
    "line": ({"points": TRIANGLE[1:]}, [50, 10, 90, 70], 0),
    "keypoints": ({"nodes": [{"x": 1, "y": 2}, {"x": 7, "y": 9, "ordinal": 2}], "edges": []}, [1, 2, 7, 9], 0),
    "cuboid": ({"front_face": face(10, 20), "rear_face": face(15, 12)}, [10, 12, 24, 28], 0),
}


POINTS = {
    "line": ["90,10", "50,70"],
    "keypoints": ["1,2", "7,9"],
    "cuboid": [
        f"{x},{y}"
        for dx, dy in ((10, 20), (15, 12))
        for x, y in ((dx, dy), (dx + 9, dy), (dx, dy + 8), (dx + 9, dy + 8))
    ],
}


@pytest.mark.parametrize(("shape", "more", "bounds", "corners"), [(k, *v) for k, v in SHAPES.items()], ids=SHAPES)
def test_17_what_people_draw_comes_home_as_what_it_is_or_as_its_bounds(
    sandbox, diffgram, folder, shape, more, bounds, corners
):
    """Never as a box of nothing; that it is its bounds is counted, and stands beside it."""
    push(diffgram, predictions(folder))
    drawn(sandbox, "a.jpg", {"type": shape, **more})
    chunks, tally = corrected(diffgram)
    (row,) = [row for chunk in chunks for row in range(len(chunk)) if chunk.xyxy[row].round(6).tolist() == bounds]
    rings = chunks[0].polygons[row] if corners else ()
    assert [len(ring) for ring in rings] == ([corners] if corners else [])
    if shape != "polygon":
        assert tally.changed == {"outline" if corners else "bounds": 1}
    if not corners:
        assert chunks[0].attributes[row] == {"shape": shape, "points": POINTS[shape]}
    assert (tally.read, tally.kept) == (4, 4)


@pytest.mark.parametrize(
    "more",
    [
        {"type": "point", "points": TRIANGLE[:1]},
        {"type": "line", "points": TRIANGLE[:2]},
        {"type": "tag"},
        {"type": "keypoints", "nodes": [{"x": 1, "y": 2}], "edges": []},
    ],
    ids=lambda more: more["type"],
)
def test_what_encloses_nothing_is_left_out_with_its_reason(sandbox, diffgram, folder, more):
    """Read and dropped; the other boxes of the file come."""
    push(diffgram, predictions(folder))
    drawn(sandbox, "a.jpg", more)
    chunks, tally = corrected(diffgram)
    assert (tally.read, tally.kept, tally.dropped) == (4, 3, {"no-area": 1})
    assert str(tally.examples["no-area"][0]).startswith(f"a.jpg: a {more['type']} that encloses nothing")
    assert all((chunk.xyxy[:, 2:] > chunk.xyxy[:, :2]).all() for chunk in chunks)
    assert {box.fate for box in diffgram.pull("r").files[0].judged} == {"kept"}


def push_clip(diffgram, folder, **options):
    (folder / "clips").mkdir()
    (folder / "clips" / "clip.mp4").write_bytes(a_video(width=100, height=80))
    (folder / "rows").mkdir()
    for frame, row in (
        (0, "0 0.5 0.5 0.2 0.25 0.9 7"),
        (5, "0 0.5 0.5 0.4 0.25 0.8 7"),
        (9, "1 0.5 0.5 0.2 0.5 0.8 8"),
    ):
        (folder / "rows" / f"clip_{frame}.txt").write_text(f"{row}\n")
    frames = {"yolo-frames": "0"}
    source = read(folder / "rows", format="yolo", names=["cat", "dog"], images=folder / "clips", options=frames)
    push(diffgram, source, **options)


def test_a_video_comes_home_with_tracks_frames_rate_and_length(sandbox, diffgram, folder, tmp_path):
    """As the server counts them; the second pull gives the same."""
    push_clip(diffgram, folder)
    for _ in range(2):
        home(diffgram, "boxferry", tmp_path / "home.ndjson")
        (chunk,) = read(tmp_path / "home.ndjson").chunks(Tally())
        (image,) = chunk.images
        assert (image.key, image.video, image.frames, image.frame_rate) == ("clip.mp4", True, 30, 10)
        found = sorted(zip(chunk.frame.tolist(), chunk.track.tolist(), strict=True))
        assert found == [(0, 7), (5, 7), (9, 8)]


def test_22_one_video_keeps_no_image_back(sandbox, diffgram, folder, settings, capsys):
    """It is left out with a note that names a format with frames; the images are written."""
    push_clip(diffgram, folder, run="r")
    diffgram.outbox._db.execute("UPDATE run SET source = ''")
    push(diffgram, predictions(folder), run="r")
    assert boxferry(["pull", "r", "--all", "-o", "home.json"]) == 0
    said = capsys.readouterr().err
    assert "left out, video: clip.mp4: a video, but the format 'coco' has no frames; write 'boxferry' or 'mot'" in said
    found = json.loads((settings / "home.json").read_text())
    assert {image["file_name"] for image in found["images"]} == {"a.jpg", "b.png", "c.jpg"}
    assert len(found["annotations"]) == 3
    assert boxferry(["pull", "r", "--all", "-o", "home.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dropped"] == {"video": 3}
    assert boxferry(["pull", "r", "--all", "-o", "home", "--to", "yolo", "--yolo-ids", "from-0"]) == 0
    assert boxferry(["pull", "r", "-o", "home", "--to", "yolo", "--coco-form", "dataset"]) == 2
    assert "--coco-form: not an option of format 'yolo'" in capsys.readouterr().err


def test_a_run_of_videos_alone_is_no_success_in_a_format_without_frames(sandbox, diffgram, folder, settings, capsys):
    """All of its boxes are left out; in MOT they come home under their tracks."""
    push_clip(diffgram, folder)
    assert boxferry(["pull", "r", "--all", "-o", "home.json"]) == 1
    assert boxferry(["pull", "r", "--all", "-o", "home", "--to", "mot"]) == 0
    rows = (settings / "home/clip/gt/gt.txt").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows] == [["1", "7"], ["6", "7"], ["10", "8"]]
    assert (settings / "home/labels.txt").read_text() == "cat\ndog\n"


def with_attributes(folder, values):
    def step(chunk, _):
        return chunk.replace(attributes=objects([values[i % len(values)] for i in range(len(chunk))]))

    return predictions(folder).then(step)


def test_attributes_come_home_by_name_and_option(sandbox, diffgram, folder):
    """Those that people set too; several options are a list of names."""
    found = with_attributes(folder, [{"pose": "left", "difficult": True}, {"pose": "right"}])
    push(diffgram, found, attributes=AttributeWish.parse(["pose", "difficult=Hard"], [], "create"))
    client, schema = diffgram._client, diffgram._client.schemas()[0].id
    client.create_attribute_group("note", "text", schema_id=schema, label_ids=[])
    client.create_attribute_group("colours", "multiple_select", schema_id=schema, label_ids=[])
    groups = {group.name: group for group in client.attribute_groups(schema)}
    for name in ("red", "blue"):
        client.create_attribute_option(groups["colours"].id, name)
    (colours,) = [g for g in client.attribute_groups(schema) if g.name == "colours"]
    chosen = {str(o.id): {"id": o.id, "name": o.name, "selected": True} for o in colours.attribute_template_list}
    file, rows = file_of(sandbox, "a.jpg"), rows_of(sandbox, "a.jpg")
    set_by_people = {str(groups["note"].id): "wet", str(colours.id): chosen, "999": 4}
    save(sandbox._store, file, [rows[0] | {"attribute_groups": set_by_people}, *rows[1:]])
    (chunk,), _ = corrected(diffgram)
    values = {
        (image.key, i): chunk.attributes[i] for image, rows in chunk.each_image() for i in range(*rows.indices(9))
    }
    assert {"note": "wet", "colours": ["red", "blue"], "attribute 999": 4} in values.values()
    assert {"pose": "right"} in values.values()
    assert {"pose": "left", "difficult": True} in values.values(), "as the source has it"


def test_17_key_points_are_key_points_in_a_pulled_coco_file(sandbox, diffgram, folder, tmp_path):
    """As COCO has them, labelled each, beside their bounds; a line has its bounds alone."""
    push(diffgram, predictions(folder))
    nodes = [{"x": 1, "y": 2}, {"x": 7, "y": 9, "ordinal": 2}]
    drawn(
        sandbox, "a.jpg", {"type": "keypoints", "nodes": nodes, "edges": []}, {"type": "line", "points": TRIANGLE[1:]}
    )
    home(diffgram, "coco", tmp_path / "home.json")
    annotations = json.loads((tmp_path / "home.json").read_text())["annotations"]
    (posed,) = [each for each in annotations if "keypoints" in each]
    assert (posed["keypoints"], posed["num_keypoints"]) == ([1, 2, 2, 7, 9, 2], 2)
    assert (posed["bbox"], posed["attributes"]["shape"]) == ([1, 2, 6, 7], "keypoints")
    again = read(tmp_path / "home.json", size="100x80").chunks(Tally())
    assert sum(map(len, again)) == len(annotations) == 5


def test_17_a_pulled_coco_file_has_the_outline_and_the_attributes(sandbox, diffgram, folder, tmp_path):
    """What was drawn stands under `segmentation`, with the area that it encloses."""
    found = with_attributes(folder, [{"pose": "left"}])
    push(diffgram, found, attributes=AttributeWish.parse(["pose"], [], "create"))
    drawn(sandbox, "a.jpg", {"type": "polygon", "points": TRIANGLE})
    home(diffgram, "coco", tmp_path / "home.json")
    annotations = json.loads((tmp_path / "home.json").read_text())["annotations"]
    (outline,) = [each for each in annotations if each["segmentation"]]
    assert outline["segmentation"] == [[10, 10, 90, 10, 50, 70]]
    assert (outline["bbox"], outline["area"]) == ([10, 10, 80, 60], 2400)
    assert [each.get("attributes") for each in annotations].count({"pose": "left"}) == 3
    home(diffgram, "yolo", tmp_path / "home")
    rows = [line.split() for line in (tmp_path / "home/labels/a.txt").read_text().splitlines()]
    assert sorted(map(len, rows)) == [7, 9, 9]
    home(diffgram, "voc", tmp_path / "voc")
    text = (tmp_path / "voc/Annotations/a.xml").read_text()
    assert (text.count("<polygon>"), text.count("<pose>left</pose>")) == (1, 2)
