"""The results of an Ultralytics validation, by the names of their images; duck-typed, nothing is imported."""

from __future__ import annotations

from typing import Any

from boxferry.errors import InputError


def results_of_validator(validator: Any) -> dict[str, list[dict[str, Any]]]:  # noqa: ANN401 # duck-typed
    """Image → its results with label names, out of the list that Ultralytics' validation makes for `save_json`.

    Raises:
        InputError: there is no such list, or its items do not name their images.
    """
    items = getattr(validator, "jdict", None)
    if not items:
        raise InputError("the validator has no results: run it with save_json=True")
    class_map = list(getattr(validator, "class_map", ()) or range(len(validator.names)))
    found: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        if not item.get("file_name"):
            raise InputError("the validator's results do not name their images: that needs Ultralytics 8.4 or newer")
        x, y, width, height = item["bbox"]
        box = {"xmin": x, "ymin": y, "xmax": x + width, "ymax": y + height}
        label = str(validator.names[class_map.index(item["category_id"])])
        found.setdefault(item["file_name"], []).append({"score": item["score"], "label": label, "box": box})
    return found
