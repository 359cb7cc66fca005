"""A run that the server does not know: its packets, worked on together, would break there, so the first goes alone.

BOXFERRY_NEW_RUNS is the number of seeded pushes (`make races` makes 200), BOXFERRY_NEW_RUNS_SEED the first seed.
"""

import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image as Picture

from boxferry import Diffgram, PushOptions, read
from boxferry.boxes.detections import Detections
from boxferry.formats import Format
from boxferry.plan.patience import Patience
from boxferry.sandbox.server import Sandbox
from sending.pushing import server_of
from videos import a_video

RUNS = int(os.environ.get("BOXFERRY_NEW_RUNS", "12"))
SEED = int(os.environ.get("BOXFERRY_NEW_RUNS_SEED", "1"))
KINDS = ("upload", "url", "update", "video")
PATIENCE = Patience(wait_s=60.0, settle_s=2.0, stuck_s=1.0, first_pause_s=0.01)


def a_source(folder, kind, count, rng):
    """Predictions on `count` new files, three boxes on each."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    if kind == "video":
        for n in range(count):
            (folder / "images" / f"{n}.mp4").write_bytes(CLIP)
        return on_frames(folder / "images", [f"{n}.mp4" for n in range(count)])
    for n in range(count):
        Picture.new("RGB", (100, 80)).save(folder / "images" / f"{n}.png")
        places = [(rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)) for _ in "123"]
        (folder / "labels" / f"{n}.txt").write_text("".join(f"0 {x:.3f} {y:.3f} 0.2 0.2 0.5\n" for x, y in places))
    return read(folder / "labels", format="yolo", names=["car"], images=folder / "images")


CLIP = a_video()


def on_frames(clips, names):
    def reader(_, context):
        for name in names:
            frames = [0, 3, 5]
            xyxy = [[frame, 1, frame + 9, 9] for frame in frames]
            chunk = Detections.from_counts([context.images.named(name)], [3], xyxy, [0, 0, 0], ["car"], frame=frames)
            context.tally.count(chunk)
            yield chunk

    return replace(read(clips), format=Format(name="frames", summary="", sniff=lambda _: None, read=reader))


def pushed(sandbox, folder, media, seed, *, pilot=True):
    """One push of a new run into a directory of its own; gives what is wrong afterwards, or None."""
    rng = random.Random(seed)
    kind, folder = KINDS[seed % len(KINDS)], folder / str(seed)
    count = rng.randint(1, 4 if kind == "video" else 30)
    source = a_source(folder, kind, count, rng)
    connections = rng.randint(4, 16)
    with Diffgram(server_of(sandbox), outbox=folder / "outbox.sqlite", connections=connections) as diffgram:
        directory = diffgram._client.create_directory(f"run-{seed}").id
        if kind == "update":
            raw = PushOptions(annotations=True, patience=PATIENCE)
            diffgram.push(read(folder / "images"), directory=directory, model="", run="raw", options=raw)
        options = PushOptions(
            labels="create",
            existing=kind == "update",
            media_url=f"{media}/{seed}/images/{{file_name}}" if kind == "url" else None,
            patience=replace(PATIENCE, pilot=pilot),
        )
        report = diffgram.push(source, directory=directory, model=f"m{seed}", run=f"r{seed}", options=options)
    files = [file for file in sandbox.files() if file["directory_id"] == directory]
    held = Counter(box["creation_ref_id"] for file in files for box in sandbox._store.instances(file["id"]))
    if report.states != {"applied": (count, 3 * count)} or len(held) != 3 * count or set(held.values()) != {1}:
        found = f"{report.states}, {dict(report.tally.failed)}, {len(held)} boxes held"
        return f"{seed} ({kind}, {count} files, {connections} connections): {found}"
    return None


@pytest.fixture(params=[0.05])
def racing(tmp_path, request):
    with Sandbox(tmp_path / "sandbox", race_s=request.param) as running:
        labels = Diffgram(server_of(running), outbox=tmp_path / "first.sqlite")
        with labels:
            (schema,) = labels._client.schemas()
            labels._client.create_label("car", schema_id=schema.id)
        yield running


def test_pushes_of_new_runs_lose_nothing_and_kill_no_worker(racing, tmp_path, serve):
    """Uploads, URLs, updates and videos, over 4 to 16 connections: every box once, all workers alive."""
    media = serve(tmp_path)
    seeds = range(SEED, SEED + RUNS)
    with ThreadPoolExecutor(2) as pool:
        wrong = list(filter(None, pool.map(lambda seed: pushed(racing, tmp_path, media, seed), seeds)))
    assert wrong == []
    assert racing.workers_alive == 4


@pytest.mark.parametrize("racing", [0.5], indirect=True)
def test_without_the_pilot_the_same_pushes_break(racing, tmp_path, serve):
    """So the sandbox's race is real: work is lost, and workers die."""
    media = serve(tmp_path)
    wrong = [pushed(racing, tmp_path, media, seed, pilot=False) for seed in (1, 2)]
    assert any(wrong)
    assert racing.workers_alive < 4


def test_two_processes_that_begin_one_run_at_the_same_time_get_to_the_end(racing, tmp_path, serve):
    """Each sends its own pictures. What the race costs is found: sent again where it is an upload."""
    media = serve(tmp_path)

    def one(seed):
        source = a_source(tmp_path / f"at-once-{seed}", "upload", 6, random.Random(seed))
        source = replace(source, images=source.images)
        with Diffgram(server_of(racing), outbox=tmp_path / f"{seed}.sqlite") as diffgram:
            directory = diffgram._client.create_directory(f"at-once-{seed}").id
            options = PushOptions(patience=PATIENCE)
            return diffgram.push(source, directory=directory, model="m", run="same", options=options)

    assert media
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(one, (101, 102)))
    assert [report.states for report in reports] == [{"applied": (6, 18)}] * 2
