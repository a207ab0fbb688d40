# SPDX-License-Identifier: Apache-2.0
"""Matching: every cell of a small image found in the photos of a reference, without a grid.

First the copies of the photos that help are chosen, by keypoints and by trial. Then, at half the
size, whole cells are searched among all cells of the copies; exhaustively, from every cell of the
image or, where that is too much, from some of them, evenly spread. These seeds are refined to a
fraction of a pixel, there and at the full size, and neighbours hand their matches on to each other.
What was found tells how the image was reduced (of a large image, a part that is found first); if
not as was thought, it is found again. The choices depend on the pictures alone, so that the same
pair always gives the same picture.
"""

import logging
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from ..images.reduction import Reduction
from ..process.budget import MEMORY, for_copies
from ..process.progress import Progress, silent
from ..wear import CLEAN, Wear
from .choosing import choose
from .copy import Copy
from .finding import Found, find, plan_for
from .plan import plan_search
from .reduction import nearby, part_that_tells, reduction_of
from .reference import Reference
from .seeding import Watch, part_of

log = logging.getLogger(__name__)

AGAIN = 2
"""Times that an image is found again at most."""


@torch.no_grad()
def match(
    colour: Float[Tensor, "3 h w"],
    reference: Reference,
    mode: str = "auto",
    backend: str = "auto",
    progress: Progress = silent,
    wear: Wear = CLEAN,
    memory: int = MEMORY,
) -> Found:
    """Find every cell of a small image in a reference.

    Args:
        colour: `[3, H, W]`, the small image, in [0, 1].
        reference: where to search.
        mode: see `plan_search`.
        backend: that of the exhaustive search; see `searchtransfer.search`.
        progress: called with "search".
        wear: what has happened to the image; how it was reduced is told by the matches, if it
            is not known.
        memory: bytes that the whole job may take; see `searchtransfer.process.budget`.

    Raises:
        OptionError: no such mode.
    """
    size = (colour.shape[1], colour.shape[2])
    plan_search(size, 1, reference.scale, mode)  # refuses an unknown mode before any work
    bytes_of_copies = for_copies(memory)
    watch = _watch(progress, 0.0, 0.3)
    copies, surely = choose(colour, reference.prepared, backend, bytes_of_copies, watch)
    noise, supposed = wear.level(colour), wear.supposed(reference.scale)
    chosen = tuple(copy.seen_as(supposed, noise) for copy in copies)
    copies_text = "1 copy" if len(copies) == 1 else f"{len(copies)} copies"
    log.info("search: %s in %s", plan_for(size, chosen, mode), copies_text)
    search = partial(find, mode=mode, backend=backend)
    part = part_that_tells(surely, size)
    if wear.reduction:
        found = search(colour, chosen, watch=_watch(progress, 0.3, 1.0))
    elif part is None:
        found = _searched_again(search, colour, chosen, supposed, _watch(progress, 0.3, 1.0))
    else:
        piece = colour[(slice(None), *part)].contiguous()
        watch = _watch(progress, 0.3, 0.4)
        told = _searched_again(search, piece, chosen, supposed, watch, _nearby).reduction
        chosen = tuple(copy.seen_as(told, noise) for copy in copies)
        found = search(colour, chosen, watch=_watch(progress, 0.4, 1.0))
    progress("search", 1.0)
    return found


def _searched_again(
    search: Callable[..., Found],
    colour: Float[Tensor, "3 h w"],
    copies: tuple[Copy, ...],
    supposed: Reduction,
    watch: Watch,
    where: Callable[[Found], tuple[Copy, ...]] = lambda found: found.copies,
) -> Found:
    """Find an image, again where its matches say that it was reduced in another way.

    `where` says in what it is found again.
    """
    found = search(colour, copies, watch=part_of(watch, 0, AGAIN + 1))
    for number in range(1, AGAIN + 1):
        reduction = reduction_of(colour, found.copies, found.field, found.agreement, supposed)
        if reduction == found.reduction:
            break
        log.info("the image looks reduced by %s: it is found again", reduction)
        again = tuple(copy.seen_as(reduction, copy.noise) for copy in where(found))
        found = search(colour, again, watch=part_of(watch, number, AGAIN + 1))
    return found


def _nearby(found: Found) -> tuple[Copy, ...]:
    return nearby(found.copies, found.field, found.agreement)


def _watch(progress: Progress, first: float, last: float):  # type: ignore[no-untyped-def]
    return lambda done: progress("search", first + (last - first) * done)
