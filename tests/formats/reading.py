"""Reads a source with one adapter, as the core does, and looks at what came of it."""

import json
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Tally
from boxferry.formats import Catalog, Context
from boxferry.plugins import plugin_manager
from boxferry.reading.images import ImageIndex
from boxferry.reading.source import source_of

FORMATS = plugin_manager().formats()


def a_context(fmt, *, names=None, catalog=None, size=None, folder=None, tally=None, **options):
    """A context with the format's default options."""
    defaults = {option.name: option.default for option in FORMATS[fmt].options}
    given = {name.replace("_", "-"): value for name, value in options.items()}
    images = ImageIndex.build(folder=folder, catalog=catalog, size=size)
    return Context(images=images, tally=tally or Tally(), names=names or {}, options=defaults | given)


def read(fmt, path, **options):
    """All boxes of a source as rows, and the tally; the counts have to add up."""
    context = a_context(fmt, **options)
    chunks = list(FORMATS[fmt].read(source_of(path), context))
    rows = rows_of(chunks)
    assert context.tally.kept == len(rows), "read = kept + dropped"
    keys = [image.key for chunk in chunks for image in chunk.images]
    assert len(keys) == len(set(keys)), "each image comes once"
    assert context.tally.images == len(keys)
    return rows, context.tally


def rows_of(chunks):
    """(image, label, x_min, y_min, x_max, y_max, score), score None where there is none."""
    rows = []
    for chunk in chunks:
        owner = chunk.image_index.tolist()
        for i, (corners, score) in enumerate(zip(chunk.xyxy.tolist(), chunk.score.tolist(), strict=True)):
            label = chunk.labels[chunk.label[i]]
            rows.append((chunk.images[owner[i]].key, label, *corners, None if np.isnan(score) else score))
    return rows


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write_json(path, value):
    return write_text(path, json.dumps(value))


SIDE = st.integers(1, 5000)
LABELS = ("cat", "dög & cat", "<x>", "a b")


@st.composite
def detections(draw):
    """A chunk of random images with random boxes inside them, no two of an image the same: some formats join them."""
    images, counts, xyxy = [], [], []
    for number in range(draw(st.integers(1, 4))):
        width, height = draw(SIDE), draw(SIDE)
        images.append(Image(f"sub {number}/im.age{number}.jpg", width, height))
        counts.append(draw(st.integers(0, 4)))
        for _ in range(counts[-1]):
            xs = sorted(draw(st.tuples(*[st.floats(0, width, allow_subnormal=False)] * 2)))
            ys = sorted(draw(st.tuples(*[st.floats(0, height, allow_subnormal=False)] * 2)))
            xyxy.append([xs[0], ys[0], xs[1], ys[1]])
    n = len(xyxy)
    label = draw(st.lists(st.integers(0, len(LABELS) - 1), min_size=n, max_size=n))
    scores = st.floats(0, 1, allow_subnormal=False) if draw(st.booleans()) else st.just(np.nan)
    score = draw(st.lists(scores, min_size=n, max_size=n))
    chunk = Detections.from_counts(images, counts, xyxy, label, LABELS, score=score)
    alike = np.column_stack((chunk.image_index, chunk.label, chunk.xyxy.round(3).reshape(-1, 4)))
    return chunk.take(np.sort(np.unique(alike, axis=0, return_index=True)[1])) if n else chunk


def catalog_of(chunk):
    """A dataset file's knowledge of the images of a chunk."""
    return Catalog(names={}, images=dict(enumerate(chunk.images, start=1)))


def assert_same(found, expected, *, tolerance):
    """The same boxes: image, label and score exactly, corners within `tolerance` pixels."""
    found, expected = (sorted(rows, key=lambda row: row[0]) for rows in (found, expected))
    assert [(r[0], r[1], r[6]) for r in found] == [(r[0], r[1], r[6]) for r in expected]
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one[2:6], other[2:6], rtol=0, atol=tolerance), (one, other)


def images_of(folder, *names, size=(100, 80)):
    """Real images in a folder."""
    from PIL import Image as Picture

    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Picture.new("RGB", size).save(folder / name)
    return Path(folder)
