"""Class names keep the ids that their file gives them, exactly as written; a file that contradicts itself says so."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxferry.errors import ConfigError, InputError
from boxferry.reading.names import load_names, merge_names

CAT_AND_DOG = {0: "cat", 1: "dog"}


def load(folder, name, content, *, encoding="utf-8"):
    """The names in a file with this content."""
    (folder / name).write_bytes(content.encode(encoding))
    return load_names(str(folder / name))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("cat,dog", CAT_AND_DOG, id="two"),
        pytest.param("cat", {0: "cat"}, id="one"),
        pytest.param(" traffic light , n/a", {0: "traffic light", 1: "n/a"}, id="blanks and a slash"),
        pytest.param("7,07", {0: "7", 1: "07"}, id="digits are names"),
        pytest.param(",".join(["a" * 90] * 80), dict.fromkeys(range(80), "a" * 90), id="longer than a path can be"),
    ],
)
def test_a_list_counts_from_0(spec, expected):
    assert load_names(spec) == expected


def test_a_list_with_a_gap_is_an_error():
    with pytest.raises(InputError, match="names 'cat,,dog': class 1 has no name"):
        load_names("cat,,dog")


@pytest.mark.parametrize("spec", ["data.yaml", "dir/obj.names", "CLASSES.TXT", "some/where"])
def test_what_looks_like_a_file_and_is_none_is_an_error(spec):
    with pytest.raises(InputError, match=f"no such file of class names: {spec}"):
        load_names(spec)


def test_a_folder_is_no_file_of_names(tmp_path):
    with pytest.raises(InputError, match="no such file of class names"):
        load_names(str(tmp_path))


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        pytest.param("names: [cat, dog]", CAT_AND_DOG, id="list"),
        pytest.param("train: x\nnc: 2\nnames:\n- cat\n- dog\n", CAT_AND_DOG, id="block list, nc agrees"),
        pytest.param("names:\n  7: zebra\n  0: cat\n", {7: "zebra", 0: "cat"}, id="mapping, neither sorted nor dense"),
        pytest.param("names: {'1': dog, '0': cat}", CAT_AND_DOG, id="keys in quotes"),
        pytest.param("names: [no, on, 010, 1.0, ~]", dict(enumerate(["no", "on", "010", "1.0", "~"])), id="as written"),
        pytest.param("names: ['traffic light', \"é\"]", {0: "traffic light", 1: "é"}, id="quoted"),
        pytest.param("names: {0: cat, 0: cat}", {0: "cat"}, id="said twice alike"),
        pytest.param("? [1, 2]\n: x\nnames: [cat]", {0: "cat"}, id="a strange key beside"),
    ],
)
def test_a_yaml_keeps_ids_and_names_as_written(tmp_path, yaml, expected):
    found = load(tmp_path, "data.yaml", yaml)
    assert found == expected
    assert {type(key) for key in found} == {int}


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        pytest.param("d.yaml", "nc: 3\nnames: [a, b]", ConfigError, "nc is 3, but names has 2 entries", id="nc"),
        pytest.param("d.yaml", "names: {0: a, '0': b}", ConfigError, "class 0 is 'a' and also 'b'", id="two names"),
        pytest.param("d.yaml", "nc: 2", InputError, "expected 'names:' with a list or a mapping", id="no names"),
        pytest.param("d.yaml", "", InputError, "expected 'names:' with a list or a mapping", id="empty yaml"),
        pytest.param("d.yaml", "- a\n- b", InputError, "expected 'names:' with a list or a mapping", id="bare list"),
        pytest.param("d.yaml", "names: []", InputError, "it contains no class names", id="names, but none"),
        pytest.param("d.yaml", "names:\n  0: a\n  1:\n", InputError, "class 1 has no name", id="nameless"),
        pytest.param("d.yaml", "names: [a, [b]]", InputError, "class 1 has no name; expected text", id="nested"),
        pytest.param("d.yaml", "x: 1\nnames: [a", InputError, "d.yaml:2: not YAML", id="broken yaml"),
        pytest.param("d.yaml", "names: [\x01]", InputError, "d.yaml: not YAML", id="control character"),
        pytest.param("d.yaml", "names: " + "[" * 5000, InputError, "d.yaml: not YAML", id="bottomless yaml"),
        pytest.param("d.yaml", "names: " + "cat, dog " * 50, InputError, "names: no such file", id="names in a text"),
        pytest.param("d.yaml", "names: d.yaml", InputError, "expected 'names:' with a list", id="leads to itself"),
        pytest.param(
            "d.yaml", "names: {cat: 0}", InputError, "gives ids to names (cat: 0); expected names to ids (0: cat)",
            id="the wrong way round",
        ),
        pytest.param("d.json", "[1,", InputError, "d.json:1: not JSON", id="broken json"),
        pytest.param("d.json", "[" * 100_000, InputError, "d.json: nested too deep", id="bottomless json"),
        pytest.param("d.json", '"cat"', InputError, "expected a list or a mapping of names", id="json text"),
        pytest.param("d.json", '["cat", null]', InputError, "class 1 has no name", id="json null"),
        pytest.param("d.json", '{"0": "a", "0": "b"}', ConfigError, "class 0 is 'a' and also 'b'", id="json twice"),
        pytest.param("d.json", '{"categories": []}', InputError, "give it as --categories", id="a COCO dataset"),
        pytest.param("c.txt", "", InputError, "it contains no class names", id="empty text"),
        pytest.param("c.txt", "cat\n\ndog\n", InputError, "c.txt:2: a blank line among the names", id="blank line"),
    ],
)  # fmt: skip
def test_a_file_without_usable_names_is_one_clear_error(tmp_path, name, content, error, message):
    with pytest.raises(error) as raised:
        load(tmp_path, name, content)
    assert str(raised.value).startswith(str(tmp_path / name))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_yaml_may_name_a_file_relative_to_itself(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/coco.names").write_text("cat\ndog\n")
    assert load(tmp_path, "data.yaml", "nc: 2\nnames: lists/coco.names") == CAT_AND_DOG
    with pytest.raises(ConfigError, match="nc is 3"):
        load(tmp_path, "other.yml", "nc: 3\nnames: lists/coco.names")


@pytest.mark.parametrize("name", ["classes.txt", "obj.names", "labels"])
def test_a_text_file_has_a_name_a_line(tmp_path, name):
    assert load(tmp_path, name, "cat\ndog\n\n \n") == CAT_AND_DOG


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"], ids=lambda encoding: encoding
)
def test_line_ends_and_encodings_of_other_systems_are_read(tmp_path, ends, encoding):
    assert load(tmp_path, "classes.txt", f"cat{ends}hé 猫{ends}", encoding=encoding) == {0: "cat", 1: "hé 猫"}


def test_another_encoding_is_an_error_that_names_the_place(tmp_path):
    with pytest.raises(InputError, match=r"classes\.txt:2: byte 0xe9 is not UTF-8 text; save it as UTF-8"):
        load(tmp_path, "classes.txt", "cat\nhé\n", encoding="latin-1")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(["cat", "dog"], CAT_AND_DOG, id="list"),
        pytest.param({"1": "dog", "0": "cat"}, CAT_AND_DOG, id="mapping"),
        pytest.param({"n02": "cat", "007": "dog"}, {"n02": "cat", "007": "dog"}, id="ids that are no numbers"),
    ],
)
def test_a_json_file_is_a_list_or_a_mapping(tmp_path, content, expected):
    assert load(tmp_path, "names.json", json.dumps(content)) == expected


@given(st.dictionaries(st.integers(0, 99), st.sampled_from(["cat", "dog", "cow"]), min_size=1))
def test_names_merge_with_themselves(names):
    assert merge_names(names, names, "a", "b") == names


def test_names_of_both_are_joined():
    assert merge_names({0: "cat"}, {1: "dog"}, "--names", "--categories") == CAT_AND_DOG


def test_a_class_with_two_names_is_an_error_that_shows_both():
    with pytest.raises(ConfigError, match="class 1 is 'cow' in --names and 'dog' in --categories"):
        merge_names({0: "cat", 1: "cow"}, CAT_AND_DOG, "--names", "--categories")
