"""Whose a stored box is: an untouched prediction of a model, or something that people made or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from boxferry.packets.reference import detection, file_digest, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Row = dict[str, Any]


class Rows(NamedTuple):
    """The boxes of a file.

    Attributes:
        own: untouched predictions of the model in question.
        others: untouched predictions of other models, and those whose model cannot be told.
        people: what people made or changed, and all that was not made here.
    """

    own: list[Row]
    others: list[Row]
    people: list[Row]

    @property
    def kept(self) -> list[Row]:
        """All that stays where only the model's own boxes are replaced."""
        return [*self.others, *self.people]

    @property
    def all(self) -> list[Row]:
        """Every box."""
        return [*self.own, *self.others, *self.people]


def sorted_rows(rows: Iterable[Row], *, file_name: str, model: str, runs: Mapping[int, str]) -> Rows:
    """Tell the boxes of a file apart.

    A row is an untouched prediction where its reference was made here, nobody has saved it since, and its corners are
    those that its reference was made for; the parts of one outline are one prediction. It is the model's own where the
    reference's digest is that of the file, the model, and the name of the run that the server has for the row.

    Args:
        rows: as the server gives them.
        file_name: the file's name.
        model: the model in question.
        runs: model run id → name of the run.
    """
    found = Rows([], [], [])
    for parts in objects(rows):
        reference = parsed(parts[0].get("creation_ref_id"))
        if reference is None or any(not untouched(r) or _corners(r) not in {None, reference.corners} for r in parts):
            found.people.extend(parts)
            continue
        run = runs.get(parts[0].get("model_run_id") or 0)
        own = run is not None and reference.digest == file_digest(file_name, model, run)
        (found.own if own else found.others).extend(parts)
    return found


def objects(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each object: a box alone, the parts of one outline together."""
    found: dict[object, list[Row]] = {}
    for index, row in enumerate(rows):
        text = row.get("creation_ref_id")
        reference = parsed(text) if isinstance(text, str) and "/" in text else None  # a part's number follows '/'
        outline = reference is not None and reference.part is not None
        found.setdefault(detection(row["creation_ref_id"]) if outline else index, []).append(row)
    return list(found.values())


def identity(box: Row) -> str:
    """What makes two boxes the same to the server, which then keeps the row that it has.

    Geometry, label, attributes, track, and whether a machine made it; not score, run or reference.
    """
    points = [_corner(point) for point in _list(box.get("points"))]
    corners = () if points else ("x_min", "y_min", "x_max", "y_max")  # of an outline the server fills them in
    names = ("type", "label_file_id", *corners, "number", "machine_made")
    return repr(([box.get(name) for name in names], points, box.get("attribute_groups") or None))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _corner(point: object) -> object:
    return (point.get("x"), point.get("y")) if isinstance(point, dict) else point


def identities(boxes: Iterable[Row]) -> set[str]:
    """Those of several boxes."""
    return {identity(box) for box in boxes}


def untouched(row: Row) -> bool:
    """Whether a row is a prediction that no person has saved since it was stored."""
    created = row.get("action_type") in (None, "created") and row.get("version") in (None, 0, 1)
    return bool(row.get("machine_made")) and created and row.get("previous_id") is None


def _corners(row: Row) -> tuple[int, ...] | None:
    if row.get("type") != "box":
        return None  # a polygon's reference has its bounds before they were rounded
    return tuple(row.get(name) or 0 for name in ("x_min", "y_min", "x_max", "y_max"))
