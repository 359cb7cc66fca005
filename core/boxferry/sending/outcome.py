"""What became of a packet, and of a whole push."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from boxferry.diffgram.answers import InputRecord


class Outcome(NamedTuple):
    """The state that a packet came to, as in the outbox.

    Attributes:
        state: one of `outbox.STATES`.
        reason: the server's words where it refused, or why nobody is sure.
        input_id: the server's record of the packet, where it is known.
        file_id: the file that it is about, where it is known.
    """

    state: str
    reason: str = ""
    input_id: int | None = None
    file_id: int | None = None


def input_outcome(record: InputRecord) -> Outcome | None:
    """What the server's record of a packet says; None while it is being worked on."""
    if record.status == "success":
        return Outcome("applied", "", record.id, record.file_id)
    if record.status == "failed":
        return Outcome("refused", refusal(record), record.id, record.file_id)
    return None


def refusal(record: InputRecord) -> str:
    """The server's reason in one line."""
    words = [record.status_text or ""]
    if record.update_log and record.update_log != "null":
        words.append(str(record.update_log))
    return " ".join(" ".join(words).split())[:500] or f"the input ended as '{record.status}' without a reason"
