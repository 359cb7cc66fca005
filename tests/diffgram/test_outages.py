"""An outage of the service that takes packets, after which requests may arrive that were sent long before."""

import pytest

from boxferry.diffgram.clock import Outages

PACKETS, OTHER = "/api/walrus/v1/project/p/input/packet", "/api/project/p/labels"


@pytest.mark.parametrize(
    ("calls", "over"),
    [
        ([(0, PACKETS, 200), (9, PACKETS, 200)], 0),
        ([(0, PACKETS, None), (2, PACKETS, 200)], 0),  # too short
        ([(0, PACKETS, None), (9, PACKETS, None), (43, PACKETS, 200), (60, PACKETS, 200)], 43),
        ([(0, PACKETS, 502), (9, OTHER, 200), (43, PACKETS, 500)], 43),  # another service answers all the time
        ([(0, OTHER, None), (43, OTHER, 200)], 0),
    ],
)
def test_an_outage_is_over_with_the_first_answer_of_that_service(calls, over):
    """Whatever status it has, but one of a gateway."""
    time = [0.0]
    outages = Outages(lambda: time[0], monotonic=lambda: time[0])
    for at, path, status in calls:
        time[0] = at
        if status is None:
            outages.missed(path)
        else:
            outages.heard(path, status)
    assert outages.over == over


@pytest.mark.parametrize(
    ("sent", "back"),
    [(1000.0, 4000.0), (3995.5, 4000.0), (3999.0, 0), (4001.0, 0), (300.0, 0)],
    ids=["by another process", "by its clock", "just now", "by this one", "long ago"],
)
def test_what_another_process_sent_may_have_waited_until_the_first_answer_to_this_one(sent, back):
    """Whether the service was away in between, only that process knew; its clock may be a second ahead."""
    outages = Outages(lambda: 4000.0, monotonic=lambda: 7.0)
    assert outages.back(sent) == 0
    outages.heard(OTHER, 200)
    assert outages.back(sent) == 0
    outages.heard(PACKETS, 200)
    assert outages.back(sent) == back


def test_what_the_servers_clock_said_at_first_does_not_count():
    """An answer has whole seconds: the first one was nearly a second behind, as the next one shows."""
    server, elapsed = [4000.0], [7.0]
    outages = Outages(lambda: server[0], monotonic=lambda: elapsed[0])
    outages.heard(PACKETS, 200)
    server[0], elapsed[0] = 4000.95, 7.05
    assert outages.back(1000.0) == pytest.approx(4000.9)
