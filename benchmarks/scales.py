# SPDX-License-Identifier: Apache-2.0
"""Scales that the network has not learned: resized from its own, and by the model without learning.

    python benchmarks/scales.py DATA/validation/scenes --scenes flow-grove3 flow-rubberwhale

First photo of each scene by name with the last as reference; PSNR-Y in dB, `ttsr` profile. `x4`
columns are the network four times larger, reduced or enlarged to the size of the photo.
"""

import argparse
import warnings
from pathlib import Path
from statistics import mean

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image, up
from searchtransfer.images.sizes import resized_to

SUFFIXES = (".png", ".jpg", ".jpeg")
SCALES = (2, 3, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--scenes", nargs="*", help="folders; all if nothing is said")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    names = options.scenes or sorted(x.name for x in options.data.iterdir() if x.is_dir())
    fusion = Upscaler.from_pretrained()
    print("| scale | bicubic | x4 alone | x4 with reference | transfer |")
    print("|--:|--:|--:|--:|--:|", flush=True)
    for scale in SCALES:
        transfer = Upscaler.from_pretrained("transfer", scale=scale)
        rows = []
        for name in names:
            photos = sorted(x for x in (options.data / name).iterdir() if x.suffix in SUFFIXES)
            truth = crop_to_multiple(read_image(photos[0]).colour, scale)
            other = read_image(photos[-1]).colour
            low = degrade(truth, scale)
            pictures = [
                up(low, scale),
                *(fusion.upscale(low, x).image for x in (None, other)),
                transfer.upscale(low, other).image,
            ]
            size = truth.shape[1], truth.shape[2]
            rows.append([psnr(resized_to(x, size).clamp(0, 1), truth) for x in pictures])
        means = (f"{mean(x):.2f}" for x in zip(*rows, strict=True))
        print(f"| {scale} |", " | ".join(means), "|", flush=True)


if __name__ == "__main__":
    main()
