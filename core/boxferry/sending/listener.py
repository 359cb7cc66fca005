"""Who is told how a push goes on; by default nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.plugins import Plugins
    from boxferry.sending.outbox import Entry
    from boxferry.sending.outcome import Outcome


class Listener:
    """Hears of the packets of a run; override what is wanted. What it hears comes from the sending threads."""

    def started(self, packets: int) -> None:
        """So many packets of the run have not come to their end yet."""

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Boxes that people made or changed are about to be deleted: file name → how many."""

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """A packet has come to another state."""


class Told(Listener):
    """Tells the plugins too what became of a packet."""

    def __init__(self, plugins: Plugins, listener: Listener) -> None:
        """Tell the plugins, then the listener."""
        self._plugins = plugins
        self._listener = listener

    def started(self, packets: int) -> None:
        """Hand it on."""
        self._listener.started(packets)

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Hand it on."""
        self._listener.deleting(boxes)

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """Tell both."""
        facts = {"file_name": entry.file_name, "boxes": entry.boxes, **outcome._asdict()}
        self._plugins.outcome(facts, {"packet": entry.id})
        self._listener.changed(entry, outcome)
