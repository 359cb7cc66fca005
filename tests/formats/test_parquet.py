"""The format `parquet`: columns known by their names or named, rows of boxes or of images, and what is written."""

import builtins
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from boxferry import read as read_source
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run
from boxferry.errors import InputError, UsageError
from boxferry.formats import Catalog
from formats.reading import FORMATS, a_context, assert_same, detections, images_of, read, rows_of, write_text

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

CAT = {"image": "a.jpg", "label": "cat", "score": 0.5}
CORNERS = {"x_min": 10.0, "y_min": 20.0, "x_max": 40.0, "y_max": 60.0}
EXPECTED = [("a.jpg", "cat", 10, 20, 40, 60, 0.5)]


def a_table(path, *rows, schema=None, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns) if columns else pa.Table.from_pylist(list(rows), schema), path)
    return path


@pytest.mark.parametrize(
    ("box", "option"),
    [
        (CORNERS, ""),
        ({"xmin": 10, "ymin": 20, "xmax": 40, "ymax": 60}, ""),
        ({"X1": 10, "Y1": 20, "X2": 40, "Y2": 60}, ""),
        ({"left": 10, "top": 20, "width": 30, "height": 40}, ""),
        ({"xcenter": 25, "ycenter": 40, "width": 30, "height": 40}, ""),
        ({"cx": 25, "cy": 40, "w": 30, "h": 40}, ""),
        ({"box": {"x1": 10.0, "y1": 20.0, "x2": 40.0, "y2": 60.0}}, ""),
        ({"xyxy": [10, 20, 40, 60]}, ""),
        ({"bbox_xywh": [10, 20, 30, 40]}, ""),
        ({"bbox": [10, 20, 30, 40]}, "xywh"),
        ({"bbox": [10, 20, 40, 60]}, "xyxy"),
        ({"bbox": [25, 40, 30, 40]}, "cxcywh"),
        ({"bbox": [0.1, 0.25, 0.4, 0.75]}, "xyxyn"),
        ({"x": 10, "y": 20, "w": 30, "h": 40}, "xywh"),
        ({"x": 25, "y": 40, "width": 30, "height": 40}, "cxcywh"),
        ({"cx": 0.25, "cy": 0.5, "w": 0.3, "h": 0.5}, "cxcywhn"),
    ],
)
def test_boxes_are_known_by_their_columns_names(tmp_path, box, option):
    """Where a name has one meaning only; else the option says what it is."""
    path = a_table(tmp_path / "x.parquet", {**CAT, **box})
    rows, _ = read("parquet", path, size=(100, 80), parquet_box=option)
    assert [row[:2] for row in rows] == [("a.jpg", "cat")]
    assert rows[0][2:6] == pytest.approx(EXPECTED[0][2:6])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**CAT, "bbox": [1, 2, 3, 4]}, "column 'bbox': the meaning of its four numbers is unknown; --parquet-box"),
        ({**CAT, "x": 1, "y": 2, "w": 3, "h": 4}, "x and y may be a box's corner or its centre; --parquet-box xywh or"),
        (CAT, "no columns are known for boxes; --columns x_min=NAME.* it has image, label, score"),
        ({"image": "a.jpg", **CORNERS}, "no column is known for label; --columns label=NAME"),
        ({"label": "cat", **CORNERS}, "no column is known for image; --columns image=NAME"),
        (
            {**CAT, **CORNERS, "a": {"prob": 0.1}, "b": {"prob": 0.2}, "score": "x"},
            "a.prob and b.prob may both be score",
        ),
        ({"image": "a.jpg", "label": 3, **CORNERS}, "class ids need names"),
        (
            {**CAT, "x_min": 0.1, "y_min": 0.1, "x_max": 0.5, "y_max": 1.0, "width": 100, "height": 80},
            "--parquet-box xyxyn",
        ),
    ],
)
def test_what_has_two_readings_or_none_is_an_error_that_names_the_option(tmp_path, row, reason):
    """Never a guess."""
    with pytest.raises(InputError, match=reason):
        read("parquet", a_table(tmp_path / "x.parquet", row))


def test_columns_are_named_by_the_user(tmp_path):
    """The others stay known by their names; a column that is not there is an error that lists those that are."""
    row = {"Foto": "a.jpg", "what": "cat", "label": "no", "q": {"p": 0.5}, "l": 10, "t": 20, "r": 40, "b": 60}
    path = a_table(tmp_path / "x.parquet", row)
    columns = "image=Foto,label=what,score=q.p,x_min=l,y_min=t,x_max=r,y_max=b"
    assert read("parquet", path, columns=columns)[0] == EXPECTED
    sized = columns.replace("x_max=r", "w=r").replace("y_max=b", "h=b")
    assert read("parquet", path, columns=sized)[0][0][2:6] == (10, 20, 50, 80)
    with pytest.raises(UsageError, match=r"no column 'nix' for image; it has Foto, what, label, q\.p, l"):
        read("parquet", path, columns="image=nix")
    with pytest.raises(UsageError, match="x_min, w are no box; expected x_min, y_min, x_max, y_max, or"):
        read("parquet", path, columns="image=Foto,x_min=l,w=t")
    for text in ("image", "what=x", "image="):
        with pytest.raises(UsageError, match="expected WHAT=COLUMN"):
            read("parquet", path, columns=text)


def test_rows_of_an_image_may_stand_anywhere_in_many_files(tmp_path):
    """As parallel jobs write them; each box knows its file and row."""
    first = [{**CAT, **CORNERS}, {**CAT, **CORNERS, "image": "b.jpg"}, {**CAT, **CORNERS, "label": "dog"}]
    a_table(tmp_path / "part-0.snappy.parquet", *first)
    a_table(tmp_path / "part-1.snappy.parquet", {**CAT, **CORNERS, "label": "cow"})
    (tmp_path / "_SUCCESS").touch()
    (chunk,) = read_source(tmp_path).chunks(Tally())
    assert [image.key for image in chunk.images] == ["a.jpg", "b.jpg"]
    assert [chunk.labels[code] for code in chunk.label] == ["cat", "dog", "cow", "cat"]
    assert [name.rpartition("/")[2][:6] for name in chunk.source] == ["part-0", "part-0", "part-1", "part-0"]
    assert chunk.row.tolist() == [0, 2, 0, 1]


def test_values_in_folders_names_are_columns(tmp_path):
    """As Spark and Polars write them, partitioned."""
    row = {"image": "a.jpg", **CORNERS}
    a_table(tmp_path / "label=cat" / "part-0.parquet", row)
    a_table(tmp_path / "label=big%20dog" / "part-0.parquet", row)
    assert sorted(row[1] for row in read("parquet", tmp_path)[0]) == ["big dog", "cat"]


SECOND = {"x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4}
TWO = {"label": ["cat", "dog"], "score": [0.5, None]}


@pytest.mark.parametrize(
    "row",
    [
        {
            "file_name": "a.jpg",
            "xyxy": [[10, 20, 40, 60], [1, 2, 3, 4]],
            "labels": TWO["label"],
            "scores": TWO["score"],
        },
        {"file_name": "a.jpg", "objects": [{**CORNERS, "label": "cat", "score": 0.5}, {**SECOND, "label": "dog"}]},
        {"image": {"path": "a.jpg"}, "objects": {"bbox_xywh": [[10, 20, 30, 40], [1, 2, 2, 2]], **TWO}},
        {"file_name": "a.jpg", **{side: [CORNERS[side], SECOND[side]] for side in CORNERS}, **TWO},
    ],
)
def test_a_row_may_be_an_image_with_lists(tmp_path, row):
    """Of boxes, or of structs; an image without boxes has empty ones, or none."""
    schema = pa.Table.from_pylist([row]).schema
    empty = {name: [] if pa.types.is_list(schema.field(name).type) else None for name in row}
    name = "image" if "image" in row else "file_name"
    empty[name] = {"path": "b.jpg"} if name == "image" else "b.jpg"
    rows, tally = read("parquet", a_table(tmp_path / "x.parquet", row, empty, schema=schema))
    assert rows == [*EXPECTED, ("a.jpg", "dog", 1, 2, 3, 4, None)]
    assert tally.images == 2


def test_lists_of_different_lengths_fail_with_their_image(tmp_path):
    """Both lengths are named; the others go on."""
    good = {"file_name": "a.jpg", "xyxy": [[10, 20, 40, 60]], "labels": ["cat"], "scores": [0.5]}
    bad = {"file_name": "b.jpg", "xyxy": [[1, 2, 3, 4]] * 3, "labels": ["cat"], "scores": [0.5] * 3}
    rows, tally = read("parquet", a_table(tmp_path / "x.parquet", bad, good))
    assert rows == EXPECTED
    assert (tally.failed, tally.dropped) == ({"unequal-lists": 1}, {"unequal-lists": 3})
    assert tally.examples["unequal-lists"][0].item == 0
    assert "3" in tally.examples["unequal-lists"][0].message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"image": None}, "no-image"),
        ({"label": None}, "bad-box"),
        ({"label": " "}, "bad-box"),
        ({"x_max": None}, "bad-box"),
        ({"x_max": math.inf}, "bad-box"),
        ({"x_max": 1e300}, "bad-box"),
        ({"frame": -1}, "bad-box"),
        ({"track_id": 1e300}, "bad-box"),
    ],
)
def test_a_row_that_is_no_box_costs_itself_alone(tmp_path, change, code):
    """With its row."""
    rows = [{**CAT, **CORNERS, "frame": None, "track_id": None, **change}, {**CAT, **CORNERS}]
    found, tally = read("parquet", a_table(tmp_path / "x.parquet", *rows))
    assert [row[2:] for row in found] == [EXPECTED[0][2:]]
    assert tally.dropped == {code: 1}
    assert tally.examples[code][0].item == 0


def test_class_ids_are_named_and_image_ids_looked_up(tmp_path):
    """By --names and --categories; a class without a name is counted once, with its boxes."""
    rows = [{"image_id": 7, "class_id": number, "bbox": [10, 20, 30, 40]} for number in (1, 5, 5)]
    catalog = Catalog(names={}, images={7: Image("a.jpg", 100, 80)})
    path = a_table(tmp_path / "x.parquet", *rows)
    found, tally = read("parquet", path, names={1: "cat"}, catalog=catalog, parquet_box="xywh")
    assert [row[:6] for row in found] == [EXPECTED[0][:6]]
    assert tally.dropped == {"unknown-label": 2}
    assert tally.examples["unknown-label"][0].item == 1


@pytest.mark.parametrize(
    "name", ["s3://bucket/data/sub/a.jpg", "/data/sub/a.jpg", "sub/a.jpg", "sub/a", "file:///x/sub/a.jpg"]
)
def test_the_image_is_found_by_its_name(tmp_path, name):
    """A URL's, a path's, or one without a suffix."""
    images = images_of(tmp_path / "images", "sub/a.jpg", "other/b.jpg")
    rows, _ = read("parquet", a_table(tmp_path / "x.parquet", {**CAT, **CORNERS, "image": name}), folder=images)
    assert [row[0] for row in rows] == ["sub/a.jpg"]


def test_a_stated_size_that_is_not_the_images_is_an_error_of_its_rows(tmp_path):
    """Its boxes cannot be trusted; shares without a size are dropped."""
    row = {**CAT, **CORNERS, "width": 50, "height": 40}
    path = a_table(tmp_path / "x.parquet", row, row)
    _, tally = read("parquet", path, folder=images_of(tmp_path / "images", "a.jpg"))
    assert tally.dropped == {"size-mismatch": 2}
    a_table(path, {**CAT, "bbox": [0.1, 0.2, 0.3, 0.4]})
    assert read("parquet", path, parquet_box="xyxyn")[1].dropped == {"no-size": 1}


def test_frames_and_tracks_make_a_video(tmp_path):
    """Frames as they stand, from 0."""
    rows = [
        {**CAT, **CORNERS, "image": "clip.mp4", "frame": frame, "track_id": track}
        for frame, track in ((3, 7), (5, None))
    ]
    (chunk,) = read_source(a_table(tmp_path / "x.parquet", *rows)).chunks(Tally())
    assert chunk.images[0].video
    assert (chunk.frame.tolist(), chunk.track.tolist()) == ([3, 5], [7, -1])


FLAT = [10.0, 20.0, 40.0, 20.0, 25.0, 60.0]


@pytest.mark.parametrize("polygon", [FLAT, [[10.0, 20.0], [40.0, 20.0], [25.0, 60.0]], [FLAT]])
def test_outlines_and_further_columns_are_read_where_they_are_asked_for(tmp_path, polygon):
    """In any of three forms; one that cannot be read is noted."""
    rows = [
        {**CAT, **CORNERS, "segmentation": polygon, "pose": "left"},
        {**CAT, **CORNERS, "segmentation": polygon[:1] if not isinstance(polygon[0], float) else [1.0]},
    ]
    path = a_table(tmp_path / "x.parquet", *rows)
    (chunk,) = read_source(path, polygons=True, attributes=["pose"]).chunks(tally := Tally())
    assert chunk.polygons[0][0].tolist() == [[10, 20], [40, 20], [25, 60]]
    assert chunk.attributes.tolist() == [{"pose": "left"}, None]
    assert tally.noted.get("no-outline", 0) == (0 if len(polygon) == 1 else 1)


def test_a_file_that_is_cut_short_fails_alone(tmp_path):
    """As in a folder of many."""
    a_table(tmp_path / "a.parquet", {**CAT, **CORNERS})
    data = (tmp_path / "a.parquet").read_bytes()
    write_text(tmp_path / "b.parquet", data[: len(data) // 2])
    rows, tally = read("parquet", tmp_path)
    assert (rows, tally.failed) == (EXPECTED, {"unreadable": 1})


def test_memory_stays_small_for_many_rows(tmp_path):
    """Boxes wait on disk, whatever their order."""
    import tracemalloc

    n = 400_000
    dice = np.random.default_rng(1)
    image = pa.DictionaryArray.from_arrays(dice.integers(0, 500, n).astype(np.int32), [f"{i}.jpg" for i in range(500)])
    columns = {name: dice.uniform(0, 100, n) for name in CORNERS}
    path = a_table(tmp_path / "x.parquet", image=image, label=pa.array(["cat", "dog"] * (n // 2)), **columns)
    tracemalloc.start()
    tally = Tally()
    assert sum(len(chunk) for chunk in read_source(path).chunks(tally)) == n
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 << 20


@settings(deadline=None, max_examples=60)
@given(chunk=detections())
@pytest.mark.parametrize("rows", ["boxes", "images"])
def test_what_is_written_is_read_the_same(tmp_path_factory, rows, chunk):
    """To the last bit, images without boxes too, in either form, without any option."""
    path = tmp_path_factory.mktemp("parquet") / "x.parquet"
    FORMATS["parquet"].write([chunk], path, a_context("parquet", parquet_rows=rows))
    found, tally = read("parquet", path, parquet_box="xyxy")
    assert_same(found, rows_of([chunk]), tolerance=0)
    assert tally.images == len(chunk.images)


@pytest.mark.parametrize("rows", ["boxes", "images"])
def test_outlines_attributes_frames_and_tracks_come_back(tmp_path, rows):
    """Of videos and of images, in one table."""
    rings = (np.array([[0, 0], [4, 0], [4, 4.5]]), np.array([[6, 6], [9, 6], [9, 9.0]]))
    chunk = Detections.from_counts(
        [Image("a.mp4", 9, 9, video=True), Image("b.jpg", 9, 9)], [2, 1], [[0, 0, 9, 9], [1, 1, 2, 2], [1, 2, 3, 4]],
        [0, 0, 0], ["car"], frame=[3, 5, 0], track=[7, -1, -1], polygons=objects([rings, None, None]),
        attributes=objects([{"pose": "left", "n": 3, "tags": ["a"]}, None, None]),
    )  # fmt: skip
    FORMATS["parquet"].write([chunk], tmp_path / "x.parquet", a_context("parquet", parquet_rows=rows))
    predictions = read_source(tmp_path / "x.parquet", polygons=True, attributes=["pose", "n", "tags"])
    (back,) = predictions.unrefined(Tally())
    assert all(np.array_equal(a, b) for a, b in zip(back.polygons[0], rings, strict=True))
    assert back.attributes.tolist() == chunk.attributes.tolist()
    assert (back.frame.tolist(), back.track.tolist()) == ([3, 5, 0], [7, -1, -1])
    assert [image.video for image in back.images] == [True, False]


def test_the_command_line_converts_there_and_back(tmp_path, capfdbinary):
    """To a file and to standard output; `--columns` is YOLO's too."""
    path = a_table(tmp_path / "x.parquet", {"image": "a.jpg", "what": "cat", **CORNERS, "width": 100, "height": 80})
    argv = ["convert", str(path), "--columns", "label=what", "--to", "parquet"]
    assert run([*argv, "-o", str(tmp_path / "y.parquet")]) == 0
    assert read("parquet", tmp_path / "y.parquet")[0] == [(*EXPECTED[0][:6], None)]
    capfdbinary.readouterr()
    assert run(argv) == 0
    assert capfdbinary.readouterr().out.startswith(b"PAR1")
    (tmp_path / "a.txt").write_text("0 0.9 0.5 0.5 0.2 0.2\n")
    assert (
        run(["convert", str(tmp_path / "a.txt"), "--columns", "cls,conf,x,y,w,h", "--names", "cat", "--size", "9x9"])
        == 0
    )


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch):
    """The base install is without it; other formats do not need it."""
    path = a_table(tmp_path / "x.parquet", {**CAT, **CORNERS})
    real = builtins.__import__

    def refuse(name, *arguments, **named):
        if name.partition(".")[0] == "pyarrow":
            raise ImportError(f"No module named {name!r}")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError, match=r"pip install '\.\[parquet\]'"):
        read("parquet", path)
    assert read_source(path).format.name == "parquet"


FIXTURES = Path(__file__).parents[2] / "fixtures"
NAMED = "image=picture,label=what,score=p"
QUERIES = {
    "pandas.parquet": ["--columns", f"{NAMED},x_min=a,y_min=b,x_max=c,y_max=d"],
    "ray": ["--columns", f"{NAMED},x_min=a,y_min=b,x_max=c,y_max=d"],
    "polars.parquet": ["--columns", f"{NAMED},box=boxes", "--parquet-box", "xyxy"],
    "duckdb.parquet": ["--columns", NAMED],
}


@pytest.mark.parametrize("name", QUERIES)
def test_what_left_a_query_or_a_job_as_parquet_is_read_by_its_own_column_names(tmp_path, name):
    """The same packets as of the results in COCO, box by box, whichever tool wrote the table."""
    images = ["--images", str(FIXTURES / "images")]
    coco = ["--categories", str(FIXTURES / "coco" / "instances.json")]
    found = []
    for source, options in ((FIXTURES / "parquet" / name, QUERIES[name]), (FIXTURES / "coco" / "results.json", coco)):
        target = tmp_path / f"{source.stem}.ndjson"
        assert run(["convert", str(source), *options, *images, "-o", str(target)]) == 0
        packets = [json.loads(line) for line in target.read_text().splitlines()]
        found.append({p["original_filename"]: sorted(map(box_of, p.get("instance_list", []))) for p in packets})
    assert found[0] == found[1]
    assert sum(map(len, found[0].values())) == 30


def box_of(instance):
    return tuple(instance[key] for key in ("name", "score", "x_min", "y_min", "x_max", "y_max"))
