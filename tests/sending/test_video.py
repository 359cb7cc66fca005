"""Videos: boxes at the frames that the server counts, onto new videos and those that are there; long ones are split."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from boxferry import read
from boxferry.boxes.detections import Detections
from boxferry.deliver.lookup import Lookup
from boxferry.formats import Format
from sending.pushing import push
from videos import a_video


@pytest.fixture
def clips(tmp_path):
    """A folder with one video of 3 s at 10 frames a second, 64x48."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clip.mp4").write_bytes(a_video())
    return tmp_path / "clips"


def on_frames(clips, frames, *, tracks=None, name="clip.mp4"):
    """Predictions of one box 'car' on each of these frames of a video; the box moves with the frame."""

    def reader(_, context):
        xyxy = [[frame % 40, 1, frame % 40 + 9, 9] for frame in frames]
        chunk = Detections.from_counts(
            [context.images.named(name)], [len(frames)], xyxy, [0] * len(frames), ["car"], frame=frames, track=tracks
        )
        context.tally.count(chunk)
        yield chunk

    return replace(read(clips), format=Format(name="frames", summary="", sniff=lambda _: None, read=reader))


def boxes_of(sandbox, name="clip.mp4"):
    """(frame, number, x_min) of each box."""
    return sorted((box["frame_number"], box["number"], box["x_min"]) for box in sandbox.boxes(name))


@pytest.mark.parametrize("way", ["upload", "url"])
def test_a_new_video_gets_its_boxes_frame_by_frame(sandbox, diffgram, clips, serve, way):
    """Tracks become sequences; the same again sends nothing."""
    predictions = on_frames(clips, [0, 5, 5, 29], tracks=[7, 7, 8, -1])
    options = {"media_url": serve(clips) + "/{file_name}"} if way == "url" else {}
    for _ in range(2):
        report = push(diffgram, predictions, **options)
        assert (report.exit_code, report.states) == (0, {"applied": (1, 4)}), report.failed
    assert boxes_of(sandbox) == [(0, 7, 0), (5, 7, 5), (5, 8, 5), (29, None, 29)]
    assert len(sandbox.inputs()) == 1


@pytest.mark.parametrize(("late", "ends"), [(3, "applied"), (99, "refused")])
def test_boxes_that_are_stored_a_little_after_the_success_are_waited_for(
    sandbox, diffgram, clips, monkeypatch, late, ends
):
    """A server's workers of frames can be behind; boxes that never come are missing."""
    real, looks = Lookup.stored, []

    def behind(self, files):
        looks.append(files)
        found = real(self, files)
        return {file: Counter(list(there)[len(looks) < late :]) for file, there in found.items()}

    monkeypatch.setattr(Lookup, "stored", behind)
    monkeypatch.setattr("boxferry.deliver.verify.PAUSE_S", 0.02)
    monkeypatch.setattr("boxferry.deliver.verify.FRAMES_S", 0.2)
    report = push(diffgram, on_frames(clips, [0, 5, 29]))
    assert report.states == {ends: (1, 3)}
    assert [entry.reason for entry in report.failed] == (
        ["the server reports success, but 1 of 3 boxes are not stored"] if ends == "refused" else []
    )


def test_a_video_alone_is_raw_data(sandbox, diffgram, clips):
    """Found in its folder, with its size and frames."""
    assert push(diffgram, read(clips)).exit_code == 0
    (file,) = sandbox.files()
    assert (file["type"], file["width"], file["height"], file["frame_count"]) == ("video", 64, 48, 30)


def test_boxes_are_appended_to_a_video_that_is_there(sandbox, diffgram, clips):
    """By name; the boxes that it has are known, frame by frame, where the outbox knows nothing."""
    push(diffgram, read(clips), run="raw")
    push(diffgram, on_frames(clips, [0, 5]), existing=True)
    diffgram.outbox._db.execute("DELETE FROM packet")
    report = push(diffgram, on_frames(clips, [0, 5, 6]), existing=True, verify=True)
    assert (report.exit_code, report.states) == (0, {"applied": (2, 3)}), "what is there enters the run"
    assert report.tally.dropped == {"already-sent": 2}
    assert [frame for frame, *_ in boxes_of(sandbox)] == [0, 5, 6]


def test_a_frame_past_the_end_is_dropped_with_its_reason(sandbox, diffgram, clips):
    """The server would lose the box and call it a success."""
    report = push(diffgram, on_frames(clips, [0, 29, 30, 500]))
    assert report.tally.dropped == {"no-such-frame": 2}
    assert [frame for frame, *_ in boxes_of(sandbox)] == [0, 29]


def test_a_faster_video_has_its_frames_renumbered(sandbox, diffgram, clips):
    """60 frames a second become 30: every other frame is there, under half its number."""
    (clips / "clip.mp4").write_bytes(a_video(frames=60, rate=60))
    report = push(diffgram, on_frames(clips, [0, 1, 2, 7, 8, 58, 59]))
    assert report.tally.dropped == {"resampled": 3}
    assert [(frame, x) for frame, _, x in boxes_of(sandbox)] == [(0, 0), (1, 2), (4, 8), (29, 18)]
    assert sandbox.files()[0]["frame_count"] == 30


def test_a_long_video_is_split_and_every_clip_is_waited_for(sandbox, diffgram, clips, serve):
    """The whole has no file of its own; a failed clip is told by its name."""
    (clips / "clip.mp4").write_bytes(a_video(frames=325, rate=5))
    url = serve(clips) + "/{file_name}"
    report = push(diffgram, on_frames(clips, [0, 160]), media_url=url)
    assert (report.exit_code, report.states) == (0, {"applied": (1, 2)}), report.failed
    assert boxes_of(sandbox, "30_clip.mp4") == [(10, None, 0)]
    assert push(diffgram, on_frames(clips, [0, 160]), media_url=url).exit_code == 0
    assert len(sandbox.files()) == 3


def test_an_upload_of_a_long_video_is_refused_before(sandbox, diffgram, clips):
    """Its answer would not tell what became of the clips."""
    (clips / "clip.mp4").write_bytes(a_video(frames=325, rate=5))
    report = push(diffgram, on_frames(clips, [0]))
    assert report.tally.failed == {"long-video": 1}
    assert sandbox.files() == []


def test_the_split_of_a_video_is_sent(sandbox, diffgram, clips, serve):
    """--video-split."""
    push(diffgram, read(clips), media_url=serve(clips) + "/{file_name}", video_split_s=2)
    assert sorted(file["original_filename"] for file in sandbox.files()) == ["0_clip.mp4", "2_clip.mp4"]


def test_boxes_of_a_video_cannot_be_replaced(sandbox, diffgram, clips):
    """The server adds them whatever it is told."""
    push(diffgram, read(clips), run="raw")
    report = push(diffgram, on_frames(clips, [0]), existing=True, on_existing="replace-own")
    assert report.tally.failed == {"video-replace": 1}


def test_frames_of_another_count_are_an_error_with_both(sandbox, diffgram, clips):
    """Where the rate is not known, nobody can tell which frame is which."""
    push(diffgram, read(clips), run="raw")

    def unknown_rate(chunk, _):
        images = [msgspec_replace(image, frames=90, frame_rate=0.0) for image in chunk.images]
        return chunk.replace(images=images)

    report = push(diffgram, on_frames(clips, [0]).then(unknown_rate), existing=True)
    assert report.tally.failed == {"frames-differ": 1}
    assert "90, the server has 30" in report.tally.examples["frames-differ"][0].message


def msgspec_replace(image, **changes):
    import msgspec

    return msgspec.structs.replace(image, **changes)


def test_random_frames_of_a_faster_video_never_share_a_frame():
    """Of those that come to one frame of the server's, one is kept."""
    from boxferry.boxes.detections import Image
    from boxferry.boxes.tally import Tally
    from boxferry.plan.server_size import Timing, to_server_frames

    for source, server in [(60.0, 30.0), (50.0, 30.0), (59.94, 30.0), (120.0, 30.0), (33.3, 30.0), (29.97, 30.0)]:
        frames = np.arange(600)
        image = Image("a.mp4", 64, 48, video=True, frame_rate=source)
        boxes = [[0, 0, 9, 9]] * 600
        chunk = Detections.from_counts([image], [600], boxes, [0] * 600, ["car"], frame=frames)
        kept = to_server_frames(chunk, [Timing(min(server, source), 0)], Tally()).frame
        assert len(set(kept.tolist())) == len(kept)
        wanted = set(range(int(599 * min(1.0, server / source)))) if source > 30 else set(range(600))
        assert wanted <= set(kept.tolist())
