"""The pace: nearly all of what the server allows, next to nothing refused, however far away and whatever its clock."""

import heapq
import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxferry.diffgram.client import Client
from boxferry.diffgram.pacing import Pacer
from boxferry.diffgram.settings import Credentials, Server
from boxferry.errors import Refused
from boxferry.sandbox.server import Sandbox


class Limiter:
    """The server's: a fixed window of a second, begun by its first request; its clock is `ahead_s` of ours.

    A `whole` one says the window's end in whole seconds, rounded up.
    """

    def __init__(self, limit, ahead_s, *, whole=False):
        self.limit, self.ahead_s, self.whole = limit, ahead_s, whole
        self.end, self.used = 0.0, 0

    def see(self, now):
        """Status and headers for a request that arrives now."""
        moment = now + self.ahead_s
        if moment >= self.end:
            self.end, self.used = moment + 1.0, 0
        self.used += 1
        left = max(0, self.limit - self.used)
        reset = str(int(self.end) + 1) if self.whole else f"{self.end:.6f}"
        headers = {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(left), "Retry-After": "1"}
        return 200 if self.used <= self.limit else 429, headers | {"X-RateLimit-Reset": reset}


class Waiting(Exception):
    """Raised in place of sleeping, so that the simulation can let others go on."""


class Line:
    """Some connections that send as fast as one pacer lets them, in simulated time.

    `there_s`, `work_s` and `back_s` are ranges of seconds: to the server, in it, and back.
    """

    def __init__(
        self, *, connections=4, limit=20, there_s, work_s, back_s, set_up_s=0.0, seed=1, step=None, whole=False
    ):
        self.random = random.Random(seed)
        self.now, self.order = 0.0, itertools.count()
        self.limiter = Limiter(limit, 1.7e9, whole=whole)
        self.pacer = Pacer(clock=lambda: self.now, sleep=self._sleep)
        self.times = SimpleNamespace(there=there_s, work=work_s, back=back_s)
        self.set_up = dict.fromkeys(range(connections), set_up_s)
        self.step = step
        self.statuses = []
        self.events = []
        for connection in range(connections):
            self._at(0.001 * self.random.random(), self._depart, connection)

    def _sleep(self, seconds):
        raise Waiting(seconds)

    def _at(self, moment, happens, *what):
        heapq.heappush(self.events, (moment, next(self.order), happens, what))

    def _depart(self, connection):
        try:
            departed = self.pacer.acquire()
        except Waiting as waiting:
            late = self.random.expovariate(1 / 0.0003)  # a thread does not wake to the microsecond
            self._at(self.now + waiting.args[0] + late, self._depart, connection)
            return
        way = self.random.uniform(*self.times.there) + self.set_up.pop(connection, 0.0)
        self._at(self.now + way, self._arrive, connection, departed)

    def _arrive(self, connection, departed):
        status, headers = self.limiter.see(self.now)
        self.statuses.append(status)
        work = self.random.uniform(*self.times.work) if status == 200 else 0.001
        self._at(
            self.now + work + self.random.uniform(*self.times.back), self._return, connection, departed, status, headers
        )

    def _return(self, connection, departed, status, headers):
        self.pacer.learn(headers, status, departed=departed)
        self._depart(connection)

    def run(self, seconds):
        """Share of the limit that was used, and of the requests that were refused."""
        while self.events[0][0] < seconds:
            self.now, _, happens, what = heapq.heappop(self.events)
            if self.step and self.now >= self.step[0]:
                self.limiter.ahead_s += self.step[1]
                self.step = None
            happens(*what)
        accepted = self.statuses.count(200)
        return accepted / (seconds * self.limiter.limit), 1 - accepted / len(self.statuses)


NEAR = {"there_s": (0.0005, 0.001), "work_s": (0.002, 0.004), "back_s": (0.0005, 0.001)}
LINES = {
    "this-machine": NEAR,
    "slow-server": NEAR | {"work_s": (0.03, 0.06)},
    "far": {"there_s": (0.015, 0.025), "work_s": (0.02, 0.04), "back_s": (0.015, 0.025), "set_up_s": 0.1},
    "overseas": {
        "there_s": (0.05, 0.06),
        "work_s": (0.02, 0.05),
        "back_s": (0.05, 0.06),
        "connections": 8,
        "set_up_s": 0.2,
    },
    "shaky": {"there_s": (0.002, 0.03), "work_s": (0.01, 0.08), "back_s": (0.002, 0.03), "connections": 8},
    "more-connections-than-places": NEAR | {"connections": 32, "work_s": (0.02, 0.06)},
    "small-limit": NEAR | {"limit": 5, "work_s": (0.02, 0.06)},
    "large-limit": NEAR | {"limit": 200, "work_s": (0.02, 0.06), "connections": 16},
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_minute_uses_the_limit_and_meets_next_to_no_refusal(line, seed):
    """At least 97 % of what is allowed, and less than 1 % answered 429, wherever the server is."""
    used, refused = Line(**line, seed=seed).run(60.0)
    assert used >= 0.97
    assert refused < 0.01


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_whole_seconds_are_enough(line, seed):
    """The same where the server rounds the window's end up; on a line that shakes by 60 ms a little more is lost."""
    used, refused = Line(**line, seed=seed, whole=True).run(60.0)
    assert used >= (0.92 if line is LINES["shaky"] else 0.97)
    assert refused < 0.01


@pytest.mark.parametrize("step_s", [-3.0, 0.4, 5.0], ids=["back", "forward", "far-forward"])
@pytest.mark.parametrize("whole", [False, True], ids=["exact", "whole-seconds"])
def test_a_server_clock_that_is_set_is_followed(step_s, whole):
    """A few seconds are lost or refused, then the pace is found again."""
    line = Line(**LINES["far"], step=(20.0, step_s), whole=whole)
    line.run(30.0)
    line.statuses.clear()
    begun = line.now
    line.run(60.0)
    assert line.statuses.count(200) >= (0.95 if whole else 0.97) * 20 * (60.0 - begun)
    assert line.statuses.count(429) < 0.01 * len(line.statuses)


@settings(max_examples=40, deadline=None)
@given(
    limit=st.integers(1, 50),
    ahead_s=st.floats(0, 2e9),
    away_s=st.floats(0.0001, 0.004),
    count=st.integers(50, 300),
    whole=st.booleans(),
)
def test_one_connection_keeps_to_any_limit_whatever_the_servers_clock_says(limit, ahead_s, away_s, count, whole):
    """Nothing is refused, and no window is left unused."""
    now, limiter, statuses = [100.0], Limiter(limit, ahead_s, whole=whole), []

    def pass_time(seconds):
        now[0] += seconds

    pacer = Pacer(clock=lambda: now[0], sleep=pass_time)
    for _ in range(count):
        departed = pacer.acquire()
        pass_time(away_s)
        status, headers = limiter.see(now[0])
        pass_time(away_s)
        pacer.learn(headers, status, departed=departed)
        statuses.append(status)
    assert 429 not in statuses
    fastest = min(limit, 1 / (2 * away_s))
    assert now[0] - 100.0 <= count / fastest * 1.05 + 1.1


def test_without_the_headers_there_is_no_limit():
    """The stock set-up has the limiter off."""
    pacer = Pacer(clock=lambda: 0.0, sleep=lambda seconds: pytest.fail("waited"))
    for _ in range(1000):
        pacer.learn({}, 200, departed=pacer.acquire())
    for _ in range(1000):
        pacer.acquire()


def test_the_first_request_goes_alone_but_is_not_waited_for_for_ever():
    """Its answer may name a limit; a fault frees the next at once."""
    now, waits = [0.0], []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    pacer = Pacer(clock=lambda: now[0], sleep=sleep)
    departed = pacer.acquire()
    assert pacer.acquire() == pytest.approx(5.0, abs=0.02)
    assert waits
    pacer = Pacer(clock=lambda: now[0], sleep=lambda seconds: pytest.fail("waited"))
    pacer.learn({}, None, departed=pacer.acquire())
    assert pacer.acquire() > departed


def test_a_429_without_a_limit_stops_every_connection():
    """For as long as the server says, or a second."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    pacer = Pacer(clock=lambda: now[0], sleep=sleep)
    pacer.learn({"Retry-After": "7"}, 429, departed=pacer.acquire())
    assert pacer.acquire() == pytest.approx(7.0)
    pacer.learn({}, 429, departed=now[0])
    assert pacer.acquire() == pytest.approx(8.0)


@pytest.mark.parametrize(
    "headers", [{"X-RateLimit-Limit": "many"}, {"X-RateLimit-Limit": "0"}, {"X-RateLimit-Limit": "9"}]
)
def test_headers_that_make_no_sense_are_passed_over(headers):
    """As if they were not there."""
    pacer = Pacer(clock=lambda: 0.0, sleep=lambda seconds: pytest.fail("waited"))
    for _ in range(50):
        pacer.learn(headers, 200, departed=pacer.acquire())


def test_the_pace_is_the_servers(tmp_path):
    """Over the real wire with real threads: twenty a second, and next to nothing is answered 429.

    Never faster. A busy machine holds requests up, so that they arrive in heaps: the best of three rounds counts.
    """
    for number in range(3):
        took_s, refused = seventy_packets(tmp_path / str(number))
        assert took_s >= 3.0
        if took_s < 3.6 and refused <= 1:
            return
    pytest.fail(f"the last round took {took_s} s, {refused} packets were refused")


def seventy_packets(folder):
    """How long they take at twenty a second, and how many of them are answered 429."""
    with Sandbox(folder, rate_limit=20) as sandbox:
        server = Server(
            host=sandbox.host,
            project=sandbox.project,
            credentials=Credentials(sandbox.client_id, sandbox.client_secret),
        )
        with Client(server, connections=8) as client:
            refused = []
            client._wire._session.hooks["response"].append(lambda r, **_: refused.append(r.status_code == 429))

            def send(_):
                with pytest.raises(Refused, match="directory_id"):
                    client.send_packet(b"{}")

            started = time.monotonic()
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(send, range(70)))
            return time.monotonic() - started, sum(refused)
