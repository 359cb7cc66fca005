"""What one program run shares between its commands: the plugins, loaded at the first need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxferry.plugins import Plugins


@dataclass
class Session:
    """The state of one program run.

    Attributes:
        disabled: the plugins to leave out; None leaves the choice to the environment.
        quiet: write data and errors only.
    """

    disabled: tuple[str, ...] | None = None
    quiet: bool = False

    @cached_property
    def plugins(self) -> Plugins:
        """The installed plugins."""
        from boxferry.plugins import plugin_manager

        return plugin_manager(disabled=self.disabled)
