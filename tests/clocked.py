"""A clock of a sandbox: what a test does one after the other need not be in one second of it."""

import time


class Clock:
    """A server's clock that a test moves on."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead

    def pass_(self, seconds):
        self.ahead += seconds
