"""Watches the numbers of a source for what is commonly mistaken: other forms of bbox, class ids shifted by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from boxferry.formats import Id

ENOUGH = 0.5  #: the share of boxes from which on a form is taken for another
SMALLEST = 16  #: pixels; on smaller images a box under a pixel is nothing odd


@dataclass(slots=True)
class Watch:
    """Counts while boxes are read, and judges at the end.

    Attributes:
        name: the source, for messages.
        names: the classes that have a name.
        watched: whether the form of bboxes is not given, so that the numbers are looked at.
        categories: the ids that are used.
    """

    name: str
    names: Mapping[Id, str]
    watched: bool
    categories: set[Id] = field(default_factory=set)
    _boxes: int = 0
    _corners: int = 0
    _shares: int = 0

    def see(self, bbox: NDArray[np.float64], sizes: NDArray[np.float64]) -> None:
        """Look at the four numbers of N boxes and the sizes (N, 2) of their images; 0 where unknown."""
        if not self.watched:
            return
        a, b, c, d = bbox.T.copy()
        width, height = sizes.T.copy()
        sized = width > 0
        inside = (c <= width) & (d <= height) & (c > a) & (d > b) & ((a > 0) | (b > 0))
        beyond = (a + c > width + 1) | (b + d > height + 1)
        self._boxes += int(sized.sum())
        self._corners += int((sized & inside & beyond).sum())
        shares = (a >= 0) & (b >= 0) & (c > 0) & (d > 0) & (a <= 1) & (b <= 1) & (c <= 1) & (d <= 1)
        shares &= (width > SMALLEST) & (height > SMALLEST)
        self._shares += int((bbox[shares] % 1 > 0).any(axis=1).sum())

    def judge(self) -> None:
        """Hold what was seen against what is expected.

        Raises:
            InputError: at least half of the boxes look like another form of bbox.
        """
        corners = "corners: taken as [x, y, width, height] they leave their images"
        shares = "shares of their images: all four numbers are between 0 and 1"
        for count, form, looks in ((self._corners, "xyxy", corners), (self._shares, "xywhn", shares)):
            if self._boxes and count >= ENOUGH * self._boxes:
                found = f"{count} of {self._boxes} bboxes look like {looks}"
                raise InputError(f"{self.name}: {found}; pass --bbox-format {form} if so, or xywh if not")

    def shifted(self, offset: int) -> str:
        """A hint where the ids that are used fit those that have names once they are shifted by one; else empty."""
        used = {i + offset for i in self.categories if isinstance(i, int)}
        known = {i for i in self.names if isinstance(i, int)}
        if not used or used <= known:
            return ""
        for shift in (1, -1):
            if {i + shift for i in used} <= known:
                return f"with {shift:+d} every category id would have a name: --category-offset {offset + shift}"
        return ""
