# SPDX-License-Identifier: Apache-2.0
"""A tiny scene as files: a sharp photo, what a small image of it looks like, and a neighbour."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from searchtransfer.images import degrade

SIZE = 24, 32
"""Of the sharp photo; the small image has a quarter of it."""


def sharp(seed: int = 0, height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    """Blots with fine lines, uint8 `[H, W, 3]`."""
    rng = np.random.default_rng(seed)
    blots = Image.fromarray(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8))
    large = np.array(blots.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    lines = rng.integers(-40, 40, (height, width, 1))
    return (large + lines).clip(0, 255).astype(np.uint8)


def reduced(photo: np.ndarray, scale: int = 4) -> np.ndarray:
    colour = torch.from_numpy(photo).permute(2, 0, 1).float() / 255
    small = degrade(colour, scale).permute(1, 2, 0).numpy() * 255
    return small.round().astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def scene(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """Files of a small image and of a reference that shows the same, in `folder`."""
    photo = sharp(seed)
    return save(folder / "lr.png", reduced(photo)), save(folder / "ref.png", photo)


def tree(folder: Path) -> list[str]:
    """Every file and folder below, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def results(folder: Path) -> list[str]:
    """As `tree`, without the manifest that a folder of results has."""
    return [name for name in tree(folder) if Path(name).name != "searchtransfer.jsonl"]
