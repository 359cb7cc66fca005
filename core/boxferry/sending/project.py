"""`Diffgram`: one project on one server, and the outbox that belongs to it; what users hold."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from boxferry.boxes.tally import Tally
from boxferry.diffgram.client import Client
from boxferry.diffgram.settings import Server, server_from_env
from boxferry.errors import BoxferryError, UsageError
from boxferry.sending.carry import Patience, carry
from boxferry.sending.evidence import references_on
from boxferry.sending.existing import FileIndex, ServerSizes
from boxferry.sending.labels import LabelResolver, Policy, choose_schema
from boxferry.sending.listener import Listener
from boxferry.sending.outbox import ENDED, Outbox
from boxferry.sending.plan import Planner
from boxferry.sending.report import PushReport, planned_file
from boxferry.sending.routes import ExistingRoute, UploadRoute, UrlRoute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from boxferry.diffgram.answers import Directory
    from boxferry.plugins import Plugins
    from boxferry.reading.predictions import Predictions
    from boxferry.sending.outbox import Entry, Run
    from boxferry.sending.outcome import Outcome
    from boxferry.sending.routes import Route


OUTBOX_VARIABLE = "BOXFERRY_OUTBOX"


def default_outbox(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the outbox is unless told otherwise: BOXFERRY_OUTBOX, or the user's state folder."""
    if named := environ.get(OUTBOX_VARIABLE):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_state_path("boxferry")) / "outbox.sqlite"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How a push is carried out; the defaults are those of the command line.

    Attributes:
        media_url: a URL template; each image is fetched by the server from its URL.
        existing: append to the files that are in the directory, found by name. With neither this nor `media_url` the
            images are uploaded from the folder that the predictions were read with.
        schema: the labels schema by name or id; the project's default one where left out.
        labels: what happens to labels that the server does not have: 'error', 'skip' or 'create'.
        skip_empty: make no file for an image without boxes.
        patience: how long is waited, and for what.
        verify: read back what was applied in this push, since the server's success can mean that no box was stored.
        dry_run: send and change nothing; the report lists what would be sent.
        strict: a box that cannot be used is an error, not a drop.
    """

    media_url: str | None = None
    existing: bool = False
    schema: str | None = None
    labels: Policy = "error"
    skip_empty: bool = False
    patience: Patience = field(default_factory=Patience)
    verify: bool = False
    dry_run: bool = False
    strict: bool = False


class Diffgram:
    """One project on a Diffgram server. Making it does no I/O; the outbox is opened at its first use.

    Use it as a context manager, or call `close`.
    """

    def __init__(
        self,
        server: Server,
        *,
        outbox: str | os.PathLike[str] | None = None,
        connections: int = 4,
        timeout_s: float = 60.0,
    ) -> None:
        """Say where.

        Args:
            server: host, project and credentials.
            outbox: the path of the outbox; see `default_outbox`.
            connections: how many packets are in flight at once.
            timeout_s: seconds to wait for an answer to one call.
        """
        if connections < 1:
            raise UsageError(f"connections: {connections}, expected 1 or more")
        self.server = server
        self.outbox_path = Path(outbox) if outbox else default_outbox()
        self._connections = connections
        self._client = Client(server, connections=connections, timeout_s=timeout_s)

    @classmethod
    def from_env(
        cls, *, host: str | None = None, project: str | None = None, outbox: str | os.PathLike[str] | None = None
    ) -> Self:
        """With the settings of the environment or the configuration file; see `server_from_env`.

        Raises:
            ConfigError: a setting is missing.
        """
        return cls(server_from_env(os.environ, host=host, project=project), outbox=outbox)

    def close(self) -> None:
        """Close the connections and the outbox."""
        self._client.close()
        if "outbox" in self.__dict__:
            self.outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox, opened.

        Raises:
            OutboxError: it cannot be opened.
        """
        return Outbox(self.outbox_path)

    def labels(self, schema: str | None = None) -> dict[str, int]:
        """The project's labels, name → `label_file_id`, of one schema or the default one."""
        return self._client.label_ids(choose_schema(self._client.schemas(), schema).id)

    def push(
        self,
        predictions: Predictions,
        *,
        directory: str | int,
        model: str,
        run: str,
        manner: Manner | None = None,
        listener: Listener | None = None,
    ) -> PushReport:
        """Send the boxes to be corrected; every packet is in the outbox before the first one goes out.

        Args:
            predictions: what `read` gave.
            directory: the directory on the server, by name or id.
            model: the model's name, on every box.
            run: the run's name, on every box; pushing the same run again sends only what is new.
            manner: how; the defaults upload the images.
            listener: is told how it goes on, from the sending threads.

        Raises:
            BoxferryError: nothing was sent: the source, the labels or the directory are not right, or the server
                cannot be reached. What goes wrong once sending has begun is in the report.
        """
        manner = manner or Manner()
        place = self._client.find_directory(directory)
        route, predictions = self._route(manner, place, predictions)
        planner = Planner(
            predictions=predictions,
            route=route,
            labels=self._resolver(manner),
            model=model,
            run=run,
            tally=Tally(strict=manner.strict),
            references_on=partial(references_on, self._client, place.id),
            skip_empty=manner.skip_empty,
        )
        if manner.dry_run:
            return self._dry_run(planner, place)
        return self._carry_out(planner, place, manner, listener or Listener())

    def _resolver(self, manner: Manner) -> LabelResolver:
        schema = choose_schema(self._client.schemas(), manner.schema)
        return LabelResolver(self._client, schema_id=schema.id, policy=manner.labels, dry_run=manner.dry_run)

    def _route(self, manner: Manner, place: Directory, predictions: Predictions) -> tuple[Route, Predictions]:
        """The way to the server, and the predictions; those for existing files may take their sizes from there."""
        if manner.existing and manner.media_url:
            raise UsageError("--existing and --media-url: the file is there, or it is fetched; choose one")
        if manner.media_url:
            return UrlRoute(directory_id=place.id, template=manner.media_url), predictions
        if not manner.existing:
            return UploadRoute(directory_id=place.id), predictions
        files = FileIndex(self._client.files(place.id), str(place.nickname or place.id))
        sizes = ServerSizes(predictions.images, files, self._client.image)
        return ExistingRoute(files=files), predictions.sized_by(sizes)

    def _dry_run(self, planner: Planner, place: Directory) -> PushReport:
        run = self._earlier_run(planner, place)
        if run is not None:
            planner = replace(planner, outbox=self.outbox, run_id=run.id)
        planned = [planned_file(entry) for entry in planner.entries()]
        return PushReport(
            tally=planner.tally,
            run=run,
            outbox=str(self.outbox_path),
            labels_created=planner.labels.created,
            planned=planned,
        )

    def _earlier_run(self, planner: Planner, place: Directory) -> Run | None:
        """The run, where it was pushed before; a dry run makes none."""
        wanted = (self.server.host, self.server.project, place.id, planner.model, planner.run)
        runs = self.outbox.runs() if self.outbox_path.exists() else []
        return next((r for r in runs if (r.host, r.project, r.directory_id, r.model, r.name) == wanted), None)

    def _carry_out(self, planner: Planner, place: Directory, manner: Manner, listener: Listener) -> PushReport:
        run = self.outbox.run(
            host=self.server.host,
            project=self.server.project,
            directory_id=place.id,
            model=planner.model,
            name=planner.run,
        )
        planner = replace(planner, outbox=self.outbox, run_id=run.id)
        with self.outbox.sending():
            self.outbox.add(run.id, _shown(planner))
            told = _Told(planner.predictions.plugins, listener)
            stopped = self._send(run, manner.patience, told, verify=manner.verify)
        return self._report(planner.tally, run, manner.patience, stopped, planner.labels.created)

    def resume(
        self,
        run: str,
        *,
        patience: Patience | None = None,
        verify: bool = False,
        listener: Listener | None = None,
    ) -> PushReport:
        """Go on with a run in the outbox: look up what is unsure, send what is queued, watch what is accepted.

        Args:
            run: its number or name.
            patience: how long is waited, and for what.
            verify: read back what is applied now.
            listener: is told how it goes on, from the sending threads.

        Raises:
            OutboxError: there is no such run, or another process is sending from this outbox.
            UsageError: the run belongs to another server or project.
        """
        patience = patience or Patience()
        found = self.outbox.find_run(run)
        if (found.host, found.project) != (self.server.host, self.server.project):
            raise UsageError(f"run '{run}' belongs to project '{found.project}' on {found.host}: name those settings")
        with self.outbox.sending():
            stopped = self._send(found, patience, listener or Listener(), verify=verify)
        return self._report(Tally(), found, patience, stopped, [])

    def _report(
        self, tally: Tally, run: Run, patience: Patience, stopped: BoxferryError | None, labels_created: list[str]
    ) -> PushReport:
        return PushReport(
            tally=tally,
            run=run,
            outbox=str(self.outbox_path),
            labels_created=labels_created,
            states=self.outbox.counts(run.id),
            failed=self.outbox.entries(run.id, ("refused", "unsure")),
            stopped=stopped,
            waited=patience.wait_s > 0,
        )

    def _send(self, run: Run, patience: Patience, listener: Listener, *, verify: bool) -> BoxferryError | None:
        """Carry the run to its end; what ended it early is given back, since the outbox knows the rest."""
        counts = self.outbox.counts(run.id)
        listener.started(sum(packets for state, (packets, _) in counts.items() if state not in ENDED))
        try:
            carry(
                self._client,
                self.outbox,
                run,
                connections=self._connections,
                patience=patience,
                verify=verify,
                on_change=listener.changed,
            )
        except BoxferryError as error:
            return error
        return None


def _shown(planner: Planner) -> Iterator[Entry]:
    """The packets, each shown to the plugins that observe them."""
    context = {"model": planner.model, "run": planner.run}
    for entry in planner.entries():
        planner.predictions.plugins.packet_built(entry.body, {**context, "file_name": entry.file_name})
        yield entry


class _Told(Listener):
    """Tells the plugins too what became of a packet."""

    def __init__(self, plugins: Plugins, listener: Listener) -> None:
        self._plugins = plugins
        self._listener = listener

    def started(self, packets: int) -> None:
        self._listener.started(packets)

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        facts = {"file_name": entry.file_name, "boxes": entry.boxes, **outcome._asdict()}
        self._plugins.outcome(facts, {"packet": entry.id})
        self._listener.changed(entry, outcome)
