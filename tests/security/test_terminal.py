"""Control characters never reach a terminal: not through names, labels, a server's words, or a plugin's name."""

import json
import re

import pytest
from PIL import Image as Picture

from boxferry.cli.plain import plain
from security.hostile import http_answer

ESC = "\x1b]0;owned\x07\x1b[31m"
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SHOWN = r"\x1b]0;owned\x07\x1b[31m"


def clean(done):
    assert not STEERING.search(done.out + done.err), done
    return done


def coco(folder, *, label="cat", name="a.jpg"):
    (folder / "evil").mkdir()
    data = {
        "images": [{"id": 1, "file_name": name, "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": label}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "score": 0.9}],
    }
    path = folder / "evil" / "set.json"
    path.write_text(json.dumps(data))
    return path


COMMANDS = {
    "validate": ("validate",),
    "convert": ("convert",),
    "push-dry": ("push", "--directory", "Default", "--media-url", "http://127.0.0.1:1/{file_name}", "--dry-run"),
    "preview": ("preview",),
}


@pytest.mark.parametrize("what", ["label", "name"])
@pytest.mark.parametrize("command", COMMANDS)
def test_names_and_labels_of_a_file(command, what, boxferry, tmp_path):
    """An escape sequence in a label or an image's name is shown as text; JSON has it as JSON writes it."""
    path = coco(tmp_path, **{what: f"x{ESC}.jpg"})
    name, *more = COMMANDS[command]
    more += ["-o", tmp_path / "out.ndjson"] if command == "convert" else []
    more += ["-o", tmp_path / "out.html"] if command == "preview" else []
    more += ["--labels", "create"] if command == "push-dry" else []
    clean(boxferry(name, path, *more))


@pytest.mark.parametrize("what", ["label", "name"])
def test_json_is_untouched(what, boxferry, tmp_path):
    """What JSON says is what stood in the file, escaped by JSON itself."""
    done = clean(boxferry("validate", coco(tmp_path, **{what: f"x{ESC}.jpg"}), "--json"))
    assert json.loads(done.out)["boxes"]["read"] == 1


def test_a_missing_file_with_a_steering_name(boxferry):
    """The name in the error is text."""
    done = clean(boxferry("validate", f"no{ESC}.json"))
    assert (done.code, SHOWN in done.err) == (2, True)


WORDS = {
    "refused": (http_answer(400, json.dumps({"log": {"error": {"x": f"no {ESC}"}}}).encode()), 1),
    "a-page": (http_answer(200, f"hello {ESC}".encode()), 4),
    "redirect": (http_answer(302, b"", "Location: http://evil\x1b[31m.example/"), 2),
}


@pytest.mark.parametrize("name", WORDS)
def test_words_of_a_server(name, push, proxy):
    """What a server says is shown without what steers a terminal."""
    answer, code = WORDS[name]
    proxy.decide = lambda method, path, body: answer if "/labels-schema" in path else None
    assert clean(push("--timeout", "2")).code == code


def test_names_on_the_server(push, boxferry, sandbox):
    """Labels, directories and file names of a server, in tables and messages."""
    assert push().code == 0
    sandbox._store.insert("label_file", {"project": sandbox.project, "schema_id": 1, "name": f"l{ESC}"})
    sandbox._store.update("directory", sandbox.directory_id, {"nickname": f"d{ESC}"})
    assert SHOWN in clean(boxferry("labels")).out
    done = clean(push(directory="elsewhere"))
    assert (done.code, SHOWN in done.err) == (2, True)


def test_a_refusal_that_is_stored(push, boxferry, proxy):
    """The outbox keeps a server's words; status shows them as text."""
    answer = http_answer(400, json.dumps({"log": {"error": {"x": f"no {ESC}"}}}).encode())
    proxy.decide = lambda method, path, body: answer if "/input/from_local" in path else None
    assert clean(push("--timeout", "5")).code == 1
    assert SHOWN in clean(boxferry("status", "1")).err


def test_an_image_file_with_a_steering_name(push, boxferry, folder):
    """A file's name, through reading, sending and status."""
    Picture.new("RGB", (100, 80)).save(folder / "images" / f"z{ESC}.jpg")
    (folder / "labels" / f"z{ESC}.txt").write_text("0 0.5 0.5 0.2 0.25 0.9\n")
    clean(push("--verify"))
    clean(boxferry("status", "1"))
    clean(boxferry("report", "1"))


def test_what_is_taken_out():
    """Every control character but those that are asked for; no letter of any script."""
    assert plain("a\nb\tc", keep="\n") == "a\nb\\x09c"
    assert plain("é中文🙂 שלום") == "é中文🙂 שלום"
    left = plain("".join(map(chr, range(0x2100))) + "\ud800")
    assert not STEERING.search(left)
    assert left.encode()
