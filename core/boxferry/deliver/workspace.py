"""One project on one server, with the outbox that belongs to it: what every call of `Diffgram` works on."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.destination import Client
from boxferry.errors import ConfigError, UsageError
from boxferry.outbox.outbox import Outbox
from boxferry.plan.earlier import Memory
from boxferry.plan.plan_file import PlanHead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.destination import Server
    from boxferry.outbox.entry import Run

OUTBOX_VARIABLE = "BOXFERRY_OUTBOX"


def default_outbox(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the outbox is unless it is named: BOXFERRY_OUTBOX, or in the user's state folder.

    Raises:
        ConfigError: the user has no home.
    """
    if named := environ.get(OUTBOX_VARIABLE):
        return Path(named)
    import platformdirs

    try:
        return Path(platformdirs.user_state_path("boxferry")) / "outbox.sqlite"
    except RuntimeError:
        raise ConfigError(f"there is no home directory: name the outbox, {OUTBOX_VARIABLE}") from None


class Workspace:
    """A project and its outbox, which is opened at its first use; making it does no I/O.

    Attributes:
        server: host, project and credentials.
        outbox_path: where the outbox is.
        connections: how many packets are in flight at once.
        client: calls the server.
    """

    def __init__(
        self, server: Server, *, outbox: str | os.PathLike[str] | None, connections: int, timeout_s: float
    ) -> None:
        """Say where; see `Diffgram`.

        Raises:
            UsageError: there is no connection.
        """
        if connections < 1:
            raise UsageError(f"connections: {connections}, expected 1 or more")
        self.server = server
        self.outbox_path = Path(outbox) if outbox else default_outbox()
        self.connections = connections
        self.client = Client(server, connections=connections, timeout_s=timeout_s)

    def close(self) -> None:
        """Close the connections and the outbox."""
        self.client.close()
        if "outbox" in self.__dict__:
            self.outbox.close()

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox, opened.

        Raises:
            OutboxError: it cannot be opened.
        """
        return Outbox(self.outbox_path)

    @property
    def known_outbox(self) -> Outbox | None:
        """The outbox, opened; None where it does not exist yet."""
        return self.outbox if self.outbox_path.exists() else None

    @property
    def here(self) -> tuple[str, str]:
        """The server's host and the project."""
        return self.server.host, self.server.project

    def runs(self) -> list[Run]:
        """The runs of this project that the outbox has, the oldest first."""
        outbox = self.known_outbox
        return [run for run in outbox.runs() if (run.host, run.project) == self.here] if outbox else []

    def run(self, name: str) -> Run:
        """A run of this project, by its number, its name, or 'model/run'.

        Raises:
            OutboxError: there is no such run.
            UsageError: it belongs to another server or project.
        """
        found = self.outbox.find_run(name)
        self.check_run(found, name)
        return found

    def check_run(self, run: Run, name: str = "") -> None:
        """See that a run is one of this project; `name` is what it was called.

        Raises:
            UsageError: it belongs to another server or project.
        """
        if (run.host, run.project) != self.here:
            name = name or run.name
            raise UsageError(
                f"run '{name}' belongs to project '{run.project}' on {run.host}: use that host and project"
            )

    def head(self, directory_id: int, model: str, run: str) -> PlanHead:
        """What tells a run of this project apart."""
        host, project = self.here
        return PlanHead(host=host, project=project, directory_id=directory_id, model=model, run=run)

    def run_of(self, head: PlanHead, *, source: str = "") -> Run:
        """The run in the outbox; it is made where it is new."""
        return self.outbox.run(
            host=head.host,
            project=head.project,
            directory_id=head.directory_id,
            model=head.model,
            name=head.run,
            source=source,
        )

    def memory(self) -> Memory:
        """What this machine has of earlier pushes."""
        return Memory(self.known_outbox, *self.here)

    def sent_labels(self) -> dict[int, set[str]]:
        """`label_file_id` → the names under which this machine has sent it."""
        return self.memory().labels()
