"""The web application: who may come in, how often, the frame of every answer; its routes are in modules by subject."""

from __future__ import annotations

import threading
from typing import IO, TYPE_CHECKING, Any, ClassVar

from flask import Flask, Request, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from boxferry.sandbox import (
    access,
    attributes,
    correct,
    directories,
    exports,
    files,
    guard,
    inputs,
    labels,
    packets,
    page,
    sdk,
    uploads,
    work,
)
from boxferry.sandbox.answers import DatabaseRefusal, Refusal, refused

if TYPE_CHECKING:
    from flask.typing import RouteCallable
    from werkzeug.sansio.response import Response as AnyResponse

    from boxferry.sandbox.parts import Sandboxed

LARGEST_BODY = 512 * 1024 * 1024
MODULES = (
    packets, uploads, inputs, labels, directories, files, attributes, exports, page, correct, sdk, work,
)  # fmt: skip


class _Request(Request):
    """Closes what was written of an upload that broke off: werkzeug leaves that to the garbage collector."""

    def _get_file_stream(self, *given: Any, **named: Any) -> IO[bytes]:  # noqa: ANN401 # werkzeug's own signature
        stream = super()._get_file_stream(*given, **named)
        self.__dict__.setdefault("streams", []).append(stream)
        return stream

    def close(self) -> None:
        """Close the request and its files."""
        super().close()
        for stream in self.__dict__.get("streams", ()):
            stream.close()


class _App(Flask):
    """An application whose rules are those of every other: they are compiled once in a process.

    Compiling them takes three times as long as all else that a sandbox does when it starts. What is an application's
    own are the functions that its routes call.
    """

    request_class = _Request
    _rules = Map()
    _known: ClassVar[set[tuple[str, str | None]]] = set()
    _lock = threading.Lock()

    def __init__(self) -> None:
        super().__init__("boxferry.sandbox", static_folder=None, template_folder=None)
        self.url_map = self._rules

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: RouteCallable | None = None,
        *more: Any,  # noqa: ANN401 # Flask's own signature
        **options: Any,  # noqa: ANN401 # likewise
    ) -> None:
        """As Flask does, with the rule of another application where it has one of this name."""
        with self._lock:
            if (rule, endpoint) not in self._known:
                super().add_url_rule(rule, endpoint, view_func, *more, **options)
                self._known.add((rule, endpoint))
            elif endpoint is not None and view_func is not None:
                self.view_functions[endpoint] = view_func


def make_app(sandboxed: Sandboxed) -> Flask:
    """The application."""
    app = _App()
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it
    app.before_request(guard.see)
    app.before_request(lambda: _let_in(sandboxed))
    app.after_request(guard.with_headers)
    app.after_request(_with_limit_headers)
    app.register_error_handler(404, _unknown)
    app.register_error_handler(Exception, _server_error)
    for module in MODULES:
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
    access.see(sandboxed.keys, project)
    g.project = project
    return None


def _project_in_body() -> Any:  # noqa: ANN401 # whatever was sent
    body = request.get_json(silent=True)
    return body.get("project_string_id") if isinstance(body, dict) else None


def _with_limit_headers(response: AnyResponse) -> AnyResponse:
    for name, value in g.get("limit_headers", {}).items():
        response.headers[name] = value
    return response


def _unknown(error: HTTPException) -> tuple[Response, int]:
    """A route of the API that is not there is no 404: whatever the method, it is not one of that path."""
    if request.path.startswith("/api/"):
        return jsonify("Not found."), 405
    return jsonify({"error": str(error)}), 404


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
