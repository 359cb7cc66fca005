"""The format `boxferry`: what is written is read the same, and a line that was cut off costs itself alone."""

import numpy as np
import pytest
from hypothesis import given

from boxes.chunks import chunks
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.lines import decoded, encoded, joined
from boxferry.errors import InputError
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context, read, write_text


@given(chunks())
def test_what_is_encoded_is_decoded_the_same(chunk):
    """Every column, to the last bit; what is not finite is no number, and labels that no box has are not kept."""
    back = joined(decoded(line) for line in encoded(chunk))
    assert back.images == chunk.images
    finite = np.where(np.isfinite(chunk.xyxy), chunk.xyxy, np.nan)
    assert np.array_equal(back.xyxy, finite, equal_nan=True)
    assert np.array_equal(back.score, chunk.score, equal_nan=True)
    assert [back.labels[code] for code in back.label] == [chunk.labels[code] for code in chunk.label]


def test_frames_tracks_outlines_and_attributes_come_back():
    """And not-a-number stays one."""
    ring = np.array([[0.5, 0.0], [4.0, 0.0], [4.0, 4.0]])
    chunk = Detections.from_counts(
        [Image("a.mp4", 9, 9, video=True, frames=3, frame_rate=29.97)], [2], [[0, 0, 4, 4], [np.nan, 0, 4, 4]], [0, 0],
        ["car"], frame=[0, 2], track=[5, -1], polygons=objects([(ring,), None]),
        attributes=objects([{"pose": "left"}, None]),
    )  # fmt: skip
    back = joined(decoded(line) for line in encoded(chunk))
    assert back.images == chunk.images
    assert np.isnan(back.xyxy[1, 0])
    assert (back.frame.tolist(), back.track.tolist()) == ([0, 2], [5, -1])
    assert np.array_equal(back.polygons[0][0], ring)
    assert (back.polygons[1], back.attributes.tolist()) == (None, [{"pose": "left"}, None])


def lines_of(*names):
    image = [Image(name, 100, 80) for name in names]
    n = len(names)
    chunk = Detections.from_counts(image, [1] * n, [[1, 2, 3, 4]] * n, [0] * n, ["car"], score=[0.5] * n)
    return list(encoded(chunk))


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path):
    """As after a power cut; blank lines are passed over."""
    first, second, third = lines_of("a.jpg", "b.jpg", "c.jpg")
    path = write_text(tmp_path / "x.ndjson", first + b"\n" + second[:40] + b"\n" + third)
    rows, tally = read("boxferry", path)
    assert [row[0] for row in rows] == ["a.jpg", "c.jpg"]
    assert tally.failed == {"bad-line": 1}
    assert tally.examples["bad-line"][0].line == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((b'"boxferry":1', b'"boxferry":9'), "bad-line"),
        ((b'"label":["car"]', b'"label":[]'), "bad-line"),
        ((b'"b.jpg"', b'"a.jpg"'), "duplicate-image"),
        ((b"{", b""), "bad-line"),
    ],
)
def test_a_line_that_cannot_be_used_fails_with_its_number(tmp_path, change, code):
    """The others go on."""
    first, second = lines_of("a.jpg", "b.jpg")
    rows, tally = read("boxferry", write_text(tmp_path / "x.ndjson", first + second.replace(*change)))
    assert [row[0] for row in rows] == ["a.jpg"]
    assert tally.failed == {code: 1}
    assert tally.examples[code][0].line == 2


def test_a_path_in_a_line_is_followed_only_when_told(tmp_path):
    """A file from elsewhere could name any file of this machine."""
    chunk = Detections.from_counts([Image("a.jpg", 100, 80, media="/etc/passwd.jpg")], [0], [], [], [])
    path = write_text(tmp_path / "x.ndjson", b"".join(encoded(chunk)))
    for option, media in (({}, ""), ({"boxferry_media": "written"}, "/etc/passwd.jpg")):
        context = a_context("boxferry", **option)
        (read_back,) = FORMATS["boxferry"].read(source_of(path), context)
        assert read_back.images[0].media == media


@pytest.mark.parametrize("way", ["folder", "glob", "list"])
def test_shards_are_read_one_after_the_other(tmp_path, way):
    """An image that stands in two of them fails the second time, with both places."""
    for number, keys in enumerate((["a.jpg", "b.jpg"], ["c.jpg", "a.jpg"])):
        chunk = Detections.from_counts([Image(key, 9, 9) for key in keys], [1, 1], [[0, 0, 4, 4]] * 2, [0, 0], ["car"])
        write_text(tmp_path / f"s/{number}.ndjson", b"".join(encoded(chunk)))
    files = sorted((tmp_path / "s").iterdir())
    source = {"folder": tmp_path / "s", "glob": f"{tmp_path}/s/*", "list": files}[way]
    assert FORMATS["boxferry"].sniff(source_of(source))
    rows, tally = read("boxferry", source)
    assert [row[0] for row in rows] == ["a.jpg", "b.jpg", "c.jpg"]
    message = str(tally.examples["duplicate-image"][0])
    assert message == f"{files[1]}:2: image 'a.jpg' stands at {files[0]}:1 already"
    with pytest.raises(InputError, match="no file of lines in it"):
        read("boxferry", write_text(tmp_path / "e/x.txt", "").parent)
