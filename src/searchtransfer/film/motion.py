# SPDX-License-Identifier: Apache-2.0
"""From one small frame to the next: where things went, and whether there was a cut."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..references.sampling import sampled

SMALLEST = 16
"""Pixels on a side below which no flow is sought."""

ALIKE = 0.6
"""Correlation of a frame with the last one, moved by the flow, below which there was a cut. Over
the cuts of films it was below 0.45, in fast pans above 0.8."""

FLAT = 2.0
"""Grey levels: two frames that differ so little are alike, whatever their correlation."""


REPEATED = 0.6
"""Grey levels: frames that differ by less in the mean show the same moment. Drawn films and those
whose rate was changed have many; the flow of their noise is not that of things."""

INERTIA, STEADY = 0.8, 0.4
"""Part of how a thing moved before in how it moves now, and the pixels of difference at which that
part falls to a third."""


def flow(now: Float[Tensor, "3 h w"], before: Float[Tensor, "3 h w"]) -> Float[Tensor, "h w 2"]:
    """Rows and columns from each pixel to where it was in the frame before."""
    size = now.shape[1], now.shape[2]
    if min(size) < SMALLEST:
        return now.new_zeros(*size, 2)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # Where it stops: at pixels, not at a half of them as is usual for large frames.
    search.setFinestScale(0)
    found = search.calc(_grey(now), _grey(before), np.zeros((*size, 2), np.float32))
    return torch.from_numpy(np.asarray(found)).flip(-1).to(now)


def calmed(
    way: Float[Tensor, "h w 2"], last: Float[Tensor, "h w 2"] | None
) -> Float[Tensor, "h w 2"]:
    """A flow without much of the noise that coding brings: things go on as they went.

    Args:
        way: from `flow`.
        last: what this gave for the frame before; None where there is none.
    """
    if last is None:
        return way
    went = moved(last.permute(2, 0, 1), way).permute(1, 2, 0)
    missed = torch.linalg.vector_norm(way - went, dim=-1, keepdim=True)
    return torch.lerp(way, went, INERTIA * torch.exp(-((missed / STEADY) ** 2)))


def is_repeated(now: Float[Tensor, "3 h w"], before: Float[Tensor, "3 h w"]) -> bool:
    """Whether a frame shows the same moment as its neighbour."""
    return 255 * float((now - before).abs().mean()) < REPEATED


def way_to(other: Float[Tensor, "3 h w"], small: Float[Tensor, "3 h w"]) -> Float[Tensor, "h w 2"]:
    """The flow from a frame to its neighbour; none at all if that shows the same moment."""
    if is_repeated(small, other):
        return small.new_zeros(*small.shape[1:], 2)
    return flow(small, other)


def moved(picture: Float[Tensor, "c h w"], way: Float[Tensor, "h w 2"]) -> Float[Tensor, "c h w"]:
    """A picture as the flow says that it looks now."""
    return sampled(picture, places(way), "bilinear")


def places(way: Float[Tensor, "h w 2"]) -> Float[Tensor, "h w 2"]:
    """Where each pixel was."""
    rows, columns = (torch.arange(n, device=way.device, dtype=way.dtype) for n in way.shape[:2])
    return way + torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)


def is_cut(
    now: Float[Tensor, "3 h w"], before: Float[Tensor, "3 h w"], way: Float[Tensor, "h w 2"]
) -> bool:
    """Whether a frame shows another scene than the one before.

    Brightness and contrast may change, as in a flash or a fade.
    """
    ours, theirs = now.mean(0), moved(before, way).mean(0)
    if 255 * float((ours - theirs).abs().mean()) < FLAT:
        return False
    return _correlation(ours, theirs) < ALIKE


def _correlation(a: Float[Tensor, "h w"], b: Float[Tensor, "h w"]) -> float:
    """Of what is left without the slowest waves, which any two scenes may share."""
    a, b = (x - x.mean() for x in (a, b))
    size = a.norm() * b.norm()
    return float((a * b).sum() / size) if size > 0 else 0.0


def _grey(frame: Float[Tensor, "3 h w"]) -> np.ndarray:
    levels: np.ndarray = (255 * frame.mean(0)).round().clamp(0, 255).byte().cpu().numpy()
    return np.ascontiguousarray(levels)


def smooth(x: Float[Tensor, "h w"], radius: int) -> Float[Tensor, "h w"]:
    """The mean of a square around each pixel."""
    side = 2 * radius + 1
    return F.avg_pool2d(x[None, None], side, 1, radius, count_include_pad=False)[0, 0]
