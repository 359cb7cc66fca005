"""The options that say which server, project and outbox."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from boxferry.diffgram.settings import Server
    from boxferry.project import Diffgram

_SERVER = (
    click.option(
        "--profile",
        metavar="NAME",
        help="Profile of the configuration file (boxferry init). [env: DIFFGRAM_PROFILE]",
    ),
    click.option("--host", metavar="URL", help="The server's URL. [env: DIFFGRAM_HOST]"),
    click.option("--project", metavar="ID", help="The project's string id. [env: DIFFGRAM_PROJECT]"),
    click.option(
        "--packet-path",
        metavar="PATH",
        help="Path of the packet endpoint, with {project}, if it is not the usual one. [env: DIFFGRAM_PACKET_PATH]",
    ),
    click.option("--insecure", is_flag=True, help="Allow plain http to another machine."),
)
outbox_option = click.option(
    "--outbox", metavar="FILE", help="The outbox file. [env: BOXFERRY_OUTBOX; default: in the user's state folder]"
)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which server. Credentials come from the environment or the configuration file only."""
    for option in reversed(_SERVER):
        command = option(command)
    return command


def server_of(given: Mapping[str, Any]) -> Server:
    """The server that the options and the environment name.

    Raises:
        ConfigError: a setting is missing or wrong.
    """
    from boxferry.diffgram.profiles import config_path
    from boxferry.diffgram.settings import only_profile, server_from_env

    if not given["profile"] and (only := only_profile(os.environ, host=given["host"])):
        say(f"profile {only}: the only one of {config_path(os.environ)}")
    return server_from_env(
        os.environ,
        host=given["host"],
        project=given["project"],
        packet_path=given["packet_path"],
        insecure=given["insecure"],
        profile=given["profile"],
    )


def diffgram_of(given: Mapping[str, Any]) -> Diffgram:
    """The project that the options and the environment name."""
    from boxferry.project import Diffgram

    return Diffgram(server_of(given), outbox=given.get("outbox"), connections=given.get("connections", 4))
