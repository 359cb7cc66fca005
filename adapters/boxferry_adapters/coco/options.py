"""The options of the format, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from boxferry.errors import UsageError
from boxferry.formats import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

BBOX_FORMATS = ("xywh", "xyxy", "cxcywh", "xywhn", "xyxyn", "cxcywhn")
OPTIONS = (
    Option(
        name="bbox-format",
        help="COCO: what the four numbers of a bbox are, where they are not [x, y, width, height]; n: shares.",
        choices=BBOX_FORMATS,
    ),
    Option(name="category-offset", help="COCO: added to each category id, as 1 where a model counts from 0."),
    Option(name="image-id-offset", help="COCO: added to each image id, as 1 where the results count from 0."),
    Option(
        name="image-by",
        help="COCO: which tells the image of a result whose file_name contradicts its image_id.",
        choices=("id", "file_name"),
    ),
    Option(
        name="crowd",
        help="COCO: what happens to annotations that are crowd regions (iscrowd 1).",
        default="drop",
        choices=("drop", "keep"),
    ),
    Option(name="scale-from", help="COCO: boxes are in a model's input: WxH, or WxH,letterbox."),
    Option(name="file-id-field", help="COCO: the key of an image under which its file id on the server stands."),
    Option(
        name="coco-video",
        help="COCO: images with video_id and frame_id are frames of videos; the number of the first one.",
        choices=("0", "1"),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CocoOptions:
    """What the options say.

    Attributes:
        bbox_format: one of `BBOX_FORMATS`; None where it was not given: then 'xywh', and the numbers are watched.
        category_offset: added to each whole category id.
        image_offset: added to each whole image id.
        image_by: 'id' or 'file_name', which tells the image where the two contradict each other; None for an error.
        crowds: annotations that are crowd regions are boxes too.
        scale_from: width and height of a model's input that the boxes are in; None for the image's own pixels.
        letterbox: the image was fitted into that input with equal borders, rather than stretched.
        file_id_field: a key of images, or empty.
        video_origin: the number of the first frame; None where images are stills.
    """

    bbox_format: str | None = None
    category_offset: int = 0
    image_offset: int = 0
    image_by: str | None = None
    crowds: bool = False
    scale_from: tuple[int, int] | None = None
    letterbox: bool = False
    file_id_field: str = ""
    video_origin: int | None = None

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Out of the values that were given.

        Raises:
            UsageError: one of them is not of its form.
        """
        scale, origin = (options.get(name, "") for name in ("scale-from", "coco-video"))
        found = re.fullmatch(r"(\d{1,6})[xX](\d{1,6})(,letterbox)?", scale) if scale else None
        if scale and (found is None or "0" in found.groups()):
            raise UsageError(f"--scale-from: '{scale}', expected WIDTHxHEIGHT or WIDTHxHEIGHT,letterbox")
        return cls(
            bbox_format=options.get("bbox-format") or None,
            category_offset=_whole(options, "category-offset"),
            image_offset=_whole(options, "image-id-offset"),
            image_by=options.get("image-by") or None,
            crowds=options.get("crowd") == "keep",
            scale_from=(int(found[1]), int(found[2])) if found else None,
            letterbox=bool(found and found[3]),
            file_id_field=options.get("file-id-field", ""),
            video_origin=int(origin) if origin else None,
        )

    @property
    def needs_sizes(self) -> bool:
        """Whether a box cannot be read without the size of its image."""
        return self.scale_from is not None or (self.bbox_format or "").endswith("n")

    @property
    def has_sides(self) -> bool:
        """Whether the last two of the four numbers are a width and a height."""
        return "wh" in (self.bbox_format or "xywh")

    def corners(self, bbox: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 4) xyxy in pixels of the image, out of the numbers of N bboxes and the sizes (N, 2) of their images."""
        form = self.bbox_format or "xywh"
        low, high = bbox[:, :2], bbox[:, 2:]
        if form.startswith("cxcywh"):
            low, high = low - high / 2, low + high / 2
        elif form.startswith("xywh"):
            high = low + high
        if form.endswith("n"):
            low, high = low * sizes, high * sizes
        if self.scale_from is not None:
            low, high = self._unscaled(low, sizes), self._unscaled(high, sizes)
        return np.hstack((low, high))

    def _unscaled(self, points: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        model = np.array(self.scale_from, np.float64)
        if not self.letterbox:
            return points * sizes / model
        ratio = np.min(model / sizes, axis=1, keepdims=True)
        unscaled: NDArray[np.float64] = (points - (model - sizes * ratio) / 2) / ratio
        return unscaled


def _whole(options: Mapping[str, str], name: str) -> int:
    text = options.get(name, "")
    if text and not re.fullmatch(r"[+-]?\d{1,9}", text):
        raise UsageError(f"--{name}: '{text}', expected a whole number")
    return int(text or 0)
