"""Runs a page from top to bottom as a reader does: its commands, its Python, its files, and what it says is printed."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from boxferry.cli.app import run
from boxferry.demo import play_reviewer
from boxferry.diffgram.client import Client
from boxferry.diffgram.settings import Credentials, Server
from docs.blocks import ROOT, blocks_of

DOCS_HOST = "http://127.0.0.1:8088"  #: of the sandbox, as the pages have it
TODAY = "$(date +%F)"  #: a command within one, which needs no process here
NOT_PLAIN = re.compile(r"[|&;<>$`]")


class Story:
    """A page in a folder that is as a clone, on a sandbox.

    Attributes:
        sandbox: the running sandbox.
        folder: the folder.
        printed: what the last block printed.
    """

    def __init__(self, sandbox, folder, monkeypatch, capfd):
        self.sandbox, self.folder, self.capfd = sandbox, folder, capfd
        self.printed, self._so_far, self._names, self._monkeypatch = "", "", {}, monkeypatch
        (folder / "fixtures").symlink_to(ROOT / "fixtures")
        monkeypatch.chdir(folder)
        for name, value in self.settings().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("BOXFERRY_OUTBOX", str(folder / "outbox.sqlite"))
        monkeypatch.setenv("DIFFGRAM_CONFIG", str(folder / "config.toml"))  # not that of whoever runs the tests
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr("sys.argv", ["boxferry"])

    def settings(self):
        """The environment that names the sandbox."""
        credentials = {
            "DIFFGRAM_CLIENT_ID": self.sandbox.client_id,
            "DIFFGRAM_CLIENT_SECRET": self.sandbox.client_secret,
        }
        return {"DIFFGRAM_HOST": self.sandbox.host, "DIFFGRAM_PROJECT": self.sandbox.project, **credentials}

    def tell(self, page):
        """Run every block of a page that is to be run."""
        for block in blocks_of(page):
            kind, _, name = block.marker.partition(": ")
            match kind:
                case "run" if block.language == "python":
                    self._python(block)
                case "run":
                    self._shell(block)
                case "file":
                    self._write(name, block)
                case "output":
                    assert block.text in self.printed, f"{block.place}\n{self.printed}"
                case "by hand":
                    self._review()

    def _write(self, name, block):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text + "\n", encoding="utf-8")
        path.chmod(0o600)  # as the page asks for the file with a secret
        if path.name == "pyproject.toml":
            self._install(tomllib.loads(block.text)["project"])

    def _install(self, project):
        """Put the metadata of a distribution where Python finds it, as an installer would."""
        folder = self.folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        points = "".join(f"{name} = {target}\n" for name, target in project["entry-points"]["boxferry"].items())
        (folder / "entry_points.txt").write_text(f"[boxferry]\n{points}")
        self._monkeypatch.syspath_prepend(self.folder)

    def _python(self, block):
        exec(compile(block.text, block.place, "exec"), self._names)
        self._printed()

    def _shell(self, block):
        self.capfd.readouterr()
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                self._line(line.partition("  #")[0].strip(), block)
        self._printed()

    def _line(self, line, block):
        if line.startswith("export "):
            self._exported(line, block)
        elif line.startswith("boxferry ") and not NOT_PLAIN.search(line.partition(" > ")[0].replace(TODAY, "")):
            command, _, target = line.replace(TODAY, "2026-11-26").partition(" > ")
            code = run(shlex.split(command)[1:])
            printed = self.capfd.readouterr()
            assert code == 0, f"{block.place}: {line}\n{printed}"
            if target:
                (self.folder / target).write_text(printed.out)
            self._so_far += printed.err if target else printed.out + printed.err
        else:
            subprocess.run(["/bin/sh", "-ec", line], check=True)

    def _exported(self, line, block):
        """The settings of the sandbox are in the environment already, but for its port."""
        for word in shlex.split(line)[1:]:
            name, _, value = word.partition("=")
            assert self.settings()[name] == value.replace(DOCS_HOST, self.sandbox.host), f"{block.place}: {line}"

    def _printed(self):
        out, err = self.capfd.readouterr()
        self.printed, self._so_far = (self._so_far + out + err).replace(self.sandbox.host, DOCS_HOST), ""

    def _review(self):
        """A person deletes the doubtful boxes, moves one of each file and marks the files as done."""
        credentials = Credentials(self.sandbox.client_id, self.sandbox.client_secret)
        with Client(Server(host=self.sandbox.host, project=self.sandbox.project, credentials=credentials)) as client:
            for directory in client.directories():
                play_reviewer(self.sandbox, directory.id, client)
