"""Sending once what is stored: run to its end, sender, what the server can tell, and what a push did."""
