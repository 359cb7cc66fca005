"""The few calls that the tests of the sandbox make, over plain requests."""

import io
import json

import requests
from PIL import Image as Picture

PACKET = "/api/walrus/v1/project/{}/input/packet"


def a_png():
    """A small picture."""
    buffer = io.BytesIO()
    Picture.new("RGB", (64, 48)).save(buffer, "PNG")
    return buffer.getvalue()


def call(sandbox, path, body=None, **options):
    """A POST of JSON with the sandbox's own key; `{}` in the path stands for the project."""
    auth = (sandbox.client_id, sandbox.client_secret)
    return requests.post(sandbox.host + path.format(sandbox.project), json=body or {}, auth=auth, timeout=10, **options)


def send_file(sandbox, name, data, fields=None):
    """The upload call; goes into the directory 'Default' unless the fields say otherwise."""
    body = json.dumps({"directory_id": sandbox.directory_id} | (fields or {}))
    path = f"{sandbox.host}/api/walrus/v1/project/{sandbox.project}/input/from_local"
    parts = {"file": (name, data), "json": (None, body, "application/json")}
    return requests.post(path, files=parts, auth=(sandbox.client_id, sandbox.client_secret), timeout=10)


def upload(sandbox, name, boxes=()):
    """A picture with boxes; gives its file's id."""
    return send_file(sandbox, name, a_png(), {"instance_list": list(boxes)} if boxes else {}).json()["file"]["id"]


def update(sandbox, file_id, boxes):
    """Append boxes to a file."""
    return call(sandbox, PACKET, {"file_id": file_id, "mode": "update", "instance_list": boxes})


def inputs(sandbox, **wanted):
    """The input list."""
    path = "/api/walrus/v1/project/{}/input/view/list"
    return call(sandbox, path, {"limit": 1000} | wanted).json()["input_list"]


def viewed(sandbox, input_id):
    """One input."""
    return call(sandbox, f"/api/walrus/v1/project/{{}}/input/view/{input_id}").json()["input"]


def a_label(sandbox, name="cat"):
    """A new label; gives its label_file_id."""
    schemas = requests.get(
        f"{sandbox.host}/api/v1/project/{sandbox.project}/labels-schema",
        auth=(sandbox.client_id, sandbox.client_secret),
        timeout=10,
    ).json()
    body = {"name": name, "schema_id": schemas[0]["id"]}
    return call(sandbox, "/api/v1/project/{}/label/new", body).json()["label"]["id"]


def a_box(label, x=1, **more):
    """A good box."""
    corners = {"x_min": x, "y_min": 2, "x_max": x + 20, "y_max": 40}
    return {"type": "box", "label_file_id": label, "machine_made": True, **corners, **more}
