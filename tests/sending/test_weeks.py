"""A team's weeks, shortened: nights of three models from two machines, reviewers by day, old models retired at the end.

A ledger that knows nothing of references, runs and packets says after each night and each day what every picture holds.
"""

import random
from dataclasses import dataclass, field

import pytest
from PIL import Image as Picture

from boxferry import Diffgram, PushOptions, read
from boxferry.plan.patience import Patience
from boxferry.sandbox.annotating import save
from sending.pushing import boxes_in, server_of

PICTURES = [f"{number}.png" for number in range(5)]
PLACES = [(2 + 16 * number, 10, 16 + 16 * number, 24) for number in range(5)]
MODELS = ["v1", "v1", "v2", "v2", "v3", "v3"]  #: night by night
PATIENCE = Patience(wait_s=20.0, settle_s=0.2, first_pause_s=0.01)


@dataclass
class Page:
    """What one picture should hold.

    Attributes:
        untouched: place → the model whose untouched box is there.
        moved: place → where a person has moved what was there.
        deleted: the places of which a person has deleted a box: none is to come again.
        done: whether a person has completed it: nothing is to change any more.
    """

    untouched: dict = field(default_factory=dict)
    moved: dict = field(default_factory=dict)
    deleted: set = field(default_factory=set)
    done: bool = False

    def night(self, model, places):
        if not self.done:
            self.untouched = {place: model for place in places if place not in self.moved.keys() | self.deleted}

    def boxes(self):
        return sorted([*self.untouched, *self.moved.values()])


class Team:
    """The machines, the server, and the ledger."""

    def __init__(self, sandbox, folder, seed):
        self.sandbox, self.folder, self.chance = sandbox, folder, random.Random(seed)
        self.ledger = {name: Page() for name in PICTURES}
        self.seen = set()
        (folder / "images").mkdir()
        for name in PICTURES:
            Picture.new("RGB", (100, 80), "grey").save(folder / "images" / name)

    def some(self, things, least=1):
        return self.chance.sample(things, self.chance.randint(least, len(things)))

    def night(self, number, outbox):
        """Tonight's predictions on some pictures, pushed by `nightly` from an outbox; the older models give way."""
        labels, model = self.folder / f"night{number}", MODELS[number]
        labels.mkdir()
        for name in self.some(PICTURES, least=3):
            places = self.some(PLACES, least=2)
            rows = [f"0 {(left + 7) / 100} {17 / 80} 0.14 {14 / 80} 0.9" for left, *_ in places]
            (labels / name).with_suffix(".txt").write_text("\n".join(rows))
            self.ledger[name].night(model, places)
            self.seen.add(name)
        older = tuple(dict.fromkeys(each for each in MODELS[:number] if each != model))
        options = PushOptions(
            labels="create", on_existing="replace-own", replaces=older, allow_removals=99, patience=PATIENCE
        )
        with Diffgram(server_of(self.sandbox), outbox=self.folder / outbox) as diffgram:
            report = diffgram.nightly(
                lambda: read(labels, names=["cat"], images=self.folder / "images"),
                directory="Default",
                model=model,
                run=f"night{number}",
                options=options,
            )
        assert report.exit_code == 0, report.as_dict()

    def day(self):
        """Reviewers move and delete boxes on some pictures, and complete one now and then."""
        for name in self.some(sorted(self.seen)):
            page = self.ledger[name]
            if page.done or not page.untouched:
                continue
            file = self.file(name)
            place = self.chance.choice(sorted(page.untouched))
            self.edit(file, page, place, move=len(page.boxes()) == 1 or self.chance.random() < 0.5)
            if self.chance.random() < 0.2:
                page.done = True
                self.sandbox._store.update("file", file["id"], {"ann_is_complete": 1})

    def edit(self, file, page, place, *, move):
        rows = self.sandbox._store.instances(file["id"])
        mine = [row for row in rows if (row["x_min"], row["y_min"], row["x_max"], row["y_max"]) == place]
        others = [row for row in rows if row not in mine]
        save(self.sandbox._store, file, [*others, *([mine[0] | {"x_max": place[2] + 1}] if move else [])])
        del page.untouched[place]
        if move:
            page.moved[place] = (*place[:2], place[2] + 1, place[3])
        else:
            page.deleted.add(place)

    def file(self, name):
        return next(file for file in self.sandbox.files() if file["original_filename"] == name)

    def agree(self, when):
        there = {name: boxes_in(self.sandbox, name) for name in sorted(self.seen)}
        assert there == {name: self.ledger[name].boxes() for name in sorted(self.seen)}, when


@pytest.mark.parametrize("seed", range(2))
def test_every_picture_holds_what_the_ledger_says(sandbox, tmp_path, seed):
    """After each night and day; the second machine loses its outbox halfway; at the end two models are retired."""
    team = Team(sandbox, tmp_path, seed)
    for number in range(len(MODELS)):
        if number == 3:
            (tmp_path / "b.sqlite").unlink()
        team.night(number, "ab"[number % 2] + ".sqlite")
        team.agree(f"night {number}")
        team.day()
        team.agree(f"day {number}")
    with Diffgram(server_of(sandbox), outbox=tmp_path / "new.sqlite") as diffgram:
        for model in ("v2", "v1"):
            for page in team.ledger.values():
                if not page.done:
                    page.untouched = {place: of for place, of in page.untouched.items() if of != model}
            assert diffgram.retire(model, directories=["Default"], remove=True).exit_code == 0
            team.agree(f"{model} retired")
    assert len(sandbox.files()) == len(team.seen)
