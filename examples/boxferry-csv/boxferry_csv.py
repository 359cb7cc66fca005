"""The format `csv`: one detection a row of a table in text; a plugin in a distribution of its own.

Say here where the format is defined, in what unit coordinates are, and from which number pixels count.
"""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import TYPE_CHECKING

from boxferry.boxes.tally import Place
from boxferry.formats import Format, Option
from boxferry.hookspecs import hookimpl
from boxferry.parsing.gather import BadBox, BadImage, Box, located
from boxferry.parsing.scatter import Scattered
from boxferry.parsing.values import label_of, number, score_of, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Source

NEEDED = ("image", "label", "x_min", "y_min", "x_max", "y_max")
CORNERS = NEEDED[2:]
DELIMITER = Option(name="csv-delimiter", help="csv: what stands between two columns.", default=",")


def sniff(source: Source) -> str | None:
    """Recognise the columns that the first line names; whatever delimiter is between them."""
    first = source.head.decode("utf-8-sig", "replace").partition("\n")[0]
    return f"a first line with {', '.join(NEEDED)}" if all(name in first for name in NEEDED) else None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of images; the rows of an image may stand anywhere, and a row that is no box is skipped."""
    with Scattered(context, row_unit="line") as boxes, io.TextIOWrapper(source.open(), "utf-8-sig", "replace") as text:
        file = boxes.file(source.name)
        rows = csv.DictReader(text, delimiter=context.options["csv-delimiter"])
        for row in rows:
            place = Place(source.name, line=rows.line_num)
            try:
                image = boxes.image(row.get("image") or "", partial(image_of, row, place, context))
                boxes.add(image, box_of(row, place, boxes), file)
            except (BadBox, BadImage) as error:
                context.tally.skip(error.code, str(error), place)
        yield from boxes.chunks()


def image_of(row: dict[str, str], place: Place, context: Context, name: str) -> Image:
    """The image of that name, as the images folder or the dataset file knows it, with the size that the row gives.

    `located` asks `context.images.named`: the Image that it gives has the path of its pixels, so that they can be
    uploaded. An Image that is made here has none.

    Raises:
        BadImage: nothing names it, several images answer, or the sizes differ.
    """
    said = whole(row.get("width")), whole(row.get("height"))
    return located(context, [name], said=said, source=place.source)


def box_of(row: dict[str, str], place: Place, boxes: Scattered) -> Box:
    """The box of a row: pixels, 0-based, maxima exclusive.

    Raises:
        BadBox: it is none; the text says why.
    """
    x_min, y_min, x_max, y_max = (number(row.get(side), side) for side in CORNERS)
    return Box(
        code=boxes.vocabulary.add(label_of(row.get("label"))),
        corners=(x_min, y_min, x_max, y_max),
        score=score_of(row.get("score")),
        row=place.line or -1,
    )


@hookimpl
def boxferry_register_formats(register: Callable[[Format], None]) -> None:
    """Bring the format in."""
    summary = "a table in text with the columns image, label, x_min, y_min, x_max, y_max, and perhaps score"
    register(Format(name="csv", summary=summary, sniff=sniff, read=read, options=(DELIMITER,)))
