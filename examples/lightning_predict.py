"""Predict with Lightning, and send the boxes meanwhile: python examples/lightning_predict.py.

`my_model` is yours: a LightningModule whose `predict_step` gives a dict of boxes, labels and scores for each image of a
batch, and a loader whose batches are pairs of paths and images.
"""

from __future__ import annotations

from lightning import Trainer
from my_model import Detector, loader

from boxferry import Diffgram
from boxferry.integrations.lightning import DiffgramWriter


def main() -> None:
    """The callback enters the collector's context when prediction begins, and leaves it when it ends."""
    with Diffgram.from_env() as diffgram:
        collector = diffgram.collector(
            directory="Default", model="frcnn", run="night", names=["__background__", "cat"], labels="create"
        )
        writer = DiffgramWriter(collector, names=lambda batch: batch[0])
        Trainer(callbacks=[writer]).predict(Detector(), loader, return_predictions=False)
    print(collector.report.summary())


if __name__ == "__main__":
    main()
