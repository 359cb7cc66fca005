"""Predictions to packets with label names, one JSON object a line: the form that Diffgram's SDK takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from boxferry.packets.bodies import Media, Packet, encode
from boxferry.packets.build import BoxMaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.boxes.detections import Detections

    Place = tuple[str, str]


def local_places(chunk: Detections) -> list[Place | None]:
    """(M,) each image's own path, where it is known, else its name; and its name."""
    return [(image.media or image.key, image.key) for image in chunk.images]


def named_packets(
    chunk: Detections,
    *,
    model: str,
    run: str,
    places: Sequence[Place | None] | None = None,
    directory_id: int | None = None,
) -> list[bytes]:
    """One packet an image, as JSON without a line break.

    The boxes bear the label's `name` in place of a `label_file_id`, and in a video their `frame_number`; an image
    without boxes has no `instance_list`, since an empty one is refused.

    Args:
        chunk: fitted detections of M images.
        model: each box's `model_ref`.
        run: each box's `model_run_ref`.
        places: (M,) where each image's media is fetched (`media.url`), and the name under which it appears; None leaves
            an image out. Without it `local_places`, which a server cannot reach.
        directory_id: the directory that the files are made in; a server takes no packet without one.
    """
    maker, packets = BoxMaker(model=model, run=run), []
    held = local_places(chunk) if places is None else places
    for index, contents in maker.contents(chunk, [place and place[1] for place in held]):
        url, name = held[index] or ("", "")
        packet = Packet(
            media=Media(url=url, type="video" if chunk.images[index].video else "image"),
            original_filename=name,
            directory_id=UNSET if directory_id is None else directory_id,
        )
        packets.append(encode(contents.put(packet)))
    return packets
