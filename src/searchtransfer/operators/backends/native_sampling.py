# SPDX-License-Identifier: Apache-2.0
"""Pictures between their pixels around matches, by the compiled kernel."""

import torch
from jaxtyping import Float
from torch import Tensor

from .native import why_not_tensor
from .native_jobs import Sampling
from .native_kernel import buffer, run
from .native_keys import DEFAULTS, Options

MOST_PIXELS = 2**31


def can_sample(*given: Tensor) -> bool:
    """Whether the kernel takes a picture and what else is given; derivatives it does not make."""
    return (
        all(
            why_not_tensor(x) is None and not (x.requires_grad and torch.is_grad_enabled())
            for x in given
        )
        and given[0].shape[-2] * given[0].shape[-1] < MOST_PIXELS
    )


def sample(
    picture: Float[Tensor, "3 h w"],
    centre: Float[Tensor, "n 2"],
    jacobian: Float[Tensor, "n 2 2"],
    steps: Float[Tensor, "k 2"],
    to: Float[Tensor, "3 3"],
    cubic: bool,
    options: Options = DEFAULTS,
) -> Float[Tensor, "n 3 k"]:
    """What a picture shows at `to(centre + jacobian @ step)`; its border goes on outside.

    Args:
        picture: `[3, H, W]`, float32 on the CPU as all others, with a pixel at least. Bilinear is
            fastest where the channels of a pixel lie side by side in memory.
        centre: row and column of each match.
        jacobian: of each match.
        steps: the same for all, rows and columns.
        to: projective, from where the matches are to the pixels of the picture.
        cubic: bicubic with a = -0.75, else bilinear.
        options: how to run.
    """
    order = (3, len(steps)) if cubic else (len(steps), 3)
    values = buffer(len(centre), *order)
    job = Sampling(
        picture=_plain(picture if cubic else picture.permute(1, 2, 0)),
        centre=_plain(centre),
        jacobian=_plain(jacobian),
        steps=_plain(steps.T),
        map=_plain(to),
        values=values,
        height=picture.shape[1],
        width=picture.shape[2],
        count=len(centre),
        step_count=len(steps),
        cubic=int(cubic),
        threads=options.threads or torch.get_num_threads(),
    )
    run("sample", options.kernel, job)
    return values if cubic else values.transpose(1, 2)


def _plain(x: Tensor) -> Tensor:
    return x.detach().resolve_neg().contiguous()
