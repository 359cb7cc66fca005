"""Results in memory: each framework's objects are recognised and read, importing none of them."""

import re
from types import SimpleNamespace as Thing

import numpy as np
import pytest

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError, UnknownFormat, UsageError
from formats.reading import rows_of

CORNERS = [[1.0, 2.0, 30.0, 40.0], [5.0, 5.0, 9.0, 9.0]]
NAMES = {0: "cat", 1: "dog"}


class Tensor:
    """As a tensor on a device: it has to be taken off it before it is an array."""

    def __init__(self, values, where="cuda"):
        self._values, self._where = np.asarray(values, np.float16), where

    def detach(self):
        return self

    def cpu(self):
        return Tensor(self._values, "cpu")

    def float(self):
        return Tensor(self._values.astype(np.float32), self._where)

    def numpy(self):
        assert self._where == "cpu", "a tensor on a device has no array"
        return self._values

    def __iter__(self):
        return (Tensor(row, self._where) for row in self._values)


def ultralytics(path="a.jpg", corners=CORNERS, **more):
    n = len(corners)
    boxes = Thing(xyxy=Tensor(corners), cls=Tensor([0, 1][:n]), conf=Tensor([0.5, 0.25][:n]), id=None)
    return Thing(boxes=boxes, obb=None, masks=None, names=NAMES, path=path, orig_shape=(80, 100), **more)


def torchvision():
    return {"boxes": Tensor(CORNERS), "labels": Tensor([0, 1]), "scores": Tensor([0.5, 0.25])}


def huggingface():
    found = [("cat", 0.5), ("dog", 0.25)]
    keys = ("xmin", "ymin", "xmax", "ymax")
    return [
        {"score": s, "label": name, "box": dict(zip(keys, map(int, corners), strict=True))}
        for (name, s), corners in zip(found, CORNERS, strict=True)
    ]


def supervision():
    arrays = {"xyxy": np.array(CORNERS), "confidence": np.array([0.5, 0.25]), "class_id": np.array([0, 1])}
    return Thing(**arrays, tracker_id=None, mask=None, data={})


def detectron2():
    boxes = Thing(tensor=Tensor(CORNERS))
    return {"instances": Thing(pred_boxes=boxes, scores=[0.5, 0.25], pred_classes=[0, 1], image_size=(80, 100))}


def mmdet():
    found = Thing(bboxes=Tensor(CORNERS), labels=Tensor([0, 1]), scores=Tensor([0.5, 0.25]))
    return Thing(pred_instances=found, img_path="a.jpg", ori_shape=(80, 100))


def sahi():
    def one(corners, name, score):
        return Thing(bbox=Thing(to_xyxy=lambda: corners), category=Thing(name=name), score=Thing(value=score))

    found = [one(CORNERS[0], "cat", 0.5), one(CORNERS[1], "dog", 0.25)]
    return Thing(object_prediction_list=found, image_width=100, image_height=80)


def fiftyone():
    """Shares of an image of 100x80."""

    def one(corners, name, score):
        x1, y1, x2, y2 = corners
        box = [x1 / 100, y1 / 80, (x2 - x1) / 100, (y2 - y1) / 80]
        return Thing(label=name, bounding_box=box, confidence=score, index=None)

    return Thing(detections=[one(CORNERS[0], "cat", 0.5), one(CORNERS[1], "dog", 0.25)])


def arrays():
    return np.array([[*CORNERS[0], 0.5, 0], [*CORNERS[1], 0.25, 1]])


class Table(dict):
    """As a DataFrame: columns by name."""

    @property
    def columns(self):
        return list(self)


def dataframe(**more):
    corners = dict(zip(("xmin", "ymin", "xmax", "ymax"), zip(*CORNERS, strict=True), strict=True))
    return Table(corners | {"confidence": [0.5, 0.25], "class": [0, 1], "name": ["cat", "dog"]} | more)


def test_a_table_may_hold_several_images():
    """By a column that names them, in their order; with ids alone the names are needed."""
    assert rows(dataframe(image=["b.jpg", "a.jpg"]))[0] == [("b.jpg", *WANTED[0][1:]), WANTED[1]]
    table = dataframe(image=["a.jpg", "a.jpg"])
    del table["name"]
    assert rows(table)[0] == WANTED
    with pytest.raises(InputError, match="class ids need names"):
        rows(table, names=None)


KINDS = [dataframe, ultralytics, torchvision, huggingface, supervision, detectron2, mmdet, sahi, fiftyone, arrays]
WANTED = [("a.jpg", "cat", *CORNERS[0], 0.5), ("a.jpg", "dog", *CORNERS[1], 0.25)]


def rows(value, **options):
    """What a value is read as, and the tally; the counts have to add up."""
    options = {"names": NAMES, "size": "100x80"} | options
    tally = Tally()
    found = rows_of(list(read(value, **options).fitted(tally)))
    assert tally.kept == len(found)
    return found, tally


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_result_is_recognised_and_read(kind):
    """Tensors on a device too; the format is the framework's name, with its reason."""
    predictions = read({"a.jpg": kind()}, names=NAMES, size="100x80")
    assert predictions.format.name == kind.__name__
    assert rows({"a.jpg": kind()})[0] == WANTED


@pytest.mark.parametrize("kind", [ultralytics, mmdet])
def test_results_that_name_their_image_come_as_a_list_a_stream_or_alone(kind):
    """A generator is gone through once, and not before the boxes are wanted."""
    for value in ([kind()], iter([kind()]), kind()):
        assert rows(value)[0] == WANTED


def test_pairs_of_name_and_result_will_do():
    """For results that do not name their image."""
    assert rows((f"{n}.jpg", torchvision()) for n in "ab")[0][2][0] == "b.jpg"


@pytest.mark.parametrize(
    "kind", [torchvision, detectron2, sahi, supervision, fiftyone, arrays], ids=lambda kind: kind.__name__
)
def test_a_result_of_no_known_image_is_an_error_that_says_how(kind):
    """Nobody can guess it."""
    with pytest.raises(InputError, match=r"which image .*\{image name: result\}"):
        rows([kind()])


def test_class_ids_without_names_are_an_error():
    """torchvision counts from 1, others from 0: a guess would be wrong."""
    with pytest.raises(InputError, match="class ids need names"):
        rows({"a.jpg": torchvision()}, names=None)


def test_a_class_without_a_name_is_dropped_with_its_reason():
    """Counted as read and dropped, the others stay."""
    found, tally = rows({"a.jpg": torchvision()}, names={0: "cat"}, unknown="skip")
    assert found == WANTED[:1]
    assert tally.dropped == {"unknown-label": 1}
    found, tally = rows(ultralytics(), names=None, unknown="skip")
    assert (len(found), tally.dropped.total()) == (2, 0)


def test_an_empty_result_is_an_image_without_boxes():
    """Of any framework, whatever the shape of nothing is."""
    empty = {"a.jpg": {"boxes": np.zeros((0, 4)), "labels": [], "scores": []}, "b.jpg": torchvision()}
    found, tally = rows(empty)
    assert (len(found), tally.images) == (2, 2)
    assert rows([ultralytics(corners=[])])[1].images == 1
    assert rows({"a.jpg": huggingface(), "b.jpg": []})[1].images == 2
    for nothing in ({"a.jpg": [], "b.jpg": []}, [("a.jpg", []), ("b.jpg", [])], iter([("a.jpg", []), ("b.jpg", [])])):
        assert rows(nothing)[1].images == 2
    assert read({"images": [], "annotations": [], "categories": []}).format.name == "coco"


def test_two_results_of_one_image_are_not_joined():
    """The second is left out, with its boxes counted."""
    found, tally = rows([ultralytics(), ultralytics()])
    assert found == WANTED
    assert tally.failed == {"duplicate-image": 1}
    assert tally.read == 4


def test_several_results_of_a_video_are_its_frames():
    """In their order, from 0; tracks stay with their boxes."""
    results = [ultralytics("clip.mp4"), ultralytics("clip.mp4", corners=[]), ultralytics("clip.mp4", CORNERS[:1])]
    results[2].boxes.id = Tensor([7])
    (chunk,) = read(results).chunks(Tally())
    assert chunk.frame.tolist() == [0, 0, 2]
    assert chunk.track.tolist() == [-1, -1, 7]
    assert chunk.images[0].video


def test_outlines_come_where_they_are_asked_for():
    """Masks, and the corners of oriented boxes."""
    outline = np.array([[1, 2], [30, 2], [30, 40]], np.float32)
    masked = ultralytics()
    masked.masks = Thing(xy=[outline, np.zeros((0, 2))])
    (chunk,) = read([masked], polygons=True).chunks(Tally())
    assert chunk.polygons[0][0].tolist() == outline.tolist()
    assert chunk.polygons[1] is None
    corners = [[[1, 2], [30, 2], [30, 40], [1, 40]]]
    oriented = ultralytics()
    oriented.boxes, oriented.obb = (
        None,
        Thing(xyxyxyxy=Tensor(corners), xyxy=Tensor(CORNERS[:1]), cls=Tensor([0]), conf=Tensor([0.5]), id=None),
    )
    (chunk,) = read([oriented], polygons=True).chunks(Tally())
    assert chunk.polygons[0][0].tolist() == corners[0]
    assert next(iter(read([masked]).chunks(Tally()))).polygons is None


def test_supervisions_own_names_count_and_nothing_at_all_is_an_object():
    """class_id, confidence and tracker_id may each be missing."""
    named = supervision()
    named.data = {"class_name": np.array(["cat", "dog"])}
    assert rows({"a.jpg": named}, names=None)[0] == WANTED
    bare = Thing(xyxy=np.array(CORNERS), confidence=None, class_id=None, tracker_id=np.array([3, 4]), mask=None)
    assert [row[1] for row in rows({"a.jpg": bare}, names=None)[0]] == ["object", "object"]


def test_shares_of_an_image_need_its_size():
    """FiftyOne's boxes; a sample without the field is an image without boxes; an index is a track."""
    with pytest.raises(InputError, match=r"a.jpg: its boxes are shares of an unknown size"):
        rows({"a.jpg": fiftyone()}, size=None)
    found, tally = rows({"b.jpg": None, "a.jpg": fiftyone(), "c.jpg": Thing(detections=[])})
    assert (found, tally.images) == (WANTED, 3)
    tracked = fiftyone()
    tracked.detections[1].index = 4
    (chunk,) = read({"a.jpg": tracked}, size="100x80").chunks(Tally())
    assert chunk.track.tolist() == [-1, 4]


def test_a_result_of_another_size_than_the_image_is_an_error(tmp_path):
    """Its boxes cannot be trusted."""
    from PIL import Image as Picture

    Picture.new("RGB", (50, 40)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="of an image of 100x80, the image is 50x40"):
        rows([ultralytics(str(tmp_path / "a.jpg"))], images=tmp_path, size=None)


def test_a_local_path_is_where_the_pixels_are(tmp_path):
    """An upload needs no images folder then."""
    from PIL import Image as Picture

    Picture.new("RGB", (100, 80)).save(tmp_path / "a.jpg")
    (chunk,) = read([ultralytics(str(tmp_path / "a.jpg"))]).chunks(Tally())
    assert (chunk.images[0].key, chunk.images[0].media) == ("a.jpg", str(tmp_path / "a.jpg"))


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (3, "it is no result"), (object(), "it is no result"), ([object()], "it begins with object"),
        ({"a": 1}, "it holds int under 'a'"), ([1, 2], "it begins with int"), (iter([1]), "it begins with int"),
    ],
)  # fmt: skip
def test_what_is_no_result_is_said(value, seen):
    """With what was found, the shape that is expected, and on a second line the results that are known."""
    with pytest.raises(UnknownFormat) as caught:
        read(value)
    first, second = str(caught.value).splitlines()
    assert f": no format recognises it: {seen}, expected {{image name: result}}, pairs of" in first
    assert "; ultralytics (objects with boxes, names, path and orig_shape); format=NAME chooses one" in second


@pytest.mark.parametrize("value", [{}, [], (), iter(())])
def test_no_results_at_all_are_of_a_format_that_is_named(value):
    """Of itself nothing says which; an evening without pictures is no error where the format is named."""
    with pytest.raises(UnknownFormat) as caught:
        read(value)
    first, second = str(caught.value).splitlines()
    assert first.endswith("it is empty, expected {image name: result}, pairs of image name and result, or a list or "
                          "generator of results")  # fmt: skip
    named = re.search("format='([a-z]+)'", second)[1]
    assert list(read(value, format=named).chunks(tally := Tally())) == []
    assert (tally.read, tally.failed) == (0, {})


def test_none_is_nothing_to_be_read():
    """As a variable gives that was never filled."""
    with pytest.raises(UsageError, match="found None"):
        read(None)


def test_a_stranger_among_the_results_is_an_error():
    """Not a silent end."""
    with pytest.raises(InputError, match="result 1: expected one like those before it, found str"):
        rows([ultralytics(), "oops"])


def test_a_live_format_reads_no_file(tmp_path):
    """Named for one, it says so."""
    (tmp_path / "x.txt").write_text("1")
    with pytest.raises(InputError, match="results in memory, not of files"):
        list(read(tmp_path, format="ultralytics").chunks(Tally()))


UNEVEN = {
    "no-labels": ({"boxes": CORNERS, "labels": [], "scores": []}, "2 boxes, 0 labels, 0 scores"),
    "one-label": ({"boxes": CORNERS, "labels": [0], "scores": [0.5, 0.25]}, "2 boxes, 1 labels, 2 scores"),
    "one-score": ({"boxes": CORNERS, "labels": [0, 1], "scores": [0.5]}, "2 boxes, 2 labels, 1 scores"),
    "no-boxes": ({"boxes": [], "labels": [0]}, "0 boxes, 1 labels"),
    "a-batch": ({"boxes": [CORNERS], "labels": [0, 1]}, r"boxes of shape \(1, 2, 4\), expected \(N, 4\); 2 labels"),
    "flat": ({"boxes": CORNERS[0], "labels": [0]}, r"boxes of shape \(4,\), expected \(N, 4\)"),
    "five": ({"boxes": [[*CORNERS[0], 0.5]], "labels": [0]}, r"boxes of shape \(1, 5\), expected \(N, 4\)"),
    "supervision": (Thing(xyxy=np.array(CORNERS), confidence=None, class_id=np.zeros(0), tracker_id=None, mask=None),
                    "2 boxes, 0 labels"),
    "tracks": (Thing(xyxy=np.array(CORNERS), confidence=None, class_id=None, tracker_id=np.array([1]), mask=None),
               "2 boxes, 2 labels, 1 tracks"),
}  # fmt: skip


@pytest.mark.parametrize("wrap", [lambda x: {"a.jpg": x}, lambda x: [("a.jpg", x)], lambda x: iter([("a.jpg", x)])])
@pytest.mark.parametrize(("result", "message"), UNEVEN.values(), ids=UNEVEN)
def test_columns_of_other_lengths_are_an_error_with_both(result, message, wrap):
    """Never boxes that are lost beside empty labels, nor a fault of numpy."""
    with pytest.raises(InputError, match=f"a.jpg: {message}"):
        rows(wrap(result))


def test_boxes_within_0_and_1_on_a_larger_image_look_normalised():
    """Boxes of whole pixels do not, nor do those of a tiny image."""
    shares = {"boxes": [[0.1, 0.2, 0.5, 0.75]], "labels": [0]}
    with pytest.raises(
        InputError, match=r"a.jpg: all its boxes lie within 0 and 1, on an image of 100x80: .*normalised"
    ):
        rows({"a.jpg": shares})
    assert len(rows({"a.jpg": {"boxes": [[0, 0, 1, 1]], "labels": [0]}})[0]) == 1
    assert len(list(read({"a.jpg": shares}, names=NAMES, size="2x2").chunks(Tally()))) == 1


ODD_CLASSES = {"torchvision": {"boxes": CORNERS, "labels": [0, 0.5]}, "nan": {"boxes": CORNERS, "labels": [0, np.nan]},
               "text": {"boxes": CORNERS, "labels": ["cat", "dog"]},
               "swapped": np.array([[*CORNERS[0], 0, 0.5]])}  # fmt: skip


@pytest.mark.parametrize("result", ODD_CLASSES.values(), ids=ODD_CLASSES)
def test_a_class_that_is_no_whole_number_is_an_error(result):
    """The columns may be swapped."""
    with pytest.raises(InputError, match=r"a.jpg: (class .*: expected a whole number|expected numbers)"):
        rows({"a.jpg": result})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("missing", [None, float("nan"), -1])
def test_a_track_that_is_missing_is_none_without_a_warning(missing):
    """None, NaN, or negative, among tracks or everywhere."""
    found = supervision()
    found.tracker_id = np.array([3, missing], object)
    (chunk,) = read({"a.jpg": found}, names=NAMES).chunks(Tally())
    assert chunk.track.tolist() == [3, -1]
    alone = fiftyone()
    alone.detections[0].index = missing
    (chunk,) = read({"a.jpg": alone}, size="100x80").chunks(Tally())
    assert chunk.track is None or chunk.track.tolist() == [-1, -1]
