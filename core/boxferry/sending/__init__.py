"""What is to be sent, what became of it, and the sender between the two."""
