# SPDX-License-Identifier: Apache-2.0
"""Frames made steady: what does not change in the scene does not change in the film.

A sharp frame moves towards its neighbours, moved by the flow, where they nearly agree: there they
differ by the noise of coding and of small errors of the search, which so averages out over time.
Where they differ by more, something has changed, or the flow is wrong.

The mean over time reaches to both sides: a film is gone through forwards, each frame moved towards
what was made of the one before, and backwards; what both say is put together. Forwards alone,
errors of the flow add up in one direction: 0.4 dB, and more flicker.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..references.sampling import sampled
from .making import Made
from .motion import calmed, places, smooth, way_to

PART = 0.8
"""What a frame counts for its neighbour, where the two agree."""

NEAR, LEAST_NOISE = 3.0, 0.75
"""How many times its noise two frames may differ around a pixel until that part falls to a third;
and grey levels of noise, for search and making err too."""

AROUND = 2
"""Pixels on either side that are looked at."""

TOGETHER, AHEAD = 8, 8
"""Frames that are shown at a time, and frames behind them that are known by then: a film is this
much late, and twice as many sharp frames are held."""


def steadied(frames: Iterable[Made]) -> Iterator[Made]:
    """Sharp frames, made steady.

    Frames are asked for up to 15 ahead. No frame is seen across a cut.

    Args:
        frames: in their order, all of one size.
    """
    forwards = _Passage()
    waiting: list[_Waiting] = []
    for made in frames:
        if made.cut:
            yield from _shown(forwards, waiting, len(waiting))
            forwards, waiting = _Passage(), []
        if waiting:
            waiting[-1] = waiting[-1]._replace(to_next=way_to(made.small, waiting[-1].made.small))
        waiting.append(_Waiting(made))
        if len(waiting) == TOGETHER + AHEAD:
            yield from _shown(forwards, waiting, TOGETHER)
            del waiting[:TOGETHER]
    yield from _shown(forwards, waiting, len(waiting))


class _Waiting(NamedTuple):
    made: Made
    to_next: Float[Tensor, "h w 2"] | None = None
    """Where its pixels are in the next frame; None for the last."""


def _shown(forwards: "_Passage", waiting: Sequence[_Waiting], count: int) -> Iterator[Made]:
    """The first of the frames that wait: the mean of both directions, in which they are twice."""
    backwards = _Passage()
    behind = [backwards.next(x.made, x.to_next) for x in reversed(waiting)][::-1][:count]
    for (made, _), after in zip(waiting, behind, strict=False):
        before = forwards.next(made, made.way)
        weight = before.weight + after.weight - made.weight
        total = before.weight * before.colour + after.weight * after.colour
        colour = (total - made.weight * made.colour) / weight
        yield made._replace(colour=colour.clamp(0, 1))


class _Mean(NamedTuple):
    """Of a frame and those before it, in one direction."""

    colour: Float[Tensor, "3 hs ws"]
    weight: Float[Tensor, "hs ws"]


@dataclass
class _Passage:
    """A way through the frames of a shot, forwards or backwards."""

    mean: _Mean | None = None
    way: Tensor | None = None

    @torch.no_grad()
    def next(self, made: Made, way: Float[Tensor, "h w 2"] | None) -> _Mean:
        """The mean of a frame and what the last one became, where that shows the same.

        Args:
            made: the frame.
            way: where its pixels are in the last one; None for the first.
        """
        own = _Mean(made.colour, torch.full_like(made.colour[0], made.weight))
        if self.mean is not None and way is not None:
            if way.any():  # else a moment is shown twice, and things go on as before after that
                way = self.way = calmed(way, self.way)
            own = joined(own, self.mean, way, NEAR * max(made.noise, LEAST_NOISE))
        self.mean = own
        return own


def joined(own: _Mean, last: _Mean, way: Float[Tensor, "h w 2"], near: float) -> _Mean:
    """A frame and the mean of those before it, where the two nearly agree.

    Args:
        own: the frame.
        last: what the one before became.
        way: from each pixel of the small frame to where it is in the one before.
        near: grey levels of difference at which the last counts a third.
    """
    size = own.colour.shape[1], own.colour.shape[2]
    scale = way.new_tensor([size[0] / way.shape[0], size[1] / way.shape[1]])
    large = F.interpolate((way * scale).permute(2, 0, 1)[None], size, mode="bilinear")[0]
    place = places(large.permute(1, 2, 0))
    there = sampled(last.colour, place, "bicubic").clamp(0, 1)
    weight = sampled(last.weight[None], place, "bilinear")[0]
    difference = smooth(255 * (own.colour - there).abs().mean(0), AROUND)
    kept = PART * weight * torch.exp(-((difference / near) ** 2))
    total = own.weight + kept
    return _Mean(torch.lerp(own.colour, there, kept / total), total)
