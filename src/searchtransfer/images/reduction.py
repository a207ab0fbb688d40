# SPDX-License-Identifier: Apache-2.0
"""How a small image came from a sharp one: by which filter, and what blur before."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from .resize import Kernel, blurred, down, reduced_everywhere

KERNELS: dict[Kernel, int] = {"bicubic": 2, "area": 1, "bilinear": 1, "lanczos": 3}
"""The filters, and how many cells on either side of a cell each sees."""

SOFTEST = 100.0
"""Pixels of blur at most."""


@dataclass(frozen=True)
class Reduction:
    """A blur and a filter that reduces.

    Raises:
        OptionError: no such filter, or a blur outside its range.
    """

    kernel: Kernel = "bicubic"
    softness: float = 0.0
    """Standard deviation of the blur, in pixels of the sharp image."""

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise OptionError(f"kernel must be one of {', '.join(KERNELS)}, got {self.kernel!r}")
        if not 0 <= self.softness <= SOFTEST:
            raise OptionError(f"softness must be from 0 to {SOFTEST:g}, got {self.softness!r}")

    def down(self, image: Float[Tensor, "c h w"], scale: int) -> Float[Tensor, "c hr wr"]:
        """Reduce an image; its sides are multiples of scale."""
        return down(blurred(image, self.softness), scale, self.kernel)

    def everywhere(self, image: Float[Tensor, "c h w"], scale: int) -> Float[Tensor, "c _ _"]:
        """The cells that would begin at each pixel; see `reduced_everywhere`."""
        return blurred(reduced_everywhere(image, scale, self.kernel), self.softness)

    def reach(self, scale: int) -> int:
        """Cells on either side of a cell that can change it."""
        return KERNELS[self.kernel] + math.ceil(3 * self.softness / scale)

    def __str__(self) -> str:
        blur = f", blurred by {self.softness:.1f} pixels" if self.softness else ""
        return f"{self.kernel}{blur}"


BICUBIC = Reduction()
"""What an image is taken for when nothing else is known."""
