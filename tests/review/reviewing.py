"""A team on a sandbox: machines that push, a person who reviews, and a ledger of what every picture holds.

The ledger is kept from what is done, never from what a server or boxferry says. A box is (label, x1, y1, x2, y2).
"""

import random
from dataclasses import dataclass, field

import requests
from PIL import Image as Picture

from boxferry import Diffgram
from sending.pushing import predictions, push, server_of

SIDE = 200  #: pixels of each picture
CELL = 20
LABELS = ["cat", "dog"]


@dataclass
class Page:
    """What the ledger has of one picture.

    `boxes` has whose each is: a model's name, or 'people'; `seen` is whether people have seen all of them.
    """

    boxes: dict = field(default_factory=dict)
    seen: bool = False
    looked: bool = False
    complete: bool = False
    last: tuple = ("", "")

    def now(self):
        return sorted(self.boxes)


class Team:
    """Pictures `p000.png` and on (or of another suffix), in a folder and on the sandbox."""

    def __init__(self, sandbox, clock, folder, count, seed=1, suffix=".png"):
        self.sandbox, self.clock, self.folder = sandbox, clock, folder
        self.dice = random.Random(seed)
        self.names = [f"p{number:03}{suffix}" for number in range(count)]
        self.ledger = {name: Page() for name in self.names}
        self.nights = 0
        (folder / "images").mkdir(parents=True)
        for name in self.names:
            Picture.new("RGB", (SIDE, SIDE), "grey").save(folder / "images" / name)

    def open(self, machine="one"):
        return Diffgram(server_of(self.sandbox), outbox=self.folder / f"{machine}.sqlite")

    def night(self, diffgram, model, run, names, **options):
        """A model's pass over some pictures: two boxes on each, at places that no other night has."""
        labels = self.folder / f"night{self.nights}" / "labels"
        labels.mkdir(parents=True)
        found = {name: self._predicted(self.nights) for name in names}
        for name, boxes in found.items():
            rows = [_row(box, 0.5 + self.dice.random() / 2) for box in boxes]
            (labels / name).with_suffix(".txt").write_text("".join(rows))
        self.nights += 1
        source = predictions(labels.parent, images=self.folder / "images", names=LABELS)
        report = push(diffgram, source, model=model, run=run, create_empty=False, **options)
        assert report.exit_code == 0, report
        self.clock.pass_(60)
        for name, boxes in found.items():
            self._came(self.ledger[name], model, run, boxes, options.get("on_existing"))

    def _predicted(self, night):
        top = night * CELL
        lefts = self.dice.sample(range(0, SIDE, CELL), 2)
        return [(self.dice.choice(LABELS), x, top, x + CELL - 2, top + CELL - 2) for x in lefts]

    def _came(self, page, model, run, boxes, on_existing):
        if on_existing == "replace-own":
            if page.complete:
                return  # completed pictures are spared
            page.boxes = {box: whose for box, whose in page.boxes.items() if whose != model}
        page.boxes |= dict.fromkeys(boxes, model)
        page.seen, page.last = False, (model, run)

    def retire(self, diffgram, model):
        """The untouched boxes of a model go, where people have not completed the picture."""
        assert diffgram.retire(model, directories=["Default"], remove=True).exit_code == 0
        self.clock.pass_(60)
        for page in self.ledger.values():
            left = {box: whose for box, whose in page.boxes.items() if whose != model}
            if not page.complete and left != page.boxes:
                page.boxes, page.seen = left, False

    def rows(self, name):
        return self._call(name, "list", {})["file_serialized"]["instance_list"]

    def _call(self, name, what, body):
        file = next(file for file in self.sandbox.files() if file["original_filename"] == name)
        path = f"{self.sandbox.host}/api/project/{self.sandbox.project}/file/{file['id']}/annotation/{what}"
        given = {"auth": (self.sandbox.client_id, self.sandbox.client_secret), "timeout": 9}
        return requests.post(path, json={"directory_id": self.sandbox.directory_id} | body, **given).json()

    def review(self, name, *, move=0, delete=0, draw=0, complete=False):
        """A person changes, deletes and draws some boxes, and says "done" or not."""
        page, rows, labels = self.ledger[name], self.rows(name), self._labels()
        self.dice.shuffle(rows)
        for row in rows[:move]:
            was = _box(row, labels)
            row["x_max"] -= 3
            del page.boxes[was]
            page.boxes[_box(row, labels)] = "people"
        for row in rows[move : move + delete]:
            del page.boxes[_box(row, labels)]
        rows = rows[:move] + rows[move + delete :]
        for _ in range(draw):
            left = self.dice.randrange(0, SIDE - 9)
            drawn = {"type": "box", "label_file_id": next(iter(labels)), "machine_made": False}
            drawn |= {"x_min": left, "y_min": SIDE - 9, "x_max": left + 7, "y_max": SIDE - 1}
            rows.append(drawn)
            page.boxes[_box(drawn, labels)] = "people"
        toggles = complete and not page.complete
        self._call(name, "update", {"instance_list": rows, "and_complete": toggles})
        self.clock.pass_(60)
        page.complete = page.complete or complete
        page.looked = True
        page.seen = True

    def _labels(self):
        rows = self.sandbox._store.rows("SELECT id, name FROM label_file ORDER BY id")
        return {row["id"]: row["name"] for row in rows}

    def settled(self):
        """Name → boxes of the pictures that people have seen as they are."""
        return {name: page.now() for name, page in self.ledger.items() if page.seen}


def _row(box, score):
    label, x1, y1, x2, y2 = box
    shares = ((x1 + x2) / 2 / SIDE, (y1 + y2) / 2 / SIDE, (x2 - x1) / SIDE, (y2 - y1) / SIDE)
    return f"{LABELS.index(label)} {' '.join(f'{each:.6f}' for each in shares)} {score:.3f}\n"


def _box(row, labels):
    return (labels[row["label_file_id"]], row["x_min"], row["y_min"], row["x_max"], row["y_max"])
