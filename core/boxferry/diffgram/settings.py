"""Which server and project, and who asks: from options, the environment, or a configuration file."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from boxferry.diffgram.profiles import (
    DEFAULT,
    PROFILE_VARIABLE,
    SECRETS,
    TEXTS,
    config_path,
    profile_names,
    settings_in,
)
from boxferry.diffgram.secret import secret_of_file, secret_of_keyring
from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("host", "project", *SECRETS)
OPTIONS = (
    "host",
    "project",
    "packet_path",
)  #: the settings that the command line takes; secrets would show in a list of processes


@dataclass(frozen=True)
class Credentials:
    """An API key of a project; both parts are omitted from `repr()`.

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
                what = "has blanks or characters beyond ASCII" if value else "is empty"
                raise ConfigError(f"{_variable(name)}: {what}; copy the key again from the project's settings")
        if ":" in self.client_id:
            raise ConfigError(f"{_variable('client_id')}: contains a colon; give the id without the secret")


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
            raise ConfigError("project: is empty; give the project's string id, as in its URL")
        _check_path(self.packet_path)


def _check_path(path: str) -> None:
    if path and not (
        path.startswith("/") and path.count("{project}") == 1 and "{" not in path.replace("{project}", "")
    ):
        expected = "expected a path with the project in it, as in /api/walrus/v1/project/{project}/input/packet"
        raise ConfigError(f"packet path '{path}': {expected}")


def _check_host(host: str, *, insecure: bool) -> None:
    if "@" in host:  # not shown: what stands before it may be a password
        raise ConfigError("host: the URL must not hold credentials; use DIFFGRAM_CLIENT_ID and _SECRET")
    try:
        parts = urlsplit(host)
        hostname, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"host '{host}': {error}; expected a URL, as in https://diffgram.example.com") from None
    wrong = parts.query or parts.fragment or any(character.isspace() for character in host)
    if parts.scheme not in {"http", "https"} or not hostname or wrong:
        hint = "; https:// is missing" if "://" not in host else ""
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
    profile: str | None = None,
) -> Server:
    """The server that the options, then the environment, then the configuration file name.

    Args:
        environ: DIFFGRAM_HOST, DIFFGRAM_PROJECT, DIFFGRAM_CLIENT_ID, DIFFGRAM_CLIENT_SECRET or
            DIFFGRAM_CLIENT_SECRET_FILE, DIFFGRAM_PACKET_PATH; DIFFGRAM_CONFIG is the path of the configuration file, by
            default 'boxferry/config.toml' in the user's configuration folder, DIFFGRAM_PROFILE the name of a profile in
            it. The file is TOML with the keys host, project, client_id, client_secret (or client_secret_file, or
            keyring = true), packet_path under [diffgram], or under [profiles.NAME].
        host: overrides the environment.
        project: likewise.
        packet_path: likewise.
        insecure: see `Server`.
        profile: a profile of the configuration file, whose settings override the environment; where none is named, see
            `only_profile`.

    Raises:
        ConfigError: a setting is missing or wrong, or the file cannot be read or holds a secret that others can read.
    """
    options = {"host": host, "project": project, "packet_path": packet_path}
    only = None if profile else only_profile(environ, host=host)
    found = _merged(environ, profile or only) | {name: value for name, value in options.items() if value}
    find_secret(found)
    if missing := [name for name in NEEDED if not found.get(name)]:
        raise ConfigError(f"missing settings: {_how_to_give(missing)}; {_where_to_give(environ, profile)}")
    return Server(
        host=found["host"],
        project=found["project"],
        credentials=Credentials(found["client_id"], found["client_secret"]),
        insecure=insecure,
        packet_path=found.get("packet_path", ""),
    )


def only_profile(environ: Mapping[str, str], *, host: str | None = None) -> str | None:
    """The profile that is used though none is named: the only one of a configuration file that has nothing else.

    Where the environment names a server or a key, or `host` is another server than the profile's, that is what was
    meant: a profile's key goes to its own server.

    Raises:
        ConfigError: the file cannot be read.
    """
    if environ.get(PROFILE_VARIABLE) or any(environ.get(_variable(name)) for name in (*NEEDED, "client_secret_file")):
        return None
    names = profile_names(environ)
    if len(names) != 1 or names == [DEFAULT]:
        return None
    theirs = settings_in(config_path(environ), names[0]).get("host")
    return names[0] if host in {None, theirs} else None


def _where_to_give(environ: Mapping[str, str], profile: str | None) -> str:
    """Where missing settings can be given; where the file has profiles and none is named, that one has to be chosen."""
    path, names = config_path(environ), [name for name in profile_names(environ) if name != DEFAULT]
    if names and not profile and not environ.get(PROFILE_VARIABLE):
        return f"choose a profile of {path} with --profile or {PROFILE_VARIABLE}: {', '.join(names)}"
    return f"run boxferry init, or write them under [diffgram] in {path}"


def _merged(environ: Mapping[str, str], profile: str | None) -> dict[str, str]:
    """The settings of the environment and the file; a profile that was named as an option overrides the environment."""
    filed = settings_in(config_path(environ), profile or environ.get(PROFILE_VARIABLE) or None)
    given = {name: environ[_variable(name)] for name in TEXTS if environ.get(_variable(name))}
    first, second = (filed, given) if profile else (given, filed)
    secrets = ("client_secret", "client_secret_file", "keyring")
    other = {name: value for name, value in second.items() if not (name in secrets and any(map(first.get, secrets)))}
    return {**other, **first}


def find_secret(found: dict[str, Any]) -> None:
    """Read the secret from its file or the keyring, where it does not stand among the settings itself.

    Raises:
        ConfigError: it cannot be read.
    """
    if found.get("client_secret"):
        return
    if path := found.get("client_secret_file"):
        found["client_secret"] = secret_of_file(path, _variable("client_secret_file"))
    elif found.get("keyring") and found.get("host") and found.get("client_id"):
        found["client_secret"] = secret_of_keyring(found["host"], found["client_id"])


def _variable(name: str) -> str:
    return f"DIFFGRAM_{name.upper()}"


def _how_to_give(names: list[str]) -> str:
    return ", ".join(f"--{name} or {_variable(name)}" if name in OPTIONS else _variable(name) for name in names)
