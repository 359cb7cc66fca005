"""A deployment of Ray Serve whose boxes are sent to be corrected: serve run examples.serve_ray:app.

The body of a request is an image file. The results of all replicas of a node wait in one outbox, BOXFERRY_OUTBOX, which
`boxferry status` lists there.
"""

from __future__ import annotations

import asyncio
from typing import Any

from my_model import predict  # the bytes of an image file → a dict of boxes, labels and scores
from ray import serve
from starlette.requests import Request  # noqa: TC002 # Ray Serve looks at it when it runs

from boxferry import Diffgram
from boxferry.integrations.serving import Serving


@serve.deployment
class Detector:
    """Answers an image."""

    def __init__(self) -> None:
        """In each replica: begin with what an earlier one has left."""
        self._detect = Serving(
            predict,
            Diffgram.from_env(),
            directory="Default",
            model="frcnn",
            run="live",
            names=["__background__", "cat"],
            labels="create",
        )

    async def __call__(self, request: Request) -> dict[str, Any]:
        """The boxes of an image; in a thread, so that the replica answers others meanwhile."""
        return await asyncio.to_thread(self._detect, await request.body())

    def __del__(self) -> None:
        """Send the rest, for a few seconds: Ray Serve calls it when it ends a replica."""
        self._detect.close()


app = Detector.bind()
