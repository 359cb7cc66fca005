"""What the outbox keeps: runs, their packets, and what a plan changes of earlier packets."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from boxferry.outbox.kinds import Mode
from boxferry.outbox.outcome import State

ENDED = (State.APPLIED, State.REFUSED)  #: the states that a packet stays in


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what is sent to one directory of one project under one model and run name.

    Attributes:
        id: its number in this outbox.
        host, project, directory_id: where it goes.
        model, name: the `model_ref` and `model_run_ref` of its boxes.
        created: seconds since the epoch.
        source: what the first push of the run read; empty where unknown.
        classes: the source's table of classes, as JSON; empty where it had none.
        retired: when its boxes were taken off the server from here, seconds since the epoch; 0 for a run that is not.
        attributes: the names of attributes on the server and in the source, as JSON; empty where none were sent.
        directory: the directory's name as the last push found it; empty where unknown.
    """

    id: int
    host: str
    project: str
    directory_id: int
    model: str
    name: str
    created: float
    source: str = ""
    classes: str = ""
    retired: float = 0.0
    attributes: str = ""
    directory: str = ""

    @property
    def where(self) -> str:
        """What the directory is called: its name, or its id where that is not known."""
        return self.directory or str(self.directory_id)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One packet in the outbox.

    Attributes:
        id: its number; 0 for one that is not stored yet.
        route: 'upload' (the media goes along), 'url' or 'blob' (the server fetches it), or 'existing' (it is there).
        mode: 'new', or what happens to the boxes of a file that is there: 'append', 'replace-own' or 'replace-all'.
        file_name: the file's name on the server.
        file_id: the file's id on the server, as soon as it is known.
        media: the local path, the URL or the blob's path; empty for 'existing'.
        body: the packet's JSON without its batch, and without the boxes that a replacing packet keeps, which are read
            just before it goes out; empty where the packets are only listed.
        boxes: how many boxes it carries.
        state: one of `STATES`.
        batch_id, input_id: the input batch it went out in, and the server's record of it.
        attempts: how often it was sent.
        reason: the server's words where it was refused, or why the outcome is unknown; one short line.
        detail: the server's words, whole, where the reason is cut.
        sent: when it last went out, seconds since the epoch by the server's clock; 0 where it never did.
        over: whether the server has ended its work on the request whose outcome is unknown.
        ended: when it was found to be applied or refused, seconds since the epoch by the server's clock.
        width, height: the size in pixels of the picture that the boxes were made for; 0 where unknown.
        mark: of the local picture as it was when the boxes were planned, see `picture`; empty where it is missing.
        digest: of the picture's bytes, where it was uploaded from here; empty where unknown.
        removes: how many boxes it takes away from the file.
        checked: whether what it brought was read back since it was applied.
        changed: when the state last changed, seconds since the epoch by this machine's clock.
        image: what the source calls the image, see `source_image`; empty where unknown.
        original: the source's own file of the image, where it is kept; left out where packets are listed.
        deletes: how many of the boxes that it takes away people made or changed; as it was planned, not stored.
        replaces: the models whose boxes go beside the run's own, as a JSON list; empty for none.
        before: what its file was like just before, see `before`; empty where unknown.
        stood: when its file had been changed last as it was read back, seconds since the epoch by the server's clock; 0
            where it was not.
    """

    id: int = 0
    route: str
    mode: str = Mode.NEW
    file_name: str
    file_id: int | None = None
    media: str = ""
    body: bytes = b""
    boxes: int
    state: str = State.QUEUED
    batch_id: int | None = None
    input_id: int | None = None
    attempts: int = 0
    reason: str = ""
    detail: str = ""
    sent: float = 0.0
    over: int = 0
    ended: float = 0.0
    width: int = 0
    height: int = 0
    mark: str = ""
    digest: str = ""
    removes: int = 0
    checked: int = 0
    changed: float = 0.0
    before: str = ""
    stood: float = 0.0
    image: str = ""
    replaces: str = ""
    original: bytes = b""
    deletes: int = 0


class Shortened(NamedTuple):
    """What is left of an earlier packet, since its other boxes are sent again; without boxes it goes.

    Attributes:
        packet_id: its number.
        body: the JSON with the boxes that are left.
        boxes: how many these are.
    """

    packet_id: int
    body: bytes = b""
    boxes: int = 0


class Moved(NamedTuple):
    """That the boxes of an earlier packet are on another file now.

    Attributes:
        packet_id: its number.
        file_id: the file.
    """

    packet_id: int
    file_id: int


Change = Shortened | Moved


#: what a packet gets on its way, or is not kept
LATER = {"id", "state", "attempts", "reason", "detail", "sent", "over", "digest", "changed", "stood", "deletes"}
#: what it is stored with
STORED = tuple(name for name in Entry.__struct_fields__ if name not in LATER)
