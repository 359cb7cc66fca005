"""Detections as lines of JSON, one image a line: nothing is lost, and a line that was cut off costs itself alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.detections import Detections, Image, objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION = 1
LARGEST = 2**31 - 1  #: of sizes, frames and ids


class Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One image with its boxes.

    Attributes:
        boxferry: the version of the format.
        image: the image.
        xyxy: (N, 4) pixels, as `Detections.xyxy`; null for what is no finite number.
        label: (N,) label names.
        score: (N,) null for none.
        frame, track, polygons, attributes: (N,) as the columns of `Detections`, or null.
    """

    boxferry: int
    image: Image
    xyxy: list[tuple[float | None, float | None, float | None, float | None]] = []
    label: list[str] = []
    score: list[float | None] = []
    frame: list[int] | None = None
    track: list[int] | None = None
    polygons: list[list[list[tuple[float, float]]] | None] | None = None
    attributes: list[dict[str, Any] | None] | None = None

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        columns: dict[str, Any] = {"label": self.label, "score": self.score, "frame": self.frame, "track": self.track}
        columns |= {"polygons": self.polygons, "attributes": self.attributes}
        for name, column in columns.items():
            if column is not None and len(column) != n:
                raise ValueError(f"{name}: {len(column)} values for {n} boxes")
        whole = [self.image.width, self.image.height, self.image.frames, self.image.file_id, *(self.frame or ())]
        if any(not 0 <= number <= LARGEST for number in whole) or any(abs(t) > LARGEST for t in self.track or ()):
            raise ValueError(f"a size, frame or id that is not between 0 and {LARGEST}")


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def encoded(detections: Detections) -> Iterator[bytes]:
    """A line for each image, with its line break."""
    for image, rows in detections.each_image():
        label = [detections.labels[code] for code in detections.label[rows].tolist()]
        score = [None if np.isnan(value) else value for value in detections.score[rows].tolist()]
        rings = None if detections.polygons is None else [_points(value) for value in detections.polygons[rows]]
        attributes = None if detections.attributes is None else list(detections.attributes[rows])
        line = Line(
            boxferry=VERSION,
            image=image,
            xyxy=[tuple(corners) for corners in detections.xyxy[rows].tolist()],
            label=label,
            score=score,
            frame=None if detections.frame is None else detections.frame[rows].tolist(),
            track=None if detections.track is None else detections.track[rows].tolist(),
            polygons=rings,
            attributes=attributes,
        )
        yield _encoder.encode(line) + b"\n"


def _points(rings: Any) -> Any:  # noqa: ANN401 # a tuple of (K, 2) arrays, or None
    return None if rings is None else [ring.tolist() for ring in rings]


def decoded(line: bytes) -> Line:
    """What a line holds.

    Raises:
        ValueError: it is none, was cut off, or is of another version.
    """
    found = _decoder.decode(line)
    if found.boxferry != VERSION:
        raise ValueError(f"format {found.boxferry}, expected {VERSION}")
    return found


def joined(lines: Iterable[Line]) -> Detections:
    """The images of several lines as a chunk."""
    lines = list(lines)
    labels = list(dict.fromkeys(name for line in lines for name in line.label))
    code = {name: index for index, name in enumerate(labels)}
    return Detections.from_counts(
        [line.image for line in lines],
        [len(line.xyxy) for line in lines],
        [[np.nan if value is None else value for value in corners] for line in lines for corners in line.xyxy],
        [code[name] for line in lines for name in line.label],
        labels,
        score=[np.nan if value is None else value for line in lines for value in line.score],
        row=[index for line in lines for index in range(len(line.xyxy))],
        row_unit="item",
        frame=_column(lines, "frame", 0),
        track=_column(lines, "track", -1),
        polygons=_rings(lines),
        attributes=_values(lines),
    )


def _column(lines: list[Line], name: str, missing: int) -> list[int] | None:
    if all(getattr(line, name) is None for line in lines):
        return None
    return [value for line in lines for value in getattr(line, name) or [missing] * len(line.xyxy)]


def _rings(lines: list[Line]) -> Any:  # noqa: ANN401 # (N,) object, or None
    if all(line.polygons is None for line in lines):
        return None
    found = [each for line in lines for each in line.polygons or [None] * len(line.xyxy)]
    return objects([None if rings is None else tuple(np.array(r, np.float64) for r in rings) for rings in found])


def _values(lines: list[Line]) -> Any:  # noqa: ANN401 # (N,) object, or None
    if all(line.attributes is None for line in lines):
        return None
    return objects([each for line in lines for each in line.attributes or [None] * len(line.xyxy)])
