"""What a packet came to, as the outbox keeps it, and how that follows from the server's record of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from boxferry.destination import InputState as Said
from boxferry.destination import input_state, reason_of

if TYPE_CHECKING:
    from boxferry.destination import InputRecord


class State(StrEnum):
    """The states of a packet, in the order of its way."""

    QUEUED = "queued"
    SENDING = "sending"
    UNSURE = "unsure"
    ACCEPTED = "accepted"
    STUCK = "stuck"
    APPLIED = "applied"
    REFUSED = "refused"


PLANNED = "planned"  #: in place of a state: of a packet that a push has not stored for good, or would send

#: the states of packets that `resume` continues by itself
OPEN = frozenset({State.QUEUED, State.SENDING, State.UNSURE, State.ACCEPTED})

#: the states of packets that may not have reached the server
UNSENT = OPEN - {State.ACCEPTED}


class Outcome(NamedTuple):
    """The state that a packet came to, as in the outbox.

    Attributes:
        state: one of `State`.
        reason: the server's words where it refused, or why the outcome is unknown; one short line.
        input_id: the server's record of the packet, where it is known.
        file_id: the file that it is about, where it is known.
        detail: the server's words, whole, where the reason is cut.
        over: of an unknown outcome: whether the server has ended its work on the request.
    """

    state: str
    reason: str = ""
    input_id: int | None = None
    file_id: int | None = None
    detail: str = ""
    over: bool = False


def was_applied(record: InputRecord) -> bool:
    """Whether the server's record of a packet says that it was applied."""
    return input_state(record) is Said.APPLIED


def input_outcome(record: InputRecord) -> Outcome | None:
    """What the server's record of a packet says; None while it is being worked on."""
    said = input_state(record)
    if said is Said.WORKING:
        return None
    if said is Said.APPLIED:
        return Outcome(State.APPLIED, "", record.id, record.file_id)
    reason, whole = reason_of(record)
    return Outcome(State.REFUSED, reason, record.id, record.file_id, whole)
