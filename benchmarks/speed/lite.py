# SPDX-License-Identifier: Apache-2.0
"""How equal the pipeline without torch is, and how long it takes: photos of scikit-image.

    OMP_NUM_THREADS=1 python -m benchmarks.speed.lite

Both networks are exported first, to a folder that is forgotten afterwards.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from benchmarks.common import tables
from benchmarks.common.clock import seconds
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
    file = io.BytesIO()
    Image.fromarray(reduced(data.coffee()[:400])).save(file, "JPEG", quality=60)
    turned = Image.fromarray(data.coffee()).rotate(7, Image.BICUBIC, expand=True)
    yield "coffee, JPEG, turned by 7 degrees", np.asarray(Image.open(file)), np.asarray(turned)


def reduced(photo: np.ndarray) -> np.ndarray:
    height, width = photo.shape[:2]
    return np.asarray(Image.fromarray(photo).resize((width // 4, height // 4), Image.BICUBIC))


def exported(name: str, folder: Path) -> Path:
    path = folder / f"{name}.onnx"
    command = [sys.executable, "-m", "searchtransfer", "export", name, "-o", str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        network, worn = (exported(x, Path(folder)) for x in ("fusion-x4", "fusion-x4-worn"))
        ways = Upscaler.from_pretrained(), lite.upscaler(network, worn=worn)
    names = ["pair", "samples", "another level", "more than one level off", "largest"]
    print(tables.head([*names, "torch", "without"]), flush=True)
    for name, small, photo in pairs():
        runs = [seconds(partial(x.upscale, small, photo)) for x in ways]
        (_, ours), (_, theirs) = ((took, result.image.astype(int)) for took, result in runs)
        off = np.abs(ours - theirs)
        counts = [f"{off.size:,}", f"{100 * (off > 0).mean():.2f} %", (off > 1).sum(), off.max()]
        print(tables.row([name, *counts, *(f"{took:.1f} s" for took, _ in runs)]), flush=True)


if __name__ == "__main__":
    main()
