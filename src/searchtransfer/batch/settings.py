# SPDX-License-Identifier: Apache-2.0
"""What is the same for every image of a batch."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ..images import MAX_PIXELS, Bits, Image, on_background
from ..images.background import Colour
from ..images.sizes import SizeWish


@dataclass(frozen=True)
class Settings:
    """How every image of a batch is treated."""

    tile: int | Literal["auto"] = "auto"
    """As in `Upscaler.upscale`."""
    metadata: Literal["keep", "strip"] = "keep"
    """As in `images.write_image`."""
    on_exists: Literal["error", "skip", "overwrite"] = "error"
    """What to do with an output that is there already; an input is never overwritten."""
    lr_from_hr: bool = False
    """Reduce the input first, and measure how close the result comes to it."""
    bits: Bits | None = None
    """Depth of the result; None for that of the input."""
    background: Colour | None = None
    """Put transparent pictures on this colour, for formats that have no alpha."""
    quality: int | None = None
    """As in `images.write_image`."""
    wish: SizeWish = field(default_factory=SizeWish)
    """The size of the result; nothing: that of the upscaler's scale."""
    max_pixels: int = MAX_PIXELS
    """As in `images.read_image`."""

    def finished(self, image: Image) -> Image:
        """A result as it is written."""
        if self.background is not None:
            image = on_background(image, self.background)
        return image if self.bits is None else replace(image, bits=self.bits)

    def keeps(self, path: Path) -> bool:
        """Whether a file stays as it is and is not made again: a run that was stopped made it."""
        return self.on_exists == "skip" and path.is_file()

    @property
    def replace(self) -> Literal["error", "overwrite"]:
        """As `images.write_image` takes it; what is to be skipped must not be replaced either."""
        return "overwrite" if self.on_exists == "overwrite" else "error"
