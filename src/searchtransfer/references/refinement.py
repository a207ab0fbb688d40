# SPDX-License-Identifier: Apache-2.0
"""Refinement: from whole-cell matches to matches without a grid.

A cell is described by the patch of 5 x 5 cells around it. The same patch of a copy, at a place
between pixels and turned, tilted and zoomed a little by a 2 x 2 Jacobian, is sampled from the copy
blurred as the reduction blurs it. Three moves make matches better, each kept only where it does:

* Gauss-Newton steps on the position, contrast free (inverse or forward, as in Lucas and Kanade,
  1981; Baker and Matthews, 2004: forward additive);
* an affine map fitted robustly through the matches around (iteratively reweighted least squares),
  which also knows the Jacobian;
* the matches of neighbours, moved on by their own Jacobian (PatchMatch; Barnes et al., 2009).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..devices import at_once
from ..operators.descriptors import LUMA, describe, described, described_luma
from .copy import Copy
from .field import Field, by_copy, grid, lies_within, pixel_at, reduced_at
from .least_squares import solved

CELLS = 8192
"""Cells compared at a time: their samples take about 20 MB."""

CLOSE = 1.5
"""Pixels that a Gauss-Newton step may lead at most; the blur makes no longer ones sure."""

STILL = 0.05
"""Pixels; a shorter step is the last one of a cell."""

APART, SPARSE = 2, 2
"""An affine map is fitted through every second cell, two of them on either side."""

AROUND = APART * SPARSE

ENTRIES = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Of a symmetric matrix of three rows."""

AGREES = 2.0
"""Pixels off the fitted map at which a match counts a quarter."""

STIFF = 16.0
"""Weight with which a fit keeps the Jacobian it begins with, in squared pixels."""

YIELD, NOISY_YIELD = 0.02, 0.2
"""Score that a fitted match may lose: neighbours know better than a single noisy patch."""


@dataclass(frozen=True)
class Target:
    """What is looked for, and where."""

    query: Float[Tensor, "n c"]
    """Descriptors of the cells, of norm one or zero, row by row."""
    size: tuple[int, int]
    """Rows and columns of cells."""
    copies: Sequence[Copy]

    @classmethod
    def of(cls, colour: Float[Tensor, "3 h w"], copies: Sequence[Copy]) -> "Target":
        """The cells of a small image."""
        rows = describe(colour, copies[0].noise).flatten(1).T
        norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        return cls(rows / norm.clamp(min=1e-30), (colour.shape[1], colour.shape[2]), copies)

    @property
    def scale(self) -> int:
        """Pixels of a cell."""
        return self.copies[0].scale

    @property
    def noise(self) -> float:
        """Of the image, in grey levels."""
        return self.copies[0].noise


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


def scores(
    target: Target, field: Field, cells: slice | Tensor = slice(None)
) -> Float[Tensor, " n"]:
    """The cosines of cells and matches; -1 for a match that does not lie inside its copy."""
    query = target.query[cells]
    parts = []
    most = at_once(CELLS, query.device)
    for i in range(0, len(query), most):
        some = slice(i, i + most)
        key = described(reduced_at(target.copies, field.at(some), grid(2, query)), target.noise)
        norm = torch.linalg.vector_norm(key, dim=1).clamp(min=1e-30)
        parts.append((query[some] * key).sum(1) / norm)
    score = torch.cat(parts) if parts else query.new_zeros(0)
    return torch.where(is_inside(target.copies, field), score.clamp(-1, 1), -1.0)


def is_inside(copies: Sequence[Copy], field: Field) -> Tensor:
    """Which matches lie inside their copies, the whole cell."""
    inside = torch.zeros(field.copy.shape, dtype=torch.bool, device=field.copy.device)
    for number, cells in by_copy(field.copy):
        copy = copies[number]
        first = field.centre[cells] - (copy.scale - 1) / 2
        size = (copy.blurred.shape[1], copy.blurred.shape[2])
        within = lies_within(first, size)
        if copy.is_shown is not None:
            within &= copy.is_shown[pixel_at(first, size)]
        inside[cells] = within
    return inside


def shifted(target: Target, field: Field, steps: int) -> Field:
    """Gauss-Newton steps on the positions, each where it raises the score."""
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
    return Field(own.copy, centre, jacobian.contiguous(), own.score)


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
            new = (offer.centre - field.centre[cells]).abs().amax(1) > STILL
            new |= offer.copy != field.copy[cells]
            asked, offer = cells[new], offer.at(new)
            offer = offer._replace(score=scores(target, offer, asked))
            better = offer.score > field.score[asked]
            chosen, offer = asked[better], offer.at(better)
            for ours, theirs in zip(field, offer, strict=True):
                ours[chosen] = theirs
    return field
