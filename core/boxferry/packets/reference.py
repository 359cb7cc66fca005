"""The reference of a box: the same for the same prediction however often it is pushed, and recognisable as ours."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

PREFIX = "boxferry:"


def file_digest(file_name: str, model: str, run: str) -> str:
    """16 hexadecimal digits for one file, model and run; computed once a file, not once a box.

    Args:
        file_name: the name that the file has, or will have, on the server.
        model: the model's name.
        run: the run's name.
    """
    parts = "".join(f"{len(part)}:{part}" for part in (file_name, model, run))
    return blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def box_reference(digest: str, label: str, corners: tuple[int, int, int, int]) -> str:
    """The `creation_ref_id` of a box, 'boxferry:<digest>:<x_min>,<y_min>,<x_max>,<y_max>:<label>'.

    It follows the server's own notion of the same box (file, label and the four integers; and model and run, which the
    digest holds), not the score: a prediction keeps its reference at whatever threshold it is pushed.
    """
    x_min, y_min, x_max, y_max = corners
    return f"{PREFIX}{digest}:{x_min},{y_min},{x_max},{y_max}:{label}"


def is_ours(reference: str | None) -> bool:
    """Whether a stored box bears a reference made here, rather than one of the web interface or none."""
    return reference is not None and reference.startswith(PREFIX)


class _Box(msgspec.Struct):
    creation_ref_id: str = ""


class _Packet(msgspec.Struct):
    instance_list: list[_Box] = []


def references_in(body: bytes) -> set[str]:
    """The references of the boxes in a packet's JSON."""
    return {box.creation_ref_id for box in msgspec.json.decode(body, type=_Packet).instance_list}


def origin(reference: str) -> str:
    """What a reference says of file, model and run: the same for all boxes of one packet; empty for one not ours."""
    return reference[: reference.index(":", len(PREFIX))] if is_ours(reference) else ""


def label_of(reference: str) -> str:
    """The label in a reference made here."""
    return reference.split(":", 3)[3]
