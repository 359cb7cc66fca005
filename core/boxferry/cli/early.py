"""What has to be known before the arguments are parsed: how log lines are written, and where the metrics go.

A mistake in the arguments is a log line too, and a run that failed for it is in the metrics.
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from boxferry.cli.logs import FORMATS
from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

LOG_FORMAT: Final = "log_format"
METRICS_FILE: Final = "metrics_file"
TABLE: Final = "observability"  #: of the configuration file
METERED: Final = ("nightly", "push", "resume")  #: the commands that have --metrics-file
UNMETERED: Final = frozenset({"-h", "--help", "--dry-run"})  #: options with which they do nothing that is measured


class Early(NamedTuple):
    """What was found.

    Attributes:
        command: the command's name; empty where none is named.
        log_format: 'text' or 'json'.
        metrics_file: a path; empty for none.
    """

    command: str
    log_format: str
    metrics_file: str


def early(arguments: Sequence[str], commands: Collection[str], environ: Mapping[str, str] = os.environ) -> Early:
    """The settings that the arguments, else the environment, else the configuration file name.

    Raises:
        ConfigError: one of them is wrong; a wrong option is left to the parser, which says it better.
    """
    command = next((word for word in arguments if word in commands), "")
    found = {name: _given(name, arguments) or environ.get(f"BOXFERRY_{name.upper()}", "") for name in _KEYS}
    if not all(found.values()):
        found = {name: value or _filed(environ).get(name, "") for name, value in found.items()}
    if found[LOG_FORMAT] not in {"", *FORMATS, _given(LOG_FORMAT, arguments)}:
        raise ConfigError(f"BOXFERRY_LOG_FORMAT: '{found[LOG_FORMAT]}', expected one of {', '.join(FORMATS)}")
    metered = command in METERED and UNMETERED.isdisjoint(arguments)
    return Early(command, found[LOG_FORMAT], found[METRICS_FILE] if metered else "")


_KEYS: Final = (LOG_FORMAT, METRICS_FILE)


def _given(name: str, arguments: Sequence[str]) -> str:
    """The last value that an option was given; empty where it was not."""
    flag = f"--{name.replace('_', '-')}"
    found = ""
    for word, after in pairwise([*arguments, ""]):
        option, joined, value = word.partition("=")
        if option == flag:
            found = value if joined else after
    return found


def _filed(environ: Mapping[str, str]) -> dict[str, str]:
    """The table of the configuration file; a file that cannot be read is left to whoever needs its settings.

    Raises:
        ConfigError: the table has other keys, or values that are no texts.
    """
    from boxferry.diffgram.profiles import config_path

    path = config_path(environ)
    if not path.is_file():
        return {}
    import tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get(TABLE, {})
    except (OSError, ValueError):
        return {}
    if not isinstance(table, dict) or not table.keys() <= set(_KEYS) or not all(map(_is_text, table.values())):
        raise ConfigError(f"{path}: expected texts under [{TABLE}]: {', '.join(_KEYS)}")
    if table.get(LOG_FORMAT, FORMATS[0]) not in FORMATS:
        raise ConfigError(f"{path}: {LOG_FORMAT}: '{table[LOG_FORMAT]}', expected one of {', '.join(FORMATS)}")
    return table


def _is_text(value: object) -> bool:
    return isinstance(value, str)
