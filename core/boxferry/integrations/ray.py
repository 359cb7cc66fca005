"""Ray Data: a sink that sends what a distributed job predicts, each box once, and corrections as a dataset."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, Unpack

from boxferry.boxes.lines import encoded
from boxferry.boxes.tally import Tally
from boxferry.errors import BoxferryError, UsageError
from boxferry.integrations.corrections import tables
from boxferry.integrations.table_rows import TableRows
from boxferry.integrations.writer import Destination, Writer
from boxferry.integrations.written import Part, Sending, Written, failure, part_of, written
from boxferry.option_checks import check_range, check_type, check_word
from boxferry.plan.push_options import PushKeywords, PushOptions, given_options
from boxferry.project import Diffgram

try:
    import ray
    from ray.data import Datasink
    from ray.data.block import BlockAccessor
    from ray.util.client import ray as ray_client
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise UsageError(f"Ray Data is not installed ({error}); pip install '.[ray]'") from None

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ray.data._internal.execution.interfaces import TaskContext
    from ray.data.block import Block
    from ray.data.datasource.datasink import WriteResult

NAMESPACE = "boxferry"  #: of the actors' names
LONGEST_S = 1e9  #: a thread cannot be waited for without a limit
STOP_S = 30.0  #: how long an actor is waited for when a write has failed
UNDER_CLIENT = (
    "Ray Data does not run in a process that is connected by Ray Client (ray://): call it in a task, as "
    "ray.get(ray.remote(function).remote()), or submit the job to the cluster (ray job submit)"
)


class DiffgramDatasink(Datasink[Part]):  # type: ignore[misc] # Ray ships no types
    """Sends the rows of a dataset to Diffgram: `ds.write_datasink(DiffgramDatasink(directory=…, model=…, run=…))`.

    There is one writer with one outbox. Each task hands over what it has read, as a file on the writer's disk; of each
    task the first result that is whole counts, however often it is tried. The writer sends meanwhile, and at the end
    waits, reads back what was applied, and raises where anything is unsent. A job that is run again with the same
    `run` sends what is missing.

    With `writer='driver'` the write tasks run on the driver's node, and the driver sends. With `writer='actor'` they
    run anywhere and hand over to an actor, which is bound to one node, has the outbox there, and takes the settings
    from that node's environment or configuration file. Credentials are in nothing that is pickled. By Ray Client (ray://)
    the write has to be in a task, since Ray Data does not run in the client's process.

    A sink is for one write; the same job run again makes another one.

    Attributes:
        result: what the write did; None before its end.
    """

    def __init__(
        self,
        *,
        directory: str | int,
        model: str,
        run: str,
        options: PushOptions | None = None,
        diffgram: Diffgram | None = None,
        outbox: str | os.PathLike[str] | None = None,
        rows: Literal["auto", "images", "boxes"] = "auto",
        columns: Mapping[str, str] | None = None,
        names: Mapping[int, str] | Sequence[str] | None = None,
        min_score: float | None = None,
        writer: Literal["driver", "actor"] = "driver",
        node: str | None = None,
        timeout_s: float = 3600.0,
        **given: Unpack[PushKeywords],
    ) -> None:
        """Say where the boxes go, and what the columns are; no server is asked.

        Args:
            directory: the directory on the server, by name or id.
            model: the model's name, on every box.
            run: the run's name, on every box; the same job run again has the same.
            options: options that several pushes have in common.
            diffgram: the project; by the environment or the configuration file where left out.
            outbox: the path of the outbox on the writer's node, a whole one with an actor; see `default_outbox`.
            rows: 'images', a row for each with `image`, `boxes` (lists of x_min, y_min, x_max, y_max in pixels),
                `labels` and perhaps `scores`; 'boxes', a row for each with `image`, `xmin`, `ymin`, `xmax`, `ymax`,
                `label` and perhaps `score`, where one without numbers is an image without boxes; 'auto' goes by the
                columns.
            columns: what a column is → its name, where it is another: {'image': 'path'}. Columns of the image's 'width'
                and 'height' in pixels are read where they are named here.
            names: the classes' names, where labels are ids; a file of them is read by the driver.
            min_score: leave boxes out whose score is under it.
            writer: which process sends.
            node: with an actor, the id of the node that it is bound to; the driver's where left out.
            timeout_s: seconds that the end of the write takes at most; inf for no limit.
            given: how the boxes are pushed, as in `Diffgram.push`: labels='create', existing=True, …

        Raises:
            UsageError: an option is not valid, or this process is connected by Ray Client.
            ConfigError: a setting is missing.
        """
        check_word("writer", writer, ("driver", "actor"))
        check_type("node", node, str, NoneType)
        check_range("timeout_s", timeout_s, 0)
        _not_under_client()
        if writer == "actor" and diffgram is not None:
            raise UsageError("diffgram: its credentials would be pickled for the actor; set them on the actor's node")
        if writer == "actor" and outbox is not None and not Path(outbox).is_absolute():
            raise UsageError(f"outbox: {outbox}, expected a whole path: the actor has another working directory")
        if writer == "driver" and node is not None:
            raise UsageError("node: needs writer='actor'")
        self.result: Written | None = None
        pushing = given_options(options, given)
        uploads = not (pushing.existing or pushing.media_url or pushing.blob_path)
        self._rows = TableRows(rows=rows, columns=columns or {}, names=names, min_score=min_score, paths=uploads)
        self._timeout_s = min(timeout_s, LONGEST_S)
        destination = Destination(directory=directory, model=model, run=run, options=pushing)
        self._way: _Here | _Elsewhere
        if writer == "driver":
            self._way = _Here(diffgram or Diffgram.from_env(outbox=outbox), destination)
        else:
            destination.check_secrets()
            self._way = _Elsewhere(destination, None if outbox is None else str(outbox), node)

    @property
    def supports_distributed_writes(self) -> bool:
        """Whether tasks may write on any node: where they hand over to an actor."""
        return isinstance(self._way, _Elsewhere)

    def on_write_start(self, schema: Any = None) -> None:  # noqa: ANN401, ARG002 # where tasks are fused, of other rows
        """See that the server accepts us, and begin to send; on the driver.

        Raises:
            DiffgramError: credentials, project, schema or directory are not accepted.
            UsageError: the sink has been written to before, or there is no such node.
        """
        if self.result is not None:
            raise UsageError("a sink is for one write: make another DiffgramDatasink")
        self._way.start()

    def write(self, blocks: Iterable[Block], ctx: TaskContext) -> Part:
        """Hand over what a task has to write; in the task.

        Raises:
            UsageError: a column is missing.
            InputError: a row cannot be used.
            OSError: the writer's disk does not take it.
        """
        key, tally = f"{ctx.kwargs.get('write_uuid', 'write')}.{ctx.task_idx:07}", Tally()
        chunks = self._rows.detections(_rows_of(blocks), tally)
        lines = b"".join(line for chunk in chunks for line in encoded(chunk))
        self._way.store(key, lines)
        return part_of(key, tally)

    def on_write_complete(self, write_result: WriteResult[Part]) -> None:
        """Wait until everything is applied, and read it back; on the driver.

        Raises:
            BoxferryError: something is unsent, or failed; `result` says what.
        """
        parts = write_result.write_returns
        sending = self._way.finish([part.key for part in parts], self._timeout_s)
        self.result = written(parts, sending)
        self.result.raise_for_failures()

    def on_write_failed(self, error: Exception) -> None:
        """End sending; what tasks have handed over stays on the writer's disk, for the job that is run again.

        Raises:
            BoxferryError: the one that a task has ended with; Ray's has the task's traceback around it.
        """
        sending = self._way.stop()
        if self.result is None and sending is not None:
            self.result = written([], sending)
        if isinstance(cause := getattr(error, "cause", None), BoxferryError):
            cause.args = tuple(str(cause).splitlines()[:1])  # Ray adds how often it has tried
            raise cause from None

    def get_name(self) -> str:
        """As Ray shows the write."""
        return "Diffgram"


def _not_under_client() -> None:
    if ray_client.is_connected():
        raise UsageError(UNDER_CLIENT)


def _rows_of(blocks: Iterable[Block]) -> Iterator[Mapping[str, Any]]:
    for block in blocks:
        yield from BlockAccessor.for_block(block).iter_rows(public_row_format=True)


class _Here:
    """The driver sends, and tasks on its node write to its disk."""

    def __init__(self, diffgram: Diffgram, destination: Destination) -> None:
        self._writer: Writer | None = Writer(diffgram, destination)
        self._parts = self._writer.parts

    def __getstate__(self) -> dict[str, Any]:
        """What tasks are given: the folder alone."""
        return {"_writer": None, "_parts": self._parts}

    def store(self, key: str, lines: bytes) -> None:
        self._parts.store(key, lines)

    def start(self) -> None:
        writer = self._here()
        writer.check()
        writer.start()

    def finish(self, keys: Sequence[str], timeout_s: float) -> Sending:
        found = self._here().finish(keys, timeout_s)
        self._parts.forget(keys)
        return found

    def stop(self) -> Sending:
        return self._here().stop()

    def _here(self) -> Writer:
        if self._writer is None:
            raise UsageError("the sink cannot be pickled: it sends in the process that created it")
        return self._writer


class _Elsewhere:
    """An actor sends, bound to one node, and tasks hand over to it."""

    def __init__(self, destination: Destination, outbox: str | None, node: str | None) -> None:
        self._destination, self._outbox, self._node = destination, outbox, node
        self._name = f"writer-{uuid.uuid4().hex}"
        self._actor: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What tasks are given: the actor's name."""
        return {**vars(self), "_actor": None}

    def store(self, key: str, lines: bytes) -> None:
        if self._actor is None:
            self._actor = ray.get_actor(self._name, namespace=NAMESPACE)
        ray.get(self._actor.store.remote(key, lines))

    def start(self) -> None:
        node = self._node or ray.get_runtime_context().get_node_id()
        if node not in (nodes := [each["NodeID"] for each in ray.nodes() if each["Alive"]]):
            raise UsageError(f"node: no node {node!r} in the cluster; there are {', '.join(nodes)}")
        self._actor = (
            ray.remote(_Actor)
            .options(
                name=self._name,
                namespace=NAMESPACE,
                num_cpus=0,
                max_restarts=-1,
                max_task_retries=-1,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=node, soft=False),
            )
            .remote(self._destination, self._outbox)
        )
        if problem := ray.get(self._actor.start.remote()):
            raise failure(*problem)

    def finish(self, keys: Sequence[str], timeout_s: float) -> Sending:
        if self._actor is None:  # there was not one row
            self.start()
        actor: Any = self._actor
        self._actor = None  # it ends then, however long the sink is kept
        found: Sending = ray.get(actor.finish.remote(list(keys), timeout_s))
        ray.get(actor.forget.remote(list(keys)))
        return found

    def stop(self) -> Sending | None:
        actor, self._actor = self._actor, None
        if actor is None:
            return None
        try:
            found: Sending = ray.get(actor.stop.remote(), timeout=STOP_S)
        except ray.exceptions.RayError:  # its node is gone
            return None
        return found


class _Actor:
    """The writer, in the process that has the outbox; its settings come from there."""

    def __init__(self, destination: Destination, outbox: str | None) -> None:
        self._destination, self._outbox = destination, outbox
        self._made: Writer | None = None

    def start(self) -> tuple[str, int] | None:
        """Begin; gives what keeps it from that, in words, and its exit code."""
        try:
            self._writer().check()
        except BoxferryError as error:
            return str(error), error.exit_code
        self._writer().start()
        return None

    def store(self, key: str, lines: bytes) -> None:
        self._writer().store(key, lines)

    def finish(self, keys: Sequence[str], timeout_s: float) -> Sending:
        return self._writer().finish(keys, timeout_s)

    def forget(self, keys: Sequence[str]) -> None:
        self._writer().parts.forget(keys)

    def stop(self) -> Sending:
        return self._writer().stop()

    def _writer(self) -> Writer:
        """Made at the first call: an actor that fails when it is made cannot say why in one line."""
        if self._made is None:
            self._made = Writer(Diffgram.from_env(outbox=self._outbox), self._destination)
        return self._made


def read_corrections(run: str | int, *, diffgram: Diffgram | None = None, everything: bool = False) -> ray.data.Dataset:
    """The corrected boxes of a run as a dataset, a row for each image.

    The driver reads them, by pages of many files, since the server counts the calls of an address; only what changed
    since the last time is read.

    Args:
        run: its number or name in the outbox.
        diffgram: the project; by the environment or the configuration file where left out.
        everything: images too that no person has looked at.

    Returns:
        Columns `image`, `file_id`, `width`, `height`, `boxes` (lists of x_min, y_min, x_max, y_max in pixels) and
        `labels`.

    Raises:
        OutboxError: there is no such run.
        DiffgramError: the server cannot be asked.
        UsageError: this process is connected by Ray Client.
    """
    _not_under_client()
    with nullcontext(diffgram) if diffgram else Diffgram.from_env() as opened:
        review = opened.pull(str(run))
    return ray.data.from_arrow(list(tables(review.corrected_chunks(everything=everything))))
