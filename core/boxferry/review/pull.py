"""Brings the boxes of a run's files home: what was predicted, out of the outbox, and what the server has now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.packets.reference import detection, parsed
from boxferry.review.fates import Judged, Predicted, Stored, fates_of
from boxferry.sending.holdings import Holdings
from boxferry.sending.target import REPLACING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from boxferry.diffgram.client import Client
    from boxferry.review.cache import Cache
    from boxferry.sending.outbox import Entry, Outbox, Run

CORNERS = ("x_min", "y_min", "x_max", "y_max")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewedFile:
    """One file of a run, with what became of its boxes.

    Attributes:
        file_name, file_id: of the file on the server.
        width, height: its size in pixels, as the server recorded it.
        video: whether it is a video.
        media: where its pixels are on this machine; empty where unknown.
        complete: whether the server says that its annotation is complete.
        predicted: the boxes that this run sent.
        stored: the boxes that it has now.
        judged: the fate of each.
    """

    file_name: str
    file_id: int
    width: int = 0
    height: int = 0
    video: bool = False
    media: str = ""
    complete: bool = False
    predicted: list[Predicted] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)

    @property
    def reviewed(self) -> bool:
        """Whether somebody has looked at it, as far as the server can tell: it is complete, or a box has changed.

        A file that was looked at, left as it is and not marked as complete, cannot be told from one that was not.
        """
        return self.complete or any(box.fate != "kept" for box in self.judged) or any(s.touched for s in self.stored)


def pulled(
    client: Client, outbox: Outbox, run: Run, labels: Mapping[int, str], cache: Cache, *, connections: int
) -> Iterator[ReviewedFile]:
    """The files of a run in the order in which they were sent; what an earlier, broken-off pull has is not asked again.

    Args:
        client: asks the server.
        outbox: knows what was sent.
        run: the run.
        labels: label_file_id → label, of the labels that the server has.
        cache: keeps each file's answer.
        connections: how many calls are made at once.

    Raises:
        DiffgramError: the server cannot be asked; what was pulled so far is in the cache.
    """
    sent = files_of(outbox, run)
    complete = {file.id for file in client.files(run.directory_id) if file.ann_is_complete}
    holdings = Holdings(client, run.directory_id)

    def ask(file: SentFile) -> dict[str, Any]:
        if (known := cache.get(file.file_id)) is not None:
            return known
        viewed = holdings.view(file.file_id)
        width, height = viewed.size
        video = viewed.video is not None
        rows = holdings.rows(file.file_id, video=video)
        return cache.put(file.file_id, {"width": width, "height": height, "video": video, "rows": rows})

    with ThreadPoolExecutor(connections) as pool:
        for file, answer in zip(sent, pool.map(ask, sent), strict=True):
            stored = [_stored(row, labels) for row in answer["rows"]]
            yield ReviewedFile(
                file_name=file.file_name,
                file_id=file.file_id,
                width=answer["width"],
                height=answer["height"],
                video=answer["video"],
                media=file.media,
                complete=file.file_id in complete,
                predicted=file.predicted,
                stored=stored,
                judged=fates_of(file.predicted, stored),
            )


@dataclass(slots=True)
class SentFile:
    """What a run sent for one file."""

    file_name: str
    file_id: int
    media: str = ""
    predicted: list[Predicted] = field(default_factory=list)


def files_of(outbox: Outbox, run: Run) -> list[SentFile]:
    """The files of which something was applied, with the boxes that were sent last."""
    found: dict[int, SentFile] = {}
    for entry in outbox.entries(run.id, ("applied",)):
        if entry.file_id is None:
            continue  # a long video, whose clips are files of their own
        file = found.setdefault(entry.file_id, SentFile(entry.file_name, entry.file_id))
        file.media = file.media or (entry.media if entry.route == "upload" else "")
        boxes = _predicted(outbox, entry)
        known = {box.reference for box in file.predicted}
        file.predicted = (
            boxes if entry.mode in REPLACING else file.predicted + [b for b in boxes if b.reference not in known]
        )
    return list(found.values())


def _predicted(outbox: Outbox, entry: Entry) -> list[Predicted]:
    packet = msgspec.json.decode(outbox.body(entry.id))
    boxes: Iterable[dict[str, Any]] = packet.get("instance_list") or ()
    for frame in (packet.get("frame_packet_map") or {}).values():
        boxes = [*boxes, *frame]
    found: dict[str, Predicted] = {}
    for box in boxes:
        reference = parsed(box.get("creation_ref_id"))
        if reference is not None:
            found.setdefault(
                detection(box["creation_ref_id"]),
                Predicted(
                    reference=box["creation_ref_id"],
                    label=reference.label,
                    corners=tuple(map(float, reference.corners)),  # type: ignore[arg-type] # four of them
                    score=box.get("score"),
                    frame=reference.frame,
                ),
            )
    return list(found.values())


def _stored(row: dict[str, Any], labels: Mapping[int, str]) -> Stored:
    number = row.get("label_file_id")
    return Stored(
        row_id=row["id"],
        reference=row.get("creation_ref_id") or "",
        label=labels.get(number or 0, f"label {number}"),
        corners=_corners(row),
        score=row.get("score"),
        machine_made=bool(row.get("machine_made")),
        touched=(row.get("version") or 1) > 1 or row.get("previous_id") is not None,
        frame=row.get("frame_number"),
    )


def _corners(row: dict[str, Any]) -> tuple[float, float, float, float]:
    """The box of a row, or the bounds of a polygon."""
    if points := row.get("points") or []:
        xs, ys = [point["x"] for point in points], [point["y"] for point in points]
        return float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))
    x_min, y_min, x_max, y_max = (float(row.get(name) or 0) for name in CORNERS)
    return x_min, y_min, x_max, y_max
