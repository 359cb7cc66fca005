"""Label maps: other names for labels, several into one; and near names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NEAR = 3  # as many near misses as a person takes in at a glance


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Gives a label its new name; a label that it does not mention keeps its own.

    Each label is looked up once: with {'a': 'b', 'b': 'a'} two labels change places.

    Attributes:
        names: old name → new name.
        purpose: what is to be done with the labels of those names, for messages.
    """

    names: Mapping[str, str]
    purpose: ClassVar[str] = "renamed"

    @classmethod
    def parse(cls, specs: Iterable[str] | Mapping[str, str]) -> Self:
        """A map from {'car|truck': 'vehicle'}, or from one or more texts 'car|truck=vehicle' as `--map` gives them.

        Blanks around a name do not count. A name that holds a '=' can only be given in the first form.

        Raises:
            ConfigError: a text is not of this form, a name is empty, or one label is to become two.
        """
        names: dict[str, str] = {}
        for old, new in _renamings(specs):
            if names.setdefault(old, new) != new:
                raise ConfigError(f"map: '{old}' is mapped to both '{names[old]}' and '{new}'; map it to one label")
        return cls(names)

    def __call__(self, name: str) -> str:
        """The new name of a label."""
        return self.names.get(name, name)

    def unused(self, seen: Iterable[str]) -> list[str]:
        """The names in the map that are not among those `seen`: labels that no box had, perhaps misspelt."""
        there = set(seen)
        return [name for name in self.names if name not in there]


@dataclass(frozen=True, slots=True)
class KeptLabels:
    """The labels that are kept, where others go; it renames none.

    Attributes:
        names: their names.
        purpose: as in `LabelMap`.
    """

    names: frozenset[str]
    purpose: ClassVar[str] = "kept"

    def __call__(self, name: str) -> str:
        """The same name."""
        return name

    def unused(self, seen: Iterable[str]) -> list[str]:
        """The names that are not among those `seen`."""
        return sorted(self.names - set(seen))


def near_misses(name: str, known: Iterable[str]) -> list[str]:
    """At most three of the `known` names that `name` may stand for, best first; not the name itself.

    First come names that differ in case alone, then those that differ in blanks, underscores and dashes too, then those
    with a few other letters.
    """
    others = [other for other in dict.fromkeys(known) if other != name]
    same = [other for other in others if _bare(other) == _bare(name)]
    same.sort(key=lambda other: other.casefold() != name.casefold())
    bare = {_bare(other): other for other in reversed(others) if other not in same}
    close = difflib.get_close_matches(_bare(name), bare, n=NEAR)
    return [*same, *(bare[match] for match in close)][:NEAR]


def _bare(name: str) -> str:
    """A name as it is compared: without case, blanks, underscores and dashes."""
    return "".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _renamings(specs: Iterable[str] | Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each old name with its new one."""
    specs = [specs] if isinstance(specs, str) else specs
    given = specs.items() if isinstance(specs, Mapping) else map(_sides, specs)
    for olds, new in given:
        if not (isinstance(olds, str) and isinstance(new, str)):
            raise ConfigError(f"map: {olds!r}: {new!r}, expected two names of labels, {{'car|truck': 'vehicle'}}")
        for old in olds.split("|"):
            if not (old.strip() and new.strip()):
                raise ConfigError(f"map: '{olds}={new}' has an empty name; expected OLD|OLD=NEW")
            yield old.strip(), new.strip()


def _sides(spec: str) -> tuple[str, str]:
    """The two sides of 'OLD|OLD=NEW'."""
    sides = spec.split("=")
    if len(sides) != 2:
        raise ConfigError(f"map: '{spec}' has {len(sides) - 1} '=', expected one, as in OLD|OLD=NEW")
    return sides[0], sides[1]
