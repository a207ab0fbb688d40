# SPDX-License-Identifier: Apache-2.0
"""Matching: every cell of a small image found in a reference, exactly or by refinement.

The exact search compares every cell with every cell of all `scale**2` views. Its cost grows with
the square of the image area, so beyond a limit one view of each photo is searched (exactly, or for
very large images at reduced size first), and all views are then searched around the best places.
The choice depends on the sizes alone, so that the same pair always gives the same picture.
"""

import logging
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .errors import OptionError
from .images.resize import crop_to_multiple, down
from .operators import Keys, ViewMatch, search_views
from .operators.backends import native
from .operators.descriptors import describe
from .operators.refine import Best, KeyRows, Places, neighbours_places
from .progress import Progress, silent
from .reference import Reference

log = logging.getLogger(__name__)

SearchMode = Literal["exact", "refine", "auto"]
MODES = ("exact", "refine", "auto")

EXACT_PAIRS = 10**11
"""Pairs of cells up to which "auto" compares all of them: about half a minute on two cores."""

COMPILED_RATE, TORCH_RATE = 2e9, 4e8
"""Pairs of cells that a thread compares in a second, roughly."""

ROWS = 64
"""Query rows searched at a time, between two reports of progress."""

ROUNDS = 2
"""Rounds of refinement; in the second, neighbours pass on what they found in the first."""


@dataclass(frozen=True)
class Plan:
    """Which search will be done, and what it costs."""

    mode: Literal["exact", "refine"]
    pairs: int
    """Pairs of cells that the exhaustive part compares."""
    reduced: int
    """How often the images are halved before that part; 0 for full size."""

    def seconds(self, backend: str = "auto") -> float:
        """About how long the exhaustive part takes here; the rest of a refined search adds to it.

        From rates measured on the pair of `searchtransfer demo` (AVX-512); other processors differ,
        and matches that are hard to tell from others take longer.
        """
        compiled = backend in ("auto", "native") and bool(native.instruction_sets())
        rate = COMPILED_RATE if compiled else TORCH_RATE
        return self.pairs / (rate * torch.get_num_threads())

    def __str__(self) -> str:
        halved = f", images halved {self.reduced} times" if self.reduced else ""
        return f"{self.mode}, {self.pairs:.2g} pairs{halved}"


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
        return Plan("exact", pairs, 0)
    first = _first_views(reference)
    pairs = cells * sum(x.shape[1] * x.shape[2] for x in first)
    reduced = 0
    smallest = min(*size, *(n for x in first for n in x.shape[1:]))
    while pairs > 4 * EXACT_PAIRS and smallest >> (reduced + 1) >= 16:
        reduced += 1
        pairs //= 16
    return Plan("refine", pairs, reduced)


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
        found = _refined(colour, reference, plan.reduced, backend, progress)
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
    colour: Tensor, reference: Reference, reduced: int, backend: str, progress: Progress
) -> ViewMatch:
    def exhaustive(stage: str, done: float) -> None:
        progress(stage, done / 2)

    places = _coarse(colour, _first_views(reference), reduced, backend, exhaustive)
    # From cells of the first view of each photo to pixels of the photo.
    scale = reference.scale
    places = Places(places.photo, places.row * scale, places.column * scale)
    query = describe(colour)
    best = Best(query)
    for rounds in range(ROUNDS):
        candidates = neighbours_places(places, scale)
        label = 0
        for number, view in enumerate(reference.views):
            done = rounds + number / len(reference.views)
            progress("search", 0.5 + 0.5 * done / ROUNDS)
            key = KeyRows(describe(view.low))
            for photo, row, column in candidates:
                # The cell of this view that begins nearest to the candidate pixel.
                near_row = torch.div(row - view.dy + scale // 2, scale, rounding_mode="floor")
                near_column = torch.div(column - view.dx + scale // 2, scale, rounding_mode="floor")
                best.try_cells(key, near_row, near_column, label, photo == view.photo)
            label += view.low.shape[1] * view.low.shape[2]
        view_number, index = reference.view_and_index(best.label)
        photo, pixel = reference.locate(view_number, index)
        places = Places(photo, pixel[..., 0], pixel[..., 1])
    flat = torch.linalg.vector_norm(query, dim=0) == 0
    return ViewMatch(
        best.score.clamp(-1, 1).masked_fill(flat, 0),
        index.masked_fill(flat, 0),
        view_number.masked_fill(flat, 0),
    )


def _coarse(
    colour: Tensor, views: list[Tensor], reduced: int, backend: str, progress: Progress
) -> Places:
    """Places in the first view of each photo: exact at reduced size, refined level by level."""
    if reduced == 0:
        keys = Keys([describe(view) for view in views], patch_size=1)
        found = _exhaustive(describe(colour), keys, backend, progress)
        columns = torch.tensor([view.shape[2] for view in views], device=colour.device)[found.view]
        row = torch.div(found.index, columns, rounding_mode="floor")
        return Places(found.view, row, found.index - row * columns)
    smaller = [down(crop_to_multiple(view, 2), 2) for view in views]
    small = down(_padded_to_even(colour), 2)
    places = _coarse(small, smaller, reduced - 1, backend, progress)
    height, width = colour.shape[1:]
    doubled = [x.repeat_interleave(2, 0).repeat_interleave(2, 1)[:height, :width] for x in places]
    odd_row = torch.arange(height, device=colour.device)[:, None] % 2
    odd_column = torch.arange(width, device=colour.device) % 2
    places = Places(doubled[0], doubled[1] * 2 + odd_row, doubled[2] * 2 + odd_column)
    return _around(describe(colour), views, places)


def _around(query: Tensor, views: list[Tensor], places: Places) -> Places:
    """The best cell within one cell of the candidates, in one view of each photo."""
    best = Best(query)
    sizes = [(view.shape[1], view.shape[2]) for view in views]
    starts = [sum(h * w for h, w in sizes[:i]) for i in range(len(sizes))]
    candidates = neighbours_places(places, 1)
    for photo, view in enumerate(views):
        key = KeyRows(describe(view))
        for where, row, column in candidates:
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    best.try_cells(key, row + dy, column + dx, starts[photo], where == photo)
    found = torch.bucketize(best.label, torch.tensor(starts[1:], device=query.device), right=True)
    index = best.label - torch.tensor(starts, device=query.device)[found]
    columns = torch.tensor([w for _, w in sizes], device=query.device)[found]
    row = torch.div(index, columns, rounding_mode="floor")
    return Places(found, row, index - row * columns)


def _first_views(reference: Reference) -> list[Tensor]:
    """The reduced photos at phase (0, 0), one for each photo."""
    return [view.low for view in reference.views if view.dy == 0 and view.dx == 0]


def _padded_to_even(image: Tensor) -> Tensor:
    height, width = image.shape[1:]
    return torch.nn.functional.pad(image[None], (0, width % 2, 0, height % 2), mode="replicate")[0]
