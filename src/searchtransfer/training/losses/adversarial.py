# SPDX-License-Identifier: Apache-2.0
"""WGAN-GP: a critic with a gradient penalty (Gulrajani et al., 2017; TTSR, equations 5 and 6)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def critic_loss(
    critic: nn.Module,
    real: Float[Tensor, "b c h w"],
    fake: Float[Tensor, "b c h w"],
    penalty: float = 10.0,
    share: Float[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """What the critic minimises: its number for fakes less that for photos, plus the penalty.

    Args:
        critic: gives `[B, 1]` for images.
        real: photos.
        fake: results; no gradient reaches them.
        penalty: weight of the gradient penalty.
        share: see `gradient_penalty`.
    """
    fake = fake.detach()
    distance: Tensor = critic(fake).mean() - critic(real).mean()
    return distance + penalty * gradient_penalty(critic, real, fake, share)


def gradient_penalty(
    critic: nn.Module,
    real: Float[Tensor, "b c h w"],
    fake: Float[Tensor, "b c h w"],
    share: Float[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """Mean squared deviation from 1 of the critic's slope, at points between the images.

    Args:
        critic: gives `[B, 1]` for images.
        real: photos.
        fake: results.
        share: of the photo in each point, in [0, 1]; None: at random.
    """
    if share is None:
        share = torch.rand(real.shape[0], dtype=real.dtype, device=real.device)
    share = share.to(real)[:, None, None, None]
    between = (share * real.detach() + (1 - share) * fake.detach()).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norm = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    penalty: Tensor = (norm - 1).square().mean()
    return penalty


def generator_loss(critic: nn.Module, fake: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """What the generator minimises: the negated number of the critic for its results."""
    number: Tensor = critic(fake)
    return -number.mean()
