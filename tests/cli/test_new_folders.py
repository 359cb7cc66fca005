"""A missing folder of a file that is to be written is made, whichever command writes it."""

import pytest

from boxferry.cli.app import run as boxferry

SOURCE = ["fixtures/yolo/labels", "--names", "fixtures/yolo/data.yaml", "--images", "fixtures/images"]


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["convert", *SOURCE, "--to", "coco"], "--output"),
        (["preview", *SOURCE], "--output"),
        (["validate", *SOURCE], "--html"),
    ],
    ids=["convert", "preview", "validate"],
)
def test_a_missing_folder_is_made(tmp_path, command, option):
    """As `work --csv`, `report --html` and `pull -o` do, which write through the same function."""
    target = tmp_path / "new" / "deeper" / "file"
    assert boxferry([*command, option, str(target)]) in {0, 1}
    assert target.stat().st_size > 0
