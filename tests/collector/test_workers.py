"""Several processes that collect for one run into one outbox: the workers of a service, which take turns at sending."""

from boxferry.boxes.lines import encoded
from boxferry.boxes.tally import Tally
from boxferry.collector.disk_queue import Written
from boxferry.collector.disk_queue_push import DiskQueuePush
from boxferry.reading.read import read
from collector.collecting import a_collector, a_result
from sending.pushing import boxes_in


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
    assert [len(reports), boxes_in(sandbox, images[0].name)] == [1, [(40, 30, 60, 50)]]
