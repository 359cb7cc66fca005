"""Reads tables into chunks: batch by batch, a few columns at a time; an image's rows may stand anywhere in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import id_key
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import for_library
from boxferry.parsing.files import files_of
from boxferry.parsing.scatter import ROW, Scattered
from boxferry_adapters.parquet.batch import Batch
from boxferry_adapters.parquet.columns import layout_of, parse_columns
from boxferry_adapters.parquet.extras import Extras
from boxferry_adapters.parquet.images import Images
from boxferry_adapters.parquet.library import pyarrow
from boxferry_adapters.parquet.table import leaves_of, partitions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File
    from boxferry_adapters.parquet.columns import Layout

SUFFIXES = (".parquet", ".parq", ".pq")
BATCH_ROWS = 1 << 15
LARGE = 2  #: pixels; on a larger image, boxes within 0 and 1 are shares


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of images, each with its boxes of all rows and files; a file that cannot be read fails alone.

    Raises:
        UsageError: pyarrow is missing, or a column that was named.
        InputError: no column is known for something that is needed, class ids have no names, or boxes look like shares.
    """
    pyarrow()
    given = parse_columns(context.options["columns"])
    with Scattered(context, context.names) as boxes:
        reader = _Reader(context, boxes, given)
        for file in files_of(source, *SUFFIXES):
            reader.take(file)
        reader.judge(source.name)
        yield from boxes.chunks()


class _Reader:
    def __init__(self, context: Context, boxes: Scattered, given: Mapping[str, str]) -> None:
        self._context = context
        self._boxes = boxes
        self._given = given
        self._images = Images(context, boxes)
        self._highest = -np.inf
        self._shares = False
        self._unreadable = 0

    def take(self, file: File) -> None:
        """All rows of a file.

        Raises:
            UsageError: a column that was named is not there.
            InputError: no column is known for something that is needed.
        """
        pa = pyarrow()
        try:
            with for_library(file.path) as opened, pa.parquet.ParquetFile(opened) as table:
                self._rows(table, file)
        except (pa.ArrowException, OSError, MemoryError, ValueError, OverflowError) as error:
            message = str(error).partition("\n")[0][:200] or type(error).__name__
            self._context.tally.fail(Code.UNREADABLE, f"cannot be read as Parquet: {message}", Place(file.shown))

    def _rows(self, table: Any, file: File) -> None:  # noqa: ANN401 # pyarrow has no types
        partitions = partitions_of(file.relative)
        leaves = leaves_of(table.schema_arrow, partitions)
        layout = layout_of(leaves, self._given, self._context.options["parquet-box"], file.shown)
        extras = Extras(self._context, layout, leaves)
        self._shares |= layout.shares
        wanted = {path.partition(".")[0] for path in (*layout.paths.values(), *extras.paths)}
        names = [name for name in table.schema_arrow.names if name in wanted]
        number, first = self._boxes.file(file.shown), 0
        for rows in table.iter_batches(batch_size=BATCH_ROWS, columns=names):
            batch = Batch(rows, layout, partitions, file, first)
            batch.without_unequal(self._context)
            self._boxes.extend(self._records(batch, layout, extras, partitions, number))
            first += rows.num_rows
        self._unreadable += extras.unreadable

    def _records(
        self, batch: Batch, layout: Layout, extras: Extras, partitions: Mapping[str, str], number: int
    ) -> NDArray[np.void]:
        """The boxes of a batch; each that is none is skipped with its row and the reason."""
        image = self._images.numbers(batch)[batch.owner]
        sizes = np.vstack((self._images.sizes(), (0, 0)))[image]  # the last is of no image
        corners, (label, labels) = batch.corners(), batch.labelled()
        keep = (image >= 0) & ~batch.empty(corners, label)
        for code, message, gone in batch.refusals(corners, label, np.asarray((sizes > 0).all(axis=1))):
            for row in batch.rows[keep & gone].tolist():
                self._context.tally.skip(code, message, Place(batch.file.shown, item=row))
            keep &= ~gone
        codes = self._codes(label[keep], labels, batch, keep)
        keep[keep] = codes >= 0
        if layout.shares:
            corners *= np.tile(sizes, 2)
        rows = np.zeros(int(keep.sum()), ROW)
        rows["xyxy"], rows["image"], rows["label"] = corners[keep], image[keep], codes[codes >= 0]
        for role, missing in (("score", np.nan), ("frame", 0.0), ("track", -1.0)):
            rows[role] = batch.numbers(role, missing)[keep]
        rows["row"], rows["file"] = batch.rows[keep], number
        rows["extra"] = extras.kept(batch, keep, sizes if layout.shares else None, partitions, self._boxes)
        self._highest = max(self._highest, float(rows["xyxy"].max(initial=-np.inf)))
        return rows

    def _codes(
        self, label: NDArray[np.int64], labels: list[Any], batch: Batch, keep: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """(K,) the code of each kept box's label, -1 where a class has no name: that one is remembered."""
        vocabulary = self._boxes.vocabulary
        if "label" in batch.found:
            found = {code: vocabulary.add(" ".join(labels[code].split())) for code in np.unique(label).tolist()}
        elif not self._context.names and len(label):
            raise InputError(
                f"{batch.file.shown}: class ids need names; add --names FILE or LIST, or --categories FILE"
            )
        else:
            found = {}
            for code, count in zip(*(each.tolist() for each in np.unique(label, return_counts=True)), strict=True):
                first = int(batch.rows[keep][label == code][0])
                place = Place(batch.file.shown, item=first)
                found[code] = vocabulary.code(id_key(labels[code]), place, boxes=count)
        return np.array([found[code] for code in label.tolist()], np.int64)

    def judge(self, name: str) -> None:
        """See that boxes are pixels, and note outlines that cannot be read.

        Raises:
            InputError: all lie within 0 and 1, and nothing says that this is meant.
        """
        large = (self._images.sizes() > LARGE).all(axis=1).any()
        if 0 < self._highest <= 1 and large and not self._shares and not self._context.options["parquet-box"]:
            raise InputError(
                f"{name}: all boxes lie within 0 and 1: shares of the image? --parquet-box xyxyn (xywhn, cxcywhn) says "
                "so, and xyxy that they are pixels"
            )
        if self._unreadable:
            message = f"{self._unreadable} outlines cannot be read: those boxes go as boxes"
            self._context.tally.note(Code.NO_OUTLINE, message, Place(name))
