"""The tally: how many boxes were read, kept and dropped, and why. Read = kept + dropped, always."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from boxferry.boxes.codes import ASKED_FOR, PLUGIN, STEP, WANTED
from boxferry.boxes.notebook import paragraph
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections


class Place(NamedTuple):
    """Where in the input something stands.

    Attributes:
        source: the file; empty where there is none.
        line: the line in a text file, from 1; or None.
        item: the index in a list, from 0; or None.
    """

    source: str = ""
    line: int | None = None
    item: int | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.source}:{self.line}"
        return f"{self.source}[{self.item}]" if self.item is not None else self.source


NOWHERE = Place()


class Issue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to the input, as `validate --ndjson` lists it.

    Attributes:
        kind: 'drop' (boxes were left out), 'change' (boxes were altered), 'note' (worth knowing), 'error' (a file,
            or an item that is not a box, failed).
        code: the reason in a fixed word; `boxferry.boxes.codes.Code` has them all.
        message: one sentence: what was found, what was expected, the option that settles it.
        source, line, item: the place, as in `Place`.
        boxes: how many boxes it concerns.
    """

    kind: str
    code: str
    message: str
    source: str = ""
    line: int | None = None
    item: int | None = None
    boxes: int = 0

    def __str__(self) -> str:
        place = str(Place(self.source, self.line, self.item))
        return f"{place}: {self.message}" if place else self.message


class Tally:
    """Counts what is read, dropped and changed, and keeps the first issues of each code as examples.

    Attributes:
        images: images read.
        read: boxes read, the unreadable ones among them.
        dropped: boxes dropped, by code.
        changed: boxes altered but kept, by code.
        noted: notes, by code.
        failed: files or items that could not be read at all, by code.
        examples: the first issues of each code, as many as `keep`.
    """

    def __init__(
        self, *, strict: bool = False, listener: Callable[[Issue], None] | None = None, keep: int = 20
    ) -> None:
        """Start at zero.

        Args:
            strict: turn every box that cannot be used into an InputError, rather than a drop.
            listener: is handed every issue, one by one; without it boxes dropped by rule are only counted.
            keep: how many issues of each code to keep as examples.
        """
        self.strict = strict
        self.images = 0
        self.read = 0
        self.dropped: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.examples: dict[str, list[Issue]] = {}
        self._listener = listener
        self._keep = keep

    @property
    def kept(self) -> int:
        """Boxes that are still there: read less dropped."""
        return self.read - self.dropped.total()

    def __repr__(self) -> str:
        dropped = ", ".join(f"{n} {code}" for code, n in self.dropped.items()) or "none"
        return f"<Tally: {self.images} images, {self.read} boxes read, {self.kept} kept, dropped: {dropped}>"

    def _repr_html_(self) -> str:
        """The same as a paragraph, for a notebook."""
        return paragraph(self)

    def __getstate__(self) -> dict[str, Any]:
        """All but what listens, which need not be picklable."""
        return vars(self) | {"_listener": None}

    @property
    def nothing_left(self) -> bool:
        """Whether there were boxes, and all of them are dropped, some for another reason than that this is wanted.

        What ends so is no success.
        """
        own = (PLUGIN, STEP)
        unwanted = (code for code, n in self.dropped.items() if n and code not in WANTED and not code.startswith(own))
        return self.read > 0 and self.kept == 0 and any(unwanted)

    @property
    def exit_code(self) -> int:
        """1 where a file or an item failed, or nothing is left; else 0."""
        return int(bool(self.failed) or self.nothing_left)

    def share(self, code: str) -> str:
        """How many of the boxes read were changed for a reason, as ' (12%)'; empty where none was read."""
        count = self.changed[code]
        if not self.read or not count:
            return ""
        percent = 100 * count / self.read
        return f" ({percent:.0f}%)" if percent >= 1 else " (under 1%)"

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain values, for JSON."""
        return {
            "images": self.images,
            "boxes": {"read": self.read, "kept": self.kept, "dropped": dict(self.dropped)},
            "changed": dict(self.changed),
            "notes": dict(self.noted),
            "errors": dict(self.failed),
        }

    def example_dicts(self) -> list[dict[str, Any]]:
        """The examples as plain values, for JSON."""
        return [msgspec.to_builtins(issue) for issues in self.examples.values() for issue in issues]

    def count(self, detections: Detections) -> None:
        """Count a chunk as read; a reader calls it once for each chunk that it yields."""
        self.images += len(detections.images)
        self.read += len(detections)

    def uncount(self, *, images: int, boxes: int) -> None:
        """Take images and boxes out of what was counted as read: they belong to another part of the source."""
        self.images -= images
        self.read -= boxes

    def skip(self, code: str, message: str, place: Place = NOWHERE, *, boxes: int = 1) -> None:
        """Count `boxes` boxes of the source as read and dropped: a reader cannot use them.

        Raises:
            InputError: the tally is strict.
        """
        self._record("drop", code, message, place, boxes, fatal=self.strict)
        self.read += boxes
        self.dropped[code] += boxes

    def fail(self, code: str, message: str, place: Place = NOWHERE, *, boxes: int = 0, counted: bool = True) -> None:
        """Record a file or image that failed as a whole; the others go on, and the command ends with exit code 1.

        `boxes` is the number of its boxes: they are counted as dropped, and as read unless they are `counted` already.

        Raises:
            InputError: the tally is strict.
        """
        self._record("error", code, message, place, boxes, fatal=self.strict)
        self.failed[code] += 1
        self.read += 0 if counted else boxes
        if boxes:
            self.dropped[code] += boxes

    def note(self, code: str, message: str, place: Place = NOWHERE, *, boxes: int = 0) -> None:
        """Record something worth knowing that changed no box."""
        self._record("note", code, message, place, boxes)
        self.noted[code] += 1

    def drop(self, code: str, message: str, detections: Detections, rows: NDArray[np.bool_]) -> None:
        """Count the boxes of an already counted chunk at `rows`, a mask (N,), as dropped by a rule.

        Raises:
            InputError: the tally is strict, and the code is not one that the user's own options ask for.
        """
        fatal = self.strict and code not in ASKED_FOR
        self._by_rule("drop", self.dropped, code, message, detections, rows, fatal=fatal)

    def discard(self, code: str, message: str, place: Place = NOWHERE, *, boxes: int) -> None:
        """Count `boxes` already counted boxes as dropped, where no mask says which ones."""
        self._record("drop", code, message, place, boxes)
        self.dropped[code] += boxes

    def balance(self, code: str, message: str, *, added: int) -> None:
        """Count what a step that keeps no tally has changed, so that read = kept + dropped goes on to hold.

        Args:
            code: the reason.
            message: as in `note`; 'left out by …' or 'added by …' with who did it.
            added: boxes that are there now and were not before; less than 0 where boxes are gone.
        """
        if added < 0:
            self.discard(code, f"left out by {message}", boxes=-added)
        elif added:
            self.read += added
            self.note(code, f"added by {message}", boxes=added)

    def change(self, code: str, message: str, detections: Detections, rows: NDArray[np.bool_]) -> None:
        """Count the boxes of an already counted chunk at `rows`, a mask (N,), as altered by a rule."""
        self._by_rule("change", self.changed, code, message, detections, rows)

    def _by_rule(
        self,
        kind: str,
        counter: Counter[str],
        code: str,
        message: str,
        detections: Detections,
        rows: NDArray[np.bool_],
        *,
        fatal: bool = False,
    ) -> None:
        index = np.flatnonzero(rows)
        if not len(index):
            return
        counter[code] += len(index)
        wanted = len(index) if self._listener else self._keep - len(self.examples.get(code, ()))
        for row, owner in zip(index.tolist(), detections.image_index[index[: max(wanted, 0)]].tolist(), strict=False):
            image, number = detections.images[owner], int(detections.row[row])
            place = {detections.row_unit: number} if number >= 0 else {}
            source = image.source if detections.source is None else detections.source[row]
            self._record(kind, code, message, Place(source or image.key, **place), 1, fatal=fatal)

    def _record(self, kind: str, code: str, message: str, place: Place, boxes: int, *, fatal: bool = False) -> None:
        issue = Issue(kind=kind, code=code, message=message, boxes=boxes, **place._asdict())
        if fatal:
            raise InputError(str(issue))
        kept = self.examples.setdefault(code, [])
        if len(kept) < self._keep:
            kept.append(issue)
        if self._listener:
            self._listener(issue)
