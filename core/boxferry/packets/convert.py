"""Predictions to packets with label names, one JSON object a line: the form that Diffgram's SDK takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.packets.build import BoxMaker
from boxferry.packets.wire import Media, Packet, encode

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections


def named_packets(chunk: Detections, *, model: str, run: str) -> list[bytes]:
    """One packet an image, as JSON without a line break.

    Its `media.url` is the image's local path where that is known, else its name; the boxes bear the label's `name` in
    place of a `label_file_id`; an image without boxes has no `instance_list`, since an empty one is refused.

    Args:
        chunk: fitted detections.
        model: each box's `model_ref`.
        run: each box's `model_run_ref`.
    """
    maker, packets = BoxMaker(model=model, run=run), []
    for index, contents in maker.contents(chunk, [image.key for image in chunk.images]):
        image = chunk.images[index]
        media = Media(url=image.media or image.key, type="video" if image.video else "image")
        packets.append(encode(contents.put(Packet(media=media, original_filename=image.key))))
    return packets
