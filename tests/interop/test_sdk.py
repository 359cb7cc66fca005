"""Diffgram's own SDK, which no part of this project was made with, works on the sandbox; `make interop` installs it.

Elsewhere it is skipped. What the SDK itself does wrong on a real server it does wrong here: `directory.new` gives None.
"""

import json
import subprocess
import sys
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from PIL import Image as Picture

from boxferry.sandbox.server import Sandbox
from interop.peers import peer
from videos import a_video

pytestmark = pytest.mark.filterwarnings("ignore")  # the SDK's own
BOX = {"type": "box", "name": "cat", "x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def project(sandbox):
    """A project of the SDK's with the labels cat and dog."""
    project = a_project(sandbox)
    for name in ("cat", "dog"):
        project.label_new({"name": name})
    return project


def the_sdk():
    """The SDK; without it the name is that of a folder of these tests."""
    found = peer("diffgram")
    if not hasattr(found, "Project"):
        pytest.skip("Diffgram's SDK is not installed")
    return found


def a_project(sandbox, **options):
    diffgram = the_sdk()
    key = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    return diffgram.Project(project_string_id=sandbox.project, host=sandbox.host, **key, **options)


@pytest.fixture
def images(tmp_path):
    """A folder with three images and a short video."""
    folder = tmp_path / "media"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        Picture.new("RGB", (64, 48), "grey").save(folder / name)
    (folder / "clip.mp4").write_bytes(a_video())
    return folder


@pytest.fixture
def media_url(images):
    """The URL at which a server fetches them."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(images))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def uploaded(project, images, name="a.png", **options):
    return project.file.from_local(str(images / name), **options)


def test_the_constructor_takes_the_default_directory_and_the_labels(sandbox):
    """With its files, each of which is asked for whether it is there."""
    project = a_project(sandbox)
    assert project.directory_id == sandbox.directory_id
    assert project.default_directory.nickname == "Default"
    assert project.name_to_file_id == {}
    assert [schema["is_default"] for schema in project.label_schema_list] == [True]


def test_the_constructor_takes_a_directory_that_has_files(project, sandbox, images):
    """Their ids are asked for and confirmed."""
    file = uploaded(project, images)
    assert a_project(sandbox).default_directory.file_id_list == [file.id]


def test_a_wrong_key_is_a_403(sandbox):
    """Which the SDK calls an invalid permission."""
    diffgram = the_sdk()
    with pytest.raises(Exception, match="Invalid Permission"):
        diffgram.Project(project_string_id=sandbox.project, host=sandbox.host, client_id="a", client_secret="b")


def test_labels_are_made_and_found_by_name(project):
    """label_new, get_label, get_label_list."""
    assert project.get_label("cat").id == project.name_to_file_id["cat"]
    assert project.get_label("zebra") is None
    assert [file.id for file in project.get_label(name_list=["dog", "cat"])] == [
        project.name_to_file_id[name] for name in ("dog", "cat")
    ]
    assert sorted(label["label"]["name"] for label in project.get_label_list()) == ["cat", "dog"]


def test_directories_are_made_listed_and_chosen(project, images):
    """new, get_directory_list, get by name, set_directory_by_name."""
    project.directory.new("second")
    listed = {directory.nickname: directory.id for directory in project.directory.get_directory_list(limit=100)}
    assert sorted(listed) == ["Default", "second"]
    assert project.directory.get("second").id == listed["second"]
    project.set_directory_by_name("second")
    file = uploaded(project, images)
    assert [found.id for found in project.directory.get("second").list_files()] == [file.id]
    with pytest.raises(Exception, match="Dataset not found"):
        project.directory.get("third")


def test_from_local_uploads_with_boxes_by_label_name(project, images):
    """And the file is read back with them."""
    file = uploaded(project, images, instance_list=[dict(BOX)])
    (box,) = project.file.get_by_id(file.id, with_instances=True).instance_list
    assert (box["x_min"], box["label_file_id"]) == (1, project.name_to_file_id["cat"])
    assert project.file.get_by_id(file.id).image["width"] == 64


def test_an_update_through_a_file_appends(project, sandbox, images):
    """file.update, which is a packet of mode 'update'."""
    file = uploaded(project, images, instance_list=[dict(BOX)])
    file.update(instance_list=[BOX | {"x_min": 5}])
    assert sandbox.wait_idle()
    assert sorted(box["x_min"] for box in sandbox.boxes("a.png")) == [1, 5]


def test_from_url_needs_the_directory_in_the_packet(project, media_url):
    """The SDK sends it as a header, which is dropped on the way, as by a real server's gateway."""
    with pytest.raises(Exception, match="directory_id"):
        project.file.from_url(f"{media_url}/a.png")


def test_files_are_listed_in_each_mode(project, images):
    """list_files, all_files, all_file_ids, file_list_exists."""
    ids = sorted(uploaded(project, images, name).id for name in ("a.png", "b.png"))
    directory = project.directory.get("Default")
    assert sorted(file.id for file in directory.list_files()) == ids
    assert sorted(file.id for file in directory.list_files(file_view_mode="base")) == ids
    assert sorted(file.id for file in directory.all_files()) == ids
    assert sorted(directory.all_file_ids()) == ids
    assert [file.id for file in directory.list_files(search_term="b.png")] == ids[1:]
    assert project.file.file_list_exists(ids) is True
    assert project.file.file_list_exists([*ids, 999]) is False


def test_a_directory_gives_its_files_with_boxes(project, sandbox, images):
    """Iterated over, as a dataset is; images themselves are fetched by another package."""
    file = uploaded(project, images, instance_list=[dict(BOX)])
    directory = a_project(sandbox).default_directory
    assert len(directory) == 1
    assert [project.file.get_by_id(i, with_instances=True).id for i in directory.file_id_list] == [file.id]


def test_exports_are_listed_and_read(project, sandbox, images):
    """export.list and access_data; the SDK makes none for a directory itself."""
    file = uploaded(project, images, instance_list=[dict(BOX)])
    made = {
        "kind": "Annotations", "source": "directory", "directory_id": sandbox.directory_id,
        "file_comparison_mode": "latest", "masks": False,
    }  # fmt: skip
    project.session.post(f"{sandbox.host}/api/walrus/project/{sandbox.project}/export/to_file", json=made)
    deadline = time.monotonic() + 20
    while (export := project.export.list()[0]).status != "complete":
        assert time.monotonic() < deadline
    data = export.access_data(return_type="data")
    assert [box["x_min"] for box in data[str(file.id)]["instance_list"]] == [1]


def test_schemas_are_made_and_listed(project):
    """schema.new, list, default_schema; a name comes once."""
    project.schema.new("traffic")
    assert [schema["name"] for schema in project.schema.list()] == ["Default Schema", "traffic"]
    assert project.schema.default_schema()["name"] == "Default Schema"
    with pytest.raises(Exception, match="already exists"):
        project.schema.new("traffic")


def test_attributes_are_made_changed_and_listed(project):
    """attribute.new, update, list; project.get_attributes."""
    schema = project.schema.default_schema()
    group = project.attribute.new(schema)
    label = {"id": project.name_to_file_id["cat"]}
    project.attribute.update(group, prompt="How sure?", kind="text", name="sure", label_file_list=[label])
    (listed,) = project.attribute.list(schema)["attribute_group_list"]
    assert (listed["name"], listed["prompt"], listed["kind"]) == ("sure", "How sure?", "text")
    assert [group["id"] for group in project.get_attributes()] == [listed["id"]]


def test_members_are_listed(project):
    """A sandbox has none."""
    assert project.get_member_list() == []


def converted(folder, *arguments):
    """What `boxferry convert` writes, as objects."""
    program = [sys.executable, "-c", "from boxferry.cli.main import main; main()", "convert", *map(str, arguments)]
    subprocess.run([*program, "-o", folder / "packets.ndjson"], check=True, timeout=120)
    return [json.loads(line) for line in (folder / "packets.ndjson").read_text().splitlines()]


def test_every_line_of_convert_is_taken_by_from_packet(project, sandbox, images, media_url, tmp_path):
    """With --media-url and --directory-id; images with boxes, without, with outlines. All boxes arrive."""
    ring = [5, 5, 30, 6, 20, 40]
    boxes = [("a.png", [1, 2, 30, 20], None), ("a.png", [5, 5, 25, 35], [ring]), ("c.png", [0, 0, 9, 9], None)]
    dataset = {"images": [], "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}], "annotations": []}
    for number, name in enumerate(("a.png", "b.png", "c.png"), start=1):
        dataset["images"].append({"id": number, "file_name": name, "width": 64, "height": 48})
    for number, (name, bbox, outline) in enumerate(boxes, start=1):
        item = {"id": number, "image_id": "abc".index(name[0]) + 1, "category_id": number % 2 + 1, "bbox": bbox}
        dataset["annotations"].append(item | ({"segmentation": outline} if outline else {}))
    (tmp_path / "coco.json").write_text(json.dumps(dataset))
    place = ["--media-url", media_url + "/{file_name}", "--directory-id", sandbox.directory_id]
    for packet in converted(tmp_path, tmp_path / "coco.json", "--polygons", *place):
        assert project.file.from_packet(packet) is True
    assert sandbox.wait_idle()
    assert {row["status"] for row in sandbox.inputs()} == {"success"}
    found = {name: sorted(box["type"] for box in sandbox.boxes(name)) for name in ("a.png", "b.png", "c.png")}
    assert found == {"a.png": ["box", "polygon"], "b.png": [], "c.png": ["box"]}


def test_a_video_of_convert_is_taken_with_its_frames_as_numbers(project, sandbox, images, media_url, tmp_path):
    """JSON has them as text, which the SDK refuses; nothing else has to be changed."""
    (tmp_path / "clip.txt").write_text("1,1,1,2,30,20,0.9,-1,-1,-1\n4,1,3,2,30,20,0.9,-1,-1,-1\n")
    place = ["--media-url", media_url + "/{file_name}", "--directory-id", sandbox.directory_id]
    found = converted(tmp_path, tmp_path / "clip.txt", "-f", "mot", "--mot-label", "cat", "--images", images, *place)
    (packet,) = [packet for packet in found if packet["media"]["type"] == "video"]
    packet["frame_packet_map"] = {int(frame): boxes for frame, boxes in packet["frame_packet_map"].items()}
    assert project.file.from_packet(packet) is True
    assert sandbox.wait_idle()
    assert [(row["status"], row["status_text"]) for row in sandbox.inputs()] == [("success", None)]
    assert sorted(box["frame_number"] for box in sandbox.boxes("clip.mp4")) == [0, 3]
