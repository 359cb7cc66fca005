"""What to say of a source that no format recognises: what was found, and on a second line what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from boxferry.reading.sources import Peekable, what_is_there

if TYPE_CHECKING:
    from boxferry.formats import Format, Source

MOST_NEAR = 4  #: formats that an error tells of
CATALOGUE = "boxferry formats lists all formats"
IN_MEMORY = "{image name: result}, pairs of image name and result, or a list or generator of results"


def unrecognised(source: Source, formats: Mapping[str, Format]) -> str:
    """What each format that comes near stumbled over, or what is there; and what to try."""
    if source.value is not None:
        return _in_memory(source, formats)
    looks = ((name, fmt.stumble(source)) for name, fmt in formats.items() if fmt.read and fmt.stumble)
    near = sorted(((name, found) for name, found in looks if found), key=lambda each: -each[1].share)
    if not near:
        return f"{source.name}: no format recognises it: {what_is_there(source)}\n{CATALOGUE}, -f NAME chooses one"
    told = "; ".join(f"{name}: {found.where}: {found.found}" for name, found in near[:MOST_NEAR])
    try_it = f"{near[0][0]} is the closest: -f {near[0][0]} reads it as such and reports what is wrong; {CATALOGUE}"
    return f"{source.name}: no format recognises it: {told}\n{try_it}"


def _in_memory(source: Source, formats: Mapping[str, Format]) -> str:
    live = {name: fmt.summary.removeprefix("in memory: ") for name, fmt in formats.items() if fmt.live}
    found = f"{source.name}: no format recognises it: {_seen(source.value)}, expected {IN_MEMORY}"
    if _is_empty(source.value):
        example = next(iter(live), "NAME")
        return f"{found}\nif a run may have no results, pass format='{example}'"
    known = "; ".join(f"{name} ({summary})" for name, summary in live.items())
    return f"{found}\nresults are recognised by their structure: {known}; format=NAME chooses one"


def _seen(value: object) -> str:
    if _is_empty(value):
        return "it is empty"
    if isinstance(value, Mapping):
        key, first = next(iter(value.items()))
        return f"it holds {type(first).__name__} under {key!r}"
    first = value.peek() if isinstance(value, Peekable) else value[0] if isinstance(value, list | tuple) else None
    return "it is no result" if first is None else f"it begins with {type(first).__name__}"


def _is_empty(value: object) -> bool:
    if isinstance(value, Peekable):
        return value.peek() is None
    return isinstance(value, Mapping | Sequence) and not len(value)
