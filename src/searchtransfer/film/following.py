# SPDX-License-Identifier: Apache-2.0
"""Finding a frame by where the frame before was found.

The flow says where each cell was; its match there, moved on by its Jacobian, is refined by a few
of the moves that a single image gets. Cells whose score drops begin with a search of their own.
"""

from jaxtyping import Float, Int64
from torch import Tensor

from ..references.field import Field, located
from ..references.finding import Found, agreement_of
from ..references.refinement import fitted, handed_on
from ..references.seeding import Query, seeds
from ..references.shifting import shifted
from ..references.target import Target, scores
from .motion import places

DROP = 0.1
"""A cell is lost if its score falls by so much below what the cell had that it follows."""

MOST_LOST = 0.5
"""Part of the cells from which on a frame is searched as a single image."""


def follow(
    colour: Float[Tensor, "3 h w"],
    before: Found,
    way: Float[Tensor, "h w 2"],
    backend: str = "auto",
) -> Found | None:
    """Find a frame; None where too many of its cells cannot be followed.

    Args:
        colour: `[3, H, W]`, the small frame, in [0, 1].
        before: what was found of the frame before, of the same size.
        way: from `flow`.
        backend: of the search for lost cells.
    """
    copies = before.copies
    target = Target.of(colour, copies)
    start = carried(before.field, way, copies[0].scale)
    row = Field(*(x.flatten(0, 1) for x in start))
    known = row.score
    noisy = copies[0].noise > 0
    row = shifted(target, row._replace(score=scores(target, row)), 1 if noisy else 2)
    row = handed_on(target, row, (1,))
    lost = row.score < known - DROP
    if lost.float().mean() > MOST_LOST:
        return None
    cells = lost.nonzero()[:, 0]
    if len(cells) and not noisy:
        row = handed_on(target, _anew(target, row, cells, backend), (1,))
    # From frame to frame a fit that may lose more would blur the borders of what moves.
    row = fitted(target, row, rounds=2)
    row = row if noisy else shifted(target, row, 1)
    field = Field(*(x.view(*colour.shape[1:], *x.shape[1:]) for x in row))
    matches = located(copies, field)
    if noisy:  # here neighbours were made to agree: what they did when searched counts
        agreed = _at(before.agreement, way)
    else:
        agreed = agreement_of(matches)
    return Found(copies, field, matches, agreed)


def _anew(target: Target, row: Field, cells: Int64[Tensor, " n"], backend: str) -> Field:
    """Some cells searched as those of a single image, where that does better."""
    query = Query(target.query[cells].T[:, None].contiguous(), 1, backend)
    offer = Field(*(x[0] for x in seeds(query, target.copies, 1)))
    offer = offer._replace(score=scores(target, offer, cells))
    own = Target(target.query[cells], (1, len(cells)), target.copies)
    offer = shifted(own, offer, 2)
    better = offer.score > row.score[cells]
    for ours, theirs in zip(row, offer, strict=True):
        ours[cells[better]] = theirs[better]
    return row


def carried(field: Field, way: Float[Tensor, "h w 2"], scale: int) -> Field:
    """The matches of the frame before, at the cells that show the same now."""
    height, width = field.copy.shape
    place = places(way)
    last = place.new_tensor([height - 1, width - 1])
    cell = place.round().clamp(min=0).minimum(last)
    rows, columns = cell.long().unbind(-1)
    start = field.at((rows, columns))
    step = (start.jacobian @ (place - cell)[..., None])[..., 0]
    return start._replace(centre=start.centre + scale * step)


def _at(x: Float[Tensor, "h w"], way: Float[Tensor, "h w 2"]) -> Float[Tensor, "h w"]:
    height, width = x.shape
    rows, columns = places(way).round().long().unbind(-1)
    return x[rows.clamp(0, height - 1), columns.clamp(0, width - 1)]
