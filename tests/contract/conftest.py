"""Which server the suite runs against: the sandbox, or a live one that the environment names."""

import os
import subprocess
from pathlib import Path

import pytest

from contract.wire import Wire, picture
from serving import served

LIVE = "BOXFERRY_LIVE_"
HARM_S = 40.0  #: how long a live server is given for a packet that may never end


def pytest_collection_modifyitems(items):
    """What can harm a server runs last, and on a live one only where that is allowed."""
    items.sort(key=lambda item: item.get_closest_marker("harm") is not None)
    if LIVE + "HOST" not in os.environ or os.environ.get(LIVE + "HARM") == "1":
        return
    skip = pytest.mark.skip(reason="can end a live server's workers: BOXFERRY_LIVE_HARM=1 runs it")
    for item in items:
        if item.get_closest_marker("harm"):
            item.add_marker(skip)


def _live_wire():
    need = ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET", "DIRECTORY", "MEDIA", "MEDIA_DIR")
    missing = [LIVE + name for name in need if LIVE + name not in os.environ]
    if missing:
        pytest.exit(f"a live run needs {', '.join(missing)} too", returncode=2)
    found = {name: os.environ[LIVE + name] for name in need}
    viewer = (os.environ.get(LIVE + "VIEWER_ID"), os.environ.get(LIVE + "VIEWER_SECRET"))
    connection, bucket, blob, job = (os.environ.get(LIVE + n) for n in ("CONNECTION", "BUCKET", "BLOB", "JOB"))
    return Wire(
        host=found["HOST"].rstrip("/"),
        project=found["PROJECT"],
        directory_id=int(found["DIRECTORY"]),
        auth=(found["CLIENT_ID"], found["CLIENT_SECRET"]),
        media_url=found["MEDIA"].rstrip("/"),
        media_dir=Path(found["MEDIA_DIR"]),
        live=True,
        patience_s=float(os.environ.get(LIVE + "PATIENCE", "120")),
        harm_s=HARM_S,
        viewer=viewer if all(viewer) else None,
        bucket=(int(connection), bucket, blob) if connection and bucket and blob else None,
        job=int(job) if job else None,
    )


def _sandbox_wire(sandbox, media_url, media_dir):
    (sandbox.buckets / "photos").mkdir(parents=True)
    (sandbox.buckets / "photos" / "a.png").write_bytes(picture())
    return Wire(
        host=sandbox.host,
        project=sandbox.project,
        directory_id=sandbox.directory_id,
        auth=(sandbox.client_id, sandbox.client_secret),
        media_url=media_url,
        media_dir=media_dir,
        live=False,
        patience_s=20.0,
        viewer=(sandbox.viewer_id, sandbox.viewer_secret),
        bucket=(1, "photos", "a.png"),
        job=1,
    )


@pytest.fixture(scope="session")
def wire(tmp_path_factory):
    """The server under test; nothing on it is shared between tests but a few labels."""
    if LIVE + "HOST" in os.environ:
        yield _live_wire()
        return
    from boxferry.sandbox.server import Sandbox

    folder = tmp_path_factory.mktemp("media")
    with served(folder) as media, Sandbox(tmp_path_factory.mktemp("sandbox"), video_s=0.2) as sandbox:
        yield _sandbox_wire(sandbox, media, folder)


@pytest.fixture
def harmed(wire, tmp_path):
    """A server that may be harmed; of sandboxes one that does as the others do, and is gone afterwards."""
    if wire.live:
        yield wire
        if command := os.environ.get(LIVE + "RESTART"):
            subprocess.run(command, shell=True, check=True, timeout=300)
        return
    from boxferry.sandbox.server import Sandbox

    with Sandbox(tmp_path / "harmed", race_s=0.2, poison=True) as sandbox:
        yield _sandbox_wire(sandbox, wire.media_url, wire.media_dir)


@pytest.fixture
def mortal(wire, tmp_path):
    """A sandbox of four workers that die of what real ones die of."""
    if wire.live:
        pytest.skip("a live server would have to be started again")
    from boxferry.sandbox.server import Sandbox

    with Sandbox(tmp_path / "mortal", poison=True) as sandbox:
        yield _sandbox_wire(sandbox, wire.media_url, wire.media_dir)


@pytest.fixture(scope="session")
def limited(wire, tmp_path_factory):
    """A server whose rate limiter is on; a live one has it on or off, and is asked."""
    if wire.live:
        answer = wire.packet({})
        if "X-RateLimit-Limit" not in answer.headers:
            pytest.skip("the live server's rate limiter is off")
        yield wire
        return
    from boxferry.sandbox.server import Sandbox

    with Sandbox(tmp_path_factory.mktemp("limited"), rate_limit=20) as sandbox:
        yield _sandbox_wire(sandbox, wire.media_url, wire.media_dir)
