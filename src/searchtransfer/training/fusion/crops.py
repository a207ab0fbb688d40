# SPDX-License-Identifier: Apache-2.0
"""Batches of windows from prepared crops."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...errors import DataError
from ...networks.fusion_net import Evidence, FusionNet

_FIELDS = ("hr", "low", "detail", "transferred", "maps")
_SHARP = ("hr", "detail", "transferred")

Crop = dict[str, Tensor]
"""The fields of one window, in single precision, pictures in [0, 1]."""


def crop_files(folder: Path, count: int | None = None) -> list[Path]:
    """The prepared crops, at most the first `count` numbers.

    Raises:
        DataError: there are none.
    """
    files = sorted(folder.glob("*.safetensors"))
    chosen = [x for x in files if count is None or int(x.stem) < count]
    if not chosen:
        raise DataError(f"{folder}: no crops are in it; make them with `prepare`")
    return chosen


def read_crop(path: Path, side: int | None = None, rng: np.random.Generator | None = None) -> Crop:
    """A whole crop, or a random square window of `side` cells.

    Raises:
        DataError: the file is damaged, of another version, or smaller than the window.
    """
    try:
        with safe_open(path, "pt") as file:
            slices = {name: file.get_slice(name) for name in _FIELDS}
            height, width = slices["low"].get_shape()[1:]
            rows, columns = (0, height), (0, width)
            if side is not None:
                if rng is None or min(height, width) < side:
                    raise DataError(f"{path}: {height} x {width} cells, the window has {side}")
                top, left = (
                    int(rng.integers(height - side + 1)),
                    int(rng.integers(width - side + 1)),
                )
                rows, columns = (top, top + side), (left, left + side)
            crop = {}
            for name in _FIELDS:
                s = FusionNet.scale if name in _SHARP else 1
                part = slices[name][
                    :, rows[0] * s : rows[1] * s, columns[0] * s : columns[1] * s
                ].float()
                crop[name] = part / 255 if name in ("hr", "low") else part
            return crop
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(f"{path}: cannot be read as a prepared crop: {error}") from None


def turned(crop: Crop, rng: np.random.Generator) -> Crop:
    """One of the eight symmetries of a square; all fields alike."""
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))

    def move(x: Tensor) -> Tensor:
        x = torch.rot90(x, turns, (1, 2))
        return x.flip(2) if flip else x

    return {name: move(x) for name, x in crop.items()}


def without_evidence(crop: Crop) -> Crop:
    """The same crop as if there were no reference."""
    kept = ("hr", "low")
    return {name: x if name in kept else torch.zeros_like(x) for name, x in crop.items()}


def batch(
    files: Sequence[Path], size: int, side: int, alone: float, rng: np.random.Generator
) -> tuple[Float[Tensor, "b 3 hs ws"], Float[Tensor, "b 3 h w"], Evidence]:
    """Random windows: the truth, the low-resolution images, the evidence.

    Args:
        files: see `crop_files`.
        size: how many windows.
        side: of a window in cells.
        alone: the part of the windows that gets no evidence.
        rng: of all randomness.
    """
    crops = []
    for _ in range(size):
        crop = turned(read_crop(files[int(rng.integers(len(files)))], side, rng), rng)
        crops.append(without_evidence(crop) if rng.random() < alone else crop)
    hr, low, *evidence = (torch.stack([crop[name] for crop in crops]) for name in _FIELDS)
    return hr, low, Evidence(*evidence)
