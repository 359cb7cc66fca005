"""What was pulled so far, so that a broken-off pull goes on where it ended."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class Cache:
    """A file of lines, one for each file that was pulled; it goes when the pull has come to its end.

    Use it as a context manager: an exception leaves the file, for the next pull.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, with what an earlier pull left in it; a line that was cut off is passed over."""
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[int, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_bytes().splitlines():
                with suppress(msgspec.DecodeError, KeyError, TypeError):
                    found = msgspec.json.decode(line)
                    self._known[found["file_id"]] = found["answer"]
        self._stream = path.open("ab")

    def __len__(self) -> int:
        """The number of files that are known."""
        return len(self._known)

    def get(self, file_id: int) -> dict[str, Any] | None:
        """What is known of a file, or None."""
        return self._known.get(file_id)

    def put(self, file_id: int, answer: dict[str, Any]) -> dict[str, Any]:
        """Keep what the server said of a file, and give it back."""
        line = msgspec.json.encode({"file_id": file_id, "answer": answer}) + b"\n"
        with self._lock:
            self._known[file_id] = answer
            self._stream.write(line)
            self._stream.flush()
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stream.close()
        if kind is None:
            self._path.unlink(missing_ok=True)
