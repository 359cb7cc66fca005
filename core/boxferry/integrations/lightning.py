"""PyTorch Lightning: a callback that hands what a model predicts to a collector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.errors import UsageError
from boxferry.integrations.handing_over import hand_over, paired

try:
    from lightning.pytorch.callbacks import BasePredictionWriter
except ImportError:
    try:
        from pytorch_lightning.callbacks import BasePredictionWriter
    except ImportError as error:
        raise UsageError(f"Lightning is not installed ({error}); pip install lightning") from None

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.collector.collector import Collector


class DiffgramWriter(BasePredictionWriter):  # type: ignore[misc] # Lightning is not there when types are checked
    """Hands over each batch of `trainer.predict`: `Trainer(callbacks=[DiffgramWriter(collector, names=…)])`.

    Strategies that start processes by pickling the trainer ('ddp_spawn') cannot take it; those that start the program
    again ('ddp') can: each process has a collector, and those of one machine take turns at sending. What cannot be
    handed over, such as a batch with other names than predictions, is counted in the collector's report.
    """

    def __init__(self, collector: Collector, *, names: Callable[[Any], Sequence[str]]) -> None:
        """Say where to, and how images are called.

        Args:
            collector: takes the results; its context is entered when prediction begins, and left when it ends.
            names: the names or paths of the images of a batch, in the order of its predictions:
                `lambda batch: batch[0]`.
        """
        super().__init__(write_interval="batch")
        self._collector, self._names = collector, names

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: ANN401 # Lightning's
        """Begin, where it is for prediction."""
        super().setup(trainer, pl_module, stage)
        if stage == "predict":
            self._collector.__enter__()

    def write_on_batch_end(
        self,
        trainer: Any,  # noqa: ANN401, ARG002 # Lightning's, as the next ones
        pl_module: Any,  # noqa: ANN401, ARG002
        prediction: Sequence[Any],
        batch_indices: Sequence[int] | None,  # noqa: ARG002
        batch: Any,  # noqa: ANN401
        batch_idx: int,  # noqa: ARG002
        dataloader_idx: int,  # noqa: ARG002
    ) -> None:
        """Hand over a batch: a result for each of its images."""
        hand_over(self._collector, lambda: paired(prediction, [str(name) for name in self._names(batch)]))

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ANN401 # Lightning's
        """Send the rest where prediction has failed: Lightning tears nothing down then."""
        super().on_exception(trainer, pl_module, exception)
        self._collector.__exit__(None, None, None)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: ANN401 # Lightning's
        """Send the rest."""
        super().teardown(trainer, pl_module, stage)
        if stage == "predict":
            self._collector.__exit__(None, None, None)
