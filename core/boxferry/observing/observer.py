"""What an observer can hear; by default it ignores all of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.observing.names import Metric, Stage

Facts = dict[str, str | float]  #: keys are the values of `Fact`


class Span:
    """One stage while it goes on.

    Attributes:
        stage: which.
        facts: what is known of it; more may be added until it ends.
        seconds: how long it took; 0 until it has ended.
    """

    __slots__ = ("facts", "seconds", "stage")

    def __init__(self, stage: Stage, facts: Facts) -> None:
        self.stage, self.facts, self.seconds = stage, facts, 0.0


class Observer:
    """Hears how a run goes on; override what is wanted. Sending threads call it too."""

    def span(self, span: Span) -> AbstractContextManager[object]:  # noqa: ARG002 # overridden where it is wanted
        """A stage: entered when it begins, left when it ends."""
        return nullcontext()

    def packet(self, facts: Facts) -> None:
        """A packet has come to another state."""

    def count(self, metric: Metric, value: float, label: str) -> None:
        """Something was counted or measured; `label` is empty for a metric without one."""

    def stands(self, run: int, metric: Metric, values: Mapping[str, float]) -> None:
        """How a run of the outbox stands now: label → value."""
