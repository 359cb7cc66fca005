"""A function that answers requests, whose results are sent: `make serving` runs the recipes in the real servers."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from boxferry import Diffgram
from boxferry.errors import UsageError
from boxferry.integrations.kept_images import KeptImages, images_folder
from boxferry.integrations.serving import Serving, collecting
from collector.collecting import OPTIONS, a_collector, in_a_process, many_images, on_disk, wait_until
from sending.pushing import boxes_in, server_of

RESULT = {"boxes": [[40.0, 30.0, 60.0, 50.0]], "labels": [1], "scores": [0.5]}
ONE_BOX = [(40, 30, 60, 50)]
RUN = {"directory": "Default", "model": "m", "run": "r", "names": ["none", "cat"], "options": OPTIONS, "every_s": 0.1}


@pytest.fixture
def images(tmp_path):
    """A few images, no two of which have the same content."""
    return many_images(tmp_path / "images", 4)


def arrived(sandbox):
    """The boxes of each file."""
    return [boxes_in(sandbox, each["original_filename"]) for each in sandbox.files()]


def test_the_file_of_a_request_may_go_with_the_answer(sandbox, diffgram, images):
    """As BentoML deletes it; two requests with one image are one file, and files of one name are two."""
    upload = images[0].with_name("upload.png")
    with Serving(lambda path: RESULT, diffgram, **RUN) as detect:
        for image in (images[0], images[1], images[0]):
            upload.write_bytes(image.read_bytes())
            assert detect(upload) is RESULT
            upload.unlink()
    assert detect.report.ok, detect.report.summary()
    assert arrived(sandbox) == [ONE_BOX] * 2


def test_an_image_may_be_bytes_and_requests_a_batch(sandbox, diffgram, images):
    """A list of images has a list of results; one that is too short is counted, and the answer is given."""
    data = [path.read_bytes() for path in images[:3]]
    with Serving(lambda several: [RESULT] * len(several), diffgram, **RUN) as detect:
        assert detect(data) == [RESULT] * 3
    short = Serving(lambda several: [RESULT], diffgram, **RUN)
    assert short(data) == [RESULT]
    short.close()
    assert arrived(sandbox) == [ONE_BOX] * 3
    assert short.report.lost == {"unusable": 1}
    assert "1 results for 3 images" in short.report.problems[0]


@pytest.mark.parametrize("image", ["missing.jpg", 7, None])
def test_what_is_no_image_is_counted_and_answered(diffgram, image, tmp_path):
    """It keeps nothing else from being sent."""
    with Serving(lambda _: RESULT, diffgram, **RUN) as detect:
        assert detect(image) is RESULT
    assert detect.report.lost == {"unusable": 1}
    assert len(detect.report.problems) == 1


def test_a_request_that_fails_fails_as_before(diffgram):
    def failing(_):
        raise OSError("no image")

    with Serving(failing, diffgram, **RUN) as detect, pytest.raises(OSError, match="no image"):
        detect("a.jpg")
    assert (detect.report.images, detect.report.lost) == (0, {})


def test_an_object_whose_call_is_a_coroutine_is_awaited(diffgram, images):
    """Its answer is handed over, not the coroutine; so is a function's."""

    class Model:
        async def __call__(self, path):
            return RESULT

    async def function(path):
        return RESULT

    async def answers():
        return [await detect(str(images[0])), await other(str(images[1]))]

    with a_collector(diffgram, names=["none", "cat"]) as collect:
        detect, other = collecting(Model(), collect, image=str), collecting(function, collect, image=str)
        assert asyncio.run(answers()) == [RESULT, RESULT]
    assert (collect.report.images, collect.report.lost) == (2, {})


def test_a_wrong_option_is_said_when_the_service_begins(diffgram):
    with pytest.raises(UsageError, match="min_score"):
        Serving(lambda _: RESULT, diffgram, **RUN, min_score=2)


def test_after_the_end_it_still_answers(diffgram, images):
    detect = Serving(lambda _: RESULT, diffgram, **RUN)
    detect.close()
    detect.close()
    assert detect(images[0]) is RESULT
    assert detect.report.lost == {"outside": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_worker_that_was_forked_sends_its_own(sandbox, diffgram, images):
    """As servers do that load the model once and fork: it goes out while the worker lives, not at its end."""
    code = """
import os
from boxferry.integrations.serving import Serving
RESULT = {"boxes": [[40.0, 30.0, 60.0, 50.0]], "labels": [1], "scores": [0.5]}
run = {"directory": "Default", "model": "m", "run": "r", "names": ["none", "cat"], "options": OPTIONS, "every_s": 0.05}
detect = Serving(lambda _: RESULT, diffgram, **run)
parent = os.getpid()
for path in paths:
    if not os.fork():
        detect(path)
        while os.getppid() == parent:
            time.sleep(0.02)
        os._exit(0)
time.sleep(60)
"""
    with in_a_process(code, sandbox.host, diffgram, images[:2]) as parent:
        wait_until(lambda: arrived(sandbox) == [ONE_BOX] * 2)
        parent.kill()


def test_copies_stay_as_long_as_they_are_needed(sandbox, tmp_path, images):
    """By what waits on disk and by packets in the outbox; and for a while in any case."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "o.sqlite") as diffgram:
        kept = KeptImages(diffgram.workspace)
        sandbox.stop()
        detect = Serving(lambda _: RESULT, diffgram, **RUN, close_s=0.1)
        detect(images[0])
        detect.close()
        spare = kept.paths(images[1])
        kept.sweep()
        assert len(list(images_folder(diffgram.outbox_path).iterdir())) == 2  # both are young
        kept.sweep(young_s=-1)
        (left,) = images_folder(diffgram.outbox_path).iterdir()
        assert str(left) != spare
        assert len(on_disk(diffgram)[0]) == 1


def test_an_image_that_is_asked_for_again_is_young_and_the_same(diffgram, images):
    """The time of its writing stays, by which a push sees that it is the picture that it was."""
    kept = KeptImages(diffgram.workspace)
    path = kept.paths(images[0])
    os.utime(path, ns=(1, 1))
    assert kept.paths(images[0].read_bytes()) == path
    kept.sweep()
    assert Path(path).stat().st_mtime_ns == 1
    assert time.time() - Path(path).stat().st_atime < 60
