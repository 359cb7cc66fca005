"""What `convert` writes is read back, and pushed; so are the instance lists that Diffgram's SDK takes."""

import json

import pytest

from boxferry import Tally, read
from boxferry.plan.named import sdk_packets

BOXES = {"a.jpg": {"boxes": [[10, 20, 40, 60], [5, 5, 95, 75]], "labels": [0, 1], "scores": [0.5, 0.25]}}


def written(source) -> list[str]:
    return [line.decode() for chunk in sdk_packets(source, Tally(), model="m", run="r") for line in chunk]


def source():
    return read(BOXES, names=["cat", "dog"], size=(100, 80))


def rows(predictions, tally=None):
    found = predictions.collect(tally)
    return [
        (image.key, boxes.labels[code], corners, score)
        for image, boxes in found
        for code, corners, score in zip(boxes.label.tolist(), boxes.xyxy.tolist(), boxes.score.tolist(), strict=True)
    ]


EXPECTED = [("a.jpg", "cat", [10, 20, 40, 60], 0.5), ("a.jpg", "dog", [5, 5, 95, 75], 0.25)]


@pytest.mark.parametrize("how", ["file", "list", "one", "generator"])
def test_what_convert_wrote_is_read_back(tmp_path, how):
    lines = written(source())
    path = tmp_path / "packets.ndjson"
    path.write_text("\n".join(lines) + "\n")
    packets = [json.loads(line) for line in lines]
    given = {"file": path, "list": packets, "one": packets[0], "generator": iter(packets)}[how]
    predictions = read(given)
    assert predictions.format.name == "packets"
    assert rows(predictions) == EXPECTED


def test_labels_with_ids_take_the_names_that_are_given():
    box = {"type": "box", "label_file_id": 7, "x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4}
    packet = {"original_filename": "a.jpg", "instance_list": [box]}
    assert rows(read(packet, names={7: "cat"}))[0][1] == "cat"


def test_frames_of_a_video_are_read_back():
    box = {"type": "box", "name": "cat", "number": 3, "x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4}
    packet = {"media": {"url": "x/clip.mp4", "type": "video"}, "frame_packet_map": {"0": [box], "12": [box]}}
    (chunk,) = read(packet).chunks(Tally())
    assert (chunk.images[0].video, chunk.frame.tolist(), chunk.track.tolist()) == (True, [0, 12], [3, 3])


def test_what_is_no_packet_or_box_is_counted(tmp_path):
    good = {"type": "box", "name": "cat", "x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4}
    lines = [
        json.dumps(
            {"original_filename": "a.jpg", "instance_list": [good, good | {"type": "cuboid"}, good | {"x_min": "?"}]}
        ),
        json.dumps({"instance_list": [good]}),
        '{"original_filename": "b.jpg", "instance_list": [',
        json.dumps(
            {"original_filename": "c.jpg", "instance_list": [{key: good[key] for key in good if key != "name"}]}
        ),
    ]
    path = tmp_path / "x.ndjson"
    path.write_text("\n".join(lines))
    tally = Tally()
    assert len(rows(read(path), tally)) == tally.kept == 1
    assert (tally.read, tally.dropped["bad-box"], tally.failed["bad-line"]) == (5, 3, 2)


def test_a_polygon_is_its_bounds_and_its_outline_where_that_is_asked_for():
    points = [{"x": 1, "y": 2}, {"x": 9, "y": 2}, {"x": 5, "y": 8}]
    packet = {"original_filename": "a.jpg", "instance_list": [{"type": "polygon", "name": "cat", "points": points}]}
    (chunk,) = read(packet, polygons=True).chunks(Tally())
    assert chunk.xyxy.tolist() == [[1, 2, 9, 8]]
    assert chunk.polygons[0][0].tolist() == [[1, 2], [9, 2], [5, 8]]
