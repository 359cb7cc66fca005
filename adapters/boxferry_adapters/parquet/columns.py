"""Which column is what: said by `--columns`, else known by names that have one meaning only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMS = ("xyxy", "xywh", "cxcywh", "xyxyn", "xywhn", "cxcywhn")
CORNERS = ("x_min", "y_min", "x_max", "y_max")
CORNER_AND_SIZE = ("x_min", "y_min", "w", "h")
CENTRE_AND_SIZE = ("x_center", "y_center", "w", "h")
BY_FORM = {"xyxy": CORNERS, "xywh": CORNER_AND_SIZE, "cxcywh": CENTRE_AND_SIZE}
SINGLE = ("image", "label", "class", "score", "track", "frame", "width", "height", "polygon", "box")
ROLES = (*SINGLE, *dict.fromkeys(CORNERS + CORNER_AND_SIZE + CENTRE_AND_SIZE))

KNOWN = {
    "image": ("filename", "imagepath", "filepath", "imagename", "imagefile", "image", "path", "imageuri", "uri", "file",
              "img", "imageid"),
    "label": ("label", "labelname", "classname", "categoryname", "category", "class", "name", "cls", "labels",
              "labelnames", "classnames", "categories", "classes", "names"),
    "class": ("classid", "categoryid", "labelid", "label", "class", "category", "cls", "classids", "categoryids",
              "labelids", "labels", "classes", "categories"),
    "score": ("score", "confidence", "conf", "probability", "prob", "scores", "confidences", "probabilities"),
    "track": ("trackid", "track", "trackids", "tracks"),
    "frame": ("frame", "frameid", "frameindex", "framenumber", "frames"),
    "width": ("imagewidth", "imgwidth", "width"),
    "height": ("imageheight", "imgheight", "height"),
    "polygon": ("polygon", "polygons", "segmentation", "outline", "segmentations", "outlines"),
}  # fmt: skip
OF_IMAGES = ("image", "width", "height")
BOXES = (
    (CORNERS, ("xmin", "ymin", "xmax", "ymax")),
    (CORNERS, ("x1", "y1", "x2", "y2")),
    (CORNERS, ("left", "top", "right", "bottom")),
    (CENTRE_AND_SIZE, ("xcenter", "ycenter", "width", "height")),
    (CENTRE_AND_SIZE, ("cx", "cy", "w", "h")),
    (CORNER_AND_SIZE, ("left", "top", "width", "height")),
    (CORNER_AND_SIZE, ("xmin", "ymin", "width", "height")),
    (CORNER_AND_SIZE, ("bboxx", "bboxy", "bboxwidth", "bboxheight")),
)  #: roles, and the names of columns that can be nothing else; an x beside a w may be a corner's or a centre's
WHOLE_BOXES = {"xyxy": "xyxy", "bboxxyxy": "xyxy", "boxxyxy": "xyxy", "xywh": "xywh", "bboxxywh": "xywh"}
WHOLE_BOXES |= {"boxxywh": "xywh", "cxcywh": "cxcywh", "xyxyn": "xyxyn"}
UNCLEAR_BOXES = ("bbox", "box", "boxes", "bboxes", "boundingbox", "boundingboxes")
UNCLEAR_CORNERS = (("x", "y", "w", "h"), ("x", "y", "width", "height"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One column that holds values, of a table or within structs and lists.

    Attributes:
        path: its name, after those of the structs that it is in, with dots between them.
        kind: 'text', 'whole', 'number' or 'other'.
        depth: how many lists its values are in.
    """

    path: str
    kind: str
    depth: int = 0

    @property
    def known_as(self) -> str:
        """Its own name in small letters and digits."""
        return plain(self.path.rpartition(".")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the columns of a table are.

    Attributes:
        paths: role → path of a column.
        form: the roles of the four numbers of a box, in the order of its columns, or of a column 'box'.
        shares: boxes are shares of the image.
        listed: a row is an image, and its boxes are in lists.
    """

    paths: Mapping[str, str]
    form: tuple[str, ...]
    shares: bool
    listed: bool


def plain(name: str) -> str:
    """A name without what tells 'X_Min' from 'xmin'."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def parse_columns(text: str) -> dict[str, str]:
    """Role → column, out of 'image=path,label=class_name'.

    Raises:
        UsageError: it is not of that form, or there is no such role.
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, sign, column = (each.strip() for each in part.partition("="))
        if not sign or not column or role not in ROLES:
            raise UsageError(
                f"--columns: '{part}', expected WHAT=COLUMN, such as image=path; WHAT is {', '.join(ROLES)}"
            )
        found[role] = column
    return found


def layout_of(leaves: Sequence[Leaf], given: Mapping[str, str], form: str, name: str) -> Layout:
    """What the columns of a table are.

    Args:
        leaves: its columns.
        given: those that the user names.
        form: what the four numbers of a box are, as the user says; empty where not said.
        name: the file, for messages.

    Raises:
        UsageError: a column that was named is not there.
        InputError: no column is known for something that is needed, or several are.
    """
    by_path = {leaf.path: leaf for leaf in leaves}
    for role, path in given.items():
        if path not in by_path:
            raise UsageError(f"--columns: {name} has no column '{path}' for {role}; it has {_shown(leaves)}")
    box, order = _box(leaves, given, form, name)
    depth = by_path[next(iter(box.values()))].depth - ("box" in box)
    if depth not in {0, 1}:
        raise InputError(f"{name}: column '{next(iter(box.values()))}': expected one box a row, or a list of boxes")
    free = [leaf for leaf in leaves if leaf.path not in {*given.values(), *box.values()}]
    found = {**_known(free, given, depth, name), **given, **box}
    if "label" in found and "class" in found:
        del found["label" if "class" in given and "label" not in given else "class"]
    missing = [
        role for role, has in (("image", "image" in found), ("label", {"label", "class"} & set(found))) if not has
    ]
    if missing:
        raise InputError(
            f"{name}: no column is known for {' and '.join(missing)}; --columns {missing[0]}=NAME names it; it has "
            f"{_shown(leaves)}"
        )
    return Layout(paths=found, form=order, shares=_is_share(form, box), listed=depth == 1)


def _is_share(form: str, box: Mapping[str, str]) -> bool:
    said = form or WHOLE_BOXES.get(plain(box.get("box", "").rpartition(".")[2]), "")
    return said.endswith("n")


def _known(leaves: Sequence[Leaf], given: Mapping[str, str], depth: int, name: str) -> dict[str, str]:
    """The columns that are known by their names, of those that nothing else is."""
    found = {}
    for role, names in KNOWN.items():
        fitting = [leaf for leaf in leaves if leaf.known_as in names and _fits(leaf, role, depth)]
        if role not in given and fitting:
            found[role] = _first(fitting, role, names, name)
    return found


def _first(leaves: Sequence[Leaf], role: str, names: Sequence[str], name: str) -> str:
    """The column with the first of the names.

    Raises:
        InputError: several have it.
    """
    best = min(names.index(leaf.known_as) for leaf in leaves)
    alike = [leaf.path for leaf in leaves if leaf.known_as == names[best]]
    if len(alike) > 1:
        raise InputError(f"{name}: columns {' and '.join(alike)} may both be {role}; --columns {role}=NAME says which")
    return alike[0]


def _fits(leaf: Leaf, role: str, depth: int) -> bool:
    if role == "polygon":
        return leaf.depth > depth and leaf.kind in {"number", "whole"}
    kinds = {"image": ("text", "whole"), "label": ("text",), "class": ("whole",)}.get(role, ("number", "whole"))
    return leaf.kind in kinds and leaf.depth == (0 if role in OF_IMAGES else depth)


def _box(
    leaves: Sequence[Leaf], given: Mapping[str, str], form: str, name: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The columns of boxes, by role, and the roles of their four numbers."""
    if "box" in given:
        meant = form or WHOLE_BOXES.get(plain(given["box"].rpartition(".")[2]), "")
        if not meant:
            raise _unclear(given["box"], name)
        return {"box": given["box"]}, BY_FORM[meant.removesuffix("n")]
    said = {role: path for role, path in given.items() if role not in SINGLE}
    if not said:
        return _box_by_name(leaves, form, name)
    for roles in BY_FORM.values():
        if set(roles) == set(said):
            return said, roles
    forms = ", or ".join(", ".join(roles) for roles in BY_FORM.values())
    raise UsageError(f"--columns: {', '.join(said)} are no box; expected {forms}, or box")


def _box_by_name(leaves: Sequence[Leaf], form: str, name: str) -> tuple[dict[str, str], tuple[str, ...]]:
    numbers = [leaf for leaf in leaves if leaf.kind in {"number", "whole"}]
    order = BY_FORM.get(form.removesuffix("n"), ())
    found = _clear(numbers, form, order) or _unclear_list(numbers, order, name) or _unclear_corner(numbers, order, name)
    if found is None:
        raise InputError(
            f"{name}: no columns are known for boxes; --columns x_min=NAME,y_min=NAME,x_max=NAME,y_max=NAME names "
            f"them; it has {_shown(leaves)}"
        )
    return found


def _clear(leaves: Sequence[Leaf], form: str, order: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]] | None:
    """Columns whose names say what they are."""
    for roles, names in BOXES:
        if order in {(), roles} and (paths := _together(leaves, names)):
            return dict(zip(roles, paths, strict=True)), roles
    for known, meant in WHOLE_BOXES.items():
        if form in {"", meant} and (path := _list(leaves, known)):
            return {"box": path}, BY_FORM[meant.removesuffix("n")]
    return None


def _unclear_list(
    leaves: Sequence[Leaf], order: tuple[str, ...], name: str
) -> tuple[dict[str, str], tuple[str, ...]] | None:
    """A column of four numbers, which the user has to say the order of."""
    path = next(filter(None, (_list(leaves, known) for known in UNCLEAR_BOXES)), None)
    if path and not order:
        raise _unclear(path, name)
    return ({"box": path}, order) if path else None


def _unclear_corner(
    leaves: Sequence[Leaf], order: tuple[str, ...], name: str
) -> tuple[dict[str, str], tuple[str, ...]] | None:
    """Columns x and y, of a corner or of the centre, which the user has to say."""
    paths = next(filter(None, (_together(leaves, names) for names in UNCLEAR_CORNERS)), None)
    if paths and order not in {CORNER_AND_SIZE, CENTRE_AND_SIZE}:
        raise InputError(
            f"{name}: columns {', '.join(paths)}: x and y may be a box's corner or its centre; --parquet-box xywh or "
            "--parquet-box cxcywh says which"
        )
    return (dict(zip(order, paths, strict=True)), order) if paths else None


def _list(leaves: Sequence[Leaf], known: str) -> str:
    return next((leaf.path for leaf in leaves if leaf.depth and leaf.known_as == known), "")


def _together(leaves: Sequence[Leaf], names: Sequence[str]) -> list[str]:
    """The paths of columns with these names, in one struct and of one depth; none where one is missing."""
    found: dict[tuple[str, int], dict[str, str]] = {}
    for leaf in leaves:
        if leaf.known_as in names and leaf.depth < 2:
            found.setdefault((leaf.path.rpartition(".")[0], leaf.depth), {})[leaf.known_as] = leaf.path
    whole = [paths for paths in found.values() if len(paths) == len(names)]
    return [whole[0][each] for each in names] if whole else []


def _unclear(path: str, name: str) -> InputError:
    forms = ", ".join(FORMS)
    return InputError(
        f"{name}: column '{path}': the meaning of its four numbers is unknown; --parquet-box is one of {forms}"
    )


def _shown(leaves: Sequence[Leaf], most: int = 24) -> str:
    return ", ".join(leaf.path for leaf in leaves[:most]) + (", …" if len(leaves) > most else "")
