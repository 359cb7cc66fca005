"""One of the files with rows, where a source has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One label file.

    Attributes:
        relative: its path in the source.
        path: the path to open.
        shown: the path as messages show it.
    """

    relative: str
    path: str
    shown: str
