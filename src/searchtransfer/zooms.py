# SPDX-License-Identifier: Apache-2.0
"""Zooms: copies of the references at other scales, for a camera that has moved nearer or farther.

A match is a shift; what is seen a fifth larger is matched badly. Searching zoomed copies too costs
as much as further references, so they are tried at one sub-cell position first, and only those
join that find more in one piece than the photos themselves, or find it better.
"""

from math import inf
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from .matching import EXACT_PAIRS, SearchMode, match, plan_search
from .operators.agreement import agreement, shown
from .reference import Reference

ZOOMS = (0.512, 0.64, 0.8, 1.25, 1.5625)
"""What is tried: powers of 1.25; see `benchmarks/views.py`."""

WIDER = 0.02
"""A copy joins if so much more of the image is found in one piece with it, as part of what the
photos themselves show (weighted by score),"""

LEAST = 0.01
"""and as part of the image,"""

BETTER = 0.75
"""or if it lowers what remains unexplained (1 - score^2) to this part. Photos of the same scale
reach 0.80 by their other sub-cell positions."""


class Zoomed(NamedTuple):
    """References and those copies of them that help one image."""

    reference: Reference
    """All photos, then all of them at the first zoom, and so on."""
    zooms: tuple[float, ...]
    """Those that joined."""
    photos: int
    """How many there are without copies."""

    def locate(
        self, view: Int64[Tensor, "h w"], index: Int64[Tensor, "h w"]
    ) -> tuple[Int64[Tensor, "h w"], Int64[Tensor, "h w 2"], Float[Tensor, "h w"]]:
        """The photo of a match, row and column there of its first pixel, and the zoom.

        A match in a copy of zoom z covers `scale / z` pixels of the photo on a side.
        """
        copy, pixel = self.reference.locate(view, index)
        zoom = torch.tensor((1.0, *self.zooms), device=copy.device)[copy // self.photos]
        photo = copy % self.photos
        pixel = (pixel / zoom[..., None]).round().long()
        sizes = [x.shape[1:] for x in self.reference.photos[: self.photos]]
        last = torch.tensor(sizes, device=copy.device)[photo] - self.reference.scale
        return photo, torch.minimum(pixel, last), zoom


def with_zooms(
    colour: Float[Tensor, "3 h w"],
    reference: Reference,
    zooms: tuple[float, ...] = ZOOMS,
    search: SearchMode = "auto",
    backend: str = "auto",
) -> Zoomed:
    """Choose the zooms that help an image.

    None where the search is refined, which does not pay for copies; and with "auto" no more than
    what is still searched exactly.

    Args:
        colour: the small image, in [0, 1].
        reference: the photos.
        zooms: to choose from.
        search: see `searchtransfer.matching`.
        backend: of the search.
    """
    plan = plan_search((colour.shape[1], colour.shape[2]), reference, search)
    chosen: tuple[float, ...] = ()
    if zooms and plan.mode == "exact" and reference.sub_cell:
        views = {zoom: _first_views(reference, zoom) for zoom in (1.0, *zooms)}
        found = {zoom: _found(colour, view, backend) for zoom, view in views.items()}
        chosen = _that_help(found.pop(1.0), found)
        # Not more than what is searched exactly: the least helpful stay out.
        limit = inf if search == "exact" else EXACT_PAIRS
        while plan.pairs * (1 + sum(zoom**2 for zoom in chosen)) > limit and chosen:
            chosen = chosen[:-1]
        chosen = tuple(sorted(chosen))
    return Zoomed(_joined(reference, chosen), chosen, len(reference.photos))


def _first_views(reference: Reference, zoom: float) -> Reference:
    """The photos zoomed, reduced from their first pixel only."""

    def make() -> Reference:
        photos = tuple(_zoomed(photo, zoom, reference.scale) for photo in reference.photos)
        return Reference(photos, reference.scale, sub_cell=False)

    return reference.once(("zoom", zoom), make)


def _joined(reference: Reference, zooms: tuple[float, ...]) -> Reference:
    """The photos, and behind them all of them at each zoom."""

    def make() -> Reference:
        copies = [x for zoom in zooms for x in _first_views(reference, zoom).photos]
        return Reference((*reference.photos, *copies), reference.scale, reference.sub_cell)

    return reference.once(("joined", zooms), make) if zooms else reference


def _zoomed(photo: Float[Tensor, "3 h w"], zoom: float, scale: int) -> Float[Tensor, "3 hz wz"]:
    if zoom == 1:
        return photo
    size = [max(scale, round(n * zoom)) for n in photo.shape[1:]]
    copy = F.interpolate(photo[None], size, mode="bicubic", align_corners=False, antialias=True)
    return copy[0].clamp(0, 1)


def _found(colour: Tensor, reference: Reference, backend: str) -> Float[Tensor, "h w"]:
    """The score of what is found in one piece, 0 to 1; less where it is less sure."""
    found = match(colour, reference, "exact", backend)
    together = agreement(*reference.locate(found.view, found.index), reference.scale)
    return shown(together) * found.score.clamp(min=0)


def _that_help(
    known: Float[Tensor, "h w"], copies: dict[float, Float[Tensor, "h w"]]
) -> tuple[float, ...]:
    """The best copy first, then those that help beside what is known by then."""
    chosen: list[float] = []
    while len(chosen) < len(copies):
        others = {zoom: copy for zoom, copy in copies.items() if zoom not in chosen}
        best = max(others, key=lambda zoom: torch.maximum(known, others[zoom]).mean().item())
        if not _helps(known, others[best]):
            break
        known = torch.maximum(known, others[best])
        chosen.append(best)
    return tuple(chosen)


def _helps(known: Float[Tensor, "h w"], copy: Float[Tensor, "h w"]) -> bool:
    both = torch.maximum(known, copy)
    before, after = (x.mean().item() for x in (known, both))
    left_before, left_after = ((1 - x.square()).mean().item() for x in (known, both))
    return after - before >= max(LEAST, WIDER * before) or left_after < BETTER * left_before
