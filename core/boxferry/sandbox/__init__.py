"""An embedded Diffgram-compatible inbox; an independent witness that shares no code with the sender."""
