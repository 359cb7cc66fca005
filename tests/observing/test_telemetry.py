"""OpenTelemetry: spans and metrics by the API alone, and nothing at all where no SDK is there."""

import pytest

from boxferry.observing import events
from boxferry.observing.names import Fact, Kind, Metric, Stage
from observing.witness import Witness
from processes import run
from sending.pushing import predictions, push

sdk = pytest.importorskip("opentelemetry.sdk.metrics")


@pytest.fixture
def exported():
    """The observer, what its spans come to, and a function that gives its metrics: name → attributes → value."""
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from boxferry.observing.telemetry import Telemetry

    spans, reader, tracers = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    meters = sdk.MeterProvider([reader])

    def metrics():
        data = reader.get_metrics_data()
        all_of = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        return {
            metric.name: {
                tuple(point.attributes.items()): point.sum if hasattr(point, "sum") else point.value
                for point in metric.data.data_points
            }
            for metric in all_of
        }

    yield Telemetry(tracers, meters), spans, metrics
    meters.shutdown()


def test_spans_and_metrics_of_a_push(sandbox, diffgram, folder, exported):
    """One tree of spans, the packets' among them; the metrics are the numbers of the result."""
    telemetry, spans, metrics = exported
    with events.observed(telemetry):
        result = push(diffgram, predictions(folder).filter(min_score=0.5))
    found = {span.name: span for span in spans.get_finished_spans()}
    root = found["boxferry.push"]
    assert set(found) == {"boxferry.push", "boxferry.plan", "boxferry.packet", "boxferry.verify"}
    assert {span.context.trace_id for span in spans.get_finished_spans()} == {root.context.trace_id}
    assert found["boxferry.packet"].parent.span_id == root.context.span_id
    assert found["boxferry.packet"].attributes["boxferry.packet.state"] == "applied"
    assert (root.attributes["boxferry.run"], root.attributes["boxferry.exit_code"]) == ("r", 0)
    values = metrics()
    assert values["boxferry.boxes.read"] == {(): result.tally.read}
    assert values["boxferry.boxes.dropped"] == {(("boxferry.code", "below-threshold"),): 1}
    assert values["boxferry.packets"][("boxferry.state", "applied"),] == result.states["applied"][0]
    assert values["boxferry.packet.boxes"][("boxferry.state", "applied"),] == result.states["applied"][1]
    assert values["boxferry.stage.duration"][("boxferry.stage", "push"),] > 0


def test_no_metric_has_a_label_without_bounds(sandbox, diffgram, folder, exported):
    """Names of files, runs and models are on spans alone."""
    telemetry, _, metrics = exported
    with events.observed(telemetry):
        push(diffgram, predictions(folder))
    keys = {key for values in metrics().values() for attributes in values for key, _ in attributes}
    assert keys <= {f"boxferry.{metric.label}" for metric in Metric if metric.label}
    assert {metric.label for metric in Metric} <= {"", "code", "state", "route", "cause", "stage"}


def test_an_error_marks_its_span(exported):
    """By its class, and as an error; so does a refused packet, which raises nothing."""
    telemetry, spans, _ = exported
    with pytest.raises(ValueError, match="no"), events.observed(telemetry), events.during(Stage.PULL):
        raise ValueError("no")
    with events.observed(telemetry), events.during(Stage.PACKET) as span:
        span.facts[Fact.ERROR.value] = "Refused"
    with pytest.raises(KeyboardInterrupt), events.observed(telemetry), events.during(Stage.PULL):
        raise KeyboardInterrupt
    for span, error in zip(spans.get_finished_spans(), ("ValueError", "Refused", "KeyboardInterrupt"), strict=True):
        assert (span.attributes["error.type"], span.status.is_ok) == (error, False)


def test_what_ends_with_an_exit_code_is_an_error_although_it_raises_nothing(sandbox, diffgram, folder, exported):
    """A night whose push could not begin, and a push with a refused packet."""
    telemetry, spans, _ = exported
    with events.observed(telemetry):
        diffgram.nightly(lambda: predictions(folder), directory="none", model="m", run="r")
    night = {span.name: span for span in spans.get_finished_spans()}["boxferry.nightly"]
    assert (night.attributes["boxferry.exit_code"], night.attributes["error.type"]) == (2, "NotFound")
    assert not night.status.is_ok
    spans.clear()
    (folder / "images" / "c.jpg").write_bytes((folder / "images" / "c.jpg").read_bytes()[:300])
    with events.observed(telemetry):
        result = push(diffgram, predictions(folder))
    pushed = {span.name: span for span in spans.get_finished_spans()}["boxferry.push"]
    assert (result.exit_code, pushed.attributes["boxferry.exit_code"], pushed.status.is_ok) == (1, 1, False)


def test_gauges_of_a_run_are_not_metrics(exported):
    """They would say nothing without the run's name, which has no bounds."""
    telemetry, _, metrics = exported
    with events.observed(telemetry):
        events.stands(1, {"applied": (1, 2)})
    assert not [name for name in metrics() if name in {each.instrument for each in Metric if each.kind is Kind.GAUGE}]


JOINED = """
import sys
from boxferry.observing import events
from boxferry.observing.names import Stage
with events.during(Stage.PULL):
    pass
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
spans, tracers = InMemorySpanExporter(), TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(tracers)
with events.during(Stage.PULL):
    pass
print([span.name for span in spans.get_finished_spans()])
"""


def test_it_is_imported_only_where_the_process_uses_it():
    """A program that has set an SDK up is heard; one that has not pays nothing."""
    done = run(JOINED)
    assert (done.stdout, done.stderr) == ("['boxferry.pull']\n", "")


def test_the_variable_of_a_provider_without_the_package_is_no_error(monkeypatch):
    """As on a machine of which only some environments have OpenTelemetry."""
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
    monkeypatch.setitem(__import__("sys").modules, "boxferry.observing.telemetry", None)
    witness = Witness()
    with events.observed(witness), events.during(Stage.PULL):
        pass
    assert [stage for stage, _ in witness.spans] == ["pull"]
