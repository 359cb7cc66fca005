"""Class names: from `--names` (data.yaml, classes.txt, JSON, or a list), and held against those of `--categories`."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.labels import id_key
from boxferry.errors import ConfigError, InputError, UsageError
from boxferry.remote.path import RemotePath, folders_above
from boxferry.remote.urls import is_url, remembered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yaml.nodes import Node

    from boxferry.formats import Id
    from boxferry.remote.path import AnyPath

FILE_SUFFIXES = (".yaml", ".yml", ".json", ".txt", ".names", ".data")
SETTING = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*")  #: a line of darknet's obj.data


class ClassNames(NamedTuple):
    """What `--names` says.

    Attributes:
        names: class id → name.
        counted: the names are a list whose places are their ids: it does not say which number is the first.
        keypoints: how many key points a pose has and how many values each, where a data.yaml says so (`kpt_shape`).
    """

    names: dict[Id, str]
    counted: bool = False
    keypoints: tuple[int, int] | None = None


def given_names(names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None) -> ClassNames:
    """Class id → name, of what `read` takes as `names`.

    Raises:
        UsageError: it is not one of these.
        InputError: as `load_class_names`.
        ConfigError: likewise.
    """
    if names is None:
        return ClassNames({})
    check_given(names)
    if isinstance(names, str | os.PathLike):
        return load_class_names(str(names))
    if isinstance(names, Mapping):
        return ClassNames({id_key(class_id): str(name) for class_id, name in names.items()})
    return ClassNames(dict(enumerate(names)), counted=True)


def check_given(names: object) -> None:
    """See that it is what `read` takes as `names`, before anything is read.

    Raises:
        UsageError: it is a number.
    """
    if isinstance(names, int | float):
        raise UsageError(f"names: {names!r}, expected a file, a list of names, or a dict of id and name")


def load_names(spec: str) -> dict[Id, str]:
    """As `load_class_names`, the names alone."""
    return load_class_names(spec).names


def load_class_names(spec: str) -> ClassNames:
    """Class id → name, from a file, or from a list such as 'cat,dog', whose ids count from 0.

    A data.yaml has its names under `names`: a list, a mapping of ids to names in any order, or the path of a file,
    relative to the yaml. A JSON file is a list or a mapping. Darknet's obj.data names a file, relative to itself or to
    a folder above. Any other file has one name a line. Names are taken as they are written: `no` is a name, not a
    truth value.

    Raises:
        InputError: there is no such file, it cannot be read, or it has no names in one of these forms.
        ConfigError: it contradicts itself: `nc` counts other than `names`, or a class has two names.
    """
    if is_url(spec):
        return _load(RemotePath(remembered(spec)))
    if os.path.isfile(spec):  # noqa: PTH113 # a list may be longer than a path can be: pathlib raises
        return _load(Path(spec))
    if _means_a_file(spec):
        raise InputError(f"no such file of class names: {spec}")
    return ClassNames(_checked(enumerate(spec.split(",")), f"names '{spec}'"), counted=True)


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


def _load(path: AnyPath, *, nested: bool = False) -> ClassNames:
    text = _text(path)
    match path.suffix.lower():
        case ".yaml" | ".yml":
            return _from_yaml(path, text, nested=nested)
        case ".json":
            return _from_json(path, text)
        case suffix:
            settings = _settings(text)
            if suffix == ".data" or {"names", "classes"} & set(settings):
                return ClassNames(_from_darknet(path, settings, nested=nested))
            return ClassNames(_from_lines(path, text), counted=True)


def _settings(text: str) -> dict[str, str]:
    """The lines `key = value` of a text; empty where another line stands in it."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = [SETTING.fullmatch(line) for line in lines]
    return {match[1].lower(): match[2] for match in found if match} if all(found) else {}


def _from_darknet(path: AnyPath, settings: Mapping[str, str], *, nested: bool) -> dict[Id, str]:
    """The names of the file that darknet's obj.data names; paths in it are relative to where darknet is run."""
    if not settings.get("names") or nested:
        raise InputError(f"{path}: expected a line 'names = FILE', as darknet's obj.data has it")
    file = settings["names"].replace("\\", "/")
    folders = [(folder, file) for folder in folders_above(path, 3) if _stays_below(file)]
    places = [*folders, (path.parent, file.rpartition("/")[2])]  # a path of the machine that it was trained on
    target = next((folder / name for folder, name in places if name and _is_below(folder, folder / name)), None)
    if target is None:
        raise InputError(f"{path}: names: no such file of class names: {path.parent / file}, nor in a folder above")
    names = _load(target, nested=True).names
    if (classes := settings.get("classes", "")) and classes != str(len(names)):
        raise ConfigError(f"{path}: classes is {classes}, but {target} has {len(names)} names")
    return names


def _from_lines(path: AnyPath, text: str) -> dict[Id, str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    if "" in (stripped := [line.strip() for line in lines]) and len(lines) > 1:
        raise InputError(f"{path}:{stripped.index('') + 1}: a blank line among the names; each line is a class")
    return _checked(enumerate(stripped if text.strip() else ()), str(path))


class _Pairs(list[tuple[str, object]]):
    """A JSON object, with what it says twice."""


def _from_json(path: AnyPath, text: str) -> ClassNames:
    try:
        found = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply; expected a list or a mapping of names") from error
    if isinstance(found, _Pairs):
        if any(key == "categories" for key, _ in found):
            raise InputError(f"{path}: a dataset file rather than names; give it as --categories")
        return ClassNames(_checked(found, str(path)))
    if isinstance(found, list):
        return ClassNames(_checked(enumerate(found), str(path)), counted=True)
    raise InputError(f"{path}: expected a list or a mapping of names")


def _from_yaml(path: AnyPath, text: str, *, nested: bool) -> ClassNames:
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
    return ClassNames(names, keypoints=_keypoints(path, entries.get("kpt_shape")))


def _keypoints(path: AnyPath, node: Node | None) -> tuple[int, int] | None:
    import yaml

    if node is None:
        return None
    sides = [str(_written(side)) for side in node.value] if isinstance(node, yaml.SequenceNode) else []
    if len(sides) != 2 or not sides[0].isdecimal() or sides[1] not in {"2", "3"} or not 0 < int(sides[0]) < 10_000:
        raise ConfigError(f"{path}: kpt_shape: expected [points, values of each], such as [17, 3]")
    return int(sides[0]), int(sides[1])


def _load_beside(path: AnyPath, file: str) -> dict[Id, str]:
    target = path.parent / file
    if not _is_file(target):
        raise InputError(f"{path}: names: no such file of class names: {target}")
    if not _stays_below(file) or not _is_below(path.parent, target):  # the yaml may be a stranger's
        raise InputError(f"{path}: names: {file} lies outside the yaml's folder: name that file itself with --names")
    return _load(target, nested=True).names


def _stays_below(file: str) -> bool:
    """Whether a path, as it is written, leads into no other folder than those below the one that it is relative to."""
    return not file.startswith(("/", "\\")) and ":" not in file and ".." not in file.replace("\\", "/").split("/")


def _is_below(folder: AnyPath, target: AnyPath) -> bool:
    """Whether a file is there, and lies below a folder once links are followed."""
    if not _is_file(target):
        return False
    if isinstance(target, RemotePath) or isinstance(folder, RemotePath):
        return True
    return target.resolve().is_relative_to(folder.resolve())


def _is_file(path: AnyPath) -> bool:
    if isinstance(path, RemotePath):
        return path.is_file()
    return os.path.isfile(path)  # noqa: PTH113 # as in load_names: the names themselves may stand here


def _composed(path: AnyPath, text: str) -> Node | None:
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
        raise InputError(f"{where}: it contains no class names")
    if all(isinstance(i, str) and isinstance(id_key(name), int) for i, name in names.items()):
        first_id, first = next(iter(names.items()))
        raise InputError(
            f"{where}: gives ids to names ({first_id}: {first}); expected names to ids ({first}: {first_id})"
        )
    return names


def _text(path: AnyPath) -> str:
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
