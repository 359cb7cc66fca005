"""`from boxferry import …`: every class that a user meets, each with a docstring that says what it raises."""

import ast
import importlib
import inspect
import subprocess
import sys
import textwrap

import pytest

import boxferry
from boxferry import errors

DATA = {"__version__"}
QUIET = {"Diffgram.close"}  #: touches the client, and raises nothing

PUBLIC = [
    "AttributeWish", "AuthError", "BoxferryError", "Collector", "CollectorReport", "ConfigError", "Context",
    "Credentials", "Dataset", "DedupeReport", "Detections", "Diff", "Difference", "Diffgram", "DiffgramError",
    "FileResult", "FileResults", "Format", "Image", "InputError", "Issue", "Listener", "Metrics", "NightlyReport",
    "NotFound", "OptionError", "OutboxBusy", "OutboxError", "Patience", "Plan", "PluginError", "Predictions",
    "PushKeywords", "PushOptions", "PushResult", "RateLimited", "Refused", "RetireReport", "Review", "Server",
    "SizeDiffers", "Split", "StillProcessing", "Tally", "TrainingSet", "Truth", "UnknownFormat", "UnknownLabel",
    "Unreachable", "Unsure", "UsageError", "__version__", "diff", "evaluate", "hookimpl", "merge", "read", "read_plan",
    "write_packets",
]  # fmt: skip


def test_the_public_names_are_these_and_sorted():
    """A name that comes or goes is a decision: it stands here too."""
    assert boxferry.__all__ == PUBLIC == sorted(PUBLIC)
    assert dir(boxferry) == PUBLIC


def test_each_name_is_there_and_every_error_is_public():
    for name in PUBLIC:
        assert getattr(boxferry, name) is not None
    raised = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert raised <= set(PUBLIC)


def test_a_name_that_is_not_there_is_said():
    with pytest.raises(AttributeError, match="module 'boxferry' has no attribute 'Reader'"):
        _ = boxferry.Reader


def test_importing_it_imports_nothing_else():
    """What a name needs is imported at its first use: numpy alone takes longer than all of this."""
    code = "import boxferry, sys; print('numpy' in sys.modules, 'requests' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]


def members() -> dict[str, object]:
    """Every public function, class, and method of a public class that is written here, by its name."""
    found: dict[str, object] = {}
    for name in set(PUBLIC) - DATA:
        value = getattr(boxferry, name)
        found[name] = value
        if inspect.isclass(value):
            for base in reversed(value.__mro__):
                if base.__module__.startswith("boxferry"):
                    found |= {
                        f"{name}.{each}": getattr(member, "__func__", member)
                        for each, member in vars(base).items()
                        if not each.startswith("_") and (inspect.isroutine(member) or isinstance(member, property))
                    }
    return found


MEMBERS = members()


@pytest.mark.parametrize("name", sorted(set(MEMBERS) - {"hookimpl"}))
def test_every_public_name_has_a_docstring_which_says_what_it_raises(name):
    value = MEMBERS[name]
    doc = inspect.getdoc(value)
    assert doc, f"{name} has no docstring"
    if raises(value) and name not in QUIET:
        assert "Raises:" in doc, f"the docstring of {name} does not say what it raises"


def raises(value: object) -> bool:
    """Whether the body of a function raises, or the class checks what it is made of; a call to the server can too."""
    function = value.fget if isinstance(value, property) else value
    if inspect.isclass(function):
        function = vars(function).get("__post_init__")
    if function is None or not inspect.isfunction(function):
        return False
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    asks = any("workspace" in ast.unparse(node) or "_client" in ast.unparse(node) for node in ast.walk(tree))
    checks = any(call.startswith(("check_", "self._check", "option_values", "given_options")) for call in calls)
    return checks or asks or any(isinstance(node, ast.Raise) for node in ast.walk(tree))


def test_modules_of_public_names_are_importable_alone():
    """No name needs another to be imported first."""
    for module in set(boxferry._HOMES.values()):
        assert importlib.import_module(module)
