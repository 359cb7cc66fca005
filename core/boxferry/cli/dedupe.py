"""`boxferry dedupe`: remove boxes of a run that the server stored twice."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from boxferry.cli.command import Command
from boxferry.cli.output import say, table, write_json
from boxferry.cli.server import diffgram_of, server_options, timeout_option


@click.command("dedupe", cls=Command)
@click.argument("run")
@server_options
@click.option("--dry-run", is_flag=True, help="List what would be removed; change nothing.")
@click.option("--replace-completed", is_flag=True, help="Include files that people have completed.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def dedupe_command(
    run: str, dry_run: bool, replace_completed: bool, timeout: float, as_json: bool, **given: Any
) -> int:
    """Remove boxes of RUN that the server stored more than once.

    RUN is a number or name as `boxferry status` lists it. One of several equal predictions stays, and so does every box
    that a person drew or changed. Completed files are left unchanged. Do not run it while people are editing the files.
    """
    with diffgram_of(given) as diffgram:
        report = diffgram.dedupe(run, dry_run=dry_run, replace_completed=replace_completed, wait_s=timeout)
    if as_json:
        files = msgspec.to_builtins(report.files)
        write_json({"files": files, "several": report.several, "dry_run": dry_run, "removed": report.removed})
        return report.exit_code
    rows = [(file.file_name, file.file_id, file.removed, file.merged, file.problem) for file in report.files]
    click.echo(table(("file", "id", "doubled boxes", "equal boxes of others", "problem"), rows))
    say(f"{report.removed} doubled boxes {'would be removed' if dry_run else 'removed'}")
    if merged := sum(file.merged for file in report.files):
        say(
            f"{merged} equal boxes of other runs or of people {'would become' if dry_run else 'became'} one "
            "with boxes that stay"
        )
    for name, ids in report.several.items():
        say(f"{name}: {len(ids)} files have this name ({', '.join(map(str, ids))}): remove all but one in Diffgram")
    return report.exit_code
