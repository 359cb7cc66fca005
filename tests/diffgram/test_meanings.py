"""What a server's answers and records mean: one table, a row each."""

import pytest

from boxferry.diffgram.answers import (
    moment,
)
from boxferry.diffgram.clock import ServerClock
from boxferry.diffgram.inputs import InputRecord
from boxferry.diffgram.meanings import Answered, State, begun, input_state, meaning, reason_of, short

ANSWERS = {
    "fine": (200, {}, b"{}", Answered.DONE),
    "moved": (302, {}, b"", Answered.WRONG_PATH),
    "bad": (400, {}, b"{}", Answered.REFUSED),
    "no-key": (401, {}, b"{}", Answered.NOT_ALLOWED),
    "role": (403, {}, b"{}", Answered.NOT_ALLOWED),
    "path": (404, {}, b"", Answered.WRONG_PATH),
    "method": (405, {}, b"", Answered.WRONG_PATH),
    "too-large": (413, {}, b"", Answered.REFUSED),
    "slower": (429, {}, b"{}", Answered.SLOWER),
    "its-own": (500, {}, b'{"error": "x"}', Answered.SERVER_ERROR),
    "page": (500, {}, b"<html>", Answered.UNKNOWN),
    "gateway": (502, {}, b"{}", Answered.UNKNOWN),
    "away": (503, {"Retry-After": "1"}, b"", Answered.TURNED_AWAY),
    "broke": (503, {}, b"", Answered.UNKNOWN),
    "late": (504, {}, b"", Answered.UNKNOWN),
}


@pytest.mark.parametrize("row", ANSWERS)
def test_an_answer_has_one_meaning(row):
    """By its status, and where that is not enough by its header or body."""
    status, headers, body, meant = ANSWERS[row]
    assert meaning(status, headers, body) is meant


INPUTS = {
    "success": ({"status": "success"}, State.APPLIED),
    "version": ({"status": "success", "status_text": "Version: 1"}, State.APPLIED),
    "clean-log": ({"status": "success", "update_log": {"error": {}, "info": {}}}, State.APPLIED),
    "see-log": ({"status": "success", "status_text": "See Update Log"}, State.REFUSED),
    "log": ({"status": "success", "update_log": {"error": {"Frame 6": {"x_min": "Must be an int"}}}}, State.REFUSED),
    "failed": ({"status": "failed"}, State.REFUSED),
    "init": ({"status": "init"}, State.WORKING),
    "processing": ({"status": "processing"}, State.WORKING),
    "frames": ({"status": "processing_frames_in_queue"}, State.WORKING),
    "local": ({"status": "local_processing_queue"}, State.WORKING),
    "unheard-of": ({"status": "retrying"}, State.WORKING),
}


@pytest.mark.parametrize("row", INPUTS)
def test_a_record_of_an_input_has_one_meaning(row):
    """A success with a log of errors is none."""
    facts, meant = INPUTS[row]
    assert input_state(InputRecord(**facts)) is meant


def test_an_input_in_a_queue_has_not_begun():
    """So that a busy server is not taken for one whose workers are dead."""
    begins = {status: begun(InputRecord(status=status)) for status in ("init", "local_processing_queue", "processing")}
    assert begins == {"init": False, "local_processing_queue": False, "processing": True}


REASONS = {
    "text": ({"status_text": "Could not open file"}, "Could not open file"),
    "log": (
        {"status_text": "See Update Log", "update_log": {"error": {"Frame 6": {"x_min": "Must be an int"}}}},
        "Frame 6: x_min: Must be an int",
    ),
    "both": ({"status_text": "No", "update_log": {"error": {"a": "b"}}}, "No; a: b"),
    "none": ({}, "the input ended as 'failed' without a reason"),
}


@pytest.mark.parametrize("row", REASONS)
def test_a_refusal_is_said_in_the_servers_words(row):
    """Those of the log where the text only points there."""
    facts, words = REASONS[row]
    assert reason_of(InputRecord(status="failed", **facts)) == (words, words)


def test_a_reason_is_one_short_line():
    """A page is named, a traceback ends in its last line, and the whole is kept beside."""
    assert short("The server said <!doctype html><html>" + "x" * 900) == "The server said an HTML page"
    traceback = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 9'
    assert short(traceback) == "an error of the server: KeyError: 9"
    assert len(short("word " * 500)) == 200
    text, whole = reason_of(InputRecord(status="failed", status_text=traceback))
    assert (text, whole) == ("an error of the server: KeyError: 9", traceback)


MOMENTS = {
    "iso": "2026-11-26T17:00:00+00:00",
    "naive": "2026-11-26T17:00:00",
    "mail": "Thu, 26 Nov 2026 17:00:00 GMT",
    "space": "2026-11-26 17:00:00",
}


@pytest.mark.parametrize("row", MOMENTS)
def test_a_time_of_the_server_is_read_however_it_is_written(row):
    """Without a zone it is UTC."""
    assert moment(MOMENTS[row]) == 1795712400.0


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-45"])
def test_a_time_that_cannot_be_read_is_none(text):
    """And raises nothing."""
    assert moment(text) is None


class Clocks:
    def __init__(self):
        self.steady, self.local = 100.0, 5000.0


def test_the_servers_clock_is_learnt_from_its_answers_and_goes_on_between_them():
    """Whole seconds bound it from below; this machine's clock can be set without a difference."""
    clocks = Clocks()
    clock = ServerClock(monotonic=lambda: clocks.steady, local=lambda: clocks.local)
    assert clock.now() == 5000.0, "nothing was heard yet"
    clock.heard("Thu, 26 Nov 2026 17:00:00 GMT")
    clocks.steady += 0.9
    clock.heard("Thu, 26 Nov 2026 17:00:00 GMT")
    assert clock.now() == pytest.approx(1795712400.9)
    clocks.steady, clocks.local = clocks.steady + 0.2, -1e9
    clock.heard("Thu, 26 Nov 2026 17:00:01 GMT")
    assert clock.now() == pytest.approx(1795712401.1, abs=0.2)
    for nonsense in (None, "", "soon", "Thu, 99 Nov 2026 17:00:00 GMT"):
        clock.heard(nonsense)
    assert clock.now() == pytest.approx(1795712401.1, abs=0.2)
    clock.heard("Thu, 26 Nov 2026 16:00:00 GMT")
    assert clock.now() == pytest.approx(1795708800.0), "the server's clock was set back"
