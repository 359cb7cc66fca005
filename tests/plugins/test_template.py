"""`boxferry init-plugin`: a plugin that can do what the bundled formats do, and the example that it is."""

import subprocess
import sys

import pytest
from PIL import Image as Picture

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run
from boxferry.plugin_template import contents
from boxferry.plugins import plugin_manager
from plugins.test_plugins import EXAMPLE, install
from sending.pushing import boxes_in

ROWS = "image,label,score,x_min,y_min,x_max,y_max\n"
ROWS += "a.jpg,cat,0.9,10,20,30,40\nb.jpg,dog,0.8,1,2,3,4\na.jpg,dog,0.7,5,6,7,8\n"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A plugin called 'ours-too', written by the command and installed."""
    assert run(["init-plugin", "ours-too", "-o", str(tmp_path / "plugin")]) == 0
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", tmp_path / "plugin")
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield tmp_path / "plugin"
    sys.modules.pop("boxferry_ours_too", None)


def test_the_example_is_what_the_command_writes():
    """Whoever copies it begins where the command does."""
    assert {path.name: path.read_text() for path in EXAMPLE.iterdir() if path.is_file()} == contents("csv")


def test_what_is_written_is_listed_and_passes_its_own_tests(made):
    """As a stranger runs them, in a process of its own."""
    assert {status.name: status.formats for status in plugin_manager().statuses}["ours-too"] == ("ours-too",)
    env = {
        "PYTHONPATH": str(made.parent / "site"),
        "PATH": "",
        "HOME": str(made),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_boxferry_ours_too.py"]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, env=env, check=False, timeout=60)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_it_pushes_with_the_images(made, sandbox, tmp_path, monkeypatch, capsys):
    """They are found in the images folder, and uploaded; the rows of an image are one packet."""
    images = tmp_path / "images" / "sub"
    images.mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        Picture.new("RGB", (100, 80), "grey").save(images / name)
    source = tmp_path / "rows.txt"
    source.write_text(ROWS.replace(",", ";"))
    (chunk,) = read(source, images=tmp_path / "images", options={"ours-too-delimiter": ";"}).chunks(Tally())
    assert [(image.key, image.width) for image in chunk.images] == [("sub/a.jpg", 100), ("sub/b.jpg", 100)]
    assert chunk.counts.tolist() == [2, 1]
    for name, value in {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
    }.items():
        monkeypatch.setenv(name, value)
    argv = [
        "push",
        str(source),
        "--images",
        str(tmp_path / "images"),
        "--ours-too-delimiter",
        ";",
        "--labels",
        "create",
    ]
    code = run([*argv, "--directory", "Default", "--outbox", str(tmp_path / "outbox.sqlite")])
    assert code == 0, capsys.readouterr().err
    assert boxes_in(sandbox, "sub_a.jpg") == [(5, 6, 7, 8), (10, 20, 30, 40)]
    assert boxes_in(sandbox, "sub_b.jpg") == [(1, 2, 3, 4)]


@pytest.mark.parametrize("name", ["Csv", "a b", "", "coco", "1a", "a--b"])
def test_a_name_that_is_none_or_taken_is_refused(name, tmp_path, capsys):
    """And nothing is written."""
    assert run(["init-plugin", name, "-o", str(tmp_path / "x")]) == 2
    assert f"plugin '{name}'" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_nothing_is_written_over(tmp_path, monkeypatch, capsys):
    """Without -o the folder is called as the distribution is."""
    monkeypatch.chdir(tmp_path)
    assert run(["init-plugin", "mine"]) == 0
    names = sorted(path.name for path in (tmp_path / "boxferry-mine").iterdir())
    assert names == ["boxferry_mine.py", "pyproject.toml", "test_boxferry_mine.py"]
    assert run(["init-plugin", "mine"]) == 2
    assert "not empty; choose a new folder" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert run(["init-plugin", "mine", "-o", str(tmp_path / "file" / "x")]) == 2
