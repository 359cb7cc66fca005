"""Inputs of other senders that are on their way to a file, and that a replacement would take away."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from boxferry.deliver.stalls import VIDEOS_TAKE, Stalls
from boxferry.outbox.outcome import input_outcome
from boxferry.plan.patience import STUCK_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.destination import Client, InputRecord

log = logging.getLogger(__name__)

PAUSES_S = (0.25, 0.5, 1.0, 2.0, 4.0)  #: how long another sender's inputs for a file are waited for
WATCHED = 1.3  #: for how many times the time after which it is suspect an old input is watched
LOOKS = 12  #: into how many parts the time is cut in which an old input has to move
NEWEST = 50  #: inputs that are looked at


@dataclass(eq=False)
class Blockers:
    """Tells inputs that will be applied yet from those that a dead worker of the server has left for good.

    Attributes:
        dead: inputs that will never be applied, so that what they carry counts as not sent.
        client: the connection to the server.
        stuck_s: seconds after which an input that does not move is suspect, see `Stalls`.
        left_s: gives how many seconds may still be waited.
    """

    client: Client
    _: KW_ONLY
    stuck_s: float = STUCK_S
    left_s: Callable[[], float] = lambda: STUCK_S
    dead: set[int] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._stalls = Stalls(stuck_s=self.stuck_s)
        self._began = 0.0  # when inputs were first watched
        self._one = threading.Lock()  # one thread waits for all: what the next one asks about was watched meanwhile

    def busy(self, file_id: int) -> bool:
        """Whether an input is on its way to a file.

        A young one is waited for a little; an old one until it has moved or is known to be dead.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        for pause in PAUSES_S:
            if not self._coming(file_id):
                return False
            time.sleep(pause)
        with self._one:
            return self._watched(file_id)

    def _coming(self, file_id: int) -> list[InputRecord]:
        """The inputs of a file that have not ended and may yet be applied."""
        records = self.client.inputs(file_id=file_id, limit=NEWEST)
        return [record for record in records if input_outcome(record) is None and record.id not in self.dead]

    def _watched(self, file_id: int) -> bool:
        """Look at the whole project until it is known whether a file's inputs are dead; all files share the time."""
        while (coming := self._coming(file_id)) and all(map(self._old, coming)):
            self._look()
            undecided = [record for record in coming if not self._is_dead(record)]
            if undecided and time.monotonic() > self._until(undecided):
                return True
            time.sleep(self.stuck_s / LOOKS if undecided else 0)
        return bool(coming)

    def _until(self, undecided: list[InputRecord]) -> float:
        """When the time for watching is over, by the monotonic clock."""
        factor = VIDEOS_TAKE if any(record.media_type == "video" for record in undecided) else 1.0
        return self._began + min(self.stuck_s * factor * WATCHED, self.left_s())

    def _old(self, record: InputRecord) -> bool:
        """Whether an input has been there for longer than one that moves needs."""
        return record.created is not None and self.client.now() - record.created > self.stuck_s

    def _look(self) -> None:
        """See what of the whole project moves: that tells a dead worker from a busy server."""
        self._began = self._began or time.monotonic()
        self._stalls.see_unfinished(self.client.inputs(status="Processing"))
        self._stalls.see(self.client.inputs(limit=NEWEST))

    def _is_dead(self, record: InputRecord) -> bool:
        reason = self._stalls.reason(record, video=record.media_type == "video")
        if not reason or record.id is None or not self._stalls.passed_over(record):
            return False
        log.warning("%s; boxferry does not wait for it", reason)
        self.dead.add(record.id)
        return True
