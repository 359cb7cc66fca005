"""How a file's boxes get to the server: with an upload of the image, by its URL, or onto the file that is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import UNSET

from boxferry.diffgram.names import media_problem, server_name
from boxferry.errors import UsageError
from boxferry.packets.wire import Box, Media, Packet, encode
from boxferry.sending.outbox import Entry
from boxferry.sending.target import Problem, Target

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image
    from boxferry.sending.existing import FileIndex


class Route(Protocol):
    """One way to the server."""

    @property
    def name(self) -> str:
        """As in the outbox: 'upload', 'url' or 'existing'."""
        ...

    @property
    def creates(self) -> bool:
        """Whether the file is new, so that an image without boxes is worth sending."""
        ...

    def target(self, image: Image) -> Target | Problem:
        """Where the boxes of an image go, or why they cannot."""
        ...

    def body(self, target: Target, boxes: list[Box]) -> bytes:
        """The packet's JSON without its batch; `boxes` may be empty."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadRoute:
    """The image goes along with its boxes, from the images folder.

    Attributes:
        directory_id: the directory that the file is made in.
    """

    directory_id: int
    name: str = "upload"
    creates: bool = True

    def target(self, image: Image) -> Target | Problem:
        """The file that the upload makes; the server renames it, which is known beforehand."""
        if not image.media:
            return Problem("no-image", "not in the images folder: an upload needs the image; see --images")
        if problem := media_problem(image.media):
            return Problem("unsupported-media", problem)
        name = server_name(image.key)
        if media_problem(name):
            message = f"an upload would rename it to '{name}', which Diffgram refuses: rename it, or use --media-url"
            return Problem("unsupported-name", message)
        return Target(file_name=name, media=image.media)

    def body(self, target: Target, boxes: list[Box]) -> bytes:  # noqa: ARG002 # the name goes with the file's part
        """The `json` part of the upload."""
        return encode(Packet(directory_id=self.directory_id, instance_list=boxes or UNSET))


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlRoute:
    """The server fetches the image from a URL.

    Attributes:
        directory_id: the directory that the file is made in.
        template: a URL with '{file_name}' (the image's relative path), '{name}' (its last part) or '{stem}' (the path
            without suffix), each percent-encoded.

    Raises:
        UsageError: the template has none of them, or another, or is no http(s) URL.
    """

    directory_id: int
    template: str
    name: str = "url"
    creates: bool = True

    def __post_init__(self) -> None:
        try:
            first, second = self._url("a/b.jpg"), self._url("c/d.png")
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(
                f"--media-url {self.template}: {error} is not {{file_name}}, {{name}} or {{stem}}"
            ) from None
        if first == second:
            raise UsageError(
                f"--media-url {self.template}: needs {{file_name}}, {{name}} or {{stem}}, one URL an image"
            )
        if urlsplit(first).scheme not in {"http", "https"}:
            raise UsageError(f"--media-url {self.template}: expected a URL that begins with http:// or https://")

    def _url(self, key: str) -> str:
        path = PurePosixPath(key)
        parts = {"file_name": str(path), "name": path.name, "stem": str(path.with_suffix(""))}
        return self.template.format(**{name: quote(part) for name, part in parts.items()})

    def target(self, image: Image) -> Target | Problem:
        """The file that the server makes from the URL; without a suffix of its own the name takes the URL's."""
        url = self._url(image.key)
        suffix = PurePosixPath(urlsplit(url).path).suffix
        file_name = image.key if PurePosixPath(image.key).suffix else image.key + suffix
        if problem := media_problem(file_name):
            return Problem("unsupported-media", problem)
        return Target(file_name=file_name, media=url)

    def body(self, target: Target, boxes: list[Box]) -> bytes:
        """The packet of a new file."""
        packet = Packet(
            media=Media(url=target.media),
            original_filename=target.file_name,
            directory_id=self.directory_id,
            instance_list=boxes or UNSET,
        )
        return encode(packet)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExistingRoute:
    """The file is there: its boxes are appended to it.

    Attributes:
        files: the files of the directory.
    """

    files: FileIndex
    name: str = "existing"
    creates: bool = False

    def target(self, image: Image) -> Target | Problem:
        """The one file of the directory that bears the image's name."""
        found = self.files.find(image.key)
        if isinstance(found, Problem):
            return found
        return Target(file_name=found.original_filename or image.key, file_id=found.id)

    def body(self, target: Target, boxes: list[Box]) -> bytes:
        """The packet that appends to the file."""
        return _append_body(target.file_id, boxes)


def entry(route: Route, target: Target, boxes: list[Box]) -> Entry:
    """The packet for one file as the outbox takes it."""
    return Entry(
        route=route.name,
        file_name=target.file_name,
        file_id=target.file_id,
        media=target.media,
        body=route.body(target, boxes),
        boxes=len(boxes),
    )


def append_entry(file_name: str, file_id: int, boxes: list[Box]) -> Entry:
    """The packet that appends boxes to a file whose id is known."""
    body = _append_body(file_id, boxes)
    return Entry(route="existing", file_name=file_name, file_id=file_id, body=body, boxes=len(boxes))


def _append_body(file_id: int | None, boxes: list[Box]) -> bytes:
    return encode(Packet(file_id=UNSET if file_id is None else file_id, mode="update", instance_list=boxes or UNSET))


def only_missing(body: bytes, file_id: int, missing: set[str]) -> tuple[bytes, int]:
    """The packet that appends those boxes of another one whose references are missing from a file; and their number."""
    boxes = [box for box in msgspec.json.decode(body, type=_Boxes).instance_list if box.creation_ref_id in missing]
    return _append_body(file_id, boxes), len(boxes)


class _Boxes(msgspec.Struct):
    instance_list: list[Box]
