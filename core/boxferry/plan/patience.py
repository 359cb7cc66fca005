"""How long a push waits for the server, and for what."""

from __future__ import annotations

from dataclasses import dataclass

from boxferry.errors import UsageError
from boxferry.option_checks import check_words

SETTLE_S = 90.0  #: after which a request without a trace on the server never will leave one
STUCK_S = 180.0  #: after which an input that does not move is suspected never to be applied
PILOT_S = 60.0  #: how long the first packet of a run, where others follow, is waited for when nothing else is


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long is waited, and for what.

    Attributes:
        wait_s: seconds that may be spent on waiting for the server, until it has applied everything; 0 does not wait
            for that, only for what has to be known before the next packet may go out.
        settle_s: seconds after which a request that left no trace on the server never will.
        stuck_s: seconds after which an input that does not move is suspected never to be applied.
        failures: how many calls in a row may fail before sending stops.
        first_pause_s: seconds to wait after the first failure; they double with each further one.
        pilot: whether the first packet of a run that the server does not know goes alone, and is waited for. Without it
            packets that the server works on at the same time can be lost there; for tests of just that.

    Raises:
        UsageError: a value is of another type, or below 0.
    """

    wait_s: float = 600.0
    settle_s: float = SETTLE_S
    stuck_s: float = STUCK_S
    failures: int = 8
    first_pause_s: float = 0.5
    pilot: bool = True

    def __post_init__(self) -> None:
        check_words(self)
        for name in ("wait_s", "settle_s", "stuck_s", "first_pause_s"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name}: {getattr(self, name)} s, expected 0 or more")

    @property
    def budget_s(self) -> float:
        """Seconds that may be spent on waiting of any kind."""
        return self.wait_s if self.wait_s > 0 else max(PILOT_S, self.settle_s)
