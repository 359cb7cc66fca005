"""Carries a detection model's boxes to Diffgram, where people correct them, and brings the corrections home."""

__version__ = "0.1.0"
