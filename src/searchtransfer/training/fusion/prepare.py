# SPDX-License-Identifier: Apache-2.0
"""Search references for crops and store what was found; resumable.

    python -m searchtransfer.training.fusion.prepare DATA OUT --crops 2000 --seed 0 [--teacher STEM]

Each crop is one safetensors file `OUT/NNNNNN.safetensors`, made from the seed and its number alone:
files that are there are kept, and several processes can share the work (`--part 0/2`). `--held-out`
takes the photos that training leaves out. `--teacher` stores what a single-image network makes of
each crop too; see `teacher.py`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from ...files import write_file
from ...images.resize import degrade
from ...models.fusion import raw_evidence
from ...models.transfer import TransferModel
from ...reference import Reference
from ..data.pixels import Pixels
from .sources import Sources, find_sources
from .teacher import Teacher


def prepare(
    sources: Sources,
    out: Path,
    numbers: range,
    seed: int,
    teacher: Callable[[Tensor], Tensor] | None = None,
) -> int:
    """Store the crops of these numbers that are not there yet.

    Returns:
        How many were made.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = 0
    for number in numbers:
        path = out / f"{number:06d}.safetensors"
        if path.exists():
            continue
        target, reference, kind = sources.draw(np.random.default_rng([seed, number]))
        crop = searched(target, reference)
        if teacher is not None:
            crop["taught"] = eight_bits(teacher(crop["low"].float() / 255))
        content = safetensors.torch.save(crop, {"kind": kind})
        write_file(path, content, on_exists="overwrite", what="crop")
        made += 1
    return made


@torch.no_grad()
def searched(target: Pixels, reference: Pixels | None) -> dict[str, Tensor]:
    """A crop with its evidence, compact.

    Returns:
        `hr` and `low` as 8-bit; with a reference also `detail`, `transferred` and `maps` in half
        precision.
    """
    model = TransferModel()
    sharp = tensor_of(target)
    low = degrade(sharp, model.scale)
    pictures = {"hr": eight_bits(sharp), "low": eight_bits(low)}
    if reference is None:
        return pictures
    wide = model.widened(low, Reference.build([tensor_of(reference)], model.scale)).reference
    evidence = raw_evidence(model.piece(low, model.find(low, wide), wide))
    return pictures | {name: x[0].half() for name, x in evidence._asdict().items()}


def eight_bits(colour: Tensor) -> Tensor:
    """From [0, 1] to 0 to 255."""
    return (colour.clamp(0, 1) * 255).round().to(torch.uint8)


def tensor_of(pixels: Pixels) -> Tensor:
    """Pixels as `[3, H, W]` in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


def _part(text: str) -> tuple[int, int]:
    part, of = (int(x) for x in text.split("/"))
    if not 0 <= part < of:
        raise argparse.ArgumentTypeError(f"must be I/N with 0 <= I < N, got {text}")
    return part, of


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--crops", type=int, default=2000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--held-out", action="store_true", help="of the photos kept from training")
    parser.add_argument("--part", type=_part, default=(0, 1), help="I/N: every Nth crop from I on")
    parser.add_argument("--teacher", type=Path, help="files of SPAN x4, without their suffix")
    options = parser.parse_args()
    first, step = options.part
    sources = find_sources(options.data, options.held_out)
    teacher = Teacher(options.teacher) if options.teacher else None
    prepare(sources, options.out, range(first, options.crops, step), options.seed, teacher)


if __name__ == "__main__":
    main()
