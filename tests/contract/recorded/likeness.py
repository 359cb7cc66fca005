"""When two observations are alike: what each server has its own is taken out of both, the rest is compared by keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

TIME_KEY = re.compile(r"time|date$|^created|expiry|_at$")
URL_KEY = re.compile(r"url|signed|blob")
ID_KEYS = {"id", "member_created", "creator"}
IDS_KEYS = {"deleted_instances", "missing_ids"}
DATE = re.compile(r"\d{4}-|\w{3}, \d\d")
MEMBER = {"by_member", "member_created_id"}  #: who made something: the sandbox has no members
MOMENT = re.compile(r"\d{10}\.\d+")  #: as a key of a log, that orders its lines
SYMBOL = re.compile(r"(box|f)#\d+")
ADVICE = " On SDK?: Some types of errors may be resolved by updating to latest."
Json = Any


def without_ids(value: Json, words: Mapping[str, str], key: str = "") -> Json:
    """A value as recordings have it: ids, times and addresses are replaced by what they are; `words` by their names."""
    if isinstance(value, dict):
        return {_text(str(k), words): without_ids(v, words, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_ids(item, words, key) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return "<time>" if TIME_KEY.search(key) else "<id>" if key in ID_KEYS or key.endswith("_id") else value
    if TIME_KEY.search(key) and DATE.match(value):
        return "<time>"
    return "<url>" if URL_KEY.search(key) and value.startswith("http") else _text(value, words)


def _text(value: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        value = re.sub(rf"(?<![\w-]){re.escape(word)}", f"<{name}>", value)
    if "Traceback" in value:
        last = [line for line in value.strip().splitlines() if line.strip()][-1]
        value = f"{value.split('Traceback')[0]}Traceback … {last[:160]}"
    return re.sub(r"(ID(?: is)?:? ?|id:? ?|xmin: )\d+", r"\1<n>", value)


def comparable(value: Json) -> Json:
    """An observation without what is the same thing said in two ways, its boxes numbered by their first place in it."""
    return _renumbered(_plain(value), {})


def _plain(value: Json) -> Json:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"(dataset\.id = |IDs \[)\d+", r"\1<n>", value.replace(ADVICE, ""))
    if not isinstance(value, dict):
        return value
    value = {key: _plain(item) for key, item in value.items() if key not in MEMBER and not MOMENT.fullmatch(key)}
    value |= {key: "<id>" for key, item in value.items() if key.endswith("_id") and _is_number(item)}
    if {"row", "root"} <= value.keys():
        value |= {"root": "self" if value["root"] in {value["row"], None} else value["root"]}
    value |= {key: ["<id>"] * len(value[key]) for key in IDS_KEYS & value.keys() if isinstance(value[key], list)}
    if "Retry-After" in value:
        value |= {"Retry-After": "0 or 1" if value["Retry-After"] in {"0", "1"} else value["Retry-After"]}
    return value


def _is_number(value: Json) -> bool:
    return isinstance(value, str) and value.isdigit()


def _renumbered(value: Json, names: dict[str, str]) -> Json:
    if isinstance(value, dict):
        return {key: _renumbered(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renumbered(item, names) for item in value]
    if isinstance(value, str) and SYMBOL.fullmatch(value):
        return names.setdefault(value, f"{value.split('#')[0]} {len(names) + 1}")
    return value


def unlike(recorded: Json, found: Json, left_out: Collection[str]) -> list[str]:
    """Where two comparable observations differ; what was found may lack keys that end in one of `left_out`."""
    missing = tuple(f".{key} is missing" for key in left_out)
    return [place for place in differences(recorded, found) if not place.replace("[]", "").endswith(missing)]


def differences(recorded: Json, found: Json, path: str = "") -> Iterator[str]:
    """Each place at which two comparable observations differ; numbers are equal as numbers, true is none."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in [*recorded, *(key for key in found if key not in recorded)]:
            where = f"{path}.{key}"
            if key not in found:
                yield f"{where} is missing"
            elif key not in recorded:
                yield f"{where} is new"
            else:
                yield from differences(recorded[key], found[key], where)
    elif isinstance(recorded, list) and isinstance(found, list):
        if len(recorded) != len(found):
            yield f"{path} has {len(found)} items, recorded {len(recorded)}"
        for one, other in zip(recorded, found, strict=False):
            yield from differences(one, other, f"{path}[]")
    elif isinstance(recorded, bool) != isinstance(found, bool) or recorded != found:
        yield f"{path}: {found!r}, recorded {recorded!r}"
