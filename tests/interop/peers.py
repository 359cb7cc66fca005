"""Which other tool a format's readings and writings are checked against: tests say so, the page shows it."""

import importlib
import os

import pytest

CHECKED: dict[
    str, dict[str, set[str]]
] = {}  #: format → peer → 'reads' (its files are read), 'writes' (it reads ours), 'same'


def peer(module):
    """Another tool's module: a test is skipped where it is missing, but fails in `make interop` and `make frameworks`.

    They install all of them: a tool that is missing there is a claim of the page that nothing holds.
    """
    if os.environ.get("BOXFERRY_PEERS") == "all":
        return importlib.import_module(module)
    return pytest.importorskip(module)


def checked(peer, *formats, how=("reads",)):
    """Say that a test checks formats against a peer: its files are read, it reads ours, or both read the same file."""

    def noted(test):
        for name in formats:
            CHECKED.setdefault(name, {}).setdefault(peer, set()).update(how)
        return test

    return noted
