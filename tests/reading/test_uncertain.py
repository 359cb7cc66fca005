"""The images that are most uncertain: near the threshold, of rare labels; the others are dropped and counted."""

import pytest

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.errors import UsageError


@pytest.fixture
def labels(tmp_path):
    """Four images: sure, doubtful, sure of a rare label, empty."""
    rows = {"sure": "0 0.5 0.5 0.2 0.2 0.99", "doubtful": "0 0.5 0.5 0.2 0.2 0.52", "rare": "1 0.5 0.5 0.2 0.2 0.99"}
    for name, row in (rows | {"empty": ""}).items():
        (tmp_path / f"{name}.txt").write_text(row)
    return read(tmp_path, format="yolo", names=["cat", "dog"], size=(100, 80))


def chosen(predictions, count, **options):
    tally = Tally()
    chunks = list(predictions.most_uncertain(count, **options).chunks(tally))
    assert tally.kept == sum(map(len, chunks))
    return [image.key for chunk in chunks for image in chunk.images], tally


def test_the_most_doubtful_and_the_rare_come_first(labels):
    """The rest is dropped with its reason; a count above all keeps all."""
    assert chosen(labels, 1)[0] == ["doubtful"]
    keys, tally = chosen(labels, 2)
    assert keys == ["doubtful", "rare"]
    assert tally.dropped == {"not-chosen": 1}
    assert len(chosen(labels, 9)[0]) == 4


def test_doubt_is_nearness_to_the_threshold(labels):
    """A score of 0.99 is doubtful where the threshold is there."""
    assert chosen(labels, 1, threshold=0.99)[0] == ["rare"]


def test_what_cannot_be_gone_through_twice_is_said(labels):
    """A generator would send nothing, silently."""
    results = ({"boxes": [[0, 0, 1, 1]], "labels": [0], "scores": [0.5]} for _ in "a")
    with pytest.raises(UsageError, match="a list, not a generator"):
        read(results, format="torchvision").most_uncertain(1)
    with pytest.raises(UsageError, match="expected 1 or more"):
        labels.most_uncertain(0)
