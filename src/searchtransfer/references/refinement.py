# SPDX-License-Identifier: Apache-2.0
"""Refinement: from whole-cell matches to matches without a grid.

A cell is described by the patch of 5 x 5 cells around it. The same patch of a copy, at a place
between pixels and turned, tilted and zoomed a little by a 2 x 2 Jacobian, is sampled from the copy
blurred as the reduction blurs it. Three moves make matches better, each kept only where it does:

* Gauss-Newton steps on the position (`shifting.py`);
* an affine map fitted robustly through the matches around (iteratively reweighted least squares),
  which also knows the Jacobian;
* the matches of neighbours, moved on by their own Jacobian (PatchMatch; Barnes et al., 2009).
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..process.devices import at_once, wide
from .field import Field, grid
from .least_squares import ENTRIES, solved
from .likeness import CELLS
from .shifting import shifted
from .target import Target, scores

SAME = 0.05
"""Pixels; a neighbour's match as near as this is the own one."""

APART, SPARSE = 2, 2
"""An affine map is fitted through every second cell, two of them on either side."""

AROUND = APART * SPARSE

AGREES = 2.0
"""Pixels off the fitted map at which a match counts a quarter."""

STIFF = 16.0
"""Weight with which a fit keeps the Jacobian it begins with, in squared pixels."""

YIELD, NOISY_YIELD = 0.02, 0.2
"""Score that a fitted match may lose: neighbours know better than a single noisy patch."""


def refined(
    target: Target, start: Field, on_step: Callable[[float], None] = lambda done: None
) -> Field:
    """Make matches better, to a fraction of a pixel.

    Args:
        target: what is looked for.
        start: a match of each cell, in a row.
        on_step: called before each step with the share that is done.
    """
    field = Field(*(x.clone() for x in start._replace(score=scores(target, start))))
    moves: list[Callable[[Field], Field]] = [
        lambda x: shifted(target, x, 3),
        lambda x: shifted(target, fitted(target, x), 2),
        lambda x: shifted(target, handed_on(target, x, (1,)), 2),
        lambda x: shifted(target, handed_on(target, x, (1, 4)), 2),
    ]
    return _moved(field, moves, on_step)


def smoothed(
    target: Target, start: Field, on_step: Callable[[float], None] = lambda done: None
) -> Field:
    """Make matches better of which each patch alone says little, as `refined` does for others.

    What the matches around say has the last word.
    """
    field = Field(*(x.clone() for x in start._replace(score=scores(target, start))))

    def fit(x: Field) -> Field:
        return fitted(target, x, loss=NOISY_YIELD)

    moves: list[Callable[[Field], Field]] = [
        lambda x: fit(shifted(target, x, 2)),
        lambda x: fit(shifted(target, handed_on(target, x, (1, 4)), 1)),
        fit,
    ]
    return _moved(field, moves, on_step)


def _moved(
    field: Field, moves: Sequence[Callable[[Field], Field]], on_step: Callable[[float], None]
) -> Field:
    for number, move in enumerate(moves):
        on_step(number / len(moves))
        field = move(field)
    return field


def fitted(target: Target, field: Field, rounds: int = 3, loss: float = YIELD) -> Field:
    """Matches and Jacobians by the affine map that the matches around follow."""
    height, width = target.size
    parts = []
    rows = max(1, at_once(CELLS, field.copy.device) // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        parts.append(_fitted_rows(target, field, top, bottom, rounds))
    fit = Field(*(torch.cat(x) for x in zip(*parts, strict=True)))
    fit = fit._replace(score=scores(target, fit))
    return field.where(fit, fit.score > field.score - loss)


def _fitted_rows(target: Target, field: Field, top: int, bottom: int, rounds: int) -> Field:
    height, width = target.size
    first, last = max(0, top - AROUND), min(height, bottom + AROUND)
    part = field.at(slice(first * width, last * width))
    part = Field(part.copy, *(wide(x) for x in part[1:]))
    mine = slice((top - first) * width, (bottom - first) * width)
    own = part.at(mine)

    def around(x: Tensor) -> Float[Tensor, "k n"]:
        """The values around each cell, zero outside the image."""
        plane = x.to(own.score).view(1, 1, last - first, width)
        return F.unfold(plane, 2 * SPARSE + 1, dilation=APART, padding=AROUND)[0][:, mine]

    steps = APART * grid(SPARSE, own.centre)  # [k, 2], in cells
    near = torch.exp(-steps.square().sum(1) / (2 * (0.7 * AROUND) ** 2))
    same = around(part.copy + 1) == own.copy + 1
    weight = around(part.score.clamp(min=0).pow(4)) * same * near[:, None]
    off = [around(x) - mine_x for x, mine_x in zip(part.centre.T, own.centre.T, strict=True)]

    base = torch.cat([torch.ones_like(steps[:, :1]), target.scale * steps], 1).T  # [3, k]
    products = torch.stack([base[i] * base[j] for i, j in ENTRIES])  # [6, k]
    stiff = base.new_tensor([1e-6, 0, 0, STIFF, 0, STIFF])[:, None]
    # Row and column of the match, each as a shift and two slopes: [3, n].
    kept = [torch.cat([torch.zeros_like(x[:1]), x]) for x in own.jacobian.permute(1, 2, 0)]
    fits = kept
    for number in range(rounds):
        scale = AGREES * (2 if number == 0 else 1)
        error = sum((x - base.T @ fit).square() for x, fit in zip(off, fits, strict=True))
        robust = weight / (1 + error / scale**2) ** 2 * (error < (4 * scale) ** 2)
        normal = products @ robust + stiff
        fits = [
            solved(list(normal), base @ (robust * x) + STIFF * old)
            for x, old in zip(off, kept, strict=True)
        ]
    centre = own.centre + torch.stack([fit[0] for fit in fits], -1)
    jacobian = torch.stack([fit[1:].T for fit in fits], 1)
    centre, jacobian = (x.to(field.centre) for x in (centre, jacobian))
    return Field(own.copy, centre, jacobian.contiguous(), own.score.to(field.score))


def handed_on(target: Target, field: Field, jumps: Sequence[int]) -> Field:
    """The matches of neighbours, `jumps` cells away, where they fit better."""
    height, width = target.size
    numbers = torch.arange(height * width, device=field.copy.device).view(height, width)
    for jump in jumps:
        for dy, dx in ((0, jump), (0, -jump), (jump, 0), (-jump, 0)):
            if jump >= (height if dy else width):
                continue
            rows = slice(max(0, -dy), height - max(0, dy))
            columns = slice(max(0, -dx), width - max(0, dx))
            cells = numbers[rows, columns].flatten()
            offer = field.at(cells + dy * width + dx)
            way = target.scale * (dy * offer.jacobian[..., 0] + dx * offer.jacobian[..., 1])
            offer = offer._replace(centre=offer.centre - way)
            new = (offer.centre - field.centre[cells]).abs().amax(1) > SAME
            new |= offer.copy != field.copy[cells]
            asked, offer = cells[new], offer.at(new)
            offer = offer._replace(score=scores(target, offer, asked))
            better = offer.score > field.score[asked]
            chosen, offer = asked[better], offer.at(better)
            for ours, theirs in zip(field, offer, strict=True):
                ours[chosen] = theirs
    return field
