"""What is looked at in replies: each view gives an observation, in the form in which the recording has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contract.recorded.values import Reply

Json = Any
View = Callable[..., Json]
VIEWS: dict[str, View] = {}
PICKS: dict[str, Callable[[Json], Json]] = {}
ABSENT = "<absent>"
BOX = (
    "type", "x_min", "y_min", "x_max", "y_max", "machine_made", "score", "creation_ref_id", "number",
    "attribute_groups", "version", "action_type", "soft_delete", "frame_number", "points", "width", "height",
)  # fmt: skip
OUTCOME = ("status", "status_text", "update_log", "mode", "percent_complete", "media_type", "original_filename")
RATE = [f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset")]


def view(function: View) -> View:
    """A view of replies, under the function's name."""
    VIEWS[function.__name__] = function
    return function


def pick(function: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """A part of a body, under the function's name."""
    PICKS[function.__name__] = function
    return function


# Whole replies


@view
def reply(given: Reply, part: str | None = None) -> Json:
    """Status, content type and body, or a part of the body."""
    body = given.body[:300] if isinstance(given.body, str) else given.body
    if part is not None and isinstance(body, dict | list):
        body = PICKS[part](body)
    return {"status": given.status, "kind": given.kind, "body": body}


@view
def headers(given: Reply) -> Json:
    """What a reply says of the rate limit."""
    there = {name: given.headers.get(name) for name in ("X-RateLimit-Limit", "Retry-After")}
    has = sorted(name for name in ("Date", *RATE) if name in given.headers)
    return {"status": given.status, "kind": given.kind, "body": None, "headers": there | {"has": has}}


@view
def refusal(given: Reply) -> Json:
    """The status, and the words where it is an error's."""
    failed = isinstance(given.status, str) or given.status >= 400
    return {"status": given.status, "body": given.text[:200] if failed else ""}


@view
def how_many(given: Reply, whole: Reply) -> Json:
    """A list of directories: how many of all there are."""
    there = (given.body.get("directory_list") if isinstance(given.body, dict) else None) or []
    count = "all" if len(there) == len(whole.body["directory_list"]) else len(there)
    shown = reply(given)
    if isinstance(given.body, dict):
        shown["body"] = {key: item for key, item in given.body.items() if key != "directory_list"} | {"n": count}
    return shown


@pick
def keys(body: Json) -> Json:
    return sorted(body)


@pick
def first(body: Json) -> Json:
    return body[:1]


@pick
def nothing(body: Json) -> Json:
    return None


@pick
def has_cat(body: Json) -> Json:
    return {**body, "name_to_file_id": "cat" in (body.get("name_to_file_id") or {})}


@pick
def night_run(body: Json) -> Json:
    return {**body, "model_run_list": [run for run in body["model_run_list"] if run["reference_id"] == "night"][:1]}


@pick
def tagged_directory(body: Json) -> Json:
    found = [d for d in body["directory_list"] if (d.get("nickname") or "").endswith("-d")][:1]
    return {**body, "directory_list": found}


@pick
def up_to_ten_directories(body: Json) -> Json:
    return min(len(body.get("directory_list", [])), 10)


@pick
def without_groups(body: Json) -> Json:
    return {**body, "attribute_group_list": "?"}


@pick
def names(body: Json) -> Json:
    return [file["original_filename"] for file in body.get("file_list", [])]


@pick
def page(body: Json) -> Json:
    """The names of a file list's page, and all else that it says."""
    files = body.get("file_list")
    if isinstance(files, list):
        files = [file.get("original_filename") if isinstance(file, dict) else "<id>" for file in files]
    return {"names": files, "meta": body.get("metadata"), "other": _other(body)}


@pick
def sorted_names(body: Json) -> Json:
    return sorted(page(body)["names"] or [])


@pick
def first_of_page(body: Json) -> Json:
    found = (body.get("file_list") or [None])[0]
    return {"first": "<id>" if isinstance(found, int) else found, "meta": body.get("metadata"), "other": _other(body)}


def _other(body: Json) -> Json:
    return {key: item for key, item in body.items() if key not in {"file_list", "metadata"}}


@pick
def instances(body: Json) -> Json:
    return body.get("file_serialized", {}).get("instance_list", ABSENT)


@pick
def keys_and_log(body: Json) -> Json:
    return [sorted(body), body.get("log")]


@pick
def inputs(body: Json) -> Json:
    """Of each input how it stands, its file, and whether it brought boxes."""
    if "input_list" not in body:
        return body
    return [[r["status"], _symbol("f", r["file_id"]), bool(r["instance_list"])] for r in body["input_list"]]


@pick
def input_count(body: Json) -> Json:
    return len(body.get("input_list", []))


@pick
def keys_and_count(body: Json) -> Json:
    return [sorted(body), len((body.get("file_serialized") or {}).get("instance_list") or [])]


@pick
def inner_keys(body: Json) -> Json:
    return {key: sorted(item) if isinstance(item, dict) else item for key, item in body.items()}


@pick
def filled_frames(body: Json) -> Json:
    return sorted(frame for frame, rows in (body.get("instance_buffer_dict") or {}).items() if rows)


# Parts of replies


@view
def value(*given: Json) -> Json:
    """What a reference names."""
    return given[0] if len(given) == 1 else list(given)


@view
def label_names(given: Reply) -> Json:
    """The names of the labels that a group has made."""
    return sorted(name for name in given.body["name_to_file_id"] if "tagged" in name)


@view
def newer_label(one: int, other: int, given: Reply, name: str) -> Json:
    """Which of two labels of a name the name stands for."""
    return {"same": one == other, "newer": given.body["name_to_file_id"].get(name) == other}


@view
def made_groups(before: Reply, after: Reply) -> Json:
    """The attribute groups that came between two lists."""
    known = {group["id"] for group in before.body["attribute_group_list"]}
    return [group for group in after.body["attribute_group_list"] if group["id"] not in known]


@view
def group_of(given: Reply, group_id: int) -> Json:
    """One attribute group of a list."""
    return [group for group in given.body["attribute_group_list"] if group["id"] == group_id]


@view
def both_made(one: Reply, other: Reply) -> Json:
    """Whether two directories were made."""
    made = [given.body.get("new_directory", {}).get("id") for given in (one, other)]
    return made[0] != made[1] and None not in made


@view
def order(given: Reply) -> Json:
    """How the ids of a list of directories run."""
    ids = [row["id"] for row in given.body["directory_list"]]
    return "ascending" if ids == sorted(ids) else "descending" if ids == sorted(ids, reverse=True) else "none"


@view
def outcome(row: Json) -> Json:
    """How an input ended."""
    return {name: row.get(name, ABSENT) for name in OUTCOME} | {
        "file": row.get("file_id") is not None,
        "list": row.get("instance_list", ABSENT),
    }


@view
def outcomes(*rows: Json) -> Json:
    """How several ended."""
    return [outcome(row) for row in rows]


@view
def outcomes_without_lists(*rows: Json) -> Json:
    """How several ended; what they were sent is not looked at."""
    return [outcome(row) | {"list": "?"} for row in rows]


@view
def outcome_and_count(row: Json) -> Json:
    """How an input ended, and how many boxes were sent with it."""
    shown = outcome(row)
    return {key: item for key, item in shown.items() if key != "list"} | {"n": len(row["instance_list"]["list"])}


@view
def boxes(given: Reply, labels: dict[str, int]) -> Json:
    """The boxes of a file."""
    try:
        rows = given.body["file_serialized"]["instance_list"]
    except (KeyError, TypeError):
        rows = [{"unreadable": given.status}]
    return [box(row, labels) for row in rows]


@view
def references(given: Reply, start: int | None = None, end: int | None = None) -> Json:
    """The references of some boxes of a file."""
    return [row["creation_ref_id"] for row in given.body["file_serialized"]["instance_list"]][start:end]


@view
def sorted_references(given: Reply) -> Json:
    """The references of a file's boxes, sorted."""
    return sorted(row["creation_ref_id"] or "" for row in given.body["file_serialized"]["instance_list"])


@view
def many_references(given: Reply) -> Json:
    """How many boxes a file has, and the references of the first and the last."""
    found = references(given)
    return [len(found), found[:50], found[-3:]]


@view
def saved(given: Reply, labels: dict[str, int]) -> Json:
    """The reply to a reviewer's save."""
    shown = reply(given)
    if isinstance(given.body, dict) and isinstance(added := given.body.get("added_instances"), list):
        shown["body"] = given.body | {"added_instances": [box(row, labels) for row in added]}
    return shown


@view
def buffer(given: Reply, labels: dict[str, int]) -> Json:
    """The boxes of a video's frames."""
    frames = given.body.get("instance_buffer_dict") if isinstance(given.body, dict) else None
    if frames is None:
        return reply(given)
    unnamed = {"row": "?", "root": "?", "previous": "?"}
    found = {frame: [box(row, labels) | unnamed for row in rows] for frame, rows in frames.items() if rows}
    return reply(given) | {"body": {frame: sorted(rows, key=str) for frame, rows in found.items()}}


@view
def completion(given: Reply) -> Json:
    """Which files of a list are done."""
    return [file["ann_is_complete"] for file in given.body["file_list"]]


@view
def names_and_completion(given: Reply) -> Json:
    """The files of a list, and which are done."""
    return [[file["original_filename"], file["ann_is_complete"]] for file in given.body["file_list"]]


@view
def listed_names(given: Reply) -> Json:
    """The names of the files of a list."""
    return names(given.body)


@view
def sorted_listed_names(given: Reply) -> Json:
    """The same, sorted."""
    return sorted(names(given.body))


@view
def exported(given: Reply, file_id: int) -> Json:
    """An export: how many files, what else, and one file."""
    files = {key: item for key, item in given.body.items() if key.isdigit()}
    others = sorted(key for key in given.body if not key.isdigit())
    return reply(given) | {"body": {"n": len(files), "other keys": others, "one": files.get(str(file_id)) or {}}}


@view
def walked(sent: Reply, row: Json, after: Reply, labels: dict[str, int]) -> Json:
    """A step of a random walk: the reply, how the input ended, and the boxes of the file."""
    became = row and {"status": row["status"], "text": row["status_text"]}
    return {"status": sent.status, "became": became, "boxes": boxes(after, labels)}


def box(row: Json, labels: dict[str, int]) -> Json:
    """A box with symbols for its own number and those that it names."""
    named = {label_id: name for name, label_id in labels.items()}
    shown = {name: row.get(name, ABSENT) for name in BOX}
    shown |= {"row": _symbol("box", row.get("id")), "root": _symbol("box", row.get("root_id"))}
    shown |= {"previous": _symbol("box", row.get("previous_id"))}
    shown["label"] = named.get(row.get("label_file_id"), row.get("label_file_id"))
    return shown | {"by_member": row.get("member_created_id") is not None, "run": row.get("model_run_id") is not None}


def _symbol(kind: str, number: int | None) -> str | None:
    return None if number is None else f"{kind}#{number}"
