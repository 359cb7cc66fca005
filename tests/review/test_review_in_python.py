"""Corrections in Python: in memory, as a table, and written as training takes them."""

import pytest
import requests

from boxferry import Diffgram
from boxferry.errors import OptionError, UnknownFormat, UsageError
from boxferry.reading.dataset import Dataset
from boxferry.reading.read import read
from sending.pushing import predictions, push, server_of


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def review(sandbox, diffgram, folder):
    """A run of which people have completed all files."""
    push(diffgram, predictions(folder))
    for file in sandbox.files():
        complete(sandbox, file["id"])
    return diffgram.pull("r")


def complete(sandbox, file_id):
    path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file_id}/annotation"
    given = {"auth": (sandbox.client_id, sandbox.client_secret), "timeout": 9}
    place = {"directory_id": sandbox.directory_id}
    rows = requests.post(f"{path}/list", json=place, **given).json()["file_serialized"]["instance_list"]
    requests.post(f"{path}/update", json=place | {"instance_list": rows, "and_complete": True}, **given)


def test_the_corrected_boxes_are_a_dataset(review):
    dataset = review.corrected()
    assert isinstance(dataset, Dataset)
    assert len(dataset) == len(review.reviewed) > 0
    assert len(dataset.boxes) == dataset.tally.kept
    assert repr(review).startswith("<Review: run r, ")
    assert "kept" in review._repr_html_()


def test_they_are_written_in_a_format_by_its_name(review, tmp_path):
    tally = review.write(tmp_path / "out.json")
    assert tally.kept == len(read(tmp_path / "out.json").collect().boxes) == len(review.corrected().boxes)
    with pytest.raises(UnknownFormat, match="did you mean 'coco'"):
        review.write(tmp_path / "x", to="coko")


@pytest.mark.parametrize("images", ["copy", "link", None])
def test_they_are_written_for_training_with_their_images(review, tmp_path, images):
    tally = review.write(tmp_path / "set", to="yolo", split=0.5, images=images)
    assert tally.kept == len(review.corrected().boxes)
    found = [path for path in (tmp_path / "set").rglob("*") if path.suffix in {".png", ".jpg"}]
    assert len(found) == (len(review.reviewed) if images else 0)
    assert all(path.is_symlink() == (images == "link") for path in found)
    assert (tmp_path / "set" / "data.yaml").exists()


def test_options_that_do_not_go_together_are_said(review, tmp_path):
    with pytest.raises(OptionError, match="images needs split"):
        review.write(tmp_path / "x", images="copy")
    with pytest.raises(OptionError, match="split cannot be combined with everything"):
        review.write(tmp_path / "x", split=0.1, everything=True)
    with pytest.raises(UsageError, match="images: 'copi' is not one of copy, link; did you mean 'copy'"):
        review.write(tmp_path / "x", split=0.1, images="copi")


def test_a_table_has_the_fate_of_each_box(review):
    pytest.importorskip("pandas")
    table = review.to_pandas()
    assert len(table) == sum(len(file.judged) for file in review.files)
    assert set(table["fate"]) == {"kept"}
    assert table["xmin"].tolist() == table["now_xmin"].tolist()


def test_only_this_runs_boxes_and_those_of_people_come_with_own(sandbox, diffgram, folder, review):
    push(diffgram, predictions(folder), model="other", run="later", existing=True, on_existing="append")
    own = diffgram.pull("r", own=True)
    assert len(own.corrected(everything=True).boxes) <= len(diffgram.pull("r").corrected(everything=True).boxes)
    assert len(own.corrected(everything=True).boxes) == len(review.corrected().boxes)
