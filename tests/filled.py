"""A sandbox with many files and boxes, put there without its routes: uploading would take too long."""

import time

DONE = {"state": "added", "width": 640, "height": 480}


def fill(sandbox, count, *, boxes=0, first=0, directory_id=None, box=None):
    """So many images of 640x480 called 000000.png and on, each with so many boxes; gives their ids.

    `box(number, index)` gives further fields of a box.
    """
    store, ids = sandbox._store, []
    directory_id = directory_id or sandbox.directory_id
    with store.writing():
        for number in range(first, first + count):
            facts = {"project": sandbox.project, "directory_id": directory_id, "type": "image", **DONE}
            facts |= {"original_filename": f"{number:06}.png", "created_time": time.time()}
            file_id = store.insert("file", facts | _changed(store, boxes))
            store.add_instances(file_id, [_box(index) | (box(number, index) if box else {}) for index in range(boxes)])
            ids.append(file_id)
    return ids


def _changed(store, boxes):
    """The columns by which the sandbox tells when a file changed, and whether a box was ever put there."""
    return {"time_last_updated": time.time(), "count_instances_changed": boxes or None}


def _box(index):
    corners = {"x_min": 10 * index, "y_min": 5, "x_max": 10 * index + 8, "y_max": 50}
    return {"type": "box", "label_file_id": 1, "machine_made": True, "version": 1, **corners}
