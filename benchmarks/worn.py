# SPDX-License-Identifier: Apache-2.0
"""Worn small images: bicubic, a single-image network, and ours without and with a reference.

    python benchmarks/worn.py DATA/validation [--span spanx4_ch48] [--groups flow landmark set14]

Photos, groups and pairs as in `benchmarks/fusion.py`; the pictures of `set14` have no reference.
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
from fusion import cases
from torch import Tensor

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, read_image, up
from searchtransfer.training.degradations import (
    Blur,
    Chain,
    Film,
    Jpeg,
    Noise,
    Reduction,
    WebP,
)
from searchtransfer.training.fusion.teacher import Teacher

SCALE = 4
BICUBIC = Reduction("bicubic", SCALE)

ROWS = {
    "clean": Chain((), BICUBIC),
    "area average": Chain((), Reduction("area", SCALE)),
    "blur 2.4 pixels": Chain((Blur(2.4),), BICUBIC),
    "JPEG 80": Chain((), BICUBIC, (Jpeg(80),)),
    "JPEG 50": Chain((), BICUBIC, (Jpeg(50),)),
    "WebP 50": Chain((), BICUBIC, (WebP(50),)),
    "H.264, CRF 28": Chain((), BICUBIC, (Film(28),)),
    "noise 10": Chain((), BICUBIC, (Noise(10.0),)),
    "mixed": Chain((Blur(1.6),), Reduction("area", SCALE), (Noise(4.0), Jpeg(75))),
}
"""`mixed` is blurred, averaged, noisy and compressed."""


def worn(truth: Tensor, chain: Chain) -> Tensor:
    pixels = (truth * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(chain.apply(pixels)).permute(2, 0, 1).float() / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--span", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--wear", default="auto")
    parser.add_argument("--groups", nargs="*", default=["flow", "landmark", "set14"])
    parser.add_argument("--scenes", nargs="*", help="of the chosen groups; all if nothing is said")
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
    for group, name, target, other in cases(options.data):
        if group not in options.groups or name not in (options.scenes or [name]):
            continue
        truth = crop_to_multiple(read_image(target).colour, SCALE)
        photo = read_image(other).colour
        for row in options.rows:
            low = worn(truth, ROWS[row])
            chosen = list(methods)[: -1 if group == "set14" else None]
            line = [psnr(methods[x](low, photo).clamp(0, 1), truth) for x in chosen]
            found.setdefault(group, {}).setdefault(row, []).append(line)
            print(group, name, row, *(f"{x:.2f}" for x in line), file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(found, indent=1))
    for group, rows in found.items():
        some = next(iter(rows.values()))
        names = list(methods)[: len(some[0])]
        print(f"\n| {group}, mean of {len(some)} |", " | ".join(names), "|")
        print("|---|" + "--:|" * len(names))
        for row, lines in rows.items():
            means = (f"{mean(x):.2f}" for x in zip(*lines, strict=True))
            print(f"| {row} |", " | ".join(means), "|")


if __name__ == "__main__":
    main()
