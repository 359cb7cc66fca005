"""A model of Triton's Python back end whose boxes are sent to be corrected: MODELS/detector/1/model.py.

The input `IMAGE` is the bytes of an image file. The results of all instances wait in one outbox, BOXFERRY_OUTBOX, which
`boxferry status` lists. MODELS/detector/config.pbtxt:

    backend: "python"
    input { name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }
    output { name: "BOXES" data_type: TYPE_FP64 dims: [ -1, 4 ] }
    output { name: "LABELS" data_type: TYPE_INT64 dims: [ -1 ] }
    output { name: "SCORES" data_type: TYPE_FP64 dims: [ -1 ] }
"""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as pb
from my_model import predict  # the bytes of an image file → a dict of boxes, labels and scores

from boxferry import Diffgram
from boxferry.integrations.serving import Serving

TYPES = {"boxes": np.float64, "labels": np.int64, "scores": np.float64}


class TritonPythonModel:
    """Triton makes one for each instance of the model, in a process of its own."""

    def initialize(self, _: dict[str, Any]) -> None:
        """Begin with what an earlier process has left."""
        self._detect = Serving(
            predict,
            Diffgram.from_env(),
            directory="Default",
            model="frcnn",
            run="live",
            names=["__background__", "cat"],
            labels="create",
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        """The boxes of each request's image; a request that fails keeps none of the others from its answer."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Any) -> Any:  # noqa: ANN401 # Triton's
        try:
            found = self._detect(pb.get_input_tensor_by_name(request, "IMAGE").as_numpy().item())
        except Exception as error:  # noqa: BLE001 # it is the answer
            return pb.InferenceResponse(error=pb.TritonError(str(error)))
        return pb.InferenceResponse(
            [pb.Tensor(name.upper(), np.array(found[name], kind)) for name, kind in TYPES.items()]
        )

    def finalize(self) -> None:
        """Send the rest, for a few seconds."""
        self._detect.close()
