"""Chunks taken apart and put together by image; and the frames of a video, handed over one by one, as one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from boxferry.boxes.detections import OPTIONAL, Detections

if TYPE_CHECKING:
    from collections.abc import Container, Sequence


def only_images(detections: Detections, keys: Container[str]) -> Detections:
    """The images of a chunk whose keys are among these, with their boxes."""
    wanted = [image.key in keys for image in detections.images]
    rows = np.array(wanted, bool)[detections.image_index]
    counts = [count for count, kept in zip(detections.counts.tolist(), wanted, strict=True) if kept]
    return Detections.from_counts(
        [image for image, kept in zip(detections.images, wanted, strict=True) if kept],
        counts,
        detections.xyxy[rows],
        detections.label[rows],
        detections.labels,
        score=detections.score[rows],
        row=detections.row[rows],
        row_unit=detections.row_unit,
        **{name: None if (column := getattr(detections, name)) is None else column[rows] for name in OPTIONAL},
    )


def whole_video(parts: Sequence[Detections]) -> Detections:
    """The frames of one video, in the order in which they came, as one image.

    Args:
        parts: chunks of one image each, the same video; a part is one frame, or as many as its boxes' frames say.
    """
    labels = list(dict.fromkeys(name for part in parts for name in part.labels))
    code = {name: index for index, name in enumerate(labels)}
    frames, first = [], 0
    for part in parts:
        own = np.zeros(len(part), np.int64) if part.frame is None else part.frame
        frames.append(own + first)
        first += int(own.max()) + 1 if len(own) else 1
    n = sum(len(part) for part in parts)
    tracked = any(part.track is not None for part in parts)
    missing = [np.full(len(part), -1) if part.track is None else part.track for part in parts]
    return Detections.from_counts(
        parts[0].images,
        [n],
        np.concatenate([part.xyxy for part in parts]),
        np.array([code[part.labels[c]] for part in parts for c in part.label.tolist()], np.int32),
        labels,
        score=np.concatenate([part.score for part in parts]),
        row=np.concatenate([part.row for part in parts]),
        row_unit="item",
        frame=np.concatenate(frames),
        track=np.concatenate(missing) if tracked else None,
    )


def together(chunks: Sequence[Detections]) -> Detections:
    """Several chunks as one: their images one after another, labels of one name as one label."""
    if not chunks:
        return Detections.empty()
    code: dict[str, int] = {}
    label = [
        np.array([code.setdefault(name, len(code)) for name in chunk.labels], np.int32)[chunk.label] for chunk in chunks
    ]
    units = {chunk.row_unit for chunk in chunks if len(chunk)}
    row_unit: Literal["line", "item"] = "line" if units == {"line"} else "item"
    return Detections.from_counts(
        [image for chunk in chunks for image in chunk.images],
        np.concatenate([chunk.counts for chunk in chunks]),
        np.concatenate([chunk.xyxy for chunk in chunks]),
        np.concatenate(label),
        code,
        score=np.concatenate([chunk.score for chunk in chunks]),
        row=np.concatenate([chunk.row for chunk in chunks]),
        row_unit=row_unit,
        **{name: _joined(name, chunks) for name in OPTIONAL},
    )


MISSING: dict[str, Any] = {"frame": 0, "track": -1}


def _joined(name: str, chunks: Sequence[Detections]) -> Any:  # noqa: ANN401 # (N,) of the column's dtype, or None
    """A column of all chunks that any of them has."""
    parts = [(len(chunk), getattr(chunk, name)) for chunk in chunks]
    if all(column is None for _, column in parts):
        return None
    filled = [np.full(n, MISSING.get(name), OPTIONAL[name]) if part is None else part for n, part in parts]
    return np.concatenate(filled)
