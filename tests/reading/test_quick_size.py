"""The sizes of the commonest images by their first bytes are those that imagesize gives."""

import io

import imagesize
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxferry.reading.headers import header_size
from boxferry.reading.quick_size import quick_size, size_in

Pillow = pytest.importorskip("PIL.Image")


def picture(form, size=(37, 21), **more):
    """A picture's bytes."""
    out = io.BytesIO()
    Pillow.new("RGB", size, (9, 99, 199)).save(out, form, **more)
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "more"),
    [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"dpi": (72, 72), "quality": 10})],
    ids=["png", "jpeg", "progressive", "jfif with density"],
)
def test_plain_images_have_their_size_in_their_first_bytes(tmp_path, form, more):
    """PNG, and JPEG without EXIF: one read of two kilobytes."""
    (tmp_path / "a").write_bytes(picture(form, **more))
    assert quick_size(str(tmp_path / "a")) == (37, 21)


def test_a_jpeg_with_exif_is_left_to_imagesize(tmp_path):
    """Its orientation can turn it."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(picture("JPEG", exif=exif))
    assert quick_size(str(tmp_path / "a.jpg")) is None
    assert header_size(str(tmp_path / "a.jpg")) == (21, 37)


GOOD = [picture("PNG"), picture("JPEG"), picture("JPEG", progressive=True), picture("JPEG", comment=b"\xff\xe1" * 9)]


@given(st.sampled_from(GOOD), st.randoms(use_true_random=False))
def test_spoilt_images_have_the_size_that_imagesize_gives_or_none(good, rng):
    """Where the first bytes tell a size at all, it is the same."""
    data = bytearray(good)
    for _ in range(rng.randrange(1, 5)):
        data[rng.randrange(min(len(data), 700))] = rng.choice((0, 1, 0xFF, 0xC0, 0xE1, rng.randrange(256)))
    found = size_in(bytes(data))
    if found is not None:
        assert found == imagesize.get(io.BytesIO(data), exif_rotation=True)
