"""Brushes: masks packed by runs of bits, of which the fourth byte of each pixel says whether it is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.parsing.gather import BadBox
from boxferry.parsing.values import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_MASK = 50_000_000  #: pixels
CHANNELS = 4
MOST_LITERALS = 1 << 22  #: values that stand there one by one; a mask that was drawn has runs


def mask_of(packed: Any, width: int, height: int) -> NDArray[np.bool_]:  # noqa: ANN401 # any JSON value
    """(H, W) the mask.

    Raises:
        BadBox: it cannot be unpacked, or is of another size.
    """
    if not isinstance(packed, list) or not all(isinstance(byte, int) and 0 <= byte < 256 for byte in packed):
        raise BadBox(f"rle: expected a list of bytes, found {shown(packed)}")
    if not 0 < width * height <= LARGEST_MASK:
        raise BadBox(f"rle: a mask of {width}x{height} pixels")
    bits = _Bits(np.array(packed, np.uint8))
    if (values := bits.number(32)) != CHANNELS * width * height:
        raise BadBox(f"rle: {values} values, expected {CHANNELS * width * height} for {width}x{height} pixels")
    return _unpacked(bits, values).reshape(height, width)


class _Bits:
    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._bits = np.unpackbits(data)
        self._at = 0

    def number(self, length: int) -> int:
        """The next bits, the highest first."""
        bits = self._bits[self._at : self._at + length]
        if len(bits) < length:
            raise BadBox("rle: cut short")
        self._at += length
        return int.from_bytes(np.packbits(bits).tobytes(), "big") >> (-length % 8)


def _unpacked(bits: _Bits, values: int) -> NDArray[np.bool_]:
    inside = np.zeros(values // CHANNELS, np.bool_)
    word = bits.number(5) + 1
    lengths = [bits.number(4) + 1 for _ in range(4)]
    at, literals = 0, 0
    while at < values:
        is_run = bits.number(1)
        end = min(at + 1 + bits.number(lengths[bits.number(2)]), values)
        if is_run:
            inside[at // CHANNELS : end // CHANNELS] = bits.number(word) > 0  # those whose fourth value is in the run
        else:
            literals += end - at
            if literals > MOST_LITERALS:
                raise BadBox("rle: too many values without runs")
            for value in range(at, end):
                found = bits.number(word)
                if value % CHANNELS == CHANNELS - 1:
                    inside[value // CHANNELS] = found > 0
        at = end
    return inside
