"""What becomes of files that are there: appended to, left alone, or boxes replaced; people's work stays."""

import pytest
import requests
from PIL import Image as Picture

from boxferry.errors import UsageError
from sending.pushing import A_BOXES, ROWS, boxes_in, predictions, push

ADDED = (1, 1, 9, 9)


def corners(box):
    return tuple(box[name] for name in ("x_min", "y_min", "x_max", "y_max"))


def file_of(sandbox, name):
    return next(f for f in sandbox.files() if f["original_filename"] == name)


def review(sandbox, name, change):
    """A person's save: `change` is given the file's boxes as they were read, and gives what is saved."""
    file = file_of(sandbox, name)
    path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file['id']}/annotation"
    auth = (sandbox.client_id, sandbox.client_secret)
    rows = requests.post(f"{path}/list", json={"directory_id": 1}, auth=auth, timeout=9).json()
    rows = rows["file_serialized"]["instance_list"]
    body = {"instance_list": change(rows), "directory_id": 1, "and_complete": False}
    requests.post(f"{path}/update", json=body, auth=auth, timeout=9).raise_for_status()


def drawn(sandbox):
    """A box that a person draws."""
    label = sandbox.boxes("a.jpg")[0]["label_file_id"]
    names = ("x_min", "y_min", "x_max", "y_max")
    return {"type": "box", "label_file_id": label, "machine_made": False, **dict(zip(names, ADDED, strict=True))}


def corrected(sandbox):
    """A file with two predictions of which a person has moved the first, and one box that the person drew."""

    def change(rows):
        moved = rows[0] | {"x_max": rows[0]["x_max"] + 7, "machine_made": False}
        return [moved, *rows[1:], drawn(sandbox)]

    review(sandbox, "a.jpg", change)


def states(report):
    return {state: packets for state, (packets, _) in report.states.items()}


def rows_by_id(sandbox, name):
    return {box["id"]: box for box in sandbox.boxes(name)}


@pytest.fixture
def first(sandbox, diffgram, folder):
    """The three files are there, with the boxes of run 'r' of model 'm'."""
    report = push(diffgram, predictions(folder))
    assert report.exit_code == 0, report.failed
    return report


def test_a_new_run_replaces_untouched_predictions_and_keeps_peoples_boxes(sandbox, diffgram, folder, first):
    """A moved and a drawn box keep their rows; the untouched prediction goes; what people have is not sent again."""
    corrected(sandbox)
    before = rows_by_id(sandbox, "a.jpg")
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.25 0.9\n0 0.8 0.8 0.1 0.1 0.7\n")
    report = push(diffgram, predictions(folder), run="next", existing=True, on_existing="replace-own")
    assert report.exit_code == 0, report.as_dict()
    after = rows_by_id(sandbox, "a.jpg")
    people = {i: row for i, row in before.items() if row["version"] == 2 or not row["creation_ref_id"]}
    assert len(people) == 2
    assert {i: after[i] for i in people} == people
    added = sorted(corners(row) for i, row in after.items() if i not in people)
    assert added == [(75, 60, 85, 68)]
    assert report.tally.dropped == {"people-have-it": 1, "already-sent": 1}


def test_the_same_replacement_again_changes_nothing(sandbox, diffgram, folder, first):
    """Neither a row nor a packet; the corrected prediction is left to the person who corrected it."""
    corrected(sandbox)
    push(diffgram, predictions(folder), existing=True, on_existing="replace-own")
    before = rows_by_id(sandbox, "a.jpg")
    sent = len(sandbox.inputs())
    report = push(diffgram, predictions(folder), existing=True, on_existing="replace-own")
    assert report.exit_code == 0
    assert rows_by_id(sandbox, "a.jpg") == before
    assert len(sandbox.inputs()) == sent
    assert report.tally.read == report.tally.dropped.total()
    assert report.tally.dropped["people-have-it"] == 1


def test_outlines_are_replaced_although_the_server_gives_them_bounds(sandbox, diffgram, folder, first):
    """What is stored of a polygon has corners that were not sent; it is the same box all the same."""
    outline = "0 0.1 0.1 0.5 0.15 0.3 0.6\n"
    (folder / "labels" / "a.txt").write_text(outline)
    for _ in range(2):
        source = predictions(folder, polygons=True)
        report = push(diffgram, source, run="outlines", existing=True, on_existing="replace-own")
        assert report.exit_code == 0, report.as_dict()
    assert [row["type"] for row in sandbox.boxes("a.jpg")] == ["polygon"]


def test_a_prediction_that_a_person_deleted_does_not_come_back(sandbox, diffgram, folder, first):
    """Nor where the run that asked for it is asked to ask again: another run may."""
    review(sandbox, "a.jpg", lambda rows: rows[:1])
    for choice, code in (({}, "rejected-before"), ({"ask_again": True}, "corrected")):
        report = push(diffgram, predictions(folder), existing=True, on_existing="replace-own", **choice)
        assert report.tally.dropped[code] == 1
    assert len(sandbox.boxes("a.jpg")) == 1


def test_other_models_predictions_stay(sandbox, diffgram, folder, first):
    """Only the model's own boxes are replaced, whatever the name of their run; an equal box is one box."""
    (folder / "labels" / "a.txt").write_text("0 0.8 0.8 0.1 0.1 0.7\n" + ROWS.splitlines()[0] + "\n")
    for run in ("one", "two"):
        (folder / "labels" / "b.txt").write_text(f"0 0.{len(run)} 0.5 0.2 0.25 0.9\n")
        report = push(diffgram, predictions(folder), model="other", run=run, existing=True, on_existing="replace-own")
        assert report.exit_code == 0, report.as_dict()
    assert boxes_in(sandbox, "a.jpg") == sorted([*A_BOXES, (75, 60, 85, 68)])


def test_predictions_that_are_gone_are_taken_away(sandbox, diffgram, folder, first):
    """By their number, also where no box is left on the file; what people have done stays."""
    corrected(sandbox)
    (folder / "labels" / "a.txt").write_text("")
    (folder / "labels" / "b.txt").write_text("")
    wanted = {"existing": True, "on_existing": "replace-own"}
    with pytest.raises(UsageError, match=r"2 boxes would be removed .*a\.jpg: 1, b\.png: 1.* allow_removals 2"):
        push(diffgram, predictions(folder), run="next", **wanted)
    assert len(sandbox.boxes("a.jpg")) == 3
    report = push(diffgram, predictions(folder), run="next", allow_removals=2, **wanted)
    assert (report.exit_code, report.tally.failed) == (0, {})
    assert len(sandbox.boxes("a.jpg")) == 2
    assert boxes_in(sandbox, "b.png") == []


def test_replacing_all_boxes_by_none_is_refused(sandbox, diffgram, folder, first):
    """Boxes of every model would go because of a result that is empty: each file is left as it is, and named."""
    (folder / "labels" / "b.txt").write_text("")
    report = push(diffgram, predictions(folder), run="next", existing=True, on_existing="replace-all", allow_removals=9)
    assert (report.exit_code, report.tally.failed) == (1, {"cannot-clear": 1})
    assert boxes_in(sandbox, "b.png") == A_BOXES[1:]


def test_replacing_all_needs_leave_to_delete_what_people_did(sandbox, diffgram, folder, first):
    """Without it nothing is sent, and the message counts the boxes; with it they are said before they go."""
    corrected(sandbox)
    wanted = {"existing": True, "on_existing": "replace-all"}
    with pytest.raises(UsageError, match=r"would delete 2 boxes .*a\.jpg: 2"):
        push(diffgram, predictions(folder), run="next", **wanted)
    assert len(sandbox.boxes("a.jpg")) == 3
    report = push(diffgram, predictions(folder), run="next", delete_people=True, **wanted)
    assert report.exit_code == 0, report.failed
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    sent = len(sandbox.inputs())
    assert push(diffgram, predictions(folder), run="next", **wanted).exit_code == 0
    assert len(sandbox.inputs()) == sent


def test_skip_leaves_files_alone_that_have_boxes(sandbox, diffgram, folder, first):
    """c.jpg has none."""
    (folder / "labels" / "c.txt").write_text("0 0.5 0.5 0.2 0.25 0.9\n")
    report = push(diffgram, predictions(folder), run="next", existing=True, on_existing="skip")
    assert (report.exit_code, report.states["applied"]) == (0, (1, 1))
    assert report.tally.dropped == {"has-boxes": 3}
    assert boxes_in(sandbox, "c.jpg") == A_BOXES[1:]


@pytest.mark.parametrize(
    ("choice", "boxes", "dropped"),
    [("append", sorted(A_BOXES * 2), 0), ("skip", A_BOXES, 3), ("replace-own", A_BOXES, 3)],
)
def test_a_name_clash_becomes_an_update_where_asked_for(sandbox, diffgram, folder, first, choice, boxes, dropped):
    """New images beside it are still made."""
    Picture.new("RGB", (100, 80)).save(folder / "images" / "new.png")
    (folder / "labels" / "new.txt").write_text("0 0.5 0.5 0.2 0.25 0.9\n")
    report = push(diffgram, predictions(folder), run="next", on_existing=choice)
    assert report.exit_code == 0, report.as_dict()
    assert boxes_in(sandbox, "new.png") == A_BOXES[1:]
    assert boxes_in(sandbox, "a.jpg") == boxes
    assert report.tally.dropped.total() == dropped


def test_a_save_between_reading_and_writing_is_noticed(sandbox, diffgram, folder, first, monkeypatch):
    """The box that was to stay is not there as it was: applied, with a reason, and exit code 1."""
    corrected(sandbox)
    (folder / "labels" / "a.txt").write_text("0 0.8 0.8 0.1 0.1 0.7\n")
    send = diffgram._client.send_packet

    def after_a_save(body):
        def change(rows):
            person = next(row for row in rows if row["creation_ref_id"] is None)
            return [row if row is not person else row | {"x_max": 33} for row in rows]

        review(sandbox, "a.jpg", change)
        send(body)

    monkeypatch.setattr(diffgram._client, "send_packet", after_a_save)
    report = push(diffgram, predictions(folder), run="next", existing=True, on_existing="replace-own")
    (doubtful,) = report.doubtful
    assert "a person saved the file in the meantime" in doubtful.reason
    assert report.exit_code == 1


def test_files_are_found_by_a_mapping(sandbox, diffgram, folder, first):
    """Its ids count, whatever the files are called; what it does not name is said."""
    ids = {name: file_of(sandbox, name)["id"] for name in ("a.jpg", "b.png")}
    swapped = {"a.jpg": ids["b.png"], "b.png": ids["a.jpg"]}
    report = push(diffgram, predictions(folder), run="next", existing=True, file_ids=swapped)
    assert report.exit_code == 0, report.failed
    assert boxes_in(sandbox, "b.png") == sorted([*A_BOXES, A_BOXES[1]])
    report = push(diffgram, predictions(folder), run="third", existing=True, file_ids={"a.jpg": 999})
    assert report.tally.failed == {"no-such-file": 2}
    assert sent_nothing(report)


def sent_nothing(report):
    return report.states == {} and report.tally.kept == 0


def test_a_size_that_differs_is_an_error_with_both(sandbox, diffgram, folder, first):
    """The boxes would land somewhere else; a turned image is named as one."""
    Picture.new("RGB", (80, 100)).save(folder / "images" / "a.jpg")
    Picture.new("RGB", (50, 40)).save(folder / "images" / "b.png")
    report = push(diffgram, predictions(folder), run="next", existing=True)
    messages = " ".join(issue.message for issue in report.tally.examples["size-differs"])
    assert report.tally.failed == {"size-differs": 2}
    assert "made for 80x100, the file on the server is 100x80: turned" in messages
    assert "made for 50x40, the file on the server is 100x80" in messages
    assert sent_nothing(report)


def test_boxes_are_scaled_with_media_that_the_server_scaled_down(sandbox, diffgram, folder):
    """Longer than 7680 pixels: it is scaled, and recorded with its sides swapped."""
    for path in (folder / "images").iterdir():
        path.unlink()
    Picture.new("RGB", (15360, 40)).save(folder / "images" / "a.png")
    (folder / "labels" / "b.txt").unlink()
    (folder / "labels" / "a.txt").write_text("")
    assert push(diffgram, predictions(folder), run="images").exit_code == 0
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    report = push(diffgram, predictions(folder), existing=True)
    assert report.exit_code == 0, report.as_dict()
    assert report.tally.changed == {"scaled": 1}
    assert boxes_in(sandbox, "a.png") == [(1920, 5, 5760, 15)]


@pytest.mark.parametrize("size", [(15360, 40), (20, 9001)])
def test_boxes_of_new_media_are_scaled_as_the_server_will(sandbox, diffgram, folder, size):
    """They arrive with the image, before anybody can ask for its size; the same again sends nothing."""
    for path in [*(folder / "images").iterdir(), *(folder / "labels").iterdir()]:
        path.unlink()
    Picture.new("RGB", size).save(folder / "images" / "a.png")
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    for _ in range(2):
        report = push(diffgram, predictions(folder))
        assert (report.exit_code, report.tally.changed) == (0, {"scaled": 1}), report.as_dict()
    scale = 7680 / max(size)
    (found,) = boxes_in(sandbox, "a.png")
    wanted = [side * scale * part for part in (0.25, 0.75) for side in size]
    assert all(abs(one - other) <= 1 for one, other in zip(found, wanted, strict=True))


def test_the_choice_is_made_with_the_sizes_of_the_server(sandbox, diffgram, folder, first):
    """Without an images folder nobody else knows them; without sizes nothing would be chosen, and all dropped."""
    (folder / "labels" / "b.txt").write_text("0 0.5 0.5 0.2 0.25 0.5\n")
    source = predictions(folder, images=None).most_uncertain(1)
    report = push(diffgram, source, run="next", existing=True)
    assert (report.exit_code, report.states) == (0, {"applied": (1, 2)}), report.as_dict()
    assert report.tally.dropped == {"not-chosen": 1}
