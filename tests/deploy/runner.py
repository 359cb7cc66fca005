"""Carries the steps of a composite action out as GitHub's runner does: expressions, environment, files for output."""

import re
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads

import yaml

from docs.blocks import ROOT

ACTION = ROOT / "deploy" / "action"
_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")


@dataclass
class Runner:
    """One job.

    Attributes:
        folder: what the runner calls its temporary folder.
        github: the context `github`, by path: 'token', 'event.pull_request.number', …
        environment: of every step.
        steps: step id → its outputs.
        failed: whether a step has failed.
        printed: what each step has written, by name.
    """

    folder: object
    github: dict
    environment: dict
    steps: dict = field(default_factory=dict)
    failed: bool = False
    printed: dict = field(default_factory=dict)

    def run(self, inputs, leave_out=()):
        """The steps of the action in their order; what `leave_out` names is taken to be done."""
        action = yaml.safe_load((ACTION / "action.yml").read_text())
        missing = [name for name, each in action["inputs"].items() if each.get("required") and name not in inputs]
        assert not missing
        assert not set(inputs) - set(action["inputs"])
        given = {name: self._filled(str(each.get("default", "")), {}) for name, each in action["inputs"].items()}
        given |= inputs
        for step in action["runs"]["steps"]:
            if step["name"] not in leave_out and self._wanted(step.get("if", "success()"), given):
                self._carry_out(step, given)

    @property
    def summary(self):
        return (self.folder / "summary").read_text()

    def _carry_out(self, step, given):
        output = self.folder / "output"
        output.write_text("")
        own = {name: self._filled(value, given) for name, value in step.get("env", {}).items()}
        paths = {"GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": self.folder / "summary"}
        paths |= {"GITHUB_ACTION_PATH": ACTION, "RUNNER_TEMP": self.folder}
        environment = self.environment | {name: str(path) for name, path in paths.items()} | own
        assert step["shell"] == "bash"
        script = self.folder / "step.sh"
        assert "${{" not in step["run"]  # what others write would be run
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self.printed[step["name"]] = done.stdout + done.stderr
        self.failed = self.failed or done.returncode != 0
        self.steps[step.get("id", step["name"])] = dict(line.split("=", 1) for line in output.read_text().splitlines())

    def _filled(self, text, given):
        return _EXPRESSION.sub(lambda found: str(self._value(found[1], given)), text)

    def _value(self, name, given):
        kind, _, rest = name.partition(".")
        if kind == "inputs":
            return given[rest]
        if kind == "steps":
            step, _, output = rest.partition(".outputs.")
            return self.steps.get(step, {}).get(output, "")
        assert kind == "github"
        return self.github.get(rest, "")

    def _wanted(self, condition, given):
        parts = condition.split(" && ")
        always = parts[0] == "always()"
        return (always or not self.failed) and all(self._holds(part, given) for part in parts[1:])

    def _holds(self, part, given):
        name, operator, value = re.fullmatch(r"(\S+)(?: (==|!=) '(.*)')?", part).groups()
        found = str(self._value(name, given))
        return {None: bool(found), "==": found == value, "!=": found != value}[operator]


@contextmanager
def github_api(comments, status=200, login=None):
    """The routes of GitHub's API for comments, on this machine; gives its address and what it was asked.

    Without a login the token is a job's, which may not ask who it is.
    """
    asked = []
    author = {"login": login, "type": "User"} if login else {"login": "github-actions[bot]", "type": "Bot"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/user":
                self._answer(author, status if login else 403)
                return
            page = int(self.path.rpartition("page=")[2])
            self._answer(comments[100 * (page - 1) : 100 * page])

        def do_POST(self):
            comments.append({"id": len(comments) + 1, "user": author} | self._body())
            self._answer(comments[-1])

        def do_PATCH(self):
            found = next(each for each in comments if each["id"] == int(self.path.rpartition("/")[2]))
            found.update(self._body())
            self._answer(found)

        def _body(self):
            return loads(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, value, status=status):
            asked.append((self.command, self.path, self.headers["Authorization"]))
            body = dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
