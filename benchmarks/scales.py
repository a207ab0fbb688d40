# SPDX-License-Identifier: Apache-2.0
"""The default model at scales 2, 3 and 8, beside bicubic, `transfer`, and SPAN where there is one.

    python benchmarks/scales.py DATA/validation [--scales 2 3 8] [--span spanx2_ch48]
        [--groups flow landmark set5] [--scenes flow-grove3] [--weights FILE]

Photos, groups and pairs as in `benchmarks/fusion.py`; Set5 and Set14 have no reference.
PSNR-Y in dB, `ttsr` profile. SPAN is asked at the one scale that its files are of.
"""

import argparse
import sys
import warnings
from pathlib import Path
from statistics import mean

from fusion import cases

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image, up
from searchtransfer.training.fusion.teacher import Teacher

ALONE = ("set5", "set14")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--scales", type=int, nargs="*", default=[2, 3, 8])
    parser.add_argument("--span", type=Path)
    parser.add_argument("--groups", nargs="*", default=["flow", "landmark", "set5"])
    parser.add_argument("--scenes", nargs="*", help="of the chosen groups; all if nothing is said")
    parser.add_argument("--weights", type=Path, help="others than the packaged ones")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    span = Teacher(options.span) if options.span else None
    for scale in options.scales:
        model = "fusion" if options.weights else None
        fusion = Upscaler.from_pretrained(model, scale=scale, weights=options.weights)
        transfer = Upscaler.from_pretrained("transfer", scale=scale)
        found: dict[str, list[list[float]]] = {}
        for group, name, target, other in cases(options.data):
            if group not in options.groups or name not in (options.scenes or [name]):
                continue
            truth = crop_to_multiple(read_image(target).colour, scale)
            low = degrade(truth, scale)
            pictures = [up(low, scale)]
            if span is not None:
                pictures.append(span(low))
            pictures.append(fusion.upscale(low).image)
            if group not in ALONE:
                photo = read_image(other).colour
                pictures += [x.upscale(low, photo).image for x in (transfer, fusion)]
            line = [psnr(x.clamp(0, 1), truth) for x in pictures]
            found.setdefault(group, []).append(line)
            print(scale, name, *(f"{x:.2f}" for x in line), file=sys.stderr, flush=True)
        names = ["bicubic", *(["SPAN"] if span else []), "alone", "transfer", "with reference"]
        print(f"\n| x{scale}, mean of |", " | ".join(names), "|")
        print("|---|" + "--:|" * len(names))
        for group, lines in found.items():
            means = [f"{mean(x):.2f}" for x in zip(*lines, strict=True)]
            print(f"| {group} ({len(lines)}) |", " | ".join(means), "| |" * (group in ALONE), "|")


if __name__ == "__main__":
    main()
