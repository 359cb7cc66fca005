"""What a plugin can be asked: every hook, on one screen. The entry-point group is `boxferry`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Format

hookspec = pluggy.HookspecMarker("boxferry")
hookimpl = pluggy.HookimplMarker("boxferry")


def registering(*formats: Format) -> Callable[[Callable[[Format], None]], None]:
    """The hook of a plugin that brings formats: it is assigned to the name `boxferry_register_formats`."""

    @hookimpl
    def boxferry_register_formats(register: Callable[[Format], None]) -> None:
        for each in formats:
            register(each)

    return boxferry_register_formats


@hookspec
def boxferry_register_formats(register: Callable[[Format], None]) -> None:
    """Call `register` once for each format that the plugin brings."""


@hookspec
def boxferry_refine(detections: Detections, context: Mapping[str, Any]) -> Detections | None:
    """Return the chunk that takes this one's place before packets are built, or None to leave it as it is."""


@hookspec
def boxferry_packet_built(packet: bytes, context: Mapping[str, Any]) -> None:
    """Look at a packet's JSON before it is stored in the outbox; what is raised here is logged and stops nothing.

    The context has `model`, `run` and `file_name`.
    """


@hookspec
def boxferry_outcome(outcome: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Look at a packet's new state, whoever sent it; what is raised here is logged and stops nothing.

    The context has `model`, `run` and `packet`, its number in the outbox.
    """
