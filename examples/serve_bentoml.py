"""Not run here, since the tests do not install BentoML: bentoml serve examples.serve_bentoml:Detector.

A service that answers with boxes, and sends what it answered to be corrected.
"""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 # BentoML looks at it when it runs
from typing import Any

import bentoml
from my_model import predict  # a path → a dict of boxes, labels and scores

from boxferry import Diffgram
from boxferry.integrations.serving import collecting


@bentoml.service
class Detector:
    """Answers an image."""

    def __init__(self) -> None:
        """Enter the collector's context; what is not sent when the process ends waits on disk for `boxferry resume`."""
        diffgram = Diffgram.from_env(outbox=f"/var/lib/boxferry/{os.getpid()}.sqlite")
        collector = diffgram.collector(
            directory="Default", model="frcnn", run="live", names=["__background__", "cat"], labels="create"
        )
        self._predict = collecting(predict, collector.__enter__(), image=str)

    @bentoml.api
    def detect(self, image: Path) -> dict[str, Any]:
        """The boxes of an image. Keep the file: it is uploaded a few seconds later."""
        return self._predict(image)
