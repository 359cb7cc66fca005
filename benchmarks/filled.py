"""A sandbox's folder with many files and boxes, put there without its routes: uploading would take an hour.

As a program, in a process of its own, it prints the id of the first file; those of the others follow it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from boxferry.packets.reference import file_digest
from boxferry.sandbox.server import Sandbox

BOXES = 5
MODEL, RUN = "m", "r"


def reference(name: str, index: int) -> str:
    """The reference of a box of the run."""
    return f"boxferry:{file_digest(name, MODEL, RUN)}:{','.join(map(str, corners(index)))}:c{index}"


def corners(index: int) -> tuple[int, int, int, int]:
    """x_min, y_min, x_max, y_max of a file's boxes."""
    return 10 * index, 5, 10 * index + 8, 50


def fill(folder: Path, directory: str, count: int, *, boxes: int = 0) -> list[int]:
    """Put so many images of 640x480 into a directory, 000000.png and on, each with so many boxes; gives their ids."""
    with Sandbox(folder) as sandbox:
        store, project = sandbox._store, sandbox.project  # noqa: SLF001 # there is no route that is quick enough
        with store.writing():
            place = store.insert("directory", {"project": project, "nickname": directory})
            model_run = store.model_run(project, MODEL, RUN)
            names = [f"c{index}" for index in range(BOXES)]
            there = {row["name"]: row["id"] for row in store.rows("SELECT id, name FROM label_file")}
            for name in names:
                there[name] = there.get(name) or store.insert(
                    "label_file", {"project": project, "schema_id": 1, "name": name}
                )
            facts = {"project": project, "directory_id": place, "type": "image", "state": "added", "width": 640}
            facts |= {"height": 480, "created_time": time.time(), "count_instances_changed": boxes or None}
            ids = []
            for number in range(count):
                name = f"{number:06}.png"
                file_id = store.insert("file", facts | {"original_filename": name, "time_last_updated": time.time()})
                rows = [_row(name, index, there[names[index]], model_run) for index in range(boxes)]
                store.add_instances(file_id, rows)
                ids.append(file_id)
    return ids


def _row(name: str, index: int, label_id: int, model_run: int) -> dict[str, object]:
    x_min, y_min, x_max, y_max = corners(index)
    return {
        "type": "box", "label_file_id": label_id, "machine_made": True, "version": 1, "score": 0.5,
        "x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max,
        "creation_ref_id": reference(name, index), "model_run_id": model_run,
    }  # fmt: skip


def labels(folder: Path, count: int) -> Path:
    """YOLO files for the first images, of boxes that the sandbox does not have yet."""
    folder.mkdir()
    rows = "".join(f"{index} 0.{index + 2} 0.5 0.1 0.1 0.{index + 3}\n" for index in range(BOXES))
    for number in range(count):
        (folder / f"{number:06}.txt").write_text(rows)
    return folder


def main() -> None:
    """Fill a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("directory")
    parser.add_argument("count", type=int)
    given = parser.parse_args()
    print(fill(given.folder, given.directory, given.count)[0])


if __name__ == "__main__":
    main()
