# SPDX-License-Identifier: Apache-2.0
"""Pictures and numbers as text that a page can hold."""

import base64
import io

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray as Array
from numpy.typing import NDArray
from PIL import Image as PILImage
from torch import Tensor

_INTEGERS = (np.int8, np.int16, np.uint16, np.int32)


def eight_bit(colour: Float[Tensor, "3 h w"]) -> UInt8[Array, "h w 3"]:
    """Values in [0, 1], rounded to 0 to 255."""
    samples = colour.detach().cpu().float().clamp(0, 1).mul(255).round()
    return np.ascontiguousarray(samples.permute(1, 2, 0).numpy().astype(np.uint8))


def png_uri(pixels: UInt8[Array, "h w c"]) -> str:
    """A PNG as a data URI, without loss; made in half the time for 8% more bytes."""
    file = io.BytesIO()
    PILImage.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def reduced(pixels: UInt8[Array, "h w 3"], factor: int) -> UInt8[Array, "hr wr 3"]:
    """A picture with so many times fewer rows and columns, rounded up."""
    if factor == 1:
        return pixels
    return np.asarray(PILImage.fromarray(pixels).reduce(factor))


def array_json(values: NDArray[np.float32] | NDArray[np.int64]) -> dict[str, str]:
    """An array as little-endian bytes in base64, in the smallest type that holds it.

    Returns:
        `type`, the name of a NumPy type, and `base64`.
    """
    if values.dtype.kind == "f":
        kind: type[np.generic] = np.float32
    else:
        low, high = int(values.min()), int(values.max())
        kind = next(x for x in _INTEGERS if np.iinfo(x).min <= low and high <= np.iinfo(x).max)
    packed = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
    return {"type": np.dtype(kind).name, "base64": base64.b64encode(packed.tobytes()).decode()}
