"""Queues again what was applied and is gone from the server though no person removed it, as the outbox has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.boxes.codes import Code, Fault
from boxferry.boxes.tally import Place
from boxferry.outbox.outbox import Entry
from boxferry.packets.reference import detection, parsed
from boxferry.plan.picture import changed_since, digest_of
from boxferry.upkeep.check import Checker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from boxferry.boxes.tally import Tally
    from boxferry.diffgram.client import Client
    from boxferry.outbox.outbox import Outbox, Run
    from boxferry.upkeep.check import AppliedFile

    Packet = dict[str, Any]


class Missing:
    """What of a run is to be sent again."""

    def __init__(self, client: Client, outbox: Outbox, run: Run, tally: Tally) -> None:
        """Prepare; what cannot be sent again is recorded on the tally, with the boxes."""
        self._client, self._outbox, self._run, self._tally = client, outbox, run, tally
        self._labels = _Labels(client)

    def queue(self) -> int:
        """Queue it; gives the number of boxes.

        Raises:
            DiffgramError: the server cannot be asked; nothing was queued of what was not asked for.
        """
        boxes = 0
        for file in Checker(self._client, self._outbox, self._run).look():
            if file.problem == Fault.LOST_BOXES:
                boxes += self._append(file)
            elif file.problem in {Fault.GONE_FILE, Fault.OTHER_FILE} and (file.missing or not file.references):
                boxes += self._make(file)
        return boxes

    def _append(self, file: AppliedFile) -> int:
        """Boxes that are gone from a file that is there; the server is asked again whether a person deleted them."""
        carried = set().union(*(record.references for record in self._client.inputs(file_id=file.file_id)))
        if not (lost := file.missing - carried):
            return 0
        bodies = {entry.id: msgspec.json.decode(self._outbox.body(entry.id)) for entry in file.entries}
        boxes = _chosen(bodies.values(), lost)
        if problem := self._labels.renew(boxes):
            return self._cannot(file, problem)
        left = [
            (number, msgspec.json.encode(stays), _count(stays))
            for number, body in bodies.items()
            if (stays := _without(body, lost)) != body
        ]
        body = {"file_id": file.file_id, "mode": "update", **_lists(boxes)}
        last = file.entries[-1]
        entry = Entry(
            route="existing",
            mode="append",
            file_name=file.file_name,
            file_id=file.file_id,
            body=msgspec.json.encode(body),
            boxes=_count(body),
            width=last.width,
            height=last.height,
        )
        self._outbox.move_boxes(self._run.id, left, entry)
        self._tally.read += entry.boxes
        return entry.boxes

    def _make(self, file: AppliedFile) -> int:
        """A file that is gone is made again, with all of its boxes, where its media is still there."""
        first = file.entries[0]
        if problem := _unmakable(first):
            return self._cannot(file, problem)
        bodies = [msgspec.json.decode(self._outbox.body(entry.id)) for entry in file.entries]
        boxes = _chosen(bodies, file.missing)
        if problem := self._labels.renew(boxes):
            return self._cannot(file, problem)
        body = _bare(bodies[0]) | _lists(boxes)
        self._outbox.send_again(first.id, msgspec.json.encode(body), _count(body), [e.id for e in file.entries[1:]])
        self._tally.read += _count(body)
        return _count(body)

    def _cannot(self, file: AppliedFile, problem: str) -> int:
        count = len({detection(reference) for reference in file.missing})
        message = f"{file.detail}; it is not sent again: {problem}"
        self._tally.fail(Code.GONE, message, Place(file.file_name), boxes=count, counted=False)
        return 0


class _Labels:
    """The labels that the server has now: after it was wiped or exchanged, a label may have another id."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: list[dict[str, int]] | None = None

    def renew(self, boxes: Iterable[tuple[str | None, Packet]]) -> str:
        """Give boxes the ids that their labels have now; why that cannot be, or an empty text."""
        if self._known is None:
            self._known = [self._client.label_ids(schema.id) for schema in self._client.schemas()]
        for _, box in boxes:
            reference = parsed(box["creation_ref_id"])
            name = reference.label if reference else ""
            ids = [known[name] for known in self._known if name in known]
            if not ids:
                return f"the server has no label '{name}'; push it with the labels created, and --resend-missing"
            if box.get("label_file_id") not in ids:
                if box.get("attribute_groups"):
                    return "the server's labels and attributes are others now; push it with --resend-missing"
                box["label_file_id"] = ids[0]
        return ""


def _unmakable(entry: Entry) -> str:
    """Why a file cannot be made again as it was made first; empty where it can."""
    if entry.route == "existing":
        return "it was not uploaded from here; push it with its images, and --resend-missing"
    if entry.route != "upload":
        return ""
    if problem := changed_since(entry.media, entry.mark):
        return problem
    if entry.digest and digest_of(entry.media) != entry.digest:
        return f"{entry.media}: another picture than the one that was uploaded"
    return ""


def _shapes(packet: Packet) -> Iterator[tuple[str | None, Packet]]:
    """The boxes of a packet, each with its frame."""
    yield from ((None, box) for box in packet.get("instance_list") or ())
    yield from ((frame, box) for frame, boxes in (packet.get("frame_packet_map") or {}).items() for box in boxes)


def _chosen(packets: Iterable[Packet], references: Collection[str]) -> list[tuple[str | None, Packet]]:
    """Those boxes of several packets that have one of these references, each once, the last of equals."""
    found = {
        box["creation_ref_id"]: (frame, box)
        for packet in packets
        for frame, box in _shapes(packet)
        if box.get("creation_ref_id") in references
    }
    return list(found.values())


def _without(packet: Packet, references: Collection[str]) -> Packet:
    """A packet without the boxes that have one of these references."""
    left = [(frame, box) for frame, box in _shapes(packet) if box.get("creation_ref_id") not in references]
    return packet if len(left) == sum(1 for _ in _shapes(packet)) else _bare(packet) | _lists(left)


def _bare(packet: Packet) -> Packet:
    """A packet without boxes."""
    return {name: value for name, value in packet.items() if name not in {"instance_list", "frame_packet_map"}}


def _lists(boxes: Iterable[tuple[str | None, Packet]]) -> Packet:
    """The keys of a packet that hold boxes; without boxes none, since an empty list is refused."""
    found: Packet = {}
    for frame, box in boxes:
        if frame is None:
            found.setdefault("instance_list", []).append(box)
        else:
            found.setdefault("frame_packet_map", {}).setdefault(frame, []).append(box)
    return found


def _count(packet: Packet) -> int:
    """How many detections a packet's boxes are of."""
    return len({detection(box["creation_ref_id"]) for _, box in _shapes(packet)})
