# SPDX-License-Identifier: Apache-2.0
"""How a small image came from a sharp one: by which filter, and what blur before."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from .resize import Kernel, blurred, down, reduced_everywhere


@dataclass(frozen=True)
class Reduction:
    """A blur and a filter that reduces."""

    kernel: Kernel = "bicubic"
    softness: float = 0.0
    """Standard deviation of the blur, in pixels of the sharp image."""

    def down(self, image: Float[Tensor, "c h w"], scale: int) -> Float[Tensor, "c hr wr"]:
        """Reduce an image; its sides are multiples of scale."""
        return down(blurred(image, self.softness), scale, self.kernel)

    def everywhere(self, image: Float[Tensor, "c h w"], scale: int) -> Float[Tensor, "c _ _"]:
        """The cells that would begin at each pixel; see `reduced_everywhere`."""
        return blurred(reduced_everywhere(image, scale, self.kernel), self.softness)

    def __str__(self) -> str:
        blur = f", blurred by {self.softness:.1f} pixels" if self.softness else ""
        return f"{self.kernel}{blur}"


BICUBIC = Reduction()
"""What an image is taken for when nothing else is known."""
