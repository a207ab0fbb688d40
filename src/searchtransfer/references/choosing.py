# SPDX-License-Identifier: Apache-2.0
"""Which copies of the photos help an image.

Every copy costs a search, so copies are tried first, at one phase and on a part of the cells. Those
join with which more of the image is found in one piece, or found better, than without.
"""

import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..operators import Keys
from ..operators.agreement import AROUND, TOLERANCE, agreement
from ..operators.descriptors import describe
from ..process.budget import BYTES_A_PIXEL, MEMORY, for_copies
from .copy import Copy, resized
from .geometry import Plane, alignment_of, enlarged, keypoints, mirrored_planes, planes
from .photo import AS_IT_IS, Photo, alignment_name
from .seeding import STRIP, Query, Watch, best_cells, part_of

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

LITTLE, NOTHING = 0.15, 0.05
"""Part of the image below which quarter turns and mirror images are tried, and other sizes."""

TRIAL_PAIRS = 3 * 10**9
"""Pairs of cells that the trials of an image compare at most, about."""

CHANCE, SURE = 0.22, 0.32
"""Mean agreement of whole cells, before anything is refined, that other photos reach by chance, and
that only the same things reach."""

FEWEST = 25
"""Cells of a copy at least, one whole patch: smaller ones are not tried."""

TRIAL_CELLS = 6000
"""Cells of the image in a trial at most: a larger one is reduced, and the copies with it."""


class Candidate(NamedTuple):
    """A copy that could be made."""

    photo: int
    name: str
    size: tuple[int, int]
    """Rows and columns."""
    make: Callable[[], Copy]

    @property
    def bytes(self) -> int:
        """What it takes in memory, searched."""
        return BYTES_A_PIXEL * self.size[0] * self.size[1]

    def __str__(self) -> str:
        return f"photo {self.photo} {self.name}"


class Choice(NamedTuple):
    """Copies of the photos that help an image."""

    copies: list[Copy]
    """At least the photos as they are."""
    surely: Float[Tensor, "h w"]
    """How surely they show what is around a cell, weighted by score; in a trial, whose cells may be
    larger."""


class Trial:
    """What has been tried of an image, and how much of it is found with what joined.

    Args:
        colour: the small image.
        scale: pixels of a copy for a pixel of the image.
        backend: of the search.
        memory: bytes that copies may take, together.
    """

    def __init__(
        self, colour: Float[Tensor, "3 h w"], scale: int, backend: str, memory: int
    ) -> None:
        size = colour.shape[1], colour.shape[2]
        self.reduction = max(1.0, (size[0] * size[1] / TRIAL_CELLS) ** 0.5)
        self.scale = scale
        self.query = Query.of(resized(colour, self._reduced(size, self.reduction)), 1, backend)
        self.known = colour.new_zeros(self.query.described.shape[1:])
        self.pairs, self.bytes = TRIAL_PAIRS, memory
        self.joined: list[Copy] = []

    def offer(self, candidates: Sequence[Candidate], watch: Watch) -> None:
        """Try copies; those that help join, the most helpful first."""
        tried: list[tuple[Candidate, Float[Tensor, "h w"]]] = []
        for number, candidate in enumerate(candidates):
            watch(number / len(candidates))
            if (fault := self._unfit(candidate)) is not None:
                log.debug("not tried: %s, %s", candidate, fault)
                continue
            tried.append((candidate, self._found(candidate.make(), watch)))
            log.debug("tried: %s, %.3f", candidate, tried[-1][1].mean())
        while tried:
            best = max(tried, key=lambda x: torch.maximum(self.known, x[1]).mean().item())
            tried = [x for x in tried if x is not best]
            if not helps(self.known, best[1]):
                break
            log.debug("joins: %s", best[0])
            self.known = torch.maximum(self.known, best[1])
            self.bytes -= best[0].bytes
            self.joined.append(best[0].make())

    @property
    def share(self) -> float:
        """How much of the image is found in one piece, weighted by score."""
        return self.known.mean().item()

    def _unfit(self, candidate: Candidate) -> str | None:
        """Why a copy cannot be tried; None if it can."""
        if candidate.size[0] * candidate.size[1] < FEWEST * self.scale**2:
            return "a few cells only"
        rows, columns = self._reduced(candidate.size, self.scale * self.reduction)
        pairs = self.known.numel() * rows * columns
        if candidate.bytes > self.bytes:
            return f"{candidate.bytes / 2**20:.0f} MiB"
        if pairs > self.pairs or rows * columns > STRIP:
            return f"{pairs:.1g} pairs"
        self.pairs -= pairs
        return None

    def _found(self, copy: Copy, watch: Watch) -> Float[Tensor, "h w"]:
        """The score of what is found in one piece, 0 to 1."""
        size = copy.pixels.shape[1], copy.pixels.shape[2]
        size = self._reduced(size, self.scale * self.reduction)
        key = describe(resized(copy.pixels, size))
        if copy.inside is not None:
            outside = (~copy.inside).float()[None, None]
            key *= F.interpolate(outside, size, mode="area")[0, 0] == 0
        score, place = best_cells(self.query, Keys([key], 1, copy=False), lambda done: None)
        still = torch.eye(2, dtype=score.dtype, device=score.device).expand(*score.shape, 2, 2)
        one = torch.zeros_like(place[..., 0])
        together = agreement(one, place.to(score), still, 1, TOLERANCE, apart=1)
        return _in_one_piece(together) * score.clamp(min=0)

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
    backend: str = "auto",
    memory: int = for_copies(MEMORY),
    watch: Watch = lambda done: None,
) -> Choice:
    """The copies that help an image.

    Args:
        colour: the small image, in [0, 1].
        photos: what there is.
        backend: of the search; see `searchtransfer.search`.
        memory: bytes that copies may take, together.
        watch: called with the share that is done.
    """
    scale = photos[0].scale
    trial = Trial(colour, scale, backend, memory)
    size = colour.shape[1] * scale, colour.shape[2] * scale
    shown_planes = cache(lambda: planes_of(enlarged(colour, scale), photos))
    # On the grid of its own pixels a photo loses nothing: such copies before those on planes.
    stages: tuple[tuple[float, Callable[[], Sequence[Candidate]]], ...] = (
        (ENOUGH, lambda: [_aligned(photo) for photo in photos]),
        (ENOUGH, lambda: _upright_on(shown_planes())),
        (ENOUGH, lambda: _on(shown_planes(), size)),
        (ENOUGH, lambda: [_aligned(photo, zoom) for zoom in ZOOMS for photo in photos]),
        (LITTLE, lambda: [_aligned(photo, 1.0, *x) for x in SYMMETRIES for photo in photos]),
        (NOTHING, lambda: [_aligned(photo, zoom) for zoom in FAR_ZOOMS for photo in photos]),
    )
    for number, (enough, stage) in enumerate(stages):
        if trial.share < enough:
            watch(number / len(stages))
            trial.offer(stage(), part_of(watch, number, len(stages)))
    copies = trial.joined or [_smallest(photo, memory // len(photos)) for photo in photos]
    return Choice(copies, trial.known)


SYMMETRIES = tuple((turns, flip) for flip in (False, True) for turns in range(4))[1:]
"""Quarter turns and mirror images of a photo."""


Shown = Sequence[tuple[Photo, Plane]]
"""Planes that photos show."""


def planes_of(large: Float[Tensor, "3 h w"], photos: Sequence[Photo]) -> Shown:
    """The planes that keypoints find; mirrored ones where there are no others."""
    ours = keypoints(large)
    found = [(photo, plane) for photo in photos for plane in planes(ours, photo.keypoints)]
    if not found:
        found = [(x, plane) for x in photos for plane in mirrored_planes(large, x.keypoints)]
    return found


def _on(shown_planes: Shown, size: tuple[int, int]) -> list[Candidate]:
    """The photos as the planes show them."""
    return [
        Candidate(photo.number, str(plane), size, partial(photo.on_plane, plane, size))
        for photo, plane in shown_planes
    ]


def _upright_on(shown_planes: Shown) -> list[Candidate]:
    """The photos turned and zoomed so that they show the planes nearly upright."""
    ways = [(photo, alignment_of(plane)) for photo, plane in shown_planes]
    different = {(x.number, how): _aligned(x, *how) for x, how in ways if how is not None}
    return [x for x in different.values() if x.name != AS_IT_IS]


def _aligned(photo: Photo, zoom: float = 1.0, turns: int = 0, mirrored: bool = False) -> Candidate:
    size = photo.size_at(zoom)
    name = alignment_name(zoom, turns, mirrored)
    if name == AS_IT_IS:
        return Candidate(photo.number, name, size, lambda: photo.upright)
    turned = size if turns % 2 == 0 else (size[1], size[0])
    return Candidate(photo.number, name, turned, lambda: photo.aligned(zoom, turns, mirrored))


def _smallest(photo: Photo, memory: int) -> Copy:
    """A photo that showed nothing, as it is, or as large as memory allows."""
    zoom = (memory / _aligned(photo).bytes) ** 0.5
    return photo.upright if zoom >= 1 else photo.aligned(zoom)
