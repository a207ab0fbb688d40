# SPDX-License-Identifier: Apache-2.0
"""Pictures between their pixels around matches, sampled and compared by the compiled kernel."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...errors import BackendError
from .native import why_not_tensor
from .native_jobs import Comparing, Sampling, Shifting
from .native_kernel import COEFFICIENTS, LUMAS, MOST_STEPS, buffer, filled, run
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
    values = buffer(len(centre), *((3, len(steps)) if cubic else (len(steps), 3)))
    run(
        "sample", options.kernel, _job(picture, centre, jacobian, steps, to, values, cubic, options)
    )
    return values if cubic else values.transpose(1, 2)


class Described(NamedTuple):
    """How a patch is described: linearly, then weighted."""

    steps: Float[Tensor, "k 2"]
    """Rows and columns from the middle of the patch to its samples."""
    filters: Float[Tensor, "k 3 c"]
    """The part of each sample in each coefficient."""
    weights: Float[Tensor, " c"]
    """Of the coefficients."""
    luma: Float[Tensor, "k l"]
    """The part of each sample of luma in the first weighted coefficients."""


class Matched(NamedTuple):
    """Matches in one picture."""

    picture: Float[Tensor, "3 h w"]
    """See `sample`."""
    centre: Float[Tensor, "n 2"]
    """Row and column of the middle of each."""
    jacobian: Float[Tensor, "n 2 2"]
    query: Float[Tensor, "n c"]
    """What they are matches of: descriptors of norm one or zero."""
    shown: Bool[Tensor, "h w"] | None = None
    """Where a match may lie; None: anywhere in the picture."""


def compare(
    matched: Matched, described: Described, options: Options = DEFAULTS
) -> Float[Tensor, " n"]:
    """The cosines of descriptors and of those of what a picture shows around matches.

    Returns:
        0 where one of the two is constant, -1 where a match does not lie in the picture.
    """
    score = buffer(len(matched.centre))
    run("compare", options.kernel, _comparing(matched, described, score, options))
    return score


def shift(
    matched: Matched,
    described: Described,
    score: Float[Tensor, " n"],
    slopes: Float[Tensor, "3 h w"],
    longest: float,
    shortest: float,
    rounds: int,
    options: Options = DEFAULTS,
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, " n"]]:
    """Gauss-Newton steps on the places of matches, each where it raises the score.

    Args:
        matched: where they begin.
        described: how they are compared.
        score: of the matches as they are.
        slopes: luma of the picture, and its slopes down and right.
        longest: pixels of a step at most.
        shortest: a step of fewer pixels is the last one.
        rounds: steps at most.
        options: how to run.

    Returns:
        Where they lie then, and their scores.
    """
    count = len(matched.centre)
    comparing = _comparing(matched, described, _plain(score), options)
    room = filled(len(described.steps), LUMAS, value=0, dtype=torch.float32)
    room[:, : described.luma.shape[1]] = described.luma
    centre, better = buffer(count, 2), buffer(count)
    job = Shifting(
        comparing=comparing,
        slopes=_plain(slopes.permute(1, 2, 0)),
        luma=room,
        centre=centre,
        score=better,
        longest=longest,
        shortest=shortest,
        lumas=described.luma.shape[1],
        rounds=rounds,
    )
    run("shift", options.kernel, job)
    return centre, better


def _comparing(
    matched: Matched, described: Described, score: Tensor, options: Options
) -> Comparing:
    steps, coefficients = len(described.steps), matched.query.shape[1]
    if steps > MOST_STEPS or coefficients > COEFFICIENTS or described.luma.shape[1] > LUMAS:
        raise BackendError(
            f"kernel: compares {MOST_STEPS} samples, {COEFFICIENTS} coefficients and {LUMAS} of "
            f"luma at most, got {steps}, {coefficients} and {described.luma.shape[1]}"
        )
    room = filled(3 * steps + 1, COEFFICIENTS, value=0, dtype=torch.float32)
    room[:-1, :coefficients] = described.filters.flatten(0, 1)
    room[-1, :coefficients] = described.weights
    there = torch.eye(3, dtype=torch.float32, device="cpu")
    picture, centre, jacobian, query, shown = matched
    return Comparing(
        sampling=_job(picture, centre, jacobian, described.steps, there, None, False, options),
        filters=room[:-1],
        weights=room[-1],
        query=_plain(query),
        shown=None if shown is None else shown.contiguous(),
        score=score,
        coefficients=coefficients,
    )


def _job(
    picture: Tensor,
    centre: Tensor,
    jacobian: Tensor,
    steps: Tensor,
    to: Tensor,
    values: Tensor | None,
    cubic: bool,
    options: Options,
) -> Sampling:
    return Sampling(
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


def _plain(x: Tensor) -> Tensor:
    return x.detach().resolve_neg().contiguous()
