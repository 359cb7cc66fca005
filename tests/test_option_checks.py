"""A misspelt word, or a value of another type, is an error when the options are made, with the words that there are."""

import pytest

from boxferry import PushOptions, read
from boxferry.errors import UsageError
from boxferry.plan.attributes import AttributeWish
from boxferry.plan.patience import Patience

WRONG = {
    "on_existing": (
        lambda: PushOptions(on_existing="replace_own"),
        "on_existing: .* did you mean 'replace-own'",
    ),
    "labels": (
        lambda: PushOptions(labels="creat"),
        "labels: 'creat' is not one of error, skip, create",
    ),
    "existing": (lambda: PushOptions(existing="yes"), "existing: 'yes' is str, expected bool"),
    "job": (lambda: PushOptions(media_url="http://x/{name}", job="7"), "job: '7' is str, expected int or None"),
    "rate": (lambda: PushOptions(video_rate="30"), "video_rate: '30' is str, expected float"),
    "removals": (lambda: PushOptions(allow_removals=True), "allow_removals: True is bool"),
    "attributes": (lambda: AttributeWish(policy="make"), "policy: 'make' is not one of error, skip, create"),
    "wait": (lambda: Patience(wait_s="5"), "wait_s: '5' is str, expected float"),
    "negative": (lambda: Patience(stuck_s=-1.0), "stuck_s: -1.0 s, expected 0 or more"),
    "nan": (lambda: Patience(wait_s=float("nan")), "wait_s: nan s"),
    "unknown": (lambda: read("x", unknown="skipp"), "unknown: 'skipp' is not one of error, skip"),
    "jobs": (lambda: read("x", jobs="2"), "jobs: '2' is str, expected int"),
    "names": (lambda: read("x", names=3), "names: 3, expected a file"),
}


@pytest.mark.parametrize("row", WRONG)
def test_a_wrong_word_or_type_is_said(row):
    """In the argument's name."""
    make, message = WRONG[row]
    with pytest.raises(UsageError, match=message):
        make()


def test_whole_numbers_stand_for_seconds():
    """As people write them."""
    assert Patience(wait_s=5).wait_s == 5
