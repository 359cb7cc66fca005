"""The reference of a box: the same for the same prediction however often it is pushed, and recognisable as ours."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "boxferry:"
LONGEST = 2000  #: characters of a reference; a label has 200 at most
_PARTS = re.compile(
    r"boxferry:(?P<digest>[0-9a-f]{16}):(?P<corners>\d+,\d+,\d+,\d+)(?:@(?P<frame>\d+))?(?:#(?P<number>\d+))?"
    r"(?:/(?P<part>\d+))?:(?P<label>.*)",
    re.DOTALL,
)


class Reference(NamedTuple):
    """What a reference says.

    Attributes:
        digest: of file, model and run.
        corners: x_min, y_min, x_max, y_max as they were sent.
        label: the label's name.
        frame: of a video, else None.
        number: the track, else None.
        part: of an outline, from 1; None for a box.
    """

    digest: str
    corners: tuple[int, int, int, int]
    label: str
    frame: int | None = None
    number: int | None = None
    part: int | None = None

    def __str__(self) -> str:
        """The `creation_ref_id`."""
        place = "" if self.frame is None else f"@{self.frame}"
        track = "" if self.number is None else f"#{self.number}"
        part = "" if self.part is None else f"/{self.part}"
        x_min, y_min, x_max, y_max = self.corners
        return f"{PREFIX}{self.digest}:{x_min},{y_min},{x_max},{y_max}{place}{track}{part}:{self.label}"


def file_digest(file_name: str, model: str, run: str) -> str:
    """16 hexadecimal digits for one file, model and run; computed once a file, not once a box.

    Args:
        file_name: the name that the file has, or will have, on the server.
        model: the model's name; empty for annotations, which no model made.
        run: the run's name.
    """
    parts = f"{len(file_name)}:{file_name}{len(model)}:{model}{len(run)}:{run}"
    return blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def box_references(
    digest: str,
    labels: Sequence[str],
    x_min: Sequence[int | str],
    y_min: Sequence[int | str],
    x_max: Sequence[int | str],
    y_max: Sequence[int | str],
) -> list[str]:
    """(N,) the `creation_ref_id` of N boxes of an image, 'boxferry:<digest>:<x_min>,<y_min>,<x_max>,<y_max>:<label>'.

    It follows the server's own notion of the same box (file, label and the four integers; and model and run, which the
    digest holds), not the score: a prediction keeps its reference at whatever threshold it is pushed. In a video '@'
    and the frame, '#' and the track, and for an outline '/' and the number of its part follow the corners.
    """
    head = f"{PREFIX}{digest}:"
    each = zip(x_min, y_min, x_max, y_max, labels, strict=True)
    return [f"{head}{left},{top},{right},{bottom}:{label}" for left, top, right, bottom, label in each]


def parsed(reference: object) -> Reference | None:
    """What a reference says; None where it was not made here, whatever a server gives in its place."""
    found = _PARTS.fullmatch(reference) if isinstance(reference, str) and len(reference) <= LONGEST else None
    if found is None:
        return None
    x_min, y_min, x_max, y_max = (int(corner) for corner in found["corners"].split(","))
    frame, number, part = (None if found[name] is None else int(found[name]) for name in ("frame", "number", "part"))
    return Reference(found["digest"], (x_min, y_min, x_max, y_max), found["label"], frame, number, part)


def is_ours(reference: object) -> TypeGuard[str]:
    """Whether a stored box bears a reference made here, rather than one of the web interface or none."""
    return isinstance(reference, str) and reference.startswith(PREFIX)


def detection(reference: str) -> str:
    """The same for all parts of one detection's outline: the reference without the part's number."""
    head, colon, label = reference[len(PREFIX) :].partition(":")[2].partition(":")
    return reference[: len(PREFIX) + 17] + head.partition("/")[0] + colon + label


def whole(reference: str) -> str:
    """As `detection`; a reference that was not made here stays as it is."""
    return detection(reference) if "/" in reference and is_ours(reference) else reference


def origin(reference: object) -> str:
    """What a reference says of file, model and run: the same for all boxes of one packet; empty for one not ours."""
    return PREFIX + reference[len(PREFIX) :].partition(":")[0] if is_ours(reference) else ""


def place_in(reference: str) -> str:
    """What a reference says of the box alone: equal boxes of two runs have it in common; empty for one not ours."""
    return reference[len(PREFIX) + 17 :] if is_ours(reference) else ""


def own_origin(file_name: str, model: str, run: str) -> str:
    """The `origin` of the boxes that a run of a model sends to a file."""
    return f"{PREFIX}{file_digest(file_name, model, run)}"


def label_of(reference: str) -> str:
    """The label in a reference made here."""
    return reference.split(":", 3)[3]
