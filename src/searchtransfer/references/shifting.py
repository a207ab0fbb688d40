# SPDX-License-Identifier: Apache-2.0
"""Gauss-Newton steps on the places of matches, contrast free, each where it raises the score.

Forward additive (Lucas and Kanade, 1981; Baker and Matthews, 2004), by luma alone, which decides
where things are. Compiled where that can run; in torch it is the same, line by line.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from ..operators.backends.native_sampling import can_sample, shift
from ..operators.descriptors import LUMA, described_luma
from ..process.devices import at_once
from .field import Field, by_copy, grid, reduced_at
from .least_squares import ENTRIES, solved
from .likeness import CELLS, patch_described
from .target import Target, matched_in, scores

CLOSE = 1.5
"""Pixels that a step may lead at most; the blur makes no longer ones sure."""

STILL = 0.05
"""Pixels; a shorter step is the last one of a cell."""


def shifted(target: Target, field: Field, steps: int) -> Field:
    """Gauss-Newton steps on the positions, each where it raises the score."""
    if can_sample(target.copies[0].pixels, field.centre, target.query):
        return _compiled(target, field, steps)
    return in_torch(target, field, steps)


def _compiled(target: Target, field: Field, steps: int) -> Field:
    result = Field(*(x.clone() for x in field))
    for number, cells in by_copy(field.copy):
        copy = target.copies[number]
        matched = matched_in(copy, field.at(cells), target.query[cells])
        described = patch_described(copy.scale, target.noise, field.centre)
        centre, score = shift(
            matched, described, field.score[cells], copy.luma, CLOSE, STILL, steps
        )
        result.centre[cells], result.score[cells] = centre + copy.middle, score
    return result


def in_torch(target: Target, field: Field, steps: int) -> Field:
    """The same on any device."""
    parts = []
    most = at_once(CELLS, field.copy.device)
    for i in range(0, len(field.copy), most):
        some = slice(i, i + most)
        part = field.at(some)
        cells = torch.arange(i, i + len(part.copy), device=part.copy.device)
        part = Field(*(x.clone() for x in part))
        for _ in range(steps):
            # Cells that have stopped moving have found their place.
            here = cells - i
            old = part.at(here)
            step = _step(target, old, cells)
            moved = old._replace(centre=old.centre + step)
            moved = moved._replace(score=scores(target, moved, cells))
            better = moved.score > old.score
            for ours, theirs in zip(part, moved, strict=True):
                ours[here[better]] = theirs[better]
            cells = cells[better & (step.abs().amax(1) > STILL)]
            if not len(cells):
                break
        parts.append(part)
    return Field(*(torch.cat(x) for x in zip(*parts, strict=True)))


def _step(target: Target, field: Field, cells: slice | Tensor) -> Float[Tensor, "n 2"]:
    """The step that makes query = gain * (key + slope step) nearly true, least squares.

    By luma alone, which decides where things are.
    """
    query = target.query[cells, :LUMA]
    patches = reduced_at(target.copies, field, grid(2, query), lambda copy: copy.luma)
    base = [
        described_luma(x, target.noise) for x in patches
    ]  # key and its slopes down and right, [n, c]
    normal = [(base[i] * base[j]).sum(1) for i, j in ENTRIES]
    right = torch.stack([(query * x).sum(1) for x in base])
    size = (normal[0] + normal[3] + normal[5]) / 3 + 1e-12
    for diagonal in (0, 3, 5):
        normal[diagonal] = normal[diagonal] + 1e-4 * size
    gain, down, across = solved(normal, right)
    # A patch that the query hardly resembles (gain near 0) says nothing about the way to go.
    way = torch.stack([down, across], -1) / gain.clamp(min=1e-3 / size.sqrt())[:, None]
    way = torch.where(gain[:, None] > 0, way, 0.0)
    length = torch.linalg.vector_norm(way, dim=1, keepdim=True)
    result: Tensor = way * (CLOSE / length.clamp(min=CLOSE))
    return result
