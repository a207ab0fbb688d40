# SPDX-License-Identifier: Apache-2.0
"""Local search: better matches in the neighbourhood of the matches one has.

Two moves, as in PatchMatch (Barnes et al., 2009), but exhaustive in their window and without
randomness: a cell looks around its match, and around where the matches of cells near it say that
it should be. A place that has been looked at is not looked at again as long as nothing around it
changes, so rounds soon cost little.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from .places import STRIP_BYTES, PhotoPlaces, Strip, unit_rows

ROUNDS = 8
"""Rounds at most; the search ends when none of its matches changes any more."""

JUMPS = (1, 4)
"""How far the cells are, in cells, that a match is handed on to in a round."""

WINDOWS = 2048
"""Windows compared at a time: their rows stay in the cache."""


class Refined(NamedTuple):
    """The best match of each cell that was found."""

    score: Float[Tensor, "h w"]
    """Cosine of the descriptors."""
    label: Int64[Tensor, "h w"]
    """Number of the cell found, through all views (see `PhotoPlaces`)."""
    compared: int
    """Pairs that were compared."""


class Guess(NamedTuple):
    """Where the match of each cell may be."""

    photo: Int64[Tensor, "h w"]
    row: Int64[Tensor, "h w"]
    column: Int64[Tensor, "h w"]
    open: Bool[Tensor, "h w"]
    """Cells for which this is a new guess."""


def refine(
    query: Float[Tensor, "c h w"],
    photos: list[PhotoPlaces],
    start: Guess,
    rounds: int = ROUNDS,
    on_round: Callable[[float], None] = lambda done: None,
) -> Refined:
    """Improve matches until no cell near another has a better one to offer.

    Args:
        query: `[C, H, W]`, descriptors.
        photos: where to search; all with the same number of places to a cell.
        start: a place for each cell to begin with.
        rounds: at most.
        on_round: called before each with the share that is done.
    """
    best = _Best(query, start)
    step = photos[0].step
    side = max(3, step)
    fresh = start.open
    fits = sum(places.bytes for places in photos) <= STRIP_BYTES
    kept = [list(places.strips(side)) for places in photos] if fits else []
    for number in range(rounds):
        on_round(number / rounds)
        before = best.places(fresh)
        guesses = _new_guesses(before, step)
        for photo, places in enumerate(photos):
            for strip in kept[photo] if fits else places.strips(side):
                for guess in guesses:
                    best.look(strip, guess, photo, side)
        fresh = best.moved_from(before)
        if not bool(fresh.any()):
            break
    return Refined(best.score.view(best.size), best.label.view(best.size), best.compared)


def _new_guesses(places: Guess, step: int) -> list[Guess]:
    """The places that changed, and what they mean for the cells near them; none of them twice.

    A cell whose right neighbour was found at column x belongs at column x - step, and so on.
    """
    guesses = [places]
    seen = [(_code(places), torch.ones_like(places.open))]
    for jump in JUMPS:
        for dy, dx in ((0, jump), (0, -jump), (jump, 0), (-jump, 0)):
            photo, row, column, changed = (_shifted(x, dy, dx) for x in places)
            row, column = row - dy * step, column - dx * step
            guess = Guess(photo, row, column, changed & _has_neighbour(places.open, dy, dx))
            code = _code(guess)
            for other, is_open in seen:
                guess.open.logical_and_(~(is_open & (other == code)))
            seen.append((code, guess.open))
            guesses.append(guess)
    return guesses


class _Best:
    """The best match of each query cell so far. Ties go to the lowest label."""

    def __init__(self, query: Float[Tensor, "c h w"], start: Guess) -> None:
        self.size = (query.shape[1], query.shape[2])
        self.query = unit_rows(query).flatten(0, 1)
        self.score = query.new_full((len(self.query),), -torch.inf)
        self.label = torch.zeros(len(self.query), dtype=torch.int64, device=query.device)
        self.photo, self.row, self.column = (x.flatten().clone() for x in start[:3])
        self.compared = 0

    def places(self, fresh: Bool[Tensor, "h w"]) -> Guess:
        """Where the matches are now."""
        photo, row, column = (
            x.clone().view(self.size) for x in (self.photo, self.row, self.column)
        )
        return Guess(photo, row, column, fresh)

    def moved_from(self, before: Guess) -> Bool[Tensor, "h w"]:
        """Which matches are no longer where they were."""
        return _code(self.places(before.open)) != _code(before)

    def look(self, strip: Strip, guess: Guess, photo: int, side: int) -> None:
        """Compare the cells that have an open guess in a strip with all places around it."""
        height, width = strip.places.size
        rows, columns = min(side, height), min(side, width)
        top = (guess.row - side // 2).clamp(0, height - rows)
        left = (guess.column - side // 2).clamp(0, width - columns)
        here = guess.open & (guess.photo == photo) & (strip.top <= top) & (top < strip.bottom)
        cells = here.flatten().nonzero()[:, 0]
        top, left = top.flatten()[cells], left.flatten()[cells]
        for some in _chunks(len(cells)):
            self._compare(strip, cells[some], photo, top[some], left[some], (rows, columns))
        self.compared += len(cells) * rows * columns

    def _compare(
        self,
        strip: Strip,
        cells: Int64[Tensor, " n"],
        photo: int,
        top: Int64[Tensor, " n"],
        left: Int64[Tensor, " n"],
        window: tuple[int, int],
    ) -> None:
        down = torch.arange(window[0], device=cells.device)[:, None].expand(window).flatten()
        right = torch.arange(window[1], device=cells.device).expand(window).flatten()
        rows = strip.gather(top, left, down, right)  # [n, side*side, C]
        relevance = torch.bmm(rows, self.query[cells][:, :, None])[..., 0]
        score = relevance.amax(1)
        # Labels are needed only where there is something to decide.
        good = score >= self.score[cells]
        cells, score, relevance = cells[good], score[good], relevance[good]
        row, column = top[good, None] + down, left[good, None] + right
        label = strip.places.label(row, column)
        label, which = label.where(relevance == score[:, None], torch.iinfo(torch.int64).max).min(1)
        better = (score > self.score[cells]) | (label < self.label[cells])
        cells, which = cells[better], which[better, None]
        self.score[cells], self.label[cells] = score[better], label[better]
        self.photo[cells] = photo
        self.row[cells] = row[better].gather(1, which)[:, 0]
        self.column[cells] = column[better].gather(1, which)[:, 0]


def _code(guess: Guess) -> Int64[Tensor, "h w"]:
    """One number for each place, to compare them by."""
    return (guess.photo << 48) + (guess.row << 24) + guess.column


def _shifted(x: Tensor, dy: int, dx: int) -> Tensor:
    """At (r, c) the value of (r + dy, c + dx), from the other side where there is none."""
    return torch.roll(x, (-dy, -dx), (0, 1))


def _has_neighbour(x: Tensor, dy: int, dx: int) -> Bool[Tensor, "h w"]:
    """Whether (r + dy, c + dx) is inside."""
    row = torch.arange(x.shape[0], device=x.device)[:, None] + dy
    column = torch.arange(x.shape[1], device=x.device) + dx
    return (row >= 0) & (row < x.shape[0]) & (column >= 0) & (column < x.shape[1])


def _chunks(count: int) -> Iterator[slice]:
    return (slice(i, i + WINDOWS) for i in range(0, count, WINDOWS))
