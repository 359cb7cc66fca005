"""What a box must be, and what is stored of it: each key is checked, then the label, then where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.sandbox.bounds import CORNERS, BoxError, bounds, broken
from boxferry.sandbox.checks import an_int, filled_list, maybe_int, maybe_text, problems, text

if TYPE_CHECKING:
    from boxferry.sandbox.checks import Rule
    from boxferry.sandbox.store import Row, Store

TYPES = [
    "box", "polygon", "point", "geo_point", "geo_circle", "geo_polyline", "geo_polygon", "geo_box", "cuboid", "tag",
    "line", "text_token", "ellipse", "curve", "keypoints", "cuboid_3d", "global", "relation", "audio",
]  # fmt: skip
KEPT = ("type", "label_file_id", "score", "creation_ref_id", "number", "attribute_groups", "version")
SHAPE = ("nodes", "edges", "center_x", "center_y", "angle", "front_face", "rear_face", "cp", "p1", "p2")
RULES: dict[str, Rule] = {
    "type": text,
    "label_file_id": an_int,
    **dict.fromkeys(CORNERS, maybe_int),
    "creation_ref_id": maybe_text,
    "number": maybe_int,
}
VALID: dict[str, list[Any]] = {"type": TYPES, "soft_delete": [True, False]}
DATABASE_INT = 2**31
OTHER_ID = "Ensure you are using the correct label_file_id (and not the label ID). They are different!"


def check(store: Store, project: str, box: Any) -> Row:  # noqa: ANN401 # whatever was sent
    """The box as it is stored.

    Raises:
        BoxError: it is refused.
    """
    if not isinstance(box, dict):
        raise BoxError({"instance": f"Must be a dict, is {type(box).__name__}"})
    if "type" not in box:
        raise broken("KeyError: 'type'")
    if found := _problems(box):
        raise BoxError(found)
    _check_label(store, project, box["label_file_id"])
    stored = {name: box.get(name) for name in KEPT} | {"machine_made": bool(box.get("machine_made"))}
    stored |= {name: box[name] for name in SHAPE if box.get(name) is not None} | bounds(box)
    _check_attributes(box.get("attribute_groups"))
    if box.get("model_ref") and box.get("model_run_ref"):
        stored["model_run_id"] = store.model_run(project, str(box["model_ref"]), str(box["model_run_ref"]))
    return stored


def _problems(box: Row) -> dict[str, str]:
    """What is wrong with the keys of a box; `valid_values_list` is about a value that is not one of some."""
    found: dict[str, str] = {}
    for name, values in VALID.items():
        if box.get(name) is not None and box[name] not in values:
            found["valid_values_list"] = f"{box[name]} not in {values}"
    rules = RULES | ({"points": filled_list} if box["type"] == "polygon" else {})
    return found | problems(box, **rules)


def _check_label(store: Store, project: str, label_file_id: int) -> None:
    if isinstance(label_file_id, bool):
        return
    query, known = "SELECT project FROM label_file WHERE id = ?", abs(label_file_id) < DATABASE_INT
    found = store.row(query, label_file_id) if known else None
    if found is None or found["project"] != project:
        words = f"Label File ID{label_file_id}does not belong to project {project}. {OTHER_ID}"
        raise BoxError({"valid_label_file": words})


def _check_attributes(groups: object) -> None:
    if groups is not None and not isinstance(groups, dict):
        raise broken(f"ValueError: Attribute 'attribute_groups' does not accept objects of type {type(groups)}")
