"""Sends what is queued in the outbox over several connections; each packet's state is written before and after."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.errors import AuthError, BoxferryError, DiffgramError, RateLimited, Unreachable, Unsure
from boxferry.packets.wire import with_batch
from boxferry.sending.outcome import Outcome, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.diffgram.answers import UploadAnswer
    from boxferry.diffgram.client import Client
    from boxferry.sending.outbox import Entry, Outbox, Run

BATCH_SIZE = 200  #: packets in one input batch: a list of a batch carries every box back, and cannot be paged


class Sender:
    """Carries the queued packets of one run to the server.

    A refused packet stops nobody. What says that no packet can get through (credentials, an unreachable server)
    stops the run: the packet in hand is queued again where it is certain that nothing has happened.
    """

    def __init__(
        self,
        client: Client,
        outbox: Outbox,
        run: Run,
        *,
        connections: int = 4,
        on_change: Callable[[Entry, Outcome], None],
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            client: talks to the server; safe to use from several threads.
            outbox: holds the packets.
            run: whose packets are sent.
            connections: how many packets are in flight at once.
            on_change: is told what became of each packet, from the sending threads.
        """
        self._client = client
        self._outbox = outbox
        self._run = run
        self._connections = connections
        self._on_change = on_change
        self._batches = _Batches(client)
        self._stopped: BoxferryError | None = None
        self._halt = threading.Event()

    def send(self) -> None:
        """Send until nothing is queued any more.

        Raises:
            BoxferryError: what stopped the run before the end; the rest is still queued.
        """
        self._outbox.recover(self._run.id)
        with ThreadPoolExecutor(self._connections, thread_name_prefix="boxferry-send") as pool:
            workers = [pool.submit(self._work) for _ in range(self._connections)]
            try:
                for worker in workers:
                    worker.result()
            except BaseException:
                self._halt.set()
                raise
        if self._stopped is not None:
            raise self._stopped

    def _work(self) -> None:
        try:
            while not self._halt.is_set() and (entry := self._outbox.claim(self._run.id)):
                self._deliver(entry)
        except BoxferryError as error:
            self._stop(error)

    def _deliver(self, entry: Entry) -> None:
        try:
            outcome = self._upload(entry) if entry.route == "upload" else self._post(entry)
        except Unsure as error:
            outcome = Outcome("unsure", str(error))
        except (AuthError, RateLimited, Unreachable) as error:
            outcome = Outcome("queued", str(error))
            self._stop(error)
        except DiffgramError as error:
            outcome = Outcome("refused", str(error))
        self._outbox.settle(
            entry.id, outcome.state, reason=outcome.reason, input_id=outcome.input_id, file_id=outcome.file_id
        )
        self._on_change(entry, outcome)

    def _post(self, entry: Entry) -> Outcome:
        batch_id = self._batches.take()
        self._outbox.assign(entry.id, batch_id)
        self._client.send_packet(with_batch(entry.body, batch_id))
        return Outcome("accepted")

    def _upload(self, entry: Entry) -> Outcome:
        try:
            with Path(entry.media).open("rb") as image:
                answer = self._client.upload(entry.file_name, image, entry.body)
        except OSError as error:
            return Outcome("refused", f"{entry.media}: {error.strerror}")
        return upload_outcome(answer)

    def _stop(self, error: BoxferryError) -> None:
        self._stopped = self._stopped or error
        self._halt.set()


def upload_outcome(answer: UploadAnswer) -> Outcome:
    """What an upload's answer says: it comes when everything is done."""
    record = answer.input
    if record.status == "success":
        return Outcome("applied", "", record.id, record.file_id or answer.file_id)
    return Outcome("refused", refusal(record), record.id, record.file_id or answer.file_id)


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
