# SPDX-License-Identifier: Apache-2.0
"""Symmetries averaged by FusionNet, and rounds of back-projection after it, on held-out crops.

    python -m benchmarks.quality.consistency CROPS WEIGHTS

Never on validation scenes: what the model uses is read from this table. "With" counts the crops
whose reference is useful, "alone" all of them.
"""

import argparse
from pathlib import Path
from statistics import mean

import torch

from benchmarks.common import tables
from searchtransfer.evaluation import psnr
from searchtransfer.images import down, up
from searchtransfer.models.fusion import load_network
from searchtransfer.models.symmetries import averaged
from searchtransfer.networks.fusion_net import Evidence
from searchtransfer.training.fusion.crops import crop_files, read_crop, without_evidence

SYMMETRIES, ROUNDS = (1, 2, 4, 8), range(4)
KINDS = ("with", "alone")


@torch.no_grad()
def measured(crops: Path, weights: Path) -> dict[tuple[str, int, int], list[float]]:
    """PSNR of each crop, by kind, symmetries and rounds."""
    network = load_network(weights)
    quality: dict[tuple[str, int, int], list[float]] = {}
    for path in crop_files(crops):
        whole = read_crop(path)
        for kind, crop in zip(KINDS, (whole, without_evidence(whole)), strict=True):
            if kind == "with" and not whole.useful:
                continue
            fields = crop.fields
            evidence = Evidence(*(fields[name][None] for name in Evidence._fields))
            for symmetries in SYMMETRIES:
                sharp = averaged(network, fields["low"][None], evidence, symmetries)[0]
                for rounds in ROUNDS:
                    key = kind, symmetries, rounds
                    quality.setdefault(key, []).append(psnr(sharp, fields["hr"]))
                    sharp = sharp + up(fields["low"] - down(sharp, 4), 4)
    return quality


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crops", type=Path, help="folder of held-out crops")
    parser.add_argument("weights", type=Path)
    options = parser.parse_args()
    quality = measured(options.crops, options.weights)
    rows = (
        [kind, symmetries, *(f"{mean(quality[kind, symmetries, x]):.3f}" for x in ROUNDS)]
        for kind in KINDS
        for symmetries in SYMMETRIES
    )
    print(tables.table(["", "symmetries", *(f"{x} rounds" for x in ROUNDS)], rows))


if __name__ == "__main__":
    main()
