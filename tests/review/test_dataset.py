"""A directory's reviewed pictures come home once each, with the boxes that a ledger of all that was done has."""

import contextlib
import csv
import io
import json
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from PIL import Image as Picture
from pycocotools.coco import COCO

from boxferry import Diffgram
from boxferry.cli.app import run as boxferry
from boxferry.errors import NotFound, OutboxError, UsageError
from boxferry.reading.headers import header_size
from boxferry.review.manifest import Changes
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from counting import counted
from filled import fill
from review.reviewing import LABELS, SIDE, Team
from review.test_pull import ONE, correct, sent_run
from sending.pushing import predictions, push, server_of

SIDES = (("xmin", 1), ("ymin", 1), ("xmax", 0), ("ymax", 0))  #: of VOC's boxes, with what is to be taken off


@pytest.fixture
def running(tmp_path, clock):
    with Sandbox(tmp_path / "sandbox", clock=clock) as sandbox:
        yield sandbox


def boxes_of(dataset):
    """Name → sorted boxes, each picture once."""
    names = [picture.file.file_name for picture in dataset.pictures]
    assert len(names) == len(set(names))
    return {
        picture.file.file_name: sorted((box.label, *map(int, box.corners)) for box in picture.file.stored)
        for picture in dataset.pictures
    }


@pytest.fixture
def team(running, clock, tmp_path):
    return Team(running, clock, tmp_path / "team", 24)


def lived(team, seed):
    """Five nights of two models from two machines, with a reviewer by day; checks after each."""
    team.dice.seed(seed)
    with team.open("one") as one, team.open("two") as two:
        for night in range(5):
            machine, model = (one, "m1") if night % 2 == 0 else (two, "m2")
            names = sorted(team.dice.sample(team.names, 10))
            ways = {"on_existing": team.dice.choice(["append", "replace-own"])} if night else {"on_existing": "append"}
            team.night(machine, model, f"n{night}", names, **ways)
            there = [name for name in team.names if team.ledger[name].boxes]
            for name in team.dice.sample(there, 5):
                held = len(team.ledger[name].boxes)
                if team.dice.random() < 0.3:
                    team.review(name, complete=not team.ledger[name].complete, draw=int(team.ledger[name].complete))
                else:
                    team.review(name, move=1, delete=int(held > 2), draw=team.dice.randrange(2))
            yield one.dataset(directory="Default"), two.dataset(directory="Default")


@pytest.mark.parametrize(("seed", "listed"), [(1, 1000), (3, 4)], ids=["few inputs", "more than a list has"])
def test_each_reviewed_picture_comes_once_with_the_ledgers_boxes(team, seed, listed, monkeypatch):
    """After every night, from either machine; and from one that never pushed anything."""
    monkeypatch.setattr("boxferry.review.directory.LIST_LIMIT", listed)
    for one, two in lived(team, seed):
        assert boxes_of(one) == boxes_of(two) == team.settled()
    with team.open("none") as none:
        dataset = none.dataset(directory="Default")
        assert not none.outbox_path.exists()
    assert boxes_of(dataset) == team.settled()
    pages = [page for page in team.ledger.values() if page.boxes or page.looked]
    assert dataset.waiting == sum(not page.looked for page in pages)
    assert dataset.pushed_since == sum(page.looked and not page.seen for page in pages)
    last = {picture.file.file_name: tuple(picture.last.name) for picture in dataset.pictures}
    assert last == {name: team.ledger[name].last for name in team.settled()}


def test_a_new_picture_that_is_completed_at_once_is_reviewed(team):
    """From any machine: people cannot have completed it before the packet that made it."""
    with team.open() as one, team.open("none") as none:
        team.night(one, "m1", "n1", team.names[:3])
        team.clock.ahead -= 60
        team.review("p001.png", complete=True)
        team.clock.ahead -= 60
        assert (
            boxes_of(none.dataset(directory="Default")) == boxes_of(one.dataset(directory="Default")) == team.settled()
        )


def test_what_a_retired_model_leaves_is_to_be_looked_at_again(team):
    """Pictures on which people had left its boxes are settled no more; completed ones keep them."""
    for _ in lived(team, 5):
        pass
    before = set(team.settled())
    with team.open("two") as two, team.open("none") as none:
        team.retire(two, "m1")
        found = none.dataset(directory="Default")
    assert boxes_of(found) == team.settled()
    assert set(team.settled()) < before


@pytest.fixture
def reviewed(team):
    """Sixteen pictures that two models' runs were pushed to, and a person has looked at twelve."""
    with team.open() as diffgram:
        team.night(diffgram, "m1", "n1", team.names[:12])
        team.night(diffgram, "m2", "n2", team.names[8:16], on_existing="append")
        for name in team.names[:12]:
            team.review(name, move=1, draw=1, complete=name < "p003")
    return team


def tree(folder):
    """Path → bytes of every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(folder):
    with (folder / "manifest.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def yolo_boxes(path):
    """The boxes of a label file as Ultralytics reads them, in pixels: class, then corners."""
    found = []
    for line in path.read_text().splitlines():
        number, x, y, w, h = map(float, line.split())
        assert all(0 <= each <= 1 for each in (x, y, w, h))
        corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        found.append((int(number), *(round(each * SIDE, 6) for each in corners)))
    return found


def test_a_yolo_dataset_trains_as_it_is(reviewed, tmp_path):
    """By the rules of Ultralytics' loader: lists, labels beside images, names from 0."""
    target = tmp_path / "set"
    with reviewed.open() as diffgram:
        dataset = diffgram.dataset(directory="Default")
        written = dataset.write(
            target, to="yolo", names={0: "dog", 1: "fox"}, val=0.4, images=reviewed.folder / "images"
        )
    data = yaml.safe_load((target / "data.yaml").read_text())
    assert data == {"train": "train.txt", "val": "val.txt", "names": {0: "dog", 1: "fox", 2: "cat"}}
    assert written.classes.added == {2: "cat"}
    found = {}
    for split in ("train", "val"):
        for line in (target / data[split]).read_text().splitlines():
            image = target / line
            assert header_size(str(image)) == (SIDE, SIDE)
            label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
            found[image.name] = sorted((data["names"][n], *map(int, box)) for n, *box in yolo_boxes(label))
        assert written.count(split) > 0
    assert found == reviewed.settled()
    assert len(list((target / "labels").rglob("*.txt"))) == len(found)


def test_a_coco_dataset_is_read_by_pycocotools(reviewed, tmp_path):
    """Each picture in one part, under its number on the server."""
    with reviewed.open() as diffgram:
        diffgram.dataset(directory="Default").write(tmp_path / "set", to="coco", val=0.4)
    found, rows = {}, {row["name"]: row for row in rows_of(tmp_path / "set")}
    for split in ("train", "val"):
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(str(tmp_path / "set" / "annotations" / f"instances_{split}.json"))
        for image in coco.loadImgs(coco.getImgIds()):
            assert (str(image["id"]), split) == (rows[image["file_name"]]["file_id"], rows[image["file_name"]]["split"])
            items = coco.loadAnns(coco.getAnnIds(image["id"]))
            names = {each["id"]: each["name"] for each in coco.loadCats(coco.getCatIds())}
            found[image["file_name"]] = sorted(
                (
                    names[i["category_id"]],
                    *(round(s) for s in (*i["bbox"][:2], i["bbox"][0] + i["bbox"][2], i["bbox"][1] + i["bbox"][3])),
                )
                for i in items
            )
    assert found == reviewed.settled()


def test_a_voc_dataset_is_a_devkit(reviewed, tmp_path):
    """Annotations, JPEGImages and the sets, where torchvision looks for them; pixels count from 1."""
    with reviewed.open() as diffgram:
        diffgram.dataset(directory="Default").write(
            tmp_path / "set", to="voc", images=reviewed.folder / "images", placing="link"
        )
    kit = tmp_path / "set" / "VOCdevkit" / "VOC2012"
    found = {}
    for stem in (kit / "ImageSets" / "Main" / "trainval.txt").read_text().split():
        root = ET.parse(kit / "Annotations" / f"{stem}.xml").getroot()
        assert (kit / "JPEGImages" / root.findtext("filename")).is_symlink()
        found[root.findtext("filename")] = sorted(
            (each.findtext("name"), *(int(each.findtext(f"bndbox/{side}")) - shift for side, shift in SIDES))
            for each in root.iter("object")
        )
    assert found == reviewed.settled()
    sets = [(kit / "ImageSets" / "Main" / f"{split}.txt").read_text().split() for split in ("train", "val")]
    assert sorted([*sets[0], *sets[1]]) == sorted(name.removesuffix(".png") for name in found)


@pytest.mark.parametrize("to", ["yolo", "coco", "voc"])
def test_the_same_pictures_give_the_same_bytes(reviewed, tmp_path, to):
    """From another machine, with the server's rows in another order; files that are the same stay untouched."""
    with reviewed.open() as one, reviewed.open("none") as none:
        one.dataset(directory="Default").write(tmp_path / "one", to=to)
        none.dataset(directory="Default").write(tmp_path / "none", to=to)
        assert tree(tmp_path / "one") == tree(tmp_path / "none")
        times = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*.*")}
        written = one.dataset(directory="Default").write(tmp_path / "one", to=to)
    assert (written.changes.new, written.changes.changed, written.changes.gone) == ([], [], [])
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*.*")} == times


def test_a_week_later_only_what_moved_differs(reviewed, tmp_path):
    """Pictures stay in their part, classes keep their numbers, what is not settled any more goes with its image."""
    target, images = tmp_path / "set", reviewed.folder / "images"
    with reviewed.open() as diffgram:
        first = diffgram.dataset(directory="Default").write(target, to="yolo", names={0: "fox"}, images=images)
        before = {row["name"]: row for row in rows_of(target)}
        reviewed.night(diffgram, "m1", "n3", ["p000.png", "p004.png"], on_existing="append")
        reviewed.review("p013.png", move=1)
        reviewed.review("p005.png", delete=1)
        dataset = diffgram.dataset(directory="Default")
        written = dataset.write(target, to="yolo", names={0: "fox"}, images=images)
    assert dataset.pushed_since == 2
    assert first.changes.new == sorted(before)
    assert written.changes == Changes(new=["p013.png"], changed=["p005.png"], gone=["p000.png", "p004.png"])
    assert written.classes.names == first.classes.names
    now = {row["name"]: row for row in rows_of(target)}
    assert all(now[name]["split"] == before[name]["split"] for name in now.keys() & before.keys())
    assert set(now) == set(reviewed.settled())
    there = {path for path in tree(target) if path.startswith(("images/", "labels/"))}
    assert there == {row[column] for row in now.values() for column in ("image", "annotation")}


def test_the_manifest_tells_where_each_picture_comes_from(reviewed, tmp_path):
    """File, run, model, date and digest."""
    with reviewed.open() as diffgram:
        diffgram.dataset("n1", directory="Default").write(tmp_path / "set", to="coco")
    rows = {row["name"]: row for row in rows_of(tmp_path / "set")}
    files = {file["original_filename"]: str(file["id"]) for file in reviewed.sandbox.files()}
    assert {name: row["file_id"] for name, row in rows.items()} == {n: files[n] for n in reviewed.settled()}
    assert {(row["model"], row["run"]) for row in rows.values()} == {("m1", "n1"), ("m2", "n2")}
    assert {name for name, row in rows.items() if row["done"] == "yes"} == {"p000.png", "p001.png", "p002.png"}
    reviewed_at = datetime.fromisoformat(rows["p000.png"]["reviewed"]).timestamp()
    assert 0 < reviewed.clock() - reviewed_at < 1000
    assert len({row["digest"] for row in rows.values()}) == len(rows)


def test_runs_choose_pictures_and_the_directory_where_no_outbox_knows_them(reviewed):
    """By run, model or both; a name that nothing bears is said."""
    with reviewed.open() as one, reviewed.open("none") as none:
        assert set(boxes_of(one.dataset("n2"))) == set(reviewed.names[8:12])
        assert set(boxes_of(none.dataset("m2/n2", directory="Default"))) == set(reviewed.names[8:12])
        assert set(boxes_of(none.dataset("m1", "n2", directory="Default"))) == set(reviewed.names[:12])
        with pytest.raises(UsageError, match="run 'n2': it is not in the outbox: name its directory too"):
            none.dataset("n2")
        with pytest.raises(NotFound, match="run or model 'n9' was found; the runs are: m1/n1, m2/n2"):
            none.dataset("n9", directory="Default")


def test_pictures_of_people_alone_come_on_wish(reviewed):
    """And those that people have completed without a box: there is nothing on them."""
    ids = fill(reviewed.sandbox, 3)
    drawn = {"type": "box", "label_file_id": 1, "machine_made": False, "x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40}
    save(reviewed.sandbox._store, {"id": ids[0], "project": "sandbox"}, [drawn])
    reviewed.sandbox._store.update("file", ids[1], {"ann_is_complete": 1, "time_last_updated": time.time() + 999})
    with reviewed.open() as diffgram:
        without = diffgram.dataset(directory="Default")
        assert (len(without.pictures), without.by_people) == (12, 2)
        found = boxes_of(diffgram.dataset(directory="Default", people=True))
    assert {name: found[name] for name in found.keys() - reviewed.settled().keys()} == {
        "000000.png": [("cat", 1, 2, 30, 40)],
        "000001.png": [],
    }


def test_a_second_pull_reads_only_what_moved(sandbox, tmp_path):
    """N files of which k moved: at most 5 calls, one for 500 files, and k; the boxes are those of the server."""
    count, moved = 1000, 50
    sandbox._store.insert("label_file", {"project": "sandbox", "schema_id": 1, "name": "cat"})
    ids = sent_run(sandbox, tmp_path / "o.sqlite", count)
    dataset, calls = pulled(sandbox, tmp_path / "none.sqlite")
    assert (len(dataset.pictures), dataset.waiting) == (0, count)
    assert calls.total() <= 10 + count / 250
    for file_id in ids[:moved]:
        correct(sandbox, file_id)
    dataset, calls = pulled(sandbox, tmp_path / "none.sqlite")
    assert calls.pop(ONE) == moved
    assert calls.total() <= 5 + count / 500, calls
    assert [picture.file.file_id for picture in dataset.pictures] == ids[:moved]
    dataset, calls = pulled(sandbox, tmp_path / "none.sqlite")
    assert calls.total() <= 5 + count / 500, calls
    assert len(dataset.pictures) == moved


def pulled(sandbox, outbox):
    """The dataset of the directory, and the calls that it took."""
    with counted(sandbox.host) as (host, calls), Diffgram(server_of(sandbox), outbox=outbox) as diffgram:
        diffgram.workspace.client = Diffgram(server_of(sandbox, host=host), outbox=outbox)._client
        return diffgram.dataset(directory="Default"), calls.counted()


@pytest.mark.parametrize("name", ["p003.png", "p004.png"])
def test_an_image_that_is_missing_or_another_is_said(reviewed, tmp_path, name):
    """It is left out of the dataset, and the exit code says so."""
    path = reviewed.folder / "images" / name
    if name == "p003.png":
        path.unlink()
    else:
        Picture.new("RGB", (50, 50)).save(path)
    with reviewed.open() as diffgram:
        written = diffgram.dataset(directory="Default").write(tmp_path / "set", images=reviewed.folder / "images")
    assert [(each.name, each.code) for each in written.left_out] == [(name, "no-image")]
    assert written.exit_code == 1
    assert len(written.rows) == 11
    assert written.tally.read == written.tally.kept + written.tally.dropped["no-image"]


def test_images_are_downloaded_once(reviewed, tmp_path):
    """From where the server says that they are, without credentials; what cannot be had is named."""
    target = tmp_path / "set"
    (reviewed.sandbox._store.images / "3").unlink()
    with counted(reviewed.sandbox.host) as (host, calls), reviewed.open() as diffgram:
        diffgram.workspace.client = Diffgram(
            server_of(reviewed.sandbox, host=host), outbox=diffgram.outbox_path
        )._client
        dataset = diffgram.dataset(directory="Default")
        written = dataset.write(target, to="yolo", placing="download")
        assert calls.counted()["/api/v1/file/view"] == 12
        (left,) = written.left_out
        assert (left.code, left.message) == ("no-image", "its image cannot be fetched: HTTP 404")
        assert (len(written.rows), written.exit_code) == (11, 1)
        for row in written.rows:
            assert (target / row.image).read_bytes() == (reviewed.folder / "images" / row.name).read_bytes()
        calls.clear()
        dataset.write(target, to="yolo", placing="download")
        assert calls.counted()["/api/v1/file/view"] == 1
    assert not list(target.rglob(".*"))
    with pytest.raises(UsageError, match="choose either images or download"):
        dataset.write(target, placing="download", images=tmp_path)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("", "gives no URL"),
        ("file:///etc/passwd", "gives no URL"),
        ("http://127.0.0.1:9/x?sig=secret", "fetched"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_without_it(reviewed, tmp_path, answer, word):
    """It may be signed."""
    with reviewed.open() as diffgram:
        dataset = replace(diffgram.dataset(directory="Default"), address=lambda _: answer)
    written = dataset.write(tmp_path / "set", to="yolo", placing="download")
    assert (len(written.rows), len(written.left_out)) == (0, 12)
    assert all(word in each.message and "secret" not in each.message for each in written.left_out)


def test_what_somebody_else_put_there_is_not_written_over(reviewed, tmp_path):
    """Nor does a manifest lead out of its folder."""
    (tmp_path / "mine" / "labels").mkdir(parents=True)
    (tmp_path / "precious.txt").write_text("x")
    with reviewed.open() as diffgram:
        dataset = diffgram.dataset(directory="Default")
        with pytest.raises(UsageError, match=r"it holds labels and no manifest.csv: name a new folder"):
            dataset.write(tmp_path / "mine", to="yolo")
        dataset.write(tmp_path / "set", to="yolo")
        manifest = tmp_path / "set" / "manifest.csv"
        lines = manifest.read_text().splitlines()
        stranger = lines[1].replace("labels/", "../", 1).split(",")
        stranger[0], stranger[4] = "9999", "../precious.txt"
        manifest.write_text("\n".join([*lines, ",".join(stranger)]) + "\n")
        dataset.write(tmp_path / "set", to="yolo")
    assert (tmp_path / "precious.txt").read_text() == "x"


def test_boxes_that_another_machine_had_sent_already_came_once(team):
    """A machine that pushes the same afterwards finds them there; people have not looked at them for that."""
    picture, other = team.names[:2]
    with team.open("one") as one, team.open("two") as two:
        team.night(one, "m1", "n1", [picture, other], on_existing="append")
        team.review(picture, move=1)
        team.review(other, complete=True)
        team.night(one, "m2", "n2", [picture, other], on_existing="append")
        source = predictions(team.folder / "night1", images=team.folder / "images", names=LABELS)
        report = push(two, source, model="m2", run="n2", on_existing="append", create_empty=False)
        assert report.tally.dropped == {"already-sent": 4}
        assert boxes_of(two.dataset(directory="Default")) == boxes_of(one.dataset(directory="Default")) == {}
        assert [each.pull("n2").summary().reviewed for each in (one, two)] == [0, 0]
        team.review(picture, move=1)
        assert (
            boxes_of(two.dataset(directory="Default")) == boxes_of(one.dataset(directory="Default")) == team.settled()
        )
        assert [each.pull("n2").summary().reviewed for each in (one, two)] == [1, 1]


@pytest.mark.parametrize(("name", "refused"), [("p000.png", True), ("notes.txt", True), (".gitignore", False)])
def test_a_folder_of_other_files_is_not_made_a_dataset(reviewed, tmp_path, name, refused):
    """Such as that of the images themselves; what git and DVC keep is beside it."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).touch()
    with reviewed.open() as diffgram:
        dataset = diffgram.dataset(directory="Default")
    with pytest.raises(UsageError, match=f"it holds {name} and no manifest") if refused else contextlib.nullcontext():
        dataset.write(tmp_path / "mine", to="coco")
    assert ([path.name for path in (tmp_path / "mine").iterdir()] == [name]) == refused


@pytest.fixture
def settings(reviewed, tmp_path, monkeypatch):
    """The environment of a command line on a machine without an outbox."""
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(reviewed.sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "none.sqlite"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.yaml").write_text("names: [cat, fox]\n")
    return reviewed


def test_the_command_says_what_is_in_it(settings, tmp_path, capsys):
    """As text and as JSON; the second time nothing is new."""
    command = ["pull", "--directory", "Default", "--to", "yolo", "--names", "data.yaml", "-o", "set"]
    assert boxferry([*command, "--images", "team/images", "--link-images"]) == 0
    said = capsys.readouterr().err
    assert "Default: 12 images (" in said
    assert "since the last one: 12 new, 0 changed, 0 gone" in said
    assert "not included: 4 not reviewed yet, 0 with boxes pushed after their review" in said
    assert "new labels, added at the end: 2 dog" in said
    assert (tmp_path / "set" / rows_of(tmp_path / "set")[0]["image"]).is_symlink()
    assert boxferry([*command, "--images", "team/images", "--link-images", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["pictures"], facts["new"], facts["waiting"], facts["directories"]) == (12, [], 4, ["Default"])
    assert facts["train"] + facts["val"] == 12


def test_where_nothing_is_reviewed_the_next_step_is_said(team, tmp_path, monkeypatch, capsys):
    """An empty dataset is none to train on."""
    with team.open() as diffgram:
        team.night(diffgram, "m1", "n1", team.names[:2])
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(team.sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "none.sqlite"))
    assert boxferry(["pull", "--directory", "Default", "-o", str(tmp_path / "set")]) == 0
    said = capsys.readouterr().err
    assert "no image is reviewed yet; list what is left to review with: boxferry work Default" in said
    assert "2 not reviewed yet" in said


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["-o", "x"], 2, "name a RUN, or a directory"),
        (["n1", "--val", "0.2", "-o", "x"], 2, "--val is for datasets"),
        (["n1", "--download-images", "-o", "x"], 2, "--download-images is for datasets"),
        (["--directory", "Default", "--link-images", "-o", "x"], 2, "--link-images needs --images FOLDER"),
        (["--directory", "Default", "--all", "-o", "x"], 2, "--all cannot be combined with a dataset"),
        (["--directory", "Default", "--to", "mot", "-o", "x"], 2, "a dataset is written as yolo, coco, voc"),
        (["--directory", "Default", "-o", "-"], 2, "a dataset needs a folder"),
        (["--directory", "Default", "--images", "none", "-o", "x"], 2, "no such images folder: none"),
        (["--directory", "Defualt", "-o", "x"], 2, "no directory 'Defualt' (near: Default)"),
        (["--directory", "Default", "--to", "yolo", "--names", "names.json", "-o", "x"], 2, "class 1 has no name"),
    ],
)
def test_a_mistake_is_one_line(sandbox, monkeypatch, tmp_path, arguments, code, word, capsys):
    """With the place or the remedy; nothing is written."""
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "none.sqlite"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.json").write_text('{"0": "cat", "2": "dog"}')
    assert boxferry(["pull", *arguments]) == code
    assert word in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("first", "then"), [("yolo", "voc"), ("voc", "yolo"), ("coco", "yolo"), ("yolo", "coco")])
def test_another_layout_leaves_nothing_of_the_earlier_one(reviewed, tmp_path, first, then):
    """Lists, boxes and images of it go, and what lies beside them stays."""
    images, names = reviewed.folder / "images", dict(enumerate(LABELS))
    with reviewed.open() as diffgram:
        dataset = diffgram.dataset(directory="Default")
        dataset.write(tmp_path / "set", to=first, images=images, names=names)
        (tmp_path / "set" / "notes.txt").write_text("mine")
        dataset.write(tmp_path / "set", to=then, images=images, names=names)
        dataset.write(tmp_path / "fresh", to=then, images=images, names=names)
    found = tree(tmp_path / "set")
    assert found.pop("notes.txt") == b"mine"
    assert found.keys() == tree(tmp_path / "fresh").keys()
    assert not [each for each in (tmp_path / "set").rglob("*") if each.is_dir() and not any(each.iterdir())]


def test_the_name_of_a_file_is_no_dataset(reviewed, tmp_path):
    """Nothing is written."""
    with reviewed.open() as diffgram, pytest.raises(UsageError, match="name a folder, not a file"):
        diffgram.dataset(directory="Default").write(tmp_path / "x.json", to="coco")
    assert not (tmp_path / "x.json").exists()


def test_a_model_in_place_of_a_run_is_told(reviewed):
    """With its runs, and how all of them are had."""
    with reviewed.open() as diffgram, pytest.raises(OutboxError, match=r"'m1' is a model, not a run; .*1 \(n1\)"):
        diffgram.pull("m1")


def test_videos_are_left_out_in_one_line(reviewed, tmp_path, capsys):
    """With their number; here two pictures that the server calls videos."""
    from boxferry.cli.dataset import _say_left_out

    with reviewed.open() as diffgram:
        dataset = diffgram.dataset(directory="Default")
    pictures = [
        replace(each, file=replace(each.file, video=each.file.file_name in {"p001.png", "p002.png"}))
        for each in dataset.pictures
    ]
    written = replace(dataset, pictures=pictures).write(tmp_path / "set", to="yolo", names=dict(enumerate(LABELS)))
    _say_left_out(written)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("left out, video: 2 (p001.png and others): ")
    assert not [line for line in said[1:] if "video" in line]
    assert (len(written.rows), written.exit_code) == (10, 0)
