"""The calls of a Diffgram server that boxferry makes, typed."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

import msgspec

from boxferry.diffgram.answers import Directory, FileRecord, ImageRecord, InputRecord, Instance, Schema, UploadAnswer
from boxferry.diffgram.http import Answer, Call, Wire
from boxferry.diffgram.pacing import Pacer
from boxferry.errors import NotFound, Refused, Unsure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.diffgram.settings import Server

T = TypeVar("T")

PACKET_PATH = "/api/walrus/v1/project/{project}/input/packet"
PAGE = 500
LIST_LIMIT = 1000  #: what the server caps every list at


class _Batch(msgspec.Struct):
    id: int


class _NewBatch(msgspec.Struct):
    input_batch: _Batch


class _Names(msgspec.Struct):
    name_to_file_id: dict[str, int] | None = None


class _Label(msgspec.Struct):
    id: int


class _NewLabel(msgspec.Struct):
    label: _Label


class _Directories(msgspec.Struct):
    directory_list: list[Directory]


class _NewDirectory(msgspec.Struct):
    new_directory: Directory


class _Page(msgspec.Struct):
    next_page: int | bool | None = None


class _Files(msgspec.Struct):
    file_list: list[FileRecord] | bool
    metadata: _Page


class _ViewedFile(msgspec.Struct):
    image: ImageRecord | None = None


class _View(msgspec.Struct):
    file: _ViewedFile


class _Inputs(msgspec.Struct):
    input_list: list[InputRecord]


class _Annotated(msgspec.Struct):
    instance_list: list[Instance] | None = None


class _Annotations(msgspec.Struct):
    file_serialized: _Annotated


class Client:
    """A project on a Diffgram server; safe to use from several threads. Making it does no I/O.

    Every method raises `DiffgramError`, in one of its kinds, when the call fails.
    """

    def __init__(
        self,
        server: Server,
        *,
        connections: int = 4,
        timeout_s: float = 60.0,
        packet_path: str = PACKET_PATH,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare.

        Args:
            server: where, and who asks.
            connections: how many connections are kept open.
            timeout_s: seconds to wait for an answer.
            packet_path: the path of the packet call; the API page's spelling differs from what servers answer to.
            clock: seconds, for the pace.
            sleep: waits.
        """
        self._wire = Wire(server, connections=connections, timeout_s=timeout_s, sleep=sleep)
        self._pacer = Pacer(clock=clock, sleep=sleep)
        self._project = quote(server.project, safe="")
        self._packet_path = packet_path.format(project=self._project)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def schemas(self) -> list[Schema]:
        """The project's label schemas."""
        return self._read("GET", "/api/v1/project/{}/labels-schema", list[Schema])

    def label_ids(self, schema_id: int) -> dict[str, int]:
        """Label name → `label_file_id`, the id that boxes need, of one schema."""
        path = f"/api/v1/project/{{}}/labels/view/name_to_file_id?schema_id={schema_id}"
        return self._read("GET", path, _Names).name_to_file_id or {}

    def create_label(self, name: str, *, schema_id: int, colour: dict[str, Any] | None = None) -> int:
        """Make a label and give its `label_file_id`. Not idempotent: look before."""
        body = {"name": name, "schema_id": schema_id} | ({"colour": colour} if colour else {})
        return self._change("/api/v1/project/{}/label/new", body, _NewLabel).label.id

    def directories(self) -> list[Directory]:
        """The project's directories."""
        body = {"limit": LIST_LIMIT}
        return self._read("POST", "/api/v1/project/{}/directory/list", _Directories, body).directory_list

    def create_directory(self, nickname: str) -> Directory:
        """Make a directory."""
        body = {"nickname": nickname, "access_type": "project"}
        return self._change("/api/v1/project/{}/directory/new", body, _NewDirectory).new_directory

    def find_directory(self, wanted: str | int) -> Directory:
        """The directory with this nickname or id.

        Raises:
            NotFound: there is none, or several share the nickname; the message lists what there is.
        """
        there = self.directories()
        found = [d for d in there if d.nickname == wanted] or [d for d in there if str(d.id) == str(wanted)]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(f"{d.nickname or '(no name)'} (id {d.id})" for d in (found or there)[:20]) or "none"
        problem = f"several directories are called '{wanted}'" if found else f"no directory '{wanted}'"
        raise NotFound(f"{problem}; there are: {listed}")

    def files(self, directory_id: int, *, search: str = "") -> Iterator[FileRecord]:
        """The files of a directory, page by page; `search` leaves only names that hold the term."""
        page: int | None = 1
        while page:
            metadata = {
                "directory_id": directory_id,
                "limit": PAGE,
                "page": page,
                "file_view_mode": "base",
                "media_type": "All",
                "annotation_status": "All",
                "annotations_are_machine_made_setting": "All",
                "search_term": search or None,
                "query": None,
                "with_children_files": False,
            }
            path = "/api/project/{}/user/sdk/file/list"
            answer = self._read("POST", path, _Files, {"metadata": metadata})
            files = answer.file_list if isinstance(answer.file_list, list) else []
            yield from files
            following = answer.metadata.next_page
            page = following if files and following and following > page else None

    def image(self, file_id: int) -> ImageRecord:
        """The image of a file: its size."""
        body = {"file_id": file_id, "project_string_id": self._project}
        return self._read("POST", "/api/v1/file/view", _View, body).file.image or ImageRecord()

    def instances(self, file_id: int, *, directory_id: int) -> list[Instance]:
        """The boxes of a file, deleted ones left out."""
        path = f"/api/project/{{}}/file/{file_id}/annotation/list"
        found = self._read("POST", path, _Annotations, {"directory_id": directory_id})
        return [i for i in found.file_serialized.instance_list or () if not i.soft_delete]

    def new_batch(self) -> int:
        """Make an input batch, by which packets are found again."""
        return self._change("/api/v1/project/{}/input-batch/new", {}, _NewBatch).input_batch.id

    def send_packet(self, body: bytes) -> None:
        """Send a packet. A return means that it is queued, nothing more: boxes are checked later.

        Raises:
            Refused: the server turned it down, and nothing has happened.
            Unsure: it may or may not be queued.
        """
        self._wire.call(Call(method="POST", path=self._packet_path, body=body, changes=True), self._pacer)

    def upload(self, name: str, data: IO[bytes], fields: bytes) -> UploadAnswer:
        """Upload an image with its boxes; the answer comes when everything is done.

        Args:
            name: the file's name; the server changes it, see `names.server_name`.
            data: the image's bytes.
            fields: the JSON of the `json` part: directory_id, instance_list.

        Raises:
            Refused: the server turned it down without a record of it.
            Unsure: the image may or may not be there.
        """
        path = f"/api/walrus/v1/project/{self._project}/input/from_local"
        parts: dict[str, tuple[str | None, IO[bytes] | bytes, str]] = {
            "file": (name, data, "application/octet-stream"),
            "json": (None, fields, "application/json"),
        }
        answer = self._wire.call(Call(method="POST", path=path, parts=parts, changes=True, also=(400,)))
        try:
            return msgspec.json.decode(answer.body, type=UploadAnswer)
        except msgspec.DecodeError:
            words = answer.body.decode("utf-8", "replace")[:300]
        if answer.status == 400:
            raise Refused(words, status=400)
        raise Unsure(f"the upload's answer cannot be read: {words}", status=answer.status)

    def inputs(
        self, *, batch_id: int | None = None, file_id: int | None = None, limit: int = LIST_LIMIT, status: str = "All"
    ) -> list[InputRecord]:
        """What the server knows of packets, the newest first, at most 1000: it has no further pages."""
        wanted = {"limit": limit, "batch_id": batch_id, "file_id": file_id, "status_filter": status}
        body = {name: value for name, value in wanted.items() if value is not None}
        return self._read("POST", "/api/walrus/v1/project/{}/input/view/list", _Inputs, body).input_list

    def _read(self, method: Any, path: str, answer: type[T], body: object = None) -> T:  # noqa: ANN401 # as in Call
        encoded = None if body is None else msgspec.json.encode(body)
        return _decoded(self._wire.call(Call(method=method, path=path.format(self._project), body=encoded)), answer)

    def _change(self, path: str, body: object, answer: type[T]) -> T:
        encoded = msgspec.json.encode(body)
        call = Call(method="POST", path=path.format(self._project), body=encoded, changes=True)
        return _decoded(self._wire.call(call), answer)


def _decoded(answer: Answer, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except msgspec.DecodeError as error:
        problem = str(error)
    raise Unsure(f"the server's answer is not what a Diffgram gives: {problem}", status=answer.status)
