"""The newer formats are read in pieces: the first images of a large file come before the rest of it is read."""

import json

import pytest

from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context
from formats.samples import CREATEML, CVAT, LABELSTUDIO, NDJSON, as_json

IMAGES = 6000


def many(fmt):
    """The text of a large file."""
    if fmt == "createml":
        text = as_json(CREATEML[0])
        return b"[" + b",\n".join(text.replace(b"a.jpg", b"%d.jpg" % n) for n in range(3 * IMAGES)) + b"]"
    if fmt == "ndjson":
        text = as_json(NDJSON[1])
        return b"\n".join([as_json(NDJSON[0]), *(text.replace(b"a.jpg", b"%d.jpg" % n) for n in range(IMAGES))])
    if fmt == "labelstudio":
        text = json.dumps(LABELSTUDIO[0]).encode()
        return b"[" + b",\n".join(text.replace(b"5b9c7dbd-a.jpg", b"%d.jpg" % n) for n in range(IMAGES)) + b"]"
    head, _, image = CVAT.rpartition(b"</annotations>")[0].partition(b"<image")
    images = ((b"<image" + image).replace(b"a.jpg", b"%d.jpg" % n) for n in range(IMAGES))
    return head + b"".join(images) + b"</annotations>"


@pytest.mark.parametrize("fmt", ["createml", "ndjson", "labelstudio", "cvat"])
def test_the_first_images_come_before_the_rest_is_read(tmp_path, fmt):
    """A part of the file has been read by then, and one chunk is held."""
    path = tmp_path / "x"
    path.write_bytes(many(fmt))
    source, reached = source_of(path), [0]
    source.watch = lambda read, total: reached.append(read)
    chunk = next(FORMATS[fmt].read(source, a_context(fmt)))
    assert 0 < len(chunk.images) < 2000
    assert 0 < max(reached) < 0.75 * path.stat().st_size
