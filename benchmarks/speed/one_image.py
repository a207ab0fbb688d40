# SPDX-License-Identifier: Apache-2.0
"""What an image costs, in parts: the figures that a plan for many is made from.

    python -m benchmarks.speed.one_image [--model fusion]

The left eye of scikit-image's motorcycle, reduced four times, with the right eye: 185 x 125 pixels
become 740 x 500. Seconds of the processor with one thread, and bytes of the files.
"""

import argparse
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import torch
from skimage import data

from benchmarks.common import tables
from benchmarks.common.machine import peak_mib
from searchtransfer import Upscaler
from searchtransfer.batch.identity import hash_of_file
from searchtransfer.images import crop_to_multiple, degrade, from_tensor, read_image, write_image

T = TypeVar("T")


def timed(name: str, work: Callable[[], T], repeat: int = 1) -> T:
    start = time.process_time()
    for _ in range(repeat):
        result = work()
    print(tables.row([name, f"{(time.process_time() - start) / repeat:.3f}"]), flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fusion")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    left, right = (
        crop_to_multiple(torch.from_numpy(x.copy()).permute(2, 0, 1) / 255, 4)
        for x in data.stereo_motorcycle()[:2]
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_image(from_tensor(degrade(left, 4)), folder / "small.png")
        write_image(from_tensor(right), folder / "sharp.png")
        print(tables.head(["part", "seconds"]))
        upscaler = timed("model loaded", lambda: Upscaler.from_pretrained(asked.model))
        small = timed("image read", lambda: read_image(folder / "small.png"), 9)
        sharp = timed("reference read", lambda: read_image(folder / "sharp.png"), 9)
        reference = timed("reference prepared", lambda: upscaler.prepare(sharp))
        upscaler.upscale(small, reference)
        result = timed("image upscaled", lambda: upscaler.upscale(small, reference), 3)
        stages: list[tuple[str, float]] = []
        upscaler.upscale(
            small, reference, on_progress=lambda x, _: stages.append((x, time.process_time()))
        )
        spent: dict[str, float] = defaultdict(float)
        for (name, start), (_, end) in pairwise([*stages, ("", time.process_time())]):
            spent[name] += end - start
        for name, seconds in spent.items():
            print(tables.row([f"of it: {name}", f"{seconds:.3f}"]))
        timed("result encoded and written, PNG", lambda: write(result, folder / "large.png"))
        timed("the same, JPEG", lambda: write(result, folder / "large.jpg"))
        timed("three files hashed", lambda: [hash_of_file(x) for x in folder.glob("*.png")])
        for path in sorted(folder.iterdir()):
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    print(f"peak memory {peak_mib()} MiB")


def write(result: object, path: Path) -> None:
    write_image(result.image, path)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
