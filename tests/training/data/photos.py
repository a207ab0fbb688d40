# SPDX-License-Identifier: Apache-2.0
"""Photos made for tests: smooth random colour with some texture, no two places alike."""

import numpy as np
from PIL import Image


def photo(height=96, width=128, seed=0):
    """Eight-bit RGB pixels."""
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    smooth = np.array(rough.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return np.clip(smooth + rng.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


def saved(path, pixels):
    """Write pixels to a file without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
