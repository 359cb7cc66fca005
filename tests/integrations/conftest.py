"""Fixtures of the tests of integrations: a project on a sandbox, and a few images."""

from sending.conftest import diffgram, images, serve

__all__ = ["diffgram", "images", "serve"]
