"""Convert many files of predictions with Ray Data, each in a task: python examples/ray_convert.py OUT FILE...

Each file is read in pieces and written in pieces, so that memory does not grow with it; Ray decides which machine does
which, so that OUT and the files have to be on a disk that all of them share; files may be at URLs (s3://…). Files are
shards of Parquet, or of COCO datasets, each with images of its own; what is written are lines of the format `boxferry`,
which `boxferry push OUT` sends. A task that is tried again writes its file anew.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray

from boxferry import read

Task = Callable[[dict[str, Any]], dict[str, Any]]


def convert(row: dict[str, Any]) -> dict[str, Any]:
    """Convert one file; what is half written has another name, which no other attempt has."""
    done = Path(row["out"])
    begun = done.with_name(f".{done.name}.{uuid.uuid4().hex[:12]}")
    tally = read(row["file"]).write(begun, to="boxferry")
    begun.rename(done)
    dropped = tally.dropped.total()
    return {"file": row["file"], "images": tally.images, "boxes": tally.read, "dropped": dropped}


def converted(files: list[str], out: Path, task: Task = convert) -> Any:  # noqa: ANN401 # a pandas DataFrame
    """A row for each file: how many images and boxes it has, and how many of these were dropped."""
    rows = [
        {
            "file": file if "://" in file else str(Path(file).absolute()),
            "out": f"{out.absolute() / Path(file).stem}.ndjson",
        }
        for file in files
    ]
    if len({row["out"] for row in rows}) < len(rows):
        sys.exit("two of the files have one name: convert them into folders of their own")
    out.mkdir(parents=True, exist_ok=True)
    return ray.data.from_items(rows, override_num_blocks=len(rows)).map(task).to_pandas()


def main(out: str, *files: str) -> None:
    """Convert, and print the numbers."""
    found = converted(list(files), Path(out))
    print(f"{found.images.sum()} images, {found.boxes.sum()} boxes read, {found.dropped.sum()} dropped")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python examples/ray_convert.py OUT FILE...")
    main(*sys.argv[1:])
