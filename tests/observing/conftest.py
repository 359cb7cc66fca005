"""The fixtures of a push."""

from sending.conftest import diffgram, folder, images, serve, served, settings

__all__ = ["diffgram", "folder", "images", "serve", "served", "settings"]
