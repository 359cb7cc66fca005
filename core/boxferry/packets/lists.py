"""The boxes of many images as the JSON of their instance lists, without an object for each where that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from boxferry.packets.reference import PREFIX
from boxferry.parsing import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.boxes.detections import Detections

_encoder = msgspec.json.Encoder()


class Common(Protocol):
    """What all boxes of a packet have in common; `BoxMaker` is one."""

    @property
    def model(self) -> str:
        """Becomes each box's `model_ref`."""
        ...

    @property
    def run(self) -> str:
        """Becomes each box's `model_run_ref`."""
        ...

    @property
    def machine_made(self) -> bool:
        """Whether the boxes are predictions."""
        ...


def instance_lists(
    maker: Common, detections: Detections, ids: Sequence[int | None], digests: Sequence[str | None]
) -> list[bytes | None] | None:
    """(M,) the JSON of each image's boxes, which have nothing but corners, label and score, by the compiled function.

    Its pure twin is the list of `bodies.Box` that `BoxMaker` builds, encoded: the bytes are the same.

    Args:
        maker: says what all boxes have in common.
        detections: a fitted chunk of M images.
        ids: (L,) the id of each label, None where its name is written.
        digests: (M,) of each image's file; None leaves an image out.

    Returns:
        None where there is no compiled function.
    """
    if compiled.speedups is None:
        return None
    model = b',"model_ref":%b,"model_run_ref":%b' % (_json(maker.model), _json(maker.run)) if maker.model else b""
    used = set(np.unique(detections.label).tolist())
    heads, tails = _around(maker, detections.labels, ids, used)
    start = b'%b,"creation_ref_id":"%b' % (model, PREFIX.encode())
    return compiled.speedups.instance_lists(
        detections.offsets.data,
        detections.xyxy.data,
        detections.label.data,
        _encoder.encode(detections.score.tolist()) if maker.model else b"",
        heads,
        tails,
        [None if digest is None else b"%b%b:" % (start, digest.encode()) for digest in digests],
    )


def _around(
    maker: Common, labels: Sequence[str], ids: Sequence[int | None], used: set[int]
) -> tuple[list[bytes | None], list[bytes | None]]:
    """(L,) what stands before the score of a box of each label, and (L,) after the corners in its reference."""
    heads: list[bytes | None] = [None] * len(labels)
    tails: list[bytes | None] = [None] * len(labels)
    for code in used:
        name, label_id = _json(labels[code]), ids[code]
        label = b'"name":%b' % name if label_id is None else b'"label_file_id":%d' % label_id
        heads[code] = b'{%b,"machine_made":%b' % (label, b"true" if maker.machine_made else b"false")
        tails[code] = b':%b","type":"box","x_min":' % name[1:-1]
    return heads, tails


def _json(text: str) -> bytes:
    return _encoder.encode(text)
