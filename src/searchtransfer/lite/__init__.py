# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline without torch: NumPy, onnxruntime, Pillow, the compiled kernel, and OpenCV
if it is there, for photos that show the scene from another side.

    from searchtransfer import lite

    upscaler = lite.upscaler("fusion-x4.onnx", worn="fusion-x4-worn.onnx")
    upscaler.upscale("small.png", ["sharp.png"]).save("large.png")

The networks are files that `searchtransfer export` writes. What comes back is the package's own
`Upscaler`, on NumPy arrays; `docs/runtimes.md` says how equal the pictures are.
"""

from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..process.budget import MEMORY
from .arrays.process import get_num_threads
from .loading import load
from .network import OnnxNetwork
from .no_opencv import NoGeometryWarning as NoGeometryWarning


def upscaler(
    network: str | Path | None = None,
    *,
    worn: str | Path | None = None,
    scale: int | None = None,
    wear: str = "auto",
    memory: int = MEMORY,
    threads: int | None = None,
) -> Any:
    """Make an upscaler that needs no torch.

    Args:
        network: FusionNet as an ONNX file; None for the model without learning ("transfer"), which
            needs a reference for each picture.
        worn: the one for worn pictures; None: the same for all.
        scale: of the model without learning: 2, 3, 4 or 8; networks have their own.
        wear: what pictures have been through; see `Upscaler.from_pretrained`.
        memory: bytes that a picture may take; likewise.
        threads: of the networks; None for OMP_NUM_THREADS, or all processors.

    Returns:
        As `searchtransfer.Upscaler`, with arrays in the place of tensors: pictures are paths,
        Pillow images or arrays `[H, W]` and `[H, W, C]`, and results of the same kind.

    Raises:
        OptionError: there is no such scale, or networks have another.
        WeightsError: a file is damaged, or of another network.
        MissingExtraError: onnxruntime is not installed.

    Its pictures warn with `NoGeometryWarning` where OpenCV is not installed and would have helped.
    """
    count: int = threads or get_num_threads()
    files = [OnnxNetwork(path, count) for path in (network, worn) if path is not None]
    scales = {x.scale for x in files} | ({scale} if scale else set())
    if len(scales) > 1 or (worn is not None and network is None):
        raise OptionError(
            f"network, worn and scale must fit each other, got {network}, {worn} and {scale}"
        )
    transfer = _lazy(load("models.transfer").TransferModel)(
        scales.pop() if scales else 4, wear=load("wear").parse_wear(wear), memory=memory
    )
    model = transfer
    if files:
        other = files[1] if len(files) > 1 else None
        model = load("models.fusion").FusionModel(files[0], transfer, other)
    return load("upscaler").Upscaler(model)


def _lazy(kind: Any) -> Any:
    """A model that computes of photos what a picture needs of them, when it does: a photo from the
    same side needs no keypoints, and so no word of OpenCV that is not there."""

    class Lazy(kind):  # type: ignore[misc]
        def prepare(self, reference: Any) -> None:
            self.check(reference)

    return Lazy
