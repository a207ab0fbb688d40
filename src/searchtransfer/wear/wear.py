# SPDX-License-Identifier: Apache-2.0
"""What has happened to a small image: how it was reduced, its noise, its compression."""

import math
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..images.reduction import BICUBIC, KERNELS, Reduction
from ..images.resize import Kernel
from .compression import noise_of_quality, quality_of
from .noise import noise_of

LEAST = 2.0
"""Grey levels of noise below which an image counts as clean."""


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

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 100:
            raise OptionError(f"noise must be from 0 to 100 grey levels, got {self.noise!r}")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise OptionError(f"quality must be from 1 to 100, got {self.quality!r}")

    def level(self, colour: Float[Tensor, "3 h w"]) -> float:
        """All that is on an image and not of the scene: root mean square in grey levels."""
        if self.quality is None:
            return self.noise
        return math.hypot(self.noise, noise_of_quality(colour, self.quality))

    def reduced_by(self, reduction: Reduction) -> "Wear":
        """The same, and how the image was reduced."""
        return replace(self, reduction=reduction)

    def __str__(self) -> str:
        words = [
            *([] if self.reduction in (None, BICUBIC) else [f"reduced by {self.reduction}"]),
            *([f"noise of about {self.noise:.0f} grey levels"] if self.noise else []),
            *([] if self.quality is None else [f"JPEG of about quality {self.quality}"]),
        ]
        return ", ".join(words) or "clean"


CLEAN = Wear(reduction=BICUBIC)
"""Nothing has happened but the reduction that the field's protocols use."""

AUTO = "auto"


def wear_of(colour: Float[Tensor, "3 h w"]) -> Wear:
    """Estimate it from the image alone; what is not sure is taken for clean.

    Args:
        colour: `[3, H, W]` in [0, 1].
    """
    noise = noise_of(colour)
    return Wear(noise if noise >= LEAST else 0.0, quality_of(colour))


def parse_wear(words: str) -> Wear | None:
    """Read what a user says of an image: None for `auto`.

    Args:
        words: `auto`, `clean`, or parts with commas between: `area`, `bilinear`, `lanczos` or
            `bicubic`, `blur:1.5` (pixels of the result), `noise:8` (grey levels), `jpeg:60`
            (quality).

    Raises:
        OptionError: there is another word or number.
    """
    if words == AUTO:
        return None
    if words == "clean":
        return CLEAN
    kernel: Kernel | None = None
    numbers = dict.fromkeys(("blur", "noise", "jpeg"), 0.0)
    for part in words.split(","):
        name, colon, number = part.strip().partition(":")
        named = next((x for x in KERNELS if x == name), None)
        if named is not None and not colon:
            kernel = named
        elif name in numbers and colon:
            numbers[name] = _number(name, number)
        else:
            raise OptionError(
                f"wear: {part!r} is not known; give auto, clean, or of {', '.join(KERNELS)}, "
                "blur:PIXELS, noise:LEVELS and jpeg:QUALITY those that apply, with commas between"
            )
    reduction = None
    if kernel or numbers["blur"]:
        reduction = Reduction(kernel or "bicubic", numbers["blur"])
    quality = numbers["jpeg"]
    if quality != int(quality):
        raise OptionError(f"wear: the quality of a JPEG is a whole number, got {quality:g}")
    return Wear(numbers["noise"], int(quality) if quality else None, reduction)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 100:
        raise OptionError(f"wear: {name} must be a number above 0, up to 100, got {text!r}")
    return number
