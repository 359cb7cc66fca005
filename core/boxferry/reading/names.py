"""Class names: from `--names` (data.yaml, classes.txt, JSON, or a list), and held against those of `--categories`."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.boxes.labels import id_key
from boxferry.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yaml.nodes import Node

    from boxferry.formats import Id

FILE_SUFFIXES = (".yaml", ".yml", ".json", ".txt", ".names")


def load_names(spec: str) -> dict[Id, str]:
    """Class id → name, from a file, or from a list such as 'cat,dog', whose ids count from 0.

    A data.yaml has its names under `names`: a list, a mapping of ids to names in any order, or the path of a file,
    relative to the yaml. A JSON file is a list or a mapping. Any other file has one name a line. Names are taken as
    they are written: `no` is a name, not a truth value.

    Raises:
        InputError: there is no such file, it cannot be read, or it has no names in one of these forms.
        ConfigError: it contradicts itself: `nc` counts other than `names`, or a class has two names.
    """
    if os.path.isfile(spec):  # noqa: PTH113 # a list may be longer than a path can be: pathlib raises
        return _load(Path(spec))
    if _means_a_file(spec):
        raise InputError(f"no such file of class names: {spec}")
    return _checked(enumerate(spec.split(",")), f"names '{spec}'")


def merge_names(a: Mapping[Id, str], b: Mapping[Id, str], what_a: str, what_b: str) -> dict[Id, str]:
    """The names of both; `what_a` and `what_b` say in a message where each comes from.

    Raises:
        ConfigError: a class has one name in `a` and another in `b`.
    """
    for class_id, name in a.items():
        if (other := b.get(class_id, name)) != name:
            raise ConfigError(f"class {class_id} is '{name}' in {what_a} and '{other}' in {what_b}")
    return {**a, **b}


def _means_a_file(spec: str) -> bool:
    if spec.lower().endswith(FILE_SUFFIXES) or os.path.isdir(spec):  # noqa: PTH112 # as above
        return True
    return "," not in spec and ("/" in spec or os.sep in spec)


def _load(path: Path, *, nested: bool = False) -> dict[Id, str]:
    text = _text(path)
    match path.suffix.lower():
        case ".yaml" | ".yml":
            return _from_yaml(path, text, nested=nested)
        case ".json":
            return _from_json(path, text)
        case _:
            return _from_lines(path, text)


def _from_lines(path: Path, text: str) -> dict[Id, str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    if "" in (stripped := [line.strip() for line in lines]) and len(lines) > 1:
        raise InputError(f"{path}:{stripped.index('') + 1}: a blank line among the names; each line is a class")
    return _checked(enumerate(stripped if text.strip() else ()), str(path))


class _Pairs(list[tuple[str, object]]):
    """A JSON object, with what it says twice."""


def _from_json(path: Path, text: str) -> dict[Id, str]:
    try:
        found = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deep; expected a list or a mapping of names") from error
    if isinstance(found, _Pairs):
        if any(key == "categories" for key, _ in found):
            raise InputError(f"{path}: a dataset file rather than names; give it as --categories")
        return _checked(found, str(path))
    if isinstance(found, list):
        return _checked(enumerate(found), str(path))
    raise InputError(f"{path}: expected a list or a mapping of names")


def _from_yaml(path: Path, text: str, *, nested: bool) -> dict[Id, str]:
    import yaml

    top = _composed(path, text)
    entries = {_written(key): value for key, value in top.value} if isinstance(top, yaml.MappingNode) else {}
    match entries.get("names"):
        case yaml.SequenceNode(value=items):
            names = _checked(enumerate(map(_written, items)), str(path))
        case yaml.MappingNode(value=items):
            names = _checked(((_written(key), _written(value)) for key, value in items), str(path))
        case yaml.ScalarNode(value=file) if file and not nested:
            names = _load_beside(path, file)
        case _:
            raise InputError(f"{path}: expected 'names:' with a list or a mapping of class names")
    if (nc := entries.get("nc")) is not None and _written(nc) != str(len(names)):
        raise ConfigError(f"{path}: nc is {_written(nc)}, but names has {len(names)} entries")
    return names


def _load_beside(path: Path, file: str) -> dict[Id, str]:
    target = path.parent / file
    if not os.path.isfile(target):  # noqa: PTH113 # as in load_names: the names themselves may stand here
        raise InputError(f"{path}: names: no such file of class names: {target}")
    return _load(target, nested=True)


def _composed(path: Path, text: str) -> Node | None:
    """The yaml's nodes: unlike the values made from them, they keep `no` and `010` as written, and keys given twice."""
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not YAML: {str(error).splitlines()[0]}") from error


def _written(node: Node) -> object:
    import yaml

    return node.value if isinstance(node, yaml.ScalarNode) else node


def _checked(pairs: Iterable[tuple[object, object]], where: str) -> dict[Id, str]:
    names: dict[Id, str] = {}
    for key, value in pairs:
        if not isinstance(value, str) or not (name := value.strip()):
            raise InputError(f"{where}: class {key} has no name; expected text")
        class_id = id_key(key)
        if (first := names.setdefault(class_id, name)) != name:
            raise ConfigError(f"{where}: class {class_id} is '{first}' and also '{name}'")
    if not names:
        raise InputError(f"{where}: there are no class names in it")
    if all(isinstance(i, str) and isinstance(id_key(name), int) for i, name in names.items()):
        first_id, first = next(iter(names.items()))
        raise InputError(
            f"{where}: gives ids to names ({first_id}: {first}); expected names to ids ({first}: {first_id})"
        )
    return names


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    encoding = _encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = f"byte 0x{data[error.start]:02x}"
        raise InputError(
            f"{path}:{line}: {found} is not {encoding.removesuffix('-sig').upper()} text; save it as UTF-8"
        ) from error


def _encoding(data: bytes) -> str:
    """UTF-16 by its byte order mark, or by the zero byte that its first letter then has; else UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if data[:1] == b"\0":
        return "utf-16-be"
    return "utf-16-le" if data[1:2] == b"\0" else "utf-8-sig"
