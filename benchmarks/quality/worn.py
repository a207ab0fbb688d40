# SPDX-License-Identifier: Apache-2.0
"""Worn small images: bicubic, a single-image network, and ours without and with a reference.

    python -m benchmarks.quality.worn DATA [--span SPANX4] [--groups flow landmark set14]

Photos and pairs as in `benchmarks.quality.fusion`; the pictures of `set14` have no reference.
Each photo is worn by the parts of `searchtransfer.training.degradations`, as the table says.
PSNR-Y in dB, `ttsr` profile. `--wear clean` shows what the estimate is worth: nothing is estimated.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.scenes import add_choice, chosen
from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, read_image, up
from searchtransfer.training.degradations import (
    Blur,
    Chain,
    Downsampling,
    Film,
    Jpeg,
    Noise,
    WebP,
)
from searchtransfer.training.fusion.teacher import Teacher

SCALE = 4
BICUBIC = Downsampling("bicubic", SCALE)

ROWS = {
    "clean": Chain((), BICUBIC),
    "area average": Chain((), Downsampling("area", SCALE)),
    "blur 2.4 pixels": Chain((Blur(2.4),), BICUBIC),
    "JPEG 80": Chain((), BICUBIC, (Jpeg(80),)),
    "JPEG 50": Chain((), BICUBIC, (Jpeg(50),)),
    "WebP 50": Chain((), BICUBIC, (WebP(50),)),
    "H.264, CRF 28": Chain((), BICUBIC, (Film(28),)),
    "noise 10": Chain((), BICUBIC, (Noise(10.0),)),
    "mixed": Chain((Blur(1.6),), Downsampling("area", SCALE), (Noise(4.0), Jpeg(75))),
}
"""`mixed` is blurred, averaged, noisy and compressed."""


def worn(truth: Tensor, chain: Chain) -> Tensor:
    pixels = (truth * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(chain.apply(pixels)).permute(2, 0, 1).float() / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_choice(parser, "flow", "landmark", "set14")
    parser.add_argument("--span", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--wear", default="auto")
    parser.add_argument("--rows", nargs="*", default=list(ROWS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    model = "fusion" if options.weights else None
    upscaler = Upscaler.from_pretrained(model, weights=options.weights, wear=options.wear)
    methods: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {
        "bicubic": lambda low, _: up(low, SCALE)
    }
    if options.span:
        span = Teacher(options.span)
        methods["SPAN"] = lambda low, _: span(low)
    methods["alone"] = lambda low, _: upscaler.upscale(low).image
    methods["with reference"] = lambda low, photo: upscaler.upscale(low, photo).image
    found: dict[str, dict[str, list[list[float]]]] = {}
    for case in chosen(options):
        truth = crop_to_multiple(read_image(case.target).colour, SCALE)
        photo = read_image(case.other).colour
        for row in options.rows:
            low = worn(truth, ROWS[row])
            ways = list(methods)[: -1 if case.alone else None]
            line = [psnr(methods[x](low, photo).clamp(0, 1), truth) for x in ways]
            found.setdefault(case.group, {}).setdefault(row, []).append(line)
            print(*case[:2], row, *(f"{x:.2f}" for x in line), file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(found, indent=1))
    for group, rows in found.items():
        some = next(iter(rows.values()))
        names = list(methods)[: len(some[0])]
        means = {row: [mean(x) for x in zip(*lines, strict=True)] for row, lines in rows.items()}
        body = ([row, *(f"{x:.2f}" for x in line)] for row, line in means.items())
        print("\n" + tables.table([f"{group}, mean of {len(some)}", *names], body))


if __name__ == "__main__":
    main()
