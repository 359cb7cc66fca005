"""`boxferry resume`: go on with a run of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.manner import patience_of, sending_options
from boxferry.cli.output import say
from boxferry.cli.progress import progress
from boxferry.cli.push import print_report
from boxferry.cli.server import diffgram_of, outbox_option, server_options

if TYPE_CHECKING:
    from boxferry.cli.session import Session


@click.command("resume")
@click.argument("run")
@server_options
@outbox_option
@sending_options
@click.option(
    "--resend-stuck", is_flag=True, help="Send again what the server will never apply, as far as it is not stored."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--ndjson", is_flag=True, help="A record for each file that failed, and a last one with the counts.")
@click.pass_obj
def resume_command(session: Session, /, run: str, verify: bool, resend_stuck: bool, **given: Any) -> int:
    """Go on with RUN, a number or name as `boxferry status` lists it.

    What collectors of RUN have left on disk is sent, and what they have set aside is tried again.
    The server is asked about every packet whose outcome is unknown before anything is sent again.
    """
    with diffgram_of(given) as diffgram, progress() as listener:
        try:
            report = diffgram.resume(
                run,
                patience=patience_of(given),
                verify=verify,
                resend_stuck=resend_stuck,
                listener=listener,
                plugins=session.plugins,
            )
        except KeyboardInterrupt:
            say(f"interrupted; go on with: boxferry resume {run}")
            raise
    print_report(report, given)
    return report.exit_code
