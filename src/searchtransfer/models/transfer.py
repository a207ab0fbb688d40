# SPDX-License-Identifier: Apache-2.0
"""The model that needs no learning: bicubic plus the detail of the best matches.

The reasons for each step are in `docs/design/upscaling.md`, their gains in `docs/benchmarks.md`.
"""

import math
from dataclasses import dataclass, field
from numbers import Integral
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..given import check_word
from ..images.resize import up
from ..operators.agreement import AROUND, shown
from ..operators.descriptors import SIDE
from ..operators.detail import Blend, blend
from ..operators.precision import in_own_precision
from ..process.budget import MEMORY, checked, side_of_piece
from ..process.progress import Progress, silent
from ..references import SCALES, Reference
from ..references.comparison import Comparison, compare
from ..references.finding import Found
from ..references.matching import match
from ..references.plan import MODES, SearchMode
from ..references.texture import blocks_of
from ..wear import Wear, wear_of
from .expected import announce
from .model import Model, Upscaled
from .pieces import TILE, Area, in_pieces, spread_over

BYTES_A_PIXEL = 188
"""Of the result of a piece: textures, sums and pictures."""


@dataclass(frozen=True)
class Settings:
    """The few numbers of the model. `benchmarks.quality.settings` compares them with others.

    Raises:
        OptionError: one of them makes no sense.
    """

    lowest_score: float = 0.5
    """Matches of this score and below bring nothing; trust grows linearly from here to 1."""
    noise: float = 1.0
    """Mean squared difference of two patches, in grey levels, that is as good as none."""
    gain_range: tuple[float, float] = (0.5, 1.5)
    """How far the contrast of a match is adapted; (1, 1) switches the adaptation off."""
    dissent: float = 0.3
    """How much the spread of the candidates, in units of their mean's energy, fades them."""
    consistency_rounds: int = 4
    """Rounds of back-projection; each brings the reduced result closer to the input."""
    patch_size: int = 5
    """Side of the neighbourhood in cells whose matches are averaged, odd; 1: the own alone."""

    def __post_init__(self) -> None:
        low, high = self.gain_range
        for name, valid, rule in (
            ("lowest_score", -1 <= self.lowest_score < 1, "from -1 to below 1"),
            ("noise", 0 < self.noise < math.inf, "positive"),
            ("gain_range", 0 <= low <= high < math.inf, "two numbers from 0 on, the lower first"),
            ("dissent", 0 <= self.dissent < math.inf, "0 or positive"),
            ("consistency_rounds", self.consistency_rounds >= 0, "0 or positive"),
            ("patch_size", self.patch_size >= 1 and self.patch_size % 2, "positive and odd"),
        ):
            if not valid:
                raise OptionError(f"Settings: {name} must be {rule}, got {getattr(self, name)!r}")


@dataclass(frozen=True)
class Compared:
    """What was found of an image, compared with it."""

    found: Found
    comparison: Comparison
    wear: Wear
    """What has happened to the image."""

    @property
    def score(self) -> Float[Tensor, "h w"]:
        """Normalised cross-correlation of the two patches."""
        return self.comparison.score

    def within(self, area: Area) -> "Compared":
        """The part in an area."""
        part = self.found._replace(
            field=self.found.field.at(area), agreement=self.found.agreement[area]
        )
        return Compared(part, Comparison(*(x[area] for x in self.comparison)), self.wear)


class Piece(NamedTuple):
    """A part of an image, sharp, and what is known about its texture."""

    low: Float[Tensor, "3 h w"]
    """The small image, without the noise that the reference tells from it."""
    noise: Float[Tensor, "h w"]
    """What is left of it, in grey levels."""
    sharp: Float[Tensor, "3 hs ws"]
    """The result."""
    bicubic: Float[Tensor, "3 hs ws"]
    """The low-resolution image, enlarged."""
    blend: Blend
    """Texture, not faded."""
    score: Float[Tensor, "h w"]
    """Of the matches."""
    trust: Float[Tensor, "h w"]
    """What the texture was faded by."""
    difference: Float[Tensor, "h w"]
    """Mean squared difference of the two patches of a match, in grey levels."""
    agreement: Float[Tensor, "h w"]
    """The share of its neighbours that a cell was found beside."""


@dataclass(frozen=True)
class TransferModel(Model):
    """Sub-cell search, blended detail, back-projection; see the module docstring."""

    scale: int = 4
    settings: Settings = field(default_factory=Settings)
    search: SearchMode = "auto"
    """Exact, refined, or exact where the images are small enough; see
    `searchtransfer.references.plan`."""
    backend: str = "auto"
    """That of the search; see `searchtransfer.search`."""
    wear: Wear | None = None
    """What has happened to the images; None: it is estimated."""
    memory: int = MEMORY
    """Bytes that an image may take; see `searchtransfer.process.budget`."""
    name: str = "transfer"
    needs_reference: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.scale, Integral) or self.scale not in SCALES:
            raise OptionError(f"scale must be one of {SCALES}, got {self.scale!r}")
        check_word("search", self.search, MODES)
        checked(self.memory)

    def tile_for(self, height: int, width: int) -> int:
        """Cells on a side of the pieces when the choice is ours: the same for any size."""
        return min(TILE, side_of_piece(self.memory, self.bytes_a_cell, 2 * AROUND))

    @property
    def bytes_a_cell(self) -> int:
        """That a piece takes for each of its cells."""
        return BYTES_A_PIXEL * self.scale**2

    def _prepare(self, reference: Reference) -> None:
        reference.prepare()

    def _with(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference,
        tile: int,
        progress: Progress,
    ) -> Upscaled:
        announce(colour, self.scale, reference)
        seen = self.find(colour, reference, progress)
        return self.sharpened(colour, seen, tile=tile, progress=progress)

    @torch.no_grad()
    @in_own_precision
    def sharpened(
        self,
        colour: Float[Tensor, "3 h w"],
        seen: Compared,
        *,
        tile: int = 0,
        progress: Progress = silent,
    ) -> Upscaled:
        """Upscale an image whose matches are known, from `find`."""

        def make(area: Area) -> Tensor:
            return self.piece(colour, seen, area).sharp

        sharp = in_pieces(colour, make, self.scale, tile, self.halo(seen.found), progress)
        return Upscaled(sharp, seen.score, seen.found.matches, seen.wear)

    @in_own_precision
    def find(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference,
        progress: Progress = silent,
        wear: Wear | None = None,
    ) -> Compared:
        """Find every cell, and compare it with its match.

        Args:
            colour: `[3, H, W]` in [0, 1].
            reference: built for the same scale.
            progress: called with "search".
            wear: what has happened to the image; None: that of the model, or what is estimated.

        Raises:
            OptionError: the reference was built for another scale.
        """
        self.check(reference)
        wear = wear or self.wear or wear_of(colour, self.scale)
        found = match(colour, reference, self.search, self.backend, progress, wear, self.memory)
        wear = wear.reduced_by(found.reduction)
        return Compared(found, compare(colour, found.copies, found.field), wear)

    def halo(self, found: Found) -> int:
        """Cells around a tile that can change a pixel inside it.

        Half a patch for the neighbours' matches and one for the smoothed spread, or what is looked
        at to know what the reference shows; each round of back-projection reduces, and enlarges
        (2 cells).
        """
        seen = max(self.settings.patch_size // 2 + 1, AROUND if found.noise else 0)
        round_trip = found.reduction.reach(self.scale) + 2
        return seen + round_trip * self.settings.consistency_rounds

    def piece(
        self,
        colour: Float[Tensor, "3 h w"],
        seen: Compared,
        area: Area = (slice(None), slice(None)),
    ) -> Piece:
        """Upscale an area of an image whose matches are known, and keep what was seen.

        Args:
            colour: the whole image.
            seen: its matches, from `find`.
            area: rows and columns of the image; what lies around it is not looked at.
        """
        settings = self.settings
        colour = colour[(slice(None), *area)]
        seen = seen.within(area)
        score, contrast, key_contrast = seen.comparison
        gain = (score * contrast / key_contrast.clamp(min=1e-3)).clamp(*settings.gain_range)
        difference = squared_difference(score, contrast, gain * key_contrast)
        mixed = blend(
            blocks_of(seen.found.copies, seen.found.field, settings.patch_size),
            weight=1 / (difference + settings.noise),
            gain=gain,
            confidence=((score - settings.lowest_score) / (1 - settings.lowest_score)).clamp(0, 1),
            mean=_means(colour),
            scale=self.scale,
            patch_size=settings.patch_size,
        )
        noise = seen.found.noise
        known = noise**2 / (noise**2 + difference + settings.noise) * shown(seen.found.agreement)
        colour = torch.lerp(colour, mixed.known, known)
        energy, spread = (_smooth(x) for x in (mixed.energy, mixed.spread))
        trust = mixed.confidence * energy / (energy + settings.dissent * spread + 1e-9)
        fade = spread_over(trust, self.scale)
        bicubic = up(colour, self.scale)
        sharp = bicubic + fade * mixed.detail
        for _ in range(settings.consistency_rounds):
            sharp += up(colour - seen.found.reduction.down(sharp, self.scale), self.scale)
        return Piece(
            colour,
            noise * (1 - known),
            sharp,
            bicubic,
            mixed,
            score,
            trust,
            difference,
            seen.found.agreement,
        )


def squared_difference(score: Tensor, contrast: Tensor, key_contrast: Tensor) -> Tensor:
    """Mean squared difference of the two patches of a match, means removed, in grey levels."""
    total = contrast**2 + key_contrast**2 - 2 * score * contrast * key_contrast
    return total.clamp(min=0) * (255**2 / (3 * SIDE**2))


def _means(colour: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """Of the patches around cells."""
    around = F.pad(colour[None], (SIDE // 2,) * 4, mode="replicate")
    return F.avg_pool2d(around, SIDE, 1)[0]


def _smooth(x: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    return F.avg_pool2d(x[None, None], 3, stride=1, padding=1, count_include_pad=False)[0, 0]
