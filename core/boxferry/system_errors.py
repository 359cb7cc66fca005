"""The names of files in the system's errors: a full disk is told by `write`, which knows none."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STDOUT: Final = "standard output"


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Give an error of the system a file's name where it has none.

    Args:
        place: the name.

    Raises:
        OSError: as it came.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:
            error.filename = place
        raise
