"""The configuration file: settings of a server under [diffgram], those of others under [profiles.NAME]."""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import stat
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Table = dict[str, Any]

CONFIG_VARIABLE: Final = "DIFFGRAM_CONFIG"
PROFILE_VARIABLE: Final = "DIFFGRAM_PROFILE"
SECRETS: Final = ("client_id", "client_secret")
TEXTS: Final = ("host", "project", *SECRETS, "client_secret_file", "packet_path")
FLAGS: Final = ("keyring",)
NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
HOMELESS: Final = Path("/nonexistent")  #: as Debian has it
DEFAULT: Final = "default"  #: the name by which [diffgram] can be asked for


def config_path(environ: Mapping[str, str]) -> Path:
    """Where the configuration file is: DIFFGRAM_CONFIG, or boxferry/config.toml in the user's configuration folder."""
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    import platformdirs

    try:
        return Path(platformdirs.user_config_path("boxferry")) / "config.toml"
    except RuntimeError:  # a user without a home, as in a container, has no such file
        return HOMELESS / "config.toml"


def settings_in(path: Path, profile: str | None) -> Table:
    """The settings of a profile; without one those under [diffgram].

    Raises:
        ConfigError: the file cannot be read, has unknown keys, or a secret that others can read; or it has no such
            profile.
    """
    tables = _tables(path)
    if profile is None:
        return tables.get(DEFAULT, {})
    if profile not in tables:
        near = difflib.get_close_matches(profile, tables, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else f"; boxferry init --profile {shlex.quote(profile)} makes it"
        raise ConfigError(f"{path}: no profile '{profile}'; there are: {', '.join(tables) or 'none'}{hint}")
    return tables[profile]


def profile_names(environ: Mapping[str, str]) -> list[str]:
    """The profiles of the configuration file.

    Raises:
        ConfigError: as `settings_in`.
    """
    return list(_tables(config_path(environ)))


def _tables(path: Path) -> dict[str, Table]:
    if not path.is_file():
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise ConfigError(f"{path}: expected tables [profiles.NAME]")
    found = {DEFAULT: document["diffgram"]} if "diffgram" in document else {}
    found |= profiles
    for name, table in found.items():
        _check(path, "diffgram" if name == DEFAULT else f"profiles.{name}", table)
    return found


def _check(path: Path, title: str, table: object) -> None:
    known = (*TEXTS, *FLAGS)
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: expected texts under [{title}]: {', '.join(TEXTS)}")
    if unknown := set(table) - set(known):
        raise ConfigError(f"{path}: unknown keys {', '.join(sorted(unknown))}; expected {', '.join(known)}")
    if wrong := [name for name, value in table.items() if not isinstance(value, bool if name in FLAGS else str)]:
        kind = "true or false" if wrong[0] in FLAGS else "texts"
        raise ConfigError(f"{path}: expected {kind} under [{title}]: {', '.join(wrong)}")
    if any(name in table for name in SECRETS) and is_open(path):
        raise ConfigError(f"{path}: holds a secret and can be read by others: chmod 600 {shlex.quote(str(path))}")


def is_open(path: Path) -> bool:
    """Whether other users can read a file."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def write_settings(path: Path, profile: str | None, table: Mapping[str, str | bool]) -> None:
    """Write a profile into the configuration file, for its owner alone; what else is in the file stays as it is.

    Raises:
        ConfigError: a profile cannot have that name, or the file cannot be read.
        OSError: the file cannot be written.
    """
    if profile is not None and (not NAME.fullmatch(profile) or profile == DEFAULT):
        raise ConfigError(f"profile '{profile}': a name has letters, digits, - and _, and is not '{DEFAULT}'")
    _tables(path)
    title = "diffgram" if profile is None else f"profiles.{profile}"
    lines = [f"[{title}]", *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in table.items())]
    text = _with_table(path.read_text(encoding="utf-8") if path.is_file() else "", title, lines)
    _see_parsed(path, text, profile, table)
    _write_private(path, text)


def _with_table(text: str, title: str, table: list[str]) -> str:
    """The file's text with this table in place of the one of its title, or after all others."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    first = next((number for number in starts if lines[number].split("]")[0].strip() == f"[{title}"), None)
    if first is None:
        return "\n".join([*lines, *([""] if lines else []), *table, ""])
    end = next((number for number in starts if number > first), len(lines))
    while end > first + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1  # blank lines and comments belong to what follows
    return "\n".join([*lines[:first], *table, *lines[end:], ""])


def _see_parsed(path: Path, text: str, profile: str | None, table: Mapping[str, str | bool]) -> None:
    """See that the new text says what it should, whatever the file had."""
    document = tomllib.loads(text)
    found = document.get("diffgram") if profile is None else document.get("profiles", {}).get(profile)
    if found != dict(table):
        raise ConfigError(f"{path}: cannot be changed without losing content; edit it in a text editor")


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".config-")  # 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
