"""A plan as a file: every packet of a dry run, to be looked at, and carried out later just as it is."""

from __future__ import annotations

import os
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from boxferry.boxes.notebook import plain_table
from boxferry.errors import InputError, UsageError
from boxferry.formats import output_stream
from boxferry.outbox.entry import Entry
from boxferry.outbox.kinds import Via
from boxferry.packets.contents import frames_in, with_boxes
from boxferry.plan.plan_check import check_entry, check_labels, check_texts
from boxferry.plan.target import models_in, models_text
from boxferry.remote.ahead import forget
from boxferry.remote.path import lies_below
from boxferry.remote.urls import is_url, remembered
from boxferry.stored.before import was_complete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

VERSION = 1
SHOWN = 10  #: files that a notebook lists
SIGNED = re.compile(r"(^|&)[^=&]*(sig|token|key|credential|secret|password|expires|policy|auth)[^=&]*=", re.IGNORECASE)


class PlanHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is for.

    Attributes:
        boxferry_plan: the version of the file's format.
        host, project, directory_id: where the packets go.
        model, run: the boxes' model and run.
    """

    boxferry_plan: int = VERSION
    host: str
    project: str
    directory_id: int
    model: str
    run: str


class PlanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at a plan's end.

    Attributes:
        files, boxes: how many packets there are, and boxes in them.
        schema_id: the labels schema.
        create_labels: labels that are made first, name → the number that stands for its id in the packets.
        deletes: file name → how many boxes of people its packet deletes.
        completed: name of a file that people have completed → how many of its boxes go.
        dropped: reason → how many boxes are left out.
        classes: the class ids of the source with their names, in their order.
    """

    files: int
    boxes: int
    schema_id: int = 0
    create_labels: dict[str, int] = {}
    deletes: dict[str, int] = {}
    completed: dict[str, int] = {}
    dropped: dict[str, int] = {}
    classes: list[tuple[int | str, str]] = []


class _File(msgspec.Struct, frozen=True, kw_only=True):
    file_name: str
    file_id: int | None = None
    route: str
    mode: str
    media: str = ""
    boxes: int
    packet: msgspec.Raw
    width: int = 0
    height: int = 0
    mark: str = ""
    removes: int = 0
    image: str = ""
    replaces: list[str] = []
    completed: bool = False


class _Plan(PlanHead, frozen=True, kw_only=True):
    files: list[_File]
    summary: PlanSummary


_decoder = msgspec.json.Decoder(_Plan)
#: what a file of a plan has as the outbox's entry has it
_COMMON = [name for name in _File.__struct_fields__ if name not in {"packet", "replaces", "completed"}]


class Plan(msgspec.Struct, frozen=True):
    """A plan that was read.

    Attributes:
        head: what it is for.
        summary: what it comes to.
        entries: its packets.
    """

    head: PlanHead
    summary: PlanSummary
    entries: list[Entry]

    def _repr_html_(self) -> str:
        """What it comes to, and its first files, for a notebook."""
        head, summary = self.head, self.summary
        what = f"Plan of run {head.run} of {head.model or 'annotations'}: {summary.files} files, {summary.boxes} boxes"
        where = f"to directory {head.directory_id} of project {head.project} on {head.host}"
        counts = [*summary.dropped.items(), *((f"new label {name}", "") for name in summary.create_labels)]
        counts += [(f"deletes boxes of people on {name}", boxes) for name, boxes in summary.deletes.items()]
        files = [(each.file_name, each.route, each.mode, each.boxes) for each in self.entries[:SHOWN]]
        more = f"<p>The first {SHOWN} of {len(self.entries)} files.</p>" if len(self.entries) > SHOWN else ""
        listed = plain_table(("file", "route", "mode", "boxes"), files) + more
        return f"<p>{escape(f'{what}, {where}')}</p>" + (plain_table(("", "boxes"), counts) if counts else "") + listed


class Counts:
    """What the packets of a plan come to.

    Attributes:
        files, boxes: how many packets there are, and boxes in them.
        deletes: of each file, how many boxes of people its packet deletes.
        completed: of each file that people have completed, how many of its boxes go.
    """

    def __init__(self) -> None:
        self.files = self.boxes = 0
        self.deletes: dict[str, int] = {}
        self.completed: dict[str, int] = {}

    def count(self, entry: Entry) -> None:
        """Add a packet."""
        self.files, self.boxes = self.files + 1, self.boxes + entry.boxes
        if entry.deletes:
            self.deletes[entry.file_name] = entry.deletes
        if entry.removes and was_complete(entry.before):
            self.completed[entry.file_name] = entry.removes


def writing_plan(
    path: str | os.PathLike[str], head: PlanHead, entries: Iterable[Entry], summary: Callable[[Counts], PlanSummary]
) -> Iterator[Entry]:
    """The entries, each written as it passes; at their end the file gets its name.

    Args:
        path: the file.
        head: what the plan is for.
        entries: its packets.
        summary: gives what stands at its end, from what its packets come to.
    """
    counts = Counts()
    with output_stream(Path(path), private=True) as stream:
        stream.write(msgspec.json.encode(head)[:-1] + b',"files":[')
        for entry in entries:
            stream.write((b",\n" if counts.files else b"\n") + msgspec.json.encode(_filed(entry)))
            counts.count(entry)
            yield entry
        stream.write(b'\n],"summary":' + msgspec.json.encode(summary(counts)) + b"}\n")


def _filed(entry: Entry) -> _File:
    """An entry as the file has it.

    Raises:
        UsageError: its URL is signed: who has the file could fetch the media.
    """
    if entry.route == Via.URL and SIGNED.search(urlsplit(entry.media).query):
        address = entry.media.partition("?")[0]
        raise UsageError(
            f"a plan cannot contain signed URLs ({address}?…): push without a plan, or use URLs without a key"
        )
    return _File(
        **{name: getattr(entry, name) for name in _COMMON},
        packet=msgspec.Raw(entry.body),
        replaces=models_in(entry.replaces),
        completed=was_complete(entry.before),
    )


def read_plan(path: str | os.PathLike[str], *, images: str | os.PathLike[str] | None = None) -> Plan:
    """A plan out of its file.

    Args:
        path: the file.
        images: the folder that its uploads come from, or its URL; the plan's own folder where none is named. A plan
            can have been written by anyone: what lies elsewhere is not uploaded, whatever the plan says.

    Raises:
        InputError: it cannot be read, or is no plan.
    """
    try:
        found = _decoder.decode(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a plan of 'boxferry push --plan': {error}") from None
    if found.boxferry_plan != VERSION:
        raise InputError(f"{path}: a plan of format {found.boxferry_plan}, expected {VERSION}")
    head = PlanHead(**{name: getattr(found, name) for name in PlanHead.__struct_fields__})
    entries = [_entry(file) for file in found.files]
    _check(str(path), head, found.summary, entries)
    forget(images)
    folder = remembered(os.fspath(images)) if images else os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    _check_media(str(path), folder, entries)
    return Plan(head, found.summary, entries)


def _check(path: str, head: PlanHead, summary: PlanSummary, entries: list[Entry]) -> None:
    """See that a plan holds nothing that a push would not have sent; it can have been written by anyone."""
    check_texts(path, model=head.model, run=head.run)
    check_labels(summary.create_labels, path)
    for name in {name for entry in entries for name in models_in(entry.replaces)}:
        check_texts(path, model=name, run=head.run)
    for index, entry in enumerate(entries):
        check_entry(entry, head.directory_id, f"{path}: files[{index}] ({entry.file_name})")


def _check_media(path: str, folder: str, entries: list[Entry]) -> None:
    """See that every upload comes from below a folder.

    Raises:
        InputError: one does not; the message names it.
    """
    above = folder if is_url(folder) else os.path.abspath(folder)  # noqa: PTH100 # links stay as they are named
    for index, entry in enumerate(entries):
        if entry.route == Via.UPLOAD and not lies_below(entry.media, above):
            where = f"{path}: files[{index}] ({entry.file_name})"
            raise InputError(f"{where}: media '{entry.media}' is not below {above}: name its folder with --images")


def _entry(file: _File) -> Entry:
    common = {name: getattr(file, name) for name in _COMMON}
    return Entry(**common, body=bytes(file.packet), replaces=models_text(file.replaces))


def with_label_ids(entries: Iterable[Entry], ids: Mapping[int, int]) -> list[Entry]:
    """The packets with label ids in place of the numbers that stand for them."""
    return [msgspec.structs.replace(entry, body=_relabelled(entry.body, ids)) if ids else entry for entry in entries]


def _relabelled(body: bytes, ids: Mapping[int, int]) -> bytes:
    frames = {
        frame: [box.labelled(ids.get(box.label_id or 0, box.label_id)) for box in boxes]
        for frame, boxes in frames_in(body).items()
    }
    return with_boxes(body, frames)
