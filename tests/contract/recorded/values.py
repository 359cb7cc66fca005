"""What the references in the steps of a recording stand for.

`{"$": "3.label.id"}` is a value of the third reply's body, which a text holds as `{$3.label.id}`, and `{"$": "3"}` the
whole reply. `{"$row": "3.rows.0", "set": …}` is an object of it with changes; `"nulls": false` leaves its empty keys
out, `"without"` some others. `{"$boxes": 2000}` are so many boxes. Other names in braces are words: `{media}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

Json = Any
WORD = re.compile(r"\{(\$?)([\w. ]+)\}")


@dataclass(frozen=True)
class Reply:
    """An answer, or that there was none.

    Attributes:
        status: the number, or "broken: …" where the answer is no HTTP.
        kind: the content type.
        body: the JSON, or the text where it is none.
        headers: as they came.
        text: the whole of it.
    """

    status: int | str
    kind: str = ""
    body: Json = ""
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass
class Values:
    """What references can name.

    Attributes:
        words: what the names in braces stand for.
        named: values beside the replies: the schema and the labels.
        replies: in the order of the calls.
    """

    words: dict[str, str]
    named: dict[str, Json] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)

    def of(self, given: Json) -> Json:
        """What is given, with each reference replaced by its value.

        Raises:
            LookupError: a reference names what is not there.
            TypeError: the same.
        """
        if isinstance(given, str):
            return WORD.sub(self._word, given)
        if isinstance(given, list):
            return [self.of(item) for item in given]
        return self._object(given) if isinstance(given, dict) else given

    def _object(self, given: dict[str, Json]) -> Json:
        if "$" in given:
            return self.at(given["$"])
        if "$row" in given:
            return self._row(given)
        if "$boxes" in given:
            return many_boxes(given["$boxes"], self.named["label"]["cat"])
        return {self.of(key): self.of(item) for key, item in given.items()}

    def _word(self, found: re.Match[str]) -> str:
        return str(self.at(found[2])) if found[1] else self.words.get(found[2], found[0])

    def at(self, path: str) -> Json:
        """The value at a path of a reply, or of what is named."""
        head, *rest = path.split(".")
        if not head.isdigit():
            return reduce(_inside, rest, self.named[head])
        reply = self.replies[int(head)]
        return reduce(_inside, rest, reply.body) if rest else reply

    def _row(self, given: dict[str, Json]) -> Json:
        row = {key: item for key, item in self.at(given["$row"]).items() if key not in given.get("without", ())}
        if given.get("nulls") is False:
            row = {key: item for key, item in row.items() if item is not None}
        return row | self.of(given.get("set", {}))


def _inside(value: Json, key: str) -> Json:
    return value[int(key)] if isinstance(value, list) else value[key]


def many_boxes(count: int, label: int) -> list[dict[str, Json]]:
    """Small boxes side by side, in rows of 90."""
    common = {"type": "box", "label_file_id": label, "machine_made": True, "score": 0.5}
    corners = [{"x_min": n % 90, "y_min": n // 90, "x_max": n % 90 + 5, "y_max": n // 90 + 5} for n in range(count)]
    return [common | box | {"creation_ref_id": f"r{n}"} for n, box in enumerate(corners)]
