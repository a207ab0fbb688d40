# SPDX-License-Identifier: Apache-2.0
"""What the upscaler asks of a model, and gets from it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..operators.precision import in_own_precision
from ..process.progress import Progress, silent
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


class Model(ABC):
    """A way of making an image sharp with a reference."""

    needs_reference: ClassVar[bool]
    """It cannot upscale an image alone."""

    @property
    @abstractmethod
    def name(self) -> str:
        """As on the command line."""

    @property
    @abstractmethod
    def scale(self) -> int:
        """How many times larger the result is."""

    @abstractmethod
    def tile_for(self, height: int, width: int) -> int:
        """Cells on a side of the pieces of an image of this size when the choice is ours."""

    def prepare(self, reference: Reference) -> None:
        """Compute now what depends on the reference alone; it is kept.

        Raises:
            OptionError: the reference was built for another scale.
        """
        self.check(reference)
        self._prepare(reference)

    @torch.no_grad()
    @in_own_precision
    def upscale(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference | None,
        *,
        tile: int = 0,
        progress: Progress = silent,
    ) -> Upscaled:
        """Upscale one image.

        Args:
            colour: `[3, H, W]` in [0, 1].
            reference: built for the same scale; None: the image alone. Then score is 0 and photo
                and pixel are -1.
            tile: cells on a side of the pieces that the picture is put together from, 0 for one
                piece. Bounds the memory; the result is the same up to rounding.
            progress: called with "search" and "transfer".

        Raises:
            OptionError: the reference was built for another scale, or there is none and the model
                needs one.
        """
        if reference is None:
            return self._alone(colour, tile, progress)
        self.check(reference)
        return self._with(colour, reference, tile, progress)

    def check(self, reference: Reference) -> None:
        """Refuse a reference of another scale.

        Raises:
            OptionError: it is.
        """
        if reference.scale != self.scale:
            raise OptionError(
                f"reference was built for scale {reference.scale}, the model has {self.scale}; "
                "prepare it with this model"
            )

    @abstractmethod
    def _prepare(self, reference: Reference) -> None: ...

    @abstractmethod
    def _with(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference,
        tile: int,
        progress: Progress,
    ) -> Upscaled: ...

    def _alone(self, colour: Float[Tensor, "3 h w"], tile: int, progress: Progress) -> Upscaled:
        raise OptionError(f"model {self.name!r} needs a reference; give it photos of the same")
