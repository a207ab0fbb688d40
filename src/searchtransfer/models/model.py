# SPDX-License-Identifier: Apache-2.0
"""What the upscaler asks of a model, and gets from it."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ..progress import Progress, silent
from ..references import Reference
from ..references.matches import Matches
from ..wear import CLEAN, Wear


@dataclass(frozen=True)
class Upscaled:
    """A sharp image, and where its texture comes from."""

    colour: Float[Tensor, "3 hs ws"]
    """The result; in [0, 1] up to overshoots, not rounded."""
    score: Float[Tensor, "h w"]
    """How well each cell of the low-resolution image was found in the reference, -1 to 1."""
    matches: Matches
    """Where in the reference photos; photo -1 without a reference."""
    wear: Wear = CLEAN
    """What the image was seen to have been through."""


@runtime_checkable
class Model(Protocol):
    """A way of making an image sharp with a reference."""

    needs_reference: ClassVar[bool]
    """It cannot upscale an image alone."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        ...

    def tile_for(self, height: int, width: int) -> int:
        """Cells on a side of the pieces of an image of this size when the choice is ours."""
        ...

    def prepare(self, reference: Reference) -> None:
        """Compute now what depends on the reference alone; it is kept."""

    def upscale(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference | None,
        *,
        tile: int = 0,
        progress: Progress = silent,
    ) -> Upscaled:
        """Upscale one image; `tile` cells at a time on a side, 0 for all at once.

        Raises:
            OptionError: the model needs a reference and there is none.
        """
        ...
