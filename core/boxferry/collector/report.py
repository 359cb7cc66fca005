"""What happened to the results that a collector was given, in numbers that add up."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code

if TYPE_CHECKING:
    from pathlib import Path

    from boxferry.boxes.tally import Tally
    from boxferry.collector.waiting import Aside
    from boxferry.deliver.report import PushResult

log = logging.getLogger("boxferry.collector")

SHOWN = 5
LATEST = 1000  #: reports of pushes that are kept


@dataclass(slots=True)
class CollectorReport:
    """What happened to the results that a collector was given; safe to write to from several threads.

    Attributes:
        images: images that were read, the lost ones included.
        boxes: boxes on them; those that are not dropped, waiting or set aside are in the outbox.
        dropped: boxes left out when they were taken, by reason: as in the tally, or as in `lost` for their image.
        dropped_by_pushes: boxes left out later, by reason: as in the tallies of all pushes.
        lost: images of which nothing is kept, by reason: 'unusable' (what was handed over is no result, so that its
            boxes cannot be counted), 'queue-full' (the disk was slower than the loop), 'not-kept' (the disk took
            nothing, or not in time), 'outside' (the collector's context was not entered, or was left), 'forked' (frames
            of a video in a process that was forked from the collector's), and codes of the tally ('duplicate-image').
        problems: the first few problems, in words.
        pushes: what each push did, the latest 1000; one that raised is not here, but in `problems`.
        waiting: files of results that are on this machine still; the next collector of the run or `resume` sends them.
        waiting_images: how many images are in them.
        aside: images that could not be sent, with the reason; they stay on this machine, and `resume` tries them again.
    """

    images: int = 0
    boxes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_by_pushes: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    pushes: list[PushResult] = field(default_factory=list)
    waiting: list[Path] = field(default_factory=list)
    waiting_images: int = 0
    aside: list[Aside] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether everything was taken, and has arrived as far as the last push waited for that."""
        kept = not (self.lost or self.waiting or self.aside or self.dropped[Code.UNKNOWN_LABEL])
        return kept and (not self.pushes or self.pushes[-1].exit_code == 0)

    def take(self, tally: Tally) -> None:
        """Count what was read; images that the reading left out are lost."""
        with self._lock:
            self.images += tally.images + tally.failed.total()
            self.boxes += tally.read
            self.dropped += tally.dropped
            self.lost += tally.failed
        for code in {*tally.failed, Code.UNKNOWN_LABEL}:
            for issue in tally.examples.get(code, ())[:1]:
                self.note(str(issue))

    def lose(self, reason: str, images: int, boxes: int = 0, *, counted: bool = True) -> None:
        """Count images of which nothing is kept, with those of their boxes that were not dropped before.

        Unless they are `counted`, they are among the images and boxes that were taken from here on.
        """
        with self._lock:
            if not counted:
                self.images += images
                self.boxes += boxes
            if not images:
                return
            self.lost[reason] += images
            if boxes:
                self.dropped[reason] += boxes

    def pushed(self, report: PushResult) -> None:
        """Add what a push did."""
        dropped, failed = report.tally.dropped, report.tally.failed
        with self._lock:
            self.dropped_by_pushes.update({code: n for code, n in dropped.items() if code not in failed})
            self.pushes = [*self.pushes[1 - LATEST :], report]
        if report.stopped is not None:
            self.note(str(report.stopped))

    def note(self, problem: str) -> None:
        """Log a problem; the first few are kept."""
        log.warning("%s", problem)
        with self._lock:
            if len(self.problems) < SHOWN and problem not in self.problems:
                self.problems.append(problem)

    def summary(self) -> str:
        """One line."""
        parts = [f"{self.images} images, {self.boxes} boxes taken"]
        if dropped := self.dropped + self.dropped_by_pushes:
            parts.append("dropped: " + ", ".join(f"{n} {why}" for why, n in dropped.items()))
        if self.lost:
            parts.append("lost: " + ", ".join(f"{n} images {why}" for why, n in self.lost.items()))
        if self.waiting:
            parts.append(f"{self.waiting_images} images wait on this machine (boxferry status)")
        if self.aside:
            parts.append(f"{len(self.aside)} images set aside (boxferry status)")
        if self.pushes:
            states = self.pushes[-1].states.items()
            parts.append(
                "the run so far: " + (", ".join(f"{boxes} {state}" for state, (_, boxes) in states) or "nothing")
            )
        return "; ".join([*parts, *self.problems[-1:]])
