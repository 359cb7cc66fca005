"""FiftyOne's samples as Detections, and boxes of a review as FiftyOne's labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import fiftyone as fo
import numpy as np

from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.fit import whole_edges
from boxferry.errors import InputError
from boxferry.integrations.label_ids import places_of
from boxferry.plan.attributes import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.integrations.label_ids import Decided, Places
    from boxferry.review.judged import Predicted, Stored
    from boxferry.review.pull import ReviewedFile


VALUES = (str, int, float, list, date)  #: what an attribute can be sent with; no mappings, no arrays


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What is sent of some samples.

    Attributes:
        detections: the samples' images and the boxes of one label field.
        samples: image key → sample id.
        places: sample id → each box as it is sent → the ids of its labels.
        unnamed: how many labels have no class or no box, and are not sent.
    """

    detections: Detections
    samples: dict[str, str]
    places: dict[str, Places]
    unnamed: int = 0


class _Row(NamedTuple):
    """What is sent of one label: FiftyOne's own objects are large, and there are as many as boxes."""

    id: str
    label: str
    corners: tuple[float, float, float, float]
    score: float
    attributes: dict[str, Any] | None


def gathered(samples: Any, field: str, *, media_field: str, root: str | None, attributes: Sequence[str]) -> Gathered:  # noqa: ANN401 # FiftyOne ships no types
    """The images and boxes of a collection of samples.

    Args:
        samples: the collection; its metadata is computed where it is missing.
        field: the label field; a new one has no boxes yet.
        media_field: the field of the images' paths.
        root: the folder that names on the server are relative to; the last part of the path is the name without it.
        attributes: the names of the labels' attributes that are sent.

    Raises:
        InputError: two samples have one name, one is not in the folder, or the size of an image cannot be read.
    """
    if media_field == "filepath":
        samples.compute_metadata()
    keys, images, counts, rows, unnamed = dict[str, str](), list[Image](), list[int](), list[_Row](), 0
    for sample in samples.select_fields([media_field, *([field] if samples.has_sample_field(field) else [])]):
        image = _image(sample, media_field, root)
        if image.key in keys:
            raise InputError(
                f"{image.media}: another sample's image is called '{image.key}' too; give images_root=, the folder that"
                " names on the server are relative to, or annotate a view without one of them"
            )
        keys[image.key] = sample.id
        images.append(image)
        labels = _labels_of(sample, field)
        named = [each for each in labels if each.label and len(each.bounding_box or ()) == 4]
        counts.append(len(named))
        rows += [_row(each, image, attributes) for each in named]
        unnamed += len(labels) - len(named)
    detections = _detections(images, counts, rows, attributed=bool(attributes))
    places = places_of(detections, [row.id for row in rows])
    return Gathered(
        detections=detections,
        samples=keys,
        places={keys[key]: found for key, found in places.items()},
        unnamed=unnamed,
    )


def _image(sample: Any, media_field: str, root: str | None) -> Image:  # noqa: ANN401 # likewise
    if not (path := sample[media_field]):
        raise InputError(f"{sample.filepath}: has no {media_field}; annotate a view of the samples that have one")
    size = sample.metadata if media_field == "filepath" else _size_of(path)
    if size is None or not size.width or not size.height:
        raise InputError(f"{path}: the image's size cannot be read")
    try:
        key = PurePath(path).name if root is None else Path(path).relative_to(Path(root).absolute()).as_posix()
    except ValueError:
        raise InputError(f"{path}: not in images_root, {root}") from None
    return Image(key, size.width, size.height, media=path)


def _size_of(path: str) -> Any:  # noqa: ANN401 # likewise
    """The size of other media than those that FiftyOne keeps metadata of."""
    try:
        return fo.ImageMetadata.build_for(path)
    except (OSError, ValueError):
        return None


def _labels_of(sample: Any, field: str) -> list[Any]:  # noqa: ANN401 # likewise
    found = sample[field] if sample.has_field(field) else None
    return [] if found is None else found.detections


def _row(label: Any, image: Image, attributes: Iterable[str]) -> _Row:  # noqa: ANN401 # likewise
    corners = _corners(label.bounding_box, image.width, image.height)
    score = np.nan if label.confidence is None else label.confidence
    return _Row(label.id, label.label, corners, score, _attributes(label, attributes))


def _detections(
    images: Sequence[Image], counts: Sequence[int], rows: Sequence[_Row], *, attributed: bool
) -> Detections:
    known: dict[str, int] = {}
    return Detections.from_counts(
        images,
        counts,
        [row.corners for row in rows],
        [known.setdefault(row.label, len(known)) for row in rows],
        known,
        score=[row.score for row in rows],
        attributes=objects([row.attributes for row in rows]) if attributed else None,
    )


def _corners(box: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """A box of FiftyOne, shares of the image, in pixels."""
    left, top, wide, high = box
    return left * width, top * height, (left + wide) * width, (top + high) * height


def _attributes(label: Any, names: Iterable[str]) -> dict[str, Any] | None:  # noqa: ANN401 # likewise
    found = {name: label.get_attribute_value(name, None) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, VALUES) and value != ""} or None


def labels_of(samples: Any, field: str, chosen: Iterable[str]) -> dict[str, Any]:  # noqa: ANN401 # likewise
    """Label id → the label as the data set has it now.

    Args:
        samples: any view of the data set; labels outside it count too.
        field: the label field.
        chosen: the ids of the samples.
    """
    view = all_samples(samples)
    if not view.has_sample_field(field):
        return {}
    listed = view.select(list(chosen)).values(f"{field}.detections")
    return {label.id: label for labels in listed for label in labels or ()}


def all_samples(samples: Any) -> Any:  # noqa: ANN401 # likewise
    """All samples of the data set that some belong to; of a grouped one, those of all slices."""
    dataset = samples._root_dataset  # noqa: SLF001 # FiftyOne has no other way from a view
    return dataset.select_group_slices(media_type="image") if dataset.media_type == "group" else dataset


def corrected_labels(
    own: Mapping[str, Any], found: Decided, drawn: Mapping[str, Stored], file: ReviewedFile, attributes: Sequence[str]
) -> dict[str, Any]:
    """Label id → the label as people left it, of one image.

    Args:
        own: label id → the label as the data set has it.
        found: what people decided.
        drawn: label id → the box that people drew.
        file: the image.
        attributes: the names of the attributes that were sent.
    """
    boxes = {key: (box.stored, box.predicted) for key, box in found.there.items()} | {
        key: (box, None) for key, box in drawn.items()
    }
    return {
        key: _corrected(_copied(own[key]) if key in own else _made(key, predicted), box, file, attributes)
        for key, (box, predicted) in boxes.items()
        if box is not None
    }


def _copied(label: Any) -> Any:  # noqa: ANN401 # likewise
    """A label with the id that it had: FiftyOne's copies have new ones, which no later load would know."""
    found = label.copy()
    found.id = label.id
    return found


def _made(key: str, predicted: Predicted | None) -> Any:  # noqa: ANN401 # likewise
    """A label that the data set does not have: of a box that people drew, or of one that it has no more."""
    return fo.Detection(id=key, confidence=None if predicted is None else predicted.score)


def _corrected(label: Any, box: Stored, file: ReviewedFile, attributes: Iterable[str]) -> Any:  # noqa: ANN401 # likewise
    """A label with what people changed; all else, its exact box too where they left it alone, is as it was."""
    label.label = box.label
    if _pixels(label, file) != box.corners:
        label.bounding_box = _shares(box, file)
    for name in attributes:
        if name in box.attributes:
            label[name] = _like(label.get_attribute_value(name, None), box.attributes[name])
    return label


def _pixels(label: Any, file: ReviewedFile) -> tuple[float, ...]:  # noqa: ANN401 # likewise
    """The corners of a label as they are sent."""
    if not label.bounding_box:
        return ()
    corners = np.array(_corners(label.bounding_box, file.width, file.height))
    return tuple(whole_edges(np.clip(corners, 0, [file.width, file.height] * 2)).tolist())


def _shares(box: Stored, file: ReviewedFile) -> list[float]:
    x_min, y_min, x_max, y_max = box.corners
    width, height = file.width, file.height
    return [x_min / width, y_min / height, (x_max - x_min) / width, (y_max - y_min) / height]


def _like(before: object, now: object) -> object:
    """A value of the server, which has texts, as the kind of value that was there before; that one if it is equal."""
    if now in (as_text(before), [as_text(each) for each in before] if isinstance(before, list) else ()):
        return before
    if isinstance(before, bool):
        return {"true": True, "false": False}.get(str(now).lower(), now)
    if isinstance(before, int | float) and isinstance(now, str):
        try:
            return type(before)(now)
        except ValueError:
            return now
    return now


def flat_classes(classes: Iterable[str | Mapping[str, Any]]) -> list[str]:
    """The names in a label schema's list of classes, some of which stand in groups with attributes of their own."""
    found = ([each] if isinstance(each, str) else each["classes"] for each in classes)
    return list(dict.fromkeys(name for names in found for name in names if name))
