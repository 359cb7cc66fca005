"""docs/ways.md is true: each command runs, sends what is shown, leaves what is said; repeated it changes nothing."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from boxferry.cli.app import run
from boxferry.outbox.outbox import Outbox
from serving import served
from videos import a_video

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ways.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
TABLE = PAGE.split("\n## ")[0]


def block(section, language):
    """The section's code block, or None."""
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return found and found[1]


@pytest.fixture
def clone(sandbox, tmp_path, monkeypatch):
    """A folder as a clone is, with a video; the sandbox's settings, a bucket with the images, and they over http."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    (folder / "clips").mkdir()
    (folder / "clips" / "clip.mp4").write_bytes(a_video())
    shutil.copytree(ROOT / "fixtures" / "images", sandbox.buckets / "archive" / "photos")
    monkeypatch.chdir(folder)
    settings = {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(folder / "outbox.sqlite"),
    }
    with served(ROOT / "fixtures" / "images") as settings["MEDIA"]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield folder


def carried_out(line):
    """One line of a command block; a boxferry command without a process of its own."""
    if not line.startswith("boxferry "):
        return subprocess.run(["/bin/sh", "-c", line], check=True)
    code = run(shlex.split(line.replace("$MEDIA", os.environ["MEDIA"]))[1:])
    assert code == 0, line
    return None


def packets(folder):
    """The packets of the newest run, by file name."""
    with Outbox(folder / "outbox.sqlite") as outbox:
        entries = outbox.entries(outbox.runs()[-1].id)
        return {entry.file_name: json.loads(outbox.body(entry.id)) for entry in entries}


def shown(packet):
    """A packet with what differs from run to run in the page's words."""
    return json.loads(json.dumps(packet).replace(os.environ["MEDIA"], "$MEDIA"))


def held(sandbox):
    """Every box of every file, by the file's name."""
    return {file["original_filename"]: sandbox.boxes(file["original_filename"]) for file in sandbox.files()}


@pytest.mark.parametrize("title", SECTIONS)
def test_the_way_is_as_the_page_says(title, sandbox, clone, capsys):
    """The packet on the wire, what the sandbox holds, and a second run that sends and changes nothing."""
    section = SECTIONS[title]
    lines = block(section, "sh").splitlines()
    for line in lines:
        carried_out(line)
    if (packet := block(section, "json")) is not None:
        name = re.findall(r"`([\w/]+\.(?:jpg|png|mp4))`", section)[-1]
        assert shown(packets(clone)[name]) == json.loads(packet)
    files, boxes = re.search(r"holds (\d+) files and (\d+) boxes", section).groups()
    first = held(sandbox)
    assert (len(first), sum(map(len, first.values()))) == (int(files), int(boxes))
    sent = len(sandbox.inputs())
    carried_out(lines[-1])
    assert held(sandbox) == first
    assert len(sandbox.inputs()) == sent


def test_the_table_has_a_row_for_each_way():
    """And each row's link leads to its section."""
    links = re.findall(r"\]\(#([\w-]+)\)", TABLE)
    anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in SECTIONS]
    assert links == anchors
