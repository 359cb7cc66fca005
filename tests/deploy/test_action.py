"""The GitHub Action: its steps are run as the runner does, against the sandbox and GitHub's routes for comments."""

import json
import os
import runpy
import socket
import sys
import threading
from pathlib import Path

import pytest
import yaml

from deploy.runner import ACTION, Runner, github_api
from docs.blocks import ROOT

YOLO = {
    "source": f"{ROOT}/fixtures/yolo/labels",
    "names": f"{ROOT}/fixtures/yolo/data.yaml",
    "images": f"{ROOT}/fixtures/images",
}
#: installing takes the network and half a minute: `make deploy` does it
LEFT_OUT = () if os.environ.get("BOXFERRY_DEPLOY") else ("Install",)


@pytest.fixture
def job(sandbox, tmp_path):
    """A job of a pull request; called with inputs, the runner after its steps."""

    def run(api, *, number="7", leave_out=LEFT_OUT, steps=None, folder=None, **inputs):
        folder = folder or tmp_path / f"job{len(list(tmp_path.iterdir()))}"
        folder.mkdir(exist_ok=True)
        python = str(Path(sys.executable).parent)
        environment = {"PATH": f"{python}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
        environment |= {"GITHUB_REPOSITORY": "me/model", "GITHUB_API_URL": api}
        github = {"token": "a-token", "event.pull_request.number": number}
        runner = Runner(folder, github, environment, steps or {})
        key = {"client-id": sandbox.client_id, "client-secret": sandbox.client_secret}
        given = {"directory": "Default", "run": "c0ffee", "model": "detector", "labels": "create"}
        where = {"host": sandbox.host, "project": sandbox.project}
        own = {name.replace("_", "-"): value for name, value in inputs.items()}
        runner.run(YOLO | key | where | given | own, leave_out)
        return runner

    return run


@pytest.fixture
def comment(job, tmp_path):
    """The step that comments, alone, with a summary; gives the runner."""

    def run(api, text, **given):
        others = ("Install", "Push", "Summary", "Result")
        (tmp_path / "summary.md").write_text(text)
        return job(api, leave_out=others, steps={"summary": {"path": str(tmp_path / "summary.md")}}, **given)

    return run


def test_predictions_are_pushed_and_the_pull_request_is_told(job, sandbox):
    """In the summary and in a comment; the key is in nothing that is shown."""
    comments = [{"id": 1, "body": "hello", "user": {"type": "User"}}]
    with github_api(comments) as (api, asked):
        runner = job(api)
        told = runner.summary
        fork = job(api, folder=runner.folder, model="other", client_id="", client_secret="")
    assert (runner.failed, runner.steps["push"]["exit-code"]) == (False, "0")
    assert sum(len(sandbox.boxes(file["original_filename"])) for file in sandbox.files()) == 30
    assert "### boxferry: `c0ffee`: all done" in told
    assert "| read | 30 |\n| applied | 30 |" in told
    assert "0 of 7 images of the run are reviewed: 30 unreviewed." in told
    assert [each["body"] for each in comments[:2]] == ["hello", told]
    assert Path(runner.steps["summary"]["path"]).read_text() == told
    assert [call for call, _, _ in asked] == ["GET", "GET", "POST"] * 2
    assert {token for _, _, token in asked} == {"Bearer a-token"}
    assert sandbox.client_secret not in "".join([told, *runner.printed.values()])
    assert (fork.failed, fork.steps["push"]["exit-code"]) == (True, "2")  # used again in the job, and without secrets
    assert "missing settings" in comments[2]["body"]
    assert "reviewed" not in comments[2]["body"]


def test_a_push_that_fails_fails_the_job_and_says_why(job):
    """With the exit code of the command, and its line in the comment, in which it is no Markdown."""
    comments = []
    with github_api(comments) as (api, _):
        failed = job(api, directory="nowhere ```")
    assert failed.failed
    assert failed.steps["push"]["exit-code"] == "2"
    first, *lines, last = failed.printed["Push"].splitlines()
    assert first.removeprefix("::stop-commands::") == last.strip(":")  # what others have named is no command
    assert any("nowhere ```" in line for line in lines)
    (comment,) = comments
    assert "usage, format or configuration" in comment["body"]
    assert "no directory 'nowhere ''''" in comment["body"]


@pytest.mark.skipif(not os.environ.get("BOXFERRY_DEPLOY"), reason="several seconds: make deploy runs it")
def test_the_same_again_from_a_new_runner_sends_nothing_twice(job, sandbox):
    """And has the options of other lines."""
    with github_api([]) as (api, _):
        job(api)
        again = job(api, options="--min-score=0.1\n--tiny=expand\n")
    assert sum(len(sandbox.boxes(file["original_filename"])) for file in sandbox.files()) == 30
    assert "| left out: already-sent | 30 |" in again.summary


def test_the_comment_of_a_model_is_changed_and_others_are_left(comment):
    """Also on a second page of comments; a person's comment with the marker is no bot's."""
    others = [{"id": n + 1, "body": "<!-- a -->\nfirst", "user": {"type": "User"}} for n in range(100)]
    with github_api(others) as (api, asked):
        for text in ("<!-- a -->\nfirst", "<!-- a -->\nsecond", "<!-- b -->\nother"):
            comment(api, text)
    assert [each["body"] for each in others[100:]] == ["<!-- a -->\nsecond", "<!-- b -->\nother"]
    calls = [call for call, path, _ in asked if path != "/user"]
    assert calls == ["GET", "GET", "POST", "GET", "GET", "PATCH", "GET", "GET", "POST"]


def test_the_comment_of_a_persons_token_is_found_again_too(comment):
    """By who the token is of; what another person wrote with the marker is left."""
    comments = [{"id": 1, "body": "<!-- a -->\nfirst", "user": {"login": "else", "type": "User"}}]
    comments += [{"id": 2, "body": None, "user": None}]
    with github_api(comments, login="me") as (api, _):
        for text in ("<!-- a -->\nsecond", "<!-- a -->\nthird"):
            comment(api, text)
    assert [each["body"] for each in comments] == ["<!-- a -->\nfirst", None, "<!-- a -->\nthird"]


def test_no_comment_where_there_is_no_pull_request_or_none_is_wanted(comment):
    with github_api([]) as (api, asked):
        assert comment(api, "text", number="").printed == {}
        assert comment(api, "text", report="false").printed == {}
    assert asked == []


def test_a_comment_that_is_not_permitted_is_a_warning(comment):
    """The push decides how the job ends."""
    with github_api([], status=403) as (api, _):
        runner = comment(api, "text")
    assert not runner.failed
    assert "::warning::boxferry: the comment was not written: HTTP Error 403" in runner.printed["Comment"]
    assert "`pull-requests: write`" in runner.printed["Comment"]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"], ids=["none", "no JSON"])
def test_an_api_that_breaks_off_is_a_warning(comment, answer):
    """As one that does not permit it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def once():
            with server.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=once)
        thread.start()
        runner = comment(f"http://127.0.0.1:{server.getsockname()[1]}", "text")
        thread.join()
    assert not runner.failed
    assert "::warning::boxferry: the comment was not written" in runner.printed["Comment"]


def test_a_summary_fits_into_a_comment(tmp_path, monkeypatch, capsys):
    """However long the words of a server, names, and lines of the log are: GitHub takes 65,536 characters."""
    long = "x" * 100_000
    main = runpy.run_path(str(ACTION / "summary.py"))["main"]
    monkeypatch.setattr(os, "environ", {"EXIT_CODE": "1", "RUN": long, "MODEL": "m"})
    (tmp_path / "push.log").write_text(f"{long}\n" * 20)
    main(tmp_path)
    wrong = [{"file": long, "state": "refused", "reason": long}] * 30
    pushed = {"boxes": {"read": 1, "dropped": {}}, "states": {}, "failed": wrong, "doubtful": [], "stopped": long}
    (tmp_path / "push.json").write_text(json.dumps(pushed))
    main(tmp_path)
    assert len(capsys.readouterr().out) < 65_536


def test_the_workflow_of_the_examples_has_inputs_that_the_action_takes():
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    workflow = yaml.safe_load((ROOT / "examples" / "github" / "predictions.yml").read_text())
    given = workflow["jobs"]["push"]["steps"][-1]["with"]
    needed = {name for name, each in action["inputs"].items() if each.get("required")}
    assert needed <= set(given) <= set(action["inputs"])
