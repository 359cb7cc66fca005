"""`boxferry doctor`: what a push needs, checked, each line with its remedy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import Command
from boxferry.cli.output import table, tell, write_json
from boxferry.cli.server import server_of, server_options
from boxferry.deliver.workspace import default_outbox
from boxferry.diffgram.profiles import PROFILE_VARIABLE, config_path
from boxferry.diffgram.settings import only_profile
from boxferry.doctor import Finding, Level, check_machine, check_server, failed, ok
from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from boxferry.cli.session import Session


@click.command("doctor", cls=Command)
@server_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_obj
def doctor_command(session: Session, /, as_json: bool, **given: Any) -> int:
    """Check settings, host, clock, credentials, role, rate limit, workers, outbox and plugins, each with its remedy.

    Nothing on the server is changed. The exit code is 0 where a push would work, else that of the first check that
    failed.
    """
    outbox = Path(given["outbox"]) if given["outbox"] else default_outbox()
    found = [*_of_server(given), *check_machine(outbox, session.plugins)]
    code = next((each.exit_code for each in found if each.level is Level.FAILED), 0)
    if as_json:
        write_json({"checks": [each.as_dict() for each in found], "exit_code": code})
    else:
        print_findings(found)
    return code


def print_findings(found: Iterable[Finding]) -> None:
    """Write a line for each, and its remedy below it."""
    rows: list[tuple[str, str, str]] = []
    for each in found:
        rows.append((each.level, each.check, each.found))
        if each.remedy:
            rows.append(("", "", f"→ {each.remedy}"))
    tell(table(("result", "check", "found"), rows))


def _of_server(given: Mapping[str, Any]) -> Iterator[Finding]:
    path = config_path(os.environ)
    try:
        server = server_of(given)
    except ConfigError as error:
        message, _, remedy = str(error).partition("; ")
        yield failed("settings", message, remedy or "boxferry init asks for them", error.exit_code)
        return
    profile = given["profile"] or os.environ.get(PROFILE_VARIABLE) or only_profile(os.environ, host=given["host"])
    where = f"{path}{f', profile {profile}' if profile else ''}" if path.is_file() else "the environment"
    yield ok("settings", f"project {server.project}, from {where}")
    yield from check_server(server)
