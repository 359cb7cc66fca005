"""An image is found by name, stem or id wherever exactly one answers, with the size that people see it in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from boxferry.boxes.detections import Image
from boxferry.errors import InputError, UsageError
from boxferry.formats import Catalog
from boxferry.reading.images import ImageIndex, parse_size
from boxferry.reading.path_index import clean_path

ORIENTATION = 0x0112


def picture(path, size=(40, 30), orientation=None):
    """A real image file of `size`, with an EXIF orientation where one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Picture.Exif()
    if orientation:
        exif[ORIENTATION] = orientation
    Picture.new("RGB", size, "grey").save(path, **({"exif": exif} if orientation else {}))
    return path


def folder_of(tmp_path, *names):
    """A folder of real images, of 40 x 30 pixels each."""
    for name in names:
        picture(tmp_path / "images" / name)
    (tmp_path / "images").mkdir(exist_ok=True)
    return tmp_path / "images"


def catalog_of(*images):
    """A dataset file with these images, numbered from 1."""
    return Catalog(names={}, images=dict(enumerate(images, start=1)))


def keys(images):
    return [image.key for image in images]


@pytest.mark.parametrize(
    ("present", "asked", "expected"),
    [
        pytest.param(["a.jpg"], "a.jpg", "a.jpg", id="as it is"),
        pytest.param(["sub/a.jpg"], "./sub//a.jpg", "sub/a.jpg", id="written otherwise"),
        pytest.param(["sub/a.jpg"], "sub\\a.jpg", "sub/a.jpg", id="backslashes"),
        pytest.param(["a.jpg", "sub/a.jpg"], "a.jpg", "a.jpg", id="whole path before end of path"),
        pytest.param(["x/sub/a.jpg", "x/other/a.jpg"], "sub/a.jpg", "x/sub/a.jpg", id="end of one path"),
        pytest.param(["train/a.jpg", "val/a.jpg"], "images/train/a.jpg", "train/a.jpg", id="end of the name"),
        pytest.param(["a.jpg", "train/a.jpg"], "images/train/a.jpg", "train/a.jpg", id="longest end"),
        pytest.param(["a.jpg", "b-a.jpg"], "images/train/a.jpg", "a.jpg", id="base name"),
        pytest.param(["val/a.jpg"], "train/a.jpg", "val/a.jpg", id="base name in another folder"),
        pytest.param(["x/a.jpg"], "../../etc/a.jpg", "x/a.jpg", id="climbing, by base name"),
        pytest.param(["x/a.jpg"], "/data/a.jpg", "x/a.jpg", id="absolute, by base name"),
        pytest.param(["train/a.jpg", "val/a.jpg"], "C:\\data\\val\\a.jpg", "val/a.jpg", id="Windows drive"),
        pytest.param(["cafe\u0301.jpg"], "caf\u00e9.jpg", "cafe\u0301.jpg", id="accents composed and not"),
        pytest.param(["a.JPG"], "a.JPG", "a.JPG", id="upper case suffix"),
    ],
)
def test_a_name_finds_the_one_image_that_it_can_mean(tmp_path, present, asked, expected):
    images = ImageIndex.build(folder=folder_of(tmp_path, *present))
    found = images.named(asked)
    assert found == Image(key=expected, width=40, height=30, media=str(tmp_path / "images" / expected))
    assert images.named(asked) == found


@pytest.mark.parametrize(
    ("present", "asked", "listed"),
    [
        pytest.param(["x/a.jpg", "y/a.jpg"], "a.jpg", "x/a.jpg, y/a.jpg", id="base name"),
        pytest.param(["x/a.jpg", "y/a.jpg"], "z/a.jpg", "x/a.jpg, y/a.jpg", id="base name, in a third folder"),
        pytest.param(["a.jpg", "x/a.jpg"], "../a.jpg", "a.jpg, x/a.jpg", id="climbing"),
        pytest.param(
            [f"{n}/a.jpg" for n in range(7)], "a.jpg", "0/a.jpg, 1/a.jpg, 2/a.jpg, 3/a.jpg, 4/a.jpg, …:", id="many"
        ),
    ],
)
def test_a_name_that_can_mean_several_images_is_an_error_that_lists_them(tmp_path, present, asked, listed):
    with pytest.raises(InputError) as error:
        ImageIndex.build(folder=folder_of(tmp_path, *present)).named(asked)
    assert str(error.value).startswith(f"'{asked}' could be any of {listed}")


@pytest.mark.parametrize("look_up", [ImageIndex.named, ImageIndex.stem], ids=["named", "stem"])
def test_two_names_in_different_folders_are_never_one_image(tmp_path, look_up):
    images = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg"))
    suffix = ".jpg" if look_up is ImageIndex.named else ""
    for name in ("train/a", "images/train/a", "a", "train/a"):
        assert look_up(images, name + suffix).key == "a.jpg"
    with pytest.raises(
        InputError,
        match=r"train/a(\.jpg)?' and 'val/a(\.jpg)?' are two images, but only one image has that name: a\.jpg",
    ):
        look_up(images, "val/a" + suffix)


@pytest.mark.parametrize(
    ("present", "asked", "expected"),
    [
        pytest.param(["a.jpg"], "a", "a.jpg", id="as it is"),
        pytest.param(["sub/a.b.c.png"], "sub/a.b.c", "sub/a.b.c.png", id="only the last suffix"),
        pytest.param(["train/a.jpg", "val/a.jpg"], "val/a", "val/a.jpg", id="same stem in another folder"),
        pytest.param(["train/a.jpg", "val/a.jpg"], "labels/val/a", "val/a.jpg", id="end of the stem"),
        pytest.param(["x/a.jpg"], "a", "x/a.jpg", id="base name"),
    ],
)
def test_a_stem_finds_the_one_image_that_it_can_mean(tmp_path, present, asked, expected):
    assert ImageIndex.build(folder=folder_of(tmp_path, *present)).stem(asked).key == expected


def test_a_stem_of_two_images_is_an_error_that_lists_them(tmp_path):
    with pytest.raises(InputError, match=r"'x' could be any of x\.jpg, x\.png"):
        ImageIndex.build(folder=folder_of(tmp_path, "x.png", "x.jpg")).stem("x")


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        pytest.param("sub/a.jpg", "sub/a.jpg", id="name"),
        pytest.param(".\\sub\\a.jpg", "sub/a.jpg", id="backslashes"),
        pytest.param("../../etc/passwd", "etc/passwd", id="climbing"),
        pytest.param("/etc/passwd", "etc/passwd", id="absolute"),
        pytest.param("C:/Users/a.jpg", "Users/a.jpg", id="Windows drive"),
    ],
)
def test_an_image_that_nobody_knows_has_its_name_as_key_and_the_fixed_size(asked, key):
    assert ImageIndex.build().named(asked) == ImageIndex.build().stem(asked) == Image(key=key)
    assert ImageIndex.build(size=(64, 48)).named(asked) == Image(key=key, width=64, height=48)


@pytest.mark.parametrize("name", ["", ".", "/", "..\\"])
def test_a_name_without_a_file_name_is_an_error(name):
    with pytest.raises(InputError, match="expected the name of an image"):
        ImageIndex.build().named(name)


@given(st.text(alphabet="ab./\\:C ", max_size=12))
def test_a_key_never_leads_out_of_a_folder(name):
    try:
        path = clean_path(name)
    except InputError:
        return
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(path.split("/"))
    assert "\\" not in path


def test_a_name_that_climbs_is_never_opened(tmp_path):
    secret = picture(tmp_path / "secret.jpg")
    images = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg"))
    for name in ("../secret.jpg", str(secret)):
        assert images.named(name).media == ""
        assert not images.named(name).sized


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        pytest.param(".jpg", {}, id="jpeg"),
        pytest.param(".jpeg", {"progressive": True}, id="progressive jpeg"),
        pytest.param(".png", {}, id="png"),
        pytest.param(".bmp", {}, id="bmp"),
        pytest.param(".tif", {}, id="tiff"),
        pytest.param(".gif", {}, id="gif"),
        pytest.param(".webp", {"lossless": True}, id="lossless webp"),
        pytest.param(".webp", {}, id="webp"),
    ],
)
def test_the_size_is_read_from_the_header(tmp_path, suffix, options):
    Picture.new("RGB", (301, 202), "red").save(tmp_path / f"a{suffix}", **options)
    found = ImageIndex.build(folder=tmp_path).named(f"a{suffix}")
    assert (found.width, found.height) == (301, 202)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_the_size_is_the_one_after_the_exif_orientation(tmp_path, orientation, suffix):
    path = picture(tmp_path / f"a{suffix}", (300, 200), orientation)
    found = ImageIndex.build(folder=tmp_path).named(path.name)
    assert (found.width, found.height) == ((200, 300) if orientation >= 5 else (300, 200))


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_image_has_no_size_but_the_fixed_one(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    assert not ImageIndex.build(folder=tmp_path).named("a.jpg").sized
    assert ImageIndex.build(folder=tmp_path, size=(64, 48)).named("a.jpg").width == 64


def test_the_fixed_size_does_not_stand_above_the_image(tmp_path):
    found = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg"), size=(64, 48)).named("a.jpg")
    assert (found.width, found.height) == (40, 30)


def test_a_header_is_read_once_and_only_when_its_image_is_asked_for(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr("boxferry.reading.images.header_size", lambda path: read.append(Path(path).name) or (5, 4))
    images = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg", "b.jpg"))
    assert images.named("a.jpg") == images.stem("a")
    assert read == ["a.jpg"]


def test_the_folder_is_listed_at_the_first_look_up(tmp_path):
    images = ImageIndex.build(folder=folder_of(tmp_path))
    picture(tmp_path / "images/late.jpg")
    assert images.named("late.jpg").sized


def test_only_images_of_the_folder_are_known_in_order(tmp_path):
    folder = folder_of(tmp_path, "b.PNG", "a/2.jpg", "a/10.jpg")
    (folder / "notes.txt").touch()
    (folder / "._b.png").touch()
    images = ImageIndex.build(folder=folder)
    assert keys(images.known()) == keys(images.folder_images()) == ["a/10.jpg", "a/2.jpg", "b.PNG"]


def test_media_is_absolute_wherever_the_folder_is_named_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path, "a.jpg")
    assert ImageIndex.build(folder=Path("images")).named("a.jpg").media == str(tmp_path / "images/a.jpg")


@pytest.mark.parametrize("name", ["nowhere", "a.jpg"])
def test_a_folder_that_is_none_is_an_error(tmp_path, name):
    picture(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=f"no such images folder: .*{name}"):
        ImageIndex.build(folder=tmp_path / name)


def test_a_dataset_file_gives_images_by_number_and_their_numbers():
    images = ImageIndex.build(catalog=catalog_of(Image(key="a.jpg", width=8, height=6), Image(key="b.jpg")))
    assert images.numbered(1) == images.named("a.jpg") == images.stem("a") == Image(key="a.jpg", width=8, height=6)
    assert images.numbered(3) is None
    assert images.id_of(images.named("b.jpg")) == 2
    assert images.id_of(Image(key="c.jpg")) is None
    assert keys(images.known()) == ["a.jpg", "b.jpg"]
    assert list(images.folder_images()) == []


def test_without_a_dataset_file_no_image_has_a_number(tmp_path):
    images = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg"))
    assert images.numbered(1) is None
    assert images.id_of(images.named("a.jpg")) is None


def test_the_key_is_the_dataset_files_and_the_media_the_folders(tmp_path):
    folder = folder_of(tmp_path, "a.jpg", "extra.jpg")
    images = ImageIndex.build(folder=folder, catalog=catalog_of(Image(key="train/a.jpg"), Image(key="gone.jpg")))
    joined = Image(key="train/a.jpg", width=40, height=30, media=str(folder / "a.jpg"))
    assert images.numbered(1) == images.named("a.jpg") == images.named("train/a.jpg") == images.stem("a") == joined
    assert images.numbered(2) == Image(key="gone.jpg")
    assert images.id_of(joined) == 1
    assert keys(images.known()) == ["train/a.jpg", "gone.jpg", "extra.jpg"]
    assert keys(images.folder_images()) == ["train/a.jpg", "extra.jpg"]


def test_the_fixed_size_fills_what_the_dataset_file_leaves_open():
    catalog = catalog_of(Image(key="a.jpg", width=8, height=6), Image(key="b.jpg"))
    images = ImageIndex.build(catalog=catalog, size=(64, 48))
    assert [(image.width, image.height) for image in images.known()] == [(8, 6), (64, 48)]


def test_a_file_goes_to_the_listed_image_of_its_whole_path(tmp_path):
    catalog = catalog_of(Image(key="x/a.jpg"), Image(key="a.jpg"))
    images = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg"), catalog=catalog)
    assert [image.media for image in images.known()] == ["", str(tmp_path / "images/a.jpg")]


def test_a_file_that_two_listed_images_could_mean_is_an_error_for_both(tmp_path):
    catalog = catalog_of(Image(key="train/a.jpg"), Image(key="val/a.jpg"), Image(key="b.jpg"))
    images = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg", "b.jpg"), catalog=catalog)
    for number in (1, 2):
        with pytest.raises(
            InputError, match=r"train/a\.jpg, val/a\.jpg: 2 images of the dataset file, but .* only a\.jpg"
        ):
            images.numbered(number)
    assert images.numbered(3).sized


def test_a_listed_image_that_several_files_could_be_is_an_error(tmp_path):
    images = ImageIndex.build(folder=folder_of(tmp_path, "x/a.jpg", "y/a.jpg"), catalog=catalog_of(Image(key="a.jpg")))
    with pytest.raises(InputError, match=r"'a\.jpg' could be any of x/a\.jpg, y/a\.jpg"):
        images.numbered(1)


def test_dataset_file_and_image_of_different_sizes_are_an_error_with_both(tmp_path):
    catalog = catalog_of(Image(key="a.jpg", width=640, height=480))
    images = ImageIndex.build(folder=folder_of(tmp_path, "a.jpg"), catalog=catalog)
    with pytest.raises(InputError, match=r"a\.jpg: 640x480 in the dataset file, but the image is 40x30$"):
        images.numbered(1)


def test_sizes_swapped_by_exif_orientation_are_an_error_that_says_so(tmp_path):
    picture(tmp_path / "a.jpg", (40, 30), orientation=6)
    images = ImageIndex.build(folder=tmp_path, catalog=catalog_of(Image(key="a.jpg", width=40, height=30)))
    with pytest.raises(InputError, match=r"40x30 in the dataset file, but the image is 30x40 once .* EXIF orientation"):
        images.numbered(1)


def test_the_dataset_file_gives_the_size_of_a_damaged_image(tmp_path):
    (tmp_path / "a.jpg").touch()
    images = ImageIndex.build(folder=tmp_path, catalog=catalog_of(Image(key="a.jpg", width=8, height=6)))
    assert images.numbered(1) == Image(key="a.jpg", width=8, height=6, media=str(tmp_path / "a.jpg"))


@pytest.mark.parametrize("text", ["640x480", " 640 X 480 "])
def test_a_size_is_width_by_height(text):
    assert parse_size(text) == (640, 480)


@pytest.mark.parametrize("text", ["640", "640x", "x480", "-1x5", "6.5x4", "640x480x3", "", "0x5", "640,480"])
def test_another_size_is_an_error_that_shows_the_form(text):
    with pytest.raises(UsageError, match=r"size: .*, expected"):
        parse_size(text)


def test_a_size_of_nothing_is_an_error():
    with pytest.raises(UsageError, match="size: 0x5, expected 1x1 or more"):
        ImageIndex.build(size=(0, 5))


def test_images_of_one_base_name_are_told_apart_by_their_folders(tmp_path):
    names = [f"{number:03}/rgb.jpg" for number in range(50)]
    images = ImageIndex.build(folder=folder_of(tmp_path, *names))
    assert [images.named(f"data/{name}").key for name in names] == names


ESCAPED = {
    "percent": ("caf%C3%A9.jpg", "café.jpg", "café.jpg"),
    "percent-blank": ("a%20b.jpg", "a b.jpg", "a b.jpg"),
    "percent-slash": ("sub%2Fa.jpg", "sub/a.jpg", "sub/a.jpg"),
    "composed": ("cafe\u0301.jpg", "caf\u00e9.jpg", "caf\u00e9.jpg"),
    "decomposed": ("caf\u00e9.jpg", "cafe\u0301.jpg", "cafe\u0301.jpg"),
    "percent-in-the-name": ("100%25.jpg", "100%25.jpg", "100%25.jpg"),
}


@pytest.mark.parametrize(("asked", "present", "expected"), ESCAPED.values(), ids=ESCAPED)
def test_y29_percent_signs_are_undone_only_where_the_plain_name_is_not_there(tmp_path, asked, present, expected):
    """Accents in either form; by name and by stem."""
    images = ImageIndex.build(folder=folder_of(tmp_path, present))
    assert images.named(asked).key == images.stem(asked.removesuffix(".jpg")).key == expected
    both = ImageIndex.build(folder=folder_of(tmp_path, "a%20b.png", "a b.png"))
    assert both.named("a%20b.png").key == "a%20b.png"


def test_likelier_paths_come_before_the_name_and_never_give_the_key(tmp_path):
    """Whole paths first; a base name only where it is unique."""
    images = ImageIndex.build(
        folder=folder_of(tmp_path, "train/images/1.jpg", "train/labels/1.jpg", "valid/images/1.jpg")
    )
    assert images.stem("train/labels/1", "train/images/1").key == "train/images/1.jpg"
    assert images.stem("valid/labels/1", "valid/images/1").key == "valid/images/1.jpg"
    assert images.stem("train/labels/1").key == "train/labels/1.jpg"
    assert ImageIndex.build().stem("train/labels/1", "train/images/1").key == "train/labels/1"
