# SPDX-License-Identifier: Apache-2.0
"""The colours of cells: which way and how far their matches lie, and in which reference."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64, UInt8
from numpy import ndarray as Array
from PIL import ImageColor
from torch import Tensor

from .colours import CATEGORIES, direction_colours

LEAST_SCORE = 0.5
"""Matches of this score and below say nothing, and are grey."""
_GREY = 212.0


class Displacement(NamedTuple):
    """How far, and which way, from a cell's own place its match lies, in pixels of the result."""

    dy: Float[Array, "h w"]
    dx: Float[Array, "h w"]


class MatchColours(NamedTuple):
    """A match map without its legend."""

    colours: UInt8[Array, "h w 3"]
    reach: float
    """The distance of the fullest colour, in pixels."""


def displacement(position: Float[Tensor, "h w 2"], scale: int) -> Displacement:
    """From the middle of each cell to the middle of its match.

    Args:
        position: row and column in the reference, as in `Matches.position`.
        scale: pixels of the result on a side of a cell.
    """
    found = position.detach().cpu().double().numpy()
    rows, columns = np.indices(found.shape[:2]) * scale + (scale - 1) / 2
    return Displacement(found[..., 0] - rows, found[..., 1] - columns)


def match_colours(
    position: Float[Tensor, "h w 2"], score: Float[Tensor, "h w"], scale: int
) -> MatchColours:
    """Direction and distance of each match as colour; low scores fade to grey."""
    trust = _trust(score)
    moved = displacement(position, scale)
    reach = _reach(moved, trust)
    return MatchColours(
        direction_colours(moved.dy / reach, moved.dx / reach, np.sqrt(trust)), reach
    )


def photo_colours(
    photo: Int64[Tensor, "h w"], score: Float[Tensor, "h w"]
) -> UInt8[Array, "h w 3"]:
    """A colour for each reference; low scores fade to grey."""
    table = np.array([ImageColor.getrgb(name) for name in CATEGORIES], dtype=np.float64)
    colours = table[photo.cpu().numpy() % len(CATEGORIES)]
    faded = _GREY + (colours - _GREY) * np.sqrt(_trust(score))[..., None]
    rounded: UInt8[Array, "h w 3"] = faded.round().astype(np.uint8)
    return rounded


def _trust(score: Float[Tensor, "h w"]) -> Float[Array, "h w"]:
    values = score.detach().cpu().double().numpy()
    trust: Float[Array, "h w"] = ((values - LEAST_SCORE) / (1 - LEAST_SCORE)).clip(0, 1)
    return trust


def _reach(moved: Displacement, trust: Float[Array, "h w"]) -> float:
    """The distance of the fullest colour: twice the usual one of trusted matches, made round.

    Not the largest: a few far matches would leave all others pale.
    """
    distance = np.hypot(*moved)
    trusted = distance[trust > 0]
    usual = float(np.median(trusted if trusted.size else distance))
    far = max(2 * usual, 4.0)
    step = 10 ** np.floor(np.log10(far))
    return float(np.ceil(far / step) * step)


def wheel(side: int) -> UInt8[Array, "s s 4"]:
    """The legend of `match_colours`, a disc whose rim is the reach; transparent around it."""
    axis = (np.arange(side) + 0.5) / (side / 2) - 1
    dy, dx = np.meshgrid(axis, axis, indexing="ij")
    disc = direction_colours(dy, dx, np.ones_like(dx))
    inside = ((np.hypot(dy, dx) <= 1) * 255).astype(np.uint8)
    return np.dstack([disc, inside])
