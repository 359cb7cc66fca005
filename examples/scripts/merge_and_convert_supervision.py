"""Needs supervision: pip install supervision. As merge_and_convert.py, but by NMS: it has no fusion.

    python merge_and_convert_supervision.py data.yaml images/ one/labels two/labels out/

Scores are not read from YOLO's txt files there, so that all boxes count the same; a split is random, not by name.
"""

from __future__ import annotations

import sys

import numpy as np
import supervision as sv


def main(names: str, images: str, one: str, two: str, target: str) -> dict[str, int]:
    """Merge, split, write; gives the number of boxes of each part."""
    first, second = (
        sv.DetectionDataset.from_yolo(
            images_directory_path=images, annotations_directory_path=each, data_yaml_path=names
        )
        for each in (one, two)
    )
    annotations = {
        path: scored(found, second.annotations[path]).with_nms(threshold=0.55, class_agnostic=False)
        for path, found in first.annotations.items()
    }
    merged = sv.DetectionDataset(classes=first.classes, images=list(annotations), annotations=annotations)
    found = {}
    for part, dataset in zip(("train", "val"), merged.split(split_ratio=0.5, random_state=0), strict=True):
        dataset.as_yolo(annotations_directory_path=f"{target}/labels/{part}")
        found[part] = sum(len(boxes) for boxes in dataset.annotations.values())
        print(f"{part}\t{found[part]} boxes")
    return found


def scored(*detections: sv.Detections) -> sv.Detections:
    """All boxes, each with a score: there is no NMS without."""
    merged = sv.Detections.merge(list(detections))
    merged.confidence = np.ones(len(merged))
    return merged


if __name__ == "__main__":
    main(*sys.argv[1:])
