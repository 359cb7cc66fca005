"""Finds and loads plugins, and asks them: one typed method a hook; nothing else uses pluggy."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from importlib import metadata
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from boxferry import hookspecs
from boxferry.boxes.codes import PLUGIN
from boxferry.boxes.detections import Detections
from boxferry.errors import PluginError, UsageError
from boxferry.strangers import checked, contained, described, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from boxferry.boxes.tally import Tally
    from boxferry.formats import Format

log = logging.getLogger("boxferry.plugins")

DISABLE_VARIABLE = "BOXFERRY_DISABLE_PLUGINS"


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginStatus:
    """One plugin, as `boxferry plugins` lists it.

    Attributes:
        name: the name of its entry point.
        distribution: the distribution that it comes in, with its version; empty where it was handed in.
        state: 'active', 'failed' or 'disabled'.
        reason: why it failed; else empty.
        formats: the names of the formats that it registered.
    """

    name: str
    distribution: str = ""
    state: str = "active"
    reason: str = ""
    formats: tuple[str, ...] = ()


class Plugins:
    """The plugins of one program run: made fresh by `plugin_manager`, with no state shared between two of them."""

    def __init__(self) -> None:
        self._manager = _bare_manager()
        self._formats: dict[str, tuple[Format, str]] = {}
        self._conflicts: list[str] = []
        self._statuses: dict[str, PluginStatus] = {}

    @property
    def statuses(self) -> list[PluginStatus]:
        """Every plugin that was found, in the order of their names."""
        return [self._statuses[name] for name in sorted(self._statuses)]

    def add(self, plugin: object, status: PluginStatus) -> None:
        """Take a plugin in; one that breaks the rules is noted as failed and leaves nothing behind."""
        if (first := self._statuses.get(status.name)) is not None:
            error = PluginError(f"the name '{status.name}' is taken by {first.distribution or 'another plugin'}")
            return self.note_failure(replace(status, name=f"{status.name} ({status.distribution})"), error)
        try:
            probe = _bare_manager()
            probe.register(plugin, status.name)
            probe.check_pending()
            offered: list[Format] = []
            with contained():
                probe.hook.boxferry_register_formats(register=lambda found: offered.append(checked(found)))
            self._manager.register(plugin, status.name)
        except Exception as error:  # noqa: BLE001 # whatever a stranger raises must not stop the program
            return self.note_failure(status, error)
        for fmt in offered:
            self._register(fmt, status)
        self._statuses[status.name] = replace(status, formats=tuple(f.name for f in offered))
        return None

    def note_failure(self, status: PluginStatus, error: BaseException) -> None:
        """List a plugin as failed, with the reason."""
        reason = str(error) if isinstance(error, PluginError) else described(error)
        log.warning("%s is left out: %s", _owner(status), reason)
        log.debug("plugin %s failed", status.name, exc_info=error)
        self._statuses[status.name] = replace(status, state="failed", reason=reason)

    def note_disabled(self, status: PluginStatus) -> None:
        """List a plugin as disabled."""
        self._statuses[status.name] = replace(status, state="disabled")

    def _register(self, fmt: Format, status: PluginStatus) -> None:
        owner = _owner(status)
        if status.distribution and not status.distribution.startswith("boxferry "):
            fmt = guarded(fmt, owner)
        if fmt.name in self._formats:
            first = self._formats[fmt.name][1]
            self._conflicts.append(
                f"format '{fmt.name}' is registered by {first} and by {owner}: "
                f"disable one with --disable-plugin NAME or {DISABLE_VARIABLE}=NAME"
            )
        self._formats.setdefault(fmt.name, (fmt, owner))

    def formats(self) -> dict[str, Format]:
        """Every format by its name.

        Raises:
            PluginError: two plugins registered one name.
        """
        if self._conflicts:
            raise PluginError(self._conflicts[0])
        return {name: self._formats[name][0] for name in sorted(self._formats)}

    def refine(self, detections: Detections, context: Mapping[str, Any], tally: Tally) -> Detections:
        """Pass a chunk through each plugin's refine step; boxes that one takes out are counted under its name.

        Raises:
            PluginError: a plugin's step raised, or gave back something else than Detections.
        """
        for name, step in self._calls("boxferry_refine"):
            result = _refined(_owner(self._statuses[name]), step, detections, context)
            tally.balance(PLUGIN + name, f"plugin '{name}'", added=len(result) - len(detections))
            detections = result
        return detections

    def packet_built(self, packet: bytes, context: Mapping[str, Any]) -> None:
        """Show a packet to the observers."""
        self._observe("boxferry_packet_built", packet=packet, context=context)

    def outcome(self, outcome: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        """Show the outcome of a packet to the observers."""
        self._observe("boxferry_outcome", outcome=outcome, context=context)

    def _observe(self, hook: str, **arguments: Any) -> None:  # noqa: ANN401 # hooks differ in what they take
        for name, call in self._calls(hook):
            try:
                with contained():
                    call(**arguments)
            except Exception as error:  # an observer never stops a run
                reason = str(error) if isinstance(error, PluginError) else described(error)
                log.error("%s failed in %s: %s", _owner(self._statuses[name]), hook, reason)  # noqa: TRY400 # one line
                log.debug("in %s", hook, exc_info=error)

    def _calls(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """Each plugin that implements `hook`, by name, as a call of that one plugin alone."""
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        plugins = [implementation.plugin for implementation in implementations]
        return [
            (i.plugin_name, self._manager.subset_hook_caller(hook, [p for p in plugins if p is not i.plugin]))
            for i in implementations
        ]


class _Manager(pluggy.PluginManager):
    """Pluggy's, which looks at a module's marked functions alone: at all its names it looks ten times as long."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """What the mark of an implementation says; None where there is none."""
        return super().parse_hookimpl_opts(plugin, name) if _may_be(plugin, name, "boxferry_impl") else None

    def parse_hookspec_opts(self, module_or_class: object, name: str) -> pluggy.HookspecOpts | None:
        """What the mark of a specification says; None where there is none."""
        marked = _may_be(module_or_class, name, "boxferry_spec")
        return super().parse_hookspec_opts(module_or_class, name) if marked else None  # type: ignore[arg-type] # pluggy's


def _may_be(holder: object, name: str, mark: str) -> bool:
    """Whether pluggy can find a mark on what the holder has of this name."""
    if not isinstance(holder, ModuleType):
        return True
    value = vars(holder).get(name)
    return isinstance(value, FunctionType | MethodType | staticmethod | classmethod) and hasattr(value, mark)


def _bare_manager() -> pluggy.PluginManager:
    manager = _Manager("boxferry")
    manager.add_hookspecs(hookspecs)
    return manager


def _owner(status: PluginStatus) -> str:
    return f"plugin '{status.name}'" + (f" of {status.distribution}" if status.distribution else "")


def _refined(
    owner: str, step: Callable[..., list[Any]], detections: Detections, context: Mapping[str, Any]
) -> Detections:
    try:
        with contained():
            answers = step(detections=detections, context=context)
    except Exception as error:
        reason = str(error) if isinstance(error, PluginError) else described(error)
        raise PluginError(f"{owner} failed in boxferry_refine: {reason}") from error
    result = answers[0] if answers else detections
    if not isinstance(result, Detections):
        raise PluginError(f"{owner}: boxferry_refine returned {type(result).__name__}, expected Detections")
    return result


def plugin_manager(*, extra: Iterable[object] = (), disabled: Iterable[str] | None = None) -> Plugins:
    """Load every installed plugin into a fresh manager.

    Args:
        extra: plugins that are no entry points: modules or objects with hook implementations.
        disabled: names of entry points to leave out; None takes them from the environment variable
            BOXFERRY_DISABLE_PLUGINS, separated by commas.

    Raises:
        UsageError: a plugin to be disabled is not installed.
    """
    found = sorted(set(metadata.entry_points(group="boxferry")), key=lambda point: (point.name, point.value))
    names = {point.name for point in found}
    unwanted = set(os.environ.get(DISABLE_VARIABLE, "").split(",") if disabled is None else disabled) - {""}
    if missing := unwanted - names:
        raise UsageError(
            f"no plugin named {', '.join(sorted(missing))} to disable; there are {', '.join(sorted(names))}"
        )
    plugins, bringers = Plugins(), _bringers(found)
    for point in found:
        status = PluginStatus(name=point.name, distribution=bringers.get(point.dist, ""))
        _load(plugins, point, status, disabled=point.name in unwanted)
    for plugin in extra:
        plugins.add(plugin, PluginStatus(name=getattr(plugin, "__name__", type(plugin).__name__)))
    return plugins


def _bringers(points: Iterable[metadata.EntryPoint]) -> dict[metadata.Distribution | None, str]:
    """Each distribution's name with its version; each is read once, though it brings many plugins."""
    distributions = {point.dist for point in points if point.dist}
    return {each: "{Name} {Version}".format_map(each.metadata) for each in distributions}


def _load(plugins: Plugins, point: metadata.EntryPoint, status: PluginStatus, *, disabled: bool) -> None:
    if disabled:
        return plugins.note_disabled(status)
    try:
        with contained():
            plugin = point.load()
    except Exception as error:  # noqa: BLE001 # one broken stranger must not stop the program
        return plugins.note_failure(status, error)
    return plugins.add(plugin, status)
