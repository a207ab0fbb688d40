# SPDX-License-Identifier: Apache-2.0
"""Which copies of the photos help an image.

Every copy costs a search, so copies are tried first, at one phase and on a part of the cells. Those
join with which more of the image is found in one piece, or found better, than without.
"""

import logging
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..operators import Keys
from ..operators.agreement import AROUND, agreement
from ..operators.descriptors import describe
from .copy import Copy, resized
from .photo import Photo
from .seeding import STRIP, Query, Watch, best_cells

log = logging.getLogger(__name__)

ZOOMS = (0.512, 0.64, 0.8, 1.25, 1.5625)
"""Sizes of a photo that are tried where a part of the image is not found well."""

FAR_ZOOMS = (0.1, 0.128, 0.16, 0.2, 0.256, 0.32, 0.4, 1.95, 2.44, 3.05)
"""Sizes that are tried where nothing is found at all."""

WIDER = 0.02
"""A copy joins if so much more of the image is found in one piece with it, as part of what is
known by then (weighted by score),"""

LEAST = 0.01
"""and as part of the image,"""

BETTER = 0.75
"""or if it lowers what remains unexplained (1 - score^2) to this part. Photos of the same scale
reach 0.80 by their other sub-cell positions."""

ENOUGH = 0.8
"""Part of the image found in one piece, weighted by score, from which on no more is tried."""

NOTHING = 0.02
"""Part of the image below which nothing is found."""

TRIAL_PAIRS = 3 * 10**9
"""Pairs of cells that the trials of an image compare at most, about."""

CHANCE, SURE = 0.22, 0.32
"""Mean agreement of whole cells, before anything is refined, that other photos reach by chance, and
that only the same things reach."""

TRIAL_CELLS = 6000
"""Cells of the image in a trial at most: a larger one is reduced, and the copies with it."""


class Trial:
    """What has been tried of an image, and how much of it is found with what joined.

    Args:
        colour: the small image.
        scale: pixels of a copy for a pixel of the image.
        backend: of the search.
    """

    def __init__(self, colour: Float[Tensor, "3 h w"], scale: int, backend: str) -> None:
        size = colour.shape[1], colour.shape[2]
        self.reduction = max(1.0, (size[0] * size[1] / TRIAL_CELLS) ** 0.5)
        self.scale = scale
        self.query = Query.of(resized(colour, self._reduced(size, self.reduction)), 1, backend)
        self.known = colour.new_zeros(self.query.described.shape[1:])
        self.budget = TRIAL_PAIRS
        self.joined: list[Copy] = []

    def offer(self, copies: Sequence[Copy], watch: Watch) -> None:
        """Try copies; those that help join, the most helpful first."""
        results = {number: self._found(copy, watch) for number, copy in enumerate(copies)}
        found = {number: x for number, x in results.items() if x is not None}
        while found:
            best = max(found, key=lambda x: torch.maximum(self.known, found[x]).mean().item())
            result = found.pop(best)
            if not helps(self.known, result):
                break
            log.debug("joins: photo %d %s", copies[best].photo, copies[best].name)
            self.known = torch.maximum(self.known, result)
            self.joined.append(copies[best])

    @property
    def share(self) -> float:
        """How much of the image is found in one piece, weighted by score."""
        return self.known.mean().item()

    def _found(self, copy: Copy, watch: Watch) -> Float[Tensor, "h w"] | None:
        """The score of what is found in one piece, 0 to 1; None for what is too large to try."""
        size = copy.pixels.shape[1], copy.pixels.shape[2]
        size = self._reduced(size, self.scale * self.reduction)
        pairs = self.known.numel() * size[0] * size[1]
        if pairs > self.budget or size[0] * size[1] > STRIP:
            log.debug("not tried: photo %d %s, %.1g pairs", copy.photo, copy.name, pairs)
            return None
        self.budget -= pairs
        key = describe(resized(copy.pixels, size))
        if copy.inside is not None:
            outside = (~copy.inside).float()[None, None]
            key *= F.interpolate(outside, size, mode="area")[0, 0] == 0
        score, place = best_cells(self.query, Keys([key], 1, copy=False), watch)
        still = torch.eye(2, device=score.device).expand(*score.shape, 2, 2)
        one = torch.zeros_like(place[..., 0])
        result = _in_one_piece(agreement(one, place.to(score), still, 1)) * score.clamp(min=0)
        log.debug("tried: photo %d %s, %.3f", copy.photo, copy.name, result.mean())
        return result

    @staticmethod
    def _reduced(size: tuple[int, int], reduction: float) -> tuple[int, int]:
        return max(1, round(size[0] / reduction)), max(1, round(size[1] / reduction))


def _in_one_piece(together: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """How surely a copy shows what is around a cell: as `shown`, for whole cells."""
    side = 2 * AROUND + 1
    mean = F.avg_pool2d(together[None, None], side, 1, AROUND, count_include_pad=False)[0, 0]
    return ((mean - CHANCE) / (SURE - CHANCE)).clamp(0, 1)


def helps(known: Float[Tensor, "h w"], copy: Float[Tensor, "h w"]) -> bool:
    """Whether more is found with a copy, or found better."""
    both = torch.maximum(known, copy)
    before, after = (x.mean().item() for x in (known, both))
    left_before, left_after = ((1 - x.square()).mean().item() for x in (known, both))
    return after - before >= max(LEAST, WIDER * before) or left_after < BETTER * left_before


def choose(
    colour: Float[Tensor, "3 h w"],
    photos: Sequence[Photo],
    planes: Callable[[], Sequence[Copy]],
    backend: str = "auto",
    watch: Watch = lambda done: None,
) -> list[Copy]:
    """The copies that help an image; at least the photos as they are.

    Args:
        colour: the small image, in [0, 1].
        photos: what there is.
        planes: makes the copies by planes that keypoints found; only called where needed.
        backend: of the search; see `searchtransfer.search`.
        watch: called with the share that is done; an exception raised in it ends the work.
    """
    trial = Trial(colour, photos[0].scale, backend)
    stages: list[Callable[[], Sequence[Copy]]] = [
        lambda: [photo.upright for photo in photos],
        planes,
        lambda: [photo.zoomed(zoom) for photo in photos for zoom in ZOOMS],
    ]
    lost: list[Callable[[], Sequence[Copy]]] = [
        lambda: [photo.turned(*x) for photo in photos for x in _SYMMETRIES],
        lambda: [photo.zoomed(zoom) for photo in photos for zoom in FAR_ZOOMS],
    ]
    for number, stage in enumerate([*stages, *lost]):
        first, part = number / (len(stages) + len(lost)), 1 / (len(stages) + len(lost))
        watch(first)
        if trial.share >= ENOUGH or (number >= len(stages) and trial.share > NOTHING):
            break
        trial.offer(stage(), lambda done, a=first, b=part: watch(a + b * done))
    return trial.joined or [photo.upright for photo in photos]


_SYMMETRIES = tuple((turns, flip) for flip in (False, True) for turns in range(4))[1:]
