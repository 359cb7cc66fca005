"""Two sources never become one run: by their default names, and by what the outbox knows of a run's source."""

import pytest
from PIL import Image as Picture

from boxferry import Diffgram, read
from boxferry.errors import InputError, UsageError
from boxferry.plan.source import name_of_source
from sending.pushing import boxes_in, predictions, push, server_of

NAMES = {
    "run_cam1/labels": "run_cam1",
    "proj/runs/detect/predict2/labels": "predict2",
    "proj/runs/train/labels": "proj-train",
    "night/predictions.json": "night-predictions.json",
    "cam1.json": "cam1.json",
    "voc/Annotations": "voc-Annotations",
    "https://host/cams/cam7/labels?token=x": "cam7",
    "-": "stdin",
}


@pytest.mark.parametrize("source", NAMES)
def test_a_default_name_tells_sources_apart(source):
    """By the part of the path that is its own."""
    assert name_of_source(source) == NAMES[source]


def another(folder, size=(100, 80)):
    """A second source with a picture of the same name, of another camera."""
    (folder / "cam2" / "labels").mkdir(parents=True)
    (folder / "cam2" / "images").mkdir()
    Picture.new("RGB", size, "red").save(folder / "cam2" / "images" / "a.jpg")
    (folder / "cam2" / "labels" / "a.txt").write_text("0 0.7 0.7 0.1 0.1 0.9\n")
    images = folder / "cam2" / "images"
    return read(folder / "cam2" / "labels", format="yolo", names=["cat", "dog"], images=images)


@pytest.mark.parametrize("size", [(100, 80), (640, 480)])
def test_a_picture_of_another_source_gets_no_boxes_on_a_file_of_its_name(sandbox, diffgram, folder, size):
    """Whether its size is another, or only its bytes."""
    push(diffgram, predictions(folder))
    before = boxes_in(sandbox, "a.jpg")
    report = push(diffgram, another(folder, size))
    assert report.tally.failed == {"other-picture" if size == (100, 80) else "size-differs": 1}
    assert report.exit_code == 1
    assert boxes_in(sandbox, "a.jpg") == before
    assert len(sandbox.files()) == 3


def test_a_new_picture_of_another_source_is_an_error_too(sandbox, diffgram, folder):
    """Two folders, one run name: the second is told to take another name."""
    push(diffgram, predictions(folder))
    source = another(folder)
    (folder / "cam2" / "images" / "a.jpg").rename(folder / "cam2" / "images" / "new.jpg")
    (folder / "cam2" / "labels" / "a.txt").rename(folder / "cam2" / "labels" / "new.txt")
    with pytest.raises(UsageError, match=r"was pushed from .*labels.* name another run"):
        push(diffgram, source)
    assert len(sandbox.files()) == 3
    assert push(diffgram, source, run="cam2").exit_code == 0


def test_a_push_that_failed_leaves_the_runs_name_free(sandbox, diffgram, folder):
    """Its options were wrong: then another source takes the name, and has it from its first packet on."""
    with pytest.raises(InputError, match="class ids need names"):
        push(diffgram, read(folder / "labels", format="yolo", images=folder / "images"))
    right = another(folder)
    assert [file.file_name for file in push(diffgram, right, dry_run=True).planned] == ["a.jpg"]
    assert push(diffgram, right).exit_code == 0
    with pytest.raises(UsageError, match=r"was pushed from .*cam2.* and lacks 1 picture of .*\(b\.png\)"):
        push(diffgram, predictions(folder), create_empty=False)
    assert len(sandbox.files()) == 1


def test_a_push_of_which_all_was_refused_leaves_the_runs_name_free(sandbox, diffgram, folder):
    """It has no picture of its own."""
    whole = (folder / "images" / "a.jpg").read_bytes()
    (folder / "images" / "a.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "labels" / "b.txt").unlink()
    assert push(diffgram, predictions(folder), create_empty=False).states == {"refused": (1, 2)}
    right = another(folder)
    assert push(diffgram, right, dry_run=True).exit_code == 0
    assert push(diffgram, right).states["applied"] == (1, 1)


def test_the_same_source_in_another_place_goes_on(sandbox, diffgram, folder, tmp_path):
    """An orchestrator unpacks the same folder elsewhere: all its pictures are the run's own."""
    push(diffgram, predictions(folder))
    moved = folder.rename(folder.with_name("moved"))
    again = push(diffgram, predictions(moved))
    assert (again.exit_code, again.tally.dropped) == (0, {"already-sent": 3})


def test_another_picture_under_the_same_name_gets_no_boxes(sandbox, diffgram, folder):
    """The digest of what was uploaded is compared where the sizes are the same."""
    push(diffgram, predictions(folder))
    Picture.new("RGB", (100, 80), "blue").save(folder / "images" / "a.jpg")
    (folder / "labels" / "a.txt").write_text("0 0.7 0.7 0.1 0.1 0.9\n")
    report = push(diffgram, predictions(folder))
    assert report.tally.failed == {"other-picture": 1}
    assert len(sandbox.boxes("a.jpg")) == 2


def test_files_that_hold_the_runs_boxes_enter_the_run(sandbox, diffgram, folder, tmp_path):
    """A lost outbox: the same push sends nothing, and its files are pulled with the run."""
    push(diffgram, predictions(folder))
    sent = len(sandbox.inputs())
    with Diffgram(server_of(sandbox), outbox=tmp_path / "fresh.sqlite") as fresh:
        report = push(fresh, predictions(folder))
        assert (report.exit_code, report.states) == (0, {"applied": (2, 3)})
        assert report.tally.dropped == {"already-sent": 3}
        assert len(fresh.pull("r").files) == 2
    assert len(sandbox.inputs()) == sent


def test_what_is_not_mentioned_is_not_touched(sandbox, diffgram, folder):
    """A night's push that mentions one picture clears no other, and makes no file of those that it does not mention."""
    push(diffgram, predictions(folder))
    (folder / "labels" / "b.txt").unlink()
    (folder / "labels" / "a.txt").write_text("0 0.7 0.7 0.1 0.1 0.9\n")
    report = push(diffgram, predictions(folder), run="tonight", existing=True, on_existing="replace-own")
    assert report.exit_code == 0
    assert len(sandbox.boxes("b.png")) == 1
    Picture.new("RGB", (10, 10)).save(folder / "images" / "more.png")
    push(diffgram, predictions(folder), run="later", create_empty=False, on_existing="append")
    assert "more.png" not in {file["original_filename"] for file in sandbox.files()}


def test_completed_files_are_spared_unless_named(sandbox, diffgram, folder):
    """Replacing leaves a file alone that people have completed, and counts what it did not send."""
    push(diffgram, predictions(folder))
    for file in sandbox.files():
        sandbox._store.update("file", file["id"], {"ann_is_complete": 1})
    (folder / "labels" / "a.txt").write_text("0 0.7 0.7 0.1 0.1 0.9\n")
    wanted = {"existing": True, "on_existing": "replace-own", "run": "next"}
    report = push(diffgram, predictions(folder), **wanted)
    assert (report.states, report.tally.dropped) == ({}, {"completed": 2})
    report = push(diffgram, predictions(folder), replace_completed=True, **wanted)
    assert report.exit_code == 0
    assert len(sandbox.boxes("a.jpg")) == 1
