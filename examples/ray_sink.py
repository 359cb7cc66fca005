"""Predict a folder of images with Ray Data, and send the boxes to Diffgram: python examples/ray_sink.py IMAGES.

The settings come from the environment (DIFFGRAM_HOST, DIFFGRAM_PROJECT, DIFFGRAM_CLIENT_ID, DIFFGRAM_CLIENT_SECRET).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import ray

from boxferry.integrations.ray import DiffgramDatasink, read_corrections


class Detector:
    """Stands in for a model: one box, a quarter of the image's size, in the middle."""

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, object]:
        """A row for each image: its path, and lists of boxes (x_min, y_min, x_max, y_max in pixels), labels, scores."""
        sizes = [image.shape[1::-1] for image in batch["image"]]
        boxes = [np.array([[3 * w / 8, 3 * h / 8, 5 * w / 8, 5 * h / 8]]) for w, h in sizes]
        return {
            "image": batch["path"],
            "boxes": boxes,
            "labels": [["thing"]] * len(sizes),
            "scores": [[0.5]] * len(sizes),
        }


def main(folder: str) -> None:
    """Predict, send, and read back what people have corrected."""
    images = ray.data.read_images(str(Path(folder).absolute()), include_paths=True)
    predicted = images.map_batches(Detector, concurrency=1, batch_size=4)
    sink = DiffgramDatasink(directory="Default", model="detector", run="2026-11-26", labels="create")
    predicted.write_datasink(sink)
    print(sink.result.summary())
    print(read_corrections("2026-11-26", everything=True).count(), "images came back")


if __name__ == "__main__":
    main(sys.argv[1])
