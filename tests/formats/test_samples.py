"""Every format that came later: recognised by its content alone, read right, and every box counted."""

import pytest

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from boxferry.errors import UnknownFormat
from boxferry.reading.read import choose_format
from boxferry.reading.source import source_of
from formats.reading import FORMATS, images_of, rows_of
from formats.samples import LABELSTUDIO, SAMPLES, as_json, format_of

TABLES = ("dota-results", "openimages", "openimages-predictions", "parquet", "parquet-images")  #: many rows an image


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_recognised_and_read(tmp_path, name):
    """By its content, by that format alone, whatever the files are called; and the reason is given."""
    sample = SAMPLES[name]
    source = sample.write(tmp_path)
    predictions = read_source(source, options=sample.options, size=sample.size)
    assert predictions.format.name == format_of(name)
    assert predictions.why
    tally = Tally()
    rows = rows_of(list(predictions.chunks(tally)))
    assert [row[:2] for row in rows] == [row[:2] for row in sample.expected]
    assert [row[2:6] for row in rows] == [pytest.approx(row[2:6]) for row in sample.expected]
    assert [row[6] for row in rows] == [row[6] for row in sample.expected]
    assert tally.kept == len(rows)


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.source])
def test_a_folder_of_such_files_is_read_too(tmp_path, name):
    """And recognised."""
    sample = SAMPLES[name]
    sample.write(tmp_path)
    predictions = read_source(tmp_path, options=sample.options, size=sample.size)
    assert predictions.format.name == format_of(name)
    assert len(rows_of(list(predictions.chunks(Tally())))) == len(sample.expected)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"\0\0", b"PAR1", b"<a/>", b"1,2,3\n", b"word\n"])
def test_nothing_else_is_taken_for_one(tmp_path, name, junk):
    """A sniffer raises nothing, and claims nothing that it does not read."""
    if (name, junk) == ("dota-results", b""):
        pytest.skip("a class without results is an empty file, known by its name")
    for file in SAMPLES[name].files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(junk)
        assert FORMATS[format_of(name)].sniff(source_of(tmp_path / file)) is None
    assert FORMATS[format_of(name)].sniff(source_of([1, 2])) is None


@pytest.mark.parametrize(
    "name", [name for name in SAMPLES if name not in (*TABLES, "kitti-tracking", "cvat-video", "labelstudio-brush")]
)
def test_an_image_is_taken_once(tmp_path, name):
    """A second file about it fails, and nothing is doubled."""
    sample = SAMPLES[name]
    sample.write(tmp_path / "one")
    sample.write(tmp_path / "two")
    folder, tally = images_of(tmp_path / "images", "a.jpg"), Tally()
    given = {"format": format_of(name), "options": sample.options, "images": folder}
    found = rows_of(list(read_source(tmp_path, **given).chunks(tally)))
    assert len(found) == len(sample.expected)
    assert tally.kept == len(found)
    assert tally.failed.total() == 1


def test_the_reason_names_what_was_seen(tmp_path):
    """`--format auto` says why."""
    source = source_of(SAMPLES["createml"].write(tmp_path))
    assert choose_format(source, "auto", FORMATS)[1].startswith("a JSON list whose items have image")


def test_a_fixed_size_is_for_images_of_which_nothing_is_known(tmp_path):
    """What the format says goes before it; what the image itself says goes before both."""
    source = SAMPLES["ndjson"].write(tmp_path)
    (chunk,) = read_source(source, size="640x480").chunks(tally := Tally())
    assert (chunk.images[0].width, chunk.images[0].height, tally.failed) == (100, 80, {})
    images = images_of(tmp_path / "images", "a.jpg", size=(50, 40))
    assert sum(map(len, read_source(source, images=images).chunks(tally := Tally()))) == 0
    assert tally.failed == {"size-mismatch": 1}


@pytest.mark.parametrize(
    ("name", "file", "data"),
    [
        ("kitti", "0.txt", b"cat 1 2\n"),
        ("dota", "0.txt", b"cat\n"),
        ("labelme", "0.json", b'{"shapes": ['),
        ("cvat", "0.xml", b"<annota"),
        ("openimages", "0.csv", b"x,y\n"),
    ],
)
def test_one_file_that_is_cut_or_another_does_not_hide_the_others(tmp_path, name, file, data):
    """The format is still recognised."""
    SAMPLES[name].write(tmp_path)
    (tmp_path / file).write_bytes(data)
    assert FORMATS[name].sniff(source_of(tmp_path))


@pytest.mark.parametrize("name", ["createml", "ndjson", "labelme", "labelstudio"])
def test_utf16_and_gzip_are_undone(tmp_path, name):
    """Of JSON files, by themselves and in a folder."""
    import gzip

    sample = SAMPLES[name]
    (file, data), *_ = sample.files.items()
    (tmp_path / file).write_bytes(data.decode().encode("utf-16"))
    predictions = read_source(tmp_path / file)
    assert (predictions.format.name, len(rows_of(list(predictions.chunks(Tally()))))) == (name, 2)
    (tmp_path / file).unlink()
    (tmp_path / f"{file}.gz").write_bytes(gzip.compress(data))
    assert len(rows_of(list(read_source(tmp_path / f"{file}.gz").chunks(Tally())))) == 2
    if name != "labelme":  # files about one image are opened by their path
        assert len(rows_of(list(read_source(tmp_path, format=name).chunks(Tally())))) == 2


def test_a_single_task_of_label_studio_is_no_data_set_of_coco(tmp_path):
    """It has annotations and predictions too."""
    task = {**LABELSTUDIO[0], "annotations": []}
    (tmp_path / "x.json").write_bytes(as_json(task))
    assert read_source(tmp_path / "x.json").format.name == "labelstudio"


@pytest.mark.parametrize(
    ("name", "file", "text", "said"),
    [
        ("openimages", "x.csv", "ImageID,LabelName,XMin\na,b,1\n", r"x\.csv:1: a header without XMax, YMax, YMin"),
        (
            "kitti",
            "a.txt",
            "\ncar 0 0 0 1 2 3 4 1 1 1 0 0\n",
            r"a\.txt:2: 12 numbers after the type, expected 14 or 15",
        ),
        ("labelme", "a.json", '{"shapes": 3}', r"a\.json: shapes, but no list of them with imagePath"),
        ("labelstudio", "x.json", '[{"data": {"image": "a.jpg"}}]', r"x\.json: tasks with data, but no predictions"),
    ],
)
def test_what_comes_near_says_what_it_stumbled_over(tmp_path, name, file, text, said):
    """And is the one to be tried."""
    (tmp_path / file).write_text(text)
    with pytest.raises(UnknownFormat, match=f"{name}: .*{said}(.|\n)*{name} is the closest"):
        read_source(tmp_path / file)
