"""The kinds of packets: what happens to the boxes that a file has, and how the media gets there."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What happens to the boxes of a packet's file."""

    NEW = "new"  #: the file is made
    ERROR = "error"  #: appended where there is no box of another run, else nothing
    SKIP = "skip"  #: nothing where the file is there, or has boxes
    APPEND = "append"
    REPLACE_OWN = "replace-own"
    REPLACE_ALL = "replace-all"

    @property
    def replaces(self) -> bool:
        """Whether boxes of the file go."""
        return self in REPLACING


REPLACING = (Mode.REPLACE_OWN, Mode.REPLACE_ALL)  #: the modes in which boxes of a file go


class Via(StrEnum):
    """How a packet's media gets to the server."""

    UPLOAD = "upload"  #: it goes along
    URL = "url"  #: the server fetches it
    BLOB = "blob"  #: the server takes it out of a bucket
    EXISTING = "existing"  #: it is there
