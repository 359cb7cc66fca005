"""The format `openimages`: CSV rows of boxes as shares of the image, or of predictions, as Open Images has them.

The format is defined at https://storage.googleapis.com/openimages/web/download_v7.html#df-annotations-format (boxes:
`ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,…`, the id being the file's name without suffix) and
at https://www.kaggle.com/c/google-ai-open-images-object-detection-track/overview/evaluation (predictions:
`ImageId,PredictionString`, six words a box: label, confidence, XMin, YMin, XMax, YMax). A `Confidence` of 1 in boxes
that people drew (`Source` xclick or activemil) is no score, as the first page says. A flag of -1 is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.formats import Format, Option, Stumble
from boxferry.hookspecs import registering
from boxferry.parsing.files import heads_of, most
from boxferry_adapters.openimages.read import BOXES, PREDICTIONS, columns_of, header_of, read

if TYPE_CHECKING:
    from boxferry.formats import Source


def sniff(source: Source) -> str | None:
    """Recognise the header of the first files."""
    found = [header_of(head) for head in heads_of(source, ".csv")]
    if not most(found):
        return None
    first = next(filter(None, found))
    columns = BOXES if set(first) >= BOXES else PREDICTIONS
    return f"a CSV header with {', '.join(name for name in first if name in columns)}"


def stumble(source: Source) -> Stumble | None:
    """The columns that a header lacks, which has some of the format's."""
    for head in heads_of(source, ".csv")[:1]:
        names = set(columns_of(head))
        missing = sorted(BOXES - names)
        if len(missing) < len(BOXES):
            found = f"a header without {', '.join(missing)}"
            return Stumble(where=f"{source.name}:1", found=found, share=1 - len(missing) / len(BOXES))
    return None


CLASSES = Option(
    name="openimages-classes",
    help="Open Images: the CSV file of class descriptions (LabelName,DisplayName), which names /m/… labels.",
)
GROUPS = Option(
    name="openimages-groups",
    help="Open Images: boxes that span a group of objects (IsGroupOf 1).",
    default="drop",
    choices=("drop", "keep"),
)


SUMMARY = "CSV rows 'ImageID,Source,LabelName,Confidence,XMin,…', or ImageId,PredictionString, as Open Images has"
boxferry_register_formats = registering(
    Format(name="openimages", summary=SUMMARY, sniff=sniff, stumble=stumble, read=read, options=(CLASSES, GROUPS))
)
