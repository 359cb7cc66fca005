"""Who may come in: the key that a request shows, the project that it names, and the roles that a route lets in."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import Forbidden

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Key

PUBLIC = "allow_if_project_is_public"
EDITORS = ("admin", "Editor")
VIEWERS = (*EDITORS, "Viewer")
#: What a path ends in, and who is let in there; editors alone where nothing fits.
ROLES = {
    "/model-runs/list": (*EDITORS, PUBLIC),
    "/labels-schema": (*VIEWERS, PUBLIC),
    "/name_to_file_id": (*VIEWERS, PUBLIC),
    "/user/sdk/file/list": (*VIEWERS, PUBLIC),
    "/working_dir/view": EDITORS,
    "/labels": (*VIEWERS, PUBLIC),
    "/list": VIEWERS,
    "/view": VIEWERS,
    "/status": VIEWERS,
    "/link": VIEWERS,
}
NO_KEY = "Check client_id client_secret - Missing sending basic auth while using python SDK."
NO_PROJECT = "Can't find project"


def see(keys: tuple[Key, ...], project: object) -> None:
    """Let a request in, or not.

    Raises:
        Forbidden: no key is shown, the project is another one, or the key's role is not let in here.
    """
    given = _credentials()
    if given is None:
        raise Forbidden(NO_KEY)
    if not any(key.project == project for key in keys):
        raise Forbidden(NO_PROJECT)
    roles = _roles(request.path)
    if not any(_opens(key, given) and key.project == project and key.role.capitalize() in roles for key in keys):
        scope = "(Project Scope) No access. [Basic Auth Based] Failed API Permissions. Allowed roles are only: "
        raise Forbidden(f"{scope}{list(roles)}")


def _roles(path: str) -> tuple[str, ...]:
    if "/input/view/" in path:
        return VIEWERS
    return next((roles for end, roles in ROLES.items() if path.endswith(end)), EDITORS)


def _opens(key: Key, given: bytes) -> bool:
    return hmac.compare_digest(f"{key.client_id}:{key.client_secret}".encode(), given)


def _credentials() -> bytes | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        found = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except (ValueError, binascii.Error):
        return None
    return found if b":" in found else None
