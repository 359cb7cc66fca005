"""Attributes by name: texts as they are, choices as their options, what is missing made, left out, or an error."""

import pytest

from boxferry.boxes.detections import objects
from boxferry.errors import NotFound, UsageError
from boxferry.plan.attributes import AttributeWish
from sending.pushing import predictions, push

FOUND = [{"pose": "left", "difficult": True}, {"pose": "right"}]


def with_attributes(folder, values=None):
    """The predictions, each with fields of its own; `values` in turn."""
    values = FOUND if values is None else values

    def step(chunk, _):
        return chunk.replace(attributes=objects([values[i % len(values)] for i in range(len(chunk))]))

    return predictions(folder).then(step)


def wish(*fields, constants=(), policy="create"):
    return AttributeWish.parse(fields, constants, policy)


def groups(diffgram):
    schema = diffgram._client.schemas()[0].id
    return {group.name: group for group in diffgram._client.attribute_groups(schema)}


def sent(sandbox, name="a.jpg"):
    return [box["attribute_groups"] for box in sandbox.boxes(name)]


def test_attributes_are_made_and_sent_as_the_interface_reads_them(sandbox, diffgram, folder):
    """A choice is its option, by id; a bool is 'true' or 'false'; a box without the field has none."""
    report = push(diffgram, with_attributes(folder), attributes=wish("pose", "difficult=Hard"))
    assert report.attributes_created == ["pose", "Hard", "pose=left", "Hard=true", "pose=right"]
    found = groups(diffgram)
    pose, hard = found["pose"], found["Hard"]
    options = {option.name: option.id for option in pose.attribute_template_list}
    left = {"id": options["left"], "name": "left", "display_name": "left", "selected": True}
    assert sent(sandbox)[0][str(pose.id)] == left
    assert sent(sandbox)[0][str(hard.id)]["name"] == "true"
    assert list(sent(sandbox)[1]) == [str(pose.id)]
    assert push(diffgram, with_attributes(folder), attributes=wish("pose"), run="two").attributes_created == []


def test_a_text_is_a_string_and_a_constant_is_on_every_box(sandbox, diffgram, folder):
    """The kind of the group on the server decides."""
    client, schema = diffgram._client, diffgram._client.schemas()[0].id
    client.create_attribute_group("note", "text", schema_id=schema, label_ids=[])
    push(diffgram, predictions(folder), attributes=wish(constants=["note=from the night run"], policy="error"))
    assert sent(sandbox) == [{str(groups(diffgram)["note"].id): "from the night run"}] * 2


def test_an_attribute_that_is_not_there_is_an_error_that_lists_those_that_are(sandbox, diffgram, folder):
    """Nothing is sent; near misses are named."""
    client, schema = diffgram._client, diffgram._client.schemas()[0].id
    client.create_attribute_group("Pose", "select", schema_id=schema, label_ids=[])
    with pytest.raises(NotFound, match=r"no attribute 'pose' \(near: Pose\).*--attributes create or skip"):
        push(diffgram, with_attributes(folder), attributes=wish("pose", policy="error"))
    with pytest.raises(NotFound, match="attribute 'Pose' has no option 'left'"):
        push(diffgram, with_attributes(folder), attributes=wish("pose=Pose", policy="error"))
    assert sandbox.files() == []


def test_what_is_missing_can_be_skipped_and_is_noted(sandbox, diffgram, folder):
    """The boxes arrive without it."""
    client, schema = diffgram._client, diffgram._client.schemas()[0].id
    client.create_attribute_group("pose", "select", schema_id=schema, label_ids=[])
    report = push(diffgram, with_attributes(folder), attributes=wish("pose", "difficult", policy="skip"))
    assert report.exit_code == 0
    assert report.tally.noted == {"no-such-attribute": 1, "no-such-option": 2, "no-predictions": 1}
    assert sent(sandbox) == [None, None]


@pytest.mark.parametrize(
    ("fields", "constants", "message"),
    [
        (["=x"], [], "expected FIELD"),
        (["a="], [], "expected FIELD"),
        ([], ["a"], "expected ATTRIBUTE=VALUE"),
        (["a", "b=a"], [], "'a' is given twice"),
        (["a"], ["a=1"], "'a' is given twice"),
    ],
)
def test_a_wish_that_makes_no_sense_is_said(fields, constants, message):
    """In one line with the option."""
    with pytest.raises(UsageError, match=message):
        AttributeWish.parse(fields, constants, "error")


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"], ids=["nul", "surrogate"])
def test_a_value_that_is_no_text_is_left_out_and_noted(sandbox, diffgram, folder, value):
    """No option is made of it, and the box goes without the attribute."""
    report = push(diffgram, with_attributes(folder, [{"pose": value}]), attributes=wish("pose"))
    assert report.tally.noted["no-text"] == 1
    assert sent(sandbox) == [None, None]
    assert groups(diffgram)["pose"].attribute_template_list in (None, [])
