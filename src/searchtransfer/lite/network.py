# SPDX-License-Identifier: Apache-2.0
"""FusionNet as an ONNX file, in the place of the network that the pipeline calls."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingExtraError, WeightsError
from ..foreign import shown
from .arrays import Tensor, from_numpy


class OnnxNetwork:
    """FusionNet in onnxruntime, on the CPU.

    Args:
        path: a file that `searchtransfer export` wrote.
        threads: of the runtime.

    Raises:
        WeightsError: the file cannot be read, or is of another network.
        MissingExtraError: onnxruntime is not installed.
    """

    def __init__(self, path: str | Path, threads: int) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError(
                "running without torch needs onnxruntime: pip install onnxruntime"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            content = Path(path).read_bytes()
            self._session: Any = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of kinds of its own
            raise WeightsError(f"network {shown(path)}: cannot be read: {error}") from error
        said = self._session.get_modelmeta().custom_metadata_map
        if (said.get("format"), said.get("architecture")) != ("searchtransfer", "fusion"):
            raise WeightsError(
                f"network {shown(path)}: is no FusionNet of this package; make one with: "
                "searchtransfer export fusion-x4 -o FILE.onnx"
            )
        self.scale = int(said["scale"])
        self.reach = int(said["reach"])
        self.config = json.loads(said["config"])

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing: the weights stay in the file."""
        return {}

    def __call__(self, low: Tensor, evidence: Any, noise: Tensor) -> Tensor:
        """As `FusionNet.forward`."""
        if evidence is None:
            batch, _, height, width = low.shape
            texture = np.zeros((batch, 3, height * self.scale, width * self.scale), np.float32)
            evidence = texture, texture, np.zeros((batch, 7, height, width), np.float32)
        names = ("low", "detail", "transferred", "maps", "noise")
        inputs = {
            name: np.ascontiguousarray(np.asarray(x))
            for name, x in zip(names, (low, *evidence, noise), strict=True)
        }
        (sharp,) = self._session.run(None, inputs)
        return from_numpy(sharp)
