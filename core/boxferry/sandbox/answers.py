"""The frame that every answer has, and the body that every request should have."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

#: what an answer or an input says of itself while nothing is wrong
LOG: dict[str, Any] = {"error": {}, "info": {}, "success": False}


class DatabaseRefusal(Exception):  # it is the database's, not ours
    """What the database refuses in the midst of a call. The answer's status line is then broken: `HTTP/1.1 0 9h9h`.

    Attributes:
        code: the word in the status line: '9h9h' for a value that is none of its type, 'gkpj' for a row that is not
            there or there already, 'f405' for a statement that it does not understand.
    """

    def __init__(self, words: str, code: str = "9h9h") -> None:
        super().__init__(words)
        self.code = code


class Refusal(Exception):  # it is an answer
    """A request that is refused: 400, with the reasons in `log.error`.

    Attributes:
        errors: the reason by the key that it is about, or one text.
        info: what `log.info` holds.
    """

    def __init__(self, errors: dict[str, Any] | str, *, info: Any = None) -> None:  # noqa: ANN401 # goes into the JSON
        super().__init__(str(errors))
        self.errors = errors
        self.info = {} if info is None else info


def ok(**values: Any) -> Response:  # noqa: ANN401 # whatever JSON can hold
    """An answer of success."""
    return jsonify({**values, "log": LOG | {"success": True}})


def bad(message: str, *, key: str = "error", **values: Any) -> tuple[Response, int]:  # noqa: ANN401 # as above
    """A 400 with the reason in `log.error`."""
    return refused({key: message}, **values)


def refused(
    errors: dict[str, Any] | str,
    info: Any = None,  # noqa: ANN401 # whatever JSON can hold
    **values: Any,  # noqa: ANN401 # as above
) -> tuple[Response, int]:
    """A 400 with the reasons in `log.error`, as `Refusal` has them."""
    return jsonify({**values, "log": LOG | {"error": errors} | ({} if info is None else {"info": info})}), 400


def body() -> dict[str, Any] | None:
    """The request's JSON object, or None."""
    found = request.get_json(silent=True, force=True)
    return found if isinstance(found, dict) else None
