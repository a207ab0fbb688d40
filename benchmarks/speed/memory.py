# SPDX-License-Identifier: Apache-2.0
"""Peak memory of `searchtransfer upscale`, by sizes of image and reference; files and all.

    python -m benchmarks.speed.memory

The reference is scikit-image's astronaut beside its coffee, enlarged, with a little noise, and
written as JPEG; the image is the same reduced, as PNG. Each command is a process of its own; its
largest resident size is what is printed.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from benchmarks.common import tables
from benchmarks.common.photos import numbers

CASES = (
    ("125x83", "500x332"),
    ("480x270", "1920x1080"),
    ("24x20", "4000x3000"),
    ("480x270", "6000x4000"),
)
"""Width x height of the image and of the reference."""


def scene(width: int, height: int) -> Image.Image:
    pixels = np.concatenate([data.astronaut()[:400], data.coffee()[:, :512]], axis=1)
    large = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3)).astype(np.float32)
    return Image.fromarray((np.asarray(large) + noise).clip(0, 255).astype(np.uint8))


def peak(command: list[str]) -> float:
    """Of a command, in MiB."""
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1024


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(tables.head(["image", "reference", "peak"]), flush=True)
    with tempfile.TemporaryDirectory() as name:
        small, large, result = (Path(name) / x for x in ("small.png", "large.jpg", "result.png"))
        for image, reference in CASES:
            sizes = [numbers(x) for x in (image, reference)]
            photo = scene(*sizes[1])
            photo.save(large, quality=92)
            photo.resize(sizes[0], Image.Resampling.BICUBIC).save(small)
            del photo
            command = [sys.executable, "-m", "searchtransfer", "upscale", str(small)]
            command += ["-r", str(large), "-o", str(result), "--on-exists", "overwrite", "-q"]
            print(tables.row([image, reference, f"{peak(command):.0f} MiB"]), flush=True)


if __name__ == "__main__":
    main()
