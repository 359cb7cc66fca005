"""The public calls as a user's editor and type checker see them: `make lint` checks this file with mypy and pyright.

It is never run. A line marked to be ignored is a mistake of a user that both checkers have to find.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import boxferry as bf
from boxferry import hookimpl


def reading() -> bf.Predictions:
    """Predictions are refined, and stay predictions."""
    predictions = bf.read("runs/labels", names="data.yaml", images=Path("images"))
    assert_type(predictions, bf.Predictions)
    refined = predictions.filter(min_score=0.25, labels=["cat"]).nms(0.6).top(10).relabel({"car|truck": "vehicle"})
    assert_type(refined, bf.Predictions)
    assert_type(refined.filter_images(lambda image, boxes: image.sized and len(boxes) > 0), bf.Predictions)
    assert_type(refined.then(lambda boxes: boxes[boxes.score > 0.5]), bf.Predictions)
    train, val = refined.sample(100, seed=1).split(0.1)
    assert_type(val, bf.Predictions)
    assert_type(train.write("out.json", to="coco", keep_ids=False), bf.Tally)
    assert_type(bf.write_packets(refined, "packets.ndjson", model="m", run="r", directory_id=3), bf.Tally)
    dataset = refined.collect()
    assert_type(dataset, bf.Dataset)
    assert_type(dataset["a.jpg"], bf.Detections)
    assert_type(dataset[dataset.boxes.score > 0.5], bf.Dataset)
    for image, boxes in dataset:
        assert_type(image, bf.Image)
        assert_type(boxes, bf.Detections)
    return refined


def wrong_words(predictions: bf.Predictions) -> None:
    """Words and types that no call takes."""
    predictions.filter(min_score="0.3")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    predictions.nms("0.5")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    predictions.filter(minimum=0.3)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    bf.PushOptions(labels="creat")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    bf.merge([predictions], "nsm")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def pushing(diffgram: bf.Diffgram, predictions: bf.Predictions) -> None:
    """Options are keyword arguments that an editor completes."""
    common = bf.PushOptions(labels="create", existing=True, on_existing="replace-own", wait_s=60)
    result = diffgram.push(predictions, directory="incoming", model="m", run="r", options=common, labels="skip")
    assert_type(result, bf.PushResult)
    result.raise_for_failures()
    assert_type(result.files, bf.FileResults)
    assert_type(result.files[0].file_id, int | None)
    assert_type(diffgram.resume("r", wait_s=5), bf.PushResult)
    assert_type(diffgram.resume(), list[bf.PushResult])
    with diffgram.collector(directory=1, model="m", run="r", labels="create", keep=doubtful) as collect:
        assert_type(collect, bf.Collector)
        collect({"a.jpg": None})
    diffgram.push(predictions, directory="d", model="m", run="r", lables="skip")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    diffgram.push(predictions, directory="d", model="m", run="r", labels="creat")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    diffgram.push(predictions, model="m", run="r")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def doubtful(_image: bf.Image, boxes: bf.Detections) -> bool:
    """Whether an image is worth a look."""
    return bool((boxes.score < 0.5).any())


def connecting() -> None:
    """Both ways to a project."""
    assert_type(bf.Diffgram.connect("https://x", "p", "id", "secret"), bf.Diffgram)
    with bf.Diffgram.from_env(profile="team") as diffgram:
        assert_type(diffgram, bf.Diffgram)


def reviewing(diffgram: bf.Diffgram) -> None:
    """What comes home."""
    review = diffgram.pull("r", own=True)
    assert_type(review, bf.Review)
    assert_type(review.corrected(), bf.Dataset)
    assert_type(review.metrics(), bf.Metrics)
    assert_type(review.write("out", to="yolo", names="data.yaml", split=0.1, images="link"), bf.Tally)
    review.write("out", images="move")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def measuring(predictions: bf.Predictions) -> None:
    """Sets are merged, compared and measured."""
    assert_type(bf.merge([predictions, "other.json"], "wbf", iou=0.5, weights=[1, 2]), bf.Dataset)
    found = bf.diff("old.json", "new.json", iou=0.5)
    assert_type(found, bf.Diff)
    assert_type(found[0], bf.Difference)
    assert_type(bf.evaluate(predictions, "truth.json").AP, float)


@hookimpl
def boxferry_refine(detections: bf.Detections) -> bf.Detections:
    """A hook of a plugin keeps its type."""
    return detections


assert_type(boxferry_refine(bf.Detections.empty()), bf.Detections)


def of_ones_own(source: bf.Detections) -> Iterator[bf.Detections]:
    """Own detections, in chunks, are what `read` takes."""
    assert_type(bf.read(iter([source])), bf.Predictions)
    yield source[source.score > 0.5]
