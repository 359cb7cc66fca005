"""Sources in a real S3-compatible server: moto in server mode, in a process of its own."""

import io
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from boxferry import Diffgram, read
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from boxferry.plan.plan_file import read_plan
from interop.peers import peer
from sending.pushing import A_BOXES, ROWS, boxes_in, push, server_of

boto3 = peer("boto3")
peer("moto")
fsspec = peer("fsspec")
peer("s3fs")
Picture = peer("PIL.Image")

BUCKET = "s3://fleet/night shift/"
SECRET = "wJalrXUtnFEMIsecret"


@pytest.fixture(scope="module")
def server():
    """The address of a running server, on this machine alone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(address, timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def bucket(server, monkeypatch):
    """An empty bucket, and the credentials where the providers' libraries look for them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": server})
    client = boto3.client("s3", endpoint_url=server)
    client.create_bucket(Bucket="fleet")
    yield client
    for each in client.list_objects_v2(Bucket="fleet").get("Contents", ()):
        client.delete_object(Bucket="fleet", Key=each["Key"])


def picture():
    Picture.effect_noise((100, 80), 50).convert("RGB").save(stream := io.BytesIO(), "JPEG")
    return stream.getvalue()


@pytest.fixture
def filled(bucket):
    files = {
        "labels/a.txt": ROWS.encode(),
        "labels/sub/b#1.txt": (ROWS.splitlines()[0] + "\n").encode(),
        "images/a.jpg": picture(),
        "images/sub/b#1.jpg": picture(),
        "images/c.jpg": picture(),
        "data.yaml": b"names: [cat, dog]\n",
    }
    for key, data in files.items():
        bucket.put_object(Bucket="fleet", Key=f"night shift/{key}", Body=data)
    return bucket


def predictions():
    return read(f"{BUCKET}labels", names=f"{BUCKET}data.yaml", images=f"{BUCKET}images")


def test_a_folder_is_read(filled):
    found = predictions()
    assert found.format.name == "yolo"
    chunks = list(found.chunks(tally := Tally()))
    assert (tally.read, tally.exit_code) == (3, 0)
    assert {image.key: (image.width, image.height) for chunk in chunks for image in chunk.images} == {
        "a.jpg": (100, 80),
        "c.jpg": (100, 80),
        "sub/b#1.jpg": (100, 80),
    }


def test_a_glob_and_one_file_are_read(filled):
    options = {"names": "cat,dog", "size": "100x80"}
    for spec, boxes in ((f"{BUCKET}labels/*.txt", 2), (f"{BUCKET}labels/**/*.txt", 3), (f"{BUCKET}labels/a.txt", 2)):
        list(read(spec, **options).chunks(tally := Tally()))
        assert tally.read == boxes, spec


def test_more_files_than_one_answer_lists(filled):
    """The server lists a thousand at a time."""
    for number in range(1010):
        filled.put_object(Bucket="fleet", Key=f"many/{number:05}.txt", Body=b"0 .5 .5 .2 .2\n")
    list(read("s3://fleet/many", names="cat", size="64x48").chunks(tally := Tally()))
    assert tally.read == 1010


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


def test_images_and_boxes_are_pushed_and_no_secret_is_written(sandbox, diffgram, filled, tmp_path):
    push(diffgram, predictions(), plan=tmp_path / "plan.json")
    report = push(diffgram, predictions())
    assert (report.exit_code, report.states) == (0, {"applied": (3, 3)}), report.failed
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert push(diffgram, predictions()).states == {"applied": (3, 3)}
    assert len(sandbox.inputs()) == 3
    written = b"".join(path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file())
    assert b"s3://fleet/night shift/images/a.jpg" in written
    assert SECRET.encode() not in written


def test_a_picture_that_changed_since_it_was_planned_is_not_sent(diffgram, filled, tmp_path):
    push(diffgram, predictions(), plan=tmp_path / "plan.json")
    filled.put_object(Bucket="fleet", Key="night shift/images/c.jpg", Body=picture())
    report = diffgram.carry_out(read_plan(tmp_path / "plan.json", images=f"{BUCKET}images"))
    assert report.states["applied"] == (2, 3)
    assert "images/c.jpg: changed since its boxes were planned" in str(report.failed)


def test_a_signed_url_is_read_and_its_query_shown_nowhere(filled):
    filled.put_object(Bucket="fleet", Key="labels.txt", Body=ROWS.encode())
    url = filled.generate_presigned_url("get_object", Params={"Bucket": "fleet", "Key": "labels.txt"})
    assert "Signature" in url
    found = read(url, names="cat,dog", size="100x80")
    list(found.chunks(tally := Tally()))
    assert (tally.read, found.source.name) == (2, url.partition("?")[0])


def test_what_is_not_there_is_one_line(filled):
    with pytest.raises(InputError, match=r"^s3://fleet/none\.json: cannot be read: no such file$"):
        read("s3://fleet/none.json")
    with pytest.raises(InputError, match=r"^no such images folder: s3://fleet/none$"):
        read(f"{BUCKET}labels", names="cat,dog", images="s3://fleet/none")
    with pytest.raises(InputError, match=r"^s3://nobucket/x: cannot be read: "):
        read("s3://nobucket/x")
