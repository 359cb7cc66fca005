"""Boxes, labels and what is done to them: pure, without files or network."""
