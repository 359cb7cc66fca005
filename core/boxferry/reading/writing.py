"""Chunks written in a format that is named, what `Predictions.write` and `Dataset.write` share; options of formats."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.labels import ClassTable
from boxferry.errors import UnknownFormat, UsageError
from boxferry.formats import still_images
from boxferry.option_checks import did_you_mean
from boxferry.reading.names import given_names

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Context, Format, Id

    Names = str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None

PACKETS = "packets"  #: a format that is read; its writer needs more than boxes


class Writing(NamedTuple):
    """How boxes are written.

    Attributes:
        format: the format.
        options: the values of all of its options.
        names: class id → name; None where none were given.
    """

    format: Format
    options: Mapping[str, str]
    names: Mapping[Id, str] | None

    @classmethod
    def of(
        cls, formats: Mapping[str, Format], to: object, *, names: Names = None, options: Mapping[str, str] | None = None
    ) -> Writing:
        """As it is asked for in Python: options have underscores there.

        Raises:
            UnknownFormat: there is no such format.
            UsageError: it cannot be written, or has no such option.
            InputError: the names cannot be read.
        """
        fmt = writable(formats, to)
        given = {name.replace("_", "-"): str(value) for name, value in (options or {}).items()}
        return cls(fmt, option_values(fmt, given), None if names is None else given_names(names).names)


def writable(formats: Mapping[str, Format], to: object) -> Format:
    """The format of that name.

    Raises:
        UnknownFormat: there is no such format.
        UsageError: it can only be read, or is that of packets.
    """
    if to == PACKETS:
        raise UsageError("to: packets need a model and a run: use boxferry.write_packets")
    able = [name for name, fmt in formats.items() if fmt.write is not None]
    if not isinstance(to, str) or to not in formats:
        raise UnknownFormat(f"to: {to!r} is not one of {', '.join(able)}{did_you_mean(to, able)}")
    if formats[to].write is None:
        raise UsageError(f"to: format '{to}' can be read, not written")
    return formats[to]


def numbered(context: Context, names: Mapping[Id, str] | None, *, keep_ids: bool) -> Context:
    """The context of a writer, which numbers classes as it says.

    Args:
        context: with the ids of the source.
        names: the classes that count in place of those; None where none were given.
        keep_ids: False forgets the ids of the source.
    """
    if names is None and keep_ids:
        return context
    classes = ClassTable()
    classes.learn(names or {}, "the names given")
    return replace(context, names=dict(names or {}), classes=classes)


def write(chunks: Iterable[Detections], fmt: Format, target: Path, context: Context) -> None:
    """Write chunks in a format.

    Raises:
        UsageError: it can only be read, or the target cannot be written.
        InputError: boxes are on frames of a video, and the format has none.
    """
    if fmt.write is None:
        raise UsageError(f"format '{fmt.name}' can be read, not written")
    fmt.write(chunks if fmt.writes_videos else still_images(chunks, fmt.name), target, context)


def option_values(fmt: Format, given: Mapping[str, str]) -> dict[str, str]:
    """The values of all options of a format: those given, and the defaults of the others.

    Raises:
        UsageError: an option that the format does not have, or a value that it does not allow.
    """
    declared = {option.name: option for option in fmt.options}
    for name, value in given.items():
        if name not in declared:
            raise UsageError(
                f"--{name}: not an option of format '{fmt.name}'{_listed(declared)}{did_you_mean(name, declared)}"
            )
        if declared[name].choices and value not in declared[name].choices:
            raise UsageError(f"--{name}: '{value}', expected one of {', '.join(declared[name].choices)}")
    return {name: given.get(name, option.default) for name, option in declared.items()}


def _listed(declared: Mapping[str, object]) -> str:
    return f", which has {', '.join(declared)}" if declared else ", which has none"
