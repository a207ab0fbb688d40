# SPDX-License-Identifier: Apache-2.0
"""Seconds and memory of the default model, as `Upscaler` runs it.

    python benchmarks/fusion_speed.py [--sizes 500x332 1920x1080 3840x2160] [--threads 2] [--alone]
    python benchmarks/fusion_speed.py --sizes 3840x2160 --repeat 0 --tile 200

Sizes are those of the result, width x height; image and reference are scikit-image's stereo pair,
resized. Prepared once, then the median of `--repeat` runs; memory is the peak of a process of its
own (`VmHWM`), everything included. `--tile` puts the result together from tiles of that many cells
too, and reports by how many levels of 8 bits that differs, at most.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from features import stereo_pair

from searchtransfer import Upscaler
from searchtransfer.images import degrade
from searchtransfer.images.kinds import as_image


def run(size: str, repeat: int, alone: bool, tile: int) -> None:
    width, height = (int(n) - int(n) % 4 for n in size.split("x"))
    left, right = (as_image(x, "photo").colour for x in stereo_pair((height, width)))
    upscaler = Upscaler.from_pretrained()
    low = degrade(left, 4)
    start = time.perf_counter()
    reference = None if alone else upscaler.prepare(right)
    whole = upscaler.upscale(low, reference)
    first = time.perf_counter() - start
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        upscaler.upscale(low, reference)
        times.append(time.perf_counter() - start)
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
    warm = f"{statistics.median(times):.2f} s" if times else "-"
    print(f"| {size} | {first:.2f} s | {warm} | {peak:.0f} MiB |", flush=True)
    if tile:
        tiled = upscaler.upscale(low, reference, tile=tile)
        levels = [(255 * x.image.clamp(0, 1)).round() for x in (whole, tiled)]
        off = (levels[0] - levels[1]).abs()
        part = (off > 0).float().mean().item()
        print(f"tiles of {tile}: {off.max():.0f} levels at most, of {part:.1e} of the samples")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", nargs="*", default=["500x332", "1920x1080"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tile", type=int, default=0, help="cells on a side")
    parser.add_argument("--alone", action="store_true", help="without the reference")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.child:
        run(options.sizes[0], options.repeat, options.alone, options.tile)
        return
    print("| result | first, with preparing | warm | peak memory |")
    print("|---|--:|--:|--:|", flush=True)
    for size in options.sizes:
        more = ["--sizes", size, "--repeat", str(options.repeat), "--threads", str(options.threads)]
        more += ["--tile", str(options.tile)]
        more += ["--alone"] if options.alone else []
        subprocess.run(
            [sys.executable, __file__, "--child", *more], check=True, env=dict(os.environ)
        )


if __name__ == "__main__":
    main()
