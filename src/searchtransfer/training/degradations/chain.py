# SPDX-License-Identifier: Apache-2.0
"""Parts one after another, with a reduction among them."""

from dataclasses import dataclass

import numpy as np

from ..data.pixels import Pixels
from .downsampling import Downsampling, resized
from .part import Part, rounded


@dataclass(frozen=True)
class Chain:
    """What happens to a picture, from the sharp one to the file; the same each time it is applied.

    `str` names it all in order: "blur 1.6 px, area, noise 7.5, JPEG 62".
    """

    before: tuple[Part, ...] = ()
    """To the sharp picture; a detour may leave it at another size."""
    reduction: Downsampling | None = None
    """None: the picture keeps its size."""
    after: tuple[Part, ...] = ()
    """To the small picture."""
    seed: int = 0
    """Of the noise."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of it in order."""
        return (*self.before, *((self.reduction,) if self.reduction else ()), *self.after)

    @property
    def clean(self) -> bool:
        """Nothing but the reduction that the field's protocols use, or nothing at all."""
        kernel = self.reduction.kernel if self.reduction else "bicubic"
        return not self.before and not self.after and kernel == "bicubic"

    def apply(self, pixels: Pixels) -> Pixels:
        """The worn picture, smaller by the reduction's scale; rounded once, here.

        Raises:
            ShapeError: a side is no multiple of that scale.
            MissingExtraError: a part needs a library that is not installed.
        """
        size = self.reduction.size(pixels) if self.reduction else None
        rng = np.random.default_rng(self.seed)
        picture = pixels.astype(np.float32)
        for part in self.before:
            picture = part(picture, rng)
        if self.reduction and size:
            picture = resized(picture, size, self.reduction.kernel)
        for part in self.after:
            picture = part(picture, rng)
        return rounded(picture)

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts)) or "as it is"


def clean(scale: int) -> Chain:
    """The bicubic reduction alone, as `images.resize.degrade` does it."""
    return Chain(reduction=Downsampling("bicubic", scale))
