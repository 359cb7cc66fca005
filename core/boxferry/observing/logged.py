"""Stages and packets as log lines, with their facts as fields."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from boxferry.observing.names import Fact, Stage
from boxferry.observing.observer import Observer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.observing.observer import Facts, Span

FIELDS: Final = "boxferry_facts"  #: the attribute of a log record that has its facts


class Logged(Observer):
    """Writes a line when a stage begins and ends, and for each state that a packet comes to; at level INFO.

    Attributes:
        log: where to.
    """

    log: ClassVar = logging.getLogger("boxferry.run")

    @contextmanager
    def span(self, span: Span) -> Iterator[None]:
        """A line at its begin, and one at its end; a packet has those of its states."""
        if span.stage is Stage.PACKET:
            yield
            return
        self._write(f"{span.stage} begins", span.facts)
        try:
            yield
        except BaseException:
            self._write(f"{span.stage} failed after {span.seconds:.3f} s", _ended(span))
            raise
        self._write(f"{span.stage} ended after {span.seconds:.3f} s", _ended(span))

    def packet(self, facts: Facts) -> None:
        """A line with the file and its state."""
        reason = f": {facts[Fact.REASON]}" if facts.get(Fact.REASON) else ""
        self._write(f"{facts[Fact.STATE]} {facts[Fact.FILE]}{reason}", facts)

    def _write(self, message: str, facts: Facts) -> None:
        self.log.info("%s", message, extra={FIELDS: facts})


def _ended(span: Span) -> Facts:
    return {**span.facts, Fact.SECONDS.value: round(span.seconds, 3)}
