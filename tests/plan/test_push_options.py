"""Push options are keyword arguments: typed, a wrong word has its nearest one, contradictions have their names."""

import dataclasses
import os
import pickle
import typing

import pytest

import boxferry
from boxferry import Diffgram, PushOptions
from boxferry.cli.flags import flag
from boxferry.diffgram.settings import Credentials, Server
from boxferry.errors import OptionError, UsageError
from boxferry.plan import push_options
from boxferry.plan.attributes import AttributeWish
from boxferry.plan.patience import Patience
from boxferry.plan.push_options import PushKeywords


def nowhere(tmp_path) -> Diffgram:
    """A project that is never asked: options are looked at first."""
    return Diffgram(
        Server(host="http://127.0.0.1:9", project="p", credentials=Credentials("LIVE__x", "y")),
        outbox=tmp_path / "outbox",
    )


def test_each_option_is_a_keyword_of_the_same_type():
    keywords = typing.get_type_hints(PushKeywords, localns={"os": os})
    assert keywords == typing.get_type_hints(PushOptions, localns={"os": os})
    assert set(keywords) == {each.name for each in dataclasses.fields(PushOptions)}


CALLS = {
    "push": lambda diffgram, **given: diffgram.push({}, directory="d", model="m", run="r", **given),
    "collector": lambda diffgram, **given: diffgram.collector(directory="d", model="m", run="r", **given),
    "nightly": lambda diffgram, **given: diffgram.nightly(dict, directory="d", model="m", run="r", **given),
    "carry_out": lambda diffgram, **given: diffgram.carry_out(None, **given),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_word_is_an_error_with_the_nearest_and_all_others(call, tmp_path):
    with pytest.raises(UsageError, match=r"^lables: no such option; did you mean 'labels'\?; there are media_url, "):
        CALLS[call](nowhere(tmp_path), lables="create")
    with pytest.raises(UsageError, match=r"^timeout: no such option; did you mean 'wait_s'\?"):
        CALLS[call](nowhere(tmp_path), timeout=3)
    with pytest.raises(UsageError, match=r"^options: \{\} is dict, expected PushOptions or None"):
        CALLS[call](nowhere(tmp_path), options={})
    with pytest.raises(UsageError, match="did you mean 'create'"):
        CALLS[call](nowhere(tmp_path), labels="creat")


CLASHES = {
    "two ways": ({"media_url": "x", "existing": True}, "{media_url} and {existing}: choose one of"),
    "bucket": ({"blob_path": "x"}, "{blob_path} needs {connection} and {bucket}"),
    "job": ({"existing": True, "job": 3}, "{job} cannot be combined with {existing}"),
    "file ids": ({"file_ids": {"a": 1}}, "{file_ids} needs {existing}"),
    "people": ({"human_made": True}, "{human_made} needs {annotations}"),
    "replaces": ({"annotations": True, "replaces": "m"}, "{replaces} cannot be combined with {annotations}"),
    "overlap": ({"same_iou": 2.0}, "{same_iou}: 2.0, expected more than 0"),
    "rate": ({"video_rate": 0.0}, "{video_rate}: 0.0, expected more than 0"),
    "own": ({"annotations": True, "on_existing": "replace-own"}, "{on_existing} replace-own cannot be combined with"),
}


@pytest.mark.parametrize("row", CLASHES)
def test_contradictions_are_said_in_the_fields_names_and_as_flags(row):
    given, template = CLASHES[row]
    with pytest.raises(OptionError) as raised:
        PushOptions(**given)
    names = {each.name: each.name for each in dataclasses.fields(PushOptions)}
    assert str(raised.value).startswith(template.format(**names))
    assert raised.value.told(flag).startswith(template.format(**{name: flag(name) for name in names}))
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_options_are_reused_and_single_words_count_before_them(tmp_path):
    common = PushOptions(labels="create", existing=True)
    assert push_options.given_options(common, {"labels": "skip"}) == PushOptions(labels="skip", existing=True)
    with pytest.raises(OptionError, match="media_url and existing"):
        CALLS["push"](nowhere(tmp_path), options=common, media_url="http://x/{name}")
    with pytest.raises(dataclasses.FrozenInstanceError):
        common.labels = "skip"


def test_the_repr_has_what_is_not_the_default():
    assert repr(PushOptions()) == "PushOptions()"
    assert repr(PushOptions(labels="create", existing=True)) == "PushOptions(existing=True, labels='create')"


def test_seconds_to_wait_are_an_option():
    assert PushOptions(wait_s=5).patience == Patience(wait_s=5.0)
    assert PushOptions(wait_s=5) == dataclasses.replace(PushOptions(wait_s=9), wait_s=5)
    assert PushOptions(wait_s=0, patience=Patience(settle_s=1)).patience == Patience(wait_s=0.0, settle_s=1)
    with pytest.raises(UsageError, match="wait_s: '5' is str, expected float"):
        PushOptions(wait_s="5")


def test_attributes_are_named_as_a_list_or_by_their_names_on_the_server():
    assert PushOptions(attributes=["pose"]).wish == AttributeWish(fields={"pose": "pose"})
    assert PushOptions(attributes={"pose": "Pose"}).wish == AttributeWish(fields={"pose": "Pose"})
    with pytest.raises(UsageError, match="attributes: 1 is int, expected str"):
        PushOptions(attributes={"pose": 1})


def test_the_former_names_work_with_a_warning(tmp_path):
    with pytest.warns(DeprecationWarning, match="Manner is called PushOptions now"):
        former = boxferry.Manner
    assert former is PushOptions
    with (
        pytest.warns(DeprecationWarning, match="manner= is called options= now"),
        pytest.raises(UsageError, match="dry_run and plan cannot be combined with a collector"),
    ):
        CALLS["collector"](nowhere(tmp_path), manner=former(dry_run=True))
