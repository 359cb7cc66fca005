"""What is said at the one seam: stages, packets and counts, which add up to what the result says."""

import logging

import pytest

from boxferry import Unreachable, Unsure
from boxferry.boxes.tally import Tally
from boxferry.deliver.facts import tallied
from boxferry.observing import events
from boxferry.observing.names import Cause, Fact, Metric, Stage
from boxferry.observing.observer import Observer
from observing.witness import Witness
from sending.pushing import predictions, push


def of(counts, metric):
    """Label → value, without what is 0."""
    return {label: value for (name, label), value in counts.items() if name == metric and value}


def test_a_push_says_what_its_result_says(sandbox, diffgram, folder):
    """Boxes read and dropped by code, and packets by state."""
    witness = Witness()
    with events.observed(witness):
        result = push(diffgram, predictions(folder).filter(min_score=0.5))
    tally = result.tally
    assert of(witness.counts, "boxes.read") == {"": tally.read}
    assert of(witness.counts, "images.read") == {"": tally.images}
    assert of(witness.counts, "boxes.dropped") == dict(tally.dropped) == {"below-threshold": 1}
    assert of(witness.counts, "packets")["applied"] == result.states["applied"][0] == 3
    assert of(witness.counts, "packet.boxes")["applied"] == result.states["applied"][1] == 2
    assert witness.runs["run.packets"] == {state: packets for state, (packets, _) in result.states.items()}
    assert witness.runs["run.boxes"] == {state: boxes for state, (_, boxes) in result.states.items()}


def test_stages_lie_in_each_other_and_know_their_run(sandbox, diffgram, folder):
    """A packet's is in the thread that sends it, and has its file, its state and the run of the push."""
    witness = Witness()
    with events.observed(witness):
        push(diffgram, predictions(folder))
    stages = [stage for stage, _ in witness.spans]
    assert stages[0] == "plan"
    assert stages[-2:] == ["verify", "push"]
    assert stages.count("packet") == 3
    facts = [facts for stage, facts in witness.spans if stage == "packet"]
    assert {each[Fact.FILE] for each in facts} == {"a.jpg", "b.png", "c.jpg"}
    assert {each[Fact.STATE] for each in facts} == {"applied"}
    assert {(each[Fact.MODEL], each[Fact.RUN]) for each in facts} == {("m", "r")}
    assert witness.spans[-1][1][Fact.EXIT_CODE] == 0


def test_refusals_and_lookups_are_heard(sandbox, diffgram, folder, monkeypatch):
    """A packet whose outcome was unknown comes to a state by being looked up; a refused one counts by its route."""
    picture = folder / "images" / "c.jpg"
    picture.write_bytes(picture.read_bytes()[: picture.stat().st_size // 2])
    upload, lost = diffgram._client.upload, []

    def without_answer(name, image, body):
        answer = upload(name, image, body)
        if name == "a.jpg" and not lost:
            lost.append(name)
            raise Unsure("the answer was lost")
        return answer

    monkeypatch.setattr(diffgram._client, "upload", without_answer)
    witness = Witness()
    with events.observed(witness):
        result = push(diffgram, predictions(folder))
    states = of(witness.counts, "packets")
    ended = {state: packets for state, (packets, _) in result.states.items()}
    assert ended == {"applied": 2, "refused": 1}
    assert states == {**ended, "unsure": 2}  # the refused one too: the server breaks off with an error of its own
    assert of(witness.counts, "refusals") == {"upload": 1}
    assert of(witness.counts, "retries") == {"backoff": 2}


def _read_and_fail(tally):
    tally.read += 2
    tally.dropped["x"] += 1
    raise Unreachable("gone")


def test_the_tally_is_told_where_planning_ends_with_an_error_too(sandbox, diffgram, folder):
    """And the error is raised on."""
    witness, tally = Witness(), Tally()
    with events.observed(witness), pytest.raises(Unreachable), tallied(tally):
        _read_and_fail(tally)
    assert (of(witness.counts, "boxes.read"), of(witness.counts, "boxes.dropped")) == ({"": 2}, {"x": 1})


def test_waits_are_counted_by_cause():
    witness = Witness()
    with events.observed(witness):
        events.retried(Cause.CALL, 0.5)
        events.waited(Cause.CALL, 0.25)
        events.waited(Cause.RATE_LIMIT, 0.0)
    assert of(witness.counts, Metric.WAIT) == {"call": 0.75}
    assert of(witness.counts, Metric.RETRIES) == {"call": 1}


def test_without_an_observer_nothing_is_heard_and_a_base_one_ignores_all():
    """Outside of any stage nothing is known."""
    with events.observed(Observer()), events.during(Stage.PULL, run="r"):
        assert events.known() == {"stage": "pull", "run": "r"}
        events.packet({"state": "refused", "boxes": 1, "route": "url"})
        events.stands(1, {"applied": (1, 1)})
    assert events.known() == {}


def test_the_log_has_a_line_for_each_stage_and_packet(sandbox, diffgram, folder, caplog):
    """At INFO, with the facts; a stage that fails says with what."""
    with caplog.at_level(logging.INFO, "boxferry.run"):
        push(diffgram, predictions(folder), dry_run=True)
        with pytest.raises(Unreachable), events.during(Stage.VERIFY):
            raise Unreachable("gone")
    lines = [record.getMessage() for record in caplog.records if record.name == "boxferry.run"]
    assert lines[:2] == ["push begins", "plan begins"]
    assert lines[-1].startswith("verify failed after 0.0")
    assert caplog.records[-1].boxferry_facts["error"] == "Unreachable"
