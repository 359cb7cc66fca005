"""Which pictures are kept for validation: by a hash of their names, so that they stay so from week to week. Pure."""

from __future__ import annotations

from typing import Literal

from boxferry.boxes.sampling import is_validation

Split = Literal["train", "val"]
SPLITS: tuple[Split, ...] = ("train", "val")


def split_of(name: str, share: float) -> Split:
    """The part that a picture belongs to, whatever else is in the dataset and wherever it is made.

    A picture of 'val' stays there where the share grows.

    Args:
        name: its name on the server.
        share: of the pictures that are for validation, 0 to 1.
    """
    return "val" if is_validation(name, share) else "train"
