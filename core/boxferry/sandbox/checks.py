"""What a request's body must hold: checked before a route does anything, every key with its reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import request

from boxferry.sandbox.answers import DatabaseRefusal, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.sandbox.store import Row, Store

    Rule = Callable[[str, Any], str | None]

LARGEST_INT = 2**31 - 1  #: of the database


def checked(**rules: Rule) -> Row:
    """The request's JSON object, each key checked by its rule.

    Raises:
        Refusal: the body is no JSON object, or a rule finds something.
    """
    try:
        sent = json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise Refusal({"input": "Expecting json in request"}) from None
    return checked_object(sent, **rules)


def checked_object(sent: Any, **rules: Rule) -> Row:  # noqa: ANN401 # whatever was sent
    """An object, each key checked by its rule.

    Raises:
        Refusal: it is no object, or a rule finds something.
    """
    if not isinstance(sent, dict):
        raise Refusal({"input": "Expecting dict"})
    if found := problems(sent, **rules):
        raise Refusal(found)
    return sent


def problems(sent: Row, **rules: Rule) -> dict[str, str]:
    """What the rules find, by key."""
    return {name: problem for name, rule in rules.items() if (problem := rule(name, sent.get(name))) is not None}


def text(name: str, value: object) -> str | None:
    """A text of at least one character is needed."""
    return f"Missing {name}" if value is None else maybe_text(name, value)


def maybe_text(name: str, value: object) -> str | None:
    """A text of at least one character, or nothing."""
    if value is None:
        return None
    if not isinstance(value, str):
        return "Must be string"
    return None if value else f"String {name} must not be of length zero."


def an_int(name: str, value: object) -> str | None:
    """A whole number is needed; true and false count as such."""
    return f"Missing {name}" if value is None else maybe_int(name, value)


def maybe_int(name: str, value: object) -> str | None:  # noqa: ARG001 # a rule knows its key
    """A whole number, or nothing."""
    return None if value is None or isinstance(value, int) else "Must be an int"


def maybe_list(name: str, value: object) -> str | None:  # noqa: ARG001 # a rule knows its key
    """A list, an empty one too, or nothing."""
    return None if value is None or isinstance(value, list) else "Must be a list"


def maybe_filled_list(name: str, value: object) -> str | None:
    """A list with something in it, or nothing."""
    return "List must not be empty" if value == [] else maybe_list(name, value)


def filled_list(name: str, value: object) -> str | None:
    """A list with something in it is needed."""
    return f"Missing {name}" if value is None else maybe_filled_list(name, value)


def small(value: object) -> int:
    """An id as the database can look it up; anything else is the id of nothing."""
    return value if isinstance(value, int) and abs(value) < 2**62 else -1


def database_int(value: Any) -> int:  # noqa: ANN401 # whatever was sent
    """A number as the database takes one: from a text of digits too.

    Raises:
        DatabaseRefusal: it is none, or too large.
    """
    try:
        found = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        found = None
    if found is None or abs(found) > LARGEST_INT:
        raise DatabaseRefusal(f"invalid input syntax for type integer: {value!r}")
    return found


def reference(store: Store, table: str, value: Any) -> int | None:  # noqa: ANN401 # whatever was sent
    """The id of a row that is there; None stays None.

    Raises:
        DatabaseRefusal: it is no number, or there is no such row.
    """
    if value is None:
        return None
    wanted = database_int(value)
    if store.row(f"SELECT id FROM {table} WHERE id = ?", wanted) is None:  # noqa: S608 # fixed names
        raise DatabaseRefusal(f"Key is not present in table {table}: {wanted}", code="gkpj")
    return wanted
