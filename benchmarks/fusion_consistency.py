# SPDX-License-Identifier: Apache-2.0
"""Symmetries averaged by FusionNet, and rounds of back-projection after it, on held-out crops.

    python benchmarks/fusion_consistency.py CROPS/held-out WEIGHTS

Never on validation scenes: what the model uses is read from this table. "With" counts the crops
whose reference is useful, "alone" all of them.
"""

import sys
from pathlib import Path
from statistics import mean

import torch

from searchtransfer.evaluation import psnr
from searchtransfer.images import down, up
from searchtransfer.models.fusion import averaged, load_network
from searchtransfer.networks.fusion_net import Evidence
from searchtransfer.training.fusion.crops import crop_files, read_crop, without_evidence

SYMMETRIES, ROUNDS = (1, 2, 4, 8), range(4)

network = load_network(sys.argv[2])
quality: dict[tuple[str, int, int], list[float]] = {}
with torch.no_grad():
    for path in crop_files(Path(sys.argv[1])):
        whole = read_crop(path)
        for kind, crop in (("with", whole), ("alone", without_evidence(whole))):
            if kind == "with" and not whole.useful:
                continue
            fields = crop.fields
            evidence = Evidence(*(fields[name][None] for name in Evidence._fields))
            for symmetries in SYMMETRIES:
                sharp = averaged(network, fields["low"][None], evidence, symmetries)[0]
                for rounds in ROUNDS:
                    quality.setdefault((kind, symmetries, rounds), []).append(
                        psnr(sharp, fields["hr"])
                    )
                    sharp = sharp + up(fields["low"] - down(sharp, 4), 4)
print("| | symmetries |", *(f"{rounds} rounds |" for rounds in ROUNDS))
print("|---|--:|" + "--:|" * len(ROUNDS))
for kind in ("with", "alone"):
    for symmetries in SYMMETRIES:
        cells = (f"{mean(quality[kind, symmetries, x]):.3f} |" for x in ROUNDS)
        print(f"| {kind} | {symmetries} |", *cells)
