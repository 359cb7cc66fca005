"""The formats that came later, against other tools that have them: equal boxes and labels, in both directions.

Each is skipped where its tool is not installed; `make interop` makes an environment that has them all.
"""

import csv
import json

import pytest

from boxferry import read
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.tally import Tally
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context
from formats.samples import CVAT_VIDEO
from interop.peers import checked, peer
from interop.test_interop import (
    BOXES,
    LABELS,
    SIZE,
    a_supervision_dataset,
    expected,
    found,
    near,
    of_globox,
    of_supervision,
    written,
)
from interop.test_interop import images as images  # noqa: PLC0414 # the fixture

pytestmark = pytest.mark.filterwarnings("ignore")  # the other tools' own
BOTH = ("reads", "writes")


@checked("supervision", "labelme", how=BOTH)
def test_supervision_and_labelme(tmp_path, images):
    """Rectangles; it reads polygons as their bounds."""
    sv = peer("supervision")
    a_supervision_dataset(sv, images).as_labelme(annotations_directory_path=str(tmp_path / "theirs"))
    near(found(tmp_path / "theirs", images=images), expected())
    ours = written("labelme", tmp_path, images)
    theirs = sv.DetectionDataset.from_labelme(images_directory_path=str(images), annotations_directory_path=str(ours))
    near(of_supervision(theirs), expected())


@checked("supervision", "createml")
def test_supervision_and_createml(tmp_path, images):
    """Centres and sizes."""
    sv = peer("supervision")
    a_supervision_dataset(sv, images).as_createml(annotations_path=str(tmp_path / "theirs.json"))
    near(found(tmp_path / "theirs.json", images=images), expected())


def a_globox_set(globox):
    """The boxes, with a score for each."""
    annotations = globox.AnnotationSet()
    for name, boxes in BOXES.items():
        found = [
            globox.BoundingBox(label=label, xmin=x1, ymin=y1, xmax=x2, ymax=y2, confidence=0.5)
            for x1, y1, x2, y2, label in boxes
        ]
        annotations.add(globox.Annotation(image_id=name, image_size=SIZE, boxes=found))
    return annotations


@checked("globox", "labelme", "cvat", how=BOTH)
def test_globox_and_labelme_and_cvat(tmp_path, images):
    """There and back."""
    globox = peer("globox")
    theirs = a_globox_set(globox)
    theirs.save_labelme(tmp_path / "theirs")
    near(found(tmp_path / "theirs", images=images), expected())
    theirs.save_cvat(tmp_path / "theirs.xml")
    near(found(tmp_path / "theirs.xml", images=images), expected())
    near(of_globox(globox.AnnotationSet.from_labelme(written("labelme", tmp_path, images))), expected())
    ours = written("cvat", tmp_path, images).rename(tmp_path / "ours.xml")
    near(of_globox(globox.AnnotationSet.from_cvat(ours)), expected())


@checked("globox", "openimages")
def test_globox_and_openimages(tmp_path, images):
    """With scores, and whole names as ids."""
    globox = peer("globox")
    a_globox_set(globox).save_openimage(tmp_path / "theirs.csv")
    near(found(tmp_path / "theirs.csv", images=images), expected())
    (chunk,) = read(tmp_path / "theirs.csv", images=images).chunks(Tally())
    assert set(chunk.score.tolist()) == {0.5}


def a_datumaro_set(dm, images):
    items = [
        dm.DatasetItem(
            id=name.removesuffix(".jpg"),
            media=dm.Image.from_file(path=str(images / name)),
            annotations=[
                dm.Bbox(x1, y1, x2 - x1, y2 - y1, label=LABELS.index(label), id=number, attributes={"occluded": False})
                for number, (x1, y1, x2, y2, label) in enumerate(boxes)
            ],
        )
        for name, boxes in BOXES.items()
    ]
    return dm.Dataset.from_iterable(items, categories=LABELS)


def of_datumaro(dataset):
    """(image, label, corners) of a dataset of Datumaro's, outlines as their bounds."""
    names = [label.name for label in dataset.categories()[next(iter(dataset.categories()))].items]
    rows = []
    for item in dataset:
        for each in item.annotations:
            if each.type.name in {"bbox", "polygon"}:
                x, y, width, height = each.get_bbox()
                corners = (round(value, 2) for value in (x, y, x + width, y + height))
                rows.append((f"{item.id.rpartition('/')[2]}.jpg", names[each.label], *corners))
    return sorted(rows)


@checked("Datumaro", "cvat", how=BOTH)
def test_datumaro_and_cvat(tmp_path, images):
    """There and back."""
    dm = peer("datumaro")
    a_datumaro_set(dm, images).export(str(tmp_path / "theirs"), "cvat", save_media=False)
    (xml,) = (tmp_path / "theirs").rglob("*.xml")
    near(found(xml, images=images), expected())
    ours = tmp_path / "ours" / "annotations.xml"
    ours.parent.mkdir()
    (ours.parent / "images").symlink_to(images)
    written("cvat", tmp_path, images).rename(ours)
    near(of_datumaro(dm.Dataset.import_from(str(ours), "cvat")), expected())


@checked("Datumaro", "openimages")
def test_datumaro_and_openimages(tmp_path, images):
    """Its labels stand in a table of class descriptions."""
    dm = peer("datumaro")
    a_datumaro_set(dm, images).export(str(tmp_path / "theirs"), "open_images", save_media=False)
    (table,) = (tmp_path / "theirs").rglob("*-annotations-bbox.csv")
    (names,) = (tmp_path / "theirs").rglob("*class-descriptions*.csv")
    options = {"openimages-classes": str(names)}
    near(found(table, images=images, options=options), expected(), tolerance=0.1)


@checked("Datumaro", "kitti")
def test_datumaro_and_kitti(tmp_path, images):
    """Two decimals."""
    dm = peer("datumaro")
    a_datumaro_set(dm, images).export(str(tmp_path / "theirs"), "kitti_detection", save_media=False)
    (folder,) = {path.parent for path in (tmp_path / "theirs").rglob("a.txt")}
    near(found(folder, images=images), expected())


@checked("Datumaro", "dota")
def test_datumaro_and_dota(tmp_path, images):
    """Oriented boxes: the bounds of a turned one are those of its corners."""
    dm = peer("datumaro")
    from datumaro.components.annotation import RotatedBbox

    item = dm.DatasetItem(
        id="a",
        media=dm.Image.from_file(path=str(images / "a.jpg")),
        annotations=[RotatedBbox(50, 40, 20, 10, 0, label=0), RotatedBbox(50, 40, 20, 10, 90, label=1)],
    )
    dm.Dataset.from_iterable([item], categories=LABELS, media_type=dm.Image).export(str(tmp_path / "theirs"), "dota")
    (folder,) = {path.parent for path in (tmp_path / "theirs").rglob("a.txt")}
    near(found(folder, images=images), [("a.jpg", "cat", 40, 35, 60, 45), ("a.jpg", "dog", 45, 30, 55, 50)])


@checked("Datumaro", "mot")
def test_datumaro_and_mot(tmp_path, images):
    """Frames of a sequence, classes from 1; it takes pixels as they stand, where the format counts them from 1."""
    dm = peer("datumaro")
    items = [
        dm.DatasetItem(
            id=f"{frame:06d}",
            media=dm.Image.from_file(path=str(images / "a.jpg")),
            annotations=[dm.Bbox(10, 20, 30, 40, label=number, attributes={"track_id": 7})],
        )
        for number, frame in enumerate((1, 2))
    ]
    dm.Dataset.from_iterable(items, categories=LABELS).export(str(tmp_path / "theirs"), "mot_seq_gt")
    (text,) = (tmp_path / "theirs").rglob("gt.txt")
    (chunk,) = read(text, names=LABELS, size=SIZE).chunks(Tally())
    assert [chunk.labels[code] for code in chunk.label] == LABELS
    assert chunk.frame.tolist() == [0, 1]
    assert chunk.xyxy.tolist() == [[9, 19, 39, 59]] * 2


@checked("labelformat", "cvat", how=BOTH)
def test_labelformat_and_cvat(tmp_path, images):
    """There and back, boxes only."""
    peer("labelformat")
    from labelformat.formats.cvat import CVATObjectDetectionInput, CVATObjectDetectionOutput

    ours = written("cvat", tmp_path, images).rename(tmp_path / "ours.xml")
    theirs = CVATObjectDetectionInput(input_file=ours)
    near(of_labelformat(theirs), expected())
    CVATObjectDetectionOutput(output_folder=tmp_path / "theirs").save(label_input=theirs)
    near(found(tmp_path / "theirs", images=images), expected())


@checked("labelformat", "kitti")
def test_labelformat_and_kitti(tmp_path, images):
    """What it writes is read."""
    peer("labelformat")
    from labelformat.formats.cvat import CVATObjectDetectionInput
    from labelformat.formats.kitti import KittiObjectDetectionOutput

    source = CVATObjectDetectionInput(input_file=written("cvat", tmp_path, images))
    KittiObjectDetectionOutput(output_folder=tmp_path / "theirs").save(label_input=source)
    near(found(tmp_path / "theirs", images=images), expected())


def of_labelformat(source):
    """(image, label, corners) of an input of labelformat's."""
    return sorted(
        (label.image.filename, each.category.name, each.box.xmin, each.box.ymin, each.box.xmax, each.box.ymax)
        for label in source.get_labels()
        for each in label.objects
    )


CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="label" toName="image"><Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""


@checked("Label Studio SDK", "labelstudio", how=("writes",))
def test_label_studios_own_converter_reads_what_is_written(tmp_path, images):
    """To COCO, from annotations as Label Studio exports them."""
    converter = peer("label_studio_sdk.converter")
    coco = written("coco", tmp_path, images)
    ours = tmp_path / "ours.json"
    options = {"labelstudio-write": "annotations", "labelstudio-prefix": ""}
    read(coco, images=images).write_as(FORMATS["labelstudio"], ours, Tally(), options)
    tasks = json.loads(ours.read_text())
    for number, task in enumerate(tasks):
        task["id"] = number
        task["annotations"][0] |= {"id": number, "completed_by": 1, "created_at": "2026-01-01", "was_cancelled": False}
    ours.write_text(json.dumps(tasks))
    made = converter.Converter(config=CONFIG, project_dir=None, download_resources=False)
    made.convert_to_coco(str(ours), str(tmp_path / "theirs"), output_image_dir=str(images), is_dir=False)
    theirs = json.loads((tmp_path / "theirs" / "result.json").read_text())
    for image in theirs["images"]:
        image["file_name"] = image["file_name"].rpartition("__")[2]  # it puts a hash before a name
    (tmp_path / "theirs.json").write_text(json.dumps(theirs))
    near(found(tmp_path / "theirs.json", images=images), expected())


@checked("Label Studio SDK", "labelstudio", how=("writes",))
def test_label_studios_sdk_takes_predictions_with_tracks_and_attributes(tmp_path):
    """They need no control in the labelling interface: one that it lacks would be refused."""
    interface = peer("label_studio_sdk.label_interface").LabelInterface(CONFIG)
    chunk = Detections.from_counts(
        [Image("a.jpg", 100, 80)], [1], [[10, 20, 40, 60]], [0], ["cat"], score=[0.5], track=[7],
        attributes=objects([{"pose": "left", "wet": True, "text": "a remark"}]),
    )  # fmt: skip
    FORMATS["labelstudio"].write([chunk], tmp_path / "x.json", a_context("labelstudio"))
    ((prediction,),) = [task["predictions"] for task in json.loads((tmp_path / "x.json").read_text())]
    assert prediction["result"][0]["meta"] == {"pose": "left", "wet": True, "text": ["a remark"], "track_id": 7}
    assert interface.validate_prediction(prediction, return_errors=True) == []


def parquet_rows():
    """A row for each box, with names that a program of one's own might give."""
    return [
        {"picture": name, "what": label, "p": 0.5, "a": x1, "b": y1, "c": x2, "d": y2}
        for name, boxes in BOXES.items()
        for x1, y1, x2, y2, label in boxes
    ]


NAMED = {"columns": "image=picture,label=what,score=p,x_min=a,y_min=b,x_max=c,y_max=d"}


@checked("pandas", "parquet", how=BOTH)
def test_pandas_and_parquet(tmp_path, images):
    """A table with names of its own, label as categories; and what is written it reads."""
    pd = peer("pandas")
    frame = pd.DataFrame(parquet_rows()).sample(frac=1, random_state=3).astype({"what": "category"})
    frame.to_parquet(tmp_path / "theirs.parquet")
    near(found(tmp_path / "theirs.parquet", images=images, options=NAMED), expected())
    ours = pd.read_parquet(written("parquet", tmp_path, images))
    columns = ["image", "label", "x_min", "y_min", "x_max", "y_max"]
    near(sorted(ours[columns].itertuples(index=False, name=None)), expected())


@checked("Polars", "parquet", how=BOTH)
def test_polars_and_parquet(tmp_path, images):
    """A query: joined, filtered, grouped into a row for each image, and partitioned into folders."""
    pl = peer("polars")
    frame = pl.DataFrame(parquet_rows()).with_columns(split=pl.lit("train"))
    junk = frame.with_columns(p=pl.lit(0.01), a=pl.col("a") + 1)
    query = pl.concat([frame, junk]).lazy().filter(pl.col("p") > 0.1)
    query.collect().write_parquet(tmp_path / "theirs.parquet")
    near(found(tmp_path / "theirs.parquet", images=images, options=NAMED), expected())
    box = pl.concat_list("a", "b", "c", "d").list.to_array(4)
    grouped = query.group_by("picture").agg(boxes=box, labels="what", scores="p")
    grouped.collect().write_parquet(tmp_path / "images.parquet")
    options = {"columns": "image=picture,box=boxes", "parquet-box": "xyxy"}
    near(found(tmp_path / "images.parquet", images=images, options=options), expected())
    query.collect().write_parquet(tmp_path / "parts", partition_by=["split", "what"])
    near(found(tmp_path / "parts", images=images, options=NAMED), expected())
    ours = pl.read_parquet(written("parquet", tmp_path, images)).select(
        "image", "label", "x_min", "y_min", "x_max", "y_max"
    )
    near(sorted(ours.rows()), expected())


@checked("DuckDB", "parquet", how=BOTH)
def test_duckdb_and_parquet(tmp_path, images):
    """A query over a CSV file, into rows, into lists of structs, and into a folder of parts."""
    duckdb = peer("duckdb")
    rows = parquet_rows()
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    source = f"read_csv('{tmp_path}/rows.csv')"
    duckdb.sql(f"COPY (SELECT * FROM {source} WHERE p > 0.1) TO '{tmp_path}/rows.parquet' (FORMAT parquet)")
    near(found(tmp_path / "rows.parquet", images=images, options=NAMED), expected())
    struct = "{'label': what, 'score': p, 'xmin': a, 'ymin': b, 'xmax': c, 'ymax': d}"
    query = f"SELECT picture AS file_name, list({struct}) AS detections FROM {source} GROUP BY picture"
    duckdb.sql(f"COPY ({query}) TO '{tmp_path}/images.parquet' (FORMAT parquet)")
    near(found(tmp_path / "images.parquet", images=images), expected())
    duckdb.sql(f"COPY (FROM {source}) TO '{tmp_path}/parts' (FORMAT parquet, PARTITION_BY (what), OVERWRITE)")
    near(found(tmp_path / "parts", images=images, options=NAMED), expected())
    ours = written("parquet", tmp_path, images).rename(tmp_path / "ours.parquet")
    query = f"SELECT image, label, x_min, y_min, x_max, y_max FROM '{ours}'"
    near(sorted(duckdb.sql(query).fetchall()), expected())


@checked("Ray Data", "parquet")
def test_ray_and_parquet(tmp_path, images):
    """A job over blocks, each of which writes a file."""
    ray = peer("ray")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        data = ray.data.from_items(parquet_rows()).repartition(3).map_batches(lambda batch: batch)
        data.write_parquet(str(tmp_path / "theirs"))
    finally:
        ray.shutdown()
    assert len(list((tmp_path / "theirs").glob("*.parquet"))) > 1
    near(found(tmp_path / "theirs", images=images, options=NAMED), expected())


def test_tracks_of_cvat_are_read_as_datumaro_reads_them(tmp_path):
    """Frame by frame; it keeps the track as an attribute."""
    dm = peer("datumaro")
    path = tmp_path / "annotations.xml"
    path.write_bytes(CVAT_VIDEO)
    theirs = dm.Dataset.import_from(str(path), "cvat")
    rows = sorted(
        (int(item.attributes.get("frame", item.id.rpartition("_")[2])), *map(float, each.points))
        for item in theirs
        for each in item.annotations
    )
    (chunk,) = FORMATS["cvat"].read(source_of(path), _context())
    ours = [(frame, *corners) for frame, corners in zip(chunk.frame.tolist(), chunk.xyxy.tolist(), strict=True)]
    assert ours == rows[: len(ours)]


def _context():
    from formats.reading import a_context

    return a_context("cvat")
