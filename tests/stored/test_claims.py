"""Whose a stored box is, after any mixture of pushes and people's edits: a ledger that only counts agrees."""

import json
import random
from itertools import product

import msgspec

from boxferry.diffgram.inputs import InputRecord
from boxferry.packets.reference import PREFIX, file_digest
from boxferry.packets.rows import rows
from boxferry.sandbox.annotating import apply_list, save
from boxferry.stored.claims import Claims, divided, reowned
from boxferry.stored.ownership import sorted_rows

NAME = "a.jpg"
PLACES = [(10 * left, 5, 10 * left + 8, 20) for left in range(4)]
RUNS = list(product(("m", "n", "o"), ("1", "2")))


def digest(pair):
    return f"{PREFIX}{file_digest(NAME, *pair)}"


class File:
    """A file on the sandbox, the inputs that were sent to it, and a ledger of who predicted what at which place.

    The ledger knows no reference: place → the runs whose prediction is there. Beside it stand the places where people
    have been, and those that several runs have predicted at one time: one row may stand for them from then on.
    """

    def __init__(self, sandbox, number):
        self.store = sandbox._store
        self.row = {"id": number, "project": sandbox.project, "type": "image"}
        self.label = self.store.insert("label_file", {"project": sandbox.project, "name": "cat", "schema_id": 1})
        self.inputs, self.ledger, self.edited, self.merged = [], {}, set(), set()

    def rows(self):
        return rows(self.store.instances(self.row["id"]))

    def box(self, pair, place):
        corners = dict(zip(("x_min", "y_min", "x_max", "y_max"), place, strict=True))
        reference = f"{digest(pair)}:{','.join(map(str, place))}:cat"
        names = {"model_ref": pair[0], "model_run_ref": pair[1], "creation_ref_id": reference}
        return {"type": "box", "label_file_id": self.label, "machine_made": True, "score": 0.5} | corners | names

    def send(self, mode, boxes):
        assert apply_list(self.store, self.row, mode, boxes) is None
        facts = {"id": len(self.inputs) + 1, "status": "success", "mode": mode, "file_id": self.row["id"]}
        listed = msgspec.Raw(json.dumps({"list": boxes}).encode())
        self.inputs.append(InputRecord(**facts, instance_list=listed))

    def append(self, pair, places):
        new = [place for place in places if pair not in self.ledger.get(place, set())]
        if new:
            self.send("update", [self.box(pair, place) for place in new])
        for place in new:
            self.ledger.setdefault(place, set()).add(pair)

    def replace(self, pair, places, models):
        """As `push --replaces` does it: the models' own boxes go, the new ones come."""
        runs = {run.id: run.reference_id for run in self.runs()}
        found = sorted_rows(self.rows(), file_name=NAME, model=pair[0], runs=runs)
        origins = {digest(each) for each in RUNS if each[0] in models}
        kept = reowned(found, Claims(self.inputs), origins).kept
        listed = [{k: v for k, v in row.items() if v is not None} for row in kept]
        new = [self.box(pair, place) for place in places]
        if listed or new:
            self.send("update_with_existing", [*listed, *new])
            self.ledger = {p: {each for each in there if each[0] not in models} for p, there in self.ledger.items()}
            for place in places:
                self.ledger.setdefault(place, set()).add(pair)

    def runs(self):
        query = "SELECT id, reference_id FROM model_run"
        return [type("Run", (), row) for row in map(dict, self.store.rows(query))]

    def edit(self, place, how):
        """A person moves or deletes what is at a place."""
        rows = [row for row in self.rows() if (row["x_min"], row["y_min"], row["x_max"], row["y_max"]) == place]
        others = [row for row in self.rows() if row not in rows]
        if not rows or not (others or how == "move"):
            return
        moved = [row | {"y_max": 20 + row["id"]} for row in rows] if how == "move" else []
        save(self.store, self.row, [*others, *moved])
        self.edited.add(place)
        self.ledger.pop(place, None)

    def at(self, rows):
        return {(row["x_min"], row["y_min"], row["x_max"], row["y_max"]) for row in rows}


def some(chance, things):
    return chance.sample(things, chance.randint(1, len(things)))


def lived(sandbox, seed):
    """A file after a dozen pushes and edits, in an order that the seed gives."""
    chance, file = random.Random(seed), File(sandbox, 1 + seed)
    for _ in range(12):
        what = chance.random()
        pair = chance.choice(RUNS)
        if what < 0.45:
            file.append(pair, some(chance, PLACES))
        elif what < 0.8:
            file.replace(pair, some(chance, PLACES), {pair[0], *some(chance, ["m", "n", "o"])[:1]})
        else:
            file.edit(chance.choice(PLACES), chance.choice(["move", "delete"]))
        file.merged |= {place for place, there in file.ledger.items() if len(there) > 1}
    return file


def test_what_goes_with_a_run_is_what_the_ledger_says(sandbox):
    """Never a box of another run or of people; and all of the run's alone, where nothing was merged or edited."""
    went = 0
    for seed in range(40):
        file = lived(sandbox, seed)
        for pair in RUNS:
            parts = divided(file.rows(), Claims(file.inputs), {digest(pair)})
            alone = {place for place, there in file.ledger.items() if there == {pair}}
            assert file.at(parts.go) <= alone, f"seed {seed}: nothing goes that is another run's too"
            assert file.at(parts.go) >= alone - file.edited - file.merged, f"seed {seed}: what is the run's alone goes"
            assert all(row["version"] == 1 for row in parts.go), f"seed {seed}: nothing goes that people have changed"
            went += len(parts.go)
        assert file.at(file.rows()) >= {place for place, there in file.ledger.items() if there}, f"seed {seed}"
    assert went > 15, "the seeds leave boxes that go"
