"""`boxferry doctor` and `init`: what a push needs, checked, with remedies; the configuration file, written."""

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boxferry.cli.app import run
from boxferry.diffgram.client import Client
from boxferry.diffgram.profiles import settings_in
from boxferry.doctor import check_server
from boxferry.sandbox.server import Sandbox
from sending.pushing import server_of

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def environ(monkeypatch, tmp_path):
    """No settings but those that a test makes; gives the path of the configuration file."""
    for name in [name for name in os.environ if name.startswith(("DIFFGRAM", "BOXFERRY"))]:
        monkeypatch.delenv(name)
    path = tmp_path / "boxferry" / "config.toml"
    monkeypatch.setenv("DIFFGRAM_CONFIG", str(path))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    return path


def sandbox_settings(monkeypatch, sandbox):
    for name in ("host", "project", "client_id", "client_secret"):
        monkeypatch.setenv(f"DIFFGRAM_{name.upper()}", getattr(sandbox, name))


def checks(capsys, *options):
    """The exit code, and each check's level by its name."""
    code = run(["doctor", "--json", *options])
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == code
    assert all(each["remedy"] for each in found["checks"] if each["level"] != "ok")
    return code, {each["check"]: each for each in found["checks"]}


def test_all_is_well_on_a_server_that_takes_packets(tmp_path, environ, monkeypatch, capsys):
    """Each thing that a push needs is a line; the rate limit is that of packets; nothing is sent."""
    with Sandbox(tmp_path / "sandbox", rate_limit=17) as sandbox:
        sandbox_settings(monkeypatch, sandbox)
        code, found = checks(capsys)
        assert sandbox.inputs() == []
    assert code == 0
    assert {name: each["level"] for name, each in found.items()} == dict.fromkeys(
        ("settings", "host", "clock", "credentials", "role", "rate limit", "workers", "outbox", "plugins", "version"),
        "ok",
    )
    assert "17 packets a second" in found["rate limit"]["found"]


def test_what_is_wrong_ends_with_its_exit_code(sandbox, environ, monkeypatch, capsys):
    """Settings 2, key 3, host 4; the machine is checked all the same."""
    code, found = checks(capsys)
    assert (code, found["settings"]["level"]) == (2, "failed")
    assert "boxferry init" in found["settings"]["remedy"]
    assert found["plugins"]["level"] == "ok"
    sandbox_settings(monkeypatch, sandbox)
    monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", "wrong")
    code, found = checks(capsys)
    assert (code, found["credentials"]["level"], found["host"]["level"]) == (3, "failed", "ok")
    code, found = checks(capsys, "--host", "http://127.0.0.1:9")
    assert (code, found["host"]["level"]) == (4, "failed")


def test_a_viewers_key_and_a_wrong_packet_path(sandbox, environ, monkeypatch, capsys):
    """The one reads, which is a warning; with the other nothing can be sent."""
    sandbox_settings(monkeypatch, sandbox)
    code, found = checks(capsys, "--packet-path", "/api/v1/walrus/project/{project}/input/packet")
    assert (code, found["packet path"]["level"]) == (4, "failed")
    monkeypatch.setenv("DIFFGRAM_CLIENT_ID", sandbox.viewer_id)
    monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", sandbox.viewer_secret)
    code, found = checks(capsys)
    assert (code, found["role"]["level"]) == (0, "warning")


def test_a_clock_that_differs(sandbox):
    """By how much, and which way."""
    finding = next(each for each in check_server(server_of(sandbox), local=lambda: 0.0) if each.check == "clock")
    assert finding.level == "warning"
    assert "behind the server's" in finding.found


def test_workers_that_do_not_go_on(tmp_path, environ, monkeypatch, capsys):
    """Dead where nothing ended after what waits; else one died on it."""
    now = [1_700_000_000.0]
    picture = (FIXTURES / "images" / "astronaut.jpg").read_bytes()
    with Sandbox(tmp_path / "sandbox", clock=lambda: now[0], poison=True) as sandbox:
        sandbox_settings(monkeypatch, sandbox)
        fields = json.dumps({"directory_id": sandbox.directory_id}).encode()
        with Client(server_of(sandbox)) as client:
            file_id = client.upload("a.jpg", picture, fields).file.id
            label = client.create_label("cat", schema_id=client.schemas()[0].id)
            now[0] += 10
            box = {"type": "box", "label_file_id": label, "x_min": 1, "y_min": 1, "x_max": 9, "y_max": 9}
            packet = {"file_id": file_id, "mode": "update", "instance_list": [box | {"score": "high"}]}
            client.send_packet(json.dumps(packet).encode())
            while sandbox.workers_alive == 4:
                time.sleep(0.01)
            now[0] += 3600
            code, found = checks(capsys)
            assert (code, found["workers"]["level"]) == (5, "failed")
            assert "restart" in found["workers"]["remedy"]
            client.upload("b.jpg", picture, fields)
        code, found = checks(capsys)
    assert (code, found["workers"]["level"]) == (0, "warning")
    assert "--resend-stuck" in found["workers"]["remedy"]


def test_an_outbox_that_is_none_and_a_plugin_that_fails(sandbox, environ, monkeypatch, capsys, tmp_path):
    """Each with its reason."""
    sandbox_settings(monkeypatch, sandbox)
    (tmp_path / "outbox.sqlite").write_text("no database" * 100)
    code, found = checks(capsys)
    assert code
    assert found["outbox"]["level"] == "failed"


def test_init_writes_what_the_server_accepts(sandbox, environ, monkeypatch, capsys):
    """From options and the environment; the file is its owner's, and the next command finds it."""
    monkeypatch.setenv("DIFFGRAM_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", sandbox.client_secret)
    options = ["--host", sandbox.host, "--project", sandbox.project]
    assert run(["init", "--profile", "sand", *options]) == 0
    shown = capsys.readouterr()
    assert sandbox.client_secret not in shown.out + shown.err
    assert "--profile sand --dry-run" in shown.err
    assert environ.stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("DIFFGRAM_CLIENT_ID")
    monkeypatch.delenv("DIFFGRAM_CLIENT_SECRET")
    assert run(["labels", "--profile", "sand"]) == 0
    assert run(["labels"]) == 0, "there is no other one"
    environ.write_text(environ.read_text() + '[profiles.other]\nhost = "https://other.example"\n')
    assert run(["labels"]) == 2
    assert "with --profile or DIFFGRAM_PROFILE: sand, other" in capsys.readouterr().err


def test_init_writes_nothing_that_the_server_refuses(sandbox, environ, monkeypatch, capsys):
    """Unless it is not to be asked; a profile that is there keeps what is not given again."""
    monkeypatch.setenv("DIFFGRAM_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", "wrong")
    options = ["--host", sandbox.host, "--project", sandbox.project]
    assert run(["init", *options]) == 3
    assert "--no-check" in capsys.readouterr().err
    assert not environ.exists()
    assert run(["init", *options, "--no-check"]) == 0
    monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.delenv("DIFFGRAM_CLIENT_ID")
    assert run(["init"]) == 0
    assert settings_in(environ, None)["client_secret"] == sandbox.client_secret


def test_init_names_the_secrets_file(sandbox, environ, monkeypatch, tmp_path):
    """Instead of its content."""
    (tmp_path / "secret").write_text(sandbox.client_secret)
    monkeypatch.setenv("DIFFGRAM_CLIENT_ID", sandbox.client_id)
    options = ["--host", sandbox.host, "--project", sandbox.project, "--secret-file", str(tmp_path / "secret")]
    assert run(["init", *options]) == 0
    assert settings_in(environ, None)["client_secret_file"] == str(tmp_path / "secret")
    assert sandbox.client_secret not in environ.read_text()


def test_init_asks_on_a_terminal(sandbox, environ, tmp_path):
    """For what is not given; the secret is not shown."""
    ours, theirs = pty.openpty()
    answers = {"address": sandbox.host, "Project": sandbox.project, "id": sandbox.client_id}
    code = "import sys; sys.argv[1:] = ['init']; from boxferry.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as running:
        os.close(theirs)
        seen = b""
        for word, answer in {**answers, "secret: ": sandbox.client_secret}.items():
            while word.encode() not in seen:
                seen += os.read(ours, 1024)
            os.write(ours, f"{answer}\n".encode())
            seen = b""
        with contextlib.suppress(OSError):  # the terminal closes with the process
            while part := os.read(ours, 1024):
                seen += part
    os.close(ours)
    assert running.returncode == 0, seen.decode()
    assert sandbox.client_secret.encode() not in seen
    assert settings_in(environ, None) == {
        "host": sandbox.host,
        "project": sandbox.project,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }


def test_without_a_terminal_init_says_what_is_missing(environ, monkeypatch, capsys):
    """And waits for nothing."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # as cron has none
    assert run(["init"]) == 2
    assert "--host or DIFFGRAM_HOST: is missing" in capsys.readouterr().err
