"""The predictions of two models as one, fused, written for training in YOLO's layout with a split.

python merge_and_convert.py data.yaml images/ one/labels two/labels out/
"""

from __future__ import annotations

import sys
from pathlib import Path

from boxferry import merge, read


def main(names: str, images: str, one: str, two: str, target: str) -> dict[str, int]:
    """Fuse, split, write; gives the number of boxes of each part."""
    sets = [read(folder, names=names, images=images).filter(min_score=0.25) for folder in (one, two)]
    fused = merge(sets, "wbf", iou=0.55)
    print(fused.tally)
    found = {}
    for part, predictions in read(fused).split(0.5)._asdict().items():
        tally = predictions.write(Path(target) / part, to="yolo", names=names)
        found[part] = tally.kept
        print(f"{part}\t{tally.kept} boxes")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
