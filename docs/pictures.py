"""Makes the pictures of the three pages in docs/images/, on a sandbox, in a real Chromium: `make pictures`."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image
from playwright.sync_api import sync_playwright

from boxferry import Credentials, Server
from boxferry.cli.app import run
from boxferry.demo import play_reviewer
from boxferry.diffgram.client import Client
from boxferry.sandbox.server import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT: Final = Path(__file__).parent.parent
TARGET: Final = ROOT / "docs" / "images"
SOURCE: Final = (
    "fixtures/yolo/labels", "--names", "fixtures/yolo/data.yaml", "--images", "fixtures/images",
)  # fmt: skip
PUSHED: Final = ("--directory", "Default", "--labels", "create", "--model", "yolo26n", "--run", "night")
SHOWN: Final = "astronaut.jpg"
DRAWN_MS: Final = 1500  #: thumbnails are drawn when they are seen


def main() -> None:
    """Write the pictures."""
    os.chdir(ROOT)
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, Sandbox(Path(name) / "sandbox") as sandbox, sync_playwright() as play:
        folder = Path(name)
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        _settings(sandbox, folder)
        _carry_out("preview", *SOURCE, "-o", str(folder / "preview.html"))
        _take(page, (folder / "preview.html").as_uri(), "preview")
        _carry_out("push", *SOURCE, *PUSHED)
        _take(page, f"{sandbox.host}/correct/{_file_id(sandbox)}", "correct")
        _review(sandbox)
        _carry_out("report", "night", "--html", str(folder / "report.html"))
        _take(page, (folder / "report.html").as_uri(), "report")
        browser.close()


def _settings(sandbox: Sandbox, folder: Path) -> None:
    for name in ("host", "project", "client_id", "client_secret"):
        os.environ[f"DIFFGRAM_{name.upper()}"] = getattr(sandbox, name)
    os.environ["BOXFERRY_OUTBOX"] = str(folder / "outbox.sqlite")


def _carry_out(*arguments: str) -> None:
    if code := run(arguments):
        raise SystemExit(code)


def _client(sandbox: Sandbox) -> Client:
    credentials = Credentials(sandbox.client_id, sandbox.client_secret)
    return Client(Server(host=sandbox.host, project=sandbox.project, credentials=credentials))


def _file_id(sandbox: Sandbox) -> int:
    """The file that the picture of the correcting page shows."""
    with _client(sandbox) as client:
        files = client.files(client.directories()[0].id)
        return next(file.id for file in files if file.original_filename == SHOWN)


def _review(sandbox: Sandbox) -> None:
    """As in the demonstration: a person deletes doubtful boxes, moves others and completes the files."""
    with _client(sandbox) as client:
        play_reviewer(sandbox, client.directories()[0].id, client)


def _take(page: Page, address: str, name: str) -> None:
    """A picture of the first screen of a page, as WebP: a fraction of the bytes, and labels keep their colours."""
    page.goto(address)
    page.wait_for_timeout(DRAWN_MS)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(TARGET / f"{name}.webp", quality=88, method=6)


if __name__ == "__main__":
    main()
