"""Nights of pushes by a model that changes, days of people between them: what people decided stays decided."""

import random
from collections import Counter

import numpy as np
import pytest

from boxferry import Diffgram, read
from boxferry.boxes.geometry import iou_pairs
from boxferry.packets.reference import parsed
from boxferry.sandbox.annotating import save
from filled import fill
from sending.pushing import push, server_of
from stored.deciding import at, corners

FILES, NIGHTS = 8, 4
CELL, SIZE = 160, (640, 480)
CELLS = [(x, y) for x in range(4) for y in range(3)]
NAMES = ["cat", "dog"]
SETTLED = CELLS[0]  # the model always sees a cat there, a little elsewhere each night, and people leave it


def spot(cell, rng, shift=0):
    """A box of 80x80 in a cell, up to two pixels off: any two overlap by 0.8 or more, a moved one by less than 0.6."""
    left, top = CELL * cell[0] + 40 + shift, CELL * cell[1] + 40
    return (*(edge + rng.randint(-2, 2) for edge in (left, top)), left + 80, top + 80)


def seen_at_night(night, rng):
    """What the model predicts of one file: a label and a place in most cells."""
    settled = ("cat", (40 + night % 3, 40, 120, 120 + night))
    cells = [cell for cell in CELLS[1:] if rng.random() < 0.7]
    return [settled, *((rng.choices(NAMES, (4, 1))[0], spot(cell, rng)) for cell in cells)]


def cell_of(box):
    return (box[0] + box[2]) // 2 // CELL, (box[1] + box[3]) // 2 // CELL


def overlap(one, other):
    return float(iou_pairs(np.array([one], float), np.array([other], float))[0])


class People:
    """What people do, and what is remembered of it: written down from what they do alone, not from the code's rules."""

    def __init__(self, sandbox, ids, rng):
        self.store, self.rng = sandbox._store, rng
        self.files = {file_id: self.store.row("SELECT * FROM file WHERE id = ?", file_id) for file_id in ids}
        self.labels = {row["name"]: row["id"] for row in self.store.rows("SELECT id, name FROM label_file")}
        self.named = {number: name for name, number in self.labels.items()}
        self.deleted = {file_id: [] for file_id in ids}

    def work(self):
        for file_id in self.files:
            rows = self.store.instances(file_id)
            saved = [change for row in rows if (change := self._changed(file_id, row))]
            free = [cell for cell in CELLS[1:] if cell not in {cell_of(corners(row)) for row in rows}]
            if free and self.rng.random() < 0.5:
                label = self.labels[self.rng.choice(NAMES)]
                place = at(spot(self.rng.choice(free), self.rng))
                saved.append({"type": "box", "label_file_id": label, "machine_made": False} | place)
            save(self.store, self.files[file_id], saved)

    def _changed(self, file_id, row):
        """A box as a person saves it; None for one that the person deletes."""
        box, what = corners(row), self.rng.choices(["leave", "move", "relabel", "delete"], (6, 1, 1, 1))[0]
        if what == "leave" or cell_of(box) == SETTLED:
            return row
        if what == "delete":
            if sent := parsed(row["creation_ref_id"]):
                self.deleted[file_id].append((sent.label, sent.corners))
            return None
        if what == "move":
            return row | at(spot(cell_of(box), self.rng, 25)) | {"machine_made": False}
        other = self.labels[NAMES[1 - NAMES.index(self.named[row["label_file_id"]])]]
        return row | {"label_file_id": other, "machine_made": False}

    def rows(self, file_id):
        return [row for row in self.store.instances(file_id) if not row["machine_made"]]

    def answer(self, file_id, label, box):
        """Why a prediction is not to be sent; empty where people have not decided about it.

        One that is about a prediction which people have left open, rather than about what they decided, is sent.
        """
        have, turned_down = [0.0], [0.0]
        for row in self.rows(file_id):
            sent = parsed(row["creation_ref_id"])
            overlaps = [overlap(box, place) for place in [corners(row), *([sent.corners] if sent else [])]]
            if label == self.named[row["label_file_id"]]:
                have += overlaps
            elif sent and label == sent.label:
                turned_down += overlaps
        gone = [overlap(box, place) for was, place in self.deleted[file_id] if label == was]
        left_open = [
            overlap(box, corners(row))
            for row in self.store.instances(file_id)
            if row["machine_made"] and label == self.named[row["label_file_id"]]
        ]
        if (best := max(left_open, default=0)) >= 0.7 and best > max(*have, *turned_down):
            return ""
        if max(have) >= 0.7:
            return "people-have-it"
        return "rejected-before" if max([*turned_down, *gone]) >= 0.7 else ""


@pytest.mark.parametrize("seed", range(2))
def test_what_people_did_survives_the_nights_and_nothing_else_is_left_out(sandbox, clock, tmp_path, seed):
    """Whichever of two machines pushes: people's rows stay to the last field, and what is new to them is sent."""
    rng = random.Random(seed)
    ids = fill(sandbox, FILES)
    machines = [Diffgram(server_of(sandbox), outbox=tmp_path / f"{number}.sqlite") for number in range(2)]
    people = None
    for night in range(NIGHTS):
        seen = {file_id: seen_at_night(night, rng) for file_id in ids}
        before = {file_id: people.rows(file_id) for file_id in ids} if people else {key: [] for key in ids}
        answers = {
            (file_id, index): people.answer(file_id, *each) if people else ""
            for file_id, found in seen.items()
            for index, each in enumerate(found)
        }
        report = pushed(machines[night % 2], tmp_path, seen, night)
        assert report.exit_code == 0, report.as_dict()
        assert report.tally.dropped == Counter(filter(None, answers.values()))
        people = people or People(sandbox, ids, rng)
        for file_id in ids:
            assert people.rows(file_id) == before[file_id]
            asked = [each for index, each in enumerate(seen[file_id]) if not answers[file_id, index]]
            rows = [row for row in people.store.instances(file_id) if row["machine_made"]]
            assert sorted((people.named[row["label_file_id"]], corners(row)) for row in rows) == sorted(asked)
        clock.pass_(8 * 3600)
        people.work()
        clock.pass_(16 * 3600)
    for machine in machines:
        machine.close()


def pushed(diffgram, folder, seen, night):
    """A run of the night, of all files."""
    labels = folder / f"night{night}"
    labels.mkdir()
    for number, boxes in enumerate(seen.values()):
        rows = [f"{NAMES.index(label)} {numbers(box)} 0.9\n" for label, box in boxes]
        (labels / f"{number:06}.txt").write_text("".join(rows))
    source = read(labels, format="yolo", names=NAMES, size=f"{SIZE[0]}x{SIZE[1]}")
    more = {"existing": True, "on_existing": "replace-own", "allow_removals": 999}
    return push(diffgram, source, run=f"night{night}", **more)


def numbers(box):
    """A box as YOLO writes it."""
    left, top, right, bottom = box
    sides = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
    return " ".join(str(side / SIZE[index % 2]) for index, side in enumerate(sides))
