# SPDX-License-Identifier: Apache-2.0
"""Models as other tools see them: what goes in, what comes out, and a call.

The names are those of spandrel's descriptors of image models, so that tools that load models
through them can take ours with few words; see `docs/runtimes.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .errors import ShapeError
from .upscaler import Upscaler


class Tiling(Enum):
    """Whether a tool may cut images into tiles, and call a model for each."""

    SUPPORTED = 1
    DISCOURAGED = 2
    INTERNAL = 3
    """The model does so itself, with the right overlap, as memory needs it: tools should not."""


@dataclass(frozen=True)
class SizeRequirements:
    """What sizes of images a model takes; others it would refuse."""

    minimum: int = 1
    """Pixels of a side at least."""
    multiple_of: int = 1
    square: bool = False

    def check(self, height: int, width: int) -> bool:
        """Whether an image of this size is taken."""
        least = min(height, width) >= self.minimum
        whole = height % self.multiple_of == 0 and width % self.multiple_of == 0
        return least and whole and (not self.square or height == width)


@dataclass(frozen=True, eq=False)
class Descriptor:
    """A model, and what a tool must know to call it.

    Examples:
        >>> model = Descriptor.load("transfer", scale=2)
        >>> model.scale, model.input_channels, model.tiling.name
        (2, 3, 'INTERNAL')
        >>> sharp = model(torch.rand(1, 3, 12, 15), [torch.rand(3, 40, 30)])
        >>> list(sharp.shape)
        [1, 3, 24, 30]
    """

    upscaler: Upscaler

    purpose: ClassVar[Literal["SR"]] = "SR"
    """Super-resolution; images with a reference beside them."""
    input_channels: ClassVar[int] = 3
    output_channels: ClassVar[int] = 3
    supports_half: ClassVar[bool] = False
    """Images are computed in single precision; others are converted."""
    supports_bfloat16: ClassVar[bool] = False
    size_requirements: ClassVar[SizeRequirements] = SizeRequirements()
    tiling: ClassVar[Tiling] = Tiling.INTERNAL

    @classmethod
    def load(cls, source: str | Path | None = None, **options: Any) -> "Descriptor":
        """Load a model by name, file, folder or hub id; see `Upscaler.from_pretrained`.

        Raises:
            SearchTransferError: whatever `Upscaler.from_pretrained` raises.
        """
        return cls(Upscaler.from_pretrained(source, **options))

    @property
    def architecture(self) -> str:
        """Name of the model."""
        return self.upscaler.model.name

    @property
    def scale(self) -> int:
        """How many times larger results are."""
        return self.upscaler.scale

    @property
    def needs_reference(self) -> bool:
        """A call without reference photos is refused."""
        return self.upscaler.model.needs_reference

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.upscaler.device

    def to(self, device: torch.device | str) -> "Descriptor":
        """The same model on another device.

        Raises:
            OptionError: there is no such device here.
        """
        return Descriptor(Upscaler(self.upscaler.model, device, self.upscaler.factor))

    def __call__(
        self,
        image: Float[Tensor, "b 3 h w"],
        references: Sequence[Float[Tensor, "3 _ _"]] | None = None,
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Upscale images.

        Args:
            image: `[B, 3, H, W]` in [0, 1].
            references: photos, each `[3, H, W]` in [0, 1], of any sizes; every one serves every
                image. None: the images alone, if the model can.

        Returns:
            `[B, 3, scale*H, scale*W]` in [0, 1], on the device of the images, in their dtype.

        Raises:
            ShapeError: the images are no batch of three channels.
            SearchTransferError: whatever `Upscaler.upscale` raises.
        """
        if image.dim() != 4 or image.shape[1] != self.input_channels or not len(image):
            raise ShapeError(f"image must be [B, 3, H, W], got {list(image.shape)}")
        photos = None if references is None else self.upscaler.prepare(list(references))
        sharp = [self.upscaler.upscale(one, photos).image for one in image.float()]
        return torch.stack(sharp).clamp(0, 1).to(image)
