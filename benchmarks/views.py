# SPDX-License-Identifier: Apache-2.0
"""What views of other scale and rotation bring, where the camera has moved.

    python benchmarks/views.py DATA/train/scenes [--weights fusion-x4.safetensors] [--apart 1 3]

The reference is searched by plain patches, as it is, with copies that are zoomed or turned, and
with those zoomed copies that `searchtransfer.zooms` chooses.
Targets are every fourth photo of each scene, reduced to at most `--side` pixels; references are
the photos so many places further by name.
"""

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from features import found_by
from PIL import Image as PILImage
from searchtransfer.zooms import ZOOMS as EVERY_ZOOM
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image, up
from searchtransfer.models import FusionModel, TransferModel
from searchtransfer.models.fusion import load_network
from searchtransfer.models.transfer import Found
from searchtransfer.operators.descriptors import coefficients
from searchtransfer.progress import Progress, silent

PLAIN = "not whitened"
ZOOMS = {"zoom 0.8, 1.25": (0.8, 1.25), "all zooms": EVERY_ZOOM}
TURNS = {"turn 7": (-7.0, 7.0)}
CHOSEN = "chosen zooms"


class Unwhitened(TransferModel):
    """Searches by the correlation of patches as they are."""

    def find(self, colour: Tensor, reference: Reference, progress: Progress = silent) -> Found:
        return found_by(coefficients, colour, reference)


def resized(colour: Tensor, factor: float) -> Tensor:
    pixels = (colour.permute(1, 2, 0) * 255).round().byte().numpy()
    size = [max(4, round(n * factor)) for n in reversed(pixels.shape[:2])]
    return tensor(PILImage.fromarray(pixels).resize(size, PILImage.Resampling.BICUBIC))


def turned(colour: Tensor, degrees: float) -> Tensor:
    pixels = (colour.permute(1, 2, 0) * 255).round().byte().numpy()
    return tensor(PILImage.fromarray(pixels).rotate(degrees, PILImage.Resampling.BICUBIC))


def tensor(image: PILImage.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def photo(path: Path, side: int) -> Tensor:
    colour = read_image(path).colour
    factor = side / max(colour.shape[1:])
    return resized(colour, factor) if factor < 1 else colour


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--apart", type=int, nargs="*", default=[1, 3])
    parser.add_argument("--ways", nargs="*", help="only these; default: all")
    parser.add_argument("--side", type=int, default=480)
    options = parser.parse_args()
    plain, chosen = TransferModel(zooms=()), TransferModel()
    models: dict[str, TransferModel | FusionModel] = {PLAIN: Unwhitened(zooms=())}
    models |= dict.fromkeys(["as it is", *ZOOMS, *TURNS], plain) | {CHOSEN: chosen}
    if options.weights:
        network = load_network(options.weights)
        models = {way: FusionModel(network, model) for way, model in models.items()}
    ways = options.ways or list(models)
    print("| scene |", *(f"{x} |" for x in ["bicubic", *ways]))
    print("|---|", "---|" * (len(ways) + 1), sep="")
    rows: list[list[float]] = []
    for scene in sorted(x for x in options.scenes.iterdir() if x.is_dir()):
        files = sorted(x for x in scene.iterdir() if x.suffix.lower() in (".jpg", ".png"))
        some: list[list[float]] = []
        for i in range(0, len(files), 4):
            for apart in options.apart:
                if i + apart >= len(files):
                    continue
                truth = crop_to_multiple(photo(files[i], options.side), 4)
                other, low = photo(files[i + apart], options.side), degrade(truth, 4)
                row = [psnr(up(low, 4), truth)]
                for way in ways:
                    more = [resized(other, z) for z in ZOOMS.get(way, ())]
                    more += [turned(other, d) for d in TURNS.get(way, ())]
                    reference = Reference.build([other, *more], 4)
                    row.append(psnr(models[way].upscale(low, reference).colour, truth))
                some.append(row)
        if some:
            rows += some
            print(f"| {scene.name} ({len(some)}) |", *means(some), flush=True)
    print(f"| **mean** ({len(rows)}) |", *means(rows))


def means(rows: list[list[float]]) -> list[str]:
    return [f"{mean(x):.2f} |" for x in zip(*rows, strict=True)]


if __name__ == "__main__":
    main()
