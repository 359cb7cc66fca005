"""The source's own file of an image, as it is kept with a run: what people leave as it was comes home byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from boxferry.formats import read_file
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.detections import Image

MOST = 1 << 16  #: bytes; a file that is larger is not kept


def original_of(image: Image, scores: NDArray[np.float64]) -> bytes:
    """The file that an image's boxes were read from; empty where it is not worth keeping.

    Boxes come home without scores, so that a file with scores is never written as it was.

    Args:
        image: the image.
        scores: (N,) of its boxes, NaN for none.
    """
    if image.video or not len(scores) or not np.isnan(scores).all() or is_url(image.source):
        return b""
    try:
        found = read_file(image.source)
    except OSError:
        return b""
    return found if len(found) <= MOST else b""
