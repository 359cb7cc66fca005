"""Two models measured against a ground truth, and against each other.

python compare_models.py truth.json old.json new.json
"""

from __future__ import annotations

import sys

from boxferry import diff, evaluate, read


def main(truth: str, old: str, new: str) -> dict[str, float]:
    """Print COCO's numbers of both, the threshold for nine right boxes in ten, and what differs."""
    found = {}
    for path in (old, new):
        metrics = evaluate(path, truth)
        found[path] = metrics.AP
        print(f"{path}\tAP {metrics.AP:.3f}\tAP50 {metrics['AP50']:.3f}")
        for label, numbers in metrics.per_class().items():
            threshold = metrics.threshold(precision=0.9).get(label)
            print(f"  {label}\tAP {numbers['AP']:.3f}\tthreshold for 0.9: {threshold.score if threshold else None}")
    sure = [read(path, categories=truth).filter(min_score=0.5) for path in (old, new)]
    changes = diff(*sure).counts
    print(", ".join(f"{count} {change}" for change, count in changes.items()))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
