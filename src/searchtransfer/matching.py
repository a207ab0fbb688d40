# SPDX-License-Identifier: Apache-2.0
"""Matching: every cell of a small image found in a reference, exactly or by refinement.

The exact search compares every cell with every cell of all `scale**2` views. Its cost grows with
the square of the image area, so beyond a limit it is one view of each photo that is searched, for
all cells of the image or, where that is still too much, for some of them, evenly spread. All views
are then searched around the places found, which neighbours pass on to each other.
The choice depends on the sizes alone, so that the same pair always gives the same picture.
"""

import logging
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .errors import OptionError
from .operators import Keys, ViewMatch, search_views
from .operators.backends import native
from .operators.descriptors import describe
from .operators.places import PhotoPlaces
from .operators.refine import Guess, refine
from .progress import Progress, silent
from .reference import Reference, View

log = logging.getLogger(__name__)

SearchMode = Literal["exact", "refine", "auto"]
MODES = ("exact", "refine", "auto")

EXACT_PAIRS = 10**11
"""Pairs of cells up to which "auto" compares all of them: 10 to 20 seconds on two cores."""

SEED_PAIRS = 15 * 10**10
"""Pairs of cells that a refined search compares exhaustively, at most."""

COMPILED_RATE, TORCH_RATE = 4e9, 4e8
"""Pairs of cells that a thread compares in a second, roughly."""

REFINED_RATE, REFINED_CELLS = 7e6, 230
"""Pairs that a thread compares in a second in refinement, and pairs for each cell, roughly."""

ROWS = 64
"""Query rows searched at a time, between two reports of progress."""


@dataclass(frozen=True)
class Plan:
    """Which search will be done, and what it costs."""

    mode: Literal["exact", "refine"]
    pairs: int
    """Pairs of cells that the exhaustive part compares."""
    stride: tuple[int, int] = (1, 1)
    """Only every so many rows and columns of the image take part in that part."""
    refined_cells: int = 0
    """Cells whose matches are then refined."""

    def seconds(self, backend: str = "auto") -> float:
        """About how long it takes here.

        From rates measured on the pair of `searchtransfer demo` (AVX-512); other processors differ,
        and matches that are hard to tell from others take longer.
        """
        compiled = backend in ("auto", "native") and bool(native.instruction_sets())
        rate = COMPILED_RATE if compiled else TORCH_RATE
        refinement = self.refined_cells * REFINED_CELLS / REFINED_RATE
        return (self.pairs / rate + refinement) / torch.get_num_threads()

    def __str__(self) -> str:
        rows, columns = self.stride
        every = f", from every {rows} x {columns} cells" if rows * columns > 1 else ""
        return f"{self.mode}, {self.pairs:.2g} pairs{every}"


def plan_search(size: tuple[int, int], reference: Reference, mode: SearchMode = "auto") -> Plan:
    """Choose a search from the sizes alone.

    Args:
        size: `(H, W)` of the small image.
        reference: where to search.
        mode: "exact", "refine", or "auto" for exact up to `EXACT_PAIRS` pairs.

    Raises:
        OptionError: no such mode.
    """
    if mode not in MODES:
        raise OptionError(f"search must be one of {', '.join(MODES)}, got {mode!r}")
    cells = size[0] * size[1]
    pairs = cells * sum(view.low.shape[1] * view.low.shape[2] for view in reference.views)
    if mode == "exact" or (mode == "auto" and pairs <= EXACT_PAIRS):
        return Plan("exact", pairs)
    keys = sum(view.low.shape[1] * view.low.shape[2] for view in _first_views(reference))
    stride = (1, 1)
    while _strided(size, stride) * keys > SEED_PAIRS and _strided(size, stride) > 1:
        stride = (2 * stride[0], stride[1]) if stride[0] == stride[1] else (stride[0], stride[0])
    return Plan("refine", _strided(size, stride) * keys, stride, cells)


@torch.no_grad()
def match(
    colour: Float[Tensor, "3 h w"],
    reference: Reference,
    mode: SearchMode = "auto",
    backend: str = "auto",
    progress: Progress = silent,
) -> ViewMatch:
    """Find every cell of a small image in a reference.

    Args:
        colour: `[3, H, W]`, the small image.
        reference: where to search.
        mode: see `plan_search`.
        backend: that of the exhaustive search; see `searchtransfer.search`.
        progress: called with "search".

    Returns:
        `ViewMatch(score, index, view)`, each `[H, W]`.
    """
    plan = plan_search((colour.shape[1], colour.shape[2]), reference, mode)
    log.info("search: %s, about %.2g s", plan, plan.seconds(backend))
    if plan.mode == "exact":
        found = _exhaustive(describe(colour), reference.keys, backend, progress)
    else:
        found = _refined(colour, reference, plan.stride, backend, progress)
    progress("search", 1.0)
    return found


def _exhaustive(
    query: Float[Tensor, "c h w"], keys: Keys, backend: str, progress: Progress
) -> ViewMatch:
    """All pairs, some rows of the query at a time."""
    parts = []
    for top in range(0, query.shape[1], ROWS):
        progress("search", top / query.shape[1])
        rows = query[None, :, top : top + ROWS].contiguous()
        parts.append(search_views(rows, keys, patch_size=1, backend=backend))
    return ViewMatch(*(torch.cat(x, dim=1)[0] for x in zip(*parts, strict=True)))


def _refined(
    colour: Tensor,
    reference: Reference,
    stride: tuple[int, int],
    backend: str,
    progress: Progress,
) -> ViewMatch:
    query = describe(colour)
    photos = _photo_places(reference)
    start = _seeds(
        query, reference, stride, photos[0].step, backend, lambda x, done: progress(x, done / 2)
    )
    found = refine(query, photos, start, on_round=lambda done: progress("search", (1 + done) / 2))
    log.debug("refined with %d pairs for each cell", found.compared // found.score.numel())
    view, index = reference.view_and_index(found.label)
    flat = torch.linalg.vector_norm(query, dim=0) == 0
    return ViewMatch(
        found.score.clamp(-1, 1).masked_fill(flat, 0),
        index.masked_fill(flat, 0),
        view.masked_fill(flat, 0),
    )


def _seeds(
    query: Float[Tensor, "c h w"],
    reference: Reference,
    stride: tuple[int, int],
    step: int,
    backend: str,
    progress: Progress,
) -> Guess:
    """Places to begin with: the best in the first views, for some cells; the others follow them."""
    views = _first_views(reference)
    keys = Keys([describe(view.low) for view in views], patch_size=1)
    some = query[:, :: stride[0], :: stride[1]].contiguous()
    found = _exhaustive(some, keys, backend, progress)
    columns = torch.tensor([view.low.shape[2] for view in views], device=query.device)[found.view]
    row = torch.div(found.index, columns, rounding_mode="floor")

    y = torch.arange(query.shape[1], device=query.device)[:, None]
    x = torch.arange(query.shape[2], device=query.device)
    nearest = (
        torch.div(y, stride[0], rounding_mode="floor"),
        torch.div(x, stride[1], rounding_mode="floor"),
    )
    return Guess(
        found.view[nearest],
        (row[nearest] + y % stride[0]) * step,
        ((found.index - row * columns)[nearest] + x % stride[1]) * step,
        torch.ones_like(found.view[nearest], dtype=torch.bool),
    )


def _photo_places(reference: Reference) -> list[PhotoPlaces]:
    """The places of each photo: pixels, or cells where there is one view of each only."""
    step = reference.scale if reference.sub_cell else 1
    views: list[dict[tuple[int, int], Tensor]] = [{} for _ in reference.photos]
    first: list[dict[tuple[int, int], int]] = [{} for _ in reference.photos]
    label = 0
    for view in reference.views:
        views[view.photo][view.dy, view.dx] = view.low
        first[view.photo][view.dy, view.dx] = label
        label += view.low.shape[1] * view.low.shape[2]
    return [PhotoPlaces(v, step, f) for v, f in zip(views, first, strict=True)]


def _first_views(reference: Reference) -> list[View]:
    """The view at phase (0, 0) of each photo."""
    return [view for view in reference.views if view.dy == 0 and view.dx == 0]


def _strided(size: tuple[int, int], stride: tuple[int, int]) -> int:
    """Cells that a stride leaves."""
    return -(-size[0] // stride[0]) * -(-size[1] // stride[1])
