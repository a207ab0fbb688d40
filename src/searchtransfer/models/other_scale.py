# SPDX-License-Identifier: Apache-2.0
"""The learned model at scales that it has not learned.

With a reference the model without learning works at any scale, and at 2, 3 and 8 it is about as
good as four times larger and then resized, or better (`benchmarks/scales.py`). Without a reference
the network enlarges four times, and its result is reduced, or enlarged again.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from ..images.sizes import resized_to
from ..progress import Progress, silent
from ..references import Reference
from ..references.matches import no_matches
from .fusion import FusionModel
from .model import Upscaled
from .transfer import TransferModel


@dataclass(frozen=True)
class OtherScaleModel:
    """Two models: one for images with a reference, one for images alone."""

    fusion: FusionModel
    transfer: TransferModel
    """It has the scale."""
    name: str = "fusion"
    needs_reference: ClassVar[bool] = False

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        return self.transfer.scale

    def tile_for(self, height: int, width: int) -> int:
        """Cells on a side of the pieces when the choice is ours."""
        return self.fusion.tile_for(height, width)

    def prepare(self, reference: Reference) -> None:
        """Compute now what a search needs of the photos.

        Raises:
            OptionError: the reference was built for another scale.
        """
        self.transfer.prepare(reference)

    def upscale(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference | None,
        *,
        tile: int = 0,
        progress: Progress = silent,
    ) -> Upscaled:
        """Upscale one image; see `FusionModel.upscale`.

        Raises:
            OptionError: the reference was built for another scale.
        """
        if reference is not None:
            return self.transfer.upscale(colour, reference, tile=tile, progress=progress)
        alone = self.fusion.upscale(colour, None, tile=tile, progress=progress)
        size = colour.shape[1], colour.shape[2]
        sharp = resized_to(alone.colour, (size[0] * self.scale, size[1] * self.scale))
        return Upscaled(sharp, alone.score, no_matches(size, self.scale, colour), alone.wear)
