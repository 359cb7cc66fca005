"""Several processes that collect for one run into one outbox: the workers of a service, which take turns at sending."""

import contextlib

from boxferry.boxes.lines import encoded
from boxferry.boxes.tally import Tally
from boxferry.collector.disk_queue import Written
from boxferry.collector.disk_queue_push import DiskQueuePush
from boxferry.reading.read import read
from collector.collecting import a_collector, a_result, in_a_process, many_images, on_disk, wait_until
from sending.pushing import boxes_in

ONE_BOX = [(40, 30, 60, 50)]


def write_one(collector, path):
    """Have the collector's queue write the result of an image into its open file."""
    (chunk,) = read(a_result(path)).unrefined(Tally(), None)
    collector._queue.add([Written(b"".join(encoded(chunk)), (path.name,), len(chunk))])


def test_what_is_being_written_goes_out_with_this_push(sandbox, diffgram, images):
    """Not with the next one, which is `every_s` seconds later: the file is closed once those before it are pushed."""
    collector, reports = a_collector(diffgram), []
    write_one(collector, images[0])
    pusher = DiskQueuePush(collector._folder, collector._doing, pushed=reports.append, note=print)
    assert pusher.everything(lambda: 0.0, more=collector._queue.rotate) is None
    assert [len(reports), boxes_in(sandbox, images[0].name)] == [1, ONE_BOX]


def test_several_processes_take_turns_at_one_outbox(sandbox, diffgram, tmp_path):
    """None of them reports a problem, each of their boxes is there once, and nothing waits when they have ended."""
    paths = many_images(tmp_path / "many", 12)
    code = """
with a_collector(diffgram, every_s=0.2, close_s=30) as collect:
    for path in paths:
        collect(a_result(path))
        time.sleep(0.03)
print("problems:", collect.report.problems, dict(collect.report.lost))
"""
    with contextlib.ExitStack() as stack:
        started = [in_a_process(code, sandbox.host, diffgram, paths[number::3]) for number in range(3)]
        workers = [stack.enter_context(each) for each in started]
        assert [each.stdout.read() for each in workers] == ["problems: [] {}\n"] * 3
    assert [boxes_in(sandbox, path.name) for path in paths] == [ONE_BOX] * 12
    assert on_disk(diffgram) == ([], [])


def test_what_a_push_could_not_send_is_sent_once_the_server_is_back(sandbox, diffgram, tmp_path):
    """Without a further result: it is in the outbox, and no file of results waits that would be pushed."""
    paths = many_images(tmp_path / "many", 16)
    with a_collector(diffgram) as collect:
        collect([a_result(path) for path in paths])
        wait_until(sandbox.files)
        sandbox.port = int(sandbox.host.rpartition(":")[2])
        sandbox.stop()
        wait_until(lambda: any(push.stopped for push in collect.report.pushes))
        assert on_disk(diffgram) == ([], [])
        sandbox.start()
        wait_until(lambda: len(sandbox.files()) == 16)
    assert collect.report.ok, collect.report.summary()
    assert [boxes_in(sandbox, path.name) for path in paths] == [ONE_BOX] * 16
