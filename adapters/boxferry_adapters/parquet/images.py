"""Which image a row is about: its name or id becomes the number that it has among those that were met."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import id_key
from boxferry.parsing.gather import BadImage, located, one_image
from boxferry.parsing.values import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.detections import Image
    from boxferry.formats import Context
    from boxferry.parsing.scatter import Scattered
    from boxferry_adapters.parquet.batch import Batch

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Images:
    """Numbers the images of a table, and knows their sizes."""

    def __init__(self, context: Context, boxes: Scattered) -> None:
        self._context = context
        self._boxes = boxes
        self._sizes = np.zeros((0, 2))

    def numbers(self, batch: Batch) -> NDArray[np.int64]:
        """(R,) the number of each row's image, -1 where it cannot be told; then its boxes are counted as dropped."""
        codes, names = batch.found["image"].coded()
        first = {code: row for row, code in reversed(list(enumerate(codes.tolist())))}
        found = np.full(len(names) + 1, -1, np.int64)  # the last is of rows without a name
        for code, row in sorted(first.items(), key=lambda pair: pair[1]):
            try:
                found[code] = self._number(None if code < 0 else names[code], batch, row)
            except BadImage as error:
                boxes = int(batch.counts[codes == code].sum())
                self._context.tally.skip(error.code, str(error), batch.place(row), boxes=boxes)
        return found[codes]

    def _number(self, name: Any, batch: Batch, row: int) -> int:  # noqa: ANN401 # any value of a table
        if name is None or name == "":
            raise BadImage("a row that does not say which image it is about", Code.NO_IMAGE)
        said = whole(batch.of_row("width", row)), whole(batch.of_row("height", row))
        framed = batch.has_frame(row)
        return self._boxes.image(str(name), lambda _: self._look(name, said, batch.file.shown, video=framed))

    def _look(self, name: Any, said: tuple[int, int], source: str, *, video: bool) -> Image:  # noqa: ANN401 # likewise
        with one_image():
            image = self._known(name, source) or located(self._context, [_path(str(name))], said=said, source=source)
        return msgspec.structs.replace(image, video=True) if video else image

    def _known(self, name: Any, source: str) -> Image | None:  # noqa: ANN401 # likewise
        """The image with this id in the dataset file, or of this name without a suffix."""
        images = self._context.images
        if (found := images.numbered(id_key(name))) is None and isinstance(name, str):
            path = _path(name)
            if not posixpath.splitext(path)[1] and path.strip("/\\. ") and (stem := images.stem(path)).media:
                found = stem
        return None if found is None else msgspec.structs.replace(found, source=source)

    def sizes(self) -> NDArray[np.float64]:
        """(M, 2) width and height of each image that was met, 0 where unknown."""
        new = self._boxes.images[len(self._sizes) :]
        if new:
            more = np.array([(image.width, image.height) for image in new], np.float64)
            self._sizes = np.concatenate((self._sizes, more))
        return self._sizes


def _path(name: str) -> str:
    """A name without the scheme of a URL."""
    return SCHEME.sub("", name, count=1)
