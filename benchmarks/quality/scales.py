# SPDX-License-Identifier: Apache-2.0
"""The default model at scales 2, 3 and 8, beside bicubic, `transfer`, and SPAN where there is one.

    python -m benchmarks.quality.scales DATA [--scales 2 3 8] [--span spanx2_ch48]
        [--groups flow landmark set5] [--scenes flow-grove3] [--weights FILE]

Photos, groups and pairs as in `benchmarks.quality.fusion`; Set5 and Set14 have no reference.
PSNR-Y in dB, `ttsr` profile. SPAN is asked at the one scale that its files are of.
"""

import argparse
import sys
import warnings
from pathlib import Path
from statistics import mean

import torch

from benchmarks.common import tables
from benchmarks.common.scenes import add_choice, chosen
from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image, up
from searchtransfer.training.fusion.teacher import Teacher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_choice(parser, "flow", "landmark", "set5")
    parser.add_argument("--scales", type=int, nargs="*", default=[2, 3, 8])
    parser.add_argument("--span", type=Path)
    parser.add_argument("--weights", type=Path, help="others than the packaged ones")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    teacher = Teacher(options.span) if options.span else None
    knows = teacher(torch.zeros(3, 8, 8)).shape[1] // 8 if teacher else 0
    for scale in options.scales:
        span = teacher if scale == knows else None
        model = "fusion" if options.weights else None
        fusion = Upscaler.from_pretrained(model, scale=scale, weights=options.weights)
        transfer = Upscaler.from_pretrained("transfer", scale=scale)
        found: dict[str, list[list[float]]] = {}
        for case in chosen(options):
            truth = crop_to_multiple(read_image(case.target).colour, scale)
            low = degrade(truth, scale)
            pictures = [up(low, scale)]
            if span is not None:
                pictures.append(span(low))
            pictures.append(fusion.upscale(low).image)
            if not case.alone:
                photo = read_image(case.other).colour
                pictures += [x.upscale(low, photo).image for x in (transfer, fusion)]
            line = [psnr(x.clamp(0, 1), truth) for x in pictures]
            found.setdefault(case.group, []).append(line)
            print(scale, case.name, *(f"{x:.2f}" for x in line), file=sys.stderr, flush=True)
        names = ["bicubic", *(["SPAN"] if span else []), "alone", "transfer", "with reference"]
        rows = []
        for group, lines in found.items():
            means = [f"{mean(x):.2f}" for x in zip(*lines, strict=True)]
            rows.append([f"{group} ({len(lines)})", *means, *[""] * (len(names) - len(means))])
        print("\n" + tables.table([f"x{scale}, mean of", *names], rows))


if __name__ == "__main__":
    main()
