"""Fixtures of the tests of integrations: a project on a sandbox, and a few images."""

import pytest
from PIL import Image as Picture

from boxferry import Diffgram
from sending.pushing import server_of


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def images(tmp_path):
    """Five images of 100x80."""
    (tmp_path / "images").mkdir()
    paths = [tmp_path / "images" / f"{number}.jpg" for number in range(5)]
    for path in paths:
        Picture.new("RGB", (100, 80), "grey").save(path)
    return paths
