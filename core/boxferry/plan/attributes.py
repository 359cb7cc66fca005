"""Attributes by name → by the server's group ids: texts as they are, choices as their options."""

from __future__ import annotations

from collections import Counter
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from boxferry.boxes.codes import Code
from boxferry.boxes.label_map import near_misses
from boxferry.destination import text_problem
from boxferry.errors import NotFound, UsageError
from boxferry.option_checks import check_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.boxes.tally import Tally
    from boxferry.destination import AttributeGroup, Client

AttributePolicy = Literal["error", "skip", "create"]
CHOICES = ("select", "radio")
MULTIPLE = "multiple_select"
TEXTS = ("text",)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeWish:
    """Which attributes are sent.

    Attributes:
        fields: the source's field → the attribute's name on the server.
        constants: the attribute's name on the server → the value that every box gets.
        policy: what happens to attributes and options that the server does not have: 'error', 'skip' or 'create'.

    Raises:
        UsageError: the policy is another word.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    policy: AttributePolicy = "error"

    def __post_init__(self) -> None:
        check_words(self, policy=AttributePolicy)

    @classmethod
    def parse(cls, fields: Iterable[str], constants: Iterable[str], policy: AttributePolicy) -> AttributeWish:
        """Out of 'FIELD' or 'FIELD=ATTRIBUTE', and of 'ATTRIBUTE=VALUE'.

        Raises:
            UsageError: a part is missing, or an attribute is given twice.
        """
        named = dict(_pair(text, "--attribute", second=True) for text in fields)
        fixed = dict(_pair(text, "--attribute-value", second=False) for text in constants)
        names = Counter([*named.values(), *fixed])
        if twice := [name for name, count in names.items() if count > 1]:
            raise UsageError(f"--attribute: '{twice[0]}' is given twice")
        return cls(fields=named, constants=fixed, policy=policy)

    @property
    def sources(self) -> dict[str, str]:
        """The attribute's name on the server → the source's field."""
        return {name: source for source, name in self.fields.items()}

    def __bool__(self) -> bool:
        """Whether any are sent."""
        return bool(self.fields or self.constants)


def _pair(text: str, option: str, *, second: bool) -> tuple[str, str]:
    left, sign, right = (part.strip() for part in text.partition("="))
    right = right or (left if second and not sign else "")
    if not left or not right:
        raise UsageError(f"{option}: '{text}', expected {'FIELD or FIELD=ATTRIBUTE' if second else 'ATTRIBUTE=VALUE'}")
    return left, right


@dataclass(eq=False)
class AttributeResolver:
    """Gives each box's attributes as the server takes them, and meets what the server does not have by one policy.

    Attributes:
        created: the attributes and options that were made on the way (or would be, in a dry run).
        client: asks the server.
        wish: what is sent.
        tally: notes what is left out.
        schema_id: the schema that the attributes are in.
        dry_run: make nothing.
    """

    client: Client
    wish: AttributeWish
    tally: Tally
    _: KW_ONLY
    schema_id: int
    dry_run: bool = False
    created: list[str] = field(default_factory=list, init=False)
    _groups: dict[str, AttributeGroup] = field(default_factory=dict, init=False)
    _left_out: Counter[str] = field(default_factory=Counter, init=False)
    _no_text: Counter[str] = field(default_factory=Counter, init=False)

    def require(self, label_ids: Mapping[str, int]) -> None:
        """Look the schema's attributes up, and make those that are missing where that is asked for.

        Args:
            label_ids: the labels that a new attribute is for.

        Raises:
            NotFound: the policy is 'error', and an attribute is not there, or is of a kind that has no fixed form.
            DiffgramError: the server cannot be asked.
        """
        self._groups = self._known()
        for name in dict.fromkeys([*self.wish.fields.values(), *self.wish.constants]):
            self._require(name, label_ids)

    @property
    def sources(self) -> dict[str, str]:
        """As those of the wish."""
        return self.wish.sources

    def _known(self) -> dict[str, AttributeGroup]:
        groups = self.client.attribute_groups(self.schema_id)
        named = {group.prompt: group for group in groups if group.prompt}
        return named | {group.name: group for group in groups if group.name}

    def _require(self, name: str, label_ids: Mapping[str, int]) -> None:
        if name not in self._groups and self.wish.policy == "create":
            self.created.append(name)
            if not self.dry_run:
                kind = "select"
                self.client.create_attribute_group(
                    name, kind, schema_id=self.schema_id, label_ids=sorted(set(label_ids.values()))
                )
                self._groups = self._known()
            return
        problem = self._problem(name)
        if problem and self.wish.policy == "error":
            raise NotFound(f"{problem}; create it, or use --attributes create or skip")
        if problem:
            self.tally.note(Code.NO_SUCH_ATTRIBUTE, f"{problem}: left out")

    def _problem(self, name: str) -> str | None:
        group = self._groups.get(name)
        if group is None:
            near = near_misses(name, self._groups)
            there = f"near: {', '.join(near)}" if near else f"there are: {', '.join(self._groups) or 'none'}"
            return f"the server has no attribute '{name}' ({there})"
        if group.kind not in {*CHOICES, *TEXTS, MULTIPLE}:
            return f"attribute '{name}' is of kind '{group.kind}'; boxes can be given texts and choices only"
        return None

    def __call__(self, found: Mapping[str, Any] | None) -> dict[str, Any]:
        """A box's attributes by the source's names → those by group id; what cannot be sent is left out and noted.

        Raises:
            NotFound: the policy is 'error', and a choice has no such option.
        """
        wanted = {name: found[source] for source, name in self.wish.fields.items() if found and source in found}
        sent: dict[str, Any] = {}
        for name, value in (wanted | dict(self.wish.constants)).items():
            group = self._groups.get(name)
            if group is not None and not self._problem(name) and (form := self._form(group, name, value)) is not None:
                sent[str(group.id)] = form
        return sent

    def _form(self, group: AttributeGroup, name: str, value: object) -> object:
        """A value as the server's interface reads it, or None."""
        values = value if isinstance(value, list | tuple) else [value]
        if problem := next(filter(None, (text_problem(as_text(each)) for each in values)), None):
            self._no_text[f"{name}: {problem}"] += 1
            return None
        if group.kind in TEXTS:
            return as_text(value)
        if group.kind == MULTIPLE:
            options = [self._option(group, name, as_text(each)) for each in values]
            return {str(option["id"]): option for option in options if option} or None
        return self._option(group, name, as_text(value))

    def _option(self, group: AttributeGroup, name: str, value: str) -> dict[str, Any] | None:
        options = {option.name: option for option in self._groups[name].attribute_template_list or () if option.name}
        if value not in options and self.wish.policy == "create":
            self._create_option(group, name, value)
            options = {o.name: o for o in self._groups[name].attribute_template_list or () if o.name}
        if value in options:
            return {"id": options[value].id, "name": value, "display_name": value, "selected": True}
        if self.wish.policy == "error":
            near = near_misses(value, options) or list(options)
            raise NotFound(
                f"attribute '{name}' has no option '{value}' (there are: {', '.join(near) or 'none'}); "
                "create it, or use --attributes create or skip"
            )
        self._left_out[f"{name}={value}"] += 1
        return None

    def _create_option(self, group: AttributeGroup, name: str, value: str) -> None:
        if f"{name}={value}" not in self.created:
            self.created.append(f"{name}={value}")
            if not self.dry_run:
                self.client.create_attribute_option(group.id, value)
                self._groups = self._known()

    def finish(self) -> None:
        """Note what was left out."""
        for option, boxes in self._left_out.items():
            self.tally.note(Code.NO_SUCH_OPTION, f"{boxes} boxes without {option}: the attribute has no such option")
        for problem, boxes in self._no_text.items():
            self.tally.note(Code.NO_TEXT, f"{boxes} boxes without attribute {problem}")


def as_text(value: object) -> str:
    """A value as it is sent."""
    return str(value).lower() if isinstance(value, bool) else str(value)
