"""Progress callbacks of a push; the default does nothing, in a notebook it shows a bar."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from boxferry.deliver.facts import packet_facts
from boxferry.observing import events
from boxferry.outbox.entry import ENDED, Entry
from boxferry.outbox.outcome import State
from boxferry.pages.notebook import Bar, in_notebook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from boxferry.outbox.entry import Run
    from boxferry.outbox.outcome import Outcome
    from boxferry.plugins import Plugins

T = TypeVar("T")


class Listener:
    """Hears of the packets of a run; override what is wanted. What it hears comes from the sending threads."""

    def started(self, packets: int) -> None:
        """So many packets of the run have not come to their end yet."""

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Boxes that people made or changed are about to be deleted: file name → how many."""

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """A packet has come to another state."""


class PluginListener(Listener):
    """Tells plugins and observers too, wherever a packet is sent from: a push, a plan, `resume`, a collector."""

    def __init__(self, plugins: Plugins, listener: Listener, run: Run) -> None:
        """Tell the plugins, then the listener, of packets of the run."""
        self._plugins = plugins
        self._listener = listener
        self._context = {"model": run.model, "run": run.name}

    def started(self, packets: int) -> None:
        """Hand it on."""
        self._listener.started(packets)

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Hand it on."""
        self._listener.deleting(boxes)

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """Tell all of them."""
        events.packet(packet_facts(entry, outcome))
        facts = {"file_name": entry.file_name, "boxes": entry.boxes, **outcome._asdict()}
        self._plugins.outcome(facts, {**self._context, "packet": entry.id})
        self._listener.changed(entry, outcome)

    def built(self, planned: Iterable[T]) -> Iterator[T]:
        """What is planned, each packet shown to the plugins before it is stored."""
        for each in planned:
            if isinstance(each, Entry) and each.state == State.QUEUED:  # else what the server has already, or a change
                self._plugins.packet_built(each.body, {**self._context, "file_name": each.file_name})
            yield each


class NotebookBar(Listener):
    """A bar of the packets that have ended, with how many were sent and refused."""

    def __init__(self) -> None:
        """Show nothing before sending begins."""
        self._bar = Bar("push", "packets")
        self._lock = threading.Lock()
        self._states: dict[int, str] = {}
        self._total = 0

    def started(self, packets: int) -> None:
        """Know the whole, and begin."""
        self._total = packets
        self._bar.show(0, packets)

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """Draw it."""
        with self._lock:
            self._states[entry.id] = outcome.state
            counts = Counter(self._states.values())
        ended, refused = sum(counts[state] for state in ENDED), counts[State.REFUSED]
        more = f"{len(self._states)} sent" + (f", {refused} refused" if refused else "")
        self._bar.show(min(ended, self._total), self._total, more)


def listening(listener: Listener | None) -> Listener:
    """The listener that was handed over; else a bar in a notebook, and silence elsewhere."""
    if listener is not None:
        return listener
    return NotebookBar() if in_notebook() else Listener()
