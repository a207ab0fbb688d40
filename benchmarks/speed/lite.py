# SPDX-License-Identifier: Apache-2.0
"""How equal the pipeline without torch is, and how long it takes: photos of scikit-image.

    OMP_NUM_THREADS=1 python -m benchmarks.speed.lite
    OMP_NUM_THREADS=1 python -m benchmarks.speed.lite --random 200

Networks are exported first, to a folder that is forgotten afterwards. `--random` takes so many
random pictures of all scales, with and without reference, and says which are more than a level off,
or of other matches.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

from benchmarks.common import tables
from benchmarks.common.clock import seconds
from benchmarks.speed.lite_pairs import photos, random_pair
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


Ways = tuple[Upscaler, Any]


def both(scale: int, folder: Path) -> Ways:
    network = exported(f"fusion-x{scale}", folder)
    worn = exported("fusion-x4-worn", folder) if scale == 4 else None
    return Upscaler.from_pretrained(scale=scale), lite.upscaler(network, worn=worn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, default=0, help="random pictures in place of photos")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.random:
            compare_random(range(options.first, options.first + options.random), Path(folder))
        else:
            compare_photos(both(4, Path(folder)))


def compare_photos(ways: Ways) -> None:
    names = ["pair", "samples", "another level", "more than one level off", "largest"]
    print(tables.head([*names, "torch", "without"]), flush=True)
    for name, small, photo in pairs():
        runs = [seconds(partial(x.upscale, small, photo)) for x in ways]
        (_, ours), (_, theirs) = ((took, result.image.astype(int)) for took, result in runs)
        off = np.abs(ours - theirs)
        counts = [f"{off.size:,}", f"{100 * (off > 0).mean():.2f} %", (off > 1).sum(), off.max()]
        print(tables.row([name, *counts, *(f"{took:.1f} s" for took, _ in runs)]), flush=True)


def compare_random(numbers: range, folder: Path) -> None:
    of, ways, alone, other, far, samples = photos(), {}, 0, 0, [], Counter()
    for number in numbers:
        scale, small, photo = random_pair(number, of)
        if scale not in ways:
            ways[scale] = both(scale, folder)
        ours, theirs = (x.upscale(small, photo) for x in ways[scale])
        off = np.abs(ours.image.astype(int) - theirs.image.astype(int))
        samples += Counter(all=off.size, off=int((off > 0).sum()))
        if off.max() > 1:
            far.append(number)
            print(f"{number}: {(off > 1).sum()} of {off.size} samples, up to {off.max()} levels")
        if photo is None:
            alone += 1
            continue
        apart = np.abs(np.asarray(ours.matches.position) - np.asarray(theirs.matches.position))
        other += not (apart <= 0.01).all()
    print(
        f"{len(numbers)} pictures, {alone} without a reference: {len(far)} more than a level off, "
        f"{samples['off']} of {samples['all']:,} samples of another level, "
        f"{other} with matches of other places"
    )


if __name__ == "__main__":
    main()
