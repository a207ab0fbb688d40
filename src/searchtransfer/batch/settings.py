# SPDX-License-Identifier: Apache-2.0
"""What is the same for every image of a batch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


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

    def keeps(self, path: Path) -> bool:
        """Whether a file stays as it is and is not made again: a run that was stopped made it."""
        return self.on_exists == "skip" and path.is_file()

    @property
    def replace(self) -> Literal["error", "overwrite"]:
        """As `images.write_image` takes it; what is to be skipped must not be replaced either."""
        return "overwrite" if self.on_exists == "overwrite" else "error"
