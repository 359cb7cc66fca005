"""Outlines of masks are exact: filled again, they give the mask, without its holes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as Picture
from PIL import ImageDraw

from boxferry.boxes.outlines import bounds_of, outlines_of

MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def filled(rings, shape):
    """The pixels whose centres lie inside any ring, ten times enlarged so that edges are no question."""
    picture = Picture.new("1", (shape[1] * 10, shape[0] * 10))
    for ring in rings:
        ImageDraw.Draw(picture).polygon([tuple(point) for point in (ring * 10).tolist()], fill=1)
    return np.asarray(picture)[5::10, 5::10]


def without_holes(mask):
    """The mask with every background pixel that cannot reach the border filled (8-connected ways out)."""
    outside = np.pad(~mask, 1, constant_values=True)
    reached = np.zeros_like(outside)
    reached[0, 0] = True
    while True:
        grown = reached.copy()
        padded = np.pad(reached, 1)
        height, width = outside.shape
        for dy in (0, 1, 2):
            for dx in (0, 1, 2):
                grown |= padded[dy : dy + height, dx : dx + width]
        grown &= outside
        if (grown == reached).all():
            return ~reached[1:-1, 1:-1]
        reached = grown


@given(MASKS)
def test_outlines_filled_again_are_the_mask_without_its_holes(mask):
    """Whatever its parts are, and where they touch."""
    rings = outlines_of(mask)
    assert (filled(rings, mask.shape) >= mask).all()
    assert (filled(rings, mask.shape) <= without_holes(mask)).all()


def test_a_box_is_its_four_corners():
    """Clockwise, no point between."""
    mask = np.zeros((8, 9), bool)
    mask[2:5, 3:7] = True
    (ring,) = outlines_of(mask)
    assert {tuple(point) for point in ring.tolist()} == {(3, 2), (7, 2), (7, 5), (3, 5)}
    assert len(ring) == 4
    assert bounds_of([ring]) == (3, 2, 7, 5)


@pytest.mark.parametrize(("rows", "parts"), [(["#.", ".#"], 2), (["##", "##"], 1), (["#.#"], 2), (["..", ".."], 0)])
def test_parts_that_touch_at_a_corner_are_two(rows, parts):
    """As annotators draw them."""
    assert len(outlines_of(np.array([[c == "#" for c in row] for row in rows]))) == parts
