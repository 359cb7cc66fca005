"""How a new file gets to the server with its boxes: as an upload, by its URL, or out of a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from msgspec import UNSET

from boxferry.boxes.codes import Code
from boxferry.destination import media_problem, name_problem, server_name
from boxferry.errors import UsageError
from boxferry.outbox.kinds import Via
from boxferry.packets.bodies import Media, Packet, encode
from boxferry.plan.picture import mark_of
from boxferry.plan.target import SkipReason, Target
from boxferry.reading.video import clip_problem

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image
    from boxferry.packets.contents import Contents

UPLOAD_SPLIT_S = 30  #: seconds after which the server cuts a video that nobody says otherwise of
SPLITS = range(2, 181)  #: seconds after which the server can be told to cut a video


@dataclass(frozen=True, slots=True)
class Template:
    """A text with '{file_name}' (the image's relative path), '{name}' (its last part) or '{stem}' (without suffix).

    Attributes:
        text: the template.
        option: the option that it was given by, for messages.
        encoded: percent-encode what is put in, as a URL needs it.

    Raises:
        UsageError: it has none of them, or another.
    """

    text: str
    option: str
    encoded: bool = False

    def __post_init__(self) -> None:
        try:
            first, second = self.of("a/b.jpg"), self.of("c/d.png")
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise UsageError(f"{self.option} {self.text}: {error} is not {{file_name}}, {{name}} or {{stem}}") from None
        if first == second:
            raise UsageError(
                f"{self.option} {self.text}: needs {{file_name}}, {{name}} or {{stem}}, one for each image"
            )

    def of(self, key: str) -> str:
        """The text for one image."""
        path = PurePosixPath(key)
        parts = {"file_name": str(path), "name": path.name, "stem": str(path.with_suffix(""))}
        return self.text.format(**{name: quote(part) if self.encoded else part for name, part in parts.items()})


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFiles:
    """What new files have in common.

    Attributes:
        directory_id: the directory that they are made in.
        naming: the name under which a file appears, out of the image's name.
        job_id: the job that they are attached to, or None.
        video_split_s: seconds after which the server cuts a video; None leaves it at its own 30.

    Raises:
        UsageError: the split is not one that a server takes.
    """

    directory_id: int
    naming: Template
    job_id: int | None = None
    video_split_s: int | None = None

    def __post_init__(self) -> None:
        if self.video_split_s is not None and self.video_split_s not in SPLITS:
            raise UsageError(f"--video-split: {self.video_split_s}, expected {SPLITS[0]} to {SPLITS[-1]} seconds")

    def packet(self, target: Target) -> Packet:
        """A packet for a new file, without its media and its boxes."""
        return Packet(
            original_filename=target.file_name,
            directory_id=self.directory_id,
            job_id=UNSET if self.job_id is None else self.job_id,
            video_split_duration=self.video_split_s if target.video and self.video_split_s else UNSET,
        )


class Route(Protocol):
    """One way for new files to the server."""

    @property
    def name(self) -> str:
        """As in the outbox: 'upload', 'url' or 'blob'."""
        ...

    def target(self, image: Image) -> Target | SkipReason:
        """The file that would be made of an image, or why there is none."""
        ...

    def body(self, target: Target, contents: Contents) -> bytes:
        """The packet's JSON without its batch; there may be no boxes."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadRoute:
    """The media goes along with its boxes, from the images folder.

    Raises:
        UsageError: an upload has no place for a job, or for a video's split.
    """

    new: NewFiles
    name: Via = Via.UPLOAD

    def __post_init__(self) -> None:
        for value, option in ((self.new.job_id, "--job"), (self.new.video_split_s, "--video-split")):
            if value is not None:
                raise UsageError(f"{option}: not supported for uploads; use --media-url or --blob-path")

    def target(self, image: Image) -> Target | SkipReason:
        """The file that the upload makes; the server renames it, which is known beforehand."""
        name = server_name(self.new.naming.of(image.key))
        if problem := _media_stops(image) or _upload_name_stops(name, image):
            return problem
        return Target(file_name=name, media=image.media, video=image.video, mark=mark_of(image.media))

    def body(self, target: Target, contents: Contents) -> bytes:  # noqa: ARG002 # the name goes with the file's part
        """The `json` part of the upload."""
        return encode(contents.put(Packet(directory_id=self.new.directory_id)))


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlRoute:
    """The server fetches the media from a URL.

    Attributes:
        new: what the files have in common.
        template: makes an image's URL.

    Raises:
        UsageError: the template is not that of a http(s) URL.
    """

    new: NewFiles
    template: Template
    name: Via = Via.URL

    def __post_init__(self) -> None:
        if urlsplit(self.template.of("a.jpg")).scheme not in {"http", "https"}:
            raise UsageError(f"{self.template.option} {self.template.text}: must start with http:// or https://")

    def target(self, image: Image) -> Target | SkipReason:
        """The file that the server makes from the URL; without a suffix of its own the name takes the URL's."""
        url = self.template.of(image.key)
        return _fetched(self.new.naming.of(image.key), url, urlsplit(url).path, image)

    def body(self, target: Target, contents: Contents) -> bytes:
        """The packet of a new file."""
        packet = self.new.packet(target)
        packet.media = Media(url=target.media, type=_kind(target))
        return encode(contents.put(packet))


@dataclass(frozen=True, kw_only=True, slots=True)
class BlobRoute:
    """The server fetches the media from a bucket that it has a connection to.

    Attributes:
        new: what the files have in common.
        template: makes the path of an image's blob.
        connection_id: the connection's id on the server.
        bucket: the bucket's name.
    """

    new: NewFiles
    template: Template
    connection_id: int
    bucket: str
    name: Via = Via.BLOB

    def target(self, image: Image) -> Target | SkipReason:
        """The file that the server makes from the blob; without a suffix of its own the name takes the blob's."""
        path = self.template.of(image.key)
        return _fetched(self.new.naming.of(image.key), path, path, image)

    def body(self, target: Target, contents: Contents) -> bytes:
        """The packet of a new file."""
        packet = self.new.packet(target)
        packet.type = "from_blob_path"
        packet.media = Media(type=_kind(target))
        packet.connection_id, packet.bucket_name = self.connection_id, self.bucket
        packet.raw_data_blob_path = target.media
        return encode(contents.put(packet))


def _media_stops(image: Image) -> SkipReason | None:
    """Why an image's media cannot be uploaded, or None."""
    if not image.media:
        return SkipReason(Code.NO_IMAGE, "not in the images folder: an upload needs the image; see --images")
    if problem := media_problem(image.media, video=image.video):
        return SkipReason(Code.UNSUPPORTED_MEDIA, problem)
    if image.frame_rate and image.frames / image.frame_rate > UPLOAD_SPLIT_S:
        message = (
            f"longer than {UPLOAD_SPLIT_S} s: the server would split it, and does not report the clips of an upload"
        )
        return SkipReason(Code.LONG_VIDEO, f"{message}; use --media-url or --blob-path")
    return _clip_stops(image)


def _upload_name_stops(name: str, image: Image) -> SkipReason | None:
    """Why an upload cannot bear the name that the server makes of it, or None."""
    if media_problem(name, video=image.video):
        message = f"an upload would rename it to '{name}', which Diffgram refuses: rename it, or use --media-url"
        return SkipReason(Code.UNSUPPORTED_NAME, message)
    return _name_stops(name)


def _name_stops(name: str) -> SkipReason | None:
    problem = name_problem(name)
    return SkipReason(Code.UNSUPPORTED_NAME, problem) if problem else None


def _clip_stops(image: Image) -> SkipReason | None:
    """Why a video that is on this machine must not be sent, or None: a server is at an unreadable one for good."""
    problem = clip_problem(image.media) if image.video and image.media else None
    return SkipReason(Code.UNREADABLE_MEDIA, problem) if problem else None


def _fetched(name: str, media: str, path: str, image: Image) -> Target | SkipReason:
    file_name = name if PurePosixPath(name).suffix else name + PurePosixPath(path).suffix
    if problem := media_problem(file_name, video=image.video):
        return SkipReason(Code.UNSUPPORTED_MEDIA, problem)
    if stops := _name_stops(file_name) or _clip_stops(image):
        return stops
    return Target(file_name=file_name, media=media, video=image.video)


def _kind(target: Target) -> str:
    return "video" if target.video else "image"
