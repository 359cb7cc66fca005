"""What each framework's result looks like, and how it is read; by duck typing: no framework is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from boxferry_adapters.live.image import LiveImage, boxes, classes, has, numbers, tracks

if TYPE_CHECKING:
    from collections.abc import Callable


class Framework(NamedTuple):
    """One kind of result.

    Attributes:
        name: the format's name.
        looks_like: what a result of it is, for messages.
        is_one: tells whether an object is the result of one image.
        convert: reads it; is told whether outlines are wanted.
        split: image name → result, of an object that holds the results of several images; None for any other.
        empty: where it finds nothing, its result is an empty list.
    """

    name: str
    looks_like: str
    is_one: Callable[[Any], bool]
    convert: Callable[[Any, bool], LiveImage]
    split: Callable[[Any], dict[str, Any] | None] = lambda _: None
    empty: bool = False


def _is_ultralytics(value: object) -> bool:
    return has(value, "boxes", "orig_shape", "names", "path") and (
        has(value.boxes, "xyxy") or has(getattr(value, "obb", None), "xyxyxyxy")  # type: ignore[attr-defined] # seen
    )


def _ultralytics(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, FBT001 # duck-typed
    """https://docs.ultralytics.com/reference/engine/results/: boxes in the pixels of the original image."""
    oriented = result.boxes is None
    found = result.obb if oriented else result.boxes
    masks = getattr(result, "masks", None)
    outlines: list[Any] | None = None
    if polygons and oriented:
        outlines = [(numbers(corners).reshape(-1, 2),) for corners in found.xyxyxyxy]
    elif polygons and masks is not None:
        outlines = [(numbers(ring).reshape(-1, 2),) if len(ring) else None for ring in masks.xy]
    height, width = result.orig_shape[:2]
    return LiveImage(
        xyxy=boxes(found.xyxy),
        ids=classes(found.cls),
        names={int(number): str(name) for number, name in dict(result.names).items()},
        score=numbers(found.conf).reshape(-1),
        track=None if getattr(found, "id", None) is None else tracks(found.id),
        polygons=outlines,
        name=str(result.path),
        size=(int(width), int(height)),
    )


def _is_torchvision(value: object) -> bool:
    return isinstance(value, dict) and {"boxes", "labels"} <= set(value) and not isinstance(value["boxes"], str)


def _torchvision(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """https://pytorch.org/vision/stable/models.html: labels count from 1, 0 is the background."""
    score = result.get("scores")
    return LiveImage(
        xyxy=boxes(result["boxes"]),
        ids=classes(result["labels"]),
        score=None if score is None else numbers(score).reshape(-1),
    )


def _is_huggingface(value: object) -> bool:
    keys = {"label", "box"}
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and keys <= set(v) for v in value)


def _huggingface(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """https://huggingface.co/docs/transformers/main_classes/pipelines: the object detection pipeline."""
    corners = [[each["box"][name] for name in ("xmin", "ymin", "xmax", "ymax")] for each in result]
    score = [each.get("score", np.nan) for each in result]
    labels = [str(each["label"]) for each in result]
    return LiveImage(xyxy=boxes(corners), labels=labels, score=numbers(score).reshape(-1))


def _is_supervision(value: object) -> bool:
    return has(value, "xyxy", "confidence", "class_id", "tracker_id", "mask")


def _supervision(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """https://supervision.roboflow.com/detection/core/: confidence, class_id and tracker_id may be missing."""
    names = getattr(result, "data", {}).get("class_name")
    ids = result.class_id
    given = [str(name) for name in names] if names is not None else None
    count = len(boxes(result.xyxy))
    return LiveImage(
        xyxy=boxes(result.xyxy),
        labels=given if given is not None or ids is not None else ["object"] * count,
        ids=None if ids is None or given is not None else classes(ids),
        score=None if result.confidence is None else numbers(result.confidence).reshape(-1),
        track=None if result.tracker_id is None else tracks(result.tracker_id),
    )


def _instances(value: Any) -> Any:  # noqa: ANN401 # duck-typed
    return value["instances"] if isinstance(value, dict) and "instances" in value else value


def _is_detectron2(value: object) -> bool:
    return has(_instances(value), "pred_boxes", "scores", "pred_classes", "image_size")


def _detectron2(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """https://detectron2.readthedocs.io/en/latest/tutorials/models.html: `Instances`, class ids contiguous from 0."""
    found = _instances(result)
    height, width = found.image_size
    return LiveImage(
        xyxy=boxes(getattr(found.pred_boxes, "tensor", found.pred_boxes)),
        ids=classes(found.pred_classes),
        score=numbers(found.scores).reshape(-1),
        size=(int(width), int(height)),
    )


def _is_mmdet(value: object) -> bool:
    return has(getattr(value, "pred_instances", value), "bboxes", "labels", "scores")


def _mmdet(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """https://mmdetection.readthedocs.io/en/latest/: a `DetDataSample`, or its `pred_instances`."""
    found = getattr(result, "pred_instances", result)
    shape: Any = getattr(result, "ori_shape", (0, 0))
    height, width = shape[:2]
    return LiveImage(
        xyxy=boxes(found.bboxes),
        ids=classes(found.labels),
        score=numbers(found.scores).reshape(-1),
        name=str(getattr(result, "img_path", "") or ""),
        size=(int(width), int(height)),
    )


def _is_sahi(value: object) -> bool:
    return has(value, "object_prediction_list") or (
        isinstance(value, list) and bool(value) and all(has(each, "bbox", "category", "score") for each in value)
    )


def _sahi(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """https://github.com/obss/sahi: a `PredictionResult`, or its list of object predictions."""
    found = getattr(result, "object_prediction_list", result)
    size = (getattr(result, "image_width", 0) or 0, getattr(result, "image_height", 0) or 0)
    return LiveImage(
        xyxy=boxes([each.bbox.to_xyxy() for each in found]),
        labels=[str(each.category.name) for each in found],
        score=numbers([each.score.value for each in found]),
        size=(int(size[0]), int(size[1])),
    )


def _is_fiftyone(value: object) -> bool:
    found = getattr(value, "detections", None)
    return has(found, "__len__", "__iter__") and all(has(each, "bounding_box", "label") for each in found or ())


def _fiftyone(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """https://docs.voxel51.com/user_guide/using_datasets.html: x, y, width, height as shares of the image's size."""
    found = list(result.detections)
    corners = boxes([list(each.bounding_box) for each in found])
    corners[:, 2:] += corners[:, :2]
    score = [getattr(each, "confidence", None) for each in found]
    track = [getattr(each, "index", None) for each in found]
    return LiveImage(
        xyxy=corners,
        labels=[str(each.label) for each in found],
        score=numbers([np.nan if value is None else value for value in score]),
        track=tracks(track) if any(v is not None for v in track) else None,
        relative=True,
    )


def _is_array(value: object) -> bool:
    shape: Any = getattr(value, "shape", ())
    return not hasattr(value, "columns") and len(shape) == 2 and shape[1] in {4, 5, 6}


def _array(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """Rows of x1, y1, x2, y2, and perhaps score and class id."""
    table = numbers(result)
    columns = table.shape[1]
    return LiveImage(
        xyxy=table[:, :4],
        score=table[:, 4] if columns > 4 else None,
        ids=classes(table[:, 5]) if columns > 5 else None,
        labels=None if columns > 5 else ["object"] * len(table),
    )


CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"))
IMAGES = ("image", "file_name", "filename", "image_name", "path")
SCORES = ("confidence", "score", "conf")
LABELS = ("name", "label", "class_name")
IDS = ("class", "class_id", "category_id")


def _columns(value: Any) -> list[str]:  # noqa: ANN401 # duck-typed
    return [str(name) for name in getattr(value, "columns", ())]


def _is_dataframe(value: object) -> bool:
    columns = set(_columns(value))
    return hasattr(value, "__getitem__") and any(set(corners) <= columns for corners in CORNERS)


def _first(table: Any, names: tuple[str, ...]) -> list[Any] | None:  # noqa: ANN401 # duck-typed
    """The values of the first of these columns that there is."""
    found = next((name for name in names if name in _columns(table)), None)
    return None if found is None else list(table[found])


def _dataframe(result: Any, polygons: bool) -> LiveImage:  # noqa: ANN401, ARG001, FBT001 # duck-typed
    """Rows with columns of corners, and perhaps of score, label or class id, as YOLOv5's `pandas()` has them."""
    corners = next(names for names in CORNERS if set(names) <= set(_columns(result)))
    labels, ids, score = (_first(result, names) for names in (LABELS, IDS, SCORES))
    table = np.column_stack([numbers(list(result[name])) for name in corners])
    return LiveImage(
        xyxy=boxes(table),
        labels=[str(label) for label in labels] if labels is not None else None if ids else ["object"] * len(table),
        ids=None if labels is not None or ids is None else classes(ids),
        score=None if score is None else numbers(score).reshape(-1),
    )


def _by_image(table: Any) -> dict[str, Any] | None:  # noqa: ANN401 # duck-typed
    """The rows of each image, where a column names them."""
    images = _first(table, IMAGES)
    if images is None:
        return None
    columns = {name: list(table[name]) for name in _columns(table) if name not in IMAGES}
    rows: dict[str, list[int]] = {}
    for row, image in enumerate(images):
        rows.setdefault(str(image), []).append(row)
    return {image: _Rows({name: [v[row] for row in own] for name, v in columns.items()}) for image, own in rows.items()}


class _Rows(dict[str, list[Any]]):
    """Some rows of a table, as a table."""

    @property
    def columns(self) -> list[str]:
        return list(self)


FRAMEWORKS = (
    Framework("ultralytics", "objects with boxes, names, path and orig_shape", _is_ultralytics, _ultralytics),
    Framework("torchvision", "dicts of boxes, labels and scores", _is_torchvision, _torchvision),
    Framework(
        "huggingface", "lists of {'score', 'label', 'box': {'xmin', …}}", _is_huggingface, _huggingface, empty=True
    ),
    Framework("supervision", "objects with xyxy, confidence and class_id", _is_supervision, _supervision),
    Framework("detectron2", "Instances with pred_boxes and pred_classes", _is_detectron2, _detectron2),
    Framework("mmdet", "samples with pred_instances of bboxes and labels", _is_mmdet, _mmdet),
    Framework("sahi", "prediction results with object_prediction_list", _is_sahi, _sahi),
    Framework("fiftyone", "objects with detections, each with label and bounding_box", _is_fiftyone, _fiftyone),
    Framework("dataframe", "tables with columns xmin, ymin, xmax, ymax", _is_dataframe, _dataframe, _by_image),
    Framework("arrays", "arrays of rows x1, y1, x2, y2[, score[, class]]", _is_array, _array),
)
