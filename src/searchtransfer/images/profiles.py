# SPDX-License-Identifier: Apache-2.0
"""From one ICC profile to another, so that a reference can be compared with an image.

Little CMS converts, through Pillow, in 8 bits: enough for a reference, whose colours are only
compared and transferred; the image itself is never converted.
"""

import io
import logging
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageCms
from torch import Tensor

from .image import Image, ImageWarning, quantise

log = logging.getLogger(__name__)

SAME = 1
"""Profiles whose colours differ by at most so many of 255 levels count as one."""

_MODES = {"RGB": "RGB", "GRAY": "L"}
_FAULTS = (ImageCms.PyCMSError, OSError, ValueError, ImportError, MemoryError)


def to_profile(picture: Image, icc: bytes | None, name: str = "image") -> Image:
    """The picture with its colours encoded as another profile says.

    Args:
        picture: its own profile is that of its metadata; without one it is taken as sRGB.
        icc: the profile wanted, RGB or grey; None for sRGB.
        name: what to call the picture in the warning.

    Returns:
        The picture in that profile, its colours rounded to 8 bits by the conversion; the picture
        itself where both profiles mean the same colours.

    Warns:
        ImageWarning: a profile is damaged or of another kind, and the picture was kept as it is.
    """
    own = picture.metadata.icc
    if own == icc:
        return picture
    try:
        convert = _Conversion(own, icc)
        if convert.is_identity():
            return picture
        colour = convert(picture.colour)
    except _FAULTS as error:
        warnings.warn(
            f"{name}: its colours could not be converted to the image's profile ({error}); "
            "they are used as they are",
            ImageWarning,
            stacklevel=2,
        )
        return picture
    log.info("%s: colours converted to the image's profile, in 8 bits", name)
    return replace(picture, colour=colour, metadata=replace(picture.metadata, icc=icc))


class _Conversion:
    """From one profile to another, on 8-bit samples."""

    def __init__(self, source: bytes | None, target: bytes | None) -> None:
        profiles = _profile(source), _profile(target)
        self.modes = _mode(profiles[0]), _mode(profiles[1])
        self.transform = ImageCms.buildTransform(
            profiles[0],
            profiles[1],
            self.modes[0],
            self.modes[1],
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )

    def __call__(self, colour: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
        samples = quantise(colour, 8).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        converted = torch.from_numpy(self._samples(samples)).permute(2, 0, 1)
        return converted.to(colour).div(255).contiguous()

    def is_identity(self) -> bool:
        """Whether no colour of a grid over the whole range moves."""
        levels = np.linspace(0, 255, 17).round().astype(np.uint8)
        if self.modes == ("RGB", "RGB"):
            grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
        elif self.modes == ("L", "L"):
            grid = levels[None, :, None].repeat(3, axis=2)
        else:
            return False
        moved = np.abs(self._samples(grid).astype(int) - grid.astype(int)).max()
        return bool(moved <= SAME)

    def _samples(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`[H, W, 3]` to `[H, W, 3]`; a grey profile sees the mean of the three and gives three."""
        if self.modes[0] == "L":
            samples = samples.mean(axis=2).round().astype(np.uint8)
        picture = PILImage.fromarray(np.ascontiguousarray(samples))
        converted = np.array(ImageCms.applyTransform(picture, self.transform))
        return converted if converted.ndim == 3 else converted[..., None].repeat(3, axis=2)


def _profile(icc: bytes | None) -> ImageCms.ImageCmsProfile:
    if icc is None:
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.ImageCmsProfile(io.BytesIO(icc))


def _mode(profile: ImageCms.ImageCmsProfile) -> str:
    handle: Any = profile.profile  # declared as a file too, which it never is here
    space: str = handle.xcolor_space.strip()
    if space not in _MODES:
        raise ValueError(f"profile for {space} colours, expected RGB or grey")
    return _MODES[space]
