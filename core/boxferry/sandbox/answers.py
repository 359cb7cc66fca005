"""The frame that every answer has, and the body that every request should have."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request


def ok(**values: Any) -> Response:  # noqa: ANN401 # whatever JSON can hold
    """An answer of success."""
    return jsonify({**values, "log": {"error": {}, "info": {}, "success": True}})


def bad(message: str, *, key: str = "error", **values: Any) -> tuple[Response, int]:  # noqa: ANN401 # as above
    """A 400 with the reason in `log.error`."""
    return jsonify({**values, "log": {"error": {key: message}, "info": {}, "success": False}}), 400


def body() -> dict[str, Any] | None:
    """The request's JSON object, or None."""
    found = request.get_json(silent=True, force=True)
    return found if isinstance(found, dict) else None
