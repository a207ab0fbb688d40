# SPDX-License-Identifier: Apache-2.0
"""Upscaler: the main job. A small image and reference photos in, a sharp image out."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from PIL import Image as PILImage
from torch import Tensor

from . import images
from .errors import DTypeError, OptionError, ShapeError
from .images import Image
from .models import Model, TransferModel
from .models.model import Progress, Upscaled, silent
from .reference import Reference

Picture = TypeVar("Picture", Image, PILImage.Image, np.ndarray[Any, Any], Tensor)

TILE = 512
"""Cells on a side of a tile when the tile size is left to us."""

WEAK_SCORE = 0.5
"""A mean score below this means that the reference hardly shows the same things."""


class WeakReferenceWarning(UserWarning):
    """The reference shows other things than the image, so it could not help much."""


class Matches:
    """Placeholder."""


@dataclass(frozen=True)
class Result(Generic[Picture]):
    """A sharp picture, and where its texture comes from."""

    image: Picture
    """Of the kind that was given: Image, Pillow, NumPy or tensor."""
    score: Float[Tensor, "h w"]
    """How well each cell (pixel of the small image) was found in the references, -1 to 1."""
    photo: Int64[Tensor, "h w"]
    """Number of the reference that each cell was found in."""
    pixel: Int64[Tensor, "h w 2"]
    """Row and column there of the first of the scale x scale pixels that match the cell."""
