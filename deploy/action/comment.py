"""Writes a summary as a comment on a pull request, or changes the one that is there: python3 comment.py FILE."""

from __future__ import annotations

import http.client
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

TIMEOUT_S = 30
PAGE = 100


def main(body: str) -> None:
    """One comment for each model: its first line is the marker by which it is found again."""
    marker = body.partition("\n")[0]
    comments = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues/{os.environ['NUMBER']}/comments"
    there = _found(comments, marker, _author())
    if there is None:
        _call("POST", comments, {"body": body})
    else:
        _call("PATCH", f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues/comments/{there}", {"body": body})


def _author() -> tuple[str, str]:
    """What our comments say of their author: a person's token has a login; a job's may not ask, and is a bot's."""
    try:
        return "login", _call("GET", "/user")["login"]
    except urllib.error.HTTPError:
        return "type", "Bot"


def _found(comments: str, marker: str, author: tuple[str, str]) -> int | None:
    """The id of the comment with this marker that we have written; None where there is none."""
    page = 1
    while listed := _call("GET", f"{comments}?per_page={PAGE}&page={page}"):
        for each in listed:
            ours = author in (each["user"] or {}).items()
            if ours and (each["body"] or "").partition("\n")[0].strip() == marker:
                return int(each["id"])
        if len(listed) < PAGE:
            return None
        page += 1
    return None


def _call(method: str, path: str, body: dict[str, str] | None = None) -> Any:  # noqa: ANN401 # JSON
    request = urllib.request.Request(
        os.environ["GITHUB_API_URL"] + path,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return json.load(answer)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).read_text(encoding="utf-8"))
    except urllib.error.HTTPError as error:
        hint = "; give the job the permission `pull-requests: write`" if error.code in {401, 403, 404} else ""
        print(f"::warning::boxferry: the comment was not written: {error}{hint}")  # the push decides how the job ends
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"::warning::boxferry: the comment was not written: {error!r}")
