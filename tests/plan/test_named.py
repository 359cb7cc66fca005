"""Packets with label names, made without a server: where their media is, and which images are left out."""

import json

import pytest
from PIL import Image as Picture

from boxferry import read, write_packets
from boxferry.boxes.tally import Tally
from boxferry.errors import UsageError
from boxferry.plan.named import sdk_packets
from videos import a_video


def a_source(folder, *names):
    """COCO predictions, a box on each image of a folder."""
    dataset = {"images": [], "categories": [{"id": 1, "name": "cat"}], "annotations": []}
    for number, name in enumerate(names, start=1):
        dataset["images"].append({"id": number, "file_name": name, "width": 100, "height": 80})
        box = {"image_id": number, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}
        dataset["annotations"].append({"id": number, "iscrowd": 0, "area": 1200, **box})
    (folder / "coco.json").write_text(json.dumps(dataset))
    return read(folder / "coco.json")


def made(predictions, tally=None, **options):
    """The packets, as objects."""
    lines = sdk_packets(predictions, tally or Tally(), model="m", run="r", **options)
    return [json.loads(line) for chunk in lines for line in chunk]


def test_media_url_and_directory_are_those_of_a_push(tmp_path):
    """The same template as a push's, percent-encoded; the directory stands in the packet, not in a header."""
    (packet,) = made(a_source(tmp_path, "a b/é.jpg"), media_url="https://host/{file_name}", directory_id=7)
    assert packet["media"] == {"url": "https://host/a%20b/%C3%A9.jpg", "type": "image"}
    assert packet["original_filename"] == "a b/é.jpg"
    assert packet["directory_id"] == 7


def test_an_image_that_a_server_refuses_is_left_out_and_counted(tmp_path):
    """As in a push: boxes read are boxes written and boxes dropped with a reason."""
    tally = Tally()
    packets = made(a_source(tmp_path, "a.webp", "b.jpg"), tally, media_url="https://host/{file_name}")
    assert [packet["original_filename"] for packet in packets] == ["b.jpg"]
    assert (tally.failed["unsupported-media"], tally.read, tally.kept) == (1, 2, 1)


@pytest.mark.parametrize("url", [None, "https://host/{file_name}"], ids=["local", "url"])
def test_a_name_over_250_characters_is_left_out(tmp_path, url):
    """It would end a worker of the server; 250 are fine."""
    tally = Tally()
    packets = made(a_source(tmp_path, "x" * 246 + ".jpg", "x" * 247 + ".jpg"), tally, media_url=url)
    assert [len(packet["original_filename"]) for packet in packets] == [250]
    assert tally.failed.total() == 1


@pytest.mark.parametrize("url", ["ftp://host/{file_name}", "https://host/a.jpg", "https://host/{file}"])
def test_a_wrong_template_is_a_usage_error(tmp_path, url):
    """In one line, which names it."""
    with pytest.raises(UsageError, match="--media-url"):
        made(a_source(tmp_path, "a.jpg"), media_url=url)


def test_the_boxes_of_a_video_bear_their_frame(tmp_path):
    """Which Diffgram's SDK asks for."""
    (tmp_path / "clip.mp4").write_bytes(a_video())
    Picture.new("RGB", (9, 9)).save(tmp_path / "still.png")
    (tmp_path / "clip.txt").write_text("1,1,1,2,30,20,0.9,-1,-1,-1\n4,1,3,2,30,20,0.9,-1,-1,-1\n")
    predictions = read(tmp_path / "clip.txt", format="mot", images=tmp_path, options={"mot-label": "cat"})
    (packet,) = [found for found in made(predictions) if found["media"]["type"] == "video"]
    frames = packet["frame_packet_map"]
    assert {frame: [box["frame_number"] for box in boxes] for frame, boxes in frames.items()} == {"0": [0], "3": [3]}


def test_packets_are_written_in_python_as_by_convert(tmp_path):
    """A line for each image; what is read and dropped is counted; a push reads them."""
    tally = write_packets(a_source(tmp_path, "a.jpg", "x" * 300 + ".jpg"), tmp_path / "p.ndjson", model="m", run="r")
    (line,) = (tmp_path / "p.ndjson").read_text().splitlines()
    assert json.loads(line)["original_filename"] == "a.jpg"
    assert (tally.read, tally.kept, tally.failed.total()) == (2, 1, 1)
    assert read(tmp_path / "p.ndjson").format.name == "packets"
