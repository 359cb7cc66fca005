"""What the source of a run calls an image, as the outbox keeps it: the name and the id that it comes home under."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import msgspec


class SourceImage(NamedTuple):
    """An image as its source has it.

    Attributes:
        key: its name, a relative path; empty where unknown.
        id: its id; None where it has none.
    """

    key: str = ""
    id: int | str | None = None


UNKNOWN = SourceImage()
_decoder = msgspec.json.Decoder(tuple[str, int | str | None])


def image_text(key: str, image_id: int | str | None) -> str:
    """A name and an id as the outbox keeps them; empty where there is neither."""
    return msgspec.json.encode((key, image_id)).decode() if key else ""


def source_image(text: str) -> SourceImage:
    """The image of a packet; without a name where the outbox does not know it, or a plan from elsewhere is odd."""
    with suppress(msgspec.DecodeError):
        return SourceImage(*_decoder.decode(text))
    return UNKNOWN
