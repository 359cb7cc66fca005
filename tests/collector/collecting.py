"""What the tests of collectors share: results as a framework gives them, a collector with short waits, and images."""

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace as Thing

import numpy as np
from PIL import Image as Picture

import processes
from boxferry import PushOptions
from boxferry.collector.disk_queue_format import lines_of, parsed
from boxferry.collector.waiting import waiting_beside
from boxferry.plan.patience import Patience

OPTIONS = PushOptions(labels="create", patience=Patience(wait_s=20.0, settle_s=0.2, failures=2, first_pause_s=0.01))
#: where answers are slow: a request that is on its way is not taken for one that never arrived
SLOW = replace(OPTIONS, patience=replace(OPTIONS.patience, settle_s=3.0))
NAMES = {0: "cat", 1: "dog"}


def a_result(path, corners=((40, 30, 60, 50),)):
    """As Ultralytics gives it."""
    boxes = Thing(xyxy=np.array(corners, float), cls=np.zeros(len(corners)), conf=np.full(len(corners), 0.5), id=None)
    return Thing(boxes=boxes, obb=None, masks=None, names=NAMES, path=str(path), orig_shape=(80, 100))


def wait_until(there, seconds=10.0):
    """Wait for something that a thread does."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.01)


def a_collector(diffgram, **options):
    given = {"directory": "Default", "model": "m", "run": "r", "options": OPTIONS, "every_s": 0.1} | options
    return diffgram.collector(**given)


def many_images(folder, count):
    """So many images of 100x80, of one content each."""
    folder.mkdir()
    Picture.new("RGB", (100, 80), "grey").save(folder / "first.png")
    picture = (folder / "first.png").read_bytes()
    (folder / "first.png").unlink()
    paths = [folder / f"{number:04}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(picture + bytes([number % 251]))  # PNG ends before this
    return paths


def on_disk(diffgram):
    """The names of the images that wait, and of those that were set aside."""
    found = waiting_beside(diffgram.outbox_path)
    lines = [line for each in found for path in Path(each.folder).glob("*.ndjson") for line in lines_of(path)]
    return sorted(parsed(line).image.key for line in lines), sorted(a.image for each in found for a in each.aside)


PROGRAM = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from boxferry import Diffgram
from collector.collecting import *
from sending.pushing import server_of
facts = json.loads(sys.argv[1])
sandbox = Thing(host=facts["host"], project="sandbox", client_id="LIVE__sandbox", client_secret="sandbox-secret")
diffgram = Diffgram(server_of(sandbox), outbox=facts["outbox"])
paths = facts["paths"]
"""


def in_a_process(code, host, diffgram, paths):
    """Starts a process that runs the code, which has a `diffgram` on the same outbox, and `paths`."""
    facts = _facts(host, diffgram, paths)
    return processes.Process(PROGRAM + code, facts, stdout=subprocess.PIPE, needs=(__name__,))


def through_a_process(code, host, diffgram, paths):
    """The same, to its end."""
    return processes.run(PROGRAM + code, _facts(host, diffgram, paths), needs=(__name__,), timeout=60)


def _facts(host, diffgram, paths):
    return json.dumps({"host": host, "outbox": str(diffgram.outbox_path), "paths": [str(path) for path in paths]})
