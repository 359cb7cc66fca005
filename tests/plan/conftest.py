"""The fixtures of the tests of sending."""

from sending.conftest import diffgram, folder, images, serve, served, settings

__all__ = ["diffgram", "folder", "images", "serve", "served", "settings"]
