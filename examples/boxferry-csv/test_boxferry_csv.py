"""What the plugin promises: run with `pytest`, with boxferry and this distribution installed."""

import pytest

from boxferry import Tally, read
from boxferry.plugins import plugin_manager

HEADER = "image,width,height,label,score,x_min,y_min,x_max,y_max\n"
GOOD = "a.jpg,100,80,cat,0.9,10,20,30,40\nb.jpg,50,50,dog,,0,0,5,5\na.jpg,100,80,dog,0.7,1,2,3,4\n"


@pytest.fixture
def rows(tmp_path):
    """Writes rows, and gives what is read of them, with the tally."""

    def written(text, **options):
        path, tally = tmp_path / "boxes.txt", Tally()
        path.write_text(text)
        chunks = list(read(path, plugins=plugin_manager(), options=options).chunks(tally))
        found = [
            (image.key, chunk.labels[chunk.label[row]], *chunk.xyxy[row])
            for chunk in chunks
            for image, part in chunk.each_image()
            for row in range(part.start, part.stop)
        ]
        assert tally.kept == len(found), "read = kept + dropped"
        return found, tally

    return written


def test_it_is_recognised_and_read(rows):
    """By its first line; each image comes once, with all its boxes."""
    assert rows(HEADER + GOOD)[0] == [
        ("a.jpg", "cat", 10, 20, 30, 40),
        ("a.jpg", "dog", 1, 2, 3, 4),
        ("b.jpg", "dog", 0, 0, 5, 5),
    ]


def test_columns_may_have_something_else_between_them(rows):
    """As its option says."""
    found, _ = rows((HEADER + GOOD).replace(",", ";"), **{"csv-delimiter": ";"})
    assert len(found) == 3


def test_a_row_that_is_no_box_costs_only_itself(rows):
    """It is counted as dropped, with its line."""
    found, tally = rows(HEADER + GOOD + "c.jpg,9,9,cat,0.5,ten,0,5,5\n,9,9,cat,0.5,1,0,5,5\n")
    assert len(found) == 3
    assert tally.dropped == {"bad-box": 1, "no-image": 1}
    assert tally.examples["bad-box"][0].line == 5
