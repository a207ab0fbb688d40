# SPDX-License-Identifier: Apache-2.0
"""Rounds of back-projection after FusionNet, on held-out crops (never on validation scenes).

python benchmarks/fusion_consistency.py CROPS/held-out WEIGHTS
"""

import sys
from pathlib import Path
from statistics import mean

import torch

from searchtransfer.evaluation import psnr
from searchtransfer.images import down, up
from searchtransfer.models.fusion import load_network
from searchtransfer.networks.fusion_net import Evidence
from searchtransfer.training.fusion.crops import crop_files, read_crop, without_evidence

network = load_network(sys.argv[2])
results = {(kind, rounds): [] for kind in ("with", "alone") for rounds in range(5)}
with torch.no_grad():
    for path in crop_files(Path(sys.argv[1])):
        whole = read_crop(path)
        for kind, crop in (("with", whole), ("alone", without_evidence(whole))):
            fields = crop.fields
            evidence = Evidence(*(fields[name][None] for name in Evidence._fields))
            sharp = network(fields["low"][None], evidence)[0]
            for rounds in range(5):
                results[kind, rounds].append(psnr(sharp, fields["hr"]))
                sharp = sharp + up(fields["low"] - down(sharp, 4), 4)
for (kind, rounds), quality in results.items():
    print(f"{kind}, {rounds} rounds: {mean(quality):.3f} dB")
