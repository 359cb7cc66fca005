"""`boxferry resume`: go on with a run of the outbox."""

from __future__ import annotations

from typing import Any

import click

from boxferry.cli.output import say
from boxferry.cli.progress import progress
from boxferry.cli.push import print_report
from boxferry.cli.server import diffgram_of, outbox_option, server_options
from boxferry.sending.carry import Patience


@click.command("resume")
@click.argument("run")
@server_options
@outbox_option
@click.option("--connections", type=click.IntRange(1, 64), default=4, show_default=True, help="Packets in flight.")
@click.option(
    "--timeout", type=click.FloatRange(0), default=600.0, show_default=True, help="Seconds to wait for the end."
)
@click.option("--verify", is_flag=True, help="Read back what was applied: a success can have stored nothing.")
@click.option("--no-wait", is_flag=True, help="Return when the server has accepted everything.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--ndjson", is_flag=True, help="A record for each file that failed, and a last one with the counts.")
def resume_command(run: str, timeout: float, no_wait: bool, verify: bool, **given: Any) -> int:
    """Go on with RUN, a number or name as `boxferry status` lists it.

    The server is asked about every packet of which nobody is sure before anything is sent again.
    """
    with diffgram_of(given) as diffgram, progress() as listener:
        try:
            patience = Patience(wait_s=0.0 if no_wait else timeout)
            report = diffgram.resume(run, patience=patience, verify=verify, listener=listener)
        except KeyboardInterrupt:
            say(f"interrupted; go on with: boxferry resume {run}")
            raise
    print_report(report, given)
    return report.exit_code
