"""docs/weeks.md is true: its commands run, one after the other, on a project in which a team has worked for a while."""

import re
import shlex
from pathlib import Path

import pytest

from boxferry import Diffgram, PushOptions, read
from boxferry.cli.app import run
from boxferry.reading.names import load_names
from boxferry.sandbox.annotating import save
from sending.pushing import server_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "weeks.md").read_text()
#: the pictures of the nights before; tonight's are the others
BEFORE = ("astronaut", "chelsea")


def lines():
    """The commands of the page, in its order, each in one line."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.fixture
def team(sandbox, tmp_path, monkeypatch):
    """A folder with tonight's predictions; two runs of an older model on the server, one of them another machine's."""
    for name in ("images", "data.yaml"):
        source = ROOT / "fixtures" / ("images" if name == "images" else "yolo/data.yaml")
        (tmp_path / name).symlink_to(source)
    for folder in ("before", "out/labels"):
        (tmp_path / folder).mkdir(parents=True)
    for path in (ROOT / "fixtures" / "yolo" / "labels").glob("*.txt"):
        folder = "before" if path.stem in BEFORE else "out/labels"
        (tmp_path / folder / path.name).write_text(path.read_text())
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(tmp_path / "outbox.sqlite"),
    }.items():
        monkeypatch.setenv(name, value)
    _weeks_before(sandbox, tmp_path)
    return tmp_path


def _weeks_before(sandbox, folder):
    (folder / "field").mkdir()
    (folder / "field" / "chelsea.txt").write_text("0 0.5 0.5 0.1 0.1 0.9\n")
    runs = {"before": ("outbox.sqlite", "yolo26n-v1", "2026-11-22"), "field": ("other.sqlite", "field", "2026-11-23")}
    for source, (outbox, model, name) in runs.items():
        predictions = read(folder / source, names=folder / "data.yaml", images=folder / "images")
        options = PushOptions(labels="create", on_existing="append")
        with Diffgram(server_of(sandbox), outbox=folder / outbox) as diffgram:
            if source == "before":
                diffgram._client.create_directory("incoming")
                diffgram.sync_labels(load_names(str(folder / "data.yaml")).values(), create=True)
            assert (
                diffgram.push(predictions, directory="incoming", model=model, run=name, options=options).exit_code == 0
            )
    file = next(file for file in sandbox.files() if file["original_filename"].startswith("astronaut"))
    rows = sandbox._store.instances(file["id"])
    save(sandbox._store, file, [rows[0] | {"x_max": rows[0]["x_max"] + 1}, *rows[1:]])


def carried_out(line, capsys):
    """The exit code of a command, and its words; what it writes goes into a file where the line says so."""
    words = shlex.split(line.replace("$(date +%F)", "2026-11-24"), comments=True)
    target = words[words.index(">") + 1] if ">" in words else None
    code = run(words[1 : words.index(">")] if target else words[1:])
    written = capsys.readouterr()
    if target:
        Path(target).write_text(written.out)
    return code, written.err


def test_the_pages_commands_run(sandbox, team, capsys):
    """Each ends with exit code 0; at the end the older model's untouched boxes are gone, and people's are there."""
    for line in lines():
        code, words = carried_out(line, capsys)
        assert code == 0, f"{line}\n{words}"
    models = {row["id"]: row["reference_id"] for row in sandbox._store.rows("SELECT id, reference_id FROM model_run")}
    boxes = [box for file in sandbox.files() for box in sandbox.boxes(file["original_filename"])]
    older = [box for box in boxes if models.get(box["model_run_id"]) == "2026-11-22"]
    assert [box["version"] for box in older] == [2]
    assert any(models.get(box["model_run_id"]) == "2026-11-24" for box in boxes)


def test_the_pages_python_runs(team, capsys):
    """And prints what it says."""
    (code,) = re.findall(r"<!-- run: weeks -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "weeks.md", "exec"), {})
    told = capsys.readouterr().out
    assert told.startswith("0  []")
    assert "boxes would go" in told
    assert "yolo26n-v2 2026-11-25" in told
