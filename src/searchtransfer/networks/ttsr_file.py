# SPDX-License-Identifier: Apache-2.0
"""TTSR from a file: one with a description, or a released checkpoint, described by its shapes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import WeightsError
from ..given import check_flag, check_path
from ..weights import WeightsFile, build, read_weights, save_weights
from .ttsr import TTSR


def load_ttsr(path: str | Path) -> TTSR:
    """Build the TTSR that a file holds, and load it.

    Args:
        path: a safetensors file of this package, or a released `.pt` checkpoint. Of the latter
            depth and width are read off its tensors, residual scale is 1 and overlap "constant".

    Raises:
        WeightsError: the file cannot be read safely, or is not of TTSR.
    """
    check_path("weights", path)
    file = read_weights(path)
    return build(TTSR, _config(file), file)


def convert_ttsr(source: str | Path, target: str | Path, *, overwrite: bool = False) -> TTSR:
    """Turn a released `.pt` checkpoint into a safetensors file with a description.

    Raises:
        WeightsError: the source cannot be read safely, or is not of TTSR.
        OutputError: the target exists or cannot be written.
    """
    check_path("weights", target)
    check_flag("convert_ttsr: overwrite", overwrite)
    model = load_ttsr(source)
    save_weights(model, target, overwrite=overwrite)
    return model


def infer_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Depth and width of the TTSR that has these weights.

    Where a tensor is missing, the published value is taken; strict loading then names it.
    """

    def channels(key: str, default: int) -> int:
        return tensors[key].shape[0] if key in tensors and tensors[key].dim() else default

    def depth(chain: str) -> int:
        prefix = f"MainNet.{chain}."
        return len({key.removeprefix(prefix).split(".")[0] for key in tensors if prefix in key})

    return {
        "blocks": (depth("SFE.RBs"), depth("RB11"), depth("RB21"), depth("RB31")),
        "features": channels("MainNet.SFE.conv_head.weight", 64),
        "texture_channels": (
            channels("LTE.slice1.0.weight", 64),
            channels("LTE.slice2.5.weight", 128),
            channels("LTE.slice3.10.weight", 256),
        ),
    }


def _config(file: WeightsFile) -> Mapping[str, Any]:
    if file.description is not None:
        file.description.require(TTSR.architecture, TTSR.scale, file.path)
        return file.description.config
    if not any(key.startswith(("MainNet.", "LTE.")) for key in file.tensors):
        first = next(iter(file.tensors))
        raise WeightsError(f"{file.path}: is no TTSR checkpoint (its first key is {first})")
    return infer_config(file.tensors)
