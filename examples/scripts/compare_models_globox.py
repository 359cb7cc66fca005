"""Needs globox: pip install globox. The same numbers as compare_models.py, as globox has them.

    python compare_models_globox.py truth.json old.json new.json

globox takes results of COCO's form with a dataset for names and sizes; thresholds and differences have no call there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from globox import AnnotationSet, COCOEvaluator


def main(truth: str, old: str, new: str) -> dict[str, float]:
    """Print COCO's numbers of both."""
    right = AnnotationSet.from_coco(Path(truth))
    found = {}
    for path in (old, new):
        predictions = right.from_results(Path(path))
        evaluator = COCOEvaluator(ground_truths=right, predictions=predictions)
        found[path] = float(evaluator.ap())
        print(f"{path}\tAP {found[path]:.3f}\tAP50 {evaluator.ap_50():.3f}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
