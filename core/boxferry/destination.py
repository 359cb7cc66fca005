"""What the rooms of sending and of the review know of a server: the seam at which a second kind of server would stand.

They import it from here, and nothing from `diffgram/`; that package alone speaks HTTP and knows Diffgram's JSON.

* labels, files, inputs, runs: `Client`, which asks and sends, with its typed answers;
* bulk reads: `Bulk`, and from how many files on they pay (`few`, FEW, SIZES_SHARE, BOXES_SHARE, LIST_LIMIT, NO_LIMIT);
* what it takes: the rules of names, labels and media (`name_problem`, …);
* lookup: what its record of an input means (`input_state`, `InputState`, `begun`, `reason_of`, `short`), what to do
  about a refusal (`remedy_of`), its clock (`moment`);
* rows: stored boxes and shapes, typed, and the values of attributes (`Instance`, `instance`, `figure_of`, …).

What a packet looks like is `packets/`. docs/architecture.md has the thought experiment.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxferry.diffgram.answers import (
        AttributeGroup,
        Directory,
        FileRecord,
        ImageRecord,
        ModelRun,
        Schema,
        ViewedFile,
        moment,
    )
    from boxferry.diffgram.attribute_values import AttributeValue, attribute_value
    from boxferry.diffgram.bulk import BOXES_SHARE, FEW, SIZES_SHARE, Bulk, StoredFile, few
    from boxferry.diffgram.client import LIST_LIMIT, NO_LIMIT, Client
    from boxferry.diffgram.figures import PLAIN, Corners, Ring, around, figure_of
    from boxferry.diffgram.inputs import InputRecord, UploadAnswer
    from boxferry.diffgram.instances import Instance, instance, reference_of
    from boxferry.diffgram.meanings import State as InputState
    from boxferry.diffgram.meanings import begun, input_state, reason_of, remedy_of, short
    from boxferry.diffgram.names import label_problem, media_problem, name_problem, server_name, text_problem
    from boxferry.diffgram.settings import Server

_HOMES = {
    "answers": (
        "AttributeGroup", "Directory", "FileRecord", "ImageRecord", "ModelRun", "Schema", "ViewedFile", "moment",
    ),
    "attribute_values": ("AttributeValue", "attribute_value"),
    "bulk": ("BOXES_SHARE", "FEW", "SIZES_SHARE", "Bulk", "StoredFile", "few"),
    "client": ("LIST_LIMIT", "NO_LIMIT", "Client"),
    "figures": ("PLAIN", "Corners", "Ring", "around", "figure_of"),
    "inputs": ("InputRecord", "UploadAnswer"),
    "instances": ("Instance", "instance", "reference_of"),
    "meanings": ("InputState", "begun", "input_state", "reason_of", "remedy_of", "short"),
    "names": ("label_problem", "media_problem", "name_problem", "server_name", "text_problem"),
    "settings": ("Server",),
}  # fmt: skip
_MODULES = {name: f"boxferry.diffgram.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what is asked for alone: to convert a file needs no HTTP."""
    if name not in _MODULES:
        raise AttributeError(f"module 'boxferry.destination' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), "State" if name == "InputState" else name)
