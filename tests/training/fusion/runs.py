# SPDX-License-Identifier: Apache-2.0
"""A training of FusionNet that takes seconds."""

from training.data.photos import photo, saved

from searchtransfer.training import load_config

TINY = (
    "model={architecture: fusion, features: 8, blocks: 1}",
    "data.crops=4",
    "data.window=16",
    "batch=2",
    "phases=[{name: alone, steps: 2, alone: 1}, {name: seen, steps: 4}]",
    "optimiser.warm_up_steps=1",
    "validation={crops: 2, every: 3}",
    "run.mixed_precision=no",
    "run.checkpoint_every=2",
)


def photos(root, count=12):
    """A folder of single photos."""
    for i in range(count):
        saved(root / f"{i}.png", photo(128, 136, seed=i))
    return root


def settings(data, folder, *overrides):
    """Words for `load_config` beside `fusion-x4`."""
    return [*TINY, f"data.photos={data}", f"run.folder={folder}", *overrides]


def tiny(data, folder, *overrides):
    """The configuration."""
    return load_config("fusion-x4", settings(data, folder, *overrides))
