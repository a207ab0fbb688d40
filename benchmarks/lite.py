# SPDX-License-Identifier: Apache-2.0
"""How equal the pipeline without torch is, and how long it takes: stereo pair and astronaut.

searchtransfer export fusion-x4 -o fusion-x4.onnx
searchtransfer export fusion-x4-worn -o fusion-x4-worn.onnx
OMP_NUM_THREADS=1 python benchmarks/lite.py fusion-x4.onnx fusion-x4-worn.onnx
"""

import sys
import time
from collections.abc import Iterator

import numpy as np
from PIL import Image
from skimage import data

from searchtransfer import Upscaler, lite

Pair = tuple[str, np.ndarray, np.ndarray | None]


def pairs() -> Iterator[Pair]:
    """Small pictures with references, by name."""
    left, right, _ = data.stereo_motorcycle()
    astronaut = data.astronaut()
    moved = Image.fromarray(astronaut).transform(
        (512, 512), Image.Transform.AFFINE, (0.97, 0.05, 3, -0.04, 1.02, -2), Image.BICUBIC
    )
    yield "motorcycle, part", reduced(left[200:360, 280:480]), right[200:360, 260:480]
    yield "motorcycle", reduced(left[:496, :736]), right
    yield "astronaut, moved", reduced(astronaut[:256, :256]), np.asarray(moved)[:320, :320]
    yield "astronaut, alone", reduced(astronaut), None


def reduced(photo: np.ndarray) -> np.ndarray:
    height, width = photo.shape[:2]
    return np.asarray(Image.fromarray(photo).resize((width // 4, height // 4), Image.BICUBIC))


def main() -> None:
    network, worn = sys.argv[1:]
    with_torch, without = Upscaler.from_pretrained(), lite.upscaler(network, worn=worn)
    print(
        "| pair | samples | another level | more than one level off | largest | torch | without |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, small, photo in pairs():
        pictures, seconds = [], []
        for upscaler in (with_torch, without):
            start = time.perf_counter()
            pictures.append(upscaler.upscale(small, photo).image.astype(int))
            seconds.append(time.perf_counter() - start)
        off = np.abs(pictures[0] - pictures[1])
        print(
            f"| {name} | {off.size:,} | {100 * (off > 0).mean():.2f} % | {(off > 1).sum()} "
            f"| {off.max()} | {seconds[0]:.1f} s | {seconds[1]:.1f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
