"""A label map renames labels as it was told, and refuses to be told two things; near misses come best first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxferry.boxes.label_map import LabelMap, near_misses
from boxferry.errors import ConfigError


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        pytest.param({"car|truck": "vehicle"}, {"car": "vehicle", "truck": "vehicle"}, id="a dict"),
        pytest.param(
            ["car|truck=vehicle", "cat=pet"], {"car": "vehicle", "truck": "vehicle", "cat": "pet"}, id="texts"
        ),
        pytest.param("car=vehicle", {"car": "vehicle"}, id="one text"),
        pytest.param([" traffic light | lamp = light "], {"traffic light": "light", "lamp": "light"}, id="blanks"),
        pytest.param(["car=a", "car=a"], {"car": "a"}, id="the same twice"),
        pytest.param({"a=b": "c"}, {"a=b": "c"}, id="a name with an equals sign, in a dict"),
        pytest.param(["a=b", "b=a"], {"a": "b", "b": "a"}, id="an exchange"),
        pytest.param([], {}, id="nothing"),
    ],
)
def test_a_map_is_understood(specs, expected):
    assert LabelMap.parse(specs).names == expected


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        pytest.param(["car=a", "truck|car=b"], "'car' is mapped to both 'a' and 'b'", id="one label, two names"),
        pytest.param({"car": "a", "car|truck": "b"}, "'car' is mapped to both 'a' and 'b'", id="likewise in a dict"),
        pytest.param(["car"], "'car' has 0 '=', expected one", id="no equals sign"),
        pytest.param(["a=b=c"], "'a=b=c' has 2 '=', expected one", id="two readings"),
        pytest.param(["=a"], "'=a' has an empty name", id="no old name"),
        pytest.param(["a= "], "'a= ' has an empty name", id="no new name"),
        pytest.param(["a||b=c"], "has an empty name", id="a bar too many"),
        pytest.param({"": "a"}, "has an empty name", id="no old name in a dict"),
    ],
)
def test_what_cannot_be_a_map_is_refused(specs, message):
    with pytest.raises(ConfigError) as caught:
        LabelMap.parse(specs)
    assert message in str(caught.value)


def test_a_label_that_is_not_mentioned_keeps_its_name():
    assert LabelMap.parse({"car": "vehicle"})("cat") == "cat"


def test_each_label_is_looked_up_once():
    label_map = LabelMap.parse(["a=b", "b=a"])
    assert (label_map("a"), label_map("b")) == ("b", "a")


def test_names_that_no_box_had_are_told():
    assert LabelMap.parse({"car|truk": "vehicle", "cat": "pet"}).unused({"car", "truck", "dog"}) == ["truk", "cat"]


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        pytest.param("cat", ["dog", "Cat"], ["Cat"], id="case"),
        pytest.param("traffic-light", ["Traffic Light", "light"], ["Traffic Light"], id="dash, blank, case"),
        pytest.param("hotdog", ["hot_dog", "Hotdog"], ["Hotdog", "hot_dog"], id="case before underscore"),
        pytest.param("bycicle", ["car", "bicycle", "motorcycle"], ["bicycle"], id="letters exchanged"),
        pytest.param("cart", ["Cart ", "card", "car"], ["Cart ", "car", "card"], id="blank before letters"),
        pytest.param("cat", ["cat", "dog"], [], id="not the name itself"),
        pytest.param("zebra", ["car", "dog"], [], id="nothing like it"),
        pytest.param("cat", [], [], id="nothing known"),
        pytest.param("car", ["CAR", "Car", "c ar", "cAr"], ["CAR", "Car", "cAr"], id="at most three"),
        pytest.param("car", ["Car", "Car"], ["Car"], id="each once"),
        pytest.param("straße", ["STRASSE"], ["STRASSE"], id="case beyond ASCII"),
    ],
)
def test_near_misses_come_best_first(name, known, expected):
    assert near_misses(name, known) == expected


@given(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=8))
def test_near_misses_are_a_few_known_names_and_not_the_name(name, known):
    found = near_misses(name, known)
    assert len(found) <= 3
    assert len(set(found)) == len(found)
    assert set(found) <= set(known) - {name}
