"""Stages as spans and counts as metrics of OpenTelemetry, by its API alone; an SDK decides where they go."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

from opentelemetry import metrics, trace

from boxferry.observing.names import PREFIX, Fact, Kind, Metric
from boxferry.observing.observer import Observer
from boxferry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.observing.observer import Facts, Span


_ATTRIBUTES: Final[dict[str, str]] = {fact.value: fact.attribute for fact in Fact}


class Telemetry(Observer):
    """Hands stages and counts to the providers that the process has."""

    def __init__(
        self, tracers: trace.TracerProvider | None = None, meters: metrics.MeterProvider | None = None
    ) -> None:
        """Make the instruments; without providers those of the process are used, also where they are set later."""
        self._tracer = trace.get_tracer(PREFIX, __version__, tracers)
        meter = metrics.get_meter(PREFIX, __version__, meters)
        self._add: dict[Metric, Callable[..., None]] = {}
        for each in Metric:
            if each.kind is Kind.COUNTER:
                self._add[each] = meter.create_counter(each.instrument, each.unit, each.meaning).add
            elif each.kind is Kind.HISTOGRAM:
                self._add[each] = meter.create_histogram(each.instrument, each.unit, each.meaning).record

    @contextmanager
    def span(self, span: Span) -> Iterator[None]:
        """A span, below the one that is current; what ends with an error or an exit code is marked."""
        with self._tracer.start_as_current_span(span.stage.span, attributes=_attributes(span.facts)) as own:
            try:
                yield
            finally:
                own.set_attributes(_attributes(span.facts))
                if Fact.ERROR in span.facts or span.facts.get(Fact.EXIT_CODE):
                    own.set_status(trace.StatusCode.ERROR)

    def count(self, metric: Metric, value: float, label: str) -> None:
        """Add to the instrument of the metric."""
        self._add[metric](value, {f"{PREFIX}.{metric.label}": label} if metric.label else None)


def _attributes(facts: Facts) -> dict[str, str | float]:
    return {_ATTRIBUTES[name]: value for name, value in facts.items()}


@cache
def telemetry() -> Telemetry:
    """The one observer of the process: the API's instruments follow whatever provider is set, also later."""
    return Telemetry()
