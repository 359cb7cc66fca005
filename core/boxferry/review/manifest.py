"""The manifest of a dataset: a row for each picture, the same bytes for the same pictures; and what changed since."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from boxferry.review.pictures import Picture

MANIFEST = "manifest.csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One picture.

    Attributes:
        file_id, name: of the file on the server.
        split: 'train' or 'val'.
        image, annotation: the paths in the dataset.
        width, height: pixels.
        boxes: how many it has.
        reviewed: when it was last changed, ISO 8601, by the server's clock.
        done: 'yes' where people have completed it, else 'no'.
        model, run: whose packet came last; empty where no run put a box there, and for annotations.
        digest: of its size and boxes.
    """

    file_id: str
    name: str
    split: str
    image: str
    annotation: str
    width: str
    height: str
    boxes: str
    reviewed: str
    done: str
    model: str
    run: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What differs from the dataset that was there before: names of pictures.

    Attributes:
        new: those that were not in it.
        changed: those whose boxes, size or part differ.
        gone: those that are not in it any more.
    """

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def row_of(picture: Picture, *, split: str, image: str, annotation: str) -> Row:
    """A picture's row."""
    file, last = picture.file, picture.last
    model, run = last.name if last else ("", "")
    changed = datetime.fromtimestamp(picture.changed, UTC).isoformat(timespec="seconds") if picture.changed else ""
    return Row(
        file_id=str(file.file_id),
        name=file.file_name,
        split=split,
        image=image,
        annotation=annotation,
        width=str(file.width),
        height=str(file.height),
        boxes=str(len(file.stored)),
        reviewed=changed,
        done="yes" if file.complete else "no",
        model=model,
        run=run,
        digest=digest_of(picture),
    )


def digest_of(picture: Picture) -> str:
    """16 hexadecimal digits that differ where the size or the boxes do, in whatever order the server gives them."""
    file = picture.file
    boxes = [
        msgspec.json.encode((box.frame, box.label, box.corners, box.rings, box.shape, box.number, box.attributes))
        for box in file.stored
    ]
    whole = b"\n".join((f"{file.width}x{file.height}".encode(), *sorted(boxes)))
    return blake2b(whole, digest_size=8).hexdigest()


def manifest_text(rows: Iterable[Row]) -> str:
    """The rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def read_manifest(path: Path) -> list[Row]:
    """The rows of a manifest; none where there is no such file.

    Raises:
        InputError: it is not a manifest of a dataset.
    """
    if not path.exists():
        return []
    names = [each.name for each in fields(Row)]
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if list(reader.fieldnames or ()) != names:
            raise InputError(f"{path}: not a manifest of a dataset that 'boxferry pull' wrote: name another folder")
        return [Row(**{name: row[name] or "" for name in names}) for row in reader]


def changes(before: Iterable[Row], now: Iterable[Row]) -> Changes:
    """What differs between two manifests, in the order of the pictures."""
    old, new = {row.file_id: row for row in before}, {row.file_id: row for row in now}
    both = [(old[number], row) for number, row in new.items() if number in old]
    return Changes(
        new=[row.name for number, row in new.items() if number not in old],
        changed=[row.name for was, row in both if (was.digest, was.split) != (row.digest, row.split)],
        gone=[row.name for number, row in old.items() if number not in new],
    )
