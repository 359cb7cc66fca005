"""The sandbox itself: what outlives it, what it survives, and its page. What it answers is held by tests/contract."""

import socket
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from werkzeug import formparser

from boxferry.cli.app import run
from boxferry.errors import ConfigError
from boxferry.sandbox.server import Sandbox
from collector.collecting import wait_until
from sandbox.calls import PACKET, a_box, a_label, a_png, call, upload


def test_what_was_queued_is_done_after_a_restart(tmp_path):
    """The folder holds everything: files, boxes, labels and the queue."""
    with Sandbox(tmp_path, delay_s=60) as sandbox:
        label = a_label(sandbox)
        file_id = upload(sandbox, "a.png", [a_box(label)])
        body = {"file_id": file_id, "mode": "update", "instance_list": [a_box(label, 30)]}
        assert call(sandbox, PACKET, body).status_code == 200
        assert not sandbox.wait_idle(0.05)
    with Sandbox(tmp_path) as sandbox:
        sandbox._store.update("input", 2, {"due": 0.0})
        sandbox._workers.notify()
        assert sandbox.wait_idle()
        assert sorted(b["x_min"] for b in sandbox.boxes("a.png")) == [1, 30]


def test_a_port_that_is_taken_is_one_line_and_touches_nothing(tmp_path, sandbox, capfd):
    """As where a sandbox runs already."""
    port, taken = str(sandbox._server.port), f"port {sandbox._server.port} of 127.0.0.1: Address already in use; "
    with pytest.raises(ConfigError, match=taken):
        Sandbox(tmp_path / "second", port=int(port)).start()
    assert not (tmp_path / "second").exists()
    assert run(["sandbox", "--port", port]) == 2
    assert capfd.readouterr().err == f"boxferry: {taken}choose another port, or 0 for a free one\n"


def test_an_upload_that_breaks_off_leaves_no_file_open(sandbox, monkeypatch):
    """As where a client is killed in the middle."""
    opened, make = [], formparser.SpooledTemporaryFile
    monkeypatch.setattr(formparser, "SpooledTemporaryFile", lambda **how: opened.append(make(**how)) or opened[-1])
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nhalf of it'
    key = b64encode(f"{sandbox.client_id}:{sandbox.client_secret}".encode()).decode()
    head = f"POST /api/walrus/v1/project/{sandbox.project}/input/from_local HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += (
        f"Authorization: Basic {key}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", sandbox._server.port)) as connection:
        connection.sendall(head.encode() + part)
    wait_until(lambda: opened and opened[0].closed)


def test_the_delay_is_waited_for(tmp_path):
    """A packet is not applied before it."""
    with Sandbox(tmp_path, delay_s=0.3) as sandbox:
        label = a_label(sandbox)
        file_id = upload(sandbox, "a.png")
        started = time.monotonic()
        call(sandbox, PACKET, {"file_id": file_id, "mode": "update", "instance_list": [a_box(label)]})
        assert sandbox.wait_idle()
        assert time.monotonic() - started >= 0.3
        assert len(sandbox.boxes("a.png")) == 1


GARBAGE = {
    "deep": "[" * 50_000,
    "number": '{"directory_id": 1e999}',
    "huge-int": '{"directory_id": 123456789012345678901234567890, "mode": "update", "instance_list": [1]}',
    "list": "[1, 2]",
    "boxes-of-nothing": '{"directory_id": 1, "mode": "update", "instance_list": [null, 5, "x", {}]}',
    "media-text": '{"directory_id": 1, "media": "x"}',
    "unpaired": '{"directory_id": 1, "media": {"url": "\\ud800"}}',
    "binary": b"\x00\xff\xfe",
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_garbage_stops_neither_the_server_nor_the_worker(sandbox, body):
    """An answer comes, and the next good packet is applied."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png")
    auth = (sandbox.client_id, sandbox.client_secret)
    answer = requests.post(sandbox.host + PACKET.format(sandbox.project), data=body, auth=auth, timeout=10)
    assert answer.status_code in {200, 400, 500}
    call(sandbox, PACKET, {"file_id": file_id, "mode": "update", "instance_list": [a_box(label)]})
    assert sandbox.wait_idle()
    assert len(sandbox.boxes("a.png")) == 1


def test_it_fetches_from_this_machine_only(sandbox):
    """A test never goes out into the network."""
    media = {"url": "http://192.0.2.1/a.png", "type": "image"}
    call(sandbox, PACKET, {"media": media, "original_filename": "a.png", "directory_id": sandbox.directory_id})
    assert sandbox.wait_idle(5)
    (record,) = call(sandbox, "/api/walrus/v1/project/{}/input/view/list").json()["input_list"]
    assert "from this machine only" in record["status_text"]


def test_many_connections_at_once(sandbox):
    """Every packet of several threads is applied, once."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png")

    def send(number):
        boxes = [a_box(label, number)]
        assert call(sandbox, PACKET, {"file_id": file_id, "mode": "update", "instance_list": boxes}).status_code == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(100)))
    assert sandbox.wait_idle()
    assert sorted(b["x_min"] for b in sandbox.boxes("a.png")) == list(range(100))


def test_a_removed_file_is_gone_from_the_list_and_still_hit_by_name(sandbox):
    """As a look-up by name does on the real server."""
    file_id = upload(sandbox, "a.png")
    sandbox.remove_file(file_id)
    metadata = {"directory_id": sandbox.directory_id, "file_view_mode": "base"}
    listed = call(sandbox, "/api/project/{}/user/sdk/file/list", {"metadata": metadata})
    assert listed.json()["file_list"] == []
    body = {"file_name": "a.png", "directory_id": sandbox.directory_id, "mode": "update"}
    assert call(sandbox, PACKET, body).status_code == 200


def test_a_wire_with_faults_hands_on_a_broken_status_line(sandbox):
    """As it came from the server, whose database refused something; the wire lives on."""
    from boxferry.sandbox.faults import Faults, FaultyWire

    metadata = {"directory_id": sandbox.directory_id, "file_view_mode": "base"}
    path = f"/api/project/{sandbox.project}/user/sdk/file/list"
    auth = (sandbox.client_id, sandbox.client_secret)
    with FaultyWire(sandbox.host, Faults()) as wire:
        with pytest.raises(requests.ConnectionError, match=r"HTTP/1\.1 0 9h9h"):
            requests.post(wire.host + path, json={"metadata": metadata | {"limit": -1}}, auth=auth, timeout=10)
        assert requests.post(wire.host + path, json={"metadata": metadata}, auth=auth, timeout=10).status_code == 200


def page(sandbox, path="/"):
    return requests.get(sandbox.host + path, timeout=10)


def test_the_page_shows_files_with_their_boxes(sandbox):
    """Image, box, label and score; what a person drew is told apart."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, score=0.875), a_box(label, 30, machine_made=False)])
    text = page(sandbox).text
    assert f'href="/images/{file_id}"' in text
    assert '<g class="shape" style="--c:#' in text
    assert '<g class="shape person" style="--c:#' in text
    assert "cat 0.88" in text
    assert page(sandbox, f"/images/{file_id}").content == a_png()
    assert page(sandbox, "/files/999").status_code == 404


def test_many_boxes_are_a_few_paths_and_parts_of_a_table(sandbox):
    """All are drawn; twenty are listed among other files, a hundred at once of one file."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, score=0.5, x_min=at, x_max=at + 9) for at in range(1, 131)])
    whole, one, end = page(sandbox).text, page(sandbox, f"/files/{file_id}").text, f"/files/{file_id}?boxes=9"
    assert whole.count('<path class="line"') == 1
    assert [text.count("<tr><td>") for text in (whole, one, page(sandbox, end).text)] == [20, 100, 30]
    assert "all 130 boxes" in whole
    assert "101\N{EN DASH}130 of 130" in page(sandbox, end).text


def test_an_outline_is_drawn_as_it_is(sandbox):
    """The corners of a polygon."""
    label = a_label(sandbox)
    points = [{"x": 10, "y": 10}, {"x": 40, "y": 12}, {"x": 25, "y": 44}]
    upload(sandbox, "a.png", [{"type": "polygon", "label_file_id": label, "points": points, "machine_made": True}])
    assert 'd="M10 10 40 12 25 44z"' in page(sandbox).text


def test_the_page_escapes_what_it_shows(sandbox):
    """Names and labels are nobody's markup."""
    label = a_label(sandbox, "<script>alert(1)</script>")
    upload(sandbox, "x.png", [a_box(label)])
    text = page(sandbox, "/?q=<b>").text + page(sandbox).text
    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text


def test_the_page_finds_by_name_and_turns_over(sandbox):
    """Twelve files a page, the newest first."""
    for number in range(14):
        upload(sandbox, f"file{number:02}.png")
    first = page(sandbox).text
    assert "file13.png" in first
    assert "file00.png" not in first
    assert "file00.png" in page(sandbox, "/?page=2").text
    assert "file05.png" in page(sandbox, "/?q=e05").text
    assert "file06.png" not in page(sandbox, "/?q=e05").text
