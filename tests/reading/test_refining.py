"""What predictions can be refined by in Python: each step counts what it drops, and wrong words are named."""

import json
import pickle

import numpy as np
import pytest

from boxferry import Detections, Image, Tally, read
from boxferry.errors import ConfigError, UnknownFormat, UsageError
from boxferry.pages.colours import colour_of

LABELS = ("cat", "dog")


def chunk(n: int = 3, *, start: int = 0) -> Detections:
    """Images of two boxes each: a cat of 0.9 (10 x 10 pixels) and a dog of 0.3 (20 x 20)."""
    images = [Image(f"{number}.jpg", 100, 80) for number in range(start, start + n)]
    return Detections.from_counts(
        images, [2] * n, [[0, 0, 10, 10], [20, 20, 40, 40]] * n, [0, 1] * n, LABELS, score=[0.9, 0.3] * n
    )


def balanced(predictions) -> Tally:
    """The tally after a pass; boxes that came out are those read less those dropped."""
    tally = Tally()
    assert sum(map(len, predictions.chunks(tally))) == tally.kept
    return tally


def test_own_detections_are_read_as_they_are():
    predictions = read(chunk())
    assert predictions.format.name == "detections"
    assert balanced(predictions).read == 6
    assert balanced(read(iter([chunk(), chunk(start=3)]))).images == 6
    assert balanced(read([chunk(), chunk(start=3)])).read == 12


def test_an_image_that_two_chunks_have_is_taken_once_and_counted():
    tally = balanced(read([chunk(), chunk(1, start=2)]))
    assert (tally.read, tally.kept, tally.failed) == (8, 6, {"duplicate-image": 1})


def test_own_detections_find_their_sizes_in_the_images_folder():
    bare = Detections.from_counts([Image("rocket.jpg")], [1], [[0, 0, 9, 9]], [0], ("cat",))
    found, _ = read(bare, images="fixtures/images").chunks(Tally())
    assert found.images[0].sized
    assert found.images[0].media.endswith("rocket.jpg")


@pytest.mark.parametrize(
    ("how", "dropped"),
    [
        ({"min_score": 0.5}, {"below-threshold": 3}),
        ({"max_score": 0.5}, {"above-threshold": 3}),
        ({"labels": "cat"}, {"other-label": 3}),
        ({"labels": ["cat", "dog"]}, {}),
        ({"min_area": 101}, {"small-box": 3}),
        ({"min_score": 0.5, "labels": ["dog"]}, {"below-threshold": 3, "other-label": 3}),
    ],
    ids="-".join,
)
def test_filter_drops_what_is_not_as_asked_for(how, dropped):
    assert balanced(read(chunk()).filter(**how)).dropped == dropped


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.filter(), "filter: name at least one of min_score, max_score, labels, min_area"),
        (lambda p: p.filter(min_score="0.3"), "min_score: '0.3' is str, expected float"),
        (lambda p: p.filter(max_score=30), "max_score: 30, expected 0 to 1"),
        (lambda p: p.filter(min_area=-1), "min_area: -1, expected 0 or more"),
        (lambda p: p.filter(labels=[1]), "labels: 1 is int, expected str"),
        (lambda p: p.nms("0.5"), "iou: '0.5' is str, expected float"),
        (lambda p: p.nms(60), "iou: 60, expected 0 to 1"),
        (lambda p: p.top(0), "n: 0, expected 1 or more"),
        (lambda p: p.top(1.5), "n: 1.5 is float, expected int"),
        (lambda p: p.relabel({"a": 1}), "map: 'a': 1, expected two names of labels"),
        (lambda p: p.sample(0), "n: 0, expected 1 or more"),
        (lambda p: p.split(10), "val: 10, expected 0 to 1"),
        (lambda p: p.split(0.1, seed="x"), "seed: 'x' is str, expected int"),
        (lambda p: p.filter_images("x"), "filter_images: 'x' is str, expected a function of image and boxes"),
        (lambda p: p.then("x"), "then: 'x' is str, expected a function of a chunk"),
        (lambda p: p.then(lambda: None), "then: 'lambda' takes (), expected a chunk"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_arguments_name(call, message):
    with pytest.raises((UsageError, ConfigError)) as raised:
        call(read(chunk()))
    assert str(raised.value).startswith(message)


def test_a_label_to_be_kept_that_no_box_has_is_noted_with_the_near_one():
    tally = balanced(read(chunk()).filter(labels=["Cat", "dog"]))
    assert [str(each) for each in tally.examples["unused-map"]] == [
        "no box has the label 'Cat' that is to be kept; near: cat"
    ]


def test_top_keeps_the_best_of_each_image():
    assert balanced(read(chunk()).top(1)).dropped == {"over-limit": 3}


def test_a_step_of_ones_own_is_balanced():
    def cats(boxes: Detections) -> Detections:
        return boxes[boxes.label == boxes.labels.index("cat")]

    tally = balanced(read(chunk()).then(cats))
    assert tally.dropped == {"step-cats": 3}
    assert tally.exit_code == 0


def test_a_step_that_counts_itself_is_counted_once():
    def cats(boxes: Detections, tally: Tally) -> Detections:
        gone = boxes.label != boxes.labels.index("cat")
        tally.drop("no-cat", "it is no cat", boxes, gone)
        return boxes[~gone]

    assert balanced(read(chunk()).then(cats)).dropped == {"no-cat": 3}


def test_a_step_that_adds_boxes_is_balanced_too():
    def doubled(boxes: Detections) -> Detections:
        n, counts = len(boxes), boxes.counts * 2
        rows = np.repeat(np.arange(n), 2)
        return Detections.from_counts(boxes.images, counts, boxes.xyxy[rows], boxes.label[rows], boxes.labels)

    tally = balanced(read(chunk()).then(doubled))
    assert (tally.read, tally.noted) == (12, {"step-doubled": 1})


def test_a_step_that_gives_back_something_else_is_named():
    with pytest.raises(UsageError, match="then: nothing returned NoneType, expected Detections"):
        balanced(read(chunk()).then(nothing))


def nothing(_boxes):
    return None


def test_filter_images_keeps_whole_images_and_counts_the_others():
    tally = balanced(read(chunk()).filter_images(lambda image, boxes: image.key != "1.jpg" and len(boxes) == 2))
    assert (tally.dropped, tally.noted) == ({"not-chosen": 2}, {"images-left-out": 1})


def test_filter_images_comes_at_its_place_among_the_steps():
    source = read(chunk(4)).filter_images(lambda image, _: image.key in {"1.jpg", "2.jpg"})
    assert {image.key for boxes in source.sample(2).chunks(Tally()) for image in boxes.images} == {"1.jpg", "2.jpg"}


def keys(predictions) -> set[str]:
    return {image.key for boxes in predictions.chunks(Tally()) for image in boxes.images}


def test_a_sample_is_the_same_each_time_and_of_so_many_images():
    source = read(chunk(50))
    first = keys(source.sample(10, seed=1))
    assert len(first) == 10
    assert keys(source.sample(10, seed=1)) == first != keys(source.sample(10, seed=2))
    assert len(keys(read(chunk(60)).sample(10, seed=1)) & first) >= 6


def test_a_sample_of_a_generator_says_why_not():
    with pytest.raises(UsageError, match="sample: reads the results twice; pass a list"):
        read(iter([chunk()])).sample(1)


def test_a_split_has_each_image_once_and_stays_when_images_are_added():
    train, val = read(chunk(200)).split(0.2)
    assert keys(train) | keys(val) == keys(read(chunk(200)))
    assert not keys(train) & keys(val)
    assert 20 < len(keys(val)) < 60
    assert keys(val) <= keys(read(chunk(300)).split(0.2).val)
    assert balanced(train).kept + balanced(val).kept == 400


def test_a_split_is_that_of_boxferry_dataset():
    assert keys(read(chunk(40)).split(0.1).val) == {"11.jpg", "12.jpg"}


def test_a_dataset_is_in_memory_by_key_by_mask_and_image_by_image():
    dataset = read(chunk()).collect()
    assert (len(dataset), len(dataset.boxes), dataset.labels) == (3, 6, LABELS)
    assert [(image.key, len(boxes)) for image, boxes in dataset] == [("0.jpg", 2), ("1.jpg", 2), ("2.jpg", 2)]
    assert dataset["1.jpg"].images[0].key == "1.jpg"
    sure = dataset[dataset.boxes.score > 0.5]
    assert (len(sure), len(sure.boxes)) == (3, 3)
    assert "2.jpg" in dataset
    with pytest.raises(KeyError, match=r"did you mean '2\.jpg'"):
        dataset["2.jpeg"]
    assert dataset.tally.read == 6


def test_a_dataset_can_be_read_again_and_pickled():
    dataset = pickle.loads(pickle.dumps(read(chunk()).collect()))
    assert balanced(read(dataset)).read == 6
    assert repr(dataset) == "<Dataset: 3 images, 6 boxes, 2 labels>"
    assert "<td>1 cat, 1 dog</td>" in dataset._repr_html_()


def test_predictions_say_why_they_are_not_pickled():
    predictions = read(chunk()).filter(min_score=0.5)
    with pytest.raises(UsageError, match=r"pickle predictions.collect\(\)"):
        pickle.dumps(predictions)
    assert repr(predictions).startswith("<Predictions: ")
    assert "1 steps" in predictions._repr_html_()


def test_write_writes_a_named_format_and_gives_the_tally(tmp_path):
    tally = read(chunk()).filter(min_score=0.5).write(tmp_path / "out.json")
    assert (tally.read, tally.kept) == (6, 3)
    again = read(tmp_path / "out.json")
    assert balanced(again).kept == 3


@pytest.mark.parametrize(
    ("how", "names"),
    [
        ({}, {7: "dog", 9: "cat"}),
        ({"keep_ids": False}, {1: "dog", 2: "cat"}),
        ({"names": {3: "cat", 5: "dog"}}, {3: "cat", 5: "dog"}),
    ],
    ids=["the source's", "anew", "given"],
)
def test_write_numbers_classes_as_is_asked_for(tmp_path, how, names):
    source = {"a.jpg": {"boxes": [[0, 0, 9, 9], [5, 5, 20, 20]], "labels": [9, 7], "scores": [0.9, 0.8]}}
    read(source, names={7: "dog", 9: "cat"}, size=(40, 40)).write(tmp_path / "out.json", **how)
    found = {each["id"]: each["name"] for each in json.loads((tmp_path / "out.json").read_text())["categories"]}
    assert found == names


def test_predictions_are_not_read_again():
    with pytest.raises(UsageError, match="source: already Predictions"):
        read(read(chunk()))


def test_write_names_the_formats_and_the_options(tmp_path):
    with pytest.raises(UnknownFormat, match=r"to: 'coko' is not one of .*; did you mean 'coco'"):
        read(chunk()).write(tmp_path / "x", to="coko")
    with pytest.raises(UsageError, match=r"to: packets need a model and a run: use boxferry\.write_packets"):
        read(chunk()).write(tmp_path / "x", to="packets")
    with pytest.raises(UsageError, match=r"--voc-orign: not an option of format 'voc', which has .*did you mean"):
        read(chunk()).write(tmp_path / "x", to="voc", voc_orign="0")
    with pytest.raises(UsageError, match=r"options: \{'x'\} is set"):
        read(chunk(), options={"x"})


def test_a_table_comes_back_as_it_was():
    pd = pytest.importorskip("pandas")
    dataset = read(chunk()).collect()
    table = dataset.to_pandas()
    assert list(table.columns) == [
        "image", "label", "score", "xmin", "ymin", "xmax", "ymax", "image_width", "image_height",
    ]  # fmt: skip
    assert isinstance(table, pd.DataFrame)
    from_columns(table, dataset)


def from_columns(table, dataset) -> None:
    from boxferry.reading.dataset import Dataset

    again = Dataset.from_pandas(table)
    assert again.images == dataset.images
    assert again.boxes.xyxy.tolist() == dataset.boxes.xyxy.tolist()
    assert again.boxes.score.tolist() == dataset.boxes.score.tolist()


def test_a_dict_of_columns_is_a_table_too():
    from boxferry.boxes.table import columns_of

    dataset = read(chunk()).collect()
    from_columns(columns_of(dataset.boxes), dataset)


def test_a_plot_is_the_image_with_boxes_drawn_on_it():
    pytest.importorskip("PIL")
    boxes = Detections.from_counts([Image("rocket.jpg")], [1], [[10, 10, 60, 60]], [0], ("cat",), score=[0.9])
    dataset = read(boxes, images="fixtures/images").without_folder().collect()
    picture = dataset.plot("rocket.jpg")
    assert picture.size == (dataset.images[0].width, dataset.images[0].height)
    assert picture.getpixel((10, 30)) == tuple(bytes.fromhex(colour_of("cat")[1:]))
