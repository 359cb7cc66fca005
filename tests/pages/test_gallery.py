"""What the images of a page are drawn from: outlines as they are, videos by their count or their first frame."""

import json
from types import SimpleNamespace as Thing

import numpy as np

from boxferry import read
from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Tally
from boxferry.review.judged import Judged, Predicted, Stored
from boxferry.review.page import BROWSED, report_page
from boxferry.review.preview import preview_of
from boxferry.review.pull import ReviewedFile
from boxferry.review.review import Review
from boxferry.review.suspicious import Suspicion, Suspicions
from pages.page_data import data_of
from pages.sources import a_review

HERE = (10.0, 10.0, 50.0, 40.0)
RING = ((10.0, 10.0), (50.0, 25.0), (30.0, 40.0))


def test_a_report_has_the_outlines_of_both_sides():
    """As they were sent and as they are; a box has none."""
    sent = Predicted(reference="a", label="car", corners=HERE, rings=(RING,))
    left = Stored(row_id=1, reference="a", label="car", corners=HERE)
    file = ReviewedFile(file_name="a.jpg", file_id=1, width=90, height=90, reviewed=True,
                        judged=[Judged(fate="moved", predicted=sent, stored=left)])  # fmt: skip
    review = Review(Thing(name="r", model="m", project="p", directory_id=1), [file])
    (box,) = data_of(report_page([(review, review.summary())]))["images"][0]["b"]
    assert box[2:] == [[0, 10, 10, 50, 40, [[10, 10, 50, 25, 30, 40]]], [0, 10, 10, 50, 40]]


def test_a_preview_has_the_outlines_that_a_push_would_send(tmp_path):
    """Where outlines are read; else their bounds, which is what would be sent."""
    ring = [10, 10, 50, 25, 30, 40]
    rows = [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 30], "segmentation": [ring], "score": 0.5}]
    images = [{"id": 1, "file_name": "a.jpg", "width": 90, "height": 90}]
    facts = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": rows}
    (tmp_path / "x.json").write_text(json.dumps(facts))
    drawn = [
        data_of(preview_of(read(tmp_path / "x.json", polygons=outlines), Tally()).page)["images"][0]["b"][0][2]
        for outlines in (True, False)
    ]
    assert drawn == [[0, 10, 10, 50, 40, [ring]], [0, 10, 10, 50, 40]]


def test_the_videos_of_a_run_are_told_of():
    """They are in the numbers, and no images of the page."""
    boxes = [Judged(fate="kept", predicted=Predicted(reference="a", label="car", corners=HERE, frame=3))] * 1500
    film = ReviewedFile(file_name="f.mp4", file_id=2, width=90, height=90, video=True, judged=boxes)
    review = Review(Thing(name="r", model="m", project="p", directory_id=1), [film])
    page = report_page([(review, review.summary())])
    assert "1 video with 1,500 boxes: in the numbers, not among the images." in page
    assert data_of(page)["images"] == []


def test_a_preview_shows_a_video_by_its_first_frame_with_boxes():
    """How many frames have boxes, and which is drawn."""
    film = Image("f.mp4", 90, 90, video=True, frames=30, frame_rate=10)
    boxes = [[1.0, 1, 20, 20], [2, 2, 30, 30], [3, 3, 40, 40]]
    chunk = Detections.from_counts([film], [3], boxes, [0, 0, 0], ("car",), frame=np.array([7, 4, 4]))
    (image,) = data_of(preview_of(read(chunk), Tally()).page)["images"]
    assert image["t"] == "3 boxes on 2 frames of a video: frame 4"
    assert [box[2][1] for box in image["b"]] == [2, 3]


def test_what_is_suspicious_is_among_the_images_of_a_page(tmp_path):
    """Though many others were corrected more; its name leads to it."""
    review = a_review(tmp_path, images=BROWSED + 3, boxes=3)
    last = review.files[-1]
    seen = Suspicion(kind="missing", file=last, frame=None, suspicion=0.9, predicted=last.judged[0].predicted)
    page = report_page([(review, review.summary())], suspicions=[Suspicions(by="boxferry", boxes=[seen])])
    names = [image["n"] for image in data_of(page)["images"]]
    assert len(names) == BROWSED + 1
    assert names[-1] == last.file_name
    assert f'data-image="{BROWSED}"' in page
