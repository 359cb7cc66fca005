"""A push in a notebook shows a bar, unless a listener is handed over."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from boxferry.deliver.listener import Listener
from boxferry.outbox.entry import ENDED
from boxferry.outbox.outcome import State
from boxferry.pages.notebook import Bar, in_notebook

if TYPE_CHECKING:
    from boxferry.outbox.entry import Entry
    from boxferry.outbox.outcome import Outcome


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
