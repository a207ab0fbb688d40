# SPDX-License-Identifier: Apache-2.0
"""Flicker: what changes between two frames though nothing in the scene does."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .motion import flow, moved, places

CONSISTENT = 1.0
"""Pixels that the flow there and back may miss where it is trusted."""


class Steadiness:
    """Measures the flicker of a film beside the true one, frame by frame."""

    def __init__(self) -> None:
        self._before: tuple[Tensor, Tensor] | None = None
        self.values: list[float] = []
        """Mean difference in brightness of each frame and the one before, moved, in grey levels."""

    @property
    def mean(self) -> float:
        """Of all frames; 0 before the second."""
        return sum(self.values) / len(self.values) if self.values else 0.0

    def add(self, frame: Float[Tensor, "3 h w"], truth: Float[Tensor, "3 h w"]) -> None:
        """Take the next frame.

        Args:
            frame: in [0, 1].
            truth: says how things moved; of the same size.
        """
        if self._before is not None:
            before, truth_before = self._before
            way = flow(truth, truth_before)
            sure = trusted(way, flow(truth_before, truth))
            if sure.any():
                change = (frame - moved(before, way)).mean(0).abs()[sure].mean()
                self.values.append(255 * float(change))
        self._before = frame, truth


def trusted(way: Float[Tensor, "h w 2"], back: Float[Tensor, "h w 2"]) -> Bool[Tensor, "h w"]:
    """Where a flow leads back to where it came from, and stays inside."""
    place = places(way)
    height, width = way.shape[:2]
    last = place.new_tensor([height - 1, width - 1])
    inside = ((place >= 0) & (place <= last)).all(-1)
    there = moved(back.permute(2, 0, 1), way).permute(1, 2, 0)
    missed: Tensor = torch.linalg.vector_norm(way + there, dim=-1)
    return inside & (missed < CONSISTENT)
