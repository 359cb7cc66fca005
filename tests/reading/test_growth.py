"""What is kept of each file of a folder: there may be hundreds of thousands."""

import struct
import tracemalloc

from boxferry import read
from boxferry.boxes.tally import Tally

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 640, 480, 8, 2, 0, 0, 0) + b"\0\0\0\0"
FEW, MANY = 600, 2200  #: both more than a chunk has
MOST = 720  #: bytes a file: two names, an entry of the image, and its places in two tables that grow by doubling


def _peak(folder, count):
    """The largest number of bytes that reading so many label files and images takes."""
    for name in ("labels", "images"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        (folder / "labels" / f"{number:012}.txt").write_bytes(b"0 0.5 0.5 0.1 0.1 0.5\n")
        (folder / "images" / f"{number:012}.png").write_bytes(PNG)
    predictions = read(folder / "labels", names=["cat"], images=folder / "images")
    tracemalloc.start()
    try:
        boxes = sum(len(chunk) for chunk in predictions.fitted(Tally()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert boxes == count
    return peak


def test_a_label_file_and_its_image_take_little_memory(tmp_path):
    """Neither a path nor an image is kept for each of them."""
    few, many = (_peak(tmp_path / str(count), count) for count in (FEW, MANY))
    assert (many - few) / (MANY - FEW) <= MOST, (few, many)
