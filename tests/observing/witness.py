"""An observer that writes down what it hears."""

from collections import Counter
from contextlib import contextmanager

from boxferry.observing.observer import Observer


class Witness(Observer):
    def __init__(self):
        self.spans, self.packets, self.counts, self.runs = [], [], Counter(), {}

    @contextmanager
    def span(self, span):
        try:
            yield
        finally:
            self.spans.append((span.stage.value, dict(span.facts)))

    def packet(self, facts):
        self.packets.append(facts)

    def count(self, metric, value, label):
        self.counts[metric.value, label] += value

    def stands(self, run, metric, values):
        self.runs[metric.value] = dict(values)
