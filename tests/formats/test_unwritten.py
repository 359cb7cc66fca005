"""What a box has is written and read back, or the loss is counted in a note: for every format that is written."""

import dataclasses

import numpy as np
import pytest

from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.tally import Tally
from boxferry.boxes.unwritten import noting_unwritten
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context, catalog_of

RING, OTHER = np.array([[10, 20], [40, 20], [25, 60.0]]), np.array([[12, 22], [14, 22], [14, 30.0]])
#: what a box has besides its corners and its label: (the column, its value, its value where a box has none)
THINGS = {
    "score": ("score", 0.25, 0.5),
    "score of 0": ("score", 0.0, 0.5),
    "track": ("track", 7, -1),
    "track 0": ("track", 0, -1),
    "outline": ("polygons", (RING,), None),
    "outline of two rings": ("polygons", (RING, OTHER), None),
    "text": ("attributes", {"pose": "Left & <right>"}, None),
    "number": ("attributes", {"weight": 3}, None),
    "flag": ("attributes", {"wet": True}, None),
    "texts": ("attributes", {"colours": ["red", "blue"]}, None),
    "difficult": ("attributes", {"difficult": True}, None),
    "truncated": ("attributes", {"truncated": True}, None),
    "occluded": ("attributes", {"occluded": True}, None),
    "occluded not": ("attributes", {"occluded": False}, None),
    "several": ("attributes", {"occluded": True, "pose": "left", "meta": "a remark", "text": "word"}, None),
}
NOTES = {"track": "no-track", "polygons": "no-outline", "attributes": "no-attributes"}
ASKED = tuple(name for column, value, _ in THINGS.values() if column == "attributes" for name in value)
#: the forms of still images that are written: format, options of writing, options of reading
FORMS = {
    "coco": ("coco", {}, {"bbox-format": "xywh"}),
    "coco results": ("coco", {"coco-form": "results"}, {"bbox-format": "xywh"}),
    "labelstudio annotations": ("labelstudio", {"labelstudio-write": "annotations"}, {}),
    "parquet images": ("parquet", {"parquet-rows": "images"}, {}),
    "voc from 0": ("voc", {"voc-origin": "0"}, {"voc-origin": "0"}),
    **{name: (name, {}, {}) for name, fmt in FORMATS.items() if fmt.write and name not in {"coco", "mot"}},
}
TEXTS = {"cvat"}  #: formats whose attributes are texts, but the flag `occluded`, which every shape has


def a_chunk(**columns):
    """Two boxes of one image, and an image without."""
    images = [Image("a.jpg", 100, 80), Image("b.jpg", 100, 80)]
    corners = [[10, 20, 40, 60], [10, 20, 41, 60]]
    columns = {"score": [0.5, 0.5], **columns}
    return Detections.from_counts(images, [2, 0], corners, [0, 0], ["cat"], **columns)


def with_thing(column, value, missing):
    values = [value, missing]
    return a_chunk(**{column: objects(values) if column in {"polygons", "attributes"} else values})


def round_trip(folder, form, chunk):
    """The boxes as they are read again, and the tally of the writing."""
    fmt, writing, reading = FORMS[form]
    tally, catalog = Tally(), catalog_of(chunk)
    target = folder / SUFFIXES.get(fmt, "written")
    given = {name.replace("-", "_"): value for name, value in writing.items()}
    FORMATS[fmt].write([chunk], target, a_context(fmt, tally=tally, catalog=catalog, **given))
    given = {name.replace("-", "_"): value for name, value in reading.items()}
    context = a_context(fmt, names={0: "cat", 1: "cat"}, catalog=catalog, size=(100, 80), **given)
    asked = ASKED if fmt != "voc" else tuple(name for name in ASKED if name in VOC)
    context = dataclasses.replace(context, polygons=True, attributes=asked)
    chunks = list(FORMATS[fmt].read(source_of(target), context))
    assert sum(map(len, chunks)) == 2
    return next(each for each in chunks if len(each)), tally


SUFFIXES = {"coco": "x.json", "labelstudio": "x.json", "cvat": "x.xml", "parquet": "x.parquet", "boxferry": "x.ndjson"}
VOC = {"difficult", "truncated", "occluded", "pose"}


TRUE = {True: "true"}


def as_read(fmt, value):
    """Attributes as a format that has only texts gives them."""
    if fmt not in TEXTS or not isinstance(value, dict):
        return value
    return {
        name: each if name == "occluded" else ", ".join(each) if isinstance(each, list) else TRUE.get(each, str(each))
        for name, each in value.items()
    }


def same(found, wanted):
    if isinstance(wanted, dict) and found:
        found = {name: value for name, value in found.items() if name in wanted}
    if isinstance(wanted, tuple):
        return found is not None and len(found) == len(wanted) and all(map(np.allclose, found, wanted))
    return found == wanted


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("form", FORMS)
def test_what_a_box_has_comes_back_or_the_loss_is_noted(tmp_path, form, thing):
    """Never neither, and never a note on what comes back."""
    column, value, missing = THINGS[thing]
    back, tally = round_trip(tmp_path, form, with_thing(column, value, missing))
    found = getattr(back, column)
    found = missing if found is None else found[0]
    fmt = FORMS[form][0]
    noted = {issue.code: issue.boxes for issues in tally.examples.values() for issue in issues if issue.boxes}
    if same(found, as_read(fmt, value)):
        assert noted == {}
    else:
        assert noted == {NOTES[column]: 1}


@pytest.mark.parametrize("thing", [*THINGS, "visibility"])
@pytest.mark.parametrize("fmt", [name for name, fmt in FORMATS.items() if fmt.write and fmt.writes_videos])
def test_what_a_box_of_a_video_has_comes_back_or_the_loss_is_noted(tmp_path, fmt, thing):
    """As of a still image; with its frame."""
    column, value, missing = {**THINGS, "visibility": ("attributes", {"visibility": 0.5}, None)}[thing]
    chunk = with_thing(column, value, missing)
    video = Image("clip.mp4", 100, 80, video=True, frames=9)
    chunk = chunk.replace(images=(video,), offsets=np.array([0, 2]), frame=np.array([2, 3]))
    if column != "score":  # as people's boxes are: MOT has other rows for those of a model
        chunk = chunk.replace(score=np.full(2, np.nan))
    target = tmp_path / SUFFIXES.get(fmt, "written")
    FORMATS[fmt].write([chunk], target, a_context(fmt, tally=(tally := Tally())))
    context = a_context(fmt, names={1: "cat"}, size=(100, 80))
    context = dataclasses.replace(context, polygons=True, attributes=(*ASKED, "visibility"))
    (back,) = FORMATS[fmt].read(source_of(target), context)
    assert back.frame.tolist() == [2, 3]
    found = getattr(back, column)
    found = missing if found is None else found[0]
    noted = {issue.code: issue.boxes for issues in tally.examples.values() for issue in issues if issue.boxes}
    assert noted == ({} if same(found, value) else {NOTES[column]: 1})


@pytest.mark.parametrize("form", FORMS)
def test_the_box_beside_it_is_given_nothing(tmp_path, form):
    """A box without a track, an outline or attributes stays so; beside an outline in YOLO it is one of four corners."""
    chunk = a_chunk(track=[7, -1], polygons=objects([(RING,), None]), attributes=objects([{"pose": "left"}, None]))
    back, _ = round_trip(tmp_path, form, chunk)
    assert back.track is None or back.track[1] == -1
    if form == "yolo":
        assert back.polygons[1][0].tolist() == [[10, 20], [41, 20], [41, 60], [10, 60]]
    else:
        assert back.polygons is None or not back.polygons[1]
    assert back.attributes is None or not (back.attributes[1] or {}).get("pose")
    assert np.allclose(back.xyxy[1], chunk.xyxy[1])


def test_a_note_counts_the_boxes_of_all_chunks_and_names_the_attributes():
    """One note for all; what is written is not counted."""
    some = dict.fromkeys("abcdefg", 1)
    chunk = a_chunk(track=[1, 2], attributes=objects([some, {"a": 1}]))
    chunks = noting_unwritten([chunk, chunk], tally := Tally(), "YOLO", track=False, attributes={"a"})
    assert [each is chunk for each in chunks] == [True, True]
    (track,), (attributes,) = tally.examples["no-track"], tally.examples["no-attributes"]
    assert str(track) == "4 boxes have a track, and YOLO has no place for it: the box is written without"
    assert "2 boxes have attributes (b, c, d, e, f, …)" in str(attributes)
    assert tally.noted == {"no-track": 1, "no-attributes": 1}


@pytest.mark.parametrize(("text", "track"), [("7", 7), ("0", 0), ("-1", -1), ("1.5", -1), ("x", -1), ("", -1)])
def test_a_track_id_that_is_no_number_is_an_attribute_like_others(tmp_path, text, track):
    """The box is kept."""
    shape = (
        '<box label="cat" occluded="0" xtl="1" ytl="2" xbr="3" ybr="4"><attribute name="track_id">{}</attribute></box>'
    )
    image = f'<image id="0" name="a.jpg" width="9" height="9">{shape.format(text)}</image>'
    (tmp_path / "x.xml").write_text(f"<annotations>{image}</annotations>")
    context = dataclasses.replace(a_context("cvat"), attributes=("track_id",))
    (chunk,) = FORMATS["cvat"].read(source_of(tmp_path / "x.xml"), context)
    assert (-1 if chunk.track is None else chunk.track[0]) == track
    assert (chunk.attributes[0] or {}).get("track_id", "") == text
