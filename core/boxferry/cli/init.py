"""`boxferry init`: write the configuration file, and check the connection."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from boxferry.cli.command import Command
from boxferry.cli.doctor import print_findings
from boxferry.cli.output import say
from boxferry.diffgram.profiles import config_path, profile_names, settings_in, write_settings
from boxferry.diffgram.secret import secret_of_file, store_in_keyring
from boxferry.diffgram.settings import Credentials, Server, find_secret
from boxferry.doctor import Level, check_server
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Table = dict[str, str | bool]

ASKED: Final = {
    "host": "Diffgram's address, such as https://diffgram.example.com",
    "project": "Project (the string id in its URL)",
    "client_id": "API key: client id (project settings, API keys)",
}


@click.command("init", cls=Command)
@click.option("--profile", metavar="NAME", help="The profile to write. [default: the one used without --profile]")
@click.option("--host", metavar="URL", help="The server. [env: DIFFGRAM_HOST]")
@click.option("--project", metavar="ID", help="The project's string id. [env: DIFFGRAM_PROJECT]")
@click.option("--packet-path", metavar="PATH", help="The packet call's path, where the server has it elsewhere.")
@click.option("--insecure", is_flag=True, help="Check a host that is not this one over plain http.")
@click.option("--keyring", is_flag=True, help="Keep the secret in the system's keyring, not in the file.")
@click.option("--secret-file", metavar="FILE", help="The file that holds the secret; only its path is written.")
@click.option("--no-check", is_flag=True, help="Write without asking the server.")
def init_command(
    profile: str | None, keyring: bool, secret_file: str | None, no_check: bool, insecure: bool, **given: str | None
) -> int:
    """Write host, project and API key to the configuration file, after checking that the server accepts them.

    What no option and no environment variable gives is asked for on a terminal. The secret is never an option, so that
    no list of processes shows it: it is asked for, or taken from DIFFGRAM_CLIENT_SECRET or --secret-file.
    """
    if keyring and secret_file:
        raise UsageError("--keyring and --secret-file: choose one")
    path = config_path(os.environ)
    known = settings_in(path, profile) if _is_there(profile) else {}
    table = _asked(given, known, needed=not no_check)
    secret = (
        secret_of_file(secret_file, "--secret-file")
        if secret_file
        else _secret({**known, **table}, needed=not no_check)
    )
    if not no_check and (code := _checked(table, secret, insecure=insecure)):
        say(f"nothing was written to {path}; --no-check writes it all the same")
        return code
    _write(path, profile, table, secret, keyring=keyring, secret_file=secret_file)
    option = f" --profile {shlex.quote(profile)}" if profile else ""
    say(f"written: {path}")
    say(f"next: boxferry push SOURCE --images DIR --directory NAME{option} --dry-run")
    return 0


def _is_there(profile: str | None) -> bool:
    return (profile or "default") in profile_names(os.environ)


def _asked(given: Mapping[str, str | None], known: Mapping[str, Any], *, needed: bool) -> Table:
    """The settings but for the secret: from options, the environment, a terminal, or as the file has them."""
    found: Table = {}
    for name, question in ASKED.items():
        value = given.get(name) or os.environ.get(f"DIFFGRAM_{name.upper()}")
        if not value and sys.stdin.isatty():
            value = click.prompt(question, default=known.get(name), err=True)
        value = value or known.get(name)
        if value:
            found[name] = str(value).strip()
        elif needed:
            raise UsageError(f"{_how(name)}: is missing, and there is no terminal to ask on")
    packet_path = given["packet_path"] or known.get("packet_path")
    return found | ({"packet_path": packet_path} if packet_path else {})


def _how(name: str) -> str:
    variable = f"DIFFGRAM_{name.upper()}"
    return variable if name == "client_id" else f"--{name} or {variable}"


def _secret(known: Mapping[str, Any], *, needed: bool) -> str:
    found = os.environ.get("DIFFGRAM_CLIENT_SECRET")
    if not found:
        settings = dict(known)
        find_secret(settings)
        found = settings.get("client_secret")
    if not found and sys.stdin.isatty():
        found = click.prompt("API key: secret", hide_input=True, err=True)
    if not found and needed:
        raise UsageError("DIFFGRAM_CLIENT_SECRET or --secret-file: is missing, and there is no terminal to ask on")
    return str(found or "").strip()


def _checked(table: Table, secret: str, *, insecure: bool) -> int:
    """Ask the server, and say what it answers; gives the exit code of what failed."""
    server = Server(
        host=str(table["host"]),
        project=str(table["project"]),
        credentials=Credentials(str(table["client_id"]), secret),
        insecure=insecure,
        packet_path=str(table.get("packet_path", "")),
    )
    findings = list(check_server(server))
    print_findings(findings)
    return next((each.exit_code for each in findings if each.level is Level.FAILED), 0)


def _write(
    path: Path, profile: str | None, table: Table, secret: str, *, keyring: bool, secret_file: str | None
) -> None:
    if keyring:
        if not (table.get("host") and table.get("client_id") and secret):
            raise UsageError("--keyring: needs host, client id and secret")
        store_in_keyring(str(table["host"]), str(table["client_id"]), secret)
        table["keyring"] = True
    elif secret_file:
        table["client_secret_file"] = str(Path(secret_file).expanduser().absolute())
    elif secret:
        table["client_secret"] = secret
    write_settings(path, profile, table)
