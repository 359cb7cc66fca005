"""The format `labelme-xml`: the files of LabelMe's web tool, which look like VOC's and count from 0.

What stands in a file is described at http://labelme2.csail.mit.edu/Release3.0/browserTools/php/matlab_toolbox.php: an
`object` has a `polygon` of `pt`, each with `x` and `y` in pixels from 0, the image has an `imagesize` of `nrows` and
`ncols`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from boxferry.formats import Format
from boxferry_adapters.voc import annotation_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Context, Source

AS_THEY_ARE = {"voc-origin": "0", "skip-difficult": "no", "parts": "no"}


def sniff(source: Source) -> str | None:
    """Recognise annotation files whose outlines are LabelMe's."""
    return annotation_files.sniff(source, labelme=True)


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for every 512 files; numbers are taken as they are."""
    return annotation_files.read(source, replace(context, options=AS_THEY_ARE))


FORMAT = Format(
    name="labelme-xml", summary="a folder of XML files, as LabelMe's web tool writes them", sniff=sniff, read=read
)
