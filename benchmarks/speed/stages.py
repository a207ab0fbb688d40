# SPDX-License-Identifier: Apache-2.0
"""Where the time of the default model goes, stage by stage.

    python -m benchmarks.speed.stages [--sizes 500x332 1920x1080 3840x2160] [--threads 2]

Image and reference as in `benchmarks.speed.upscale`, prepared and warm. Seconds inside the
functions that are the stages, by Python's profiler, whose own share is small: they call few others.
"""

import argparse
import cProfile
import pstats
import time

import torch

from benchmarks.common import tables
from benchmarks.common.photos import numbers, stereo_pair, tensor
from searchtransfer import Upscaler
from searchtransfer.images import degrade

STAGES = {
    "what the image has been through": ("wear/wear.py", "wear_of"),
    "which copies help": ("references/choosing.py", "choose"),
    "whole cells, searched": ("references/seeding.py", "seeds"),
    "a fraction of a pixel": ("references/finding.py", "_better"),
    "how it was reduced": ("references/reduction.py", "reduction_of"),
    "texture, blended": ("operators/detail.py", "blend"),
    "network": ("models/symmetries.py", "averaged"),
}
"""File and function of each."""


def measured(size: str) -> dict[str, float]:
    """Seconds of each stage, of the rest and of the whole."""
    width, height = (n - n % 4 for n in numbers(size))
    left, right = (tensor(x)[0] for x in stereo_pair((height, width)))
    upscaler, low = Upscaler.from_pretrained(), degrade(left, 4)
    reference = upscaler.prepare(right)
    upscaler.upscale(low, reference)
    profile = cProfile.Profile(time.perf_counter)
    start = time.perf_counter()
    profile.runcall(upscaler.upscale, low, reference)
    whole = time.perf_counter() - start
    spent = dict.fromkeys(STAGES, 0.0)
    for (file, _, function), figures in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        for stage, (end, name) in STAGES.items():
            if file.endswith(end) and function == name:
                spent[stage] += figures[3]
    if unknown := [stage for stage, seconds in spent.items() if not seconds]:
        raise SystemExit(f"no such function any more: {', '.join(unknown)}; see STAGES")
    return {**spent, "the rest": whole - sum(spent.values()), "whole": whole}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", default=["500x332", "1920x1080"])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = [measured(size) for size in options.sizes]
    rows = [[stage, *(f"{x[stage]:.2f}" for x in found)] for stage in found[0]]
    print(tables.table(["seconds", *options.sizes], rows))


if __name__ == "__main__":
    main()
