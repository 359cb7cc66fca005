"""Every error that boxferry raises, as one tree; each carries the exit code of the command that it ends.

BoxferryError                1   something went wrong with an item
├── UsageError               2   the request itself is not valid: options that clash, a value out of range
│   ├── OptionError          2   options that contradict each other; named as keyword arguments, or as flags
│   └── ConfigError          2   a setting is missing, unreadable or contradicts another
├── InputError               2   the predictions, or what describes them, cannot be read as what they claim to be
│   ├── SizeDiffers          2   an image is not of the size that a dataset file says it is
│   ├── UnknownFormat        2   no format, or more than one, recognises the input
│   └── UnknownLabel         2   a class or label without a name, or that the server does not have
├── PluginError              2   a plugin breaks the rules: a format name taken twice, a hook that does not exist
├── OutboxError              1   the outbox cannot be opened, read or written
│   └── OutboxBusy           4   another process is sending from the outbox: try again later
├── DiffgramError            1   the server, or the way to it
│   ├── AuthError            3   credentials, role or project are not accepted
│   ├── NotFound             2   a directory, schema or file that was named is not there
│   ├── Refused              1   the server answered no, and said why
│   ├── RateLimited          4   the server says: slower; carries the seconds to wait
│   ├── Unreachable          4   the request did not reach the server: nothing has happened there
│   └── Unsure               4   no answer, or one that proves nothing: the server may or may not have acted
└── StillProcessing          5   the time limit came before the server had finished
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class BoxferryError(Exception):
    """The base of all errors that boxferry raises on purpose; its text is one line for the user.

    Attributes:
        exit_code: what the command line returns when this error ends a command.
    """

    exit_code = 1


class UsageError(BoxferryError):
    """The request itself is not valid."""

    exit_code = 2


class OptionError(UsageError):
    """Options that contradict each other, or a value that is out of its range.

    The message names them as the keyword arguments that they are; `told` names them as others know them.
    """

    def __init__(self, template: str, **facts: object) -> None:
        """Say what is wrong.

        Args:
            template: the message, with each option's name in braces: '{job} cannot be combined with {existing}'.
            facts: what else stands in braces.
        """
        self._template, self._facts = template, facts
        super().__init__(self.told())

    def told(self, named: Callable[[str], str] = str) -> str:
        """The message with each option as `named` calls it: the name of its keyword argument, or its flag."""
        return self._template.format_map(_Names(self._facts, named))

    def __reduce__(self) -> tuple[object, ...]:
        return _option_error, (self._template, self._facts)


def _option_error(template: str, facts: Mapping[str, Any]) -> OptionError:
    return OptionError(template, **facts)


class _Names(dict[str, object]):
    """What stands in the braces of a message; what is missing is the name of an option."""

    def __init__(self, facts: Mapping[str, object], named: Callable[[str], str]) -> None:
        super().__init__(facts)
        self._named = named

    def __missing__(self, name: str) -> str:
        return self._named(name)


class ConfigError(UsageError):
    """A setting is missing, unreadable, or contradicts another."""


class InputError(BoxferryError):
    """The input cannot be read as what it claims to be; the message begins with the place where it is known."""

    exit_code = 2


class SizeDiffers(InputError):
    """An image is not of the size that a dataset file says: boxes made for one do not fit the other."""


class UnknownFormat(InputError):
    """No format, or more than one, recognises the input."""


class UnknownLabel(InputError):
    """A class without a name, or a label that the server does not have.

    Attributes:
        near: each label that the server does not have → the nearest that it has; empty where none is near.
    """

    def __init__(self, message: str, *, near: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.near = dict(near or {})


class PluginError(BoxferryError):
    """A plugin breaks the rules of the door that it came in by."""

    exit_code = 2


class OutboxError(BoxferryError):
    """The outbox cannot be opened, read or written."""


class OutboxBusy(OutboxError):
    """Another process is sending from the outbox; nothing was done, and the same can be tried again later."""

    exit_code = 4


class DiffgramError(BoxferryError):
    """The server, or the way to it.

    Attributes:
        status: the HTTP status of the answer, None where there was none.
        detail: the server's words, whole; the message has one short line of them. Empty where they are the same.
    """

    def __init__(self, message: str, *, status: int | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class AuthError(DiffgramError):
    """Credentials, role or project are not accepted."""

    exit_code = 3


class NotFound(DiffgramError):
    """A directory, schema or file that was named is not on the server."""

    exit_code = 2


class Refused(DiffgramError):
    """The server answered no; the message has its reason."""


class RateLimited(DiffgramError):
    """The server asks for a slower pace.

    Attributes:
        retry_after_s: seconds until it wants to be asked again.
    """

    exit_code = 4

    def __init__(self, message: str, *, retry_after_s: float = 0.0, status: int | None = 429) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class Unreachable(DiffgramError):
    """The request did not reach the server: nothing has happened there, and it may be sent again."""

    exit_code = 4


class Unsure(DiffgramError):
    """The request may or may not have been carried out: ask the server before it is sent again.

    Attributes:
        over: whether the server has ended its work on the request, with an error of its own.
    """

    exit_code = 4

    def __init__(self, message: str, *, status: int | None = None, detail: str = "", over: bool = False) -> None:
        super().__init__(message, status=status, detail=detail)
        self.over = over


class StillProcessing(BoxferryError):
    """The time limit came before the server had finished; everything is in the outbox."""

    exit_code = 5
