"""The walk of one box, as docs/architecture.md tells it."""

import re
import sys
import threading
from importlib import import_module
from pathlib import Path

from boxferry import read
from sending.pushing import push

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def stops():
    """The functions that the page lists, in its order."""
    return re.findall(r"^\d+\. `([\w.]+)`", PAGE.read_text(), re.MULTILINE)


def code_of(name):
    """The code of a function that is named below `boxferry`, as 'room.module.Class.function'."""
    parts = name.split(".")
    depth = 1 if parts[0] == "project" else 2
    found = import_module(".".join(["boxferry", *parts[:depth]]))
    for part in parts[depth:]:
        found = getattr(found, part)
    return found.__code__


def test_a_push_makes_the_calls_that_the_page_lists(diffgram, folder, served):
    """In that order, each for the first time; no more than twelve."""
    listed = stops()
    wanted, met = {code_of(name): name for name in listed}, []

    def see(frame, event, _):
        if event == "call" and (name := wanted.pop(frame.f_code, None)):
            met.append(name)

    threading.setprofile(see)
    sys.setprofile(see)
    try:
        source = read(folder / "labels", names=["cat", "dog"], images=folder / "images")
        push(diffgram, source, media_url=served + "/{file_name}")
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    draws = "outbox.outbox.Outbox.add"  # begins before what it draws
    assert [name for name in met if name != draws] == [name for name in listed if name != draws]
    assert len(listed) == len(met) <= 12


def test_no_room_is_entered_twice_but_for_a_return():
    """Planning hands its chunk down and goes on with it; delivering goes on with what is stored."""
    rooms = [name.split(".")[0] for name in stops()]
    entered = [room for before, room in zip([None, *rooms], rooms, strict=False) if room != before]
    assert {room: entered.count(room) for room in set(entered) if entered.count(room) > 1} == {"plan": 3, "deliver": 2}
