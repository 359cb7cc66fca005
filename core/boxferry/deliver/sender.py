"""Sends what is queued in the outbox over several connections; each packet's state is written before and after."""

from __future__ import annotations

import threading
from contextvars import copy_context
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from boxferry.deliver.facts import packet_facts
from boxferry.destination import short
from boxferry.errors import AuthError, DiffgramError, NotFound, RateLimited, Refused, Unreachable, Unsure
from boxferry.observing.events import during
from boxferry.observing.names import Fact, Stage
from boxferry.outbox.kinds import REPLACING, Via
from boxferry.outbox.outcome import Outcome, State, input_outcome
from boxferry.packets.bodies import with_batch
from boxferry.plan.picture import changed_since, digest_of, digest_sent, opened
from boxferry.remote.urls import is_url
from boxferry.stored.before import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.deliver.backoff import Backoff
    from boxferry.deliver.lookup import Lookup
    from boxferry.destination import Client, UploadAnswer
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox

CLEARED = "nothing was removed: no box would be left, and the server does not accept an empty list"
COMPLETED = "the file was completed after this was planned: its boxes were kept; push again with replace-completed"
BATCH_SIZE = 200  #: packets in one input batch: a list of a batch carries every box back, and cannot be paged


@dataclass(eq=False)
class Sender:
    """Carries the queued packets of one run to the server.

    A refused packet stops nothing. What says that no packet can get through stops the run: wrong credentials or a wrong
    path at once, an unreachable or failing server after a run of failures, each waited out a little longer. The packet
    in hand is queued again where it is certain that nothing has happened; else its outcome is unknown.
    Just before a packet goes out the server is asked whether another sender has sent the same by now.

    Attributes:
        client: talks to the server; safe to use from several threads.
        outbox: holds the packets.
        run: whose packets are sent.
        lookup: tells whether a name is taken by the very packet that is refused for it.
        backoff: counts failures in a row.
        connections: how many packets are in flight at once.
        on_change: called with the outcome of each packet, from the sending threads.
    """

    client: Client
    outbox: Outbox
    run: Run
    lookup: Lookup
    backoff: Backoff
    _: KW_ONLY
    connections: int
    on_change: Callable[[Entry, Outcome], None]
    _stopped: BaseException | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._batches = _Batches(self.client)
        self._halt = threading.Event()

    def send(self) -> None:
        """Send until nothing is queued any more.

        Ctrl-C once, or what else a signal raises, lets what is in flight end first; a second time leaves it in flight,
        to be looked up later.

        Raises:
            BoxferryError: what stopped the run before the end; the rest is still queued, or its outcome unknown.
        """
        self._in_threads(self.connections, self._work)

    def send_one(self) -> None:
        """Send one queued packet that carries boxes, if there is one; as `send` otherwise."""
        self._in_threads(1, self._work_once)

    def _in_threads(self, count: int, work: Callable[[int], None]) -> None:
        start = self.outbox.any_queued(self.run.id) if self.connections > 1 else 0  # one connection: in order
        begun: list[tuple[threading.Thread, threading.Event]] = []
        try:
            for _ in range(count):
                end = threading.Event()
                run = copy_context().run  # so that what it does is observed as part of the stage that is under way
                thread = threading.Thread(target=run, args=(self._guarded, work, start, end), daemon=True)
                begun.append((thread, end))  # before it starts: the start itself may be broken off
                thread.start()
            _wait(begun)
        except BaseException:  # Ctrl-C, or what a caller's own signal handler raises: a time limit of a task
            self._halt.set()  # a thread that has not begun by now takes no packet
            _wait(begun)
            raise
        if self._stopped is not None:
            raise self._stopped

    def _guarded(self, work: Callable[[int], None], start: int, end: threading.Event) -> None:
        try:
            work(start)
        except BaseException as error:  # noqa: BLE001 # raised again where the threads are joined
            self._stop(error)
        finally:
            end.set()

    def _work(self, start: int) -> None:
        while not self._halt.is_set() and (entry := self._claimed(start)):
            self._deliver(entry)

    def _work_once(self, start: int) -> None:
        if not self._halt.is_set() and (entry := self._claimed(start, filled=True)):
            self._deliver(entry)

    def _claimed(self, start: int, *, filled: bool = False) -> Entry | None:
        return self.outbox.claim(self.run.id, sent=self.lookup.now(), start=start, filled=filled)

    def _deliver(self, entry: Entry) -> None:
        with during(Stage.PACKET, **packet_facts(entry)) as span:
            outcome, failure = self._tried(entry)
            self.outbox.settle(entry.id, outcome, ended=self.lookup.now())
            self.on_change(entry, outcome)
            span.facts |= packet_facts(entry, outcome)
            if failure or outcome.state == State.REFUSED:
                span.facts[Fact.ERROR.value] = type(failure).__name__ if failure else Refused.__name__
        self._judge(failure)

    def _tried(self, entry: Entry) -> tuple[Outcome, DiffgramError | None]:
        """What sending a packet came to, with the failure that counts against the server."""
        try:
            return self.lookup.already(entry) or self._sent(entry), None
        except Unsure as error:
            return Outcome(State.UNSURE, short(str(error)), detail=error.detail, over=error.over), error
        except (AuthError, NotFound, RateLimited, Unreachable) as error:
            return Outcome(State.QUEUED, short(str(error)), detail=error.detail), error
        except DiffgramError as error:
            return Outcome(State.REFUSED, short(str(error)), detail=error.detail), None

    def _sent(self, entry: Entry) -> Outcome:
        return self._upload(entry) if entry.route == Via.UPLOAD else self._post(entry)

    def _judge(self, failure: DiffgramError | None) -> None:
        """Count a failure, and stop where there are too many in a row, or one that no waiting mends."""
        if failure is None:
            self.backoff.worked()
        elif isinstance(failure, AuthError | NotFound | RateLimited) or not self.backoff.failed():
            self._stop(failure)

    def _post(self, entry: Entry) -> Outcome:
        batch_id = self._batches.take()
        body, before = entry.body, ""
        if entry.mode in REPLACING:
            found, planned = self.lookup.replacement(entry), decoded(entry.before)
            if found.before.complete and not (planned and planned.complete):
                return Outcome(State.REFUSED, COMPLETED)
            if found.body is None:
                return Outcome(State.REFUSED, CLEARED)
            body, before = found.body, encoded(found.before.after(planned))
        self.outbox.assign(entry.id, batch_id, sent=self.lookup.now(), before=before)
        self.client.send_packet(with_batch(body, batch_id))
        return Outcome(State.ACCEPTED)

    def _upload(self, entry: Entry) -> Outcome:
        if problem := changed_since(entry.media, entry.mark):
            return Outcome(State.REFUSED, problem)
        try:
            image = opened(entry.media)  # closed below; only the opening is the user's fault
        except OSError as error:
            return Outcome(State.REFUSED, f"{entry.media}: {error.strerror}")
        with image:
            if not is_url(entry.media):
                self.outbox.set_digest(entry.id, digest_of(entry.media))
            answer = self.client.upload(entry.file_name, image, entry.body)
            if is_url(entry.media):  # its bytes have come by just now: they are not fetched twice
                self.outbox.set_digest(entry.id, digest_sent(image))
        return self.lookup.clash(entry, upload_outcome(answer))

    def _stop(self, error: BaseException) -> None:
        self._stopped = self._stopped or error
        self._halt.set()


def _wait(begun: list[tuple[threading.Thread, threading.Event]]) -> None:
    """Wait for the end of all threads that have begun.

    Joining them would not do: one whose join Ctrl-C breaks off is taken for ended.
    """
    for thread, end in begun:
        while thread.ident is not None and not end.wait(0.2):
            pass


def upload_outcome(answer: UploadAnswer) -> Outcome:
    """What an upload's answer says: an image's comes when all is done, a video's while its frames wait."""
    record = answer.input
    file_id = record.file_id or answer.file_id
    return (input_outcome(record) or Outcome(State.ACCEPTED, "", record.id))._replace(file_id=file_id)


class _Batches:
    """Hands out the input batch of each packet; a new one is made when the last is full."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._batch_id = 0
        self._left = 0

    def take(self) -> int:
        """The batch for one more packet."""
        with self._lock:
            if not self._left:
                self._batch_id, self._left = self._client.new_batch(), BATCH_SIZE
            self._left -= 1
            return self._batch_id
