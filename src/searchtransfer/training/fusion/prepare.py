# SPDX-License-Identifier: Apache-2.0
"""Search references for crops and store what was found; resumable.

Each crop is one safetensors file, made from the seed and its number alone: files that are there are
kept, and several processes can share the work.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from ...files import write_file
from ...models.evidence import raw_evidence
from ...models.transfer import TransferModel
from ...references import Reference
from ...wear import wear_of
from ..data.pixels import Pixels
from ..degradations import Chain, draw_chain
from .crops import crop_file
from .drawing import Sources


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
        path = crop_file(out, number)
        if path.exists():
            continue
        rng = np.random.default_rng([seed, number])
        target, reference, kind = sources.draw(rng)
        chain = draw_chain(rng, sources.scale, sources.recipe)
        crop, level = searched(target, reference, chain)
        if teacher is not None and chain.clean:  # it knows no others, and would restore the wear
            crop["taught"] = eight_bits(teacher(crop["raw"].float() / 255))
        # In one entry: the order of several is another in each process.
        about = json.dumps({"kind": kind, "noise": level, "wear": str(chain)})
        content = safetensors.torch.save(crop, {"crop": about})
        write_file(path, content, on_exists="overwrite", what="crop")
        made += 1
    return made


@torch.no_grad()
def searched(
    target: Pixels, reference: Pixels | None, chain: Chain
) -> tuple[dict[str, Tensor], float]:
    """A crop with its evidence, compact, and the noise that was seen on it.

    Args:
        target: sides are multiples of the chain's scale, which is that of the model.
        reference: any size; none: the crop has no evidence.
        chain: makes the small picture.

    Returns:
        `hr` and `raw` as 8-bit; with a reference also `low`, `noise`, `detail`, `transferred` and
        `maps` in half precision.
    """
    low = tensor_of(chain.apply(target))
    model = TransferModel(target.shape[0] // low.shape[1])
    wear = wear_of(low, model.scale)
    pictures = {"hr": eight_bits(tensor_of(target)), "raw": eight_bits(low)}
    if reference is None:
        return pictures, wear.level(low)
    prepared = Reference.build([tensor_of(reference)], model.scale)
    piece = model.piece(low, model.find(low, prepared, wear=wear))
    evidence = {name: x[0] for name, x in raw_evidence(piece)._asdict().items()}
    found = evidence | {"low": piece.low, "noise": piece.noise[None]}
    return pictures | {name: x.half().contiguous() for name, x in found.items()}, wear.level(low)


def eight_bits(colour: Tensor) -> Tensor:
    """From [0, 1] to 0 to 255."""
    return (colour.clamp(0, 1) * 255).round().to(torch.uint8)


def tensor_of(pixels: Pixels) -> Tensor:
    """Pixels as `[3, H, W]` in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255
