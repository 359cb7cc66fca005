"""Calls into plugins: what a stranger raises ends as an error with its name, also what would end the program."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boxferry.errors import BoxferryError, PluginError
from boxferry.formats import Format, Option
from boxferry.stopping import Terminated

if TYPE_CHECKING:
    from collections.abc import Callable

ENDING = (SystemExit, KeyboardInterrupt, GeneratorExit)


@contextmanager
def contained() -> Iterator[None]:
    """Turn what would end the program into a PluginError, unless it is a Ctrl-C, or SIGTERM.

    Raises:
        PluginError: the stranger raised SystemExit or KeyboardInterrupt itself.
    """
    pressed: list[int] = []

    def interrupt(number: int, frame: Any) -> None:  # noqa: ANN401 # the signal module's own
        pressed.append(number)
        signal.default_int_handler(number, frame)

    watched = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if watched:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except ENDING as error:
        if pressed or isinstance(error, Terminated) or (isinstance(error, KeyboardInterrupt) and not watched):
            raise
        raise PluginError(described(error)) from None
    finally:
        if watched:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def described(error: BaseException) -> str:
    """An error of a stranger in one line, whatever its text is."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 # its text is the stranger's, too
        text = "(an error without a text)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def checked(offered: object) -> Format:
    """What a plugin registered, where it is a format.

    Raises:
        PluginError: it is none, or a part of it is not of the kind that it has to be.
    """
    if not isinstance(offered, Format):
        raise PluginError(f"registered {type(offered).__name__}, expected a Format")
    given: Any = offered  # of a stranger: its parts are not what their annotations say
    named = isinstance(given.name, str) and given.name.replace("-", "").replace("_", "").isalnum()
    if not named or not isinstance(given.summary, str):
        raise PluginError(
            f"registered a format called {given.name!r:.60}, expected a word, and a line that says what it is"
        )
    parts = {"read": given.read, "write": given.write, "catalog": given.catalog, "stumble": given.stumble}
    if not callable(given.sniff) or any(part is not None and not callable(part) for part in parts.values()):
        raise PluginError(f"format '{given.name}': sniff, read, write, catalog and stumble must be functions")
    if not isinstance(given.options, tuple) or not all(isinstance(each, Option) for each in given.options):
        raise PluginError(f"format '{given.name}': options must be a tuple of Option")
    return offered


def guarded(fmt: Format, owner: str) -> Format:
    """The format, whose functions raise a PluginError with the owner's name in place of what they should not raise."""
    wrap = _Wrapped
    return replace(
        fmt,
        sniff=wrap(fmt.sniff, owner),
        read=wrap(fmt.read, owner) if fmt.read else None,
        write=wrap(fmt.write, owner) if fmt.write else None,
        catalog=wrap(fmt.catalog, owner) if fmt.catalog else None,
        stumble=wrap(fmt.stumble, owner) if fmt.stumble else None,
    )


class _Wrapped:
    """A stranger's function."""

    def __init__(self, function: Callable[..., Any], owner: str) -> None:
        self._function = function
        self._owner = owner

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401 # as the function
        with self._named():
            found = self._function(*arguments)
        return self._each(found) if isinstance(found, Iterator) else found

    def _each(self, found: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self._named():
                value = next(found, self)
            if value is self:
                return
            yield value

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            with contained():
                yield
        except PluginError as error:
            raise PluginError(f"{self._owner}: {error}") from error
        except (BoxferryError, OSError):
            raise
        except Exception as error:
            raise PluginError(f"{self._owner}: {described(error)}") from error
