"""The wire contract: uploads, and the media that the server takes."""

import io
import json

import pytest
import requests
from PIL import Image

from contract.wire import corners, picture, unique, words


def test_an_upload_answers_when_everything_is_done(wire):
    """The file's id and the finished input; the boxes are there."""
    name = unique()
    answer = wire.upload(name, picture(), {"instance_list": [wire.box(score=0.5)]})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["input"]["status"] == "success"
    assert found["input"]["file_id"] == found["file"]["id"]
    assert corners(wire.boxes(found["file"]["id"])) == [(1, 2, 30, 40)]


def test_an_upload_without_boxes(wire):
    """Raw data alone."""
    answer = wire.upload(unique(), picture())
    assert answer.json()["input"]["status"] == "success"
    assert wire.boxes(answer.json()["file"]["id"]) == []


def test_an_upload_whose_boxes_are_refused_leaves_the_image(wire):
    """200 with a failed input: the image is there, its boxes are not."""
    name = unique()
    answer = wire.upload(name, picture(), {"instance_list": [wire.box(x_min=1.5)]})
    assert answer.status_code == 200
    assert answer.json()["input"]["status"] == "failed"
    (file,) = wire.files(search_term=name)["file_list"]
    assert wire.boxes(file["id"]) == []


def test_an_upload_of_a_name_that_is_there_is_a_400_with_the_input(wire):
    """And the file that is there stays as it is."""
    name = unique()
    file_id = wire.new_file([wire.box()], name=name)
    answer = wire.upload(name, picture(), {"instance_list": [wire.box(3, 3, 9, 9)]})
    assert answer.status_code == 400
    assert answer.json()["input"]["status"] == "failed"
    assert corners(wire.boxes(file_id)) == [(1, 2, 30, 40)]


def test_an_upload_passes_names_through_secure_filename(wire):
    """Slashes and blanks become underscores, accents fall away."""
    tail = unique("1.v2", ".png")
    answer = wire.upload(f"my dir/lócal {tail}", picture())
    assert answer.status_code == 200, answer.text
    listed = wire.files(search_term=tail)["file_list"]
    assert [f["original_filename"] for f in listed] == [f"my_dir_local_{tail}"]


def test_an_upload_without_a_directory_goes_to_the_projects_own(wire):
    """200, and the file is there."""
    path = f"{wire.host}/api/walrus/v1/project/{wire.project}/input/from_local"
    parts = {"file": (unique(), picture()), "json": (None, json.dumps({}), "application/json")}
    answer = requests.post(path, files=parts, auth=wire.auth, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["input"]["status"] == "success"
    assert wire.file(answer.json()["file"]["id"])["image"]["width"] == 64


def test_an_upload_into_an_unknown_directory_is_refused(wire):
    """400, and nothing is made."""
    answer = wire.upload(unique(), picture(), {"directory_id": 2**31 - 7})
    assert answer.status_code == 400
    assert "file" not in answer.json()


def test_an_upload_that_cannot_be_opened_breaks_and_leaves_a_failed_input(wire):
    """500, and the input says why: a refusal, not a doubt."""
    name = unique()
    assert wire.upload(name, picture()[:40]).status_code == 500
    record = next(row for row in wire.inputs(limit=20) if row["original_filename"] == name)
    assert (record["status"], record["file_id"]) == ("failed", None)
    assert "Could not open file" in words(record)


@pytest.mark.parametrize("name", ["a.pdf", "a.gif", "noext", "猫.png", ".png"])
def test_an_upload_of_another_kind_is_refused_and_leaves_nothing(wire, name):
    """400 with an input that has no number: it was never stored. Nothing is left of a name without Latin letters."""
    before = wire.inputs(limit=1)
    answer = wire.upload(name, picture())
    assert answer.status_code == 400
    assert answer.json()["input"]["id"] is None
    assert "Invalid file type" in answer.json()["input"]["status_text"]
    assert wire.inputs(limit=1) == before


# Names of media by URL


def by_url(wire, name, original_filename=None, data=None):
    """Send new media from a URL that ends in `name`."""
    extra = {} if original_filename is None else {"original_filename": original_filename}
    return wire.new_media(media={"url": wire.media(data, name=name), "type": "image"}, **extra)


def test_a_url_is_cut_at_its_first_dot(wire):
    """'x.y.png' without original_filename: the extension is taken to be '.y'."""
    record = by_url(wire, unique("dots", ".y.png"))
    assert record["status"] == "failed"
    assert "Extension: .y not supported yet" in words(record)


def test_original_filename_saves_such_a_url(wire):
    """So it is always sent."""
    assert by_url(wire, unique("dots", ".y.png"), unique())["status"] == "success"


def test_a_url_without_an_extension(wire):
    """Fails alone, and is fine with an original_filename that has one."""
    record = by_url(wire, unique("bare", ""))
    assert record["status"] == "failed"
    assert "Invalid extension, check filename" in words(record)
    assert by_url(wire, unique("bare", ""), unique("named"))["status"] == "success"


def test_an_original_filename_without_an_extension_fails(wire):
    """The URL's own does not help."""
    assert by_url(wire, unique(), unique("bare", ""))["status"] == "failed"


@pytest.mark.parametrize("name", ["été ok{}", "folder/sub/my name.v2{}"], ids=["accents", "path"])
def test_original_filename_is_kept_as_it_is(wire, name):
    """Unlike an upload's."""
    name = name.format(unique())
    record = by_url(wire, unique(), name)
    assert record["status"] == "success", words(record)
    assert record["original_filename"] == name
    assert wire.file(record["file_id"])["original_filename"] == name


def test_without_original_filename_the_urls_last_part_is_the_name(wire):
    """One dot in it."""
    name = unique("plain")
    assert wire.file(by_url(wire, name)["file_id"])["original_filename"].startswith(name.removesuffix(".png"))


KINDS = {
    "jpg": ("JPEG", "RGB", ".jpg"),
    "png": ("PNG", "RGB", ".png"),
    "png-grey": ("PNG", "L", ".png"),
    "png-alpha": ("PNG", "RGBA", ".png"),
    "bmp": ("BMP", "RGB", ".bmp"),
    "tif": ("TIFF", "RGB", ".tif"),
}


@pytest.mark.parametrize(("kind", "mode", "suffix"), KINDS.values(), ids=KINDS)
def test_media_that_is_taken(wire, kind, mode, suffix):
    """And recorded with its size."""
    answer = wire.upload(unique(suffix=suffix), picture(60, 40, mode=mode, kind=kind))
    assert answer.json()["input"]["status"] == "success", answer.text
    image = wire.file(answer.json()["file"]["id"])["image"]
    assert (image["width"], image["height"]) == (60, 40)


@pytest.mark.parametrize(("kind", "suffix"), [("WEBP", ".webp"), ("GIF", ".gif")], ids=["webp", "gif"])
def test_media_that_cannot_be_opened(wire, kind, suffix):
    """webp and gif fail."""
    name = unique(suffix=suffix)
    record = by_url(wire, name, name, picture(kind=kind))
    assert record["status"] == "failed"
    assert "Could not open file" in words(record)


def test_an_exif_orientation_turns_the_image(wire):
    """300x200 stored with orientation 6 is 200 wide and 300 high."""
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 200)).save(buffer, "JPEG", exif=exif)
    answer = wire.upload(unique(suffix=".jpg"), buffer.getvalue())
    image = wire.file(answer.json()["file"]["id"])["image"]
    assert (image["width"], image["height"]) == (200, 300)


def test_a_very_long_image_is_scaled_and_recorded_with_its_sides_swapped(wire):
    """8000x100 becomes width 96, height 7680: such media cannot be trusted."""
    answer = wire.upload(unique(suffix=".jpg"), picture(8000, 100, kind="JPEG"))
    image = wire.file(answer.json()["file"]["id"])["image"]
    assert (image["width"], image["height"]) == (96, 7680)


def from_bucket(wire, **changes):
    """New media out of a bucket; its input once it has ended."""
    if wire.bucket is None:
        pytest.skip("no bucket is named that the live server reaches")
    connection, bucket, blob = wire.bucket
    place = {"connection_id": connection, "bucket_name": bucket, "raw_data_blob_path": blob}
    media = {"media": {"type": "image"}, "type": "from_blob_path", "original_filename": unique()}
    return wire.new_media(**media, **(place | changes))


def test_media_is_fetched_out_of_a_bucket(wire):
    """By the connection's id, the bucket's name and the path; with boxes. Assumed from the keys, not observed yet."""
    record = from_bucket(wire, instance_list=[wire.box()])
    assert record["status"] == "success", words(record)
    assert corners(wire.boxes(record["file_id"])) == [(1, 2, 30, 40)]


def test_what_is_not_in_the_bucket_fails(wire):
    """In the background, and with words. Assumed, not observed yet."""
    record = from_bucket(wire, raw_data_blob_path=unique("nothing"))
    assert record["status"] == "failed"
    assert words(record)


def test_new_media_may_name_a_job(wire):
    """The file is made with its boxes all the same; whether the job has it no route tells that is known here."""
    if wire.job is None:
        pytest.skip("no job of the live project is named")
    media = {"url": wire.media(), "type": "image"}
    record = wire.new_media(media=media, original_filename=unique(), job_id=wire.job, instance_list=[wire.box()])
    assert record["status"] == "success", words(record)
    assert corners(wire.boxes(record["file_id"])) == [(1, 2, 30, 40)]


UNFETCHED = {
    "not-there": ("{media}/no-such-file.png", "Exceeded retry limit, no valid response (404) from"),
    "ftp": ("ftp://127.0.0.1/a.png", "Invalid url (Did not start with http)"),
    "path": ("/srv/a.png", "Invalid url (Did not start with http)"),
}


@pytest.mark.parametrize(("url", "text"), UNFETCHED.values(), ids=UNFETCHED)
def test_media_that_cannot_be_fetched_fail_with_the_reason_in_text_and_log(wire, url, text):
    """And there is no file."""
    media = {"url": url.format(media=wire.media_url), "type": "image"}
    record = wire.new_media(media=media, original_filename=unique())
    assert (record["status"], record["file_id"]) == ("failed", None)
    assert record["status_text"].startswith(text)
    assert record["update_log"]["error"] == {"status_text": record["status_text"]}


def test_a_name_that_was_not_sent_is_the_urls(wire):
    """It stands in the input from then on."""
    name = unique("unnamed")
    record = wire.new_media(media={"url": wire.media(name=name), "type": "image"})
    assert (record["status"], record["original_filename"]) == ("success", name)
    assert wire.file(record["file_id"])["original_filename"] == name
