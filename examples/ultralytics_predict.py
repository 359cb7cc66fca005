"""Predict with Ultralytics, and send the boxes meanwhile: python examples/ultralytics_predict.py IMAGES."""

from __future__ import annotations

import sys

from ultralytics import YOLO

from boxferry import Diffgram
from boxferry.integrations.ultralytics import add_to


def main(images: str) -> None:
    """The loop waits for no server; leaving the context does, for a minute at most."""
    model = YOLO("yolo26n.pt")
    with Diffgram.from_env() as diffgram:
        collector = diffgram.collector(
            directory="Default", model="yolo26n", run="night", labels="create", min_score=0.25
        )
        with add_to(model, collector):
            for _ in model.predict(images, stream=True):
                pass
    print(collector.report.summary())


if __name__ == "__main__":
    main(sys.argv[1])
