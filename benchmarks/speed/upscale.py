# SPDX-License-Identifier: Apache-2.0
"""Seconds and memory of the default model, as `Upscaler` runs it.

    python -m benchmarks.speed.upscale [--sizes 500x332 1920x1080 3840x2160] [--threads 2] [--alone]
    python -m benchmarks.speed.upscale --sizes 3840x2160 --repeat 0 --tile 200

Sizes are those of the result, width x height; image and reference are scikit-image's stereo pair,
resized. Prepared once, then the median of `--repeat` runs, also as a multiple of the article's
search as written (83 x 125 cells, 256 random channels, median of three) just before; memory is the
peak of a process of its own (`VmHWM`), everything included. `--tile` puts the result together from
tiles of that many cells too, and reports by how many levels of 8 bits that differs, at most.
"""

import argparse
import statistics
import time

import torch

from benchmarks.common import tables
from benchmarks.common.clock import own_process, seconds
from benchmarks.common.machine import peak_mib
from benchmarks.common.photos import numbers, stereo_pair, tensor
from benchmarks.search.ways import article
from searchtransfer import Upscaler
from searchtransfer.images import degrade


def article_seconds() -> float:
    """Of the article's search, as written."""
    query, key = torch.randn(2, 256, 83, 125, generator=torch.Generator().manual_seed(0))
    return statistics.median(seconds(lambda: article(query, key))[0] for _ in range(3))


def run(size: str, repeat: int, alone: bool, tile: int, unit: float) -> None:
    width, height = (n - n % 4 for n in numbers(size))
    left, right = (tensor(x)[0] for x in stereo_pair((height, width)))
    upscaler = Upscaler.from_pretrained()
    low = degrade(left, 4)
    start = time.perf_counter()
    reference = None if alone else upscaler.prepare(right)
    whole = upscaler.upscale(low, reference)
    first = time.perf_counter() - start
    times = [seconds(lambda: upscaler.upscale(low, reference))[0] for _ in range(repeat)]
    warm = statistics.median(times) if times else None
    told = ["-", "-"] if warm is None else [f"{warm:.2f} s", f"{warm / unit:.2f}"]
    print(tables.row([size, f"{first:.2f} s", *told, f"{peak_mib()} MiB"]))
    if tile:
        tiled = upscaler.upscale(low, reference, tile=tile)
        levels = [(255 * x.image.clamp(0, 1)).round() for x in (whole, tiled)]
        off = (levels[0] - levels[1]).abs()
        part = (off > 0).float().mean().item()
        print(f"tiles of {tile}: {off.max():.0f} levels at most, of {part:.1e} of the samples")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", default=["500x332", "1920x1080"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tile", type=int, default=0, help="cells on a side")
    parser.add_argument("--alone", action="store_true", help="without the reference")
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.child:
        run(options.sizes[0], options.repeat, options.alone, options.tile, options.child)
        return
    unit = article_seconds()
    names = ["result", "first, with preparing", "warm", f"article's search ({unit:.2f} s)"]
    print(tables.head([*names, "peak memory"]), flush=True)
    for size in options.sizes:
        more = ["--sizes", size, "--repeat", str(options.repeat), "--threads", str(options.threads)]
        more += ["--tile", str(options.tile)]
        more += ["--alone"] if options.alone else []
        print(own_process(__spec__.name, "--child", unit, *more), end="", flush=True)


if __name__ == "__main__":
    main()
