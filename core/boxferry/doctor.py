"""Checks what a push needs: the settings, the server, this machine; each finding comes with its remedy."""

from __future__ import annotations

import platform
import shutil
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boxferry.boxes.counted import counted
from boxferry.diffgram.client import Client
from boxferry.diffgram.meanings import Answered, State, begun, input_state
from boxferry.errors import AuthError, BoxferryError, Refused
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import OPEN
from boxferry.plan.patience import STUCK_S
from boxferry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from boxferry.diffgram.inputs import InputRecord
    from boxferry.diffgram.settings import Server
    from boxferry.plugins import Plugins

CLOCK_S = 5.0  #: seconds that two clocks may differ
DISK_FREE = 200_000_000  #: bytes that should be free for the outbox
NEWEST = 200  #: inputs that are looked at
TIMEOUT_S = 15.0


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name, a fixed word.
        level: how it ended.
        found: what is the case, one sentence.
        remedy: what to do; empty where all is well.
        exit_code: what a command ends with that fails of this; 0 where none does.
    """

    check: str
    level: Level
    found: str
    remedy: str = ""
    exit_code: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def ok(check: str, found: str) -> Finding:
    """A finding that asks for nothing."""
    return Finding(check=check, level=Level.OK, found=found)


def warning(check: str, found: str, remedy: str) -> Finding:
    """A finding that stops no push."""
    return Finding(check=check, level=Level.WARNING, found=found, remedy=remedy)


def failed(check: str, found: str, remedy: str, exit_code: int = 1) -> Finding:
    """A finding that stops every push."""
    return Finding(check=check, level=Level.FAILED, found=found, remedy=remedy, exit_code=exit_code)


def check_server(server: Server, *, local: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Host, clock, credentials, role, rate limit and workers, as far as each can be asked.

    Args:
        server: where, and who asks.
        local: this machine's clock, seconds since the epoch.
    """
    with Client(server, timeout_s=TIMEOUT_S) as client:
        begun_at = time.monotonic()
        try:
            schemas = client.schemas()
        except AuthError as error:
            yield ok("host", f"{server.host} answers")
            yield from _clock(client, local)
            yield failed("credentials", str(error), _key_remedy(server), error.exit_code)
            return
        except BoxferryError as error:
            yield failed("host", str(error), _host_remedy(server), error.exit_code)
            return
        yield ok("host", f"{server.host} answers in {1e3 * (time.monotonic() - begun_at):.0f} ms")
        yield from _clock(client, local)
        yield ok("credentials", f"accepted for project {server.project}, {counted(len(schemas), 'label schema')}")
        for check in (_role, _workers):
            try:
                yield from check(client)
            except BoxferryError as error:
                yield failed(check.__name__.strip("_"), str(error), "run boxferry doctor again", error.exit_code)


def _key_remedy(server: Server) -> str:
    return (
        f"check that the project's string id is '{server.project}', as in its URL, and that the key is one of this "
        "project: copy id and secret again from the project's settings"
    )


def _host_remedy(server: Server) -> str:
    return f"check the address {server.host}, the network and the proxy: curl -I {server.host}"


def _clock(client: Client, local: Callable[[], float]) -> Iterator[Finding]:
    ahead = local() - client.now()
    if abs(ahead) <= CLOCK_S:
        yield ok("clock", "this machine's clock agrees with the server's")
        return
    yield warning(
        "clock",
        f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's",
        "set it by NTP; boxferry compares times by the server's clock, but file dates and reports differ",
    )


def _role(client: Client) -> Iterator[Finding]:
    try:
        client.check_role()
    except AuthError:
        yield warning(
            "role",
            "the key belongs to a viewer: it can pull and report, not push",
            "make a key with the role Editor or Admin in the project's settings",
        )
        return
    yield ok("role", "editor or admin: the key can push")
    answered, limit = client.packet_route()
    if answered is not Answered.REFUSED:
        found = f"the packet call does not answer as expected ({answered})"
        yield failed("packet path", found, "name the path with --packet-path or DIFFGRAM_PACKET_PATH", 4)
        return
    rate = "no limit is announced" if limit is None else f"{limit:.0f} packets a second, which boxferry keeps to"
    yield ok("rate limit", rate)


def _workers(client: Client) -> Iterator[Finding]:
    """Whether the server's workers go on, by what waits and what ended last."""
    try:
        waiting = client.unfinished()
    except Refused as error:
        yield warning("workers", f"the list of inputs is refused: {error}", "ask the server's administrator")
        return
    late = [each for each in waiting if client.now() - _made(each) > STUCK_S]
    if not late:
        yield ok("workers", f"{counted(len(waiting), 'input')} being processed, all recent" if waiting else "idle")
        return
    found = f"{counted(len(late), 'input')} unfinished for more than {STUCK_S / 60:.0f} minutes"
    if any(input_state(each) is not State.WORKING for each in client.inputs(limit=NEWEST) if _made(each) > _last(late)):
        remedy = "they will not be applied: boxferry resume RUN --resend-stuck sends those of a run again"
        yield warning("workers", f"{found}, while later ones ended: a worker died on them", remedy)
        return
    doing = "its workers have died" if any(map(begun, late)) else "none was begun: its CPU is busy, or its workers died"
    yield failed("workers", f"{found}: {doing}", "restart the server's processing service (walrus)", 5)


def _made(record: InputRecord) -> float:
    return record.created or 0.0


def _last(records: list[InputRecord]) -> float:
    return max(map(_made, records))


def check_machine(outbox: Path, plugins: Plugins) -> Iterator[Finding]:
    """The outbox, the plugins, and what runs here."""
    yield from _outbox(outbox)
    yield from _plugins(plugins)
    yield ok("version", f"boxferry {__version__}, Python {platform.python_version()}, {platform.system()}")


def _outbox(path: Path) -> Iterator[Finding]:
    folder = next(each for each in path.parents if each.exists())
    free = shutil.disk_usage(folder).free
    if free < DISK_FREE:
        yield warning(
            "disk", f"{folder}: {free / 1e6:.0f} MB free", "free some space, or name another place with --outbox"
        )
    if not path.exists():
        yield ok("outbox", f"{path}: not there yet; the first push makes it")
        return
    try:
        with Outbox(path) as opened:
            runs = {run.name: opened.counts(run.id) for run in opened.runs()}
    except BoxferryError as error:
        yield failed("outbox", str(error), "name another outbox with --outbox, or mend this one", error.exit_code)
        return
    unfinished = [name for name, counts in runs.items() if any(state in counts for state in OPEN)]
    if unfinished:
        found = f"{path}: {counted(len(unfinished), 'run')} of {len(runs)} not finished: {', '.join(unfinished[:5])}"
        yield warning("outbox", found, "boxferry resume continues them")
        return
    yield ok("outbox", f"{path}: {counted(len(runs), 'run')}, all finished")


def _plugins(plugins: Plugins) -> Iterator[Finding]:
    for status in plugins.statuses:
        if status.state == "failed":
            remedy = f"update or remove it, or leave it out with --disable-plugin {status.name}"
            yield warning("plugins", f"{status.name} cannot be loaded: {status.reason}", remedy)
    active = [status for status in plugins.statuses if status.state == "active"]
    yield ok("plugins", f"{counted(len(active), 'plugin')} with {counted(len(plugins.formats()), 'format')}")
