# SPDX-License-Identifier: Apache-2.0
"""Methods to evaluate: bicubic, an upscaler with any of its models, TTSR as published."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..images import up
from ..networks.ttsr_inputs import ttsr_inputs
from ..process.progress import Progress
from ..upscaler import Upscaler
from .protocol import Method


def bicubic(scale: int = 4) -> Method:
    """The measure of all others: Pillow's bicubic filter, which knows no reference."""

    def method(lr: Tensor, references: Sequence[Tensor]) -> Tensor:
        return up(lr, scale)

    return method


def with_upscaler(upscaler: Upscaler, on_progress: Progress | None = None) -> Method:
    """An upscaler; each call prepares its references anew, and without any it works alone."""

    def method(lr: Tensor, references: Sequence[Tensor]) -> Tensor:
        photos = list(references) or None
        sharp: Tensor = upscaler.upscale(lr, photos, on_progress=on_progress).image
        return sharp

    return method


def with_ttsr(model: nn.Module) -> Method:
    """A TTSR network in the state it has when the method is called, on inputs as published.

    Several references are put below each other in one image; see `networks.ttsr_inputs`.
    """

    def method(lr: Tensor, references: Sequence[Tensor]) -> Tensor:
        parameter = next(model.parameters())
        images = (image.to(parameter)[None] for image in ttsr_inputs(lr, references))
        was_training = model.training
        model.eval()
        try:
            sr: Tensor = model(*images).sr[0]
            return (sr.float().cpu() + 1) / 2
        finally:
            model.train(was_training)

    return method
