"""The format `cvat`: images and tracks of CVAT's XML, and what is written is read the same."""

import numpy as np
import pytest
from hypothesis import given, settings

from boxferry import read as read_source
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from formats.reading import FORMATS, a_context, assert_same, detections, images_of, read, rows_of, write_text
from formats.samples import CVAT, CVAT_VIDEO


def a_file(folder, *shapes):
    text = f'<annotations><image id="0" name="a.jpg" width="100" height="80">{"".join(shapes)}</image></annotations>'
    return write_text(folder / "x.xml", text)


BOX = '<box label="cat" xtl="1" ytl="2" xbr="3" ybr="4"/>'


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        ('<box label="cat" xtl="10" ytl="20" xbr="40" ybr="60" rotation="90"/>', (5, 25, 45, 55)),
        ('<polygon label="cat" points="10,20;40,30;20,60"/>', (10, 20, 40, 60)),
        ('<ellipse label="cat" cx="25" cy="40" rx="15" ry="20"/>', (10, 20, 40, 60)),
        ('<ellipse label="cat" cx="25" cy="40" rx="20" ry="15" rotation="90"/>', (10, 20, 40, 60)),
        ('<mask label="cat" left="10" top="20" width="4" height="2" rle="1, 2, 2, 2, 1"/>', (11, 20, 13, 22)),
    ],
)
def test_every_shape_that_has_an_area_is_a_box(tmp_path, shape, corners):
    """With its outline; a box is turned about its centre."""
    (chunk,) = read_source(a_file(tmp_path, shape), polygons=True).chunks(tally := Tally())
    assert chunk.xyxy[0] == pytest.approx(corners, abs=0.11)
    assert len(chunk.polygons[0]) == 1
    assert tally.noted == {"derived": 1}


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ('<points label="cat" points="1,2"/>', "no-area"),
        ('<polyline label="cat" points="1,2;3,4;5,6"/>', "no-area"),
        ('<skeleton label="cat"/>', "no-area"),
        ('<polygon label="cat" points="1,2;3"/>', "bad-box"),
        ('<box label="cat" xtl="1" ytl="2" xbr="3"/>', "bad-box"),
        ('<box xtl="1" ytl="2" xbr="3" ybr="4"/>', "bad-box"),
        ('<mask label="cat" left="1" top="2" width="4" height="2" rle="9,9"/>', "bad-box"),
        ('<mask label="cat" left="1" top="2" width="4" height="2" rle="8"/>', "bad-box"),
        ('<mask label="cat" left="1" top="2" width="99999" height="99999" rle="8"/>', "bad-box"),
        ('<box label="cat" xtl="1" ytl="2" xbr="3" ybr="4"><attribute name="score">x</attribute></box>', "bad-box"),
    ],
)
def test_a_shape_that_is_no_box_costs_itself_alone(tmp_path, shape, code):
    """It is counted; tags are none."""
    rows, tally = read("cvat", a_file(tmp_path, shape, BOX, '<tag label="indoor"/>'))
    assert len(rows) == 1
    assert tally.dropped == {code: 1}


def test_attributes_and_the_shapes_own_fields(tmp_path):
    """As they are asked for."""
    path = write_text(tmp_path / "x.xml", CVAT)
    (chunk,) = read_source(path, attributes=["colour", "occluded", "source"]).chunks(Tally())
    assert chunk.attributes.tolist() == [{"colour": "black", "occluded": True, "source": "auto"}, {"occluded": False}]


def test_tracks_are_boxes_of_a_video(tmp_path):
    """With their frames; where the object is outside is no box."""
    path = write_text(tmp_path / "x.xml", CVAT_VIDEO)
    (chunk,) = read_source(path).chunks(tally := Tally())
    assert (chunk.images[0].video, chunk.images[0].frames, chunk.images[0].width) == (True, 9, 100)
    assert (chunk.frame.tolist(), chunk.track.tolist()) == ([2, 3], [4, 4])
    assert tally.noted == {"outside": 1}
    tally = Tally()
    images = images_of(tmp_path / "images", "clip.mp4.jpg", "x.jpg")
    write_text(tmp_path / "x.xml", CVAT_VIDEO.replace(b"clip.mp4", b"x.jpg"))
    assert sum(map(len, read_source(path, images=images).chunks(tally))) == 0
    assert (tally.failed, tally.dropped) == ({"not-a-video": 1}, {"not-a-video": 2})


def test_what_comes_before_an_error_is_kept(tmp_path):
    """The file fails with its line."""
    write_text(tmp_path / "l" / "x.xml", CVAT.replace(b"</annotations>", b"<image"))
    write_text(tmp_path / "l" / "y.xml", b"<!DOCTYPE a [<!ENTITY x 'y'>]><annotations/>")
    rows, tally = read("cvat", tmp_path / "l")
    assert len(rows) == 2
    assert tally.failed == {"bad-xml": 2}
    assert tally.examples["bad-xml"][0].line == 8


def test_an_image_twice_fails_the_second_time(tmp_path):
    """As an image of another size does."""
    images = images_of(tmp_path / "images", "b.jpg", size=(10, 10))
    one = CVAT.replace(b"<version>", b"<!-- a --><version>").partition(b"<image")[2].rpartition(b"</annotations>")[0]
    text = CVAT.replace(
        b"</annotations>", b"<image" + one + b"<image" + one.replace(b"a.jpg", b"b.jpg") + b"</annotations>"
    )
    rows, tally = read("cvat", write_text(tmp_path / "x.xml", text), folder=images)
    assert len(rows) == 2
    assert tally.failed == {"duplicate-image": 1, "size-mismatch": 1}
    assert tally.dropped == {"duplicate-image": 2, "size-mismatch": 2}


@settings(deadline=None, max_examples=60)
@given(chunk=detections())
def test_what_is_written_is_read_the_same(tmp_path_factory, chunk):
    """To the nine digits after the point that are written, images without boxes too."""
    path = tmp_path_factory.mktemp("cvat") / "x.xml"
    FORMATS["cvat"].write([chunk], path, a_context("cvat"))
    rows, tally = read("cvat", path)
    assert_same(rows, rows_of([chunk]), tolerance=1e-9)
    assert tally.images == len(chunk.images)


def test_outlines_and_attributes_come_back(tmp_path):
    """An outline of several rings is a box, and that is noted."""
    ring, other = np.array([[0, 0], [4, 0], [4, 4.5]]), np.array([[6, 6], [9, 6], [9, 9.0]])
    chunk = Detections.from_counts(
        [Image("a.jpg", 9, 9)], [2], [[0, 0, 4, 4.5], [0, 0, 9, 9]], [0, 0], ["car"], score=[0.5, np.nan],
        polygons=objects([(ring,), (ring, other)]), attributes=objects([{"pose": "left", "n": 3}, None]),
    )  # fmt: skip
    context = a_context("cvat")
    FORMATS["cvat"].write([chunk], tmp_path / "x.xml", context)
    (back,) = read_source(tmp_path / "x.xml", polygons=True, attributes=["pose", "n"]).unrefined(Tally())
    assert np.array_equal(back.polygons[0][0], ring)
    assert (back.polygons[1], back.attributes.tolist()) == (None, [{"pose": "left", "n": "3"}, None])
    assert np.array_equal(back.xyxy, chunk.xyxy)
    assert context.tally.noted == {"no-outline": 1}


@pytest.mark.parametrize(
    ("image", "reason"), [(Image("a.jpg"), "size is not known"), (Image("a\x01.jpg", 9, 9), "XML")]
)
def test_what_cannot_be_written_leaves_no_file(tmp_path, image, reason):
    """And says why."""
    chunk = Detections.from_counts([image], [0], [], [], [])
    with pytest.raises(InputError, match=reason):
        FORMATS["cvat"].write([chunk], tmp_path / "x.xml", a_context("cvat"))
    assert list(tmp_path.iterdir()) == []
