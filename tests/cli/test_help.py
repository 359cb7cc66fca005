"""Help in groups with examples, one line for each mistake, and --quiet."""

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from boxferry.cli.app import COMMANDS, app, run
from boxferry.cli.command import Command
from boxferry.cli.examples import EXAMPLES
from boxferry.cli.help_groups import COMMANDS as COMMAND_GROUPS
from boxferry.cli.help_groups import GROUPS, grouped
from boxferry.cli.meant import COUNTERPARTS, INSTEAD, names_of
from boxferry.cli.mistakes import long_flag
from boxferry.cli.reading import FORMAT_OPTION
from boxferry.cli.session import Session

FIXTURES = Path(__file__).parents[2] / "fixtures"


def context_of(name):
    parent = click.Context(app, info_name="boxferry", obj=Session(disabled=()), **app.context_settings)
    return click.Context(app.get_command(parent, name), info_name=name, parent=parent)


def flags_of(name):
    """The long forms of a command's options, those of the formats left out."""
    context = context_of(name)
    options = [param for param in context.command.get_params(context) if isinstance(param, click.Option)]
    return [long_flag(option) for option in options if not option.name.startswith(FORMAT_OPTION)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_a_group(name):
    """None is left over; nor is a command without the groups."""
    assert isinstance(context_of(name).command, Command)
    assert [flag for title, flags in grouped(name, flags_of(name)) if title not in GROUPS for flag in flags] == [
        flag for title, flags in grouped(name, flags_of(name)) if title == "Common options" for flag in flags
    ]


def test_every_command_stands_in_a_group():
    """Of `boxferry --help`, once."""
    listed = [name for names in COMMAND_GROUPS.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(COMMANDS) <= set(listed)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_three_examples_that_parse(name):
    """With options and values that it takes."""
    assert len(EXAMPLES[name]) == 3
    for line in EXAMPLES[name]:
        words = shlex.split(line.split(">")[0], comments=True)
        if words[0] == "boxferry" and name in words:
            context = context_of(name)
            context.command.parse_args(context, words[words.index(name) + 1 :])


def test_the_common_options_of_push_come_first(capsys):
    """Within the first screen."""
    assert run(["push", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles[0] == "Common options:"
    assert titles[-1] == "Examples:"
    assert any("--dry-run" in line for line in lines[:45])


def test_a_formats_options_are_shown_where_that_format_is_meant(capsys):
    """By --format, by --to, or all of them by --help-formats."""
    run(["push", "--help"])
    assert "--voc-origin" not in capsys.readouterr().out
    run(["push", "-f", "voc", "--help"])
    shown = capsys.readouterr().out
    assert "--voc-origin" in shown
    assert "--coco-form" not in shown
    run(["pull", "--to=yolo", "--help"])
    assert "--yolo-kind" in capsys.readouterr().out
    run(["push", "--help-formats"])
    shown = capsys.readouterr().out
    assert "--voc-origin" in shown
    assert "--coco-form" in shown


MISTAKES = {
    "command": (["pish"], "no command 'pish'; did you mean 'push'? (see boxferry --help)"),
    "option": (
        ["push", "x", "--on-exsting", "append"],
        "no option --on-exsting; did you mean --on-existing? (see boxferry push --help)",
    ),
    "output-format": (["pull", "x", "--format", "yolo"], "no option --format; did you mean --to? (see boxferry pull"),
    "out": (["convert", "x", "--out", "y"], "no option --out; did you mean --output? (see boxferry convert --help)"),
    "page": (["report", "x", "--output", "y"], "no option --output; did you mean --html? (see boxferry report --help)"),
    "url": (["doctor", "--url", "http://x"], "no option --url; did you mean --host? (see boxferry doctor --help)"),
    "dry": (["push", "x", "--dry"], "no option --dry; did you mean --dry-run? (see boxferry push --help)"),
    "confidence": (["validate", "x", "--conf", "0.5"], "no option --conf; did you mean --min-score? (see"),
    "threads": (["pull", "x", "--workers", "8"], "no option --workers; did you mean --parallel? (see"),
    "skip": (["push", "x", "--skip-existing"], "did you mean --on-existing skip? (see boxferry push --help)"),
    "named-run": (["pull", "--run", "x"], "no option --run: give RUN without an option (see boxferry pull --help)"),
    "named-source": (["push", "--source", "x"], "no option --source: give SOURCE without an option (see"),
    "token": (["push", "x", "--token", "y"], "no option --token: boxferry init keeps the key in a file, or the"),
    "only-lists": (["retire", "x", "--dry-run"], "no option --dry-run: without --remove it only lists (see"),
    "choice": (
        ["push", "x", "--on-existing", "apend"],
        "--on-existing: 'apend' is not one of error, append, skip, replace-own, replace-all; did you mean 'append'?",
    ),
    "format": (["validate", "x", "-f", "cocoo"], "did you mean 'coco'?"),
    "format-without-name": (["validate", "x", "--format"], "--format: a value is missing; choose one of auto, "),
    "no-value": (["push", "x", "--names"], "--names: a value is missing (see boxferry push --help)"),
    "no-argument": (["adopt", "--directory", "x"], "RUN is missing (see boxferry adopt --help)"),
    "no-integer": (["push", "x", "--jobs", "two"], "--jobs: 'two' is not a valid integer"),
    "extra": (["dedupe", "x", "y"], "got unexpected extra argument (y) (see boxferry dedupe --help)"),
}


@pytest.mark.parametrize(("arguments", "line"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_arguments_is_one_line(arguments, line, capsys):
    """With what was probably meant."""
    assert run(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert line in said


def test_what_is_meant_by_another_name_exists():
    """Each counterpart is an option or an argument of some command, and no name of another tool is one of them all."""
    has = {name: {*names_of(context.command, context)} for name in COMMANDS if (context := context_of(name))}
    for other, names in COUNTERPARTS.items():
        for each in names:
            assert any(each.partition(" ")[0] in found and other not in found for found in has.values()), (other, each)
    assert all(option not in has[name] for name, option in INSTEAD)


def test_an_options_earlier_name_still_works(capsys):
    """With a note."""
    assert run(["push", "--connections", "2"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("--connections is now --parallel")
    assert "no option" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_is_said_with_the_files_name(capsys):
    """Which `write` itself does not know."""
    source = [str(FIXTURES / "coco" / "results.json"), "--categories", str(FIXTURES / "coco" / "instances.json")]
    assert run(["convert", *source, "-o", "/dev/full"]) == 2
    assert "boxferry: /dev/full: No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--quiet", "convert"], ["convert", "-q"]], ids=["before", "after"])
def test_quiet_leaves_data_and_errors(arguments, tmp_path, capsys):
    """Wherever it stands."""
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2 0.9\n")
    options = [str(tmp_path), "-f", "yolo", "--size", "100x80"]
    assert run([*arguments, *options, "--names", "cat"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1
    assert shown.err == ""
    assert run([*arguments, *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_list_of_commands_needs_no_numpy():
    """Nor any command's module, so that it comes at once."""
    code = "import sys; from boxferry.cli.app import run; run(['--help']); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
