"""A decoder for every type that an answer is decoded as, made at import.

msgspec builds what it knows of a Struct at its first use, and crashes where two threads come to a first use at the same
moment. So nothing is met for the first time in a thread: what is not in this table cannot be decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec.json import Decoder

from boxferry.diffgram import envelopes as frames
from boxferry.diffgram.answers import (
    Schema,
)
from boxferry.diffgram.inputs import UploadAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

#: type → its decoder
DECODERS: Mapping[Any, Decoder[Any]] = {
    kind: Decoder(kind)
    for kind in (
        dict[str, Any],
        list[Schema],
        UploadAnswer,
        frames.Annotations,
        frames.AttributeGroups,
        frames.Buffered,
        frames.Directories,
        frames.Files,
        frames.Inputs,
        frames.Labels,
        frames.ModelRuns,
        frames.NewBatch,
        frames.NewDirectory,
        frames.NewLabel,
        frames.ProjectView,
        frames.Queued,
        frames.View,
        frames.Viewed,
    )
}


def decoder(kind: type[T]) -> Decoder[T]:
    """The decoder of a type.

    Raises:
        KeyError: the type is missing from the table.
    """
    return cast("Decoder[T]", DECODERS[kind])
