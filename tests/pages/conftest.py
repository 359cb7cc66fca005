"""Fixtures that the tests of pushing have too."""

from sending.conftest import diffgram, folder  # noqa: F401 # fixtures
