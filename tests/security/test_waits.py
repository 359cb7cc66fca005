"""Every wait is bounded, whatever a server does: a command ends in its time, with one line and the right exit code."""

import json
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

import processes
from boxferry.diffgram import http as wire
from boxferry.sandbox.server import Sandbox
from security.hostile import (
    OPTIONS,
    OWN,
    Done,
    a_proxy,
    fill,
    http_answer,
    redirecting_without_end,
    settings_of,
    silent,
    trickling_body,
    trickling_head,
    without_end,
)

PACKET = "/input/from_local"
AT_ONCE = 4  #: pushes that wait at the same time: few enough that none is late for the others


def limited(*headers):
    return http_answer(429, b"{}", *headers)


def with_headers(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda found: found._replace(headers={**found.headers, **named})


def at(part, decision):
    return lambda method, path, body: decision if part in path else None


class Case(NamedTuple):
    """What the proxy decides, and the time limit of the push."""

    decide: Callable
    timeout_s: int


def at_once(cases, folder):
    """Each case's push to a server of its own, as (how it ended, the proxy before it): they wait at the same time."""
    fill(folder)
    processes.boxferry("--version")  # what is timed begins when the maker is there
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        pushes = [stack.enter_context(a_push(case, folder, number)) for number, case in enumerate(cases.values())]
        return dict(zip(cases, pool.map(lambda push: push(), pushes), strict=True))


@contextmanager
def a_push(case, folder, number):
    """What pushes the folder through a proxy that decides as the case says."""
    place = ["--images", folder / "images", "--directory", "Default", "--timeout", case.timeout_s]
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(OWN)}
    with Sandbox(folder / f"sandbox-{number}") as sandbox, a_proxy(sandbox.host) as proxy:
        proxy.decide = case.decide
        own = {"DIFFGRAM_HOST": proxy.host, "BOXFERRY_OUTBOX": folder / f"{number}.sqlite"}
        environ = clean | settings_of(sandbox, folder) | own

        def pushed():
            began = time.monotonic()
            done = processes.boxferry("push", folder / "labels", *OPTIONS, *place, env=environ)
            assert "Traceback" not in done.stdout + done.stderr, done.stderr
            assert "a fault of boxferry itself" not in done.stderr, done.stderr
            return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began), proxy

        yield pushed


RETRY_AFTER = {
    "an-hour": ("3600", 4, "429 and asks to wait 3600 s"),
    "a-date-in-2065": ("Wed, 21 Oct 2065 07:28:00 GMT", 4, r"429 and asks to wait \d{10} s"),
    "inf": ("inf", 4, r"429 \(slower\)"),
    "nan": ("nan", 4, r"429 \(slower\)"),
    "below-0": ("-5", 4, r"429 \(slower\)"),
    "words": ("soon", 4, r"429 \(slower\)"),
    "2-to-the-70": (str(2**70), 4, r"429 and asks to wait \d{22} s"),
}


@pytest.fixture(scope="module")
def held_back(tmp_path_factory):
    """By name: the push at the server that says 429 for good."""
    cases = {name: Case(at(PACKET, limited(f"Retry-After: {value}")), 3) for name, (value, _, _) in RETRY_AFTER.items()}
    return at_once(cases, tmp_path_factory.mktemp("held"))


@pytest.mark.parametrize("name", RETRY_AFTER)
def test_retry_after(name, held_back):
    """A server that says 429 for good: no longer than the time limit, whatever it says of when to come back."""
    _, code, words = RETRY_AFTER[name]
    done, proxy = held_back[name]
    assert done.code == code
    assert re.search(words, done.err), done.err
    assert done.seconds < 12
    assert 0 < sum(PACKET in path for path in proxy.seen) < 60


LIMITS = {
    "limit-inf": {"X_RateLimit_Limit": "inf", "X_RateLimit_Remaining": "3", "X_RateLimit_Reset": "1"},
    "limit-nan": {"X_RateLimit_Limit": "nan", "X_RateLimit_Remaining": "nan", "X_RateLimit_Reset": "nan"},
    "remaining-nan": {"X_RateLimit_Limit": "20", "X_RateLimit_Remaining": "nan", "X_RateLimit_Reset": "5"},
    "remaining-inf": {"X_RateLimit_Limit": "20", "X_RateLimit_Remaining": "inf", "X_RateLimit_Reset": "5"},
    "reset-in-9999": {"X_RateLimit_Limit": "2", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "253402300799"},
    "reset-below-0": {"X_RateLimit_Limit": "2", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "-1"},
    "reset-inf": {"X_RateLimit_Limit": "2", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "inf"},
    "limit-0": {"X_RateLimit_Limit": "0", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "5"},
    "limit-below-0": {"X_RateLimit_Limit": "-3", "X_RateLimit_Remaining": "-3", "X_RateLimit_Reset": "5"},
    "limit-2-to-the-70": {"X_RateLimit_Limit": str(2**70), "X_RateLimit_Remaining": "1", "X_RateLimit_Reset": "5"},
}


@pytest.mark.parametrize("name", LIMITS)
def test_rate_limits_that_cannot_be(name, boxferry, folder, proxy, serve):
    """Everything is sent, at the pace of the limits that can be true."""
    proxy.decide = at("/input/packet", with_headers(**LIMITS[name]))
    options = ("-f", "yolo", "--names", "cat", "--labels", "create", "--model", "m", "--run", "r", "--size", "100x80")
    url = serve(folder / "images") + "/{file_name}"
    done = boxferry(
        "push", folder / "labels", *options, "--images", folder / "images", "--directory", "Default", "--media-url", url
    )
    assert done.code == 0, done.err
    assert done.out.split()[-3:] == ["applied", "3", "3"]
    assert done.seconds < 15


HANGING = {
    "never-answers": silent,
    "a-head-that-trickles": trickling_head,
    "a-body-that-trickles": trickling_body,
}
#: where a server hangs → the path, and the code: 5 where it is not known whether it has acted
PLACES = {
    "the-first-question": ("/directory/list", 4),
    "planning": ("/labels-schema", 4),
    "making-a-label": ("/label/new", 4),
    "uploading": ("/input/from_local", 5),
}


@pytest.fixture(scope="module")
def hung(tmp_path_factory):
    """By how and where the server hangs: the push."""
    cases = {
        (name, place): Case(at(path, hangs), 2)
        for name, hangs in HANGING.items()
        for place, (path, _) in PLACES.items()
    }
    return at_once(cases, tmp_path_factory.mktemp("hung"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", HANGING)
def test_the_time_limit_holds(name, place, hung):
    """`--timeout 2` ends in about that time wherever the server hangs, with the host in the line."""
    done, proxy = hung[name, place]
    assert done.code == PLACES[place][1], done.err
    assert re.search(r"did not answer within|was not whole within", done.err), done.err
    assert proxy.host in done.err
    assert done.seconds < 9


ODD = {
    "204-no-content": (http_answer(204, b""), 4, "is nothing, not JSON: is it a Diffgram?"),
    "an-empty-list": (http_answer(200, b"[]"), 2, "no labels schema"),
    "not-a-list": (http_answer(200, b"7"), 4, "is not a valid Diffgram answer: Expected `array`"),
    "an-id-of-2-to-the-70": (http_answer(200, b'[{"id": %d}]' % 2**70), 4, "is not a valid Diffgram answer"),
    "an-id-below-0": (http_answer(200, b'[{"id": -4, "is_default": true}]'), 4, "is not a valid Diffgram answer"),
    "an-id-of-nan": (http_answer(200, b'[{"id": NaN, "is_default": true}]'), 4, "is cut off, or broken"),
    "an-id-of-10-to-the-400": (http_answer(200, b'[{"id": 1e400}]'), 4, "is not a valid Diffgram answer"),
    "an-id-as-text": (http_answer(200, b'[{"id": "2", "is_default": true}]'), 4, "is not a valid Diffgram answer"),
    "brackets-100000-deep": (http_answer(200, b"[" * 100_000), 4, "labels-schema is"),
    "zero-bytes": (http_answer(200, bytes(1000)), 4, "not JSON: is it a Diffgram?"),
    "not-utf-8": (http_answer(200, b'[{"id": 2, "name": "\xff\xfe"}]'), 4, "labels-schema is"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_answer_that_no_diffgram_gives(name, push, proxy):
    """One line that names the server and the call."""
    answer, code, words = ODD[name]
    proxy.decide = at("/labels-schema", answer)
    done = push("--timeout", "2")
    assert done.code == code, done.err
    assert words in done.lines[-1], done.err
    assert proxy.host in done.lines[-1] or code == 2
    assert done.seconds < 6


def test_a_redirect_without_end_is_broken_off(push, proxy, monkeypatch):
    """The body of a redirect is an answer's, too."""
    monkeypatch.setattr(wire, "LARGEST_BODY", 8 << 20)
    proxy.decide = at("/labels-schema", redirecting_without_end)
    done = push("--timeout", "20")
    assert done.code == 4
    assert done.lines[-1].endswith("/labels-schema has more than 8 MiB")


def test_an_answer_without_end_is_broken_off(push, proxy, monkeypatch):
    """At the largest size that an answer may have, which is said."""
    monkeypatch.setattr(wire, "LARGEST_BODY", 8 << 20)
    proxy.decide = at("/labels-schema", without_end)
    done = push("--timeout", "20")
    assert done.code == 4
    assert done.lines[-1].endswith("/labels-schema has more than 8 MiB")
    assert done.seconds < 15


ODD_ROWS = {
    "a-list-as-reference": {"creation_ref_id": ["x"]},
    "a-number-as-reference": {"creation_ref_id": 7},
    "a-run-that-is-a-mapping": {"model_run_id": {"a": 1}},
    "corners-as-text": {"x_min": "left", "y_min": None},
    "corners-of-2-to-the-70": {"x_min": 2**70, "x_max": -(2**70)},
    "no-id": {"id": None},
    "points-of-text": {"points": ["a", 3, None]},
    "attributes-as-list": {"attribute_groups": [[[]]]},
    "all-that-it-has-as-text": dict.fromkeys(("id", "label_file_id", "score", "version", "number", "type"), "odd"),
}


@pytest.mark.parametrize("way", ["append", "replace-own"])
@pytest.mark.parametrize("name", ODD_ROWS)
def test_boxes_that_no_server_gives(name, way, push, proxy, sandbox):
    """Whatever stands in the boxes of a file that is there: they are others', and ours are sent or refused."""
    assert push().code == 0
    files = {file["id"] for file in sandbox.files()}

    def changed(found):
        answer = json.loads(found.body)
        rows = answer["file_serialized"]["instance_list"]
        answer["file_serialized"]["instance_list"] = [{**row, **ODD_ROWS[name]} for row in rows]
        return found._replace(body=json.dumps(answer).encode())

    proxy.decide = lambda method, path, body: changed if path.endswith("/annotation/list") else None
    done = push("--existing", "--on-existing", way, "--run", "other", "--timeout", "3")
    assert done.code in {0, 1}, done.err
    assert {file["id"] for file in sandbox.files()} == files


def test_a_question_that_fails_does_not_end_a_push(boxferry, folder, proxy, serve, sandbox):
    """A list that cannot be had for a while is one failure of several that are waited out."""
    failing = [6]  # more than the attempts of one call

    def decide(method, path, body):
        if path.endswith("/input/view/list") and failing[0] and any("/input/packet" in seen for seen in proxy.seen):
            failing[0] -= 1
            return http_answer(502, b"<html>bad gateway</html>")
        return None

    proxy.decide = decide
    options = (
        "-f",
        "yolo",
        "--names",
        "cat",
        "--labels",
        "create",
        "--model",
        "m",
        "--run",
        "r",
        "--directory",
        "Default",
    )
    images = ("--images", folder / "images", "--media-url", serve(folder / "images") + "/{file_name}")
    done = boxferry("push", folder / "labels", *options, *images)
    assert (done.code, failing) == (0, [0]), done
    assert len(sandbox.files()) == 3
