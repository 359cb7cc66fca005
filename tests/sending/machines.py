"""What the tests of several machines share: outboxes of their own, a push that stops, and what the server holds."""

from collections import Counter
from contextlib import contextmanager

from boxferry import Diffgram
from boxferry.deliver.listener import Listener
from boxferry.outbox.outbox import Outbox
from sending.pushing import server_of


@contextmanager
def machine(sandbox, path, *, clock=None, connections=4):
    """A machine with an outbox at this path; `clock` stands in for its own."""
    with Diffgram(server_of(sandbox), outbox=path, connections=connections) as diffgram:
        if clock is not None:
            diffgram.workspace.__dict__["outbox"] = Outbox(path, clock=clock)
        yield diffgram


class At(Listener):
    """Does something when all packets are stored, and none has gone out."""

    def __init__(self, job):
        self._job = job

    def started(self, packets):
        self._job()


class Stopped(Exception):
    """The process ended."""


def stop():
    raise Stopped


def held(sandbox, directory=None):
    """How often each reference is there, over all files that are not removed."""
    files = [f for f in sandbox.files() if f["state"] != "removed" and directory in {None, f["directory_id"]}]
    rows = [box for file in files for box in sandbox._store.instances(file["id"])]
    return Counter(box.get("creation_ref_id") or f"row {box['id']}" for box in rows)


def named(sandbox, name):
    """The files of a name that are not removed."""
    return [f for f in sandbox.files() if f["original_filename"] == name and f["state"] != "removed"]
