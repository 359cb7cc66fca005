"""One night: earlier runs are resumed, tonight's predictions are pushed, and both are reported."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boxferry.boxes.counted import counted
from boxferry.collector.collecting import unfinished
from boxferry.deliver.run_to_end import SendingOptions
from boxferry.errors import AuthError, BoxferryError, Unreachable, UsageError
from boxferry.observing.events import during
from boxferry.observing.names import Fact, Stage
from boxferry.outbox.outcome import State
from boxferry.outbox.turns import locked
from boxferry.plugins import plugin_manager
from boxferry.remote.urls import is_url
from boxferry.upkeep.resume import resume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from boxferry.deliver.listener import Listener
    from boxferry.deliver.report import PushResult
    from boxferry.deliver.workspace import Workspace
    from boxferry.observing.observer import Facts
    from boxferry.plan.push_options import PushOptions
    from boxferry.plugins import Plugins

#: what no further attempt mends at this moment: the other earlier runs are not tried then
HOPELESS = (AuthError, Unreachable)
#: suffixes of text that has a line for each box or image: an empty file of it is whole
LINES = {".txt", ".csv", ".tsv", ".jsonl", ".ndjson"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that a night did.

    Attributes:
        run: the run, as `resume` takes it; of tonight's push its name.
        report: what was done; None where it could not be begun, or where a dry run only names the run.
        error: what kept it from being done.
    """

    run: str
    report: PushResult | None = None
    error: BoxferryError | OSError | None = None

    @property
    def exit_code(self) -> int:
        """That of the report, or of the error."""
        if isinstance(self.error, BoxferryError):
            return self.error.exit_code
        if self.error is not None:
            return UsageError.exit_code
        return self.report.exit_code if self.report else 0

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        facts = {"run": self.run, "exit_code": self.exit_code, "error": str(self.error) if self.error else None}
        return {**facts, "report": self.report.as_dict() if self.report else None}


@dataclass(frozen=True, kw_only=True, slots=True)
class NightlyReport:
    """What a night did.

    Attributes:
        earlier: the runs that had not ended, each with what was done.
        tonight: the push, or what would have kept it from being begun; None where there was nothing to push.
        quiet: why there was nothing to push, or nothing predicted; empty where there was.
    """

    earlier: list[Step] = field(default_factory=list)
    tonight: Step | None = None
    quiet: str = ""

    @property
    def exit_code(self) -> int:
        """Tonight's, where it is not 0; else the highest of the earlier runs'."""
        own = self.tonight.exit_code if self.tonight else 0
        return own or max((step.exit_code for step in self.earlier), default=0)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "exit_code": self.exit_code,
            "quiet": self.quiet,
            "earlier": [step.as_dict() for step in self.earlier],
            "tonight": self.tonight.as_dict() if self.tonight else None,
        }


@contextmanager
def alone(outbox: Path) -> Iterator[None]:
    """One night at a time from an outbox.

    Raises:
        OutboxBusy: another one is under way.
    """
    outbox.parent.mkdir(parents=True, exist_ok=True)
    busy = f"{outbox}: another nightly run is under way from this outbox; nothing was done"
    with locked(f"{outbox.resolve()}.nightly.lock", busy):
        yield


def night(
    workspace: Workspace,
    push: Callable[[], PushResult] | None,
    options: PushOptions,
    *,
    directory: str | int,
    run: str,
    listener: Listener | None,
    plugins: Plugins | None,
    quiet: str,
) -> NightlyReport:
    """Go on with what earlier runs have left, and push tonight's predictions; see `Diffgram.nightly`.

    A dry run names the earlier runs, and may be made while another night is under way.

    Raises:
        OutboxBusy: another night is under way from this outbox.
    """
    plugins = plugins or plugin_manager()

    def gone_on(earlier: str) -> PushResult:
        return resume(
            workspace,
            earlier,
            SendingOptions(patience=options.patience, verify=options.verify),
            resend_missing=False,
            asking=options,
            listener=listener,
            plugins=plugins,
        )

    facts: Facts = {Fact.RUN.value: run, Fact.DIRECTORY.value: str(directory)}
    with nullcontext() if options.dry_run else alone(workspace.outbox_path), during(Stage.NIGHTLY, **facts) as span:
        runs = earlier_runs(workspace)
        earlier = [Step(run=each) for each in runs] if options.dry_run else gone_on_with(runs, gone_on)
        tonight = _trouble(workspace, directory, run) if push is None else tried(run, push)
        quiet = quiet_push(tonight) if push is not None and tonight is not None else quiet
        report = NightlyReport(earlier=earlier, tonight=tonight, quiet=quiet)
        span.facts[Fact.EXIT_CODE.value] = report.exit_code
        if tonight is not None and tonight.error is not None:
            span.facts[Fact.ERROR.value] = type(tonight.error).__name__
    return report


def _trouble(workspace: Workspace, directory: str | int, run: str) -> Step | None:
    """What would have kept a push from being begun, on a night without one; None where nothing would.

    A wrong key, or a server that is gone, shows on the first night and not on the first one with predictions.
    """
    try:
        workspace.client.check_role()
        workspace.client.find_directory(directory)
    except BoxferryError as error:
        return Step(run=run, error=error)
    return None


def earlier_runs(workspace: Workspace) -> list[str]:
    """The runs of which something has not ended, stuck packets among it, each as `resume` takes it."""
    found = unfinished(workspace)
    stuck = [str(run.id) for run in workspace.runs() if State.STUCK in workspace.outbox.counts(run.id)]
    return list(dict.fromkeys([*found, *stuck]))


def gone_on_with(runs: Sequence[str], resume: Callable[[str], PushResult]) -> list[Step]:
    """Each earlier run with its outcome; where the server lets nothing through, the others are not tried."""
    steps: list[Step] = []
    for run in runs:
        last = steps[-1] if steps else None
        trouble = (last.report.stopped if last.report else last.error) if last else None
        steps.append(Step(run=run, error=trouble) if isinstance(trouble, HOPELESS) else tried(run, lambda: resume(run)))  # noqa: B023 # called at once
    return steps


def tried(run: str, doing: Callable[[], PushResult]) -> Step:
    """What a step did, or what kept it from being done."""
    try:
        return Step(run=run, report=doing())
    except (BoxferryError, OSError) as error:
        return Step(run=run, error=error)


def nothing_in(sources: str | Sequence[str], *, recognised: bool) -> str:
    """That folders hold no file, and files of lines no line, in words; empty where a source is something else.

    Of a format that is no text of lines (JSON, XML, Parquet) an empty file is a broken one.

    Args:
        sources: what is to be pushed.
        recognised: whether the format is recognised by what the files hold: empty ones say nothing then.
    """
    listed = [sources] if isinstance(sources, str) else list(sources)
    local = [Path(source) for source in listed if not is_url(source)]
    files = [path for path in local if path.suffix.lower() in LINES and path.is_file()]
    folders = [path for path in local if path.is_dir()]
    if not listed or len(folders) + len(files) < len(listed):
        return ""
    sizes = [path.stat().st_size for path in [*files, *(path for folder in folders for path in _files_in(folder))]]
    if sizes and (any(sizes) or not recognised):
        return ""
    found = f"{counted(len(sizes), 'file')}, all of them empty," if sizes else "no files"
    return f"nothing predicted: {found} in {', '.join(listed)}"


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def quiet_push(step: Step) -> str:
    """That nothing was predicted, in words; empty where something was, or went wrong."""
    report = step.report
    if report is None or report.exit_code or report.tally.read:
        return ""
    images = report.tally.images
    return f"nothing predicted: no box on {counted(images, 'image')}" if images else "nothing predicted: no images"
