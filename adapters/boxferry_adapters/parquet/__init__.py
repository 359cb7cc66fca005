"""The format `parquet`: tables of detections, a row for each box, or a row for each image with lists.

The file format is defined at https://parquet.apache.org/docs/file-format/ and read by pyarrow (extra `parquet`); what
the columns are is not defined anywhere. They are known by their names, as results of detectors have them, where a name
has one meaning only, or by `--columns`: this is what Polars, DuckDB, pandas, Spark and Ray write. Folders may have
values in their names, `label=cat/part-0.parquet`, which are columns as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.formats import Format, Option
from boxferry.hookspecs import registering
from boxferry.parsing.files import heads_of, most
from boxferry_adapters.parquet.columns import FORMS
from boxferry_adapters.parquet.read import SUFFIXES, read
from boxferry_adapters.parquet.write import write

if TYPE_CHECKING:
    from boxferry.formats import Source

MAGIC = b"PAR1"


def sniff(source: Source) -> str | None:
    """Recognise the first four bytes of the first files."""
    heads = heads_of(source, *SUFFIXES)
    found = most([head.startswith(MAGIC) and len(head) > len(MAGIC) for head in heads])
    return "files that begin with PAR1, as Parquet does" if found else None


OPTIONS = (
    Option(
        name="columns",
        help="Parquet: which column is what, such as image=path,label=class_name,score=prob,box=bbox; the others are "
        "known by their names.",
    ),
    Option(
        name="parquet-box",
        help="Parquet: what the four numbers of a box are, where its column's name does not say it; n: shares.",
        choices=FORMS,
    ),
    Option(
        name="parquet-rows",
        writes=True,
        help="Parquet: what a row is in a file that is written.",
        default="boxes",
        choices=("boxes", "images"),
    ),
)


boxferry_register_formats = registering(
    Format(
        name="parquet",
        summary="Parquet tables, a row for each box or for each image, one file or a folder (extra 'parquet')",
        sniff=sniff,
        read=read,
        write=write,
        options=OPTIONS,
        writes_videos=True,
    )
)
