"""Scores that are none: negative ones, percent, zeros alone. Judged while chunks go by; and tracks, one box a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.refine import without
from boxferry.errors import InputError

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally

MOST = 0.5  #: the share of scores from which on what is odd is taken for the rule
NOISE = 1e-6  #: that arithmetic in 32 bits leaves above 1


@dataclass(slots=True)
class Scores:
    """Brings the scores of one source into 0 to 1.

    Attributes:
        source: its name, for messages.
        scale: what they are divided by.
        any_range: the format allows any number: none is judged.
    """

    source: str
    scale: float = 1.0
    any_range: bool = False
    _scored: int = 0
    _over: int = 0
    _zero: int = 0
    _highest: float = 0.0

    def of(self, chunk: Detections, tally: Tally) -> Detections:
        """The chunk with its scores divided, without the boxes whose score is negative.

        Raises:
            InputError: most scores so far are above 1.
        """
        if self.scale != 1:
            chunk = chunk.replace(score=chunk.score / self.scale)
        if self.any_range or not len(chunk):
            return chunk
        chunk = without(chunk, chunk.score < 0, Code.BAD_SCORE, "its score is negative; expected 0 to 1", tally)
        scores = chunk.score
        over = scores > 1 + NOISE
        self._scored += int(np.count_nonzero(~np.isnan(scores)))
        self._over += int(np.count_nonzero(over))
        self._zero += int(np.count_nonzero(scores == 0))
        if over.any():
            self._judge(float(np.nanmax(scores)))
        return chunk

    def _judge(self, highest: float) -> None:
        self._highest = max(self._highest, highest)
        if self._over > MOST * self._scored:
            found = f"{self._over} of {self._scored} scores are above 1, up to {self._highest:g}; expected 0 to 1"
            raise InputError(f"{self.source}: {found}; if they are percent, add --score-scale 100")

    def finish(self, tally: Tally) -> None:
        """Note what is odd, and stays."""
        if self._over:
            tally.note(
                Code.SCORE_ABOVE_1, f"{self._over} of {self._scored} scores are above 1, up to {self._highest:g}"
            )
        if self._zero > 1 and self._zero == self._scored:
            tally.note(Code.ZERO_SCORES, f"all {self._scored} scores are 0: check that the source has scores")


def one_a_track(chunk: Detections, tally: Tally) -> Detections:
    """Without the boxes whose label and track a better box of the same frame has, or as good a one in an earlier row.

    A label and a number are one sequence, and a sequence has one box a frame.
    """
    if chunk.track is None or not (tracked := np.flatnonzero(chunk.track >= 0)).size:
        return chunk
    same = np.column_stack((chunk.scene_index, chunk.label, chunk.track))[tracked]
    best_first = np.lexsort((-np.nan_to_num(chunk.score[tracked], nan=-np.inf), *same.T))
    as_before = (np.diff(same[best_first], axis=0) == 0).all(axis=1)
    gone = np.zeros(len(chunk), np.bool_)
    gone[tracked[best_first[1:][as_before]]] = True
    return without(chunk, gone, Code.SAME_TRACK, "a better box of its frame has the same label and track", tally)
