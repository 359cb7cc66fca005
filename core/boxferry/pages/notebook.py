"""How work goes on in a notebook: one bar in the cell's output, drawn anew as it grows."""

from __future__ import annotations

import sys
import threading
import time
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S = 0.2  #: how often a bar is drawn


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, whose output is HTML."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return getattr(running, "kernel", None) is not None


class Bar:
    """A bar in the output of the cell that runs; any thread may draw it."""

    def __init__(self, name: str, unit: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Show nothing yet.

        Args:
            name: what goes on.
            unit: what is counted.
            clock: the time, in seconds.
        """
        self._name, self._unit = name, unit
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0
        self._display: Any = None  # IPython's handle of an output

    def show(self, done: int, total: int, more: str = "") -> None:
        """So many of so many are done; drawn a few times a second, and at the end."""
        with self._lock:
            now = self._clock()
            if now < self._next and done < total:
                return
            self._next = now + EVERY_S
            self._draw(bar_html(self._name, done, total, self._unit, more))

    def _draw(self, html: str) -> None:
        from IPython.display import HTML, display

        if self._display is None:
            self._display = display(HTML(html), display_id=True)
        else:
            self._display.update(HTML(html))


def bar_html(name: str, done: int, total: int, unit: str, more: str = "") -> str:
    """The bar, with its numbers in words beside it."""
    told = escape(f"{name}: {done:,} of {total:,} {unit}" + (f", {more}" if more else ""))
    bar = f'<progress value="{done}" max="{max(total, 1)}" style="width:20em" aria-label="{told}"></progress>'
    return f"<div>{bar} {told}</div>"


class Watch:
    """A progress callback: a bar in a notebook, else nothing."""

    def __init__(self, name: str, unit: str) -> None:
        """Show nothing yet."""
        self._name, self._unit = name, unit
        self._bar: Bar | None = None
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        """So many of so many; where it is fewer than before, something new has begun."""
        if not in_notebook():
            return
        if self._bar is None or done < self._done:
            self._bar = Bar(self._name, self._unit)
        self._done = done
        self._bar.show(done, total)
        if done >= total:
            self._bar = None
