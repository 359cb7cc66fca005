"""Times `boxferry convert` beside a plain script on the same input, in turn; prints the ratio.

The place for benchmarks; peers and the other inputs are still to come.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMAGES, BOXES_EACH, ROUNDS = 4000, 50, 3
PLAIN = """
import collections, json, sys
results, dataset = (json.load(open(path)) for path in sys.argv[1:3])
names = {c["id"]: c["name"] for c in dataset["categories"]}
images = {i["id"]: i for i in dataset["images"]}
by_image = collections.defaultdict(list)
for r in results:
    x, y, w, h = r["bbox"]
    box = {"type": "box", "name": names[r["category_id"]], "x_min": round(x), "y_min": round(y), "x_max": round(x + w),
           "y_max": round(y + h), "machine_made": True, "score": r["score"]}
    by_image[r["image_id"]].append(box)
with open(sys.argv[3], "w") as out:
    for image_id, boxes in by_image.items():
        out.write(json.dumps({"original_filename": images[image_id]["file_name"], "instance_list": boxes}) + "\\n")
"""


def make_input(folder: Path) -> tuple[Path, Path]:
    """Seeded COCO results, grouped by image, and their dataset."""
    rng = random.Random(7)
    images = [{"id": i, "file_name": f"{i:012}.jpg", "width": 640, "height": 480} for i in range(IMAGES)]
    categories = [{"id": c, "name": f"class {c}"} for c in range(80)]
    results = [
        {
            "image_id": i,
            "category_id": rng.randrange(80),
            "bbox": [round(rng.uniform(0, 500), 2) for _ in range(2)]
            + [round(rng.uniform(5, 130), 2) for _ in range(2)],
            "score": round(rng.random(), 5),
        }
        for i in range(IMAGES)
        for _ in range(BOXES_EACH)
    ]
    paths = folder / "results.json", folder / "dataset.json"
    paths[0].write_text(json.dumps(results))
    paths[1].write_text(json.dumps({"images": images, "categories": categories}))
    return paths


def seconds(command: list[str]) -> float:
    """How long a whole process takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Run both in turn, and print medians and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results, dataset = make_input(folder)
        ours = [sys.executable, "-c", "from boxferry.cli.main import main; main()", "convert", str(results)]
        ours += ["--categories", str(dataset), "-o", str(folder / "ours.ndjson")]
        plain = [sys.executable, "-c", PLAIN, str(results), str(dataset), str(folder / "plain.ndjson")]
        times = [(seconds(ours), seconds(plain)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    boxes = IMAGES * BOXES_EACH
    print(f"{boxes} COCO results: boxferry {mine:.2f} s, a plain script {other:.2f} s, ratio {other / mine:.1f}")


if __name__ == "__main__":
    main()
