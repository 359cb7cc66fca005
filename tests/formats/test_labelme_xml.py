"""LabelMe's XML: like VOC's, but a format of its own: numbers count from 0 and are taken as they are."""

import os
import subprocess
import sys

import pytest

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from formats.reading import images_of, rows_of, write_text

POINTS = [(10, 20), (40.5, 20), (40.5, 60), (10, 60)]


def labelme(*objects, size="<imagesize><nrows>80</nrows><ncols>100</ncols></imagesize>", name="\na.jpg\n"):
    source = "<source><sourceImage>y</sourceImage><sourceAnnotation>LabelMe Webtool</sourceAnnotation></source>"
    head = f"<filename>{name}</filename><folder>\nx\n</folder>{source}"
    return f"<annotation>{head}{''.join(objects)}{size}</annotation>"


def an_object(points=POINTS, *, name="\ncat\n", deleted=0, more=""):
    pts = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in points)
    polygon = f"<polygon><username>anonymous</username>{pts}</polygon>" if points else ""
    return f"<object><name>{name}</name><deleted>{deleted}</deleted><verified>0</verified>{polygon}{more}</object>"


def found(source, **how):
    tally = Tally()
    predictions = read_source(source, **how)
    chunks = list(predictions.chunks(tally))
    assert tally.kept == sum(map(len, chunks))
    return predictions.format.name, rows_of(chunks), chunks, tally


WAYS = {
    "file": lambda folder: folder / "a.xml",
    "folder": lambda folder: folder,
    "glob": lambda folder: f"{folder}/*.xml",
    "list": lambda folder: [folder / "a.xml"],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_v15_numbers_are_taken_as_they_are(tmp_path, way):
    """Recognised by its polygons; the image's size is that of `imagesize`; no shift by one."""
    write_text(tmp_path / "a.xml", labelme(an_object()))
    name, rows, (chunk,), tally = found(way(tmp_path), polygons=True)
    assert (name, rows) == ("labelme-xml", [("a.jpg", "cat", 10.0, 20.0, 40.5, 60.0, None)])
    assert (chunk.images[0].width, chunk.images[0].height) == (100, 80)
    assert chunk.polygons[0][0].tolist() == [list(point) for point in POINTS]
    assert tally.noted == {"derived": 1}


def test_v15_a_point_at_0_is_no_contradiction(tmp_path):
    """The first pixel is 0."""
    write_text(tmp_path / "a.xml", labelme(an_object([(0, 0), (5, 0), (5, 5)])))
    assert found(tmp_path)[1][0][2:6] == (0.0, 0.0, 5.0, 5.0)


def test_v15_what_is_deleted_is_left_out_with_its_reason(tmp_path):
    """And so is an object without a shape; the box of a mask is a box."""
    mask = "<segm><box><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></box><mask>m.png</mask></segm>"
    objects = [an_object(deleted=1), an_object([]), an_object([], name="dog", more=mask)]
    write_text(tmp_path / "a.xml", labelme(*objects))
    _, rows, _, tally = found(tmp_path)
    assert rows == [("a.jpg", "dog", 1.0, 2.0, 30.0, 40.0, None)]
    assert tally.dropped == {"deleted": 1, "bad-box": 1}


def test_v15_images_of_the_folder_are_found(tmp_path):
    """By the name in the file; another size is an error with both."""
    images_of(tmp_path / "images", "a.jpg")
    write_text(tmp_path / "x/a.xml", labelme(an_object(), size=""))
    assert found(tmp_path / "x", images=tmp_path / "images")[2][0].images[0].media
    images_of(tmp_path / "images", "a.jpg", size=(50, 40))
    write_text(tmp_path / "x/a.xml", labelme(an_object()))
    assert found(tmp_path / "x", images=tmp_path / "images")[3].failed == {"size-mismatch": 1}


BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
SIZE = "<size><width>100</width><height>80</height></size>"
VOC = f"<annotation><filename>a.jpg</filename>{SIZE}<object><name>cat</name>{BOX}</object></annotation>"


def test_vocs_own_files_stay_vocs(tmp_path):
    """Also where one of the first files is damaged, or of another kind."""
    for name in "abcd":
        write_text(tmp_path / f"{name}.xml", VOC.replace("a.jpg", f"{name}.jpg"))
    assert found(tmp_path)[0] == "voc"
    write_text(tmp_path / "a.xml", "<anno")
    name, rows, _, tally = found(tmp_path)
    assert (name, len(rows), tally.failed) == ("voc", 3, {"bad-xml": 1})


def test_standard_input_works_too(tmp_path):
    """As any file."""
    done = subprocess.run(
        [sys.executable, "-c", "from boxferry.cli.main import main; main()", "convert", "-"],
        input=labelme(an_object()).encode(), capture_output=True, check=False,
        env={**os.environ, "DIFFGRAM_CONFIG": "/none"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b'"x_min":10,"y_min":20,"x_max":41,"y_max":60' in done.stdout
