# SPDX-License-Identifier: Apache-2.0
"""Tiny training runs: photos with sharp edges, and a configuration that trains in seconds."""

import numpy as np
import yaml
from training.data.photos import saved

from searchtransfer.training import load_config


def edges(height=64, width=64, seed=0):
    """Rectangles of plain colour, which bicubic interpolation blurs: something to learn."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 128, np.uint8)
    for _ in range(30):
        row, column = rng.integers(height), rng.integers(width)
        size = rng.integers(4, 20, 2)
        pixels[row : row + size[0], column : column + size[1]] = rng.integers(0, 256, 3)
    return pixels


def data(root, photos=4):
    """Photos to train on and a scene to validate with."""
    for i in range(photos):
        saved(root / "photos" / f"{i}.png", edges(seed=i))
    for i in range(2):
        saved(root / "scenes" / "place" / f"{i}.png", edges(20, 24, seed=100 + i))
    return root


def settings(root, *overrides, folder="run"):
    """Words for `load_config` beside `ttsr-tiny`."""
    validation = {
        "every": 4,
        "sets": [{"name": "place", "layout": "scenes", "path": str(root / "scenes")}],
    }
    return [
        f"data.train.0.path={root / 'photos'}",
        f"run.folder={root / folder}",
        f"validation={yaml.safe_dump(validation, default_flow_style=True)}",
        "phases.0.steps=8",
        "run.checkpoint_every=3",
        "model.blocks=[1, 0, 0, 0]",
        "data.patch=16",
        *overrides,
    ]


def tiny(root, *overrides, folder="run"):
    """The configuration."""
    return load_config("ttsr-tiny", settings(root, *overrides, folder=folder))
