"""Fixtures that more than one folder of tests needs."""

import pytest


@pytest.fixture
def sandbox(tmp_path):
    """A running sandbox, empty, with a folder of its own."""
    from boxferry.sandbox.server import Sandbox

    with Sandbox(tmp_path / "sandbox") as running:
        yield running
