"""Have the labels of a FiftyOne data set corrected: python examples/fiftyone_review.py send|load DATASET FIELD KEY."""

from __future__ import annotations

import sys

import fiftyone as fo

from boxferry.integrations.fiftyone import register


def main(step: str, name: str, field: str, key: str) -> None:
    """`send` once, then `load` as often as people have gone on; the same from any machine with the same database."""
    register(directory="Default", labels="create")
    dataset = fo.load_dataset(name)
    if step == "send":
        dataset.annotate(key, backend="diffgram", label_field=field)
    else:
        dataset.load_annotations(key)
    print(dict(sorted(dataset.count_values(f"{field}.detections.label").items())))


if __name__ == "__main__":
    main(*sys.argv[1:])
