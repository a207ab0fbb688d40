# SPDX-License-Identifier: Apache-2.0
"""Flicker: what changes between two frames though nothing in the scene does."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .motion import flow, moved, places

CONSISTENT = 1.0
"""Pixels that the flow there and back may miss where it is trusted."""


class Steadiness:
    """Measures the flicker of films beside the true one, frame by frame.

    Args:
        names: of the films.
    """

    def __init__(self, *names: str) -> None:
        self._before: tuple[Mapping[str, Tensor], Tensor] | None = None
        self.values: dict[str, list[float]] = {name: [] for name in names}
        """Mean difference in brightness of each frame and the one before, moved, in grey levels."""

    @property
    def means(self) -> dict[str, float]:
        """Of all frames; 0 before the second."""
        return {name: sum(x) / len(x) if x else 0.0 for name, x in self.values.items()}

    def add(self, frames: Mapping[str, Tensor], truth: Float[Tensor, "3 h w"]) -> None:
        """Take the next frame of each film.

        Args:
            frames: `[3, H, W]` in [0, 1], by the name of the film.
            truth: says how things moved; of the same size.
        """
        if self._before is not None:
            before, truth_before = self._before
            way = flow(truth, truth_before)
            sure = trusted(way, flow(truth_before, truth))
            for name, values in self.values.items() if sure.any() else ():
                change = (frames[name] - moved(before[name], way)).mean(0).abs()[sure].mean()
                values.append(255 * float(change))
        self._before = frames, truth


def trusted(way: Float[Tensor, "h w 2"], back: Float[Tensor, "h w 2"]) -> Bool[Tensor, "h w"]:
    """Where a flow leads back to where it came from, and stays inside."""
    place = places(way)
    height, width = way.shape[:2]
    last = place.new_tensor([height - 1, width - 1])
    inside = ((place >= 0) & (place <= last)).all(-1)
    there = moved(back.permute(2, 0, 1), way).permute(1, 2, 0)
    missed: Tensor = torch.linalg.vector_norm(way + there, dim=-1)
    return inside & (missed < CONSISTENT)
