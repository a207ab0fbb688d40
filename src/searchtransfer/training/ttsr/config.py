# SPDX-License-Identifier: Apache-2.0
"""What a training of TTSR is told."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..config import (
    Adversarial,
    Blocks,
    Channels,
    Data,
    NonNegativeFloat,
    NonNegativeInt,
    Optimiser,
    Perceptual,
    Phase,
    PhotoValidation,
    Section,
    Source,
    TrainConfig,
)


class TTSRModel(Section):
    """TTSR; all but the last two are arguments of `networks.TTSR`."""

    architecture: Literal["ttsr"] = "ttsr"
    blocks: tuple[Blocks, Blocks, Blocks, Blocks] = (16, 16, 8, 4)
    features: Channels = 64
    residual_scale: float = 1.0
    texture_channels: tuple[Channels, Channels, Channels] = (64, 128, 256)
    overlap: Literal["mean", "constant"] = "mean"
    global_skip: bool = False
    extractor: Path | None = None
    """VGG19 file that the texture extractor starts from; none: from random numbers."""
    weights: Path | None = None
    """Weights that all of it starts from, as an earlier run wrote them."""


class TTSRData(Data):
    """What is trained on."""

    train: Annotated[tuple[Source, ...], Field(min_length=1)]
    patch: Annotated[int, Field(ge=8, le=4096, multiple_of=4)] = 160
    """Side of the square patches in pixels."""
    augment: bool = True
    cache: NonNegativeInt = 0
    """MiB of decoded photos to keep in memory, in each process that reads."""


class TTSROptimiser(Optimiser):
    """The texture extractor has a rate of its own."""

    extractor_learning_rate: NonNegativeFloat = 1e-5
    """0 freezes it."""


class Losses(Section):
    """Weights of the losses; 0 leaves one out."""

    l1: NonNegativeFloat = 1.0
    perceptual: NonNegativeFloat = 0.0
    transferal: NonNegativeFloat = 0.0
    adversarial: NonNegativeFloat = 0.0

    @model_validator(mode="after")
    def _any(self) -> "Losses":
        if not any(dict(self).values()):
            raise ValueError("all losses are 0, so nothing would be learned")
        return self


class TTSRPhase(Phase):
    """A stretch with one set of losses."""

    losses: Losses = Losses()


class TTSRConfig(TrainConfig):
    """The whole configuration."""

    model: TTSRModel
    data: TTSRData
    phases: Annotated[tuple[TTSRPhase, ...], Field(min_length=1)]
    optimiser: TTSROptimiser = TTSROptimiser()
    adversarial: Adversarial = Adversarial()
    perceptual: Perceptual = Perceptual()
    validation: PhotoValidation = PhotoValidation()
