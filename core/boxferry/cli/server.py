"""The options that say which server, project and outbox."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import options
from boxferry.cli.number import NumberRange
from boxferry.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.cli.command import Decorator
    from boxferry.diffgram.settings import Server
    from boxferry.project import Diffgram

#: which server, project and outbox; credentials come from the environment or the configuration file only
server_options = options(
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
    click.option(
        "--outbox", metavar="FILE", help="The outbox file. [env: BOXFERRY_OUTBOX; default: in the user's state folder]"
    ),
)


def connections_option(text: str = "Number of parallel requests.") -> Decorator:
    """How many calls are made at a time; `text` is the help."""
    kind = click.IntRange(1, 64)
    return click.option("--parallel", "connections", type=kind, default=4, show_default=True, help=text)


def timeout_option(text: str = "Seconds to wait for the server.") -> Decorator:
    """How long is waited; `text` is the help."""
    return click.option("--timeout", type=NumberRange(0), default=600.0, show_default=True, help=text)


def directories_option(text: str) -> Decorator:
    """One directory on the server, or several; `text` is the help."""
    return click.option("--directory", "directories", multiple=True, metavar="NAME|ID", help=text)


def server_of(given: Mapping[str, Any]) -> Server:
    """The server that the options and the environment name.

    Raises:
        ConfigError: a setting is missing or wrong.
    """
    from boxferry.diffgram.profiles import config_path
    from boxferry.diffgram.settings import only_profile, server_from_env

    if not given["profile"] and (only := only_profile(os.environ, host=given["host"])):
        say(f"profile {only}: the only one of {config_path(os.environ)}")
    names = ("host", "project", "packet_path", "insecure", "profile")
    return server_from_env(os.environ, **{name: given[name] for name in names})


def diffgram_of(given: Mapping[str, Any]) -> Diffgram:
    """The project that the options and the environment name."""
    from boxferry.project import Diffgram

    return Diffgram(server_of(given), outbox=given.get("outbox"), connections=given.get("connections", 4))
