"""Sizes of images are read out of their files behind the loop's back, and every box counts all the same."""

import threading

import pytest
from PIL import Image as Picture

from boxferry.boxes.detections import Detections, Image
from boxferry.collector import measuring
from boxferry.collector.report import CollectorReport
from collector.collecting import a_collector, a_result

SIZELESS = {"boxes": [[40.0, 30, 60, 50]], "labels": [0], "scores": [0.5]}


@pytest.fixture
def threads(monkeypatch):
    """The names of the threads in which headers are read."""
    found, read = [], measuring.header_size

    def noted(path):
        found.append(threading.current_thread().name)
        return read(path)

    monkeypatch.setattr(measuring, "header_size", noted)
    monkeypatch.setattr("boxferry.reading.images.header_size", noted)
    return found


def balance(report):
    """Boxes taken = boxes in the outbox + boxes dropped with a reason."""
    sent = sum(boxes for _, boxes in report.pushes[-1].states.values()) if report.pushes else 0
    return report.boxes == sent + report.dropped.total() + report.dropped_by_pushes.total()


def test_the_loop_reads_no_file(diffgram, sandbox, images, threads):
    """Whether a result tells its size or not."""
    with a_collector(diffgram, names=["cat"]) as collect:
        collect(a_result(images[0]))
        collect(SIZELESS, images[1])
    assert threads.count("boxferry-keeper") == 2
    assert threading.current_thread().name not in threads
    assert [sandbox.boxes(path.name)[0]["x_max"] for path in images[:2]] == [60, 60]
    assert collect.report.ok
    assert balance(collect.report)


def test_a_result_of_another_size_than_its_image_is_lost_and_counted(diffgram, sandbox, images):
    """Alone, or among others that are taken."""
    Picture.new("RGB", (50, 40)).save(images[1])
    with a_collector(diffgram) as collect:
        collect([a_result(path) for path in images[:3]])
    assert collect.report.lost == {"unusable": 1}
    assert "1.jpg: the result is of an image of 100x80, the image is 50x40" in collect.report.problems[0]
    assert collect.report.dropped == {"unusable": 1}
    assert (collect.report.images, collect.report.boxes) == (3, 3)
    assert [len(sandbox.boxes(path.name)) for path in (images[0], images[2])] == [1, 1]
    assert balance(collect.report)


def test_an_image_that_goes_after_the_loop_has_named_it_keeps_the_size_of_its_result(tmp_path):
    report, image = CollectorReport(), Image("gone.png", 100, 80, media=str(tmp_path / "gone.png"))
    chunk = Detections.from_counts([image], [1], [[1, 2, 3, 4]], [0], ["cat"])
    assert measuring.measured(chunk, report).images == (image,)
    assert not report.lost


def test_boxes_that_look_like_shares_are_measured_at_once(diffgram, images):
    """Whether they are, the size of the image says: the loop is told by the count as before."""
    shares = {"boxes": [[0.25, 0.25, 0.75, 0.75]], "labels": [0], "scores": [0.5]}
    with a_collector(diffgram, names=["cat"]) as collect:
        collect(shares, images[0])
    assert collect.report.lost == {"unusable": 1}
    assert "they look normalised" in collect.report.problems[0]


def test_what_is_asked_of_images_in_the_loop_has_their_size(diffgram, images):
    """`keep` is given images that are measured."""
    seen = []
    with a_collector(
        diffgram, names=["cat"], keep=lambda image, _: not seen.append((image.width, image.height))
    ) as collect:
        collect(SIZELESS, images[0])
    assert seen == [(100, 80)]
