"""Credentials that a server sends back are shown nowhere and stored nowhere, whole or cut."""

import base64
import json
import stat
from urllib.parse import quote

import pytest

from security.hostile import http_answer, raw

SECRET = "Zx9-very/secret+" + "q7" * 40
ID = "LIVE__sandbox"
PAIR = base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
PARTS = [text[start : start + 12] for text in (SECRET, PAIR, quote(SECRET, safe="")) for start in range(0, 36, 4)]


@pytest.fixture
def keyed(boxferry):
    """The command line with a long secret."""
    boxferry.set("DIFFGRAM_CLIENT_SECRET", SECRET)
    return boxferry


@pytest.fixture
def sandbox(tmp_path):
    from boxferry.sandbox.server import Sandbox

    with Sandbox(tmp_path / "sandbox", client_id=ID, client_secret=SECRET) as running:
        yield running


def nowhere(done, folder):
    """No part of the secret is in what was written to the terminal, or in any file but the sandbox's own."""
    text = done.out + done.err
    for path in folder.rglob("*"):
        if path.is_file() and "sandbox" not in path.parts:
            text += path.read_bytes().decode("latin-1")
    assert [part for part in PARTS if part in text] == []
    return done


def refusing(text):
    return http_answer(400, json.dumps({"log": {"error": {"said": text}}}).encode())


def status_line(text):
    @raw
    def answer(connection, gone):
        connection.sendall(f"HTTP/1.1 {text} x\r\nContent-Length: 0\r\n\r\n".encode())

    return answer


ECHOES = {
    "refused": refusing(f"bad key {SECRET}"),
    "refused-header": refusing(f"Authorization: Basic {PAIR}"),
    "refused-url": refusing(f"https://x/?key={quote(SECRET, safe='')}"),
    "cut-by-the-message": refusing("y" * 190 + SECRET),
    "cut-by-the-page": http_answer(400, ("y" * 180 + " " + SECRET).encode()),
    "cut-by-the-page-2000": http_answer(400, (" " * 1990 + SECRET).encode()),
    "a-page-with-200": http_answer(200, ("y" * 190 + " " + SECRET).encode()),
    "server-error": http_answer(500, json.dumps({"error": f"y {PAIR} {SECRET}"}).encode()),
    "a-redirect": http_answer(302, b"", f"Location: http://{quote(SECRET, safe='')}@example.invalid/{SECRET}"),
    "a-redirect-without-sense": http_answer(302, b"", f"Location: http://[{SECRET}"),
    "a-redirect-to-it": http_answer(302, b"", f"Location: http://u:{SECRET.replace('/', '')}@example.invalid/"),
    "the-status-line": status_line(SECRET),
    "a-typed-answer": http_answer(200, json.dumps({"log": {"success": False, "error": {SECRET: SECRET}}}).encode()),
}


@pytest.mark.parametrize("where", ["/labels-schema", "/input/from_local"])
@pytest.mark.parametrize("name", ECHOES)
def test_a_secret_that_is_sent_back(name, where, keyed, push, proxy, tmp_path):
    """In an error, a page, a redirect or a status line, at planning and at sending."""
    proxy.decide = lambda method, path, body: ECHOES[name] if where in path else None
    done = nowhere(push("--timeout", "2", "--verify"), tmp_path)
    assert done.code in {1, 2, 4, 5}, done
    nowhere(keyed("status", "--json"), tmp_path)
    nowhere(
        keyed(
            "-vv",
            "push",
            tmp_path / "labels",
            "-f",
            "yolo",
            "--names",
            "cat",
            "--images",
            tmp_path / "images",
            "--directory",
            "Default",
            "--model",
            "m",
            "--run",
            "r",
            "--timeout",
            "2",
        ),
        tmp_path,
    )


def test_a_secret_in_a_record(keyed, push, proxy, tmp_path):
    """A refused input whose status_text and log repeat the request's header."""

    def spoilt(found):
        answer = json.loads(found.body)
        answer["input"] |= {"status": "failed", "status_text": f"no {PAIR}", "update_log": {"error": {"x": SECRET}}}
        return found._replace(body=json.dumps(answer).encode())

    proxy.decide = lambda method, path, body: spoilt if "/input/from_local" in path else None
    done = nowhere(push("--timeout", "3"), tmp_path)
    assert done.code == 1
    assert "refused" in nowhere(keyed("status", "1"), tmp_path).err


def test_a_plan_is_its_owners(push, tmp_path):
    """A plan is readable for its owner alone, also where a file was there that was not."""
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    assert push("--plan", path).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


SIGNED = ("X-Amz-Signature=abc", "v=1&sig=abc", "token=abc", "Expires=1&KeyName=2", "sv=2020&se=3&sig=x")


@pytest.mark.parametrize("query", SIGNED)
def test_a_plan_holds_no_signed_url(query, boxferry, folder):
    """A plan of media by signed URLs is not written: one line, and nothing of the query."""
    plan = folder / "plan.json"
    done = boxferry(
        "push",
        folder / "labels",
        "-f",
        "yolo",
        "--names",
        "cat",
        "--size",
        "100x80",
        "--images",
        folder / "images",
        "--directory",
        "Default",
        "--labels",
        "create",
        "--model",
        "m",
        "--run",
        "r",
        "--media-url",
        "https://bucket.example/{file_name}?" + query,
        "--plan",
        plan,
    )
    assert (done.code, plan.exists()) == (2, False)
    assert "a plan cannot contain signed URLs (https://bucket.example/a.jpg?…)" in done.lines[-1]
    assert "abc" not in done.err


def test_what_is_kept_of_a_pull_is_its_owners(push, boxferry, sandbox, tmp_path):
    """The folder beside the outbox, and each file in it; no signed query is in there."""
    assert push().code == 0
    assert boxferry("pull", "1", "--to", "coco", "-o", tmp_path / "back.json").code == 0
    kept = tmp_path / "outbox.sqlite.pull"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    files = list(kept.iterdir())
    assert files
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"?" not in path.read_bytes()
    assert stat.S_IMODE((tmp_path / "outbox.sqlite").stat().st_mode) == 0o600
