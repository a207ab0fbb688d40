# SPDX-License-Identifier: Apache-2.0
"""What has happened to a small image: how it was reduced, its noise, its compression."""

import math
from dataclasses import dataclass, field, replace

from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..images.reduction import BICUBIC, KERNELS, Reduction
from ..images.resize import Kernel
from .compression import noise_of_quality, quality_of
from .noise import noise_of
from .signs import signs_of, tells

LEAST = 2.0
"""Grey levels of noise below which an image counts as clean."""

CODED, SOFT = 3.5, 0.35
"""The same for the error of compression without a comb, and for softness in pixels."""

CODED_PHOTO, SOFT_PHOTO = 7.0, 0.45
"""The same for images that are to be enlarged twice: a photo that was only halved still shows how
it was compressed, or how soft it was, and neither is to be taken back."""


DOUBTFUL = 0.75
"""Part of these bounds from which on a sign is told, but not believed."""


@dataclass(frozen=True)
class Wear:
    """What has happened to an image.

    Raises:
        OptionError: a number is outside its range.
    """

    noise: float = 0.0
    """What is on the image and neither of the scene nor of its compression: root mean square in
    grey levels, 0 to 100."""
    quality: int | None = None
    """Of the JPEG file that it was, 1 to 100."""
    reduction: Reduction | None = None
    """How it was made smaller; None: matches in a reference will tell."""
    coded: float = 0.0
    """What compression of another kind has done (WebP, films): root mean square in grey levels, 0
    to 100."""
    softness: float = 0.0
    """Of an image whose reduction is not known: standard deviation of a blur in its own pixels."""
    doubt: str = field(default="", compare=False)
    """What an estimate was not sure of, and took for clean."""

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 100:
            raise OptionError(f"noise must be from 0 to 100 grey levels, got {self.noise!r}")
        if not 0 <= self.coded <= 100:
            raise OptionError(f"coded must be from 0 to 100 grey levels, got {self.coded!r}")
        if not 0 <= self.softness <= 10:
            raise OptionError(f"softness must be from 0 to 10 pixels, got {self.softness!r}")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise OptionError(f"quality must be from 1 to 100, got {self.quality!r}")

    def level(self, colour: Float[Tensor, "3 h w"]) -> float:
        """All that is on an image and not of the scene: root mean square in grey levels."""
        steps = 0.0 if self.quality is None else noise_of_quality(colour, self.quality)
        return math.hypot(self.noise, steps, self.coded)

    def supposed(self, scale: int) -> Reduction:
        """How the image was reduced, as far as it is known without a reference."""
        soft = Reduction("bicubic", self.softness * scale)
        return self.reduction or (soft if self.softness else BICUBIC)

    def reduced_by(self, reduction: Reduction) -> "Wear":
        """The same, and how the image was reduced."""
        return replace(self, reduction=reduction, softness=0.0)

    def __str__(self) -> str:
        words = [
            *([] if self.reduction in (None, BICUBIC) else [f"reduced by {self.reduction}"]),
            *([f"noise of about {self.noise:.0f} grey levels"] if self.noise else []),
            *([] if self.quality is None else [f"JPEG of about quality {self.quality}"]),
            *([f"compressed, by about {self.coded:.0f} grey levels"] if self.coded else []),
            *([f"soft by about {self.softness:.1f} pixels"] if self.softness else []),
        ]
        return ", ".join(words) or "clean"

    @property
    def described(self) -> str:
        """In words, with what was not sure."""
        return f"{self}; not sure: {self.doubt}" if self.doubt else str(self)


CLEAN = Wear(reduction=BICUBIC)
"""Nothing has happened but the reduction that the field's protocols use."""

AUTO = "auto"


def wear_of(colour: Float[Tensor, "3 h w"], scale: int = 4) -> Wear:
    """Estimate it from the image alone; what is not sure is taken for clean.

    Args:
        colour: `[3, H, W]` in [0, 1].
        scale: how many times it is to be enlarged.
    """
    noise, quality = noise_of(colour), quality_of(colour)
    if noise >= LEAST or quality is not None:
        is_noisy = noise >= LEAST
        return Wear(noise if is_noisy else 0.0, quality, doubt="" if is_noisy else _noisy(noise))
    if not tells(colour):
        return Wear(doubt="it is too small to tell")
    coded, softness = signs_of(colour)
    surely_coded, surely_soft = (CODED, SOFT) if scale > 2 else (CODED_PHOTO, SOFT_PHOTO)
    is_coded, is_soft = coded >= surely_coded, softness >= surely_soft
    doubts = (
        _noisy(noise),
        "" if is_coded or coded < DOUBTFUL * surely_coded else "perhaps compressed a little",
        "" if is_soft or softness < DOUBTFUL * surely_soft else "perhaps a little soft",
    )
    return Wear(
        coded=coded if is_coded else 0.0,
        softness=softness if is_soft else 0.0,
        doubt=", ".join(x for x in doubts if x),
    )


def _noisy(noise: float) -> str:
    return "perhaps a little noise" if DOUBTFUL * LEAST <= noise < LEAST else ""


def parse_wear(words: str) -> Wear | None:
    """Read what a user says of an image: None for `auto`.

    Args:
        words: `auto`, `clean`, or parts with commas between: `area`, `bilinear`, `lanczos` or
            `bicubic`, `blur:1.5` (pixels of the result), `noise:8` (grey levels), `jpeg:60`
            (quality), `coded:8` (other compression: grey levels), `soft:0.6` (a blur in pixels of
            the image, where its reduction is not known).

    Raises:
        OptionError: there is another word or number.
    """
    if words == AUTO:
        return None
    if words == "clean":
        return CLEAN
    kernels: dict[str, Kernel] = {x: x for x in KERNELS}
    kernel: Kernel | None = None
    numbers = dict.fromkeys(("blur", "noise", "jpeg", "coded", "soft"), 0.0)
    for part in words.split(","):
        name, colon, number = part.strip().partition(":")
        named = kernels.get(name)
        if named is not None and not colon:
            kernel = named
        elif name in numbers and colon:
            numbers[name] = _number(name, number)
        else:
            raise OptionError(
                f"wear: {part!r} is not known; give auto, clean, or of {', '.join(KERNELS)}, "
                "blur:PIXELS, noise:LEVELS, jpeg:QUALITY, coded:LEVELS and soft:PIXELS those that "
                "apply, with commas between"
            )
    reduction = None
    if kernel or numbers["blur"]:
        reduction = Reduction(kernel or "bicubic", numbers["blur"])
    quality = numbers["jpeg"]
    if quality != int(quality):
        raise OptionError(f"wear: the quality of a JPEG is a whole number, got {quality:g}")
    return Wear(
        numbers["noise"],
        int(quality) if quality else None,
        reduction,
        numbers["coded"],
        numbers["soft"],
    )


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 100:
        raise OptionError(f"wear: {name} must be a number above 0, up to 100, got {text!r}")
    return number
