"""Files and settings of strangers, or broken ones: nothing outside the named folders is read or sent; one line each."""

import gzip
import json
import os
import threading

import pytest

SECRET = b"-----BEGIN PRIVATE KEY-----\nnobody else's\n"


@pytest.fixture
def private(tmp_path_factory):
    """A file of the user's that no named folder holds."""
    path = tmp_path_factory.mktemp("home") / "id_rsa"
    path.write_bytes(SECRET)
    return path


def sent(sandbox):
    """Whether the sandbox was sent the private file, under whatever name."""
    stored = [path.read_bytes() for path in sandbox.folder.rglob("*") if path.is_file()]
    return any(SECRET in data for data in stored)


def test_a_plan_uploads_nothing_outside_its_folder(push, boxferry, folder, private, sandbox):
    """Not by an absolute path, not by '..'; with --images from that folder alone."""
    plan = folder / "plan.json"
    assert push("--plan", plan).code == 0
    good = json.loads(plan.read_text())
    picture = private.with_name("holiday.jpg")
    picture.write_bytes((folder / "images" / "a.jpg").read_bytes())
    for media in (str(picture), f"{folder}/images/../../../{picture.parent.name}/holiday.jpg"):
        good["files"][0]["media"] = media
        plan.write_text(json.dumps(good))
        done = boxferry("push", "--from", plan)
        assert done.code == 2, done
        assert f"media '{media}' is not below {folder}: name its folder with --images" in done.lines[-1]
        assert boxferry("push", "--from", plan, "--images", folder / "images").code == 2
    assert not sandbox.files()


def test_a_plan_is_carried_out_from_the_folder_that_is_named(push, boxferry, folder, tmp_path_factory, sandbox):
    """A plan that lies elsewhere: --images names where the pictures are."""
    plan = tmp_path_factory.mktemp("plans") / "plan.json"
    assert push("--plan", plan).code == 0
    assert boxferry("push", "--from", plan).code == 2
    assert boxferry("push", "--from", plan, "--images", folder / "images").code == 0
    assert len(sandbox.files()) == 3


@pytest.mark.parametrize("size", [(), ("--size", "100x80")], ids=["sized-by-its-header", "sized-by-the-user"])
def test_a_link_among_the_images_that_leads_to_no_picture(size, push, folder, private, sandbox):
    """It is refused, whatever size is said of it; what it leads to is not sent."""
    (folder / "images" / "a.jpg").unlink()
    (folder / "images" / "a.jpg").symlink_to(private)
    done = push(*size)
    assert done.code in {1, 2}, done
    assert "a.jpg" in done.err
    assert not sent(sandbox)


def test_a_link_among_the_images_that_leads_to_a_picture(push, folder, private, sandbox):
    """It is that picture: pictures are kept in one place and linked from many."""
    target = private.with_name("blob")
    (folder / "images" / "a.jpg").rename(target)
    (folder / "images" / "a.jpg").symlink_to(target)
    assert push().code == 0
    assert len(sandbox.files()) == 3


NAMES = (
    "../../home/id_rsa.jpg",
    "/etc/passwd",
    "..\\..\\id_rsa.jpg",
    "C:\\Users\\me\\id.jpg",
    "images/../../a.jpg",
    "~/a.jpg",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_out_of_the_images(name, boxferry, folder, private, sandbox):
    """COCO's file names are looked up among the images that were found, and never opened as paths."""
    data = {
        "images": [{"id": 1, "file_name": name, "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "score": 0.9}],
    }
    source = folder / "set.json"
    source.write_text(json.dumps(data))
    options = ("--directory", "Default", "--labels", "create", "--model", "m", "--run", "r")
    boxferry("push", source, "-f", "coco", "--images", folder / "images", *options)
    assert not sent(sandbox)
    assert {file["original_filename"] for file in sandbox.files()} <= {"a.jpg", "b.jpg", "c.jpg"}


def data_yaml(folder, private):
    (folder / "set").mkdir()
    return folder / "set" / "data.yaml"


YAML = {
    "names-by-an-absolute-path": "names: {private}\n",
    "names-by-dots": "names: ../../{above}/id_rsa\n",
    "names-by-a-link": "names: linked.txt\n",
}


@pytest.mark.parametrize("name", YAML)
def test_a_data_yaml_reads_nothing_outside_its_folder(name, boxferry, folder, private):
    """Its file of class names lies beside it or below; no line of another file is shown."""
    path = data_yaml(folder, private)
    (path.parent / "linked.txt").symlink_to(private)
    path.write_text(YAML[name].format(private=private, above=os.path.relpath(private.parent, folder)[3:]))
    done = boxferry("validate", folder / "labels", "-f", "yolo", "--names", path, "--images", folder / "images")
    assert done.code == 2, done
    assert "PRIVATE KEY" not in done.out + done.err
    assert "outside" in done.lines[-1]


def test_a_data_yaml_whose_path_is_another_machines(boxferry, folder):
    """`path:` and `train:` are not followed: the images are where the user says."""
    (folder / "data.yaml").write_text("path: /etc\ntrain: /root\nval: ../../..\nnames: [cat]\n")
    options = ("-f", "yolo", "--names", folder / "data.yaml", "--images", folder / "images")
    assert boxferry("validate", folder / "labels", *options).code == 0


def test_a_bomb_in_gzip(boxferry, tmp_path):
    """It is not unpacked beyond a few hundred times its size."""
    path = tmp_path / "bomb.json.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(b"[")
        for _ in range(160):
            stream.write(b" " * (1 << 20))
    done = boxferry("validate", path, "-f", "coco")
    assert done.code == 2, done
    assert f"{path}: unpacks to more than 300 times its size" in done.lines[-1]


def test_a_pipe_as_source_that_nothing_writes_into(boxferry, tmp_path, monkeypatch):
    """It is waited for a while."""
    monkeypatch.setattr("boxferry.reading.sources.PIPE_WAIT_S", 0.3)
    os.mkfifo(tmp_path / "pipe")
    done = boxferry("validate", tmp_path / "pipe", "-f", "coco")
    assert (done.code, done.seconds < 5) == (2, True)
    assert "pipe: a named pipe, and nothing has written into it within" in done.lines[-1]


def test_a_pipe_as_source(boxferry, folder):
    """What is written into it is read."""
    os.mkfifo(folder / "pipe")
    data = {"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "cat"}], "annotations": []}
    writer = threading.Thread(target=(folder / "pipe").write_text, args=(json.dumps(data),))
    writer.start()
    done = boxferry("validate", folder / "pipe", "-f", "coco", "--images", folder / "images")
    writer.join()
    assert done.code == 0, done


@pytest.mark.parametrize("linked", [False, True], ids=["pipe", "link-to-a-pipe"])
@pytest.mark.parametrize("where", ["images/a.jpg", "labels/a.txt"])
def test_a_pipe_in_place_of_a_file(where, linked, push, folder):
    """It is no file, and never opened: the command ends."""
    path = folder / where
    path.unlink()
    os.mkfifo(folder / "pipe" if linked else path)
    if linked:
        path.symlink_to(folder / "pipe")
    done = push()
    assert done.code in {0, 1, 2}, done
    assert done.seconds < 20


def test_a_pipe_in_place_of_a_picture_that_was_planned(push, boxferry, folder):
    """A picture that became a pipe since is refused."""
    plan = folder / "plan.json"
    assert push("--plan", plan).code == 0
    (folder / "images" / "a.jpg").unlink()
    os.mkfifo(folder / "images" / "a.jpg")
    done = boxferry("push", "--from", plan)
    assert done.code == 1, done
    assert "a.jpg: not a regular file" in done.err


WIDTHS = {
    "2-to-the-63": 2**63, "10-to-the-400": 10**400, "below-0": -5, "0": 0, "a-text": '"wide"', "a-list": "[1]",
    "nan": "NaN", "inf": "Infinity", "1e400": "1e400", "true": "true",
}  # fmt: skip


@pytest.mark.parametrize("name", WIDTHS)
def test_a_coco_width(name, boxferry, tmp_path):
    """A width that no picture has: one line or a dropped box, and no traceback."""
    path = tmp_path / "set.json"
    image = '{"id": 1, "file_name": "a.jpg", "height": 80, "width": ' + str(WIDTHS[name]) + "}"
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "score": 0.9}
    rest = json.dumps({"categories": [{"id": 1, "name": "cat"}], "annotations": [box]})
    path.write_text('{"images": [' + image + "], " + rest[1:])
    for command in ("validate", "convert"):
        done = boxferry(command, path)
        assert done.code in {0, 1, 2}, done
        assert len(done.lines) < 12, done


OUTBOXES = {
    "in-memory": (":memory:", "an outbox is a file that outlives its process"),
    "a-folder": ("{folder}", "not a file; an outbox is one"),
    "below-a-file": ("{folder}/images/a.jpg/outbox.sqlite", "a.jpg"),
    "not-an-outbox": ("{folder}/images/a.jpg", "a.jpg: file is not a database"),
    "a-device": ("/dev/null", "/dev/null: not a file"),
}


@pytest.mark.parametrize("name", OUTBOXES)
def test_an_outbox_that_cannot_be(name, push, boxferry, folder, sandbox):
    """The line names the path; nothing was sent."""
    value, words = OUTBOXES[name]
    path = value.format(folder=folder)
    boxferry.set("BOXFERRY_OUTBOX", path)
    done = push()
    assert done.code == 1, done
    assert path in done.lines[-1]
    assert words in done.lines[-1]
    assert not sandbox.files()


SETTINGS = {
    "no-proxy-of-that-kind": ({"HTTPS_PROXY": "nonsense"}, "the proxy in HTTPS_PROXY"),
    "a-proxy-of-another-scheme": ({"HTTPS_PROXY": "gopher://x:1"}, "HTTPS_PROXY: not a proxy URL"),
    "a-proxy-that-is-not-there": ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "the proxy in HTTPS_PROXY"),
    "a-proxy-with-a-broken-port": ({"HTTPS_PROXY": "http://127.0.0.1:port"}, "HTTPS_PROXY: not a proxy URL"),
    "a-bundle-that-is-missing": (
        {"REQUESTS_CA_BUNDLE": "/no/bundle.pem"},
        "REQUESTS_CA_BUNDLE: no certificates can be read",
    ),
    "a-bundle-that-is-none": ({"REQUESTS_CA_BUNDLE": __file__}, "REQUESTS_CA_BUNDLE"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_broken_setting_of_the_network(name, push, boxferry):
    """The line names the setting, or what it leads to."""
    settings, words = SETTINGS[name]
    boxferry.set("DIFFGRAM_HOST", "https://diffgram.invalid")
    for key, value in settings.items():
        boxferry.set(key, value)
    done = push("--timeout", "2")
    assert done.code in {2, 4}, done
    assert words.lower() in done.lines[-1].lower(), done
    assert done.seconds < 10
