"""The command line: data on standard output, words on standard error, one line and the right code for each mistake."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

import processes
from boxferry.cli.app import COMMANDS, app

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
PROGRAM = [sys.executable, "-c", "from boxferry.cli.main import main; main()"]
SOURCES = {
    "coco": ["coco/results.json", "--categories", "coco/instances.json"],
    "yolo": ["yolo/labels", "--names", "yolo/data.yaml", "--images", "images"],
    "voc": ["voc/Annotations", "--images", "images"],
    "voc-results": ["voc/results", "--images", "images"],
}


def boxferry(*arguments, cwd=FIXTURES, stdin="", **environ):
    """Run the program in a process of its own, with no settings but those given."""
    return processes.boxferry(*arguments, cwd=cwd, stdin=stdin, env=settled(environ))


def started(*arguments, **environ):
    """The same from nothing, as a user does: with an interpreter that begins and imports."""
    command = [*PROGRAM, *map(str, arguments)]
    options = {"cwd": FIXTURES, "env": settled(environ), "timeout": 120}
    return subprocess.run(command, **options, capture_output=True, text=True, check=False)


def settled(environ):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIFFGRAM", "BOXFERRY"))}
    return clean | {"DIFFGRAM_CONFIG": "/nonexistent.toml"} | environ


def source_of(name):
    return [name.removesuffix("-results") if name == "-f" else name for name in SOURCES[name]]


def packets(done):
    assert done.returncode == 0, done.stderr
    return {p["original_filename"]: p for p in map(json.loads, done.stdout.splitlines())}


def integer_boxes(packet):
    keys = ("name", "x_min", "y_min", "x_max", "y_max")
    return sorted(tuple(box[key] for key in keys) for box in packet.get("instance_list", []))


def test_the_same_predictions_give_the_same_integer_boxes_from_every_format():
    """COCO, YOLO, VOC XML and VOC result files; scores agree to what the text formats carry."""
    found = {}
    for name, arguments in SOURCES.items():
        done = boxferry("convert", *arguments, "-f", name.removesuffix("-results"), "--images", "images")
        found[name] = packets(done)
    assert sum(len(integer_boxes(p)) for p in found["coco"].values()) > 20
    for other in ("yolo", "voc", "voc-results"):
        assert set(found[other]) == set(found["coco"])
        for image, packet in found["coco"].items():
            assert integer_boxes(found[other][image]) == integer_boxes(packet), (other, image)
            scores = [sorted(b["score"] for b in p.get("instance_list", [])) for p in (found[other][image], packet)]
            assert scores[0] == pytest.approx(scores[1], abs=1e-4)


@pytest.mark.parametrize("name", SOURCES)
def test_the_format_is_recognised_by_its_content(name):
    """Without -f, and the reason is said."""
    done = boxferry("validate", *SOURCES[name], "--images", "images", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["format"] == name.removesuffix("-results")
    assert facts["why"]
    assert facts["boxes"]["read"] == facts["boxes"]["kept"] + sum(facts["boxes"]["dropped"].values())


def test_convert_reads_standard_input_and_writes_a_file(tmp_path):
    """'-' is standard input; the file appears when it is whole."""
    text = (FIXTURES / "coco/results.json").read_text()
    target = tmp_path / "packets.ndjson"
    done = boxferry("convert", "-", "--categories", "coco/instances.json", "-o", target, stdin=text)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "boxes read" in done.stderr
    assert target.read_text().count("\n") > 3


def test_steps_are_counted_by_reason():
    """Threshold, suppression, limit and renaming; read = kept + dropped."""
    arguments = ["--min-score", "0.3", "--nms", "0.3", "--max-boxes", "3", "--map", "face|eye=head", "--json"]
    done = boxferry("validate", *SOURCES["coco"], *arguments)
    boxes = json.loads(done.stdout)["boxes"]
    assert "below-threshold" in boxes["dropped"]
    assert boxes["read"] == boxes["kept"] + sum(boxes["dropped"].values())


def test_validate_lists_each_issue_as_a_record(tmp_path):
    """File, line, code and what was expected; the last record has the counts."""
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2 0.9\n0 0.5 nonsense 0.2 0.2 0.9\n0 5e-1 0.5 0.0 0.2 0.9\n")
    done = boxferry("validate", tmp_path, "-f", "yolo", "--names", "cat", "--size", "100x80", "--ndjson")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(r["code"], r["line"]) for r in records if r["kind"] == "drop"} == {("bad-row", 2), ("too-small", 3)}
    assert records[-1]["kind"] == "summary"
    assert records[-1]["boxes"] == {"read": 3, "kept": 1, "dropped": {"bad-row": 1, "too-small": 1}}


MISTAKES = {
    "no-such-file": (["convert", "nothing.json"], 2, "nothing.json"),
    "no-such-format": (["convert", "coco/results.json", "-f", "cocoo"], 2, "cocoo"),
    "not-recognised": (["convert", "README.md"], 2, "README.md"),
    "not-that-format": (["convert", "README.md", "-f", "coco", "--names", "x"], 2, "README.md"),
    "no-names": (["convert", "yolo/labels", "--images", "images"], 2, "--names"),
    "no-sizes": (["convert", "yolo/labels", "--names", "yolo/data.yaml"], 1, "--images"),
    "results-alone": (["convert", "coco/results.json"], 2, "--categories"),
    "bad-size": (["convert", "yolo/labels", "--names", "cat", "--size", "640"], 2, "640"),
    "bad-score": (["convert", *SOURCES["coco"], "--min-score", "7"], 2, "7"),
    "no-score": (["convert", *SOURCES["coco"], "--min-score", "nan"], 2, "nan"),
    "no-iou": (["push", *SOURCES["voc"], "--directory", "Default", "--same-iou", "nan"], 2, "nan"),
    "negative-clicks": (["report", "r", "--deletion", "-1"], 2, "--deletion"),
    "two-outputs": (["report", "r", "--order", "-", "--json"], 2, "--order -"),
    "bad-map": (["convert", *SOURCES["coco"], "--map", "cat"], 2, "cat"),
    "foreign-option": (["convert", *SOURCES["coco"], "--voc-origin", "0"], 2, "--voc-origin"),
    "bad-choice": (["convert", *SOURCES["voc"], "--voc-origin", "3"], 2, "voc-origin"),
    "no-target": (["convert", *SOURCES["coco"], "--to", "kitti"], 2, "kitti"),
    "media-url-elsewhere": (["convert", *SOURCES["coco"], "--to", "voc", "--media-url", "x"], 2, "--media-url"),
    "media-url-bad": (["convert", *SOURCES["coco"], "--media-url", "https://host/a.jpg"], 2, "--media-url"),
    "no-command": (["transmogrify"], 2, "transmogrify"),
    "no-images": (["push", *SOURCES["coco"], "--directory", "Default"], 2, "--media-url"),
    "no-settings": (["push", *SOURCES["voc"], "--directory", "Default"], 2, "DIFFGRAM_"),
    "plain-http": (["labels", "--host", "http://example.com", "--project", "p"], 2, "http"),
    "no-outbox": (["status", "--outbox", "nowhere.sqlite"], 1, "nowhere.sqlite"),
    "no-plugin": (["--disable-plugin", "cocoo", "formats"], 2, "cocoo"),
    "no-fixtures": (["demo", "--fixtures", "nowhere"], 2, "nowhere"),
}


@pytest.mark.parametrize(("arguments", "code", "word"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_clear_line(arguments, code, word, tmp_path):
    """With the place or the remedy in it, and never a traceback."""
    credentials = {"DIFFGRAM_CLIENT_ID": "i", "DIFFGRAM_CLIENT_SECRET": "s"} if "labels" in arguments else {}
    done = boxferry(*arguments, **credentials)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert word in done.stderr
    assert all(len(line) < 1000 for line in done.stderr.splitlines())


def test_an_unknown_class_is_an_error_or_skipped_by_choice(tmp_path):
    """One record for the class, with the number of its boxes."""
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n7 0.5 0.5 0.2 0.2\n7 0.4 0.5 0.2 0.2\n")
    arguments = ["convert", tmp_path, "-f", "yolo", "--names", "cat", "--size", "100x80"]
    done = boxferry(*arguments)
    assert done.returncode == 2
    assert "class 7 has no name (2 boxes)" in done.stderr
    skipped = boxferry(*arguments, "--unknown", "skip")
    assert skipped.returncode == 0
    assert "2 unknown-label" in skipped.stderr


def test_a_failed_conversion_leaves_no_file(tmp_path):
    """Neither half of one, nor a temporary one."""
    target = tmp_path / "out" / "packets.ndjson"
    target.parent.mkdir()
    done = boxferry("convert", "yolo/labels", "--names", "zebra", "--images", "images", "-o", target)
    assert done.returncode == 2
    assert list(target.parent.iterdir()) == []


def test_a_closed_pipe_ends_quietly():
    """`boxferry convert … | head -1` prints no complaint."""
    shell = " ".join([f"'{PROGRAM[0]}'", "-c", f"'{PROGRAM[2]}'", "convert", *SOURCES["coco"]])
    done = subprocess.run(
        ["bash", "-c", f"{shell} | head -c 1"], cwd=FIXTURES, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.fixture
def settings(sandbox, tmp_path):
    return {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(tmp_path / "outbox.sqlite"),
    }


def test_push_status_and_labels_tell_the_same_story(settings):
    """What push says at its end is what status says afterwards."""
    arguments = ["push", *SOURCES["voc"], "--directory", "Default", "--labels", "create", "--min-score", "0.2"]
    planned = boxferry(*arguments, "--dry-run", "--json", **settings)
    done = boxferry(*arguments, "--json", **settings)
    assert done.returncode == 0, done.stderr
    facts, plan = json.loads(done.stdout), json.loads(planned.stdout)
    assert sum(f["boxes"] for f in plan["planned"]) == facts["boxes"]["kept"] == facts["states"]["applied"]["boxes"]
    assert plan["boxes"] == facts["boxes"]
    status = json.loads(boxferry("status", "voc-Annotations", "--json", **settings).stdout)
    assert status["states"] == facts["states"]
    assert {p["state"] for p in status["packets"]} == {"applied"}
    listed = boxferry("status", **settings)
    assert "Annotations" in listed.stdout
    labels = json.loads(boxferry("labels", "--json", **settings).stdout)["labels"]
    assert set(labels) == set(facts["labels_created"])
    assert settings["DIFFGRAM_CLIENT_SECRET"] not in done.stderr + done.stdout


def test_push_prints_a_table_for_people(settings):
    """States on standard output, the tally on standard error."""
    done = started("push", *SOURCES["voc"], "--directory", "Default", "--labels", "create", **settings)
    assert done.returncode == 0, done.stderr
    assert "applied" in done.stdout
    assert "boxes read" in done.stderr


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"DIFFGRAM_CLIENT_SECRET": "wrong-one"}, 3),
        ({"DIFFGRAM_HOST": "http://127.0.0.1:9"}, 4),
        ({"DIFFGRAM_PROJECT": "x"}, 3),
    ],
    ids=["secret", "nobody-there", "project"],
)
def test_the_servers_no_has_its_exit_code(settings, changes, code):
    """3 for who you are, 4 for whether anybody is there; the secret is not shown."""
    done = boxferry("push", *SOURCES["voc"], "--directory", "Default", **(settings | changes))
    assert done.returncode == code, done.stderr
    assert "wrong-one" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_that_is_not_there_is_named_with_those_that_are(settings):
    """Exit code 2, and nothing is sent."""
    done = boxferry("push", *SOURCES["voc"], "--directory", "Defalt", **settings)
    assert done.returncode == 2
    assert "Default" in done.stderr
    assert not Path(settings["BOXFERRY_OUTBOX"]).exists()


def test_the_version_is_printed_without_importing_the_rest():
    """It is asked by scripts at every start."""
    code = "import sys; sys.argv = ['boxferry', '--version']; from boxferry.cli.main import main; main(); "
    code += "assert not {'numpy', 'click', 'requests', 'pluggy'} & set(sys.modules), sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("boxferry 0.")


def test_the_list_of_commands_is_printed_without_importing_them():
    """`--help` is quick; what it says of a command is whole, and the command is there."""
    code = "import sys; from boxferry.cli.app import run; run(['--help']); "
    code += "assert not {'numpy', 'requests', 'pluggy'} & set(sys.modules), sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "..." not in done.stdout.partition("Commands:")[2]
    for name in COMMANDS:
        assert app.get_command(click.Context(app), name).help


def test_the_sandbox_runs_until_it_is_interrupted(tmp_path):
    """It prints the settings for the other commands, and ends with Ctrl-C, exit code 130."""
    command = [*PROGRAM, "sandbox", "--port", "0", "--folder", str(tmp_path / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        lines = [running.stdout.readline().strip() for _ in range(4)]
        settings = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        done = boxferry("labels", "--json", **settings)
        time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 130
    assert json.loads(done.stdout) == {"labels": {}}


def test_resume_goes_on_where_push_stopped(settings):
    """--no-wait leaves packets accepted, all but the run's first; resume finds their end, and says what status says."""
    arguments = ["push", *SOURCES["voc"], "--directory", "Default", "--labels", "create"]
    first = boxferry(*arguments, **settings)
    assert first.returncode == 0, first.stderr
    onto = ["--existing", "--on-existing", "append"]
    again = boxferry(*arguments, "--run", "second", *onto, "--no-wait", "--json", **settings)
    assert again.returncode == 0, again.stderr
    assert "accepted" in json.loads(again.stdout)["states"]
    assert "boxferry resume 2" in again.stderr
    done = boxferry("resume", "2", "--json", **settings)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["states"]) == {"applied"}
    missing = boxferry("resume", "third", **settings)
    assert missing.returncode == 1
    assert "the runs are: 1 (voc-Annotations/voc-Annotations), 2 (second/second)" in missing.stderr


@pytest.mark.parametrize(("spec", "word"), [("drop=1", "drop_before"), ("seed=x", "seed=x")])
def test_faults_that_make_no_sense_are_said(spec, word):
    """With those that there are."""
    done = boxferry("sandbox", "--faults", spec)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_loudest_log_and_every_file_left_behind_hold_no_secret(settings, tmp_path):
    """Neither the secret nor its base64, in whatever a push prints and writes."""
    import base64

    arguments = ["-vv", "push", *SOURCES["voc"], "--directory", "Default", "--labels", "create", "--ndjson"]
    done = boxferry(*arguments, **settings)
    assert done.returncode == 0, done.stderr
    assert "POST /api/walrus/v1/project/sandbox/input/from_local 200" in done.stderr
    secret = settings["DIFFGRAM_CLIENT_SECRET"]
    encoded = base64.b64encode(f"{settings['DIFFGRAM_CLIENT_ID']}:{secret}".encode()).decode()
    left = [path.read_bytes().decode("latin-1") for path in tmp_path.glob("outbox.sqlite*")]
    assert left
    for text in (done.stdout, done.stderr, *left):
        assert secret not in text
        assert encoded not in text


NOTHING_LEFT = {
    "outside": ("0 5 5 .1 .1\n", ["--absolute", "no"], 1),
    "too-small": ("0 .5 .5 0 0\n", [], 1),
    "below-threshold": ("0 .5 .5 .2 .2 .1\n", ["--min-score", ".5"], 0),
    "no-boxes": ("", [], 0),
    "one-left": ("0 .5 .5 0 0\n0 .5 .5 .5 .5\n", [], 0),
}


@pytest.mark.parametrize("command", ["convert", "validate"])
@pytest.mark.parametrize(("text", "more", "code"), NOTHING_LEFT.values(), ids=NOTHING_LEFT)
def test_c31_a_run_whose_boxes_were_all_dropped_is_no_success(tmp_path, text, more, code, command):
    """Unless that was wanted by an option; what is left or was never there is none of it."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text(text)
    done = boxferry(command, tmp_path / "labels", "-f", "yolo", "--names", "cat", "--size", "100x80", *more)
    assert done.returncode == code, done.stderr
    assert ("nothing is left to send: 1 box read, 1 dropped" in done.stdout + done.stderr) == bool(code)


def test_a_share_that_was_clipped_is_in_the_summary(tmp_path):
    """In percent of the boxes read."""
    (tmp_path / "a.txt").write_text("0 .95 .5 .2 .2\n" + "".join(f"0 .5 .5 .2 .{n}\n" for n in range(21, 24)))
    done = boxferry("convert", tmp_path / "a.txt", "--names", "cat", "--size", "100x80")
    assert "changed: 1 clipped (25%)" in done.stderr


def test_several_sources_are_read_in_one_run(tmp_path):
    """Files, folders and globs on the command line; the run is called after the first."""
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 9, "height": 9} for n in (1, 2, 3)]
    (tmp_path / "gt.json").write_text(json.dumps({"images": images, "categories": [{"id": 1, "name": "c"}]}))
    for rank in (1, 2, 3):
        item = {"image_id": rank, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
        (tmp_path / f"rank{rank}.json").write_text(json.dumps([item]))
    done = boxferry("convert", "rank1.json", "rank2.json", "rank3.json", "--categories", "gt.json", cwd=tmp_path)
    found = packets(done)
    assert sorted(found) == ["1.jpg", "2.jpg", "3.jpg"]
    assert found["1.jpg"]["instance_list"][0]["model_run_ref"] == "rank1.json+2"
    assert sorted(packets(boxferry("convert", "rank*.json", "--categories", "gt.json", cwd=tmp_path))) == sorted(found)


def test_what_no_format_recognises_is_two_lines_and_exit_code_2(tmp_path):
    """What was stumbled over, and what to try."""
    (tmp_path / "a.txt").write_text("0 .5 .5 .2\n")
    done = boxferry("validate", tmp_path / "a.txt")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert "a.txt:1: '0 .5 .5 .2' is not a row" in done.stderr
    assert "-f yolo" in done.stderr
