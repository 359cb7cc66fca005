"""The web application: who may come in, how often, the frame of every answer; its routes are in modules by subject."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from boxferry.sandbox import attributes, buffers, correct, directories, exports, files, inputs, labels, packets, page
from boxferry.sandbox.answers import DatabaseRefusal, Refusal, refused

if TYPE_CHECKING:
    from werkzeug.sansio.response import Response as AnyResponse

    from boxferry.sandbox.parts import Key, Sandboxed

LARGEST_BODY = 512 * 1024 * 1024
READING_ENDS = ("/list", "/view", "/status", "labels-schema", "name_to_file_id", "/link", "/file/list")


def make_app(sandboxed: Sandboxed) -> Flask:
    """The application."""
    app = Flask("boxferry.sandbox", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it
    app.before_request(lambda: _let_in(sandboxed))
    app.after_request(_with_limit_headers)
    app.register_error_handler(405, lambda _: (jsonify({"error": "405: Not found."}), 405))
    app.register_error_handler(404, lambda _: (jsonify({"error": "404: Not found."}), 404))
    app.register_error_handler(Exception, _server_error)
    for module in (packets, inputs, labels, directories, files, buffers, attributes, exports, page, correct):
        app.register_blueprint(module.routes(sandboxed))
    return app


def _let_in(sandboxed: Sandboxed) -> Response | tuple[Response, int] | None:
    g.limit_headers = {}
    if not request.path.startswith("/api/") or request.url_rule is None:
        return None
    project = (request.view_args or {}).get("project") or _project_in_body()
    is_packet = request.path.endswith("/input/packet")
    verdict = sandboxed.limiter.see(request.remote_addr or "", request.url_rule.rule, is_packet=is_packet)
    g.limit_headers = verdict.headers
    if not verdict.allowed:
        limit = verdict.headers["X-RateLimit-Limit"]
        return jsonify({"error": f"429 Too Many Requests: {limit} per 1 second"}), 429
    if project is None:  # the route says that it is missing
        return None
    reading = request.method == "GET" or request.path.endswith(READING_ENDS) or "/input/view" in request.path
    if not _opens(sandboxed.keys, project, reading=reading):
        text = "403 Forbidden: You don't have the permission to access the requested resource."
        return jsonify({"error": text}), 403
    g.project = project
    return None


def _project_in_body() -> Any:  # noqa: ANN401 # whatever was sent
    body = request.get_json(silent=True)
    return body.get("project_string_id") if isinstance(body, dict) else None


def _opens(keys: tuple[Key, ...], project: object, *, reading: bool) -> bool:
    given = _credentials()
    return any(
        hmac.compare_digest(f"{key.client_id}:{key.client_secret}".encode(), given)
        and key.project == project
        and (reading or key.role == "editor")
        for key in keys
    )


def _credentials() -> bytes:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(encoded) if scheme.lower() == "basic" else b""
    except (ValueError, binascii.Error):
        return b""


def _with_limit_headers(response: AnyResponse) -> AnyResponse:
    for name, value in g.get("limit_headers", {}).items():
        response.headers[name] = value
    return response


def _server_error(error: Exception) -> Response | tuple[Response, int]:
    """Every exception is an answer in JSON; what the database refuses has a status line that is none."""
    if isinstance(error, Refusal):
        return refused(error.errors, error.info)
    answer = jsonify({"error": str(error)})
    if isinstance(error, DatabaseRefusal):
        answer.status = error.code
    else:
        answer.status_code = (error.code if isinstance(error, HTTPException) else None) or 500
    return answer
