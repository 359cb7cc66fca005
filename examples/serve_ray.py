"""Not run here, since Ray Serve needs packages of its own (pip install 'ray[serve]'): serve run examples.serve_ray:app.

A deployment that answers with boxes, and sends what it answered to be corrected. The image is at a path that this
machine and the collector's settings know; each replica has an outbox of its own.
"""

from __future__ import annotations

from typing import Any

from my_model import predict  # a path → a dict of boxes, labels and scores
from ray import serve
from starlette.requests import Request  # noqa: TC002 # FastAPI and Ray Serve look at it when they run

from boxferry import Diffgram
from boxferry.integrations.serving import collecting


@serve.deployment
class Detector:
    """Answers {"image": path}."""

    def __init__(self) -> None:
        """Enter the collector's context; it is left when the process ends."""
        outbox = f"/var/lib/boxferry/{serve.get_replica_context().replica_id.unique_id}.sqlite"
        diffgram = Diffgram.from_env(outbox=outbox)
        collector = diffgram.collector(
            directory="Default", model="frcnn", run="live", names=["__background__", "cat"], labels="create"
        )
        self._predict = collecting(predict, collector.__enter__(), image=lambda path: path)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """The boxes of an image; nothing of the sending is waited for."""
        return self._predict((await request.json())["image"])


app = Detector.bind()
