"""Takes the boxes of retired runs off their files: what stays is read, sent in their place, and looked at after it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from boxferry.deliver.lookup import NEWEST
from boxferry.deliver.sender import BATCH_SIZE
from boxferry.destination import Bulk, short
from boxferry.errors import Refused, Unsure
from boxferry.outbox.outcome import input_outcome, was_applied
from boxferry.packets.bodies import with_batch
from boxferry.packets.contents import appending, replacing
from boxferry.packets.reference import is_ours, origin
from boxferry.packets.rows import identities, identity
from boxferry.plan.updates import cleared
from boxferry.stored.claims import Claims, divided
from boxferry.stored.removals import as_sent, noted
from boxferry.upkeep.retire import RetiredFile, judged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from boxferry.deliver.budget import Budget
    from boxferry.destination import Client, InputRecord
    from boxferry.packets.rows import Row


FIRST_S, LONGEST_S = 0.05, 2.0  #: seconds before the server is asked again; they double each time
BUSY = "another change is being applied to it; try again later"
LATE = "the server has not applied it in time; try again later"


@dataclass(frozen=True, slots=True)
class Job:
    """One file.

    Attributes:
        file: what was found before.
        origins: what the references of the runs that go begin with on it.
        inputs: what was sent to it, as it was read before.
    """

    file: RetiredFile
    origins: Collection[str]
    inputs: list[InputRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A packet that is on its way: the file, what went, what was to stay, and the inputs that were known before."""

    job: Job
    file: RetiredFile
    go: list[Row]
    stay: list[Row]
    known: set[int | None]


class Removal:
    """Carries jobs out, some at once; safe to repeat."""

    def __init__(self, client: Client, directory_id: int, budget: Budget) -> None:
        """Prepare; nothing is asked yet."""
        self._client, self._directory_id, self._budget = client, directory_id, budget
        self._bulk = Bulk(client, directory_id)

    def files(self, jobs: list[Job]) -> Iterator[RetiredFile]:
        """What was done of each.

        Raises:
            DiffgramError: the server cannot be asked; what was sent by then is on its way.
        """
        for start in range(0, len(jobs), BATCH_SIZE):
            yield from self._batch(jobs[start : start + BATCH_SIZE])

    def _batch(self, jobs: list[Job]) -> Iterator[RetiredFile]:
        batch_id = self._client.new_batch()
        begun = list(self._bulk.each(partial(self._begun, jobs, batch_id), range(len(jobs))))
        sent = [each for each in begun if isinstance(each, _Sent)]
        yield from (each for each in begun if isinstance(each, RetiredFile))
        late = self._late(batch_id) if sent else set()
        yield from self._bulk.each(partial(self._ended, sent, batch_id, late), range(len(sent)))

    def _begun(self, jobs: list[Job], batch_id: int, number: int) -> _Sent | RetiredFile:
        try:
            return self._send(jobs[number], batch_id)
        except Refused as error:
            return dataclasses.replace(jobs[number].file, problem=short(str(error)))

    def _send(self, job: Job, batch_id: int) -> _Sent | RetiredFile:
        """Read a file as it is now, and send what is to stay; the file's state where nothing is to be sent."""
        inputs = self._settled(job)
        if inputs is None:
            return dataclasses.replace(job.file, problem=BUSY, later=True)
        listed = self._client.annotated(job.file.file_id, directory_id=self._directory_id)
        whole = [*job.inputs, *(each for each in reversed(inputs) if each.id not in {old.id for old in job.inputs})]
        now = judged(listed, listed.rows, whole, job.origins)
        if now is None or now.problem or not now.removed:
            return dataclasses.replace(now or dataclasses.replace(job.file, removed=0), directory_id=self._directory_id)
        parts = divided(listed.rows, Claims(whole), job.origins)
        body = self._body(job.file.file_id, parts.go, parts.stay, changed=listed.changed)
        with suppress(Unsure):  # whether it has arrived is seen afterwards
            self._client.send_packet(with_batch(body, batch_id))
        now = dataclasses.replace(now, directory_id=self._directory_id)
        return _Sent(job, now, parts.go, parts.stay, {each.id for each in inputs})

    def _settled(self, job: Job) -> list[InputRecord] | None:
        """The newest inputs of a file, once all of them have ended; None where that takes too long."""
        for pause in _pauses():
            inputs = self._client.inputs(file_id=job.file.file_id, limit=NEWEST)
            if all(input_outcome(each) is not None for each in inputs):
                return inputs
            if not self._budget.pause(pause):
                break
        return None

    def _body(self, file_id: int, go: list[Row], stay: list[Row], *, changed: float) -> bytes:
        kept = [row.filled for row in stay]
        listed = noted(kept or cleared(go), [*stay, *go], changed=changed, read=self._client.now())
        return replacing(file_id, self._directory_id, listed)

    def _late(self, batch_id: int) -> set[int | None]:
        """Wait for the packets of a batch; gives the files of those that are not done when the time is over."""
        left: set[int | None] = set()
        for pause in _pauses():
            left = {each.file_id for each in self._client.inputs(batch_id=batch_id) if input_outcome(each) is None}
            if not left or not self._budget.pause(pause):
                break
        return left

    def _ended(self, sent: list[_Sent], batch_id: int, late: set[int | None], number: int) -> RetiredFile:
        """What a packet did, as the file shows it now."""
        each = sent[number]
        if each.file.file_id in late:
            return dataclasses.replace(each.file, problem=LATE, later=True)
        inputs = self._client.inputs(file_id=each.file.file_id, limit=NEWEST)
        file = self._client.annotated(each.file.file_id, directory_id=self._directory_id)
        rows = file.rows
        meanwhile = [i for i in inputs if i.id not in each.known and i.batch_id != batch_id]
        problems = [
            "completed by people in the meantime: check the file" if file.ann_is_complete else "",
            _left(each, rows),
            _lost(each, rows),
            self._brought_back(each, rows, meanwhile),
        ]
        return dataclasses.replace(each.file, problem="; ".join(filter(None, problems)))

    def _brought_back(self, each: _Sent, rows: list[Row], meanwhile: list[InputRecord]) -> str:
        """Send again what other senders' packets brought in between, and the replacement took away."""
        there = {row.reference for row in rows}
        gone = [
            as_sent(box)
            for record in meanwhile
            if was_applied(record)
            for box in record.boxes
            if is_ours(ref := box.reference) and box.id is None and ref not in there
        ]
        alike, own = identities(rows), each.job.origins
        gone = [box for box in gone if identity(box) not in alike and origin(box.reference) not in own]
        if not gone:
            return ""
        self._client.send_packet(appending(each.file.file_id, {None: gone}))
        return f"{len(gone)} boxes added in the meantime were removed with them, and sent again"


def _left(each: _Sent, rows: list[Row]) -> str:
    there = {row.id for row in rows}
    left = sum(row.id in there for row in each.go)
    return f"{left} of {len(each.go)} boxes are still there" if left else ""


def _pauses() -> Iterator[float]:
    pause = FIRST_S
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_S)


def _lost(each: _Sent, rows: list[Row]) -> str:
    """Whether what was to stay is not there as it was: a person has saved the file in between."""
    there = {row.id for row in rows}
    there |= {number for row in rows if not row.came_back for number in row.chain}
    merged = {key for key, count in Counter(map(identity, each.stay)).items() if count > 1} & identities(rows)
    lost = sum(row.id not in there and identity(row) not in merged for row in each.stay)
    return f"{lost} of {len(each.stay)} boxes that should have stayed have changed: check the file" if lost else ""
