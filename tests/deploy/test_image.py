"""The container image, which `make image` builds: what it holds, who it runs as, and that it works.

Without one most is skipped; its Dockerfile is looked at all the same.
"""

import os
import re
import shlex
import subprocess
from contextlib import contextmanager

import pytest

from docs.blocks import ROOT

IMAGE, ENGINE = os.environ.get("BOXFERRY_IMAGE"), shlex.split(os.environ.get("BOXFERRY_ENGINE", "docker"))
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
built = pytest.mark.skipif(not IMAGE, reason="there is no image: make image builds it")


def said(*command):
    done = subprocess.run([*ENGINE, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def container():
    """A function that runs a command of the image's own, as the image's user; buildah has no `run` of images."""
    if ENGINE[0] != "buildah":
        yield lambda *command: said("run", "--rm", "--entrypoint", command[0], IMAGE, *command[1:])
        return
    name = said("from", IMAGE)
    try:
        yield lambda *command: said("run", name, "--", *command)
    finally:
        said("rm", name)


STORY = """
set -e
: > /tmp/settings
boxferry sandbox --address 0.0.0.0 --port 0 > /tmp/settings 2> /dev/null &
while [ "$(wc -l < /tmp/settings)" -lt 4 ]; do sleep 0.1; done
. /tmp/settings
python3 -c "from PIL import Image; import os; os.makedirs('images'); Image.new('RGB', (100, 80)).save('images/a.png')"
mkdir labels && echo '0 0.5 0.5 0.2 0.25 0.9' > labels/a.txt
boxferry push labels --names cat --images images --directory Default --run r --labels create --quiet
boxferry status r
ls /data
kill $!
"""


@built
def test_it_runs_as_a_user_who_may_change_nothing_but_the_data():
    with container() as run:
        assert run("id", "-u") == "10001"
        assert run("sh", "-c", "touch /opt/boxferry/x 2>/dev/null || echo refused") == "refused"
        assert run("sh", "-c", "touch /data/x /work/x && echo taken") == "taken"
        assert run("boxferry", "--version").startswith("boxferry ")


@built
def test_the_sandbox_in_it_takes_a_push_of_its_command_line():
    with container() as run:
        told = run("sh", "-c", STORY)
    assert re.search(r"^applied +1 +1$", told, re.MULTILINE)
    assert "outbox.sqlite" in told


@built
def test_a_command_is_all_that_is_said():
    shown = said("inspect", IMAGE)
    assert re.search(r'"Entrypoint": \[\s*"boxferry"\s*\]', shown)
    assert '"User": "10001:10001"' in shown


def test_what_it_copies_is_there_and_is_what_the_wheel_is_made_of():
    """And nothing else of the folder goes to the builder."""
    copied = [name for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()]
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert sorted(copied) == sorted(line[1:] for line in ignored if line.startswith("!"))
    assert all((ROOT / name).exists() for name in copied)
    project = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r'packages = \["(\w+)/boxferry", "(\w+)/boxferry_adapters"\]', project).groups()
    assert set(packages) < set(copied)
