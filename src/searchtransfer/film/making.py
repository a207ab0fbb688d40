# SPDX-License-Identifier: Apache-2.0
"""Frames made sharp one after the other, each with what was found of the one before."""

import logging
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..images.grey import is_grey, with_colours_of
from ..images.sizes import resized_to
from ..models import Model
from ..models.fusion import FusionModel
from ..models.transfer import Compared, TransferModel
from ..operators.precision import in_own_precision
from ..process.memory import with_smaller_tiles
from ..process.progress import Progress, silent
from ..references import Reference
from ..references.comparison import compare
from ..references.matches import Matches
from ..upscaler import Upscaler
from ..wear import Wear
from .condition import CODED, condition_of
from .following import follow
from .keyframes import Keyframes
from .motion import is_cut, places, way_to

log = logging.getLogger(__name__)

FilmModel = FusionModel | TransferModel
"""Models whose search and making are two steps."""


TEXTURE = 2 / 3
"""Part of the textures themselves in coded films: 0.05 to 1.8 dB better than none."""


KNOWN, HOME = 2.0, 0.25
"""How much more a frame counts that a photo shows at its very moment; and cells that a match may
be from where it is in the frame, for that."""

REFRESH, SOON = 12, 2
"""Frames after which one is searched as a single image again, for matches drift: things turn, and
the next keyframe comes nearer than the last, so that other copies help;
and frames after which that is done first: beside a keyframe no other photo seems to help."""


class Made(NamedTuple):
    """A sharp frame."""

    colour: Float[Tensor, "3 hs ws"]
    """In [0, 1]."""
    small: Float[Tensor, "3 h w"]
    """What it was made from."""
    noise: float
    """Grey levels that the small frame is from what it was before it was coded, as far as known."""
    score: float | None
    """The mean of how well its cells were found; None without photos."""
    cut: bool
    """It begins a shot."""
    followed: bool
    """It was found by the frame before."""
    weight: float = 1.0
    """How much it counts beside its neighbours in time."""
    way: Float[Tensor, "h w 2"] | None = None
    """Rows and columns from each small pixel to where it is in the frame before; None: a cut."""


@dataclass
class _Last:
    """What is known of the frame before."""

    colour: Tensor
    reference: Reference
    seen: Compared
    age: int
    """Frames since one was searched as a single image; at `REFRESH` one is again."""


class Maker:
    """Makes the frames of a film sharp, in their order; `steadied` then makes them steady.

    Args:
        upscaler: the model. In a film it sees each frame once, not in two symmetries.
        keyframes: photos; none: each frame is made alone.
        lossy: the film was coded with loss.
        seeded: False searches every frame as a single image.
    """

    def __init__(
        self,
        upscaler: Upscaler,
        keyframes: Keyframes,
        *,
        lossy: bool = True,
        seeded: bool = True,
    ) -> None:
        self._upscaler, self._keyframes = upscaler, keyframes
        self._lossy, self._seeded = lossy, seeded
        self._model = in_film(upscaler.model)
        self._wear: Wear | None = None
        self._before: Tensor | None = None
        self._last: _Last | None = None

    @property
    def wear(self) -> Wear | None:
        """What the film has been through, once that is known."""
        return self._wear

    @wear.setter
    def wear(self, wear: Wear | None) -> None:
        self._wear = wear

    def begin_anew(self) -> None:
        """Forget the frame before."""
        self._before = self._last = None

    @torch.no_grad()
    @in_own_precision
    def make(
        self, colour: Float[Tensor, "3 h w"], seconds: float, progress: Progress = silent
    ) -> Made:
        """Make the next frame sharp.

        Args:
            colour: in [0, 1].
            seconds: when it is shown.
            progress: as in `Upscaler.upscale`.
        """
        colour = colour.to(self._upscaler.device)
        way = cut = None
        if self._before is not None:
            way = way_to(self._before, colour)
            cut = is_cut(colour, self._before, way)
        self._before = colour
        if cut:
            log.info("a cut at %.2f s", seconds)
            self._last = way = None
        score, followed = None, False
        noise, weight = CODED.level(colour) if self._lossy else 0.0, 1.0
        if not self._keyframes:
            sharp = self._sharp(self._upscaler.model, colour, None, progress)
        else:
            reference = self._keyframes.at(seconds).to(self._upscaler.device)
            model = _steps(self._model)
            if model is None:
                sharp = self._sharp(self._model, colour, reference, progress)
            else:
                seen, age, followed = self._found(model, colour, reference, way)
                score, noise = seen.score.mean().item(), seen.wear.level(colour)
                weight += KNOWN * at_home(seen.found.matches)
                self._last = _Last(colour, reference, seen, age)
                tile = model.tile_for(colour.shape[1], colour.shape[2])
                sharp = with_smaller_tiles(
                    lambda side: model.sharpened(colour, seen, tile=side, progress=progress).colour,
                    tile,
                    (colour.shape[1], colour.shape[2]),
                )
        sharp = sharp.clamp(0, 1)
        if is_grey(colour):
            sharp = with_colours_of(colour, sharp, self._upscaler.scale)
        size = _size(colour, self._upscaler.factor)
        if size != tuple(sharp.shape[1:]):
            sharp = resized_to(sharp, size)
        return Made(sharp.clamp(0, 1), colour, noise, score, bool(cut), followed, weight, way)

    def _found(
        self, model: FilmModel, colour: Tensor, reference: Reference, way: Tensor | None
    ) -> tuple[Compared, int, bool]:
        """The matches of a frame, its age, and whether they came from the frame before."""
        transfer = model if isinstance(model, TransferModel) else model.transfer
        last = self._last
        if self._seeded and last is not None and way is not None and last.reference is reference:
            before = last.seen.found
            found = None
            if last.age + 1 < REFRESH:
                found = follow(colour, before, way, transfer.backend)
            if found is not None:
                comparison = compare(colour, found.copies, found.field)
                return Compared(found, comparison, last.seen.wear), last.age + 1, True
            if self._wear is not None:
                return transfer.find(colour, reference, wear=self._wear), 0, False
        if self._wear is not None:
            return transfer.find(colour, reference, wear=self._wear), REFRESH - SOON, False
        wear, seen, sure = condition_of(colour, reference, transfer, lossy=self._lossy)
        if sure:
            self._wear = wear
        return seen, REFRESH - SOON, False

    def _sharp(
        self, model: Model, colour: Tensor, reference: Reference | None, progress: Progress
    ) -> Tensor:
        size = colour.shape[1], colour.shape[2]
        return with_smaller_tiles(
            lambda side: model.upscale(colour, reference, tile=side, progress=progress).colour,
            model.tile_for(*size),
            size,
        )


def at_home(matches: Matches) -> float:
    """Part of the cells that a photo of the same size shows where they are: all, if it is a photo
    of this moment, and in any frame those that stand still."""
    height, width = matches.photo.shape
    cells = places(matches.position.new_zeros(height, width, 2))
    home = matches.scale * cells + (matches.scale - 1) / 2
    far = (matches.position - home).abs().amax(-1)
    return float((far < HOME * matches.scale).float().mean())


def in_film(model: Model) -> Model:
    """A model as it works in films: a network sees each frame once, and textures count more."""
    if not isinstance(model, FusionModel):
        return model
    return replace(model, symmetries=1, texture=TEXTURE)


def _steps(model: Model) -> FilmModel | None:
    """What makes a frame with photos in two steps; None for models that know only one."""
    return model if isinstance(model, (FusionModel, TransferModel)) else None


def _size(colour: Tensor, factor: float) -> tuple[int, int]:
    return round(colour.shape[1] * factor), round(colour.shape[2] * factor)
