"""What the plugin promises: run with `pytest`, with boxferry and this distribution installed."""

import pytest

from boxferry import Tally, read
from boxferry.plugins import plugin_manager

HEADER = "image,width,height,label,score,x_min,y_min,x_max,y_max\n"
GOOD = "a.jpg,100,80,cat,0.9,10,20,30,40\nb.jpg,50,50,dog,0.7,0,0,5,5\n"


@pytest.fixture
def rows(tmp_path):
    """Writes rows, and gives what is read of them, with the tally."""

    def written(text):
        path, tally = tmp_path / "boxes.csv", Tally()
        path.write_text(HEADER + text)
        chunks = list(read(path, plugins=plugin_manager()).chunks(tally))
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
    """By its header; each image comes once, with its size."""
    assert rows(GOOD)[0] == [("a.jpg", "cat", 10, 20, 30, 40), ("b.jpg", "dog", 0, 0, 5, 5)]


def test_a_row_that_is_no_box_costs_only_itself(rows):
    """It is counted as dropped, with its line."""
    found, tally = rows(GOOD + "c.jpg,9,9,cat,0.5,ten,0,5,5\n")
    assert len(found) == 2
    assert tally.dropped == {"bad-box": 1}
