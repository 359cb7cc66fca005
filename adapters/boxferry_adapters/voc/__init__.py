"""The format `voc`: an XML file an image, or the devkit's result files, one a class; 1-based, the maxima inclusive.

The format is defined in the VOC2012 development kit,
http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html (sections 4 and 8). What it does not define:
`polygon`, whose points are taken for pixels like the corners of a box, and `robndbox` of roLabelImg, whose centre and
sides are taken for pixels of the plane, from 0.

The format `labelme-xml`: the files of LabelMe's web tool, which look like VOC's and count from 0. What stands in one is
described at http://labelme2.csail.mit.edu/Release3.0/browserTools/php/matlab_toolbox.php: an `object` has a `polygon`
of `pt`, each with `x` and `y` in pixels from 0, the image has an `imagesize` of `nrows` and `ncols`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from boxferry.errors import InputError
from boxferry.formats import Format, Option
from boxferry.hookspecs import registering
from boxferry_adapters.voc import annotation_files, results
from boxferry_adapters.voc.write import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Context, Source


def sniff(source: Source) -> str | None:
    """Recognise annotation files, or result files."""
    return annotation_files.sniff(source) or results.sniff(source)


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of the annotation files, or of the result files.

    Raises:
        InputError: there are none, or both.
    """
    has_xml, has_results = annotation_files.are_there(source), results.are_there(source)
    if has_xml and has_results:
        raise InputError(f"{source.name}: holds annotation files and result files; name one kind, as in '*.xml'")
    if not has_xml and not has_results:
        raise InputError(f"{source.name}: holds neither XML files nor result files comp*_det_*_<class>.txt")
    return annotation_files.read(source, context) if has_xml else results.read(source, context)


def sniff_labelme(source: Source) -> str | None:
    """Recognise annotation files whose outlines are LabelMe's."""
    return annotation_files.sniff(source, labelme=True)


def read_labelme(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for every 512 files; numbers are taken as they are."""
    return annotation_files.read(source, replace(context, options=AS_THEY_ARE))


AS_THEY_ARE = {"voc-origin": "0", "skip-difficult": "no", "parts": "no"}
ORIGIN = Option(
    name="voc-origin",
    writes=True,
    help="The first pixel's number: 1, as the format defines it, maxima inclusive; 0 takes numbers as they are. "
    "Where it is not given, it is 1, and a coordinate below 1 is an error.",
    choices=("1", "0"),
)
SKIP_DIFFICULT = Option(
    name="skip-difficult",
    help="Drop the boxes that a VOC file marks as difficult.",
    default="no",
    choices=("yes", "no"),
)
PARTS = Option(
    name="parts",
    help="Read the parts of VOC objects (head, hand) as boxes of their own.",
    default="no",
    choices=("yes", "no"),
)


boxferry_register_formats = registering(
    Format(
        name="voc",
        summary="a folder of XML files, or the devkit's result files comp*_det_*_<class>.txt",
        sniff=sniff,
        read=read,
        write=write,
        options=(ORIGIN, SKIP_DIFFICULT, PARTS),
        stumble=annotation_files.stumble,
    ),
    Format(
        name="labelme-xml",
        summary="a folder of XML files, as LabelMe's web tool writes them",
        sniff=sniff_labelme,
        read=read_labelme,
    ),
)
