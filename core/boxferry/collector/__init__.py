"""Results from an inference loop: to the disk at once, to the server in the background."""
