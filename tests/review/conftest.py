"""Fixtures that the tests of pushing have too."""

from sending.conftest import folder  # noqa: F401 # a fixture
