"""Plays the calls of a recording on a sandbox, and gives what was observed on the way.

A group is a list of steps. A step is a call (`post` or `get`), a wait for background work (`wait`, `settle`), or an
observation of earlier replies (`observe`).
"""

from __future__ import annotations

import io
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from PIL import Image

from boxferry.sandbox.server import Sandbox
from contract.recorded.media import serving
from contract.recorded.values import Reply, Values, many_boxes
from contract.recorded.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
GROUPS = sorted(path.stem for path in (HERE / "groups").glob("*.json"))
TAG = "tagged"  #: in names, where the recording had a word of its own
LIMIT = 20  #: packets a second, as the recorded server had it; only a group that looks at headers has the limiter on
PATIENCE_S = 30.0
DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}  #: words of a recording: days as the server counts them, in UTC
ENDED = {"success", "failed"}
Json = Any


def recording(group: str) -> list[dict[str, Json]]:
    """The steps of a group."""
    steps: list[dict[str, Json]] = json.loads((HERE / "groups" / f"{group}.json").read_text(encoding="utf-8"))
    return steps


@dataclass
class Player:
    """One server that is asked.

    Attributes:
        sandbox: the server.
        session: the connection to it.
        values: what references stand for, all replies among them.
        seen: what was observed, by name.
    """

    sandbox: Sandbox
    session: requests.Session
    values: Values
    seen: dict[str, Json] = field(default_factory=dict)

    def play(self, steps: list[dict[str, Json]]) -> None:
        """Carry all steps out; an observation that cannot be made is one of the error."""
        for step in steps:
            if "observe" in step:
                self.seen[step["observe"]] = self._observed(step)
            else:
                self.values.replies.append(self._asked(step))

    def _observed(self, step: dict[str, Json]) -> Json:
        try:
            return VIEWS[step["view"]](*(self.values.of(argument) for argument in step["of"]))
        except (LookupError, TypeError, AttributeError) as error:
            return f"not to be seen: {error!r}"

    def _asked(self, step: dict[str, Json]) -> Reply:
        try:
            if "wait" in step:
                return self._waited({"batch_id": self.values.of(step["wait"])}, step["count"])
            if "settle" in step:
                return self._waited({"file_id": self.values.of(step["settle"])})
            return self._sent(step)
        except (LookupError, TypeError) as error:  # it names a reply that is not as it was
            return Reply(status=f"not to be asked: {error!r}")

    def _sent(self, step: dict[str, Json]) -> Reply:
        method = "post" if "post" in step else "get"
        options: dict[str, Json] = {"headers": self.values.of(step.get("headers", {}))}
        if "parts" in step:
            options["files"] = [self._part(*part) for part in step["parts"]]
        elif "json" in step or "raw" in step:
            options["data"] = step["raw"].encode() if "raw" in step else json.dumps(self.values.of(step["json"]))
            options["headers"] |= {"Content-Type": "application/json"}
        auth = self.values.of(step.get("as", ["{client_id}", "{client_secret}"]))
        return self.call(method, self.values.of(step[method]), auth=tuple(auth) if auth else None, **options)

    def call(self, method: str, path: str, **options: Json) -> Reply:
        """One request."""
        try:
            answer = self.session.request(
                method, self.sandbox.host + path, timeout=PATIENCE_S, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            return Reply(status=f"broken: {type(error).__name__}")
        try:
            body = sorted_boxes(answer.json())
        except ValueError:
            body = "<html>" if "<html" in answer.text.lower() else answer.text
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        return Reply(answer.status_code, kind, body, dict(answer.headers), answer.text)

    def _part(self, name: str, file_name: str | None, content: Json, kind: str | None = None) -> Json:
        file_name = None if file_name is None else self.values.of(file_name)
        data = self._bytes(content)
        return (name, (file_name, data, kind) if kind else (file_name, data))

    def _bytes(self, content: dict[str, Json]) -> bytes:
        if "picture" in content:
            data = picture(*content["picture"])
            return data[: len(data) // 2] if content.get("half") else data
        if "file" in content:
            return (HERE / content["file"]).read_bytes()
        text: str = content["text"] if "text" in content else json.dumps(self.values.of(content["json"]))
        return text.encode()

    def _waited(self, wanted: dict[str, Json], count: int | None = None) -> Reply:
        """The inputs of a batch or file, the oldest first, when so many have ended, or all that are there."""
        until, path = time.monotonic() + PATIENCE_S, "/api/walrus/v1/project/{p}/input/view/list"
        while True:
            reply = self._sent({"post": path, "json": wanted | {"limit": 1000}})
            inputs = sorted(reply.body["input_list"], key=lambda row: row["id"])
            ended = sum(row["status"] in ENDED for row in inputs)
            if ended >= (max(1, len(inputs)) if count is None else count) or time.monotonic() > until:
                return Reply(reply.status, body={"input_list": inputs})
            time.sleep(0.005)


def sorted_boxes(body: Json) -> Json:
    """The boxes of an annotation list by their ids: the server's order is none."""
    if isinstance(body, dict) and isinstance(serialized := body.get("file_serialized"), dict):
        serialized["instance_list"] = sorted(serialized.get("instance_list") or [], key=lambda row: row["id"])
    return body


def picture(width: int, height: int, kind: str) -> bytes:
    """An image of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (40, 90, 160)).save(buffer, kind)
    return buffer.getvalue()


@contextmanager
def playing(folder: Path, *, limited: bool = False) -> Iterator[Player]:
    """A player before a fresh sandbox with what the recorded project had: labels, a model and its run, directories."""
    rate_limit = LIMIT if limited else None
    with serving() as media, Sandbox(folder, rate_limit=rate_limit) as sandbox, requests.Session() as session:
        session.trust_env = False
        words = {"p": sandbox.project, "tag": TAG, "media": media}
        words |= {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
        words |= {name: f"{datetime.now(UTC) + timedelta(days=n):%Y-%m-%d}" for name, n in DAYS.items()}
        words |= {"viewer_id": sandbox.viewer_id, "viewer_secret": sandbox.viewer_secret}
        player = Player(sandbox, session, Values(words))
        _prepare(player)
        yield player


def _prepare(player: Player) -> None:
    base = "/api/v1/project/{p}"
    schema = player._sent({"get": f"{base}/labels-schema"}).body[0]["id"]
    labels = {}
    for name in ("cat", "eye", "face", "person"):
        made = player._sent({"post": f"{base}/label/new", "json": {"name": name, "schema_id": schema}})
        labels[name] = made.body["label"]["id"]
    player.values.named |= {"schema": schema, "label": labels}
    for number in range(10):
        new = {"nickname": f"{{tag}}-there-{number}", "access_type": "project"}
        player._sent({"post": f"{base}/directory/new", "json": new})
    box = many_boxes(1, labels["cat"])[0] | {"model_ref": "cascades", "model_run_ref": "night"}
    parts = [["file", "warm.png", {"picture": [120, 90, "PNG"]}], ["json", None, {"json": {"instance_list": [box]}}]]
    player._sent({"post": "/api/walrus/v1/project/{p}/input/from_local", "parts": parts})
