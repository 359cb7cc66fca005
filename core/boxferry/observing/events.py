"""The seam: what happens is said here once, and each observer hears it.

Who observes, and the facts of the stages that are under way, belong to the context (`contextvars`): a thread that is to
go on with a stage is started in a copy of it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

from boxferry.observing.logged import Logged
from boxferry.observing.names import Fact, Metric
from boxferry.observing.observer import Facts, Observer, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from boxferry.observing.names import Cause, Stage


#: by which a process names an SDK of OpenTelemetry that its API loads
PROVIDERS: Final = ("OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER")


class _Scope(NamedTuple):
    observers: tuple[Observer, ...]
    facts: Facts
    inside: bool  #: of a stage


_NONE = _Scope((), {}, inside=False)  #: never changed: a stage makes facts of its own
_scope: ContextVar[_Scope] = ContextVar("boxferry.observing", default=_NONE)


@contextmanager
def observed(*observers: Observer, **facts: str | float) -> Iterator[None]:
    """Have what happens inside heard by these observers too, and the facts on each of its log lines."""
    scope = _scope.get()
    token = _scope.set(scope._replace(observers=(*scope.observers, *observers), facts={**scope.facts, **facts}))
    try:
        yield
    finally:
        _scope.reset(token)


def known() -> Facts:
    """The facts of the stages that are under way."""
    return _scope.get().facts


@contextmanager
def during(stage: Stage, **facts: str | float) -> Iterator[Span]:
    """A stage, while it goes on; inside the outermost one the observers of the process hear too."""
    scope = _scope.get()
    observers = scope.observers if scope.inside else (*scope.observers, *_present())
    span = Span(stage, {**scope.facts, Fact.STAGE.value: stage.value, **facts})
    token = _scope.set(_Scope(observers, span.facts, inside=True))
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            for each in observers:
                stack.enter_context(each.span(span))
            try:
                yield span
            except BaseException as error:
                span.facts[Fact.ERROR.value] = type(error).__name__
                raise
            finally:
                span.seconds = time.monotonic() - began
                count(Metric.STAGE, span.seconds, stage)
    finally:
        _scope.reset(token)


def _present() -> tuple[Observer, ...]:
    """The observers of the process that would hear something; none of them costs anything where it would not."""
    log = (Logged(),) if Logged.log.isEnabledFor(logging.INFO) else ()
    return (*log, *_telemetry())


def _telemetry() -> tuple[Observer, ...]:
    """OpenTelemetry, where an SDK can be there: whoever sets one up has imported its API, or names it as above."""
    if "opentelemetry.trace" not in sys.modules and not any(map(os.environ.get, PROVIDERS)):
        return ()
    try:
        from boxferry.observing.telemetry import telemetry
    except ImportError:  # the variables are there, the package is not
        return ()
    return (telemetry(),)


def packet(facts: Facts) -> None:
    """A packet has come to another state; its state, boxes and route are among the facts."""
    scope = _scope.get()
    if not scope.observers:
        return
    for each in scope.observers:
        each.packet({**scope.facts, **facts})
    state = str(facts[Fact.STATE])
    count(Metric.PACKETS, 1, state)
    count(Metric.SENT, float(facts[Fact.BOXES]), state)
    if state == "refused":
        count(Metric.REFUSALS, 1, str(facts[Fact.ROUTE]))


def count(metric: Metric, value: float, label: str = "") -> None:
    """So many more of something."""
    for each in _scope.get().observers:
        each.count(metric, value, label)


def counts(metric: Metric, values: Mapping[str, float]) -> None:
    """So many more of something, by label."""
    for label, value in values.items():
        count(metric, value, label)


def retried(cause: Cause, pause_s: float) -> None:
    """Something is tried again, after a pause."""
    count(Metric.RETRIES, 1, cause)
    waited(cause, pause_s)


def waited(cause: Cause, seconds: float) -> None:
    """So long was waited."""
    if seconds > 0:
        count(Metric.WAIT, seconds, cause)


def stands(run: int, states: Mapping[str, tuple[int, int]]) -> None:
    """How a run stands: state → (packets, boxes)."""
    for each in _scope.get().observers:
        each.stands(run, Metric.RUN_PACKETS, {state: packets for state, (packets, _) in states.items()})
        each.stands(run, Metric.RUN_BOXES, {state: boxes for state, (_, boxes) in states.items()})
