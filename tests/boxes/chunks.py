"""Chunks to test with: a builder with defaults, and hypothesis strategies for boxes of every kind."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
from hypothesis import strategies as st

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Tally

LABELS = ("car", "truck", "cat")


def a_chunk(*boxes, label=None, score=None, size=(100, 80), counts=None, labels=LABELS, row=None, row_unit="line"):
    """A chunk of `boxes`, all in one image of `size`, or in images of `counts` boxes each."""
    counts = [len(boxes)] if counts is None else counts
    images = [Image(f"{i}.jpg", *size, source=f"{i}.txt") for i in range(len(counts))]
    label = [0] * len(boxes) if label is None else label
    return Detections.from_counts(images, counts, boxes, label, labels, score=score, row=row, row_unit=row_unit)


def counted(chunk, **options):
    """A tally that has read the chunk."""
    tally = Tally(**options)
    tally.count(chunk)
    return tally


def same(a, b):
    """Whether two chunks have the same boxes, NaN scores included, in the same images."""
    columns = ("offsets", "xyxy", "label", "score", "row")
    return (a.images, a.labels) == (b.images, b.labels) and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in columns
    )


def worth(score):
    """A score as a number to compare by: none is the lowest."""
    return -inf if isnan(score) else score


scores = st.sampled_from([nan, 0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)
whole = st.integers(-4, 24).map(float)
grid = st.integers(-8, 48).map(lambda k: k / 2)
noisy = st.builds(lambda x, e: x + e, grid, st.sampled_from([-0.004, -0.0021, -0.0019, 0.0019, 0.0021, 0.004]))
odd = st.sampled_from([nan, inf, -inf, 1e308, -1e308, 1e-300])
coordinates = whole | grid | noisy | st.floats(-10, 40)


@st.composite
def boxes(draw, coordinate=coordinates):
    """Four coordinates, mostly the right way round."""
    xyxy = [draw(coordinate) for _ in range(4)]
    if draw(st.integers(0, 9)):
        xyxy[::2], xyxy[1::2] = sorted(xyxy[::2]), sorted(xyxy[1::2])
    return xyxy


@st.composite
def chunks(draw, coordinate=coordinates | odd, most=8):
    """Up to four images of up to `most` boxes each; small images and few values, so that boxes meet."""
    images = [
        Image(f"{i}.jpg", draw(st.integers(1, 20)), draw(st.integers(1, 20))) for i in range(draw(st.integers(0, 4)))
    ]
    counts = [draw(st.integers(0, most)) for _ in images]
    n = sum(counts)
    return Detections.from_counts(
        images,
        counts,
        draw(st.lists(boxes(coordinate), min_size=n, max_size=n)),
        draw(st.lists(st.integers(0, len(LABELS) - 1), min_size=n, max_size=n)),
        LABELS,
        score=draw(st.lists(scores, min_size=n, max_size=n)),
        row=range(n),
    )
