"""Which server and project, and who asks: from options, the environment, or a configuration file."""

from __future__ import annotations

import ipaddress
import os
import shlex
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_VARIABLE = "DIFFGRAM_CONFIG"
SECRETS = ("client_id", "client_secret")
NEEDED = ("host", "project", *SECRETS)
SETTINGS = (*NEEDED, "packet_path")
OPTIONS = (
    "host",
    "project",
    "packet_path",
)  #: the settings that the command line takes; secrets would show in a list of processes


@dataclass(frozen=True)
class Credentials:
    """An API key of a project; its `repr` shows neither part.

    Attributes:
        client_id: the key's public part.
        client_secret: its secret part.

    Raises:
        ConfigError: one of them is empty, or has characters that no key has: they were not copied as they are.
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        for name in SECRETS:
            value = getattr(self, name)
            if not value or not all("!" <= character <= "~" for character in value):
                what = "has blanks, or characters beyond ASCII" if value else "is empty"
                raise ConfigError(f"{_variable(name)}: {what}; copy the key again from the project's settings")
        if ":" in self.client_id:
            raise ConfigError(f"{_variable('client_id')}: has a colon, which no id has; is it the id and the secret?")


@dataclass(frozen=True, kw_only=True)
class Server:
    """One project on one server.

    Attributes:
        host: 'https://diffgram.example.com', a path prefix is kept; without the slash at the end.
        project: the project's string id, as in its URL.
        credentials: who asks.
        insecure: send the credentials over plain http to another machine.
        packet_path: the path of the packet call with '{project}' in it, for a server that has it elsewhere; empty for
            the one that servers answer to.

    Raises:
        ConfigError: the host is no http(s) URL, credentials would travel in the open, or the path is none.
    """

    host: str
    project: str
    credentials: Credentials
    insecure: bool = False
    packet_path: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", self.host.strip().rstrip("/"))
        _check_host(self.host, insecure=self.insecure)
        if not self.project.strip():
            raise ConfigError("project: is empty; expected the project's string id, as in its URL")
        _check_path(self.packet_path)


def _check_path(path: str) -> None:
    if path and not (
        path.startswith("/") and path.count("{project}") == 1 and "{" not in path.replace("{project}", "")
    ):
        expected = "expected a path with the project in it, as in /api/walrus/v1/project/{project}/input/packet"
        raise ConfigError(f"packet path '{path}': {expected}")


def _check_host(host: str, *, insecure: bool) -> None:
    if "@" in host:  # not shown: what stands before it may be a password
        raise ConfigError("host: credentials do not belong into the URL; use DIFFGRAM_CLIENT_ID and _SECRET")
    try:
        parts = urlsplit(host)
        hostname, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"host '{host}': {error}; expected a URL, as in https://diffgram.example.com") from None
    wrong = parts.query or parts.fragment or any(character.isspace() for character in host)
    if parts.scheme not in {"http", "https"} or not hostname or wrong:
        hint = "; without https:// it is none" if "://" not in host else ""
        raise ConfigError(f"host '{host}': expected a URL, as in https://diffgram.example.com{hint}")
    if parts.scheme == "http" and not (insecure or is_loopback(hostname)):
        raise ConfigError(f"host '{host}': credentials would travel unencrypted; use https, or pass --insecure")


def is_loopback(hostname: str) -> bool:
    """Whether a host name is this machine."""
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"


def server_from_env(
    environ: Mapping[str, str],
    *,
    host: str | None = None,
    project: str | None = None,
    packet_path: str | None = None,
    insecure: bool = False,
) -> Server:
    """The server that the options, then the environment, then the configuration file name.

    Args:
        environ: DIFFGRAM_HOST, DIFFGRAM_PROJECT, DIFFGRAM_CLIENT_ID, DIFFGRAM_CLIENT_SECRET, DIFFGRAM_PACKET_PATH;
            DIFFGRAM_CONFIG is the path of the configuration file, a TOML file with the keys host, project, client_id,
            client_secret, packet_path under [diffgram]; by default 'boxferry/config.toml' in the user's configuration
            folder.
        host: goes before the environment.
        project: likewise.
        packet_path: likewise.
        insecure: see `Server`.

    Raises:
        ConfigError: a setting is missing or wrong, or the file cannot be read or holds a secret that others can read.
    """
    filed = _filed(_config_path(environ))
    found = {name: environ.get(_variable(name)) or filed.get(name, "") for name in SETTINGS}
    found |= {
        name: value for name, value in (("host", host), ("project", project), ("packet_path", packet_path)) if value
    }
    if missing := [name for name in NEEDED if not found[name]]:
        raise ConfigError(f"missing settings: {_how_to_give(missing)}; or under [diffgram] in {_config_path(environ)}")
    credentials = Credentials(found["client_id"], found["client_secret"])
    return Server(
        host=found["host"],
        project=found["project"],
        credentials=credentials,
        insecure=insecure,
        packet_path=found["packet_path"],
    )


def _variable(name: str) -> str:
    return f"DIFFGRAM_{name.upper()}"


def _how_to_give(names: list[str]) -> str:
    return ", ".join(f"--{name} or {_variable(name)}" if name in OPTIONS else _variable(name) for name in names)


def _config_path(environ: Mapping[str, str]) -> Path:
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_config_path("boxferry")) / "config.toml"


def _filed(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("diffgram", {})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ConfigError(f"{path}: expected texts under [diffgram]: {', '.join(SETTINGS)}")
    if unknown := set(table) - set(SETTINGS):
        raise ConfigError(f"{path}: unknown keys {', '.join(sorted(unknown))}; expected {', '.join(SETTINGS)}")
    if (
        any(name in table for name in SECRETS)
        and os.name == "posix"
        and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ):
        raise ConfigError(f"{path}: holds a secret and can be read by others: chmod 600 {shlex.quote(str(path))}")
    return table
