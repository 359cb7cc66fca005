"""The JSON of a box, typed: as the server stores it, and as a packet lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.packets.reference import Reference

CORNERS = ("x_min", "y_min", "x_max", "y_max")
ALIKE = ("type", "label_file_id", "number", "machine_made")

NEEDED = (
    "creation_ref_id", "score", "label_file_id", "type", "points", "attribute_groups", "machine_made", "model_run_id",
    "created_time", "previous_id",
)  # fmt: skip


class Row(dict[str, Any]):
    """A box with every key that it came with, so that it goes back as it was; its fields are read here alone.

    A field that is missing, or of another kind than a server gives, has no value.
    """

    __slots__ = ()

    @property
    def id(self) -> int | None:
        """The number of a stored box; a changed box is a new row with a new one. None for a box of a packet."""
        return _whole(self.get("id"))

    @property
    def chain(self) -> set[int]:
        """Of a changed row: the one that was changed, and the first of all."""
        return {number for name in ("previous_id", "root_id") if (number := _whole(self.get(name))) is not None}

    @property
    def root(self) -> int:
        """The number of the first row of all that it was changed from, or its own; 0 for a box of a packet."""
        return _whole(self.get("root_id")) or self.id or 0

    @property
    def reference(self) -> str:
        """The reference that it was sent with; empty where it has none."""
        found = self.get("creation_ref_id")
        return found if isinstance(found, str) else ""

    @property
    def label_id(self) -> int | None:
        """Its `label_file_id`."""
        return _whole(self.get("label_file_id"))

    @property
    def frame(self) -> int | None:
        """The frame of a video that it is on."""
        return _whole(self.get("frame_number"))

    @property
    def is_box(self) -> bool:
        """Whether it is a box, and no outline or another shape."""
        return self.get("type") == "box"

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """x_min, y_min, x_max, y_max in pixels; of another shape, its bounds; 0 for what is missing."""
        left, top, right, bottom = (_number(self.get(name)) for name in CORNERS)
        return left, top, right, bottom

    @property
    def points(self) -> list[Any]:
        """The corners of an outline as they came, each {'x': …, 'y': …}."""
        found = self.get("points")
        return found if isinstance(found, list) else []

    @property
    def outline(self) -> list[tuple[float, float]]:
        """The corners of an outline, x and y in pixels; of a box none."""
        points = (point for point in self.points if isinstance(point, dict))
        return [(_number(point.get("x")), _number(point.get("y"))) for point in points]

    @property
    def run_id(self) -> int | None:
        """The server's number of the run of a model that it came from."""
        return _whole(self.get("model_run_id"))

    @property
    def model(self) -> str:
        """The model that a packet names for it; empty where none is named."""
        return str(self.get("model_ref") or "")

    @property
    def run(self) -> str:
        """The run that a packet names for it; empty where none is named."""
        return str(self.get("model_run_ref") or "")

    @property
    def created_time(self) -> object:
        """When it was stored, as the server writes it."""
        return self.get("created_time")

    @property
    def machine_made(self) -> bool:
        """Whether it is called a machine's; what a person draws or changes in the interface is not."""
        return bool(self.get("machine_made"))

    @property
    def is_changed(self) -> bool:
        """Whether it was changed from another row."""
        return self.get("previous_id") is not None

    @property
    def untouched(self) -> bool:
        """Whether it is a prediction that no person has saved since it was stored."""
        created = self.get("action_type") in (None, "created") and self.get("version") in (None, 0, 1)
        return self.machine_made and created and not self.is_changed

    @property
    def came_back(self) -> bool:
        """Whether it is there again after it was deleted."""
        return self.get("action_type") == "undeleted"

    @property
    def by_packet(self) -> bool:
        """Whether a packet brought it back, which had been read for before it was deleted; no person saved it then."""
        return self.came_back and self.get("member_created_id") is None

    @property
    def comes_deleted(self) -> bool:
        """Whether a packet sends it as deleted: such a box leaves none behind."""
        return bool(self.get("soft_delete"))

    def labelled(self, label_id: int | None) -> Row:
        """The same with another label."""
        return Row(self, label_file_id=label_id)

    @property
    def has_attributes(self) -> bool:
        """Whether it has any."""
        return bool(self.get("attribute_groups"))

    @property
    def needed(self) -> Row:
        """The same with those keys alone that are needed to make the box again as it was sent."""
        return Row((name, self.get(name)) for name in NEEDED)

    @property
    def filled(self) -> Row:
        """The same without the fields that have no value: what is sent back."""
        return Row({name: value for name, value in self.items() if value is not None})


def rows(boxes: Iterable[dict[str, Any]]) -> list[Row]:
    """Boxes of any JSON, typed."""
    return [Row(box) for box in boxes]


def made_again(row: Row, reference: Reference, label_id: int | None, *, model: str, run: str) -> Row:
    """A box as it was sent, out of a stored row and its reference.

    Args:
        row: the stored row; its score and attributes are those that were sent.
        reference: what the row's reference tells: corners and track.
        label_id: the label that it was sent with.
        model: the model; empty for people's annotations.
        run: the run.
    """
    box = Row(type=row.get("type") or "box", label_file_id=label_id)
    if reference.part is not None:
        box["points"] = row.points
    else:
        box.update(zip(CORNERS, reference.corners, strict=True))
    box["machine_made"] = bool(model) or row.machine_made
    if model:
        box.update(model_ref=model, model_run_ref=run)
    more = {"score": row.get("score"), "number": reference.number, "attribute_groups": row.get("attribute_groups")}
    box.update((name, value) for name, value in more.items() if value is not None)
    box["creation_ref_id"] = row.reference
    return box


def deleted_box(label_id: int | None) -> Row:
    """A box that comes deleted: a packet whose list holds it alone leaves a file without boxes."""
    corners = dict(zip(CORNERS, (0, 0, 1, 1), strict=True))
    return Row(type="box", label_file_id=label_id, machine_made=True, soft_delete=True, **corners)


def identity(box: Row) -> str:
    """What makes two boxes the same to the server, which then keeps the row that it has.

    Geometry, label, attributes, track, and whether a machine made it; not score, run or reference.
    """
    points = [_corner(point) for point in box.points]
    corners = [] if points else [box.get(name) for name in CORNERS]  # of an outline the server fills them in
    return repr(([box.get(name) for name in ALIKE], corners, points, box.get("attribute_groups") or None))


def identities(boxes: Iterable[Row]) -> set[str]:
    """Those of several boxes."""
    return {identity(box) for box in boxes}


def _corner(point: object) -> object:
    return (point.get("x"), point.get("y")) if isinstance(point, dict) else point


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
