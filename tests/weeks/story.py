"""Ten nights of a team: three models from two machines, a reviewer by day, a wire that breaks, and a ledger of it all.

It speaks to a server over HTTP alone, so that it can be played on any. After each night and each day what the server
holds, what `pull` of the directory brings and what `report` counts are compared with the ledger.
"""

import copy
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

from PIL import Image as Picture

from boxferry import Credentials, Diffgram, PushOptions, Server, read
from boxferry.plan.patience import Patience
from boxferry.sandbox.faults import Faults
from weeks.ledger import PEOPLE, Page, Shown

SIZE = (320, 240)
LABELS = ["cat", "dog"]
OBJECTS = {n: (10 + 60 * (n % 5), 10 + 60 * (n // 5)) for n in range(8)}
SIDE = 50  #: pixels of an object
FREE = range(20)  #: places for what people draw, in a strip at the bottom
MODELS = ["v1", "v1", "v1", "v2", "v2", "v2", "v3", "v3", "v3", "v3"]
BESIDE = 3  #: the night whose boxes come beside those of the older model
GIVES_WAY = {5: ("v1",), 6: ("v1", "v2"), 7: (), 8: ("v2",), 9: ("v1", "v2")}  #: night → the models that give way
DROPS = {"drop_before": 0.04, "drop_after": 0.04, "truncate": 0.03, "error_before": 0.03, "error_after": 0.04}
ATTEMPTS = 8
OVER = ("a newer push", "is in the directory already", "was completed after")  #: why what was left is not sent


@dataclass
class Left:
    """What a machine has planned for a picture in a night and not sent yet; whether the picture was there then."""

    number: int
    name: str
    shown: dict[int, Shown]
    there: bool


@dataclass
class Night:
    """What a night did, for the reader of a failure.

    Attributes:
        number, model, machine: of it.
        events: what went wrong on purpose, and what was done about it.
    """

    number: int
    model: str
    machine: str
    events: list[str] = field(default_factory=list)


class Story:
    """The machines, the reviewer and the ledger."""

    def __init__(self, service, line, folder, seed, *, pictures=6, tag=""):
        self.service, self.line, self.folder, self.dice = service, line, folder, random.Random(seed)
        self.seed, self.tag = seed, tag
        self.names = [f"{tag}p{number:02}.png" for number in range(pictures)]
        self.ledger = {name: Page() for name in self.names}
        self.left = {"a": [], "b": []}
        self.newest = {}  # name → the nights that replaced boxes on it, each with the models that gave way
        self.log = []
        (folder / "images").mkdir(parents=True)
        for name in self.names:
            Picture.new("RGB", SIZE, (self.dice.randrange(255),) * 3).save(folder / "images" / name)

    # Machines

    def open(self, machine):
        credentials = Credentials(*self.service.key)
        server = Server(host=self.line.host, project=self.service.project, credentials=credentials)
        return Diffgram(server, outbox=self.outbox(machine), connections=1, timeout_s=30.0)

    def outbox(self, machine):
        return self.folder / f"{machine}.sqlite"

    def lose(self, machine):
        """The outbox is lost, with what it had left to do."""
        self.outbox(machine).unlink(missing_ok=True)
        self.left[machine] = []

    def copy(self, source, machine):
        """The outbox is replaced by a copy of the other machine's, which both have to go on with then."""
        self.lose(machine)
        if self.outbox(source).exists():
            with (
                closing(sqlite3.connect(self.outbox(source))) as one,
                closing(sqlite3.connect(self.outbox(machine))) as two,
            ):
                one.backup(two)
        self.left[machine] = list(self.left[source])

    # Nights

    def predicted(self, model, *, empty):
        """What a model sees on a picture: object → label and place; now and then nothing."""
        if empty and self.dice.random() < 0.05:
            return {}
        found = self.dice.sample(sorted(OBJECTS), self.dice.randint(2, 6))
        return {number: self._shown(model, number) for number in found}

    def _shown(self, model, number):
        """The same each night; v3 agrees with v2 on some objects to the pixel."""
        shift = {"v1": 0, "v2": 1, "v3": 1 + number % 2}[model]
        x, y = OBJECTS[number]
        label = LABELS[(number + (model == "v2" and number == 3)) % 2]
        return Shown(label, (x + shift, y, x + shift + SIDE, y + SIDE))

    def write(self, number, model, *, empty):
        """Tonight's label files; gives what they say."""
        folder = self.folder / f"night{number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        names = sorted(self.dice.sample(self.names, self.dice.randint(3, len(self.names))))
        found = {name: self.predicted(model, empty=empty) for name in names}
        for name, shown in found.items():
            text = "".join(_row(each, 0.5 + self.dice.random() / 2) for each in shown.values())
            (folder / name).with_suffix(".txt").write_text(text)
        return found

    def options(self, number, patience=None):
        replaces = GIVES_WAY.get(number, ())
        return PushOptions(
            labels="create",
            on_existing="append" if number == BESIDE else "replace-own",
            replaces=replaces,
            allow_removals=999,
            patience=patience or self.service.patience,
        )

    def push(self, log, patience=None):
        number = log.number
        with self.open(log.machine) as diffgram:
            return diffgram.nightly(
                lambda: read(
                    self.folder / f"night{number}", format="yolo", names=LABELS, images=self.folder / "images"
                ),
                directory="Default",
                model=log.model,
                run=f"{self.tag}n{number}",
                options=self.options(number, patience),
            )

    def night(self, number):
        """One night, with what may happen in it."""
        model, machine = MODELS[number], self.dice.choice("ab")
        log = Night(number, model, machine)
        self.log.append(log)
        self._accident(log)
        event = self.dice.choice(
            ["calm", "drops", "restart", "twice", *([] if self.left[machine] or number == BESIDE else ["cut"])]
        )
        log.events.append(event)
        found = self.write(number, model, empty=event != "cut")
        getattr(self, f"_{event}")(log, found)
        self.service.pass_time(60)

    def _accident(self, log):
        """Now and then an outbox is lost, or replaced by a copy of the other machine's."""
        other = "b" if log.machine == "a" else "a"
        chance = self.dice.random()
        if chance < 0.15:
            self.lose(log.machine)
            log.events.append("lost outbox")
        elif chance < 0.3:
            self.copy(other, log.machine)
            log.events.append("copied outbox")

    def _calm(self, log, found):
        self._good(log)
        self._came(log.number, found)

    def _drops(self, log, found):
        with self.line.broken(Faults(**DROPS, seed=self.dice.randrange(1 << 30))):
            self._calm(log, found)

    def _restart(self, log, found):
        with self.line.broken(after=self.dice.randrange(4), then=self.service.restart):
            self._calm(log, found)

    def _twice(self, log, found):
        """The other machine pushes the same, after what it had left itself."""
        self._calm(log, found)
        again = Night(log.number, log.model, "b" if log.machine == "a" else "a", log.events)
        self._good(again)
        self._came(log.number, found)

    def _mended(self, log, report):
        """What reports say is to be done about packets that the server will never apply."""
        steps = [step for step in (*report.earlier, report.tonight) if step and step.report]
        for step in steps:
            if any(str(state) == "stuck" for state in step.report.states):
                log.events.append(f"resent what was stuck of {step.run}")
                with self.open(log.machine) as diffgram:
                    diffgram.resume(
                        str(step.report.run.id), patience=self.service.patience, verify=True, resend_stuck=True
                    )

    def _good(self, log):
        """A night as often as cron has to begin it, and with the remedies that its reports name."""
        self._goes_on(log.machine)
        for _ in range(ATTEMPTS):
            report = self.push(log)
            if report.tonight.exit_code == 0 and all(self._well(step) for step in report.earlier):
                return
            log.events.append(f"again, since {_why(report)}")
            self._mended(log, report)
        raise AssertionError((log, report.as_dict()))

    def _well(self, step):
        """Whether an earlier run has ended; a packet in whose place a newer push has come is not sent any more."""
        if step.exit_code == 0:
            return True
        failed = step.report.failed if step.report else [None]
        return all(entry and any(why in entry.reason for why in OVER) for entry in failed)

    def _cut(self, log, found):
        """The wire breaks for good after some packets; the machine goes on when it is its turn again."""
        self._goes_on(log.machine)
        patience = Patience(wait_s=3.0, settle_s=0.2, failures=2, first_pause_s=0.01)
        with self.line.broken(after=self.dice.randrange(5)):
            report = self.push(log, patience)
        log.events.append(f"exit code {report.exit_code}")
        self.service.idle()
        arrived = self.arrived(log.number, found) | self._cleared(log.number, found)
        there = {name: self.ledger[name].there for name in found}
        self._came(log.number, {name: shown for name, shown in found.items() if name in arrived})
        self.left[log.machine] += [
            Left(log.number, name, shown, there[name]) for name, shown in found.items() if name not in arrived
        ]

    def arrived(self, number, found):
        """The pictures that a night's packets have come to, by what the server tells of each packet."""
        runs = {}
        body = {"limit": 1000, "status_filter": "All"}
        for record in self.service.call("walrus/v1/project/{p}/input/view/list", body)["input_list"]:
            for box in (record["instance_list"] or {}).get("list") or () if record["status"] == "success" else ():
                if box.get("id") is None:
                    runs.setdefault(record["file_id"], set()).add(box.get("model_run_ref"))
        there = self.service.files()
        return {name for name in found if name in there and f"{self.tag}n{number}" in runs.get(there[name], ())}

    def _cleared(self, number, found):
        """The pictures on which a night's packet without a box has taken others away."""
        ids, labels = self.service.files(), self.service.labels()
        cleared = set()
        for name, shown in found.items():
            page = copy.deepcopy(self.ledger[name])
            if name in ids and page.there and not page.wanted(shown):
                page.night(("", ""), {}, replaces=self._replaces(number))
                held = sorted(shown_of(row, labels) for row in self.service.rows(ids[name]))
                if held == page.held() != self.ledger[name].held():
                    cleared.add(name)
        return cleared

    def _replaces(self, number):
        return None if number == BESIDE else (MODELS[number], *GIVES_WAY.get(number, ()))

    def finish(self):
        """Both machines go on with what they have left; there is nothing new."""
        for machine in "ab":
            self._goes_on(machine)
            if self.outbox(machine).exists():
                with self.open(machine) as diffgram:
                    options = PushOptions(patience=self.service.patience)
                    none = {"directory": "Default", "model": "none", "run": "none", "quiet": "over"}
                    report = diffgram.nightly(lambda: None, options=options, **none)
                assert all(self._well(step) for step in report.earlier), report.as_dict()

    def retire(self, model):
        with self.open("new") as diffgram:
            assert diffgram.retire(model, directories=["Default"], remove=True).exit_code == 0
        for page in self.ledger.values():
            page.retire(model)
        self.service.pass_time(60)

    def _came(self, number, found):
        for name, shown in found.items():
            page, run, replaces = self.ledger[name], (MODELS[number], f"{self.tag}n{number}"), self._replaces(number)
            if any(ask.run == run for ask in page.asks):
                continue  # it came before
            before = page.held(), len(page.asks)
            page.night(run, shown, replaces=replaces)
            if replaces is not None and (page.held(), len(page.asks)) != before:
                self.newest[name] = [*self.newest.get(name, ()), (number, replaces)]

    def _goes_on(self, machine):
        """What a machine has left to do comes now, unless a newer push has come in its place, or people are done."""
        for left in self.left[machine]:
            page, newer = self.ledger[left.name], self.newest.get(left.name, ())
            superseded = any(n > left.number and MODELS[left.number] in models for n, models in newer)
            taken = page.there and not left.there
            if not superseded and not taken:
                self._came(left.number, {left.name: left.shown})
        self.left[machine] = []

    # Days

    def day(self, number):
        """A person looks at some pictures: changes, deletes and draws boxes, and is done with some.

        With none before the night whose boxes come beside those that are there: whether a picture was completed before
        such boxes came, only the machine knows that sent them.
        """
        ids, labels = self.service.files(), self.service.labels()
        there = [name for name in self.names if self.ledger[name].there]
        for name in self.dice.sample(there, min(len(there), self.dice.randint(1, 4))):
            rows = self.service.rows(ids[name])
            complete = number >= BESIDE and not self.ledger[name].complete and self.dice.random() < 0.2
            if self._edited(name, rows, labels, traced=number >= BESIDE) or complete:
                self.service.save(ids[name], rows, complete=complete)
                self.ledger[name].look(complete=complete)
        self.service.pass_time(60)

    def _edited(self, name, rows, labels, *, traced):
        """Change the rows as a person does in the interface, and the ledger; tells whether anything was done.

        What they changed they change again, and do not delete, and what they drew stays: else no trace tells when. For
        the same reason they draw something too where boxes have come beside others (`traced`) and they only delete.
        """
        page, before = self.ledger[name], [dict(row) for row in rows]
        objects = sorted({box.number for box in page.boxes if PEOPLE not in box.of})
        for number in self.dice.sample(objects, self.dice.randint(0, min(2, len(objects)))):
            boxes = [box for box in page.boxes if box.number == number]
            box = next((box for box in boxes if box.touched), None) or self.dice.choice(boxes)
            ways = ["move"] if box.touched else ["move", "relabel", "delete"]
            getattr(self, f"_{self.dice.choice(ways)}")(page, box, rows, labels)
        only_deleted = rows != before and all(
            row == was or row.get("soft_delete") for row, was in zip(rows, before, strict=True)
        )
        if self.dice.random() < 0.25 or (traced and only_deleted):
            self._draw(page, rows, labels)
        return rows != before

    def _row_of(self, box, rows, labels):
        (found,) = [row for row in rows if not row.get("soft_delete") and shown_of(row, labels) == box.shown.flat()]
        return found

    def _others(self, page, box, rows, labels):
        for other in page.boxes:
            if other.number == box.number and other is not box:
                self._row_of(other, rows, labels)["soft_delete"] = True

    def _move(self, page, box, rows, labels):
        left, top, right, bottom = box.shown.corners
        self._others(page, box, rows, labels)
        self._row_of(box, rows, labels).update(x_max=right - 3, machine_made=False)
        page.change(box, Shown(box.shown.label, (left, top, right - 3, bottom)))

    def _relabel(self, page, box, rows, labels):
        label = next(each for each in LABELS if each != box.shown.label)
        number = next((number for number, name in labels.items() if name == label), None)
        if number is not None:
            self._others(page, box, rows, labels)
            self._row_of(box, rows, labels).update(label_file_id=number, machine_made=False)
            page.change(box, Shown(label, box.shown.corners))

    def _delete(self, page, box, rows, labels):
        self._others(page, box, rows, labels)
        self._row_of(box, rows, labels)["soft_delete"] = True
        page.delete(box.number)

    def _draw(self, page, rows, labels):
        number = self.dice.choice([n for n in FREE if n + 100 not in {box.number for box in page.boxes}])
        label_id, label = self.dice.choice(sorted(labels.items()))
        left = 2 + 15 * number
        shown = Shown(label, (left, SIZE[1] - 40, left + 12, SIZE[1] - 2))
        corners = dict(zip(("x_min", "y_min", "x_max", "y_max"), shown.corners, strict=True))
        rows.append({"type": "box", "label_file_id": label_id, "machine_made": False, **corners})
        page.draw(100 + number, shown)

    # What is compared

    def agree(self, when):
        """The ledger with the server, with `pull` of the directory, and with `report`, from a machine of the dice's."""
        ids, labels = self.service.files(), self.service.labels()
        held = {name: sorted(shown_of(row, labels) for row in self.service.rows(ids[name])) for name in ids}
        same("server", held, {name: page.held() for name, page in self.ledger.items() if page.there}, when)
        self.reader = self.dice.choice(["a", "b", "none"])
        with self.open(self.reader) as diffgram:
            self._agree_pulled(diffgram.dataset(directory="Default"), when)
            self._agree_report(diffgram.report("Default", since="1000d"), when)

    def settled(self):
        return {name: page.held() for name, page in self.ledger.items() if page.settled and page.asks}

    def _agree_pulled(self, dataset, when):
        names = [picture.file.file_name for picture in dataset.pictures]
        assert len(names) == len(set(names)), when
        pulled = {
            each.file.file_name: sorted((box.label, *map(int, box.corners)) for box in each.file.stored)
            for each in dataset.pictures
        }
        same("pull", pulled, self.settled(), when)
        asked = [page for page in self.ledger.values() if page.asks]
        assert dataset.waiting == sum(not page.looked for page in asked), when
        assert dataset.pushed_since == sum(page.looked and not page.settled for page in asked), when

    def _agree_report(self, report, when):
        pages = self.ledger.values()
        sent = Counter(ask.run for page in pages for ask in page.asks)
        predicted = {line.name: line.predicted for line in report.runs}
        same("predicted", predicted, {"/".join(run): count for run, count in sent.items()}, when)
        told = Counter({(line.name, fate): count for line in report.runs for fate, count in line.fates.items()})
        same("fates", *self._fates(told), when)
        drawn = sum(bool(runs) for page in pages for runs in page.drawn_there())
        assert (report.whole.fates["added"] if sent else 0) == drawn, when
        assert report.reviewed == sum(page.settled for page in pages), when

    def _fates(self, told):
        """What is told, and the ledger's: where that leaves a number open, what is told, if it is possible."""
        found = [page.fates() for page in self.ledger.values()]
        added = [run for page in self.ledger.values() for runs in page.drawn_there() for run in runs]
        sure = sum((each for each, _ in found), Counter((run, "added") for run in added))
        sure = Counter({("/".join(run), fate): count for (run, fate), count in sure.items()})
        may = Counter(
            {("/".join(run), fate): n for (run, fate), n in sum((each for _, each in found), Counter()).items()}
        )
        expected = {
            key: min(max(count, told[key]), count + may[key])
            for key, count in (sure | may).items()
            for count in [sure[key]]
        }
        return +told, +Counter(expected)


def same(what, found, expected, when):
    """Whether two tables are equal; tells the lines that are not."""
    differing = {key: (found.get(key), expected.get(key)) for key in {**found, **expected}}
    differing = {key: pair for key, pair in differing.items() if pair[0] != pair[1]}
    assert not differing, (what, "found, expected", differing, when)


def shown_of(row, labels):
    return (labels[row["label_file_id"]], row["x_min"], row["y_min"], row["x_max"], row["y_max"])


def _row(shown, score):
    (x1, y1, x2, y2), (width, height) = shown.corners, SIZE
    shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return f"{LABELS.index(shown.label)} {' '.join(f'{each:.6f}' for each in shares)} {score:.3f}\n"


def _why(report):
    steps = [step for step in (*report.earlier, report.tonight) if step and step.exit_code]
    return "; ".join(_said(step) for step in steps)


def _said(step):
    if step.report is None:
        return f"{step.run}: {step.error!r}"
    states = {str(state): count for state, (count, _) in step.report.states.items()}
    reasons = {entry.reason for entry in [*step.report.failed, *step.report.doubtful]}
    return (
        f"{step.run}: {step.exit_code} {states} {reasons} {step.report.stopped or ''} {dict(step.report.tally.failed)}"
    )
