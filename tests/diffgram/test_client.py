"""The client's calls against the sandbox: typed answers, and what is refused."""

import io
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from PIL import Image as Picture

from boxferry.diffgram.answers import (
    FileRecord,
)
from boxferry.diffgram.client import Client
from boxferry.diffgram.inputs import InputRecord
from boxferry.diffgram.settings import Credentials, Server
from boxferry.errors import AuthError, NotFound, Refused, Unreachable, Unsure
from diffgram.peers import a_client, a_peer, http


def server_of(sandbox, **changes):
    facts = {
        "host": sandbox.host,
        "project": sandbox.project,
        "credentials": Credentials(sandbox.client_id, sandbox.client_secret),
    }
    return Server(**(facts | changes))


@pytest.fixture
def client(sandbox):
    with Client(server_of(sandbox)) as opened:
        yield opened


def a_png():
    buffer = io.BytesIO()
    Picture.new("RGB", (64, 48)).save(buffer, "PNG")
    buffer.seek(0)
    return buffer


def fields(sandbox, *boxes):
    return msgspec.json.encode({"directory_id": sandbox.directory_id} | ({"instance_list": boxes} if boxes else {}))


def a_box(label_file_id, **changes):
    corners = {"x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40}
    kept = {"machine_made": True, "score": 0.5, "creation_ref_id": "boxferry:1", "number": 3}
    return {"type": "box", "label_file_id": label_file_id, **corners, **kept, **changes}


def test_labels_are_looked_up_by_schema(client):
    """Name to label_file_id."""
    (schema,) = client.schemas()
    assert schema.is_default
    assert client.label_ids(schema.id) == {}
    number = client.create_label("cat", schema_id=schema.id, colour={"hex": "#ff0000"})
    assert client.label_ids(schema.id) == {"cat": number}


def test_directories_are_found_by_name_and_by_id(client):
    """A name goes before an id that looks like it."""
    made = client.create_directory("incoming")
    assert client.find_directory("incoming") == client.find_directory(made.id) == client.find_directory(str(made.id))
    numbered = client.create_directory(str(made.id))
    assert client.find_directory(str(made.id)) == numbered
    assert client.find_directory(made.id) == made


def test_a_directory_that_is_not_there_is_answered_with_those_that_are(client):
    """The near ones first."""
    client.create_directory("incoming")
    words = r"no directory 'incomming' \(near: incoming\); the directories are: incoming \(id 2\), Default \(id 1\)"
    with pytest.raises(NotFound, match=words):
        client.find_directory("incomming")
    with pytest.raises(NotFound, match="no directory '77'; the directories are: "):
        client.find_directory(77)


def test_a_name_that_several_directories_bear_is_answered_with_their_ids():
    """Any of them can be named by it. Older servers let several have one name."""
    answer = {"directory_list": [{"id": n, "nickname": "incoming"} for n in (8, 7)]}
    words = r"several .* 'incoming'; use an id: incoming \(id 8\), incoming \(id 7\)$"
    with a_peer(lambda _: http(200, msgspec.json.encode(answer))) as (host, _), a_client(host) as client:
        with pytest.raises(NotFound, match=words):
            client.find_directory("incoming")
        assert client.find_directory(7).id == 7


def test_a_name_is_given_to_one_directory(client):
    """The server refuses a second one of it."""
    client.create_directory("incoming")
    with pytest.raises(Refused, match="Existing with same name in project"):
        client.create_directory("incoming")


def test_many_directories_are_not_all_listed():
    """Some, and how many more; one without a name is said to have none."""
    answer = {"directory_list": [{"id": n, "nickname": None} for n in range(30)]}
    match = pytest.raises(NotFound, match=r"\(no name\) \(id 0\), .* and 10 more$")
    with a_peer(lambda _: http(200, msgspec.json.encode(answer))) as (host, _), a_client(host) as client, match:
        client.find_directory("x")


def test_files_come_page_by_page(client, sandbox, monkeypatch):
    """All of them, the newest first, whatever the page's size."""
    monkeypatch.setattr("boxferry.diffgram.client.PAGE", 2)
    names = [f"{n}.png" for n in range(5)]
    for name in names:
        client.upload(name, a_png(), fields(sandbox))
    assert [f.original_filename for f in client.files(sandbox.directory_id)] == names[::-1]
    assert [f.original_filename for f in client.files(sandbox.directory_id, search="3")] == ["3.png"]
    assert list(client.files(client.create_directory("empty").id)) == []


def test_an_upload_brings_an_image_and_its_boxes(client, sandbox):
    """The answer comes when they are stored; both can be read back."""
    label = client.create_label("cat", schema_id=client.schemas()[0].id)
    answer = client.upload("a b.png", a_png(), fields(sandbox, a_box(label)))
    assert (answer.input.status, answer.input.original_filename) == ("success", "a_b.png")
    image = client.view(answer.file_id).image
    assert (image.width, image.height) == (64, 48)
    assert image.url_signed
    (box,) = client.rows(answer.file_id, directory_id=sandbox.directory_id)
    assert [box[name] for name in ("x_min", "y_min", "x_max", "y_max", "label_file_id")] == [1, 2, 30, 40, label]
    assert (box["score"], box["creation_ref_id"], box["machine_made"], box["number"]) == (0.5, "boxferry:1", True, 3)


def test_an_uploads_answer_is_an_answer_whatever_it_says(client, sandbox):
    """Done, done without its boxes, or not done since the name is taken."""
    refused = client.upload("a.png", a_png(), fields(sandbox, {"type": "box"}))
    assert refused.input.status == "failed"
    assert refused.file_id is not None
    again = client.upload("a.png", a_png(), fields(sandbox))
    assert "Already Exists" in again.input.status_text
    assert client.rows(refused.file_id, directory_id=sandbox.directory_id) == []


def test_an_upload_without_a_record_is_refused(client):
    """In the server's words."""
    with pytest.raises(Refused, match=r"^directory_id: Must be an int$"):
        client.upload("b.png", a_png(), b'{"directory_id": "x"}')


def test_an_upload_that_was_turned_away_at_once_has_no_number():
    """The server made no record of it, but answers with one."""
    body = b'{"log": {}, "input": {"id": null, "status": "failed", "status_text": "Invalid file type: "}}'
    with a_peer(lambda _: http(400, body)) as (host, _), a_client(host) as client:
        answer = client.upload("a", b"x", b"{}")
    assert (answer.input.id, answer.input.status, answer.file_id) == (None, "failed", None)


def test_packets_are_found_again_by_their_batch(client, sandbox):
    """With the boxes as they were sent; one of them alone too."""
    file_id = client.upload("a.png", a_png(), fields(sandbox)).file_id
    batch_id = client.new_batch()
    boxes = [a_box(1), a_box(2, x_min="5")]
    packet = {"file_id": file_id, "mode": "update", "batch_id": batch_id, "instance_list": boxes}
    client.send_packet(msgspec.json.encode(packet))
    assert sandbox.wait_idle()
    (record,) = client.inputs(batch_id=batch_id)
    assert (record.status, record.file_id, record.mode) == ("failed", file_id, "update")
    assert record.boxes == boxes
    assert client.input(record.id) == record
    assert client.inputs(batch_id=batch_id, status="Success") == []
    assert [r.id for r in client.inputs(file_id=file_id, limit=1)] == [record.id]


@pytest.mark.parametrize("kind", [FileRecord, InputRecord])
def test_answers_are_read_whatever_else_or_little_they_hold(kind):
    """Unknown keys are passed over, and every value but the id may be null."""
    nulls = dict.fromkeys(kind.__struct_fields__) | {"id": 1, "something_new": [1]}
    assert msgspec.json.decode(msgspec.json.encode(nulls), type=kind).id == 1


def test_who_may_not_write_is_told_apart_from_who_is_not_known(sandbox):
    """Both are AuthErrors that name project and host; a viewer may read."""
    viewer = server_of(sandbox, credentials=Credentials(sandbox.viewer_id, sandbox.viewer_secret))
    with Client(viewer) as client:
        assert client.schemas()
        with pytest.raises(AuthError, match=f"project 'sandbox' on {sandbox.host} .*role"):
            client.send_packet(b"{}")
    for changes in ({"project": "other"}, {"credentials": Credentials(sandbox.client_id, "wrong")}):
        with Client(server_of(sandbox, **changes)) as client, pytest.raises(AuthError) as error:
            client.schemas()
        assert (error.value.status, error.value.exit_code) == (403, 3)


def test_the_api_pages_path_is_not_the_servers(sandbox):
    """Said with the path; the other one can be chosen."""
    path = "/api/v1/walrus/project/{project}/input/packet"
    match = pytest.raises(NotFound, match=r"has no /api/v1/walrus/project/sandbox/input/packet: .*--packet-path")
    with Client(server_of(sandbox, packet_path=path)) as client, match:
        client.send_packet(b"{}")


def test_a_file_that_is_not_there(client, sandbox):
    """A packet for it may have been carried out, for all that the server says; a read has changed nothing."""
    with pytest.raises(Unsure, match="answered with a server error: a reference"):
        client.send_packet(b'{"file_id": 99, "mode": "update"}')
    with pytest.raises(Refused, match="File not in valid project directory"):
        client.rows(99, directory_id=sandbox.directory_id)


def test_an_input_that_is_not_there(sandbox):
    """The server answers with a fault of its own."""
    with a_client(sandbox.host, server=server_of(sandbox)) as client, pytest.raises(Unreachable, match="answered 500"):
        client.input(99)


def test_several_threads_may_use_one_client(client, sandbox):
    """Each gets its own answer."""
    names = [f"{n}.png" for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: client.upload(name, a_png(), fields(sandbox)), names))
        found = list(pool.map(lambda answer: client.inputs(file_id=answer.file_id)[0], answers))
    assert [record.original_filename for record in found] == names


NAMELESS = {"first_name": None, "last_name": None}


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ({"first_name": "Ada", "last_name": "Byron", "username": "1"}, {5: "Ada Byron"}),
        ({**NAMELESS, "username": "ada"}, {5: "ada"}),
        ({**NAMELESS, "username": "1", "email": "ada@example.com"}, {}),
    ],
    ids=["names", "user name", "a number"],
)
def test_members_are_called_by_their_names(member, name):
    """A user who chose no name has a number for one on a real server, and is called by none; nor by an address."""
    answer = {"project": {"member_list": [{"member_id": 5, "member_kind": "human", **member}]}}
    with a_peer(lambda _: http(200, msgspec.json.encode(answer))) as (host, _), a_client(host) as client:
        assert client.members() == name
