"""Fixtures that more than one folder of tests needs, and where the tests' files are."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from clocked import Clock

IN_MEMORY = Path("/dev/shm")
ENOUGH = 2 << 30  #: bytes that have to be free there; a run needs a few hundred million


def _write_to_memory():
    """Have all temporary files in memory, unless it is said where: outboxes and sandboxes wait for the disk else."""
    if "TMPDIR" not in os.environ and IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ENOUGH:
        os.environ["TMPDIR"] = str(IN_MEMORY)
        tempfile.tempdir = None  # asked for again


_write_to_memory()
settings.register_profile("boxferry", deadline=None)  # how busy the machine is, is no property of the code
settings.load_profile("boxferry")


@pytest.fixture
def clock():
    """The clock of the sandbox, which a test can move on."""
    return Clock()


@pytest.fixture
def sandbox(tmp_path, clock):
    """A running sandbox, empty, with a folder of its own."""
    from boxferry.sandbox.server import Sandbox

    with Sandbox(tmp_path / "sandbox", clock=clock) as running:
        yield running


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Two for each core: tests wait about as long as they work, for sandboxes, processes and a browser."""
    return 2 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
