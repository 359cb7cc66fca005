"""The suite's own few calls, over plain requests: it shares no code with what it is a witness of."""

import io
import itertools
import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import requests
from PIL import Image

RUN = uuid.uuid4().hex[:8]
_numbers = itertools.count()


def unique(stem="x", suffix=".png"):
    """A name that no other test, run or worker has."""
    return f"{stem}-{RUN}-{next(_numbers)}{suffix}"


def picture(width=64, height=48, *, mode="RGB", kind="PNG", **options):
    """The bytes of a small image."""
    buffer = io.BytesIO()
    Image.new(mode, (width, height), 99).save(buffer, kind, **options)
    return buffer.getvalue()


@dataclass
class Wire:
    """A server, a project and a directory on it.

    Attributes:
        host, project, directory_id: where.
        auth: (client id, client secret).
        media_url, media_dir: a folder, and the URL from which the server fetches what lies in it.
        live: a real server, not the sandbox.
        patience_s: how long to wait for background work.
        harm_s: how long to wait for what may never end.
        viewer: (client id, client secret) of a key that may only read, or None.
        bucket: (connection's id, bucket's name, path of an image in it) that the server reaches, or None.
        job: the id of a job of the project, or None.
    """

    host: str
    project: str
    directory_id: int
    auth: tuple[str, str]
    media_url: str
    media_dir: Path
    live: bool
    patience_s: float
    harm_s: float = 2.0
    viewer: tuple[str, str] | None = None
    bucket: tuple[int, str, str] | None = None
    job: int | None = None
    labels: dict[str, int] = field(default_factory=dict)

    def call(self, method, path, *, json=None, auth=None, raw=None, **options):
        """One call with the project put into the path."""
        headers = {"Content-Type": "application/json"} if raw is not None else {}
        return requests.request(
            method,
            self.host + path.format(p=self.project),
            json=json,
            data=raw,
            headers=headers,
            auth=self.auth if auth is None else auth,
            timeout=60,
            **options,
        )

    def post(self, path, body=None, **options):
        """A POST of JSON."""
        return self.call("POST", path, json={} if body is None else body, **options)

    def packet(self, body, **options):
        """The packet call; waits where the server asks for a slower pace."""
        while True:
            answer = self.post("/api/walrus/v1/project/{p}/input/packet", body, **options)
            if answer.status_code != 429:
                return answer
            time.sleep(1.0)

    def upload(self, name, data, fields=None):
        """The upload call."""
        path = f"/api/walrus/v1/project/{self.project}/input/from_local"
        body = json.dumps({"directory_id": self.directory_id} | (fields or {}))
        parts = {"file": (name, data), "json": (None, body, "application/json")}
        return requests.post(self.host + path, files=parts, auth=self.auth, timeout=120)

    def new_file(self, boxes=None, *, name=None):
        """A file with boxes, by upload; gives its id."""
        answer = self.upload(name or unique(), picture(), {"instance_list": boxes} if boxes else None)
        assert answer.status_code == 200, answer.text
        return answer.json()["file"]["id"]

    def media(self, data=None, *, name=None):
        """An image where the server can fetch it; gives its URL."""
        name = name or unique()
        (self.media_dir / name).write_bytes(picture() if data is None else data)
        return f"{self.media_url}/{name}"

    def batch(self):
        """A new input batch's id."""
        return self.post("/api/v1/project/{p}/input-batch/new").json()["input_batch"]["id"]

    def inputs(self, **wanted):
        """The input list."""
        return self.post("/api/walrus/v1/project/{p}/input/view/list", {"limit": 1000} | wanted).json()["input_list"]

    def outcomes(self, batch_id, count=1, patience_s=None):
        """The inputs of a batch, once all of them have ended."""
        deadline = time.monotonic() + (patience_s or self.patience_s)
        while time.monotonic() < deadline:
            found = self.inputs(batch_id=batch_id)
            if len(found) >= count and all(i["status"] in {"success", "failed"} for i in found):
                return found
            time.sleep(0.5 if self.live else 0.02)
        raise AssertionError(f"batch {batch_id} has not ended within {self.patience_s} s: {found}")

    def outcome(self, **body):
        """Send a packet in a batch of its own, and give what became of it."""
        batch_id = self.batch()
        answer = self.packet({"batch_id": batch_id, **body})
        assert answer.status_code == 200, answer.text
        return self.outcomes(batch_id)[0]

    def new_media(self, **body):
        """Send new media in the directory, and give what became of it."""
        return self.outcome(directory_id=self.directory_id, **body)

    def update(self, file_id, boxes, *, mode="update", **body):
        """Send boxes for a file, and give what became of it."""
        body |= {"directory_id": self.directory_id} if mode != "update" else {}
        return self.outcome(file_id=file_id, mode=mode, instance_list=boxes, **body)

    def boxes(self, file_id):
        """The stored boxes of a file."""
        answer = self.post(f"/api/project/{{p}}/file/{file_id}/annotation/list", {"directory_id": self.directory_id})
        assert answer.status_code == 200, answer.text
        return answer.json()["file_serialized"]["instance_list"]

    def file(self, file_id):
        """One file, with its image."""
        answer = self.post("/api/v1/file/view", {"file_id": file_id, "project_string_id": self.project})
        return answer.json()["file"]

    def files(self, **metadata):
        """One page of the file list."""
        defaults = {
            "directory_id": self.directory_id,
            "limit": 100,
            "page": 1,
            "file_view_mode": "base",
            "media_type": "All",
            "annotation_status": "All",
            "annotations_are_machine_made_setting": "All",
            "search_term": None,
            "query": None,
            "with_children_files": False,
        }
        path = "/api/project/{p}/user/sdk/file/list"
        return self.post(path, {"metadata": defaults | metadata}).json()

    def explored(self, directory_id, **metadata):
        """The files of a directory with their boxes: a page of the mode 'explorer'."""
        query = f"dataset.id = {directory_id}"
        return self.files(file_view_mode="explorer", query=query, **metadata)["file_list"] or []

    def new_directory(self):
        """A directory's id."""
        body = {"nickname": unique("directory", ""), "access_type": "project"}
        return self.post("/api/v1/project/{p}/directory/new", body).json()["new_directory"]["id"]

    def save(self, file_id, boxes, *, and_complete=False):
        """A reviewer's save of a whole file; gives its answer."""
        body = {"instance_list": boxes, "directory_id": self.directory_id, "and_complete": and_complete}
        answer = self.post(f"/api/project/{{p}}/file/{file_id}/annotation/update", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def schema(self):
        """The default schema's id."""
        schemas = self.call("GET", "/api/v1/project/{p}/labels-schema").json()
        return next((s["id"] for s in schemas if s["is_default"]), schemas[0]["id"])

    def new_label(self, name):
        """Make a label; gives its label_file_id."""
        answer = self.post("/api/v1/project/{p}/label/new", {"name": name, "schema_id": self.schema()})
        assert answer.status_code == 200, answer.text
        return answer.json()["label"]["id"]

    def label(self, name="first"):
        """A label of this run, made at its first use."""
        if name not in self.labels:
            self.labels[name] = self.new_label(unique(name, ""))
        return self.labels[name]

    def box(self, x_min=1, y_min=2, x_max=30, y_max=40, **changes):
        """A good box; a change to None leaves the key out."""
        corners = {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max}
        whole = {"type": "box", "label_file_id": self.label(), "machine_made": True, **corners, **changes}
        return {name: value for name, value in whole.items() if value is not None}


def corners(boxes):
    """The corners of boxes, sorted."""
    return sorted((b["x_min"], b["y_min"], b["x_max"], b["y_max"]) for b in boxes)


def broken(send):
    """Whether a call ends as a server's exceptions do: 5xx, or an answer whose status line is none."""
    try:
        return send().status_code >= 500
    except requests.ConnectionError:
        return True


def words(record):
    """All that an input says of its failure."""
    return f"{record['status_text']} {json.dumps(record.get('update_log'))}"
