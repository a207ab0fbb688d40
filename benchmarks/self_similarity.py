# SPDX-License-Identifier: Apache-2.0
"""Does a small picture help as its own reference, where there is no other?

    python benchmarks/self_similarity.py PHOTOS [--weights fusion-x4.safetensors] [--count 30]

Things that recur in a picture at other sizes could show their texture where they are large. Each
photo is reduced by 4 and made sharp again: alone, and with itself (the small picture) as reference.
PSNR-Y in dB; "shown" is the part of the picture that such a reference is believed to show.
"""

import argparse
from pathlib import Path
from statistics import mean

from torch import Tensor

from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image, up
from searchtransfer.models import FusionModel, TransferModel
from searchtransfer.operators.agreement import agreement, shown
from searchtransfer.pretrained import load_model

SCALE = 4


def part_shown(low: Tensor, reference: Reference) -> float:
    model = TransferModel()
    wide = model.widened(low, reference).reference
    found = model.find(low, wide)
    return shown(agreement(*wide.locate(found.view, found.index), SCALE)).mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--count", type=int, default=30)
    options = parser.parse_args()
    model = FusionModel.load(options.weights) if options.weights else load_model("fusion")
    files = sorted(x for x in options.photos.rglob("*") if x.suffix.lower() in (".jpg", ".png"))
    rows = []
    for path in files[:: max(1, len(files) // options.count)][: options.count]:
        truth = crop_to_multiple(read_image(path).colour, SCALE)
        low = degrade(truth, SCALE)
        itself = Reference.build([low], SCALE)
        alone, helped = (model.upscale(low, x).colour for x in (None, itself))
        rows.append(
            (
                psnr(up(low, SCALE), truth),
                psnr(alone, truth),
                psnr(helped, truth),
                part_shown(low, itself),
            )
        )
    names = ("bicubic", "alone", "itself as reference", "shown")
    means = [mean(x) for x in zip(*rows, strict=True)]
    print(f"{len(rows)} photos:", *(f"{n} {x:.3f}" for n, x in zip(names, means, strict=True)))


if __name__ == "__main__":
    main()
