"""The calls of a Diffgram server that boxferry makes, typed."""

from __future__ import annotations

import difflib
import time
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Literal, Self, TypeVar
from urllib.parse import quote

import msgspec

from boxferry.diffgram import envelopes as frames
from boxferry.diffgram.answers import (
    AttributeGroup,
    Directory,
    FileRecord,
    LabelFile,
    ModelRun,
    Schema,
    ViewedFile,
    alive,
)
from boxferry.diffgram.faults import scrubbed
from boxferry.diffgram.headers import number
from boxferry.diffgram.http import Call, Wire
from boxferry.diffgram.inputs import InputRecord, UploadAnswer
from boxferry.diffgram.meanings import Answered, flat, meaning, short
from boxferry.diffgram.multipart import Multipart
from boxferry.diffgram.names import server_name
from boxferry.diffgram.pacing import Pacer
from boxferry.diffgram.pages import listed
from boxferry.errors import AuthError, NotFound, Refused, Unreachable
from boxferry.packets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from boxferry.diffgram.pages import Mode
    from boxferry.diffgram.settings import Server

T = TypeVar("T")

PACKET_PATH = "/api/walrus/v1/project/{project}/input/packet"
PAGE = 1000  #: files on a page of a list, the most that the server gives
FRAMES = 999  #: frames of a video that are asked for in one call, which shows 1000 at most
LIST_LIMIT = 1000  #: what the server caps every list at
NO_LIMIT = -1  #: of a list of inputs: all of them
SHOWN = 20  #: directories that a message lists


@dataclass(eq=False)
class Client:
    """A project on a Diffgram server; safe to use from several threads. Making it does no I/O.

    Every method raises `DiffgramError`, in one of its kinds, when the call fails.

    Attributes:
        server: where, and who asks.
        connections: how many connections are kept open: so many calls are worth making at once.
        timeout_s: seconds to wait for an answer.
        clock: seconds, for the pace.
        sleep: waits.

    Raises:
        UsageError: the time-out is not above 0.
    """

    server: Server
    _: KW_ONLY
    connections: int = 4
    timeout_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        clock, sleep, server = self.clock, self.sleep, self.server
        self._wire = Wire(server, connections=self.connections, timeout_s=self.timeout_s, clock=clock, sleep=sleep)
        self._pacer = Pacer(clock=clock, sleep=sleep)
        self._project = quote(server.project, safe="")
        self._packet_path = (server.packet_path or PACKET_PATH).format(project=self._project)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def now(self) -> float:
        """Seconds since the epoch by the server's clock; by this machine's before its first answer."""
        return self._wire.server_clock.now()

    def back(self, sent: float) -> float:
        """When the service that takes packets answered again after an outage, by the server's clock; 0 where none was.

        What was sent before may have arrived only then: a gateway holds requests back.

        Args:
            sent: when it was, likewise; where another process sent it, the outage may have been over before this one.
        """
        return self._wire.outages.back(sent)

    def limit(self, left_s: Callable[[], float]) -> None:
        """Bound every wait for an answer from now on by the seconds that `left_s` gives; a call gets one at least."""
        self._wire.limit(left_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def schemas(self) -> list[Schema]:
        """The project's label schemas."""
        return self._read("GET", "/api/v1/project/{}/labels-schema", list[Schema])

    def label_names(self, schema_id: int) -> dict[int, str]:
        """`label_file_id` → name of one schema's labels, by their ids; several ids can have one name."""
        path = f"/api/project/{{}}/labels?schema_id={schema_id}"
        found = self._read("GET", path, frames.Labels).labels_out or []
        return {file.id: file.label.name for file in sorted(found, key=_id) if file.label and file.state != "removed"}

    def label_ids(self, schema_id: int) -> dict[str, int]:
        """Label name → `label_file_id`, the id that boxes need, of one schema; the smallest where there are several."""
        return {name: number for number, name in reversed(self.label_names(schema_id).items())}

    def create_label(self, name: str, *, schema_id: int, colour: dict[str, Any] | None = None) -> int:
        """Make a label and give its `label_file_id`. Not idempotent: look before."""
        body = {"name": name, "schema_id": schema_id} | ({"colour": colour} if colour else {})
        return self._change("/api/v1/project/{}/label/new", body, frames.NewLabel).label.id

    def directories(self) -> list[Directory]:
        """The project's directories."""
        body = {"limit": LIST_LIMIT}
        return self._read("POST", "/api/v1/project/{}/directory/list", frames.Directories, body).directory_list

    def create_directory(self, nickname: str) -> Directory:
        """Make a directory."""
        body = {"nickname": nickname, "access_type": "project"}
        return self._change("/api/v1/project/{}/directory/new", body, frames.NewDirectory).new_directory

    def find_directory(self, wanted: str | int) -> Directory:
        """The directory with this nickname or id.

        Raises:
            NotFound: there is none, or several share the nickname; the message lists what there is.
        """
        there = self.directories()
        found = [d for d in there if d.nickname == wanted] or [d for d in there if str(d.id) == str(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(f"several directories are named '{wanted}'; use an id: {_listed(found)}")
        names = [d.nickname for d in there if d.nickname]
        near = difflib.get_close_matches(str(wanted), names, n=3)
        hint = f" (near: {', '.join(near)})" if near else ""
        raise NotFound(f"no directory '{wanted}'{hint}; the directories are: {_listed(there)}")

    def files(self, directory_id: int, *, search: str = "") -> Iterator[FileRecord]:
        """The files of a directory, each once, page by page; `search` leaves only names that hold the term.

        Sizes and boxes are not in it; see `diffgram.bulk`.
        """
        return listed(partial(self.page, directory_id, search=search))

    def page(self, directory_id: int, number: int, *, mode: Mode = "base", search: str = "") -> frames.Files:
        """One page of a directory's files, the first being 1.

        Args:
            directory_id: the directory.
            number: of the page.
            mode: 'base', 'annotation' (sizes too) or 'explorer' (sizes and boxes, the files in no order).
            search: leaves only names that hold the term.
        """
        metadata = {
            "directory_id": directory_id,
            "limit": PAGE,
            "page": number,
            "file_view_mode": mode,
            "media_type": "All",
            "annotation_status": "All",
            "annotations_are_machine_made_setting": "All",
            "search_term": search or None,
            "query": f"dataset.id = {directory_id}" if mode == "explorer" else None,
            "with_children_files": False,
            "regen_url": False,
        }
        return self._read("POST", "/api/project/{}/user/sdk/file/list", frames.Files, {"metadata": metadata})

    def view(self, file_id: int) -> ViewedFile:
        """What a file shows: the size of its image or video."""
        body = {"file_id": file_id, "project_string_id": self.server.project}
        return self._read("POST", "/api/v1/file/view", frames.View, body).file

    def rows(self, file_id: int, *, directory_id: int) -> list[Row]:
        """The boxes of an image with every key that the server gives, deleted ones left out.

        Raises:
            Refused: there is no such file.
        """
        return self.annotated(file_id, directory_id=directory_id).rows

    def annotated(self, file_id: int, *, directory_id: int) -> FileRecord:
        """An image with its size and its boxes.

        Raises:
            Refused: there is no such file.
        """
        path = f"/api/project/{{}}/file/{file_id}/annotation/list"
        return self._read("POST", path, frames.Annotations, {"directory_id": directory_id}).file_serialized

    def found(self, file_id: int, *, directory_id: int) -> FileRecord | None:
        """As `annotated`; None where there is no such file."""
        try:
            return self.annotated(file_id, directory_id=directory_id)
        except Refused:
            return None

    def video_rows(self, file_id: int, *, frames_count: int, directory_id: int) -> list[Row]:
        """The boxes of a video, deleted ones left out; each with its `frame_number`."""
        found: list[Row] = []
        for start in range(0, max(frames_count, 1), FRAMES):
            end = min(start + FRAMES, max(frames_count, 1))
            path = f"/api/project/{{}}/video/{file_id}/instance/buffer/start/{start}/end/{end}/list"
            buffer = self._read("POST", path, frames.Buffered, {"directory_id": directory_id}).instance_buffer_dict
            for frame, rows in (buffer or {}).items():
                found += [Row(row, frame_number=int(frame)) for row in alive(rows)]
        return list({row.get("id"): row for row in found}.values())

    def model_runs(self) -> list[ModelRun]:
        """The project's runs of models, the oldest first."""
        return self._read("POST", "/api/v1/project/{}/model-runs/list", frames.ModelRuns, {}).model_run_list or []

    def members(self) -> dict[int, str]:
        """Member number → name, of those that the server names; what a key may not see is left out."""
        try:
            found = self._read("GET", "/api/project/{}/view", frames.ProjectView).project.member_list or []
        except (AuthError, Refused, Unreachable):
            return {}
        return {
            each["member_id"]: name
            for each in found
            if isinstance(each.get("member_id"), int) and (name := _named(each))
        }

    def check_role(self) -> None:
        """See that the key may send, by a question that only an editor's or an admin's key may ask.

        Raises:
            AuthError: it may not: a viewer's key reads, and is refused each packet.
        """
        try:
            self.model_runs()
        except AuthError as error:
            raise AuthError(f"{error}; sending needs the role of an editor or admin", status=error.status) from None

    def packet_route(self) -> tuple[Answered, float | None]:
        """What the packet call answers to a body that is no packet, and how many packets a second it announces.

        Nothing happens on the server: REFUSED is the answer of one that takes packets there, NOT_ALLOWED that of a key
        that may not send any, WRONG_PATH that of a server that has the call elsewhere.
        """
        answer = self._wire.tried(Call(method="POST", path=self._packet_path, body=b"", changes=True))
        limit = number(answer.headers.get("X-RateLimit-Limit"))
        return meaning(answer.status, answer.headers, answer.body), limit

    def attribute_groups(self, schema_id: int) -> list[AttributeGroup]:
        """The attributes of a schema, with their options."""
        body = {"schema_id": schema_id, "mode": "from_project"}
        path = "/api/v1/project/{}/attribute/template/list"
        return self._read("POST", path, frames.AttributeGroups, body).attribute_group_list or []

    def create_attribute_group(self, name: str, kind: str, *, schema_id: int, label_ids: Collection[int]) -> None:
        """Make an attribute that boxes of these labels can have. Not idempotent: look before, and look it up after."""
        path = "/api/v1/project/{}/attribute/group"
        before = {group.id for group in self.attribute_groups(schema_id)}
        self._change(f"{path}/new", {"schema_id": schema_id}, dict[str, Any])
        made = [group.id for group in self.attribute_groups(schema_id) if group.id not in before]
        change = {
            "group_id": max(made, default=0),
            "mode": "UPDATE",
            "name": name,
            "prompt": name,
            "kind": kind,
            "is_global": False,
            "label_file_list": [{"id": label_id} for label_id in label_ids],
            "global_type": "file",
            "is_read_only": False,
        }
        self._change(f"{path}/update", change, dict[str, Any])

    def create_attribute_option(self, group_id: int, name: str) -> None:
        """Make one more choice of an attribute. Not idempotent: look before, and look it up after."""
        option = {"group_id": group_id, "name": name, "value_type": None, "display_order": 0}
        self._change("/api/v1/project/{}/attribute", {"attribute": option, "mode": "NEW"}, dict[str, Any])

    def new_batch(self) -> int:
        """Make an input batch, by which packets are found again."""
        return self._change("/api/v1/project/{}/input-batch/new", {}, frames.NewBatch).input_batch.id

    def send_packet(self, body: bytes) -> None:
        """Send a packet. A return means that it is queued, nothing more: boxes are checked later.

        Raises:
            Refused: the server turned it down, and nothing has happened.
            Unsure: it may or may not be queued.
        """
        call = Call(method="POST", path=self._packet_path, body=body, changes=True, pacer=self._pacer)
        log = self._wire.ask(call, frames.Queued).log
        if log and log.success is False:
            said = scrubbed(flat(log.error), self.server)
            message = short(said) or f"{self.server.host} reports that the packet failed"
            raise Refused(message, status=200, detail=said)

    def upload(self, name: str, data: IO[bytes] | bytes, fields: bytes) -> UploadAnswer:
        """Upload an image with its boxes, read while it is sent; the answer comes when everything is done.

        A failed input, with its image or without, and a name that is taken already are answers, not errors.

        Args:
            name: the file's name; it is sent as the server would change it anyway, see `names.server_name`.
            data: the image; a file is sent from its present position on.
            fields: the JSON of the `json` part: directory_id, instance_list.

        Raises:
            Refused: the server turned it down without a record of it.
            Unsure: the image may or may not be there.
            DiffgramError: `data` cannot be read, or became shorter meanwhile; nothing has happened on the server.
        """
        path = f"/api/walrus/v1/project/{self._project}/input/from_local"
        body = Multipart(server_name(name), data, fields)
        return self._wire.ask(Call(method="POST", path=path, body=body, changes=True, also=(400,)), UploadAnswer)

    def inputs(
        self,
        *,
        batch_id: int | None = None,
        file_id: int | None = None,
        limit: int = LIST_LIMIT,
        status: str = "All",
        since: str | None = None,
        before: str | None = None,
    ) -> list[InputRecord]:
        """What the server knows of packets, the newest first, at most 1000: it has no further pages.

        Args:
            batch_id: only those of one batch.
            file_id: only those of one file.
            limit: how many at most; `NO_LIMIT` gives all of them, however long that takes.
            status: 'All', 'Processing' (what has not ended), 'Success' or 'Failed'.
            since: only those made from the beginning of this day on, 'YYYY-MM-DD'.
            before: only those made before this day begins.
        """
        wanted = {"limit": limit, "batch_id": batch_id, "file_id": file_id, "status_filter": status}
        wanted |= {"date_from": since, "date_to": before}
        body = {name: value for name, value in wanted.items() if value is not None}
        return self._read("POST", "/api/walrus/v1/project/{}/input/view/list", frames.Inputs, body).input_list

    def unfinished(self, *, file_id: int | None = None) -> list[InputRecord]:
        """What the server has not ended, of the project or of one file, whoever sent it; the newest first.

        At most 1000: where there are as many, older ones may be left out.
        """
        return self.inputs(file_id=file_id, status="Processing")

    def input(self, input_id: int) -> InputRecord:
        """What the server knows of one packet or upload; an id that is not there is answered with status 500."""
        return self._read("POST", f"/api/walrus/v1/project/{{}}/input/view/{input_id}", frames.Viewed, {}).input

    def _read(self, method: Literal["GET", "POST"], path: str, wanted: type[T], body: object = None) -> T:
        encoded = None if body is None else msgspec.json.encode(body)
        return self._wire.ask(Call(method=method, path=path.format(self._project), body=encoded), wanted)

    def _change(self, path: str, body: object, wanted: type[T]) -> T:
        encoded = msgspec.json.encode(body)
        call = Call(method="POST", path=path.format(self._project), body=encoded, changes=True)
        return self._wire.ask(call, wanted)


def _id(file: LabelFile) -> int:
    return file.id


def _listed(directories: list[Directory]) -> str:
    shown = [f"{d.nickname or '(no name)'} (id {d.id})" for d in directories[:SHOWN]]
    more = [f"and {len(directories) - SHOWN} more"] if len(directories) > SHOWN else []
    return ", ".join(shown + more) or "none"


def _named(member: dict[str, Any]) -> str:
    """What a member is called: the first and last name, else the user name; addresses are not shown.

    A user who has chosen no name has a number for one, which says less than that of the member.
    """
    whole = " ".join(str(member[key]) for key in ("first_name", "last_name") if member.get(key))
    name = str(member.get("username") or "")
    return whole or ("" if name.isdigit() else name)
