"""What the server can tell of a packet: its records of inputs, the files of the directory, and the boxes on them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from boxferry.deliver.records import Records, ended
from boxferry.destination import FEW, moment, reason_of
from boxferry.errors import NotFound, Refused
from boxferry.outbox.kinds import Mode, Via
from boxferry.outbox.outcome import Outcome, State, input_outcome
from boxferry.packets.contents import boxes_in, is_of_video, references_in
from boxferry.packets.reference import origin
from boxferry.packets.rows import identities
from boxferry.plan.patience import SETTLE_S
from boxferry.plan.server_size import factor
from boxferry.plan.target import SkipReason, models_in
from boxferry.plan.updates import leaving_out, only_missing, replacing
from boxferry.stored.before import Before, decoded, replaced
from boxferry.stored.claims import Claims
from boxferry.stored.removals import taken_away
from boxferry.stored.superseded import brought, last_with, planned_at, sent_since, superseded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from boxferry.deliver.blockers import Blockers
    from boxferry.deliver.stalls import Stalls
    from boxferry.destination import Client, InputRecord
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.stored.ownership import Rows
    from boxferry.stored.stored_boxes import StoredBoxes

_EXISTING = re.compile(r"Existing ID is:\s*(\d+)")
SUPERSEDED = "not sent: a newer push has replaced these boxes since they were planned"
BUSY = "another sender's packet for the file is still being applied, and would be replaced: push again later"
NEWEST = 50  #: inputs that are looked at to see whether the server gets on, or what came onto a file of late
APPLYING_S = 10.0  #: how long after its input a packet may go on changing its file
LOOKED_BACK_S = 2.0  #: how much earlier than a packet its record may seem to be: the clock has whole seconds


class UnderWay(NamedTuple):
    """What inputs have brought, or will bring, onto a file.

    Attributes:
        references: of the boxes of those that have not ended.
        working: one of those, or None.
        ended: whether an input that carries some of the boxes has ended: what is stored of it shows on the file.
    """

    references: set[str]
    working: InputRecord | None
    ended: bool


class Replacement(NamedTuple):
    """A replacing packet as it is about to go out.

    Attributes:
        body: its JSON with the boxes that stay, read now; None where nothing would be in it.
        before: what its file is like.
    """

    body: bytes | None
    before: Before


@dataclass(eq=False)
class Lookup:
    """Asks the server about the packets of one run; changes nothing there.

    Attributes:
        old: the numbers of packets that an earlier command left: others may have come in their place since.
        blockers: what other senders have on its way to a file, and which inputs will never be applied.
        changed: file id → why it does not stand any more for the file that packets were made for.
        stood: file id → when it had last been changed as `stored` read it, by the server's clock; 0 where unknown.
        client: asks the server.
        outbox: has the packets.
        run: whose packets they are.
        stored_boxes: reads the boxes of files.
        settle_s: seconds after which what has left no trace never will.
    """

    client: Client
    outbox: Outbox
    run: Run
    stored_boxes: StoredBoxes
    blockers: Blockers
    _: KW_ONLY
    settle_s: float = SETTLE_S
    old: set[int] = field(default_factory=set, init=False)
    changed: dict[int, str] = field(default_factory=dict, init=False)
    stood: dict[int, float] = field(default_factory=dict, init=False)

    def now(self) -> float:
        """The time by the server's clock."""
        return self.client.now()

    def settled(self, entry: Entry) -> bool:
        """Whether what a packet has left no trace of on the server, it never will leave a trace of."""
        sent = min(entry.sent, self.now())
        arrived = max(sent, self.client.back(sent))
        return bool(entry.over) or self.now() >= arrived + self.settle_s

    def unless_early(self, entry: Entry, reason: str) -> Outcome | None:
        """That the outcome is unknown, for a packet that the server ought to know by now; else None."""
        return Outcome(State.UNSURE, reason) if self.settled(entry) else None

    def unfinished(self) -> list[InputRecord]:
        """Everything of the project that has not ended, whoever sent it; the newest 1000."""
        return self.client.inputs(status="Processing")

    def newest(self) -> list[InputRecord]:
        """The newest inputs of the project, ended or not."""
        return self.client.inputs(limit=NEWEST)

    def records(self, batch_id: int) -> Records:
        """The server's records of one batch."""
        return Records(self.client.inputs(batch_id=batch_id), self._wanted, self._whole)

    def records_of(
        self, entries: list[Entry], batch_id: int, stalls: Stalls
    ) -> Iterator[tuple[Entry, InputRecord | None]]:
        """The record of each packet of one batch; those without a batch are asked for singly."""
        if not batch_id:
            for entry in entries:
                record = None if entry.input_id is None else self.client.input(entry.input_id)
                stalls.see([record] if record else [])
                yield entry, record
            return
        found = self.records(batch_id)
        stalls.see(found.all)
        for entry in entries:
            record = found.of(entry)
            if record is None and entry.input_id is not None:
                record = self.client.input(entry.input_id)
                stalls.see([record])
            yield entry, record

    def _whole(self, record: InputRecord) -> InputRecord:
        """A record with the boxes of its frames, which lists leave out."""
        return record if record.id is None else self.client.input(record.id)

    def file_named(self, name: str) -> int | None:
        """The id of the directory's file of this name, removed ones left out; the oldest where there are several."""
        found = self._files_named(name)
        return min(found) if found else None

    def _files_named(self, name: str) -> list[int]:
        return [
            file.id
            for file in self.client.files(self.run.directory_id, search=name)
            if file.original_filename == name and not file.removed
        ]

    def namesakes(self, names: Collection[str]) -> dict[str, list[int]]:
        """The ids of the directory's files of each of these names, the oldest first; removed files are left out."""
        if len(names) <= FEW:
            return {name: sorted(self._files_named(name)) for name in names}
        found: dict[str, list[int]] = {name: [] for name in names}
        for file in self.client.files(self.run.directory_id):
            if file.original_filename in found and not file.removed:
                found[file.original_filename].append(file.id)
        return {name: sorted(ids) for name, ids in found.items()}

    def missing(self, entry: Entry, file_id: int) -> set[str]:
        """The references of a packet's boxes that a file does not hold."""
        body = self.outbox.body(entry.id)
        return references_in(body) - set(self.stored_boxes.references(file_id, video=is_of_video(body)))

    def stored(self, files: Mapping[int, bool]) -> dict[int, Counter[str]]:
        """The references that files hold, each with how often; `files`: file id → whether it is a video."""
        self.stored_boxes.load([file_id for file_id, video in files.items() if not video])
        found = {file_id: self._references(file_id, video=video) for file_id, video in files.items()}
        for file_id in files:
            self.stood[file_id] = self.last_changed(file_id)
            self.stored_boxes.forget(file_id)
        return found

    def _references(self, file_id: int, *, video: bool) -> Counter[str]:
        try:
            return self.stored_boxes.references(file_id, video=video)
        except (NotFound, Refused):  # the file is gone: a person removed it for good, or the server was restored
            return Counter()

    def own_records(self, entry: Entry, file_id: int) -> list[InputRecord]:
        """The records of a file that carried boxes of this packet."""
        wanted = self._wanted(entry)
        return [record for record in self.client.inputs(file_id=file_id) if wanted & record.references]

    def under_way(self, file_id: int, wanted: Collection[str]) -> UnderWay:
        """What the newest inputs of a file carry of some boxes, whoever sent them; older ones were seen in planning."""
        found: set[str] = set()
        working, over = None, False
        records = self.client.inputs(file_id=file_id, limit=NEWEST)
        origins = {origin(reference) for reference in wanted} if records else ()
        for record in records:  # those of other runs are many, and need no decoding
            if record.id in self.blockers.dead or not record.may_name(origins):
                continue
            if not (carried := record.references & set(wanted)):
                continue
            if input_outcome(record) is None:
                working = record
                found |= carried
            else:
                over = True
        return UnderWay(found, working, over)

    def failed_upload(self, entry: Entry) -> Outcome | None:
        """The refusal of an upload that the server could not open: such an input stays, without a file."""
        for record in self.client.inputs(status="Failed", limit=100):
            early = record.created is not None and record.created < entry.sent - LOOKED_BACK_S
            outcome = input_outcome(record)
            if record.original_filename == entry.file_name and record.file_id is None and not early and outcome:
                return outcome
        return None

    def clash(self, entry: Entry, outcome: Outcome) -> Outcome:
        """A refusal because the name is taken, looked into: it may be taken by this very run.

        Where the file holds all of the packet's boxes, it is done. Where it holds some of this run, the missing ones
        are to be appended. Without boxes it is done where the picture's size is the same. Else it is another picture.
        """
        match = _EXISTING.search(outcome.reason)
        if outcome.state != State.REFUSED or match is None:
            return outcome
        return self.taken(entry, int(match[1]), otherwise=outcome)

    def taken(self, entry: Entry, file_id: int, *, otherwise: Outcome) -> Outcome:
        """What is to be done with a new file's packet whose name a file has already; see `clash`."""
        if problem := self.other_picture(entry, file_id):
            return otherwise._replace(reason=f"{otherwise.reason}; {problem}" if otherwise.reason else problem)
        wanted = self._wanted(entry)
        missing = self.missing(entry, file_id)
        if not missing:
            return Outcome(State.APPLIED, "", otherwise.input_id, file_id)
        references = self.stored_boxes.references(file_id)
        origins = {origin(reference) for reference in references}
        if entry.route == Via.UPLOAD and entry.attempts < 2 and (not references or wanted & references.keys()):
            return Outcome(State.UNSURE, "another sender may be making the file at this moment", None, file_id)
        records = self.own_records(entry, file_id)
        if not {origin(reference) for reference in wanted} & origins and not records:
            return otherwise
        if not (left := missing - brought(records)):  # people have deleted the others
            return Outcome(State.APPLIED, "", otherwise.input_id, file_id)
        return self.append_rest(entry, file_id, left, input_id=otherwise.input_id)

    def already(self, entry: Entry) -> Outcome | None:
        """What makes it needless to send a packet, asked just before it goes out; None where it is to be sent as it is.

        Another machine, or an earlier outbox, may have sent the same: what inputs have brought onto the file, or are
        about to, is not sent again. A new file's name may be taken by now; an id may be another file's.
        """
        if entry.file_id is not None and (problem := self._obstacle(entry, entry.file_id)):
            return Outcome(State.REFUSED, problem)
        if entry.mode == Mode.REPLACE_OWN and entry.file_id is not None:
            return self._overtaken(entry, entry.file_id)
        if entry.mode == Mode.APPEND and entry.file_id is not None:
            return self._without_gone(entry, entry.file_id) or self._already_on(entry, entry.file_id)
        if entry.mode != Mode.NEW or (file_id := self.file_named(entry.file_name)) is None:
            return None
        reason = f"a file '{entry.file_name}' (id {file_id}) is in the directory already"
        if problem := self._obstacle(entry, file_id):
            return Outcome(State.REFUSED, problem, None, file_id)
        taken = Outcome(State.REFUSED, reason)
        return self._without_gone(entry, file_id) or self.taken(entry, file_id, otherwise=taken)

    def _obstacle(self, entry: Entry, file_id: int) -> str:
        """Why a packet must not go onto a file; empty where it may."""
        if entry.route == Via.EXISTING and file_id in self.changed:
            return self.changed[file_id]
        if entry.replaces and self.blockers.busy(file_id):
            return BUSY
        return SUPERSEDED if self._superseded(entry, file_id) else ""

    def _superseded(self, entry: Entry, file_id: int) -> bool:
        """Whether a packet that waited has no box on the file, and a newer push has come in its place since."""
        planned, wanted = planned_at(entry), self._wanted(entry)
        if entry.id not in self.old or planned is None or not wanted or entry.mode == Mode.REPLACE_OWN:
            return False
        newest = self.client.inputs(file_id=file_id, limit=NEWEST)
        return superseded(newest, wanted, self.run.model, planned) and wanted == self.missing(entry, file_id)

    def _overtaken(self, entry: Entry, file_id: int) -> Outcome | None:
        """The end of a packet that replaces its model's boxes, where it is not to be sent; else None.

        A newer push has come in its place; or another machine, with a copy of this outbox, has sent it: before that
        push, or since it was planned here, whatever people have deleted of it by now. Whether its boxes are there
        tells nothing of a newer push: equal ones of that keep its references.
        """
        planned, wanted = planned_at(entry), self._wanted(entry)
        if entry.id not in self.old or planned is None:
            return None
        newest = self.client.inputs(file_id=file_id, limit=NEWEST)
        own = last_with(newest, wanted)
        later = [record for record in newest if (record.id or 0) > own]
        newer = superseded(later, wanted, self.run.model, planned)
        if (newer and (own or not wanted)) or (own and self._all_there(entry, file_id)):
            return Outcome(State.APPLIED, "", own or None, file_id)
        if wanted and (own := sent_since(self._others(entry, newest), wanted, planned.since)):
            return Outcome(State.APPLIED, "", own or None, file_id)
        return Outcome(State.REFUSED, SUPERSEDED) if newer else None

    def _others(self, entry: Entry, records: Iterable[InputRecord]) -> list[InputRecord]:
        """The inputs that are certain to be another sender's: not of the batch of a packet that was tried before."""
        return [each for each in records if entry.attempts <= 1 or each.batch_id != (entry.batch_id or 0)]

    def _all_there(self, entry: Entry, file_id: int) -> bool:
        """Whether a file holds each box of a packet, or an equal one."""
        rows = self.stored_boxes.rows(file_id)
        there, alike = {row.reference for row in rows}, identities(rows)
        boxes = boxes_in(self.outbox.body(entry.id))
        return all(box.reference in there or identities([box]) <= alike for box in boxes)

    def _without_gone(self, entry: Entry, file_id: int) -> Outcome | None:
        """Leave out of a packet that waited what another sender brought and is not there any more.

        People have deleted it. None where there is no such box; else the packet waits once more with the others, or has
        ended where none is left. Of one that was tried before, and appends what an input has lost, it cannot be told
        whose input that was: all of it is sent; `taken` sees to one that was to make the file.
        """
        tried = entry.attempts > 1
        if entry.id not in self.old or (tried and (entry.mode == Mode.NEW or not entry.before)) or not entry.boxes:
            return None
        newest = self.client.inputs(file_id=file_id, limit=NEWEST)
        gone = brought(self._others(entry, newest)) & self.missing(entry, file_id)
        if not gone or (entry.mode == Mode.NEW and self.other_picture(entry, file_id)):
            return None
        left = self.missing(entry, file_id) - gone
        if entry.mode == Mode.NEW and left:  # by what is left alone it could not be told that the file is this one's
            return self.append_rest(entry, file_id, left)
        body, boxes = leaving_out(self.outbox.body(entry.id), gone)
        self.outbox.shorten(entry.id, body, boxes)
        return Outcome(State.QUEUED if boxes else State.APPLIED, "", None, file_id)

    def _already_on(self, entry: Entry, file_id: int) -> Outcome | None:
        wanted = references_in(entry.body)
        there = self.under_way(file_id, wanted)
        found = there.references | (wanted - self.missing(entry, file_id) if there.ended else set())
        if not found:
            return None
        if left := wanted - found:
            return self.append_rest(entry, file_id, left)
        if there.working is not None:
            return Outcome(State.ACCEPTED, "", there.working.id, file_id)
        return Outcome(State.APPLIED, "", None, file_id)

    def taken_since(self, file_id: int) -> set[str]:
        """The references of boxes that later pushes took off a file, as their packets tell: those were not lost."""
        records = self.client.inputs(file_id=file_id, limit=NEWEST)
        return set().union(*(taken_away(record.boxes) or () for record in records if record.replaces))

    def append_rest(self, entry: Entry, file_id: int, missing: set[str], *, input_id: int | None = None) -> Outcome:
        """Turn a packet into one that appends the boxes that are missing; it is queued."""
        self.outbox.append_instead(entry.id, *only_missing(self.outbox.body(entry.id), file_id, missing))
        return Outcome(State.QUEUED, "", input_id, file_id)

    def other_picture(self, entry: Entry, file_id: int) -> str:
        """Why a file cannot be the picture that a packet's boxes were made for; empty where it can."""
        if not (entry.width and entry.height):
            return ""
        found = factor((entry.width, entry.height), self.stored_boxes.view(file_id).size)
        return found.message if isinstance(found, SkipReason) else ""

    def replacement(self, entry: Entry) -> Replacement:
        """A replacing packet with the boxes that stay, read now."""
        file_id, body = entry.file_id or 0, self.outbox.body(entry.id)
        rows, read = self._rows(entry, file_id), self.now()
        stay = [] if entry.mode == Mode.REPLACE_ALL else rows.kept
        models = [self.run.model, *models_in(entry.replaces)] if entry.mode == Mode.REPLACE_OWN else []
        complete, changed = self.stored_boxes.complete(file_id), self.last_changed(file_id)
        clear = entry.mode == Mode.REPLACE_OWN
        planned = found.planned if (found := decoded(entry.before)) else 0.0
        whole = replacing(body, stay, rows.all, changed=changed, read=read, planned=planned, clear=clear, models=models)
        if whole is None:
            return Replacement(None, Before(complete=complete, changed=changed, at=read))
        new = [box for box in boxes_in(whole) if box.id is None]
        return Replacement(whole, replaced(rows.all, stay, new, complete=complete, changed=changed, at=read))

    def _rows(self, entry: Entry, file_id: int) -> Rows:
        """The boxes of a file; those of models that a packet replaces are among the run's own."""
        if not (replaces := models_in(entry.replaces)):
            rows = self.stored_boxes.sorted(file_id, file_name=entry.file_name, model=self.run.model)
            if entry.mode != Mode.REPLACE_OWN or not rows.predicted_elsewhere:
                return rows
        return self.stored_boxes.owned(
            file_id,
            file_name=entry.file_name,
            models=[self.run.model, *replaces],
            run=self.run.name,
            claims=Claims(reversed(self.client.inputs(file_id=file_id))),
        )

    def last_changed(self, file_id: int) -> float:
        """When a file had last been changed as it was last read, by the server's clock; 0 where unknown."""
        return moment(self.stored_boxes.changed_when_read(file_id)) or 0.0

    def compared(self, entry: Entry, record: InputRecord, outcome: Outcome) -> Outcome:
        """What a replacing packet came to, looked at: whether what was to stay and what was sent is there, and no more.

        A person who saves between the reading and the server's work is overwritten. Where that has happened, the rows
        that were sent back are not there any more as they were: the person's are gone, and what was sent has come back
        as new rows, 'undeleted'. The packet then bears a reason. Of a file that has changed since, as where the outcome
        was learned days later, nothing can be told.
        """
        rows = self.stored_boxes.rows(entry.file_id or 0)
        if record.written and self.last_changed(entry.file_id or 0) > record.written + APPLYING_S:
            return outcome
        there = {row.id for row in rows}
        there |= {number for row in rows if not row.came_back for number in row.chain}
        kept = [box.id for box in record.boxes if box.id is not None]
        if lost := [row_id for row_id in kept if row_id not in there]:
            found = f"{len(lost)} of {len(kept)} boxes that should have stayed have changed"
            return outcome._replace(reason=f"{found}: a person saved the file in the meantime; check the file")
        went = taken_away(record.boxes) or set()
        if left := sum(row.reference in went for row in rows):
            return outcome._replace(
                reason=f"the server reports success, but {left} boxes that should have been removed are still there"
            )
        came = [box for box in record.boxes if not box.comes_deleted]  # one that came deleted leaves none
        if gone := identities(came) - identities(rows):
            return outcome._replace(reason=f"the server reports success, but {len(gone)} boxes are not stored")
        return outcome

    def split(self, entry: Entry, record: InputRecord, outcome: Outcome) -> Outcome | None:
        """The end of a new file that the server calls done and names no id of: a long video, cut into clips.

        Each clip is an input of its own, outside the batch. None while they are being worked on, or not there yet.
        """
        if b'"type":"video"' not in self.outbox.body(entry.id):
            return outcome
        clips = [clip for clip in self.client.inputs() if clip.parent_input_id == record.id]
        if len(clips) < 2 or not ended(clips):
            return None
        if failed := [clip for clip in clips if clip.status == "failed"]:
            reasons = "; ".join(f"{clip.original_filename}: {reason_of(clip)[0]}" for clip in failed)
            return Outcome(State.REFUSED, f"{len(failed)} of {len(clips)} clips: {reasons}", record.id)
        return outcome

    def _wanted(self, entry: Entry) -> set[str]:
        return references_in(self.outbox.body(entry.id))
