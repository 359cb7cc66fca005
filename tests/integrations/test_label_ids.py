"""Which labels of a data set the boxes of a run are; `make fiftyone` shows it with FiftyOne."""

from boxferry import Detections, Image
from boxferry.integrations.label_ids import decided, new_id, place_of, places_of
from boxferry.review.judged import Judged, Predicted, Stored

SENT = {"a.png": {"10,10,30,20:cat": ["1"], "40,10,60,20:dog": ["2", "3"]}}


def chunk(boxes, labels, names=("cat", "dog")):
    return Detections.from_counts([Image("a.png", 100, 50)], [len(boxes)], boxes, labels, names)


def test_places_are_the_boxes_as_they_are_sent():
    """In whole pixels inside the image; labels that are one box share a place, one that is not sent has none."""
    boxes = [[10.2, 9.9, 30, 20], [40, 10, 60, 20], [39.6, 10.4, 60.1, 20], [5, 5, 5.1, 5.1], [90, 40, 120, 60]]
    found = places_of(chunk(boxes, [0, 1, 1, 0, 0]), ["1", "2", "3", "4", "5"])
    assert found == {"a.png": SENT["a.png"] | {"90,40,100,50:cat": ["5"]}}


def test_an_image_without_boxes_has_no_places():
    assert places_of(chunk([], []), []) == {"a.png": {}}


def sent(label, *corners):
    return Predicted(reference="", label=label, corners=corners)


def stored(label, *corners, root=7):
    return Stored(row_id=9, reference="", label=label, corners=corners, root=root)


def test_what_people_decided_about_labels():
    """Both labels of one box share its fate; boxes that nobody has looked at, or that a push replaced, are left out."""
    moved = Judged(fate="moved", predicted=sent("dog", 40, 10, 60, 20), stored=stored("dog", 41, 10, 60, 20))
    added = Judged(fate="added", stored=stored("cat", 1, 2, 3, 4))
    found = decided([moved, Judged(fate="deleted", predicted=sent("cat", 10, 10, 30, 20)), added], SENT["a.png"])
    assert (found.there, found.deleted, found.added) == ({"2": moved, "3": moved}, ["1"], [added.stored])
    for fate in ("unreviewed", "replaced"):
        found = decided([Judged(fate=fate, predicted=sent("cat", 10, 10, 30, 20))], SENT["a.png"])
        assert (found.there, found.deleted, found.added) == ({}, [], [])


def test_a_box_of_which_no_label_is_known_is_a_new_one():
    """It was sent before its label was deleted here, and people kept it."""
    kept = Judged(fate="kept", predicted=sent("cat", 5, 5, 9, 9), stored=stored("cat", 5, 5, 9, 9))
    assert decided([kept], SENT["a.png"]).added == [kept.stored]


def test_the_id_of_a_drawn_box_stays_when_it_is_moved():
    """And differs by box and run; it is an id as MongoDB has them."""
    one = new_id(stored("cat", 1, 2, 3, 4), "project", "m/r")
    assert one == new_id(stored("dog", 1, 2, 30, 40), "project", "m/r")
    assert (
        len({one, new_id(stored("cat", 1, 2, 3, 4, root=8), "project", "m/r"), new_id(stored("cat", 1, 2, 3, 4))}) == 3
    )
    assert bytes.fromhex(one)
    assert len(one) == 24


def test_a_place_is_written_as_in_a_reference():
    assert place_of("cat:a", (1.0, 2.0, 3.0, 4.0)) == "1,2,3,4:cat:a"
