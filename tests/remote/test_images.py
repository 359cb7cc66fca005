"""Images folders at URLs: sizes by the beginnings of files, whatever the server can do."""

import io

import pytest

from boxferry.boxes import detections as boxes
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError, SizeDiffers
from boxferry.formats import Catalog
from boxferry.reading.images import ImageIndex
from boxferry.reading.read import read
from videos import a_video

Image = pytest.importorskip("PIL.Image")

LISTING = 8 << 10  #: at most, of the folder's page


def picture(kind, size, *, padding=0, turned=False):
    """The bytes of a picture; `padding` bytes of other segments stand before a JPEG's size."""
    stream = io.BytesIO()
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    options = {"exif": exif} if turned else {}
    Image.effect_noise(size, 90).convert("RGB").save(stream, kind, **options)
    data = stream.getvalue()
    while padding > 0:
        data = data[:2] + b"\xff\xe7\xff\xff" + bytes(65533) + data[2:]
        padding -= 65535
    return data


PICTURES = {
    "a.jpg": (picture("JPEG", (320, 240)), (320, 240)),
    "deep.jpg": (picture("JPEG", (400, 300), padding=200_000), (400, 300)),
    "turned.jpg": (picture("JPEG", (320, 200), turned=True), (200, 320)),
    "late.tiff": (picture("TIFF", (500, 300)), (500, 300)),
    "p.png": (picture("PNG", (600, 400)), (600, 400)),
    "sub/g.gif": (picture("GIF", (64, 32)), (64, 32)),
    "w.webp": (picture("WEBP", (128, 64)), (128, 64)),
    "none.jpg": (b"no picture", (0, 0)),
}


def put(folder, pictures):
    for name, (data, _) in pictures.items():
        (target := folder / name).parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


@pytest.fixture(params=["memory", "web", "web without ranges"])
def images(request, tmp_path, memory, web):
    if request.param == "memory":
        memory({f"/data/images/{name}": data for name, (data, _) in PICTURES.items()})
        return "memory://data/images"
    return web(put(tmp_path / "images", PICTURES).parent, ranges=request.param == "web").url + "images"


@pytest.mark.parametrize("order", [sorted, lambda names: sorted(names, reverse=True)], ids=["in order", "backwards"])
def test_sizes_are_those_of_the_headers(images, order):
    index = ImageIndex.build(folder=images)
    found = {name: index.named(name) for name in order(PICTURES)}
    assert {name: (image.width, image.height) for name, image in found.items()} == {
        name: size for name, (_, size) in PICTURES.items()
    }
    assert found["sub/g.gif"].media == f"{images}/sub/g.gif"


def test_only_the_beginnings_of_files_are_fetched(tmp_path, web):
    pictures = dict.fromkeys((f"{number:03}.png" for number in range(40)), (picture("PNG", (700, 700)), (700, 700)))
    server = web(put(tmp_path / "images", pictures).parent)
    index = ImageIndex.build(folder=server.url + "images/")
    assert {(image.width, image.height) for image in index.known()} == {(700, 700)}
    assert server.sent <= 40 * (32 << 10) + LISTING < sum(len(data) for data, _ in pictures.values()) / 10
    assert len([1 for method, path, _ in server.asked if path.endswith(".png")]) == 40


def test_a_few_of_many_images_cost_little_more_than_themselves(tmp_path, web):
    pictures = {f"{number:03}.png": (picture("PNG", (8, 8)), (8, 8)) for number in range(200)}
    server = web(put(tmp_path / "images", pictures).parent)
    index = ImageIndex.build(folder=server.url + "images/")
    for number in (150, 20, 90, 60):
        assert index.named(f"{number:03}.png").sized
    assert len([1 for _, path, _ in server.asked if path.endswith(".png")]) < 4 * 8


def test_labels_here_and_images_there(images, tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text("0 .5 .5 .5 .5\n")
    chunks = list(read(tmp_path / "labels", names="cat", images=images).chunks(Tally()))
    assert chunks[0].images[0].key == "a.jpg"
    assert chunks[0].xyxy.tolist() == [[80, 60, 240, 180]]


def test_labels_there_and_images_here(memory, tmp_path):
    memory({"/data/labels/a.txt": "0 .5 .5 .5 .5\n"})
    put(tmp_path, {"a.jpg": PICTURES["a.jpg"]})
    chunks = list(read("memory://data/labels", names="cat", images=tmp_path).chunks(Tally()))
    assert chunks[0].images[0].media == str(tmp_path / "a.jpg")


def test_a_folder_of_images_alone_is_a_source(images):
    found = read(images)
    assert found.format.name == "media"
    keys = [image.key for chunk in found.chunks(Tally()) for image in chunk.images]
    assert keys == sorted(PICTURES, key=lambda name: name.split("/"))


def test_a_size_that_contradicts_the_dataset_file_is_said(memory):
    memory({"/d/images/t.jpg": PICTURES["turned.jpg"][0]})
    listed = boxes.Image(key="t.jpg", width=320, height=200)
    index = ImageIndex.build(folder="memory://d/images", catalog=Catalog(names={}, images={1: listed}))
    with pytest.raises(SizeDiffers, match="once it is turned by its EXIF orientation"):
        index.numbered(1)


def test_a_folder_that_is_not_there_is_one_line(memory):
    with pytest.raises(InputError, match=r"^no such images folder: memory://none/images$"):
        ImageIndex.build(folder="memory://none/images")


def test_an_image_that_cannot_be_read_says_why(memory):
    fsspec = pytest.importorskip("fsspec")
    memory({"/data/images/a.jpg": PICTURES["a.jpg"][0]})
    index = ImageIndex.build(folder="memory://data/images")
    list(index.ids())
    assert index.named("other.jpg").media == ""
    fsspec.filesystem("memory").rm("/data/images/a.jpg")
    with pytest.raises(InputError, match=r"memory://data/images/a\.jpg: cannot be read: no such file"):
        index.named("a.jpg")


def test_a_videos_frames_are_counted_there(memory):
    pytest.importorskip("av")

    memory({"/data/images/clip.mp4": a_video(frames=5)})
    image = ImageIndex.build(folder="memory://data/images").named("clip.mp4")
    assert (image.frames, image.video, image.sized) == (5, True, True)
