"""Messages of the library on the command line: options are flags there, and keyword arguments in Python."""

import pytest

from boxferry.boxes.tally import Tally
from boxferry.cli.flags import flagged, flagged_facts, told
from boxferry.cli.output import say_tally
from boxferry.destination import remedy_of
from boxferry.errors import OptionError, UsageError


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("choose on_existing=append, skip or replace-own", "choose --on-existing append, skip or replace-own"),
        ("it was restored; use resend_missing=True to send it", "it was restored; use --resend-missing to send it"),
        ("(wait_s=30 is too short)", "(--timeout 30 is too short)"),
        ("the label 'on_existing=append' has no colour=red", "the label 'on_existing=append' has no colour=red"),
        ("https://host/?job=3: no answer", "https://host/?job=3: no answer"),
    ],
    ids=["word", "switch", "other-name", "no-option", "url"],
)
def test_keyword_arguments_are_flags_on_the_command_line(message, shown):
    """Only where an option of a push is meant."""
    assert flagged(message) == shown


def test_issues_and_remedies_have_flags_in_text_and_json(capsys):
    """What else stands in the JSON stays as it is."""
    tally = Tally()
    tally.fail("gone", "a box is gone; use resend_missing=True to send it again")
    say_tally(tally)
    assert "use --resend-missing to send" in capsys.readouterr().err
    remedy = remedy_of("Filename a.jpg already exists in dir")
    assert remedy.startswith("choose on_existing=append")
    facts = flagged_facts({"failed": [{"file": "job=3", "remedy": remedy}], "examples": tally.example_dicts()})
    assert facts["failed"][0]["file"] == "job=3"
    assert facts["failed"][0]["remedy"].startswith("choose --on-existing append, skip")
    assert "use --resend-missing to" in facts["examples"][0]["message"]


def test_errors_about_options_have_flags_too():
    """Other errors stay as they are: a path may look like an option."""
    assert told(OptionError("{on_existing} replace-all would delete 2 boxes")).startswith("--on-existing replace-all")
    assert told(UsageError("job=3: no such file")) == "job=3: no such file"
