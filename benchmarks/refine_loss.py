# SPDX-License-Identifier: Apache-2.0
"""What the refined search loses against the exact one: PSNR-Y of both on folders of photos.

    python benchmarks/refine_loss.py path/to/scenes [--scenes 'flow-*'] [--strides 1x1 2x1 4x4]

The first photo of each scene (by name) is the target, the last its reference; the protocol is that
of `quality.py --pairs first-last`. A stride of 2x1 searches every second row of the small image
exactly, as the refined search does for pictures too large for more.
"""

import argparse
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import torch
from quality import SUFFIXES, photo, small
from searchtransfer.matching import Plan

from searchtransfer import Reference, matching
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple
from searchtransfer.models import TransferModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--scenes", default="*", help="pattern of names")
    parser.add_argument("--strides", nargs="+", default=["1x1"], help="rows x columns")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    strides = [tuple(int(n) for n in stride.split("x")) for stride in options.strides]
    differences: list[list[float]] = []
    print(f"| scene | exact | {' | '.join(options.strides)} |\n|---|--:|{'--:|' * len(strides)}")
    for folder in sorted(x for x in options.root.glob(options.scenes) if x.is_dir()):
        photos = sorted(x for x in folder.iterdir() if x.suffix.lower() in SUFFIXES)
        truth, lr = crop_to_multiple(photo(photos[0]), 4), small(photos[0], 4)
        reference = Reference.build([photo(photos[-1])], 4)

        def quality(
            plan: Plan, truth: torch.Tensor = truth, lr: torch.Tensor = lr, r: Reference = reference
        ) -> float:
            with patch.object(matching, "plan_search", lambda *_: plan):
                return psnr(TransferModel(4, zooms=()).upscale(lr, r).colour.clamp(0, 1), truth)

        exact = quality(Plan("exact", 0))
        row = [quality(Plan("refine", 0, stride)) - exact for stride in strides]
        differences.append(row)
        print(
            f"| {folder.name} | {exact:.2f} | {' | '.join(f'{x:+.3f}' for x in row)} |", flush=True
        )
    columns = list(zip(*differences, strict=True))
    print(f"| mean | | {' | '.join(f'{mean(x):+.3f}' for x in columns)} |")
    print(f"| worst | | {' | '.join(f'{min(x):+.3f}' for x in columns)} |")


if __name__ == "__main__":
    main()
