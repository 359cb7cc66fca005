"""A page on a server of its own: this machine alone, only what the page has, and pixels one by one."""

import io
import re
import signal
import subprocess
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image as Picture

import processes
from boxferry.errors import UsageError
from boxferry.review import gallery
from boxferry.review.serve import PageServer
from pages.page_data import data_of
from pages.sources import a_preview


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Five images, in parts of one, and of two."""
    monkeypatch.setattr(gallery, "FIRST", 1)
    monkeypatch.setattr(gallery, "PART", 2)
    with PageServer(a_preview(tmp_path, images=5, boxes=3, most=None).pictured) as running:
        yield running


def got(server, path, **headers):
    return requests.get(f"{server.address}{path}", headers=headers, timeout=9)


def test_the_images_come_in_parts_and_their_pixels_one_by_one(server):
    """All of them; the page itself has none."""
    page = got(server, "").text
    data = data_of(page)
    assert (data["total"], "images" in data) == (5, False)
    found = [image for part in data["parts"] for image in got(server, part).json()]
    assert len(data["parts"]) == 3
    assert [image["i"] for image in found] == [0, 1, 2, 3, 4]
    assert sum(len(image["b"]) for image in found) == sum(data["counts"]["labels"]) == 15
    for path in ("thumb/3", "image/3", "thumb/3"):
        answer = got(server, path)
        assert Picture.open(io.BytesIO(answer.content)).size == (200, 200)
        assert answer.headers["Cache-Control"] == "private, max-age=3600"
    assert "default-src 'none'; script-src 'self'" in got(server, "").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["thumb/5", "image/-1", "image/../x.json", "data/9.json", "elements.py", "x.json", "thumb/٣", "thumb/1/2"]
)
def test_nothing_else_can_be_asked_for(server, path):
    """Images by their numbers, scripts by their names."""
    request = requests.Request("GET", server.address).prepare()
    request.url = server.address + path
    assert requests.Session().send(request, timeout=9).status_code == 404


def test_who_does_not_know_the_token_is_given_nothing(server, tmp_path):
    """Neither the page nor its parts; each server has a token of its own."""
    whole = urlsplit(server.address)
    for path in ("", "data/0.json", "thumb/0", "style.css", "x/data/0.json", f"{whole.path[1:-2]}/data/0.json"):
        assert requests.get(f"{whole.scheme}://{whole.netloc}/{path}", timeout=9).status_code == 404
    (tmp_path / "other").mkdir()
    with PageServer(a_preview(tmp_path / "other").pictured) as other:
        assert len(whole.path) > 20
        assert urlsplit(other.address).path != whole.path


@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("", 421), ("localhost:1", 200), ("[::1]", 200)])
def test_a_name_that_was_made_to_lead_here_is_not_answered(server, host, status):
    """A page of another site could read the images else."""
    assert got(server, "", Host=host).status_code == status


def test_a_port_that_is_taken_is_one_line(server, tmp_path):
    """Which one, and what to do."""
    port = urlsplit(server.address).port
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match=rf"port {port} cannot be opened \(.*\): choose another port"):
        PageServer(a_preview(tmp_path / "other").pictured, port=port)


def test_the_command_serves_until_ctrl_c(tmp_path):
    """Nothing is written; the end is no error."""
    a_preview(tmp_path, images=2)
    arguments = ["preview", "x.json", "--images", "images", "--serve"]
    with processes.Process(processes.COMMAND_LINE, *arguments, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/\S+", process.stdout.readline())
        assert data_of(requests.get(address, timeout=9).text)["total"] == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    assert not (tmp_path / "preview.html").exists()
