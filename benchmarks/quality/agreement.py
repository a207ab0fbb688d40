# SPDX-License-Identifier: Apache-2.0
"""What the agreement of neighbours says about a match, on prepared crops of FusionNet.

    python -m benchmarks.quality.agreement CROPS/train [--crops 60]

For each kind of crop: how the mean agreement around a cell is distributed, and the mean squared
error (times 10^4) of the teacher's picture and of the model without learning where it is so.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor

from benchmarks.common import tables
from searchtransfer.models.evidence import AGREEMENT
from searchtransfer.operators.agreement import AROUND
from searchtransfer.training.fusion.crops import crop_files, read_crop

KINDS = ("useless", "scene", "made")
BOUNDS = (0.0, 0.1, 0.15, 0.2, 0.3, 0.5, 1.01)


def around(agreement: Tensor) -> Tensor:
    side = 2 * AROUND + 1
    return F.avg_pool2d(agreement[None, None], side, 1, AROUND, count_include_pad=False)[0, 0]


def cells_of(path: Path) -> Tensor:
    """Agreement around each cell, error of the teacher, error of the model without learning."""
    fields = read_crop(path).fields
    with safe_open(path, "pt") as file:
        agreement = file.get_tensor("maps")[AGREEMENT].float()
        transferred = fields["bicubic"] + file.get_tensor("transferred").float()
    errors = [
        F.avg_pool2d((fields["hr"] - picture) ** 2, 4).mean(0).flatten()
        for picture in (fields["taught"], transferred)
    ]
    return torch.stack([around(agreement).flatten(), *errors])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crops", type=Path)
    parser.add_argument("--crops", dest="count", type=int, default=60, help="of each kind")
    options = parser.parse_args()
    found: dict[str, list[Tensor]] = {kind: [] for kind in KINDS}
    for path in crop_files(options.crops):
        with safe_open(path, "pt") as file:
            kind = json.loads(file.metadata()["crop"])["kind"]
        if len(found.get(kind, [0] * options.count)) < options.count:
            found[kind].append(cells_of(path))
    for kind, parts in found.items():
        agreement, teacher, transfer = torch.cat(parts, 1)
        some = agreement[:: max(1, len(agreement) // 10**6)]
        quantiles = [
            f"{100 * q:.0f} % {some.quantile(q):.2f}" for q in (0.01, 0.05, 0.5, 0.95, 0.99)
        ]
        print(f"\n{kind}, {len(parts)} crops: below are", ", ".join(quantiles), "\n")
        print(tables.head(["agreement", "part of the cells", "teacher", "without learning"]))
        for low, high in pairwise(BOUNDS):
            here = (agreement >= low) & (agreement < high)
            if here.sum() < 100:
                continue
            errors = (f"{1e4 * x[here].mean():.1f}" for x in (teacher, transfer))
            part = f"{here.float().mean():.3f}"
            print(tables.row([f"{low:.2f} to {min(high, 1):.2f}", part, *errors]))


if __name__ == "__main__":
    main()
