"""The sandbox answers as a real server was recorded to; what differs is listed in unlike.toml, each with its reason."""

import tomllib

import pytest

from contract.recorded.likeness import comparable, unlike, without_ids
from contract.recorded.replay import GROUPS, HERE, playing, recording

OBSERVATIONS = 996
ALIKE = 989  #: at least so many
LISTS = tomllib.loads((HERE / "unlike.toml").read_text(encoding="utf-8"))
LEFT_OUT, UNLIKE, BY_CHANCE = LISTS["left-out"], LISTS["unlike"], LISTS["by-chance"]


def found_unlike(group, folder):
    """What differs in a group: the name of each observation, and where."""
    steps = recording(group)
    with playing(folder, limited=group == "access") as player:
        player.play(steps)
        words = {"host": player.sandbox.host, "media": player.values.words["media"]}
        words |= {"project": player.sandbox.project, "tag": player.values.words["tag"]}
        seen = {name: comparable(without_ids(value, words)) for name, value in player.seen.items()}
    observed = {step["observe"]: comparable(step["recorded"]) for step in steps if "observe" in step}
    found = {name: unlike(recorded, seen[name], LEFT_OUT) for name, recorded in observed.items()}
    return {name: places for name, places in found.items() if places}


@pytest.mark.parametrize("group", GROUPS)
def test_the_sandbox_answers_as_recorded(group, tmp_path):
    """Observation by observation; one that is listed as unlike and no longer is has to leave the list."""
    found = found_unlike(group, tmp_path)
    listed = UNLIKE.get(group, {})
    expected = listed | BY_CHANCE.get(group, {})
    assert {name: places[:4] for name, places in found.items() if name not in expected} == {}
    assert [name for name in listed if name not in found] == []


def test_enough_is_alike():
    """All that was observed, less what is listed."""
    names = [step["observe"] for group in GROUPS for step in recording(group) if "observe" in step]
    assert len(names) == len(set(names)) == OBSERVATIONS
    assert OBSERVATIONS - sum(len(rows) for lists in (UNLIKE, BY_CHANCE) for rows in lists.values()) >= ALIKE


def test_each_row_that_is_unlike_has_its_reason():
    """And names an observation of its group."""
    for group, rows in [*UNLIKE.items(), *BY_CHANCE.items()]:
        names = {step["observe"] for step in recording(group) if "observe" in step}
        assert set(rows) <= names
        assert all(reason.strip() for reason in rows.values())
