"""Packets: what stands on the wire, and the references that boxes keep."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxferry.boxes.detections import Detections, Image
from boxferry.errors import UnknownLabel
from boxferry.packets.bodies import Packet, encode, with_batch
from boxferry.packets.build import BoxMaker
from boxferry.packets.reference import box_references, file_digest, is_ours, label_of
from boxferry.plan.named import named_packets

LABELS = {"cat": 7, "dog": 9}


def a_chunk(*, score=(0.9, 0.5, float("nan"))) -> Detections:
    """Two images, the first with two boxes, the second with one; a third has none."""
    images = [Image("a.jpg", 100, 80), Image("sub/b.jpg", 50, 50), Image("c.jpg", 9, 9)]
    xyxy = [[1, 2, 30, 40], [5, 5, 9, 9], [0, 0, 50, 50]]
    return Detections.from_counts(images, [2, 1, 0], xyxy, [0, 1, 0], ["cat", "dog"], score=list(score))


def boxes_of(chunk: Detections, *, run="r", label_ids=LABELS) -> list[list[dict]]:
    maker = BoxMaker(model="m", run=run, label_ids=label_ids)
    names = [image.key for image in chunk.images]
    return [msgspec.to_builtins(list(contents)) for _, contents in maker.contents(chunk, names)]


def test_a_box_has_all_that_the_server_needs_and_four_real_integers():
    """type, label_file_id, four ints, machine_made, score, model, run and our reference."""
    box = boxes_of(a_chunk())[0][0]
    reference = box.pop("creation_ref_id")
    assert box == {
        "type": "box", "label_file_id": 7, "x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40,
        "machine_made": True, "score": 0.9, "model_ref": "m", "model_run_ref": "r",
    }  # fmt: skip
    assert all(type(box[key]) is int for key in ("x_min", "y_min", "x_max", "y_max"))
    assert is_ours(reference)
    assert label_of(reference) == "cat"


def test_a_box_without_a_score_has_no_score_key():
    """NaN is no JSON number, and 0 would be a claim."""
    assert "score" not in boxes_of(a_chunk())[1][0]


def test_a_score_of_zero_is_a_score():
    """It is sent, not taken for none."""
    assert boxes_of(a_chunk(score=(0.0, 0.5, 1.0)))[0][0]["score"] == 0.0


def test_an_image_left_out_gives_no_instance_list():
    """A file name of None passes an image over."""
    maker = BoxMaker(model="m", run="r", label_ids=LABELS)
    assert [index for index, _ in maker.contents(a_chunk(), [None, "b", "c"])] == [1, 2]


def test_a_label_without_an_id_is_an_error_before_anything_is_built():
    """The server would fail the whole packet."""
    with pytest.raises(UnknownLabel, match="'dog'"):
        boxes_of(a_chunk(), label_ids={"cat": 1})


def test_a_lower_threshold_keeps_the_references_of_the_boxes_that_were_there():
    """The reference follows geometry and label, not score, order or neighbours."""
    chunk = a_chunk()
    all_boxes = {box["creation_ref_id"] for image in boxes_of(chunk) for box in image}
    some = {box["creation_ref_id"] for image in boxes_of(chunk.take(chunk.score > 0.6)) for box in image}
    assert some < all_boxes


CORNERS = st.tuples(*[st.integers(0, 5000)] * 4)
NAMES = st.text(max_size=20)


@given(st.tuples(NAMES, NAMES, NAMES, NAMES, CORNERS), st.tuples(NAMES, NAMES, NAMES, NAMES, CORNERS))
def test_two_boxes_share_a_reference_only_if_all_of_it_is_the_same(one, other):
    """File, model, run, label and the four integers: each tells two boxes apart."""

    def reference(file_name, model, run, label, corners):
        (found,) = box_references(file_digest(file_name, model, run), [label], *([corner] for corner in corners))
        return found

    assert (reference(*one) == reference(*other)) == (one == other)
    assert label_of(reference(*one)) == one[3]


def test_a_packet_without_boxes_leaves_the_list_out():
    """An empty list is refused by the server."""
    assert encode(Packet(directory_id=3)) == b'{"directory_id":3}'


def test_the_batch_is_put_in_without_touching_the_rest():
    """The stored body and the sent one differ in the batch alone."""
    body = encode(Packet(directory_id=3, original_filename="é.jpg"))
    assert json.loads(with_batch(body, 12)) == {"batch_id": 12, **json.loads(body)}


def test_converted_packets_have_label_names_and_one_line_each():
    """The form that Diffgram's SDK takes; an image without boxes has no list."""
    packets = named_packets(a_chunk(), model="m", run="r")
    assert all(b"\n" not in packet for packet in packets)
    first, _, third = (json.loads(packet) for packet in packets)
    assert first["instance_list"][0]["name"] == "cat"
    assert "label_file_id" not in first["instance_list"][0]
    assert third == {"media": {"url": "c.jpg", "type": "image"}, "original_filename": "c.jpg"}
