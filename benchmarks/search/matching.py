# SPDX-License-Identifier: Apache-2.0
"""A large picture: time and peak memory of matching in a process of its own.

    python -m benchmarks.search.matching [--size 540x960] [--mode refine] [--pair A B] [--json FILE]

The size is that of the small image; the reference is four times as large on each side. Without
`--pair`, both are scikit-image's stereo pair, enlarged. Preparing the reference is part of the
time; reading the photos is not. Memory is that of the whole process, Python and torch included.
"""

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.common.clock import own_process
from benchmarks.common.machine import machine, peak_mib
from benchmarks.common.photos import pair_of, tensor
from searchtransfer import Reference
from searchtransfer.images import degrade
from searchtransfer.references.matching import match


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """One search, in this process."""
    target, other = (tensor(image)[0] for image in pair_of(options))
    small = degrade(target, 4)
    del target
    start = time.perf_counter()
    reference = Reference.build([other], 4)
    found = match(small, reference, options.mode)
    return {
        "cells": list(small.shape[1:]),
        "mode": options.mode,
        "copies": [copy.name for copy in found.copies],
        "seconds": time.perf_counter() - start,
        "peak_mib": peak_mib(),
        "mean_score": found.field.score.mean().item(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="540x960", help="cells, rows x columns")
    parser.add_argument("--mode", default="refine", choices=["exact", "refine", "auto"])
    parser.add_argument("--pair", type=Path, nargs=2, help="two photos: target and reference")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        torch.set_num_threads(options.threads)
        logging.basicConfig(level=logging.DEBUG, format="%(message)s")
        print(json.dumps(measured(options)))
        return
    result = json.loads(own_process(__spec__.name, *sys.argv[1:], "--child"))
    print(
        f"{options.size} cells, {len(result['copies'])} copies: {result['seconds']:.1f} s, "
        f"peak {result['peak_mib']} MiB, mean score {result['mean_score']:.4f}"
    )
    if options.json:
        report = {"machine": machine(options.threads), "large": result}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
