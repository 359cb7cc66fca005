"""Which group of `--help` an option stands in, and which options of a command come first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

COMMON: Final[dict[str, tuple[str, ...]]] = {
    "convert": ("--to", "--output", "--format", "--names", "--images", "--categories"),
    "evaluate": ("--against", "--names", "--images", "--per-class", "--json"),
    "nightly": (
        "--directory", "--create-directory", "--images", "--names", "--min-score", "--model", "--run", "--labels",
        "--on-existing", "--dry-run", "--json",
    ),
    "preview": ("--output", "--images", "--names", "--min-score", "--directory"),
    "pull": ("--to", "--output", "--directory", "--images", "--names", "--all"),
    "push": (
        "--directory", "--create-directory", "--images", "--existing", "--names", "--min-score", "--model", "--run",
        "--labels", "--on-existing", "--dry-run",
    ),
    "report": ("--html", "--since", "--directory", "--suspicious", "--json"),
    "resume": ("--resend-stuck", "--resend-missing", "--no-wait"),
    "status": ("--check", "--forget", "--all", "--json"),
    "validate": ("--format", "--names", "--images", "--html", "--json"),
}  # fmt: skip
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Source": (
        "--format", "--names", "--categories", "--images", "--size", "--score-scale", "--jobs", "--strict", "--against",
        "--shards", "--shard",
    ),
    "Which boxes": (
        "--min-score", "--map", "--nms", "--max-boxes", "--tiny", "--unknown", "--polygons", "--most-uncertain",
        "--all", "--since",
    ),
    "Images": (
        "--media-url", "--blob-path", "--connection", "--bucket", "--file-name", "--job", "--skip-empty",
        "--create-empty", "--video-split", "--video-rate", "--directory-id",
    ),
    "Files that exist on the server": (
        "--existing", "--file-ids", "--on-existing", "--replaces", "--delete-people", "--replace-completed",
        "--allow-removals", "--resend-stuck", "--resend-missing", "--ask-again", "--same-iou", "--remove",
    ),
    "Labels, attributes and names": (
        "--labels", "--schema", "--as", "--human-made", "--attribute", "--attribute-value", "--attributes", "--model",
        "--run", "--check", "--sync", "--create", "--near",
    ),
    "Sending": ("--dry-run", "--plan", "--from", "--parallel", "--timeout", "--verify", "--no-wait"),
    "Dataset": ("--val", "--people", "--copy-images", "--link-images", "--download-images"),
    "On this machine": (
        "--serve", "--folder", "--port", "--address", "--rate-limit", "--delay", "--workers", "--faults",
        "--fixtures", "--stay",
    ),
    "Server": (
        "--directory", "--create-directory", "--profile", "--host", "--project", "--packet-path", "--insecure",
        "--outbox", "--server",
    ),
    "Setup": ("--keyring", "--secret-file", "--no-check", "--install"),
    "Output": (
        "--to", "--output", "--html", "--png", "--csv", "--order", "--drawn", "--most", "--suspicious", "--per-class",
        "--precision", "--log", "--deletion", "--addition", "--forget", "--unfinished", "--json", "--ndjson",
        "--metrics-file",
    ),
    "Help and messages": ("--quiet", "--verbose", "--log-format", "--help-formats", "--help"),
}  # fmt: skip
COMMON_TITLE: Final = "Common options"
REST_TITLE: Final = "Further options"
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "First steps": ("init", "doctor", "demo", "sandbox", "completion"),
    "Predictions": ("validate", "preview", "convert", "formats"),
    "Sending": ("push", "nightly", "resume", "status"),
    "Corrections": ("pull", "report", "evaluate", "work"),
    "Runs and labels": ("runs", "labels", "adopt", "retire", "dedupe"),
    "Plugins": ("plugins", "init-plugin"),
}  #: the groups of `boxferry --help`


def grouped(command: str, flags: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """Sort a command's options into groups: title and flags; no group is empty.

    Args:
        command: its name.
        flags: the long forms of its options.
    """
    left = set(flags)
    for title, listed in ((COMMON_TITLE, COMMON.get(command, ())), *GROUPS.items()):
        found = [flag for flag in listed if flag in left]
        left -= set(found)
        if found:
            yield title, found
    if left:
        yield REST_TITLE, [flag for flag in flags if flag in left]
