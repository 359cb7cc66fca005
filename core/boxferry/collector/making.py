"""A collector made for a run: where results wait, and how they are pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.collector.collecting import check_collecting, doing, settling
from boxferry.collector.collector import Collector
from boxferry.collector.disk_queue_format import DiskQueueHead, disk_queue_folder, folder_named
from boxferry.plan.make_planner import check_names
from boxferry.plan.options_file import plain
from boxferry.plugins import plugin_manager

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from boxferry.deliver.workspace import Workspace
    from boxferry.plan.push_options import PushOptions
    from boxferry.reading.steps import Keep


def collector_of(
    workspace: Workspace,
    options: PushOptions,
    *,
    directory: str | int,
    model: str,
    run: str,
    names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None,
    images: str | os.PathLike[str] | None,
    min_score: float | None,
    keep: Keep | None,
    waiting: int,
    every_s: float,
    close_s: float,
) -> Collector:
    """The collector of a run; see `Diffgram.collector`.

    Raises:
        UsageError: an option is not valid.
    """
    check_names(model=model, run=run)
    check_collecting(options, min_score)
    host, project = workspace.here
    head = DiskQueueHead(
        host=host,
        project=project,
        directory=directory,
        model=model,
        run=run,
        images="" if images is None else folder_named(images),
        options=plain(options),
    )
    plugins = plugin_manager()
    return Collector(
        disk_queue_folder(workspace.outbox_path, host, project, str(directory), model, run),
        head,
        doing(workspace, head, options, plugins),
        options={"names": names, "plugins": plugins},
        min_score=min_score,
        keep=keep,
        settle=settling(workspace, options),
        waiting=waiting,
        every_s=every_s,
        close_s=close_s,
    )
