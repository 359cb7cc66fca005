"""Labels over time: near names, doubles, renamed and unused ones are shown, and missing ones made when told."""

import json

import pytest

from boxferry.cli.app import run as boxferry
from boxferry.errors import UnknownLabel, UsageError
from boxferry.plan.label_check import near, nearness
from sending.pushing import predictions, push


def make(diffgram, *names):
    """Labels on the server, as another program makes them; gives their ids."""
    schema = diffgram._client.schemas()[0].id
    return [diffgram._client.create_label(name, schema_id=schema) for name in names]


def rename(sandbox, number, name):
    sandbox._store.update("label_file", number, {"name": name})


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Car", "car", "case"),
        ("STRASSE", "straße", "case"),
        ("traffic light", "traffic_light", "spaces"),
        ("traffic-light", "TrafficLight", "spaces"),
        ("car", "cars", "plural"),
        ("bus", "buses", "plural"),
        ("berry", "berries", "plural"),
        ("woman", "women", "plural"),
        ("bicycle", "bycicle", "spelling"),
        ("pedestrian", "pedestrain", "spelling"),
        ("helicopter", "helikopter", "spelling"),
        ("cat", "car", None),
        ("boat", "goat", None),
        ("truck", "track", "spelling"),
        ("person", "person", None),
        ("", "s", None),
        ("dog", "elephant", None),
    ],
)
def test_near_names_and_those_that_only_look_so(one, other, how):
    """Both ways round; of short names every letter counts."""
    assert (nearness(one, other), nearness(other, one)) == (how, how)


def test_the_most_alike_come_first():
    """Case before blanks before plurals before letters."""
    assert list(near("Car", ["cars", "C ar", "car", "dog"])) == ["car", "C ar", "cars"]


def test_what_is_missing_near_double_and_unused(diffgram):
    """One look, nothing is changed."""
    first, _, _, second, _ = make(diffgram, "car", "Trucks", "person", "car", "ghost")
    found = diffgram.check_labels(["car", "truck", "person", "dog"])
    assert found.missing == ["truck", "dog"]
    assert [(each.name, each.label, each.by, each.missing) for each in found.near] == [
        ("truck", "Trucks", "plural", True)
    ]
    assert (found.double, found.unused, found.renamed) == ({"car": [first, second]}, ["Trucks", "ghost"], [])
    assert (found.exit_code, len(diffgram.labels())) == (1, 4)


def test_a_label_that_was_renamed_is_known_by_the_boxes_sent_with_it(sandbox, diffgram, folder):
    """By this outbox, and on another machine by the server's inputs."""
    push(diffgram, predictions(folder))
    number = diffgram.labels()["cat"]
    rename(sandbox, number, "feline")
    wanted = [(number, "cat", "feline")]
    assert [tuple(each) for each in diffgram.check_labels(["cat", "dog"]).renamed] == wanted
    diffgram.outbox_path.rename(diffgram.outbox_path.with_name("elsewhere.sqlite"))
    assert [tuple(each) for each in diffgram.check_labels(["cat", "dog"]).renamed] == wanted


def test_labels_are_made_only_when_told_and_near_ones_only_by_name(diffgram):
    """And made once, however often it is done."""
    make(diffgram, "Car")
    names = ["car", "dog", "truck"]
    shown = diffgram.sync_labels(names)
    assert (shown.created, shown.dry_run, list(diffgram.labels())) == (["dog", "truck"], True, ["Car"])
    done = diffgram.sync_labels(names, create=True)
    assert (done.created, done.missing, done.exit_code) == (["dog", "truck"], ["car"], 1)
    again = diffgram.sync_labels(names, create=True)
    assert (again.created, sorted(diffgram.labels())) == ([], ["Car", "dog", "truck"])
    last = diffgram.sync_labels(names, create=True, near=True)
    assert (last.created, last.exit_code) == (["car"], 0)


def test_a_name_that_no_server_takes_makes_nothing(diffgram):
    """Before the first label is made."""
    with pytest.raises(UsageError, match="no label was made"):
        diffgram.sync_labels(["dog", "x" * 201], create=True)
    assert diffgram.labels() == {}


def test_two_machines_that_make_a_label_at_once_are_noticed(diffgram, monkeypatch):
    """It is there twice then, and which one is used is said."""
    create = diffgram._client.create_label

    def twice(name, **more):
        create(name, **more)
        return create(name, **more)

    monkeypatch.setattr(diffgram._client, "create_label", twice)
    done = diffgram.sync_labels(["dog"], create=True)
    assert (len(done.double["dog"]), done.exit_code) == (2, 1)


def test_a_push_notes_near_labels_before_it_makes_them(diffgram, folder):
    """In the dry run as in the push."""
    make(diffgram, "Cat", "dogs", "ghost")
    for options in ({"dry_run": True}, {}):
        report = push(diffgram, predictions(folder), **options)
        notes = [str(issue) for issue in report.tally.examples["near-label"]]
        assert ["label 'cat': the server has 'Cat' too" in notes[0], "plural" in notes[1]] == [True, True]
        assert "3 labels of the server without a class" in str(report.tally.examples["unused-labels"][0])
    assert report.exit_code == 0


def test_a_push_notes_that_a_label_was_renamed(sandbox, diffgram, folder):
    """Where it would be made again, and in the error where it would not."""
    push(diffgram, predictions(folder))
    rename(sandbox, diffgram.labels()["cat"], "feline")
    with pytest.raises(UnknownLabel, match=r"'cat' .*renamed there to 'feline'"):
        push(diffgram, predictions(folder), run="again", labels="error", existing=True)
    report = push(diffgram, predictions(folder), run="again", dry_run=True, existing=True)
    assert "label 'cat' was renamed to 'feline' on the server" in str(report.tally.examples["label-renamed"][0])


def test_labels_as_they_should_be_make_no_noise(diffgram, folder):
    """No note, and exit code 0."""
    push(diffgram, predictions(folder))
    report = push(diffgram, predictions(folder), run="again", existing=True)
    assert not {"near-label", "label-renamed", "unused-labels"} & report.tally.noted.keys()
    found = diffgram.check_labels(["cat", "dog"])
    assert (found.exit_code, found.as_dict()["near"]) == (0, [])


def test_the_command_checks_and_makes(diffgram, folder, settings, capsys):
    """A table for people, JSON for programs; options that do not go together are an error."""
    make(diffgram, "Cat")
    (folder / "data.yaml").write_text("names: [cat, dog]\n")
    names = str(folder / "data.yaml")
    assert boxferry(["labels", "--check", names]) == 1
    assert "Cat differs in case" in capsys.readouterr().out
    assert boxferry(["labels", "--sync", names, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["created"] == ["dog"]
    assert boxferry(["labels", "--sync", names, "--create"]) == 1
    assert "labels created: dog" in capsys.readouterr().err
    assert boxferry(["labels", "--sync", names, "--create", "--near"]) == 0
    for options in (["--create"], ["--near"], ["--check", names, "--sync", names]):
        assert boxferry(["labels", *options]) == 2
