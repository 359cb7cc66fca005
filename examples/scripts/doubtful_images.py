"""A nightly batch: the images of a night that the model is least sure of go to Diffgram, to be corrected by people.

    python doubtful_images.py runs/predict/labels data.yaml images/ incoming

Where Diffgram is, and the key, come from the environment: DIFFGRAM_HOST, DIFFGRAM_PROJECT, DIFFGRAM_CLIENT_ID,
DIFFGRAM_CLIENT_SECRET.
"""

from __future__ import annotations

import sys
from datetime import date

from boxferry import Detections, Diffgram, Image, read


def doubtful(_image: Image, boxes: Detections) -> bool:
    """Whether an image has a box of middling score."""
    return bool(((boxes.score > 0.3) & (boxes.score < 0.7)).any())


def main(labels: str, names: str, images: str, directory: str) -> None:
    """Push the doubtful images of a night."""
    night = date.today().isoformat()
    predictions = read(labels, names=names, images=images).filter(min_score=0.1).nms(0.6).filter_images(doubtful)
    with Diffgram.from_env() as diffgram:
        result = diffgram.push(predictions, directory=directory, model="yolo26n", run=night, labels="create")
    print(result.summary())
    for file in result.files:
        print(f"{file.name}\t{file.state}\t{file.boxes} boxes")
    result.raise_for_failures()


if __name__ == "__main__":
    main(*sys.argv[1:])
