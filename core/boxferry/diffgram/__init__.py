"""The only part that speaks HTTP to a Diffgram server."""
