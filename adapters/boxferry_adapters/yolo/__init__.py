"""The format `yolo`: a text file an image, rows of class, centre and size, normalised, and perhaps a score.

The format is that of Ultralytics: https://docs.ultralytics.com/datasets/detect/ and, with a score in the last column,
what `predict` and `val` write with save_txt and save_conf.
"""

from __future__ import annotations

from boxferry.formats import Format, Option
from boxferry.hookspecs import registering
from boxferry_adapters.yolo.read import read
from boxferry_adapters.yolo.sniffing import sniff, stumble
from boxferry_adapters.yolo.write import write

OPTIONS = (
    Option(name="columns", help="YOLO: what each column is, such as cls,conf,x,y,w,h; also id, a track."),
    Option(
        name="yolo-kind",
        writes=True,
        help="YOLO: what the rows are; of a pose only the box is read. [seen in the files]",
        choices=("boxes", "segments", "obb", "pose"),
    ),
    Option(
        name="yolo-frames",
        help="YOLO: the files are frames of videos, <stem>_<n>.txt; the number of the first one.",
        choices=("0", "1"),
    ),
    Option(
        name="yolo-ids",
        writes=True,
        help="YOLO: what classes are written as: the ids that they were read with, or 0, 1, 2, … in their order.",
        default="keep",
        choices=("keep", "from-0"),
    ),
    Option(name="absolute", help="YOLO: coordinates are pixels, not shares.", default="no", choices=("no", "yes")),
)


SUMMARY = "a folder of text files, rows of 'class cx cy w h [score]' or outlines, normalised"
boxferry_register_formats = registering(
    Format(
        name="yolo",
        summary=SUMMARY,
        sniff=sniff,
        stumble=stumble,
        read=read,
        write=write,
        options=OPTIONS,
        keeps_files=True,
    )
)
