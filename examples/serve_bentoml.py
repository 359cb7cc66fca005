"""A service of BentoML whose boxes are sent to be corrected: bentoml serve examples.serve_bentoml:Detector.

The results of all workers wait in one outbox, BOXFERRY_OUTBOX, which `boxferry status` lists.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 # BentoML looks at it when it runs
from typing import Any

import bentoml
from my_model import predict  # a path → a dict of boxes, labels and scores

from boxferry import Diffgram
from boxferry.integrations.serving import Serving


@bentoml.service
class Detector:
    """Answers an image."""

    def __init__(self) -> None:
        """In each worker: begin with what an earlier one has left."""
        self._detect = Serving(
            predict,
            Diffgram.from_env(),
            directory="Default",
            model="frcnn",
            run="live",
            names=["__background__", "cat"],
            labels="create",
        )

    @bentoml.api
    def detect(self, image: Path) -> dict[str, Any]:
        """The boxes of an image. BentoML deletes its file with the answer: a copy of it is sent."""
        return self._detect(image)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Send the rest, for a few seconds."""
        self._detect.close()
