# SPDX-License-Identifier: Apache-2.0
"""A network run on an image turned and mirrored, and the mean of the results.

Geometric self-ensemble: Timofte et al., "Seven ways to improve example-based single image super
resolution", 2016.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from ..networks.fusion_net import Evidence, FusionNet

Learned = Callable[[Tensor, Evidence | None, Tensor], Float[Tensor, "b 3 hs ws"]]
"""What a network makes of a small image, evidence and noise."""

SYMMETRIES = tuple((turns, flip) for flip in (False, True) for turns in (0, 2, 1, 3))
"""Quarter turns and mirror images of a square; the first is the image itself."""


def averaged(
    network: FusionNet,
    low: Float[Tensor, "b 3 h w"],
    evidence: Evidence | None,
    noise: Float[Tensor, "b 1 h w"],
    symmetries: int,
) -> Float[Tensor, "b 3 hs ws"]:
    """The mean of what the network makes of an image turned and mirrored, turned back."""
    run = ready(network, low.device)
    images = (low, noise) if evidence is None else (low, noise, *evidence)

    def seen(low: Tensor, noise: Tensor, *evidence: Tensor) -> Tensor:
        return run(low, Evidence(*evidence) if evidence else None, noise)

    return mean_over(symmetries, seen, *images)


def mean_over(
    symmetries: int, run: Callable[..., Tensor], *images: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """The mean of what is made of images turned and mirrored alike, turned back."""
    sharp = images[0].new_zeros(())
    for turns, flip in SYMMETRIES[:symmetries]:
        result = run(*(_moved(x, turns, flip) for x in images))
        back = torch.rot90(result.flip(-1) if flip else result, -turns, (-2, -1))
        sharp = sharp + back / symmetries
    return sharp


def in_one_way(network: FusionNet) -> Learned:
    """The network, shown an image once; for a vivid look, for a mean of several ways is soft."""
    return partial(averaged, network, symmetries=1)


def ready(network: FusionNet, device: torch.device) -> Learned:
    """The network as it computes here: single precision, on the device, channels last.

    The network itself stays as it is; its weights are few, and converted anew each time, so that
    what is changed in it takes effect.
    """
    state = {
        name: x.to(device, torch.float32, memory_format=_format(x))
        for name, x in network.state_dict().items()
    }

    def run(low: Tensor, evidence: Evidence | None, noise: Tensor) -> Tensor:
        low = low.contiguous(memory_format=torch.channels_last)
        result: Tensor = torch.func.functional_call(network, state, (low, evidence, noise))
        return result

    return run


def _format(x: Tensor) -> torch.memory_format:
    return torch.channels_last if x.dim() == 4 else torch.contiguous_format


def _moved(x: Tensor, turns: int, flip: bool) -> Tensor:
    x = torch.rot90(x, turns, (-2, -1))
    return x.flip(-1) if flip else x
