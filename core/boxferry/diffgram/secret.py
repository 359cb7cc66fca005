"""Where the secret part of a key is kept beside the environment: in a file of its own, or in the system's keyring."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

LONGEST = 10_000  #: characters of a secret's file


def secret_of_file(path: str, setting: str) -> str:
    """The secret in a file: its text without the blanks around it.

    Args:
        path: of the file; ~ is the user's folder.
        setting: what names it, for messages.

    Raises:
        ConfigError: the file cannot be read, or is empty.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigError(f"{setting}: '{path}': {reason}") from None
    if not text or len(text) > LONGEST:
        raise ConfigError(f"{setting}: '{path}' is {'too long for a secret' if text else 'empty'}")
    return text


def secret_of_keyring(host: str, client_id: str) -> str:
    """The secret that the system's keyring holds for a key.

    Raises:
        ConfigError: it is missing, the keyring is locked, or the extra is not installed.
    """
    keyring = _keyring()
    try:
        found = keyring.get_password(_service(host), client_id)
    except keyring.errors.KeyringError as error:
        raise ConfigError(f"the system's keyring cannot be read: {error}") from None
    if not found:
        raise ConfigError(
            f"the system's keyring has no secret for this client id on {host}: store it with boxferry init"
        )
    return str(found)


def store_in_keyring(host: str, client_id: str, secret: str) -> None:
    """Keep a key's secret in the system's keyring.

    Raises:
        ConfigError: it does not take it, or the extra is not installed.
    """
    keyring = _keyring()
    try:
        keyring.set_password(_service(host), client_id, secret)
    except keyring.errors.KeyringError as error:
        raise ConfigError(f"the system's keyring does not take the secret: {error}") from None


def _service(host: str) -> str:
    return f"boxferry {host.strip().rstrip('/')}"


def _keyring() -> ModuleType:
    try:
        import_module("keyring.errors")
        return import_module("keyring")
    except ModuleNotFoundError:
        raise ConfigError("the system's keyring needs an extra: pip install '.[keyring]'") from None
