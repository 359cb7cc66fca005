"""Who may send: one process at a time, whatever link its outbox is named by; the threads of a process take turns."""

import os
import threading
import time

import pytest

from boxferry import Diffgram
from boxferry.errors import OutboxBusy
from boxferry.outbox.turns import right_to_send, turn
from sending.pushing import predictions, push, server_of


def test_threads_take_turns(tmp_path):
    """One is inside at a time, and each of them comes in: none is told that another process is sending."""
    inside, most = [], []

    def work():
        with right_to_send(tmp_path / "outbox.sqlite"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == [1] * 8


def test_two_threads_push_from_one_outbox(sandbox, folder, tmp_path):
    """Each with a run and a connection of its own; everything arrives once."""
    reports = []

    def work(run):
        with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as own:
            reports.append(push(own, predictions(folder), run=run, file_name=f"{run}-{{name}}"))

    threads = [threading.Thread(target=work, args=(run,)) for run in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [report.states for report in reports] == [{"applied": (3, 3)}] * 2


def test_a_link_to_an_outbox_is_the_same_outbox(tmp_path):
    """Two processes through two names are two of the same."""
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with right_to_send(tmp_path / "o.sqlite"), pytest.raises(OutboxBusy), right_to_send(tmp_path / "link" / "o.sqlite"):
        pass


def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have(tmp_path):
    """A turn that another thread held when the process was forked is free in the child."""
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with turn(tmp_path / "o.sqlite"):
            held.set()
            go_on.wait(20)

    threading.Thread(target=hold).start()
    assert held.wait(5)
    if not (child := os.fork()):
        with turn(tmp_path / "o.sqlite"):
            os._exit(7)
    for _ in range(100):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
    go_on.set()
    assert ended
    assert os.waitstatus_to_exitcode(status) == 7
