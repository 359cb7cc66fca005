"""Detections to instance lists to packets, as bytes."""
