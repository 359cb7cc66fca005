"""What a distributed write did, in numbers that add up; plain values, which can be handed from process to process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.errors import BoxferryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.boxes.tally import Tally


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one task has handed over.

    Attributes:
        key: names the task.
        images, boxes: how many were read.
        dropped: boxes left out by the task, by reason.
        lost: images of which nothing is kept, by reason.
        problems: the first of each of those, in words.
    """

    key: str
    images: int = 0
    boxes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def part_of(key: str, tally: Tally) -> Part:
    """What a task has read, out of its tally."""
    problems = [str(issue) for code in tally.failed for issue in tally.examples.get(code, ())[:1]]
    read, failed = tally.images + tally.failed.total(), Counter(tally.failed)
    return Part(key=key, images=read, boxes=tally.read, dropped=Counter(tally.dropped), lost=failed, problems=problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """What a writer has sent, and what is left.

    Attributes:
        states: the run's packets, state → (packets, boxes), earlier writes of the run included.
        dropped: boxes left out by its pushes, by reason; `already-sent` are on the server, or on their way.
        waiting: images that wait on the writer's disk.
        aside: images that could not be sent, each with the reason.
        failed: the files whose packets were refused, are stuck, or are not as they should be, each with the reason.
        missing: tasks that have handed over nothing.
        problems: the first few problems, in words.
        exit_code: as the command line would end.
    """

    states: dict[str, tuple[int, int]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    aside: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a distributed write did: boxes read = boxes sent + boxes dropped with a reason.

    Attributes:
        images, boxes: how many were read, by the tasks whose results count.
        dropped: boxes left out, by reason; those of which `already-sent` counts are on the server.
        lost: images of which nothing is kept, by reason.
        sending: what was sent, and what is left.
        problems: the first few problems, in words.
    """

    images: int
    boxes: int
    dropped: Counter[str]
    lost: Counter[str]
    sending: Sending
    problems: list[str]

    @property
    def exit_code(self) -> int:
        """0 where every box was sent, or dropped with a reason, and the server has applied it."""
        if self.sending.exit_code:
            return self.sending.exit_code
        return 1 if self.lost or self.sending.waiting or self.sending.aside or self.sending.missing else 0

    def summary(self) -> str:
        """One line."""
        states = ", ".join(f"{boxes} {state}" for state, (_, boxes) in self.sending.states.items()) or "nothing sent"
        dropped = ", ".join(f"{n} {why}" for why, n in self.dropped.items()) or "none"
        parts = [f"{self.images} images, {self.boxes} boxes read", f"dropped: {dropped}", f"the run so far: {states}"]
        parts += [f"lost: {n} images {why}" for why, n in self.lost.items()]
        parts += [f"{self.sending.waiting} images wait on the writer's disk"] if self.sending.waiting else []
        parts += [f"{len(self.sending.aside)} images set aside"] if self.sending.aside else []
        parts += [f"{len(self.sending.missing)} tasks handed over nothing"] if self.sending.missing else []
        failed = [
            reason if name in reason else f"{name}: {reason}"
            for name, reason in [*self.sending.failed, *self.sending.aside][:1]
        ]
        return "; ".join([*parts, *((failed or self.problems[-1:]) if self.exit_code else ())])

    def raise_for_failures(self) -> None:
        """Do nothing where every box was sent or dropped with a reason.

        Raises:
            BoxferryError: something is unsent, or failed; its `exit_code` is this one's.
        """
        if self.exit_code:
            raise failure(self.summary(), self.exit_code)


def failure(message: str, exit_code: int) -> BoxferryError:
    """An error that ends a program with this exit code."""
    error = BoxferryError(message)
    error.exit_code = exit_code
    return error


def written(parts: Iterable[Part], sending: Sending) -> Written:
    """The parts that count and what was sent, together."""
    parts = list(parts)
    dropped, lost = Counter[str](), Counter[str]()
    for part in parts:
        dropped += part.dropped
        lost += part.lost
    problems = [problem for part in parts for problem in part.problems][:5] + sending.problems
    return Written(
        images=sum(part.images for part in parts),
        boxes=sum(part.boxes for part in parts),
        dropped=dropped + sending.dropped,
        lost=lost,
        sending=sending,
        problems=problems,
    )
