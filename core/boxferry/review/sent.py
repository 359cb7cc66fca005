"""What a run sent, read out of the outbox: the files, and the boxes of a packet's body."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from boxferry.destination import around
from boxferry.outbox.kinds import Via
from boxferry.outbox.outcome import State
from boxferry.outbox.source_image import UNKNOWN, SourceImage, source_image
from boxferry.packets.reference import detection, is_ours, parsed
from boxferry.review.judged import Predicted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox


@dataclass(slots=True)
class SentFile:
    """What a run sent for one file, in all its packets, those that later ones replaced too."""

    file_name: str
    file_id: int
    media: str = ""
    image: SourceImage = UNKNOWN
    predicted: list[Predicted] = field(default_factory=list)


def files_of(outbox: Outbox, run: Run) -> list[SentFile]:
    """The files of which something was applied, with the boxes that were sent, each once."""
    found: dict[int, SentFile] = {}
    for entry in outbox.entries(run.id, (State.APPLIED,)):
        if entry.file_id is None:
            continue  # a long video, whose clips are files of their own
        file = found.setdefault(entry.file_id, SentFile(entry.file_name, entry.file_id))
        file.media = file.media or (entry.media if entry.route == Via.UPLOAD else "")
        file.image = file.image if file.image.key else source_image(entry.image)
        boxes = predicted_in(outbox.body(entry.id))
        known = {box.reference for box in file.predicted}
        file.predicted += [box for box in boxes if box.reference not in known]
    return list(found.values())


class _Point(msgspec.Struct, frozen=True, gc=False):
    x: float
    y: float


class _Sent(msgspec.Struct, frozen=True, gc=False):
    creation_ref_id: str | None = None
    label_file_id: int | None = None
    score: float | None = None
    points: list[_Point] | None = None


class _Packet(msgspec.Struct, frozen=True):
    instance_list: list[_Sent] | None = None
    frame_packet_map: dict[str, list[_Sent]] | None = None


_packet = msgspec.json.Decoder(_Packet)


def predicted_in(body: bytes) -> list[Predicted]:
    """The boxes of a packet, or of an input, as they were sent; those that were made here."""
    packet = _packet.decode(body)
    found: dict[str, list[_Sent]] = {}
    for box in chain(packet.instance_list or (), *(packet.frame_packet_map or {}).values()):
        if is_ours(box.creation_ref_id):
            found.setdefault(detection(box.creation_ref_id), []).append(box)
    return [made for parts in found.values() if (made := _as_sent(parts)) is not None]


def _as_sent(parts: list[_Sent]) -> Predicted | None:
    """One box as it was sent, in one part or, as an outline, in several."""
    first, reference = parts[0], parsed(parts[0].creation_ref_id)
    if reference is None:
        return None
    rings = tuple(tuple((point.x, point.y) for point in part.points) for part in parts if part.points)
    return Predicted(
        reference=first.creation_ref_id or "",
        label=reference.label,
        corners=around([place for ring in rings for place in ring]) or tuple(map(float, reference.corners)),  # type: ignore[arg-type] # four of them
        score=first.score,
        frame=reference.frame,
        rings=rings,
        label_id=first.label_file_id or 0,
    )


def as_sent(labels: Mapping[int, str], sent: Iterable[Predicted]) -> dict[int, str]:
    """The labels of the server, those that were renamed since under the name that they were sent with.

    Else a box that people left counted as relabelled, and its class lost the number that it was sent with.

    Args:
        labels: label_file_id → label, as the server calls it now.
        sent: what was sent.
    """
    names: dict[int, set[str]] = {}
    for box in sent:
        names.setdefault(box.label_id, set()).add(box.label)
    there = set(labels.values())
    before = {n: name for n, (name, *more) in names.items() if not more and n in labels and name not in there}
    return {**labels, **before}
