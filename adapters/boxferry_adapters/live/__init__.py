"""Results that are still in memory: one format for each framework, recognised by what its objects look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.formats import Format
from boxferry.hookspecs import hookimpl
from boxferry_adapters.live import own
from boxferry_adapters.live.frameworks import FRAMEWORKS
from boxferry_adapters.live.read import reader, sniffer

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def boxferry_register_formats(register: Callable[[Format], None]) -> None:
    """Bring the formats in."""
    register(own.FORMAT)
    for framework in FRAMEWORKS:
        summary = f"in memory: {framework.looks_like}"
        register(
            Format(name=framework.name, summary=summary, sniff=sniffer(framework), read=reader(framework), live=True)
        )
