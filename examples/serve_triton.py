"""Not run here, since Triton's Python back end is a part of its server: save as model_repository/detector/1/model.py.

A model that answers with boxes, and sends what it answered to be corrected. The input `PATH` is the path of the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as pb
from my_model import predict  # a path → a dict of boxes, labels and scores

from boxferry import Diffgram
from boxferry.integrations.serving import collecting


class TritonPythonModel:
    """Triton makes one for each instance of the model."""

    def initialize(self, args: dict[str, Any]) -> None:
        """Enter the collector's context."""
        outbox = f"/var/lib/boxferry/{args['model_instance_name']}.sqlite"
        self._collector = Diffgram.from_env(outbox=outbox).collector(
            directory="Default", model="frcnn", run="live", names=["__background__", "cat"], labels="create"
        )
        self._predict = collecting(predict, self._collector.__enter__(), image=str)

    def execute(self, requests: list[Any]) -> list[Any]:
        """The boxes of each request's image."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Any) -> Any:  # noqa: ANN401 # Triton's
        path = pb.get_input_tensor_by_name(request, "PATH").as_numpy().item().decode()
        found = self._predict(path)
        tensors = [pb.Tensor(name.upper(), np.asarray(found[name])) for name in ("boxes", "labels", "scores")]
        return pb.InferenceResponse(output_tensors=tensors)

    def finalize(self) -> None:
        """Send the rest."""
        self._collector.__exit__(None, None, None)
