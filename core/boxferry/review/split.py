"""Which pictures are kept for validation: by a hash of their names, so that they stay so from week to week. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

Split = Literal["train", "val"]
SPLITS: tuple[Split, ...] = ("train", "val")


def split_of(name: str, share: float) -> Split:
    """The part that a picture belongs to, whatever else is in the dataset and wherever it is made.

    A picture of 'val' stays there where the share grows.

    Args:
        name: its name on the server.
        share: of the pictures that are for validation, 0 to 1.
    """
    number = int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return "val" if number < share * 2**64 else "train"
