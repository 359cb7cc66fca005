"""The packets for files that are there: more boxes, other boxes, or those of another packet that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.outbox.entry import Entry
from boxferry.outbox.kinds import REPLACING, Via
from boxferry.outbox.source_image import image_text
from boxferry.packets.bodies import ADD, REPLACE, Packet, encode
from boxferry.packets.contents import (
    Contents,
    among,
    apart_from,
    appending,
    boxes_in,
    boxes_of,
    detections_of,
    frames_in,
    with_boxes,
)
from boxferry.packets.rows import deleted_box
from boxferry.stored.removals import naming, noted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from boxferry.packets.rows import Row
    from boxferry.plan.routes import Route
    from boxferry.plan.target import Target


def entry(route: Route | None, target: Target, contents: Contents, *, directory_id: int) -> Entry:
    """The packet for one file as the outbox takes it; `route` makes those of new files."""
    if target.file_id is not None:
        body = update_body(target, contents, directory_id)
    elif route is not None:
        body = route.body(target, contents)
    else:
        raise ValueError(target)
    return Entry(
        route=Via.EXISTING if target.file_id is not None or route is None else route.name,
        mode=target.mode,
        file_name=target.file_name,
        file_id=target.file_id,
        media=target.media,
        body=body,
        boxes=contents.boxes,
        width=target.width,
        height=target.height,
        mark=target.mark,
        image=image_text(target.key, target.image_id),
        original=target.original,
    )


def update_body(target: Target, contents: Contents, directory_id: int) -> bytes:
    """The packet that appends to a file, or replaces boxes of it; the boxes to be kept are put in by `replacing`."""
    packet = Packet(file_id=target.file_id or 0, mode=ADD)
    if target.mode in REPLACING:
        packet.mode, packet.directory_id = REPLACE, directory_id
    return encode(contents.put(packet))


def only_missing(body: bytes, file_id: int, missing: Collection[str]) -> tuple[bytes, int]:
    """The packet that appends those boxes of another one whose references are missing from a file; and their number."""
    found = among(frames_in(body), missing)
    return appending(file_id, found), len(boxes_of(found))


def leaving_out(body: bytes, references: Collection[str]) -> tuple[bytes, int]:
    """A packet without the boxes that have one of these references; and how many detections are left in it."""
    left = apart_from(frames_in(body), references)
    return with_boxes(body, left), detections_of(left)


def cleared(rows: Sequence[Row]) -> list[Row]:
    """The list of a packet after which a file has no box, since an empty one is refused: a box that comes deleted."""
    return [deleted_box(rows[0].label_id)]


def replacing(
    body: bytes,
    kept: Sequence[Row],
    rows: Sequence[Row],
    *,
    changed: float,
    read: float = 0.0,
    planned: float = 0.0,
    clear: bool = False,
    models: Collection[str] = (),
) -> bytes | None:
    """The packet with the rows that are to stay in its list, as they were read, null fields left out.

    A new box that a kept row comes from is left out: people have corrected it.

    Args:
        body: the packet with its new boxes alone.
        kept: the rows that are to stay.
        rows: all that the file holds.
        changed: when it was last changed, see `removals`.
        read: when its boxes were read.
        planned: when the packet's push began to plan.
        models: the models whose boxes give way; the packet names them.
        clear: let the file have no box afterwards, where none is left.

    Returns:
        The packet, with a note of what it takes away; None where nothing would be in the list: the server takes no
        empty one.
    """
    corrected = {row.reference for row in kept}
    stay = [row.filled for row in kept]
    new = [box for box in boxes_in(body) if box.reference not in corrected]
    if not stay and not new:
        if not (clear and rows):
            return None
        stay = cleared(rows)
    listed = noted([*stay, *new], rows, changed=changed, read=read)
    return with_boxes(body, {None: naming(listed, models, planned=planned)})
