"""Detect with a pipeline of Hugging Face, and send the boxes meanwhile: python examples/huggingface_detect.py IMAGES.

A callback of their Trainer would be of no use: it is handed an evaluation's metrics, and no predictions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from transformers import pipeline

from boxferry import Diffgram
from boxferry.integrations.huggingface import Collecting


def main(folder: str) -> None:
    """One by one, as the pipeline gives them."""
    paths = (str(path) for path in sorted(Path(folder).iterdir()))
    with (
        Diffgram.from_env() as diffgram,
        diffgram.collector(directory="Default", model="detr", run="night", labels="create") as collect,
    ):
        for _ in Collecting(pipeline("object-detection"), collect)(paths):
            pass
    print(collect.report.summary())


if __name__ == "__main__":
    main(sys.argv[1])
