"""People's edits between pushes: fates are exactly the edits made, and none is a person's where a push did it."""

import json
import os
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from boxferry import Diffgram, PushOptions, read
from boxferry.packets.contents import references_in
from boxferry.plan.patience import Patience
from boxferry.review.judged import PEOPLES
from boxferry.sandbox.annotating import save
from boxferry.sandbox.boxes import same_box
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from filled import fill
from sending.pushing import server_of

COUNT = os.environ.get(
    "BOXFERRY_INTERLEAVED"
)  #: how many histories are tried; where it is left out, always the same few
EXAMPLES = int(COUNT or 4)
FILES = 3
LABELS = ("cat", "dog", "bird")
PATIENT = Patience(wait_s=20.0, settle_s=0.2, first_pause_s=0.01)
STEP_S = 60.0  #: between a push and what people do

BOXES = st.lists(st.tuples(st.integers(0, 4), st.sampled_from((0, 6)), st.integers(0, 1)), max_size=4, unique=True)
PUSHES = st.fixed_dictionaries(
    {
        "run": st.sampled_from(("one", "two")),
        "model": st.sampled_from(("m", "m", "n")),
        "mode": st.sampled_from(("append", "replace-own", "replace-own")),
        "machine": st.sampled_from(("here", "here", "there")),
        "boxes": st.lists(BOXES, min_size=FILES, max_size=FILES),
        "named": st.booleans(),
    }
)
ACTS = st.tuples(st.sampled_from(("move", "relabel", "delete", "draw", "done", "delete", "done")), st.integers(0, 7))
REVIEWS = st.lists(st.lists(ACTS, max_size=2), min_size=FILES, max_size=FILES)
HISTORIES = st.lists(st.one_of(PUSHES, REVIEWS), min_size=2, max_size=6)


@dataclass
class Truth:
    """What happened to one box that a run sent, as the sandbox's own rows tell.

    Attributes:
        row: the row that it is in now; None where it is gone.
        fate: what people, or a push, did to it so far.
        seen: whether people have acted on the file since it came.
        done: whether they have completed it since: what else they did can be undone without a trace.
        blurred: whether a packet of another machine came onto the file since: it does not know what people did before.
        again: whether an equal box of another push came after people deleted it: of equal boxes it cannot be told which
            one people left or deleted since.
        split: the row that it shared with an equal box when people changed one of the two and left the other: both then
            have rows of one reference and root; 0 where they did not.
        unclear: whether one of those rows was deleted or changed later: the server does not tell which of the two it
            was, nor whether people had deleted one before they changed the other.
    """

    row: int | None
    fate: str = "unreviewed"
    seen: bool = False
    done: bool = False
    blurred: bool = False
    again: bool = False
    split: int = 0
    unclear: bool = False

    @property
    def told(self):
        return "kept" if self.fate == "unreviewed" and self.seen else self.fate

    def fits(self, fate, *, exact):
        """Whether a fate is the truth; where that cannot be known, it is at least no person's that is not."""
        if fate == self.told:
            return True
        if self.again and fate in {"unreviewed", "replaced"}:
            return True
        unknown = self.told == "kept" and not self.done
        return fate not in PEOPLES and (unknown or not exact)


@dataclass
class World:
    """A sandbox whose clock can be set forward, and the outboxes of two machines."""

    sandbox: Sandbox
    here: Diffgram
    there: Diffgram
    folder: object
    labels: dict = field(default_factory=dict)
    number: int = 0


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder, clock = tmp_path_factory.mktemp("interleaved"), Clock()
    with (
        Sandbox(folder / "sandbox", clock=clock) as sandbox,
        Diffgram(server_of(sandbox), outbox=folder / "here.sqlite") as here,
        Diffgram(server_of(sandbox), outbox=folder / "there.sqlite") as there,
    ):
        schema = here._client.schemas()[0].id
        labels = {name: here._client.create_label(name, schema_id=schema) for name in LABELS}
        yield World(sandbox, here, there, folder, labels)


class History:
    """Carries out pushes and reviews, and keeps the truth of each box from the sandbox's rows alone."""

    def __init__(self, world):
        world.number += 1
        self.world, self.store = world, world.sandbox._store
        self.directory = self.store.insert("directory", {"project": "sandbox", "nickname": f"d{world.number}"})
        self.ids = fill(world.sandbox, FILES, directory_id=self.directory)
        self.boxes = {file_id: {} for file_id in self.ids}  # file → (model, run, reference) → its truth
        self.added = {
            file_id: [] for file_id in self.ids
        }  # file → rows that people drew, with the runs that were there
        self.machines = set()
        self.unique = 0

    def wait(self):
        self.store.now.ahead += STEP_S

    def file(self, file_id):
        return self.store.row("SELECT * FROM file WHERE id = ?", file_id)

    def rows(self, file_id):
        return {row["id"]: row for row in self.store.instances(file_id)}

    def run(self, push):
        return push["model"], f"{push['run']}{self.world.number}"

    def push(self, push):
        machine = getattr(self.world, push["machine"])
        self.machines.add((push["machine"], self.run(push)))
        before = {file_id: self.rows(file_id) for file_id in self.ids}
        model, run = self.run(push)
        options = PushOptions(
            existing=True,
            on_existing=push["mode"],
            replace_completed=push["named"],
            allow_removals=99,
            ask_again=True,
            patience=PATIENT,
        )
        report = machine.push(self.source(push), directory=self.directory, model=model, run=run, options=options)
        assert not report.states.keys() - {"applied"}, report.as_dict()
        for file_id in self.ids:
            self.pushed(push, file_id, before[file_id], self.sent(machine, push, file_id))

    def source(self, push):
        images = [
            {"id": number, "file_name": f"{number:06}.png", "width": 640, "height": 480} for number in range(FILES)
        ]
        annotations = [
            {"image_id": number, "category_id": label, "bbox": [10 + 100 * cell + shift, 10, 50, 40], "score": 0.5}
            for number, boxes in enumerate(push["boxes"])
            for cell, shift, label in boxes
        ]
        categories = [{"id": number, "name": name} for number, name in enumerate(LABELS)]
        path = self.world.folder / f"{self.world.number}.json"
        path.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
        return read(path, size="640x480")

    def sent(self, machine, push, file_id):
        """The references that the last packet of this run carried to a file; none where none went out."""
        runs = {(run.model, run.name): run.id for run in machine.outbox.runs() if run.directory_id == self.directory}
        entries = [e for e in machine.outbox.entries(runs[self.run(push)]) if e.file_id == file_id] if runs else []
        return references_in(machine.outbox.body(entries[-1].id)) if entries else set()

    def pushed(self, push, file_id, before, sent):
        after = self.rows(file_id)
        newest = {same_box(row): row_id for row_id, row in after.items()}
        for truth in self.boxes[file_id].values():
            if truth.row is None or truth.row in after:
                continue
            twin = newest.get(same_box(before[truth.row]))
            if twin is not None:
                truth.row = twin
                continue
            truth.row = None
            truth.fate = "kept" if truth.told == "kept" else "replaced"
        self.came_again(file_id, after)
        came = {row["creation_ref_id"]: row_id for row_id, row in after.items() if row_id not in before}
        if push["machine"] == "there" and (came or before.keys() - after.keys()):
            for truth in self.boxes[file_id].values():
                truth.blurred = True
        for reference in sent:
            key = (*self.run(push), reference)
            known = self.boxes[file_id].get(key)
            if known is not None and known.row is not None:
                continue
            row_id = came.get(reference) or next(
                (i for i, row in after.items() if row["creation_ref_id"] == reference), None
            )
            if row_id is None:
                row_id = self.alike(reference, after)
            if row_id is not None and (known is None or row_id in came.values()):
                self.boxes[file_id][key] = Truth(row_id, split=self.split_at(file_id, row_id))

    def came_again(self, file_id, rows):
        for (_, _, reference), truth in self.boxes[file_id].items():
            truth.again |= truth.fate == "deleted" and self.alike(reference, rows) is not None

    def alike(self, reference, rows):
        """The row of an equal box, which the server has kept in place of one."""
        alike = [row for row in rows.values() if (row["creation_ref_id"] or "")[25:] == reference[25:]]
        return max(((row["action_type"] != "edited", row["id"]) for row in alike), default=(0, None))[1]

    def review(self, acts):
        for file_id, listed in zip(self.ids, acts, strict=True):
            for act, number in listed:
                self.act(file_id, act, number)

    def act(self, file_id, act, number):
        rows = self.rows(file_id)
        if act in {"move", "relabel", "delete"} and not rows:
            return
        changed = list(rows.values())
        chosen = changed[number % len(changed)] if changed else {}
        self.unique += 1
        if act == "draw":
            changed.append(self.drawn())
        elif act == "move":
            changed = [row | {"y_max": 300 + self.unique} if row is chosen else row for row in changed]
        elif act == "relabel":
            other = {"label_file_id": self.world.labels["bird"], "y_max": 300 + self.unique}
            changed = [row | other if row is chosen else row for row in changed]
        elif act == "delete":
            changed = [row | {"soft_delete": True} if row is chosen else row for row in changed]
        file = self.file(file_id)
        if act == "done":  # where it is completed already, it is saved once more
            self.store.update("file", file_id, {"ann_is_complete": 1, "time_last_updated": self.store.now()})
        else:
            save(self.store, file, changed)
        self.reviewed(file_id, act, rows, chosen.get("id"))

    def drawn(self):
        left = 10 + self.unique % 60 * 10
        place = {"x_min": left, "y_min": 200, "x_max": left + 5, "y_max": 205 + self.unique // 60}
        return {"type": "box", "label_file_id": self.world.labels["cat"], "machine_made": False} | place

    def reviewed(self, file_id, act, before, chosen):
        after = self.rows(file_id)
        new = next(iter(after.keys() - before.keys()), None)
        newest = {same_box(row): row_id for row_id, row in after.items()}
        if act == "draw" and new is not None:
            here = {(model, run) for model, run, _ in self.boxes[file_id]}
            self.added[file_id].append((new, here))
        self.added[file_id] = [
            (new if row == chosen and new else row, runs)
            for row, runs in self.added[file_id]
            if row in after or (row == chosen and new and act != "delete")
        ]
        if act in {"move", "relabel", "delete"}:
            self.split(file_id, act, before, after, chosen)
        for truth in self.boxes[file_id].values():
            if truth.row is None:
                continue
            truth.seen = True
            truth.done = truth.done or act == "done"
            if truth.row == chosen and act in {"move", "relabel"}:
                truth.row, truth.fate = new, "relabelled" if "relabel" in {act, truth.fate[:7]} else "moved"
            elif truth.row not in after:  # deleted, or an older one of two equal boxes, of which a save leaves one
                twin = newest.get(same_box(before[truth.row]))
                truth.row, truth.fate = twin, truth.fate if twin else "deleted"

    def split(self, file_id, act, before, after, chosen):
        """Note of which equal boxes people change one and leave the other, and what they do to those later."""
        truths = [truth for truth in self.boxes[file_id].values() if truth.row is not None]
        touched = {truth.split for truth in truths if truth.row == chosen or truth.row not in after} - {0}
        for truth in self.boxes[file_id].values():
            truth.unclear |= truth.split in touched
        if act != "delete" and chosen in after:  # an equal box was sent as it was
            for truth in truths:
                if same_box(before[truth.row]) == same_box(before[chosen]):
                    truth.split = chosen

    def split_at(self, file_id, row_id):
        return max((each.split for each in self.boxes[file_id].values() if each.row == row_id), default=0)

    def shared(self, file_id, truth):
        """The fates of the boxes that once shared a row with one."""
        return {each.told for each in self.boxes[file_id].values() if each.split == truth.split}

    def sent_any(self, run):
        return any((model, name) == run for known in self.boxes.values() for model, name, _ in known)

    def expected(self, file_id, run):
        return {ref: truth for (model, name, ref), truth in self.boxes[file_id].items() if (model, name) == run}


def of(machine, history, run):
    """A run as one machine reports it: reference → fate, and how many boxes count as added, by file."""
    runs = {(r.model, r.name): r.id for r in machine.outbox.runs() if r.directory_id == history.directory}
    found = {}
    for file in machine.pull(str(runs[run])).files:
        fates = {box.predicted.reference: box.fate for box in file.judged if box.predicted}
        found[file.file_id] = fates, sum(box.fate == "added" for box in file.judged), file
    return found


def carried_out(world, history):
    done = History(world)
    for step in history:
        done.wait()
        done.push(step) if isinstance(step, dict) else done.review(step)
    done.wait()
    return done


SLOW = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def _night(boxes, **more):
    night = {"run": "two", "model": "n", "mode": "replace-own", "machine": "here", "named": True}
    return night | {"boxes": [boxes, [], []]} | more


BROUGHT_AGAIN = [  # a box that people deleted comes again after they have drawn another
    _night([(2, 0, 0)], named=False),
    [[("delete", 0)], [], []],
    _night([(2, 0, 0), (4, 0, 1)]),
    _night([(0, 0, 1), (4, 0, 0)], model="m", mode="append", machine="there", named=False),
    [[("draw", 1)], [], []],
    _night([(2, 0, 0), (4, 0, 1)]),
]

ONE_OF_THREE = [  # a packet sends one of three equal boxes anew, which it makes one: people deleted none of them
    _night([(0, 6, 1), (1, 0, 0), (3, 6, 0), (0, 0, 1)], model="m", run="one", mode="append"),
    _night([(4, 6, 1), (0, 0, 1), (1, 0, 0)]),
    _night([(0, 6, 1), (1, 0, 0), (3, 6, 0), (0, 0, 1)], model="m", mode="append", machine="there"),
    _night([(1, 6, 1), (0, 0, 1), (4, 0, 1), (1, 0, 1)], model="m", named=False),
    [[("done", 0)], [], []],
    _night([(3, 0, 0)], model="m", mode="append"),
]

MADE_ONE_BEFORE = [  # a packet takes an older equal box along that an earlier one had made one with what it takes
    _night([(1, 0, 0), (1, 0, 1)], run="one", machine="there"),
    _night([(1, 0, 0), (0, 0, 0)], run="one", model="m", mode="append"),
    _night([(1, 0, 1), (0, 0, 0)], run="one", named=False),
    _night([], model="m"),
    _night([(1, 0, 1), (0, 0, 1)], run="one", model="m", machine="there", named=False),
]
ANOTHER_SENT_IT_ANEW = [  # what people deleted, and another machine sent again, no person has looked at since
    _night([(1, 0, 0), (1, 0, 1), (0, 0, 0)], machine="there"),
    [[("done", 6), ("delete", 2)], [], []],
    _night([(1, 0, 0), (0, 0, 0)], mode="append"),
]

EDITED_BEFORE = [  # a box that came beside one that people had edited was not its equal, though it was sent alike
    _night([(0, 0, 1)], machine="there"),
    [[("relabel", 0)], [], []],
    _night([(0, 0, 1)], model="m", machine="there"),
    [[("relabel", 4)], [], []],
    _night([], model="m", run="one", machine="there"),
]

ANEW_AND_TAKEN = [  # what people deleted, and another machine sent anew and took away, they have not left
    _night([(0, 0, 0), (1, 0, 0)]),
    [[("delete", 0), ("draw", 0)], [], []],
    _night([(0, 0, 0), (1, 0, 0)], machine="there"),
    _night([], run="one", machine="there"),
]

EDITED_AND_DELETED = [  # people change one of two equal boxes and delete the other: as if they had deleted one first
    _night([(1, 0, 1)], run="one", model="m"),
    _night([(1, 0, 0), (0, 0, 0), (1, 0, 1)], run="one", mode="append", named=False),
    [[("done", 4), ("move", 3)], [], []],
    _night([(1, 0, 0), (0, 0, 0)], run="one", named=False),
    [[("delete", 6), ("done", 4)], [], []],
]

BOTH_EDITED = [  # people change two equal boxes, which have one reference then: that of the other run is not added
    _night([(1, 0, 0), (0, 0, 1)], run="one", model="m", mode="append"),
    [[("delete", 0)], [], []],
    _night([(0, 0, 1)], model="m", mode="append"),
    [[("move", 5), ("move", 2)], [], []],
]
BOTH_EDITED_THERE = [*BOTH_EDITED[:2], BOTH_EDITED[2] | {"machine": "there"}, BOTH_EDITED[3]]

ONE_EDITED = _night([(0, 0, 1)], run="one", model="m", mode="append"), _night([(0, 0, 1)], run="one", mode="append")
HALF_TAKEN = [*ONE_EDITED, [[("move", 1), ("done", 0)], [], []], _night([], run="one")]  # what people left of two goes
HALF_TAKEN_THERE = [*HALF_TAKEN[:3], HALF_TAKEN[3] | {"machine": "there"}]
HALF_CAME = [*ONE_EDITED, [[("move", 1)], [], []], _night([(0, 0, 1), (2, 0, 0)], model="m")]  # it comes again
HALF_GOES = [*HALF_CAME, [[("delete", 1)], [], []], _night([(3, 0, 0)], model="m"), [[("done", 0)], [], []]]


ADDED_BESIDE = [  # an equal box comes beside one that people changed, which they delete later
    _night([(2, 6, 0)]),
    [[("relabel", 0)], [], []],
    _night([(2, 6, 0)], run="one", mode="append", model="m"),
    [[("done", 0), ("delete", 0)], [], []],
]
ADDED_THERE = [*ADDED_BESIDE[:2], ADDED_BESIDE[2] | {"machine": "there"}, ADDED_BESIDE[3]]
ADDED_GOES = [*ADDED_BESIDE[:3], [[("done", 0), ("delete", 1)], [], []]]  # or they delete the one that came
ADDED_GOES_THERE = [*ADDED_THERE[:3], ADDED_GOES[3]]
DRAWN_AND_CHANGED = [  # after a push that told that it was not there yet, and another that an adopted run does not know
    _night([(2, 0, 1), (0, 0, 0)]),
    [[("draw", 7)], [], []],
    _night([]),
    _night([(2, 0, 1), (0, 0, 0)]),
    [[("relabel", 1)], [], []],
]

CHANGED_AND_DELETED = [  # what people changed was not equal to what came since, which a push then takes
    _night([(0, 6, 0)], run="one"),
    [[("move", 0)], [], []],
    _night([(0, 6, 0)], run="one", model="m"),
    [[("delete", 0)], [], []],
    _night([], run="one", model="m", named=False),
]
DRAWN_BEFORE = [  # an appending packet does not tell what it found, and its own box has gone: a later one tells
    [[("draw", 5)], [], []],
    _night([(0, 0, 0)], model="m", mode="append", machine="there", named=False),
    _night([(4, 0, 1)], model="m"),
    [[("move", 0)], [], []],
]


@settings(max_examples=EXAMPLES, derandomize=COUNT is None, **SLOW)
@given(HISTORIES)
@example(BROUGHT_AGAIN)
@example(ONE_OF_THREE)
@example(MADE_ONE_BEFORE)
@example(ANOTHER_SENT_IT_ANEW)
@example(EDITED_BEFORE)
@example(ANEW_AND_TAKEN)
@example(EDITED_AND_DELETED)
@example(BOTH_EDITED)
@example(BOTH_EDITED_THERE)
@example(HALF_TAKEN)
@example(HALF_TAKEN_THERE)
@example(HALF_CAME)
@example(HALF_GOES)
@example(ADDED_BESIDE)
@example(ADDED_THERE)
@example(ADDED_GOES)
@example(ADDED_GOES_THERE)
@example(DRAWN_AND_CHANGED)
@example(CHANGED_AND_DELETED)
@example(DRAWN_BEFORE)
def test_the_fates_are_exactly_the_edits_made(world, history):
    """With two runs of two models from two machines, completions before and after, deletions, and the same again."""
    done = carried_out(world, history)
    for name, run in done.machines:
        whole = not {("here", run), ("there", run)} <= done.machines  # else a machine knows a part of the run
        compare(done, run, of(getattr(world, name), done, run), alone=name == "here" and whole, whole=whole)
    with Diffgram(server_of(world.sandbox), outbox=world.folder / f"adopted-{world.number}.sqlite") as adopted:
        for model, name in {run for _, run in done.machines if done.sent_any(run)}:
            adopted.adopt(name, directory=done.directory, model=model)
            compare(done, (model, name), of(adopted, done, (model, name)), alone=False)


def compare(done, run, reported, *, alone, whole=True):
    for file_id, (fates, added, file) in reported.items():
        truths = done.expected(file_id, run)
        assert fates.keys() <= truths.keys()
        assert not alone or fates.keys() == truths.keys()
        for reference, fate in fates.items():
            truth, exact = truths[reference], alone and not truths[reference].blurred
            shared = done.shared(file_id, truth) if truth.unclear else set()
            assert fate in shared or truth.fits(fate, exact=exact), (reference, fate, truth, file)
        there = whole and any(truth.row is not None for truth in truths.values())
        if truths and (alone or there):  # elsewhere only the run's own rows tell that a box is older than they are
            assert added == sum(run in runs for _, runs in done.added[file_id]), file
        for box in file.stored:  # what is handed over as truth, people have looked at
            of_row = [each.seen for each in done.boxes[file_id].values() if each.row == box.row_id]
            assert not of_row or any(of_row) or box.row_id in file.unseen, file
