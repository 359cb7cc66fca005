"""Plugins: a stranger's format comes in by the entry point; a broken one stops nothing."""

import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import numpy as np
import pluggy
import pytest

from boxferry import hookspecs
from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run
from boxferry.errors import PluginError, UsageError
from boxferry.formats import Format
from boxferry.hookspecs import hookimpl
from boxferry.plugins import DISABLE_VARIABLE, plugin_manager

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "boxferry-csv"
ROWS = (
    "image,width,height,label,score,x_min,y_min,x_max,y_max\n"
    "a.jpg,100,80,cat,0.9,10,20,30,40\n"
    "a.jpg,100,80,dog,0.8,ten,20,30,40\n"
    "b.jpg,50,50,cat,0.7,0,0,5,5\n"
)


def distribution(folder: Path, name: str, entry: str) -> None:
    """Put a distribution's metadata where Python finds it, as an installer would."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[boxferry]\n{entry}\n")


def boxferry(*arguments: str, path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, with a folder of further distributions."""
    command = [sys.executable, "-c", "from boxferry.cli.main import main; main()", *arguments]
    env = {"PYTHONPATH": str(path), "PATH": "", "HOME": str(path), **environ}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=60)


def install(folder: Path, plugin: Path) -> None:
    """Put a plugin's modules and its metadata where Python finds them, as an installer would."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text())
    for module in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        (folder / module).write_text((plugin / module).read_text())
    for name, target in project["project"]["entry-points"]["boxferry"].items():
        distribution(folder, project["project"]["name"], f"{name} = {target}")


@pytest.fixture
def strangers(tmp_path):
    """A folder with the example plugin, one that cannot be imported, one with a misspelt hook, one that exits."""
    install(tmp_path, EXAMPLE)
    (tmp_path / "broken_plugin.py").write_text("import a_module_that_nobody_has\n")
    distribution(tmp_path, "broken-one", "broken = broken_plugin")
    (tmp_path / "misspelt_plugin.py").write_text(
        "from boxferry.hookspecs import hookimpl\n@hookimpl\ndef boxferry_register_fromats(register): ...\n"
    )
    distribution(tmp_path, "misspelt-one", "misspelt = misspelt_plugin")
    (tmp_path / "leaving_plugin.py").write_text("raise SystemExit('bye')\n")
    distribution(tmp_path, "leaving-one", "leaving = leaving_plugin")
    return tmp_path


def test_a_strangers_plugin_reads_its_format_and_broken_ones_are_listed(strangers, tmp_path):
    """The example's format converts by its content alone; three broken plugins stop nothing and are told apart."""
    source = tmp_path / "detections.csv"
    source.write_text(ROWS)
    done = boxferry("convert", str(source), path=strangers)
    assert done.returncode == 0, done.stderr
    packets = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(p["original_filename"], len(p["instance_list"])) for p in packets] == [("a.jpg", 1), ("b.jpg", 1)]
    assert "1 bad-box" in done.stderr
    assert "detections.csv:3" in done.stderr

    listed = json.loads(boxferry("plugins", "--json", path=strangers).stdout)["plugins"]
    states = {p["name"]: (p["state"], p["reason"]) for p in listed}
    assert states["csv"] == ("active", "")
    assert states["coco"][0] == "active"
    assert "a_module_that_nobody_has" in states["broken"][1]
    assert "boxferry_register_fromats" in states["misspelt"][1]
    assert {states[name][0] for name in ("broken", "misspelt", "leaving")} == {"failed"}


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_plugin_can_be_disabled_by_name(strangers, how, monkeypatch, capsys):
    """By --disable-plugin or by the environment; its formats are gone and it is listed as disabled."""
    monkeypatch.syspath_prepend(strangers)
    first = ("--disable-plugin", "csv") if how == "option" else ()
    if how == "environment":
        monkeypatch.setenv(DISABLE_VARIABLE, "csv")
    assert run([*first, "plugins", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["plugins"]
    assert {p["name"]: p["state"] for p in listed}["csv"] == "disabled"
    assert run([*first, "formats", "--json"]) == 0
    assert "csv" not in {f["name"] for f in json.loads(capsys.readouterr().out)["formats"]}


def test_disabling_a_plugin_that_is_not_there_is_an_error():
    """A typo in the name is not passed over."""
    with pytest.raises(UsageError, match=r"no plugin named cocoo .* boxferry, coco, .*voc, yolo"):
        plugin_manager(disabled=["cocoo"])


class Taker:
    """A plugin that takes the name of a bundled format."""

    @hookimpl
    def boxferry_register_formats(self, register):
        register(Format(name="coco", summary="another", sniff=lambda source: None))


def test_a_format_name_taken_twice_is_an_error_that_names_both():
    """It is raised where formats are asked for, so that the listing of plugins still works."""
    plugins = plugin_manager(extra=[Taker()])
    assert {s.name for s in plugins.statuses} >= {"coco", "Taker"}
    with pytest.raises(PluginError, match=r"'coco' is registered by plugin 'coco' of boxferry .* by plugin 'Taker'"):
        plugins.formats()


def a_chunk() -> Detections:
    return Detections.from_counts(
        [Image("a.jpg", 9, 9)], [2], [[0, 0, 5, 5], [1, 1, 6, 6]], [0, 0], ["cat"], score=[0.9, 0.1]
    )


class Halver:
    """A refine step that keeps the first box."""

    @hookimpl
    def boxferry_refine(self, detections, context):
        return detections.take(np.arange(len(detections)) < 1)


class Raiser:
    """Fails wherever it is asked."""

    @hookimpl
    def boxferry_refine(self, detections, context):
        raise ValueError("no")

    @hookimpl
    def boxferry_packet_built(self, packet, context):
        raise ValueError("no")

    @hookimpl
    def boxferry_outcome(self, outcome, context):
        raise ValueError("no")


def test_what_a_refine_step_leaves_out_is_counted_under_its_name():
    """Read = kept + dropped holds for a stranger's step too."""
    tally, chunk = Tally(), a_chunk()
    tally.count(chunk)
    refined = plugin_manager(extra=[Halver()]).refine(chunk, {}, tally)
    assert len(refined) == tally.kept == 1
    assert tally.dropped == {"plugin-Halver": 1}


def test_a_refine_step_that_raises_ends_the_run_with_its_name():
    """A step that the user wanted cannot be left out silently."""
    with pytest.raises(PluginError, match="plugin 'Raiser' failed in boxferry_refine: ValueError: no"):
        plugin_manager(extra=[Raiser()]).refine(a_chunk(), {}, Tally())


def test_an_observer_that_raises_stops_nothing(caplog):
    """It is logged; the observers after it are still told."""
    seen = []

    class Witness:
        @hookimpl
        def boxferry_packet_built(self, packet, context):
            seen.append(packet)

        @hookimpl
        def boxferry_outcome(self, outcome, context):
            seen.append(outcome["state"])

    plugins = plugin_manager(extra=[Witness(), Raiser()])
    plugins.packet_built(b"{}", {})
    plugins.outcome({"state": "applied"}, {})
    assert seen == [b"{}", "applied"]
    assert "plugin 'Raiser' failed in boxferry_packet_built" in caplog.text


def test_two_managers_share_nothing():
    """A plugin handed to one is unknown to the next."""
    plugin_manager(extra=[Halver()])
    assert "Halver" not in {s.name for s in plugin_manager().statuses}


def test_every_bundled_adapter_is_an_entry_point_that_registers_its_format():
    """A module without its entry point, or without its hook, would be silent."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["boxferry"]
    folder = ROOT / "adapters" / "boxferry_adapters"
    modules = {p.stem for p in folder.iterdir() if not p.stem.startswith(("_", "."))} - {"py"}
    assert set(declared.values()) == {f"boxferry_adapters.{name}" for name in modules}
    assert {p.value for p in metadata.entry_points(group="boxferry")} >= set(declared.values())
    registered = {status.name: status.formats for status in plugin_manager().statuses}
    assert all(registered[name] for name in declared)


def test_every_hook_is_one_sentence_typed_and_prefixed():
    """The hookspecs are a page for strangers: each hook says what it asks for."""
    manager = pluggy.PluginManager("boxferry")
    manager.add_hookspecs(hookspecs)
    hooks = {name: getattr(hookspecs, name) for name in dir(hookspecs) if name.startswith("boxferry_")}
    assert len(hooks) == 4
    for hook in hooks.values():
        assert hook.__doc__.strip().endswith(".")
        assert "return" in hook.__annotations__


def test_every_hook_stands_in_the_page_and_is_tested():
    """What a stranger can be asked is explained, and something notices when it is not asked any more."""
    page = (ROOT / "docs" / "plugins.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for hook in (name for name in dir(hookspecs) if name.startswith("boxferry_")):
        assert hook in page
        assert f"def {hook}(" in tests


def test_values_of_a_box_are_still_found_where_plugins_knew_them():
    """What moved out of boxferry.parsing.gather is found there with a warning; any other name is missing."""
    from boxferry.parsing import gather, values

    with pytest.warns(DeprecationWarning, match=r"boxferry\.parsing\.gather\.number is in boxferry\.parsing\.values"):
        assert gather.number is values.number
    assert all(hasattr(values, name) for name in gather.MOVED)
    with pytest.raises(AttributeError, match="no attribute 'numbre'"):
        _ = gather.numbre
