# SPDX-License-Identifier: Apache-2.0
"""Pictures from and to what people hold in memory: Pillow, NumPy, torch."""

import warnings
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import DTypeLike, NDArray
from PIL import Image as PILImage
from torch import Tensor

from ..errors import DTypeError, ImageFileError, NonFiniteError, OptionError, ShapeError
from ..given import check_kind, check_tensor
from .image import (
    Bits,
    Image,
    ImageWarning,
    Metadata,
    check_image,
    from_channels,
    quantise,
    to_channels,
)
from .metadata import plausible_dpi
from .samples import Samples, to_samples


def from_pil(picture: PILImage.Image) -> Image:
    """Take a Pillow image of any 8-bit mode, or `I;16`.

    The pixels are taken as they lie: an EXIF orientation that the caller has not applied stays in
    the metadata.

    Raises:
        ImageFileError: a mode that cannot be kept (32-bit integer, floating point, Lab), or pixels
            that cannot be loaded.

    Warns:
        ImageWarning: Pillow reduces the file's 16 bits to 8 (give its path instead), or the
            picture is CMYK.
    """
    check_kind("image", picture, PILImage.Image, "of Pillow")
    for tile in getattr(picture, "tile", []):
        if "16" in str(tile[3]) and not picture.mode.startswith("I;16"):
            _warn("Pillow reduces this file's 16 bits to 8; give its path to keep them")
    try:
        picture.load()
    except Exception as error:  # Pillow loads late, and raises anything on a damaged file
        raise ImageFileError(f"image: Pillow cannot load the picture ({error})") from error
    info = picture.info
    metadata = Metadata(
        icc=info.get("icc_profile") or None,
        exif=(info.get("exif") or b"").removeprefix(b"Exif\0\0") or None,
        xmp=info["xmp"] if isinstance(info.get("xmp"), bytes) else None,
        dpi=plausible_dpi(info.get("dpi")),
    )
    if picture.mode.startswith("I;16"):
        deep = np.array(picture).astype(np.uint16)  # in this machine's byte order
        return from_channels(from_samples(deep[..., None]), 16, metadata)
    try:
        samples, metadata = to_samples(picture, metadata, _warn)
    except ImageFileError as error:
        raise ImageFileError(f"image: {error}") from None
    return from_channels(from_samples(samples), 8, metadata)


def to_pil(image: Image) -> PILImage.Image:
    """Give a Pillow image of mode L, LA, RGB, RGBA, or I;16; its metadata in `info`.

    Raises:
        ImageFileError: 16 bits with colour or alpha, which Pillow cannot hold.
    """
    check_image("image", image)
    samples = integer_samples(image)
    if image.bits == 16 and samples.shape[2] > 1:
        raise ImageFileError(
            "image: Pillow cannot hold 16-bit colour or alpha; take a NumPy array or write a file, "
            "or set bits=8"
        )
    picture = PILImage.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    metadata = image.metadata
    exif = None if metadata.exif is None else b"Exif\0\0" + metadata.exif
    info = {"icc_profile": metadata.icc, "exif": exif, "xmp": metadata.xmp, "dpi": metadata.dpi}
    picture.info.update({key: value for key, value in info.items() if value is not None})
    return picture


def from_numpy(array: NDArray[Any], *, bits: Bits = 8) -> Image:
    """Take an array `[H, W]` or `[H, W, C]`, C from 1 to 4 (grey, grey + alpha, RGB, RGBA).

    Args:
        array: uint8 (0-255), uint16 (0-65535), or floating point in [0, 1].
        bits: depth to write a floating point picture with; integers have their own.

    Raises:
        DTypeError: another dtype. ShapeError: another shape.
        OptionError, NonFiniteError: floating point values outside [0, 1], NaN or infinity.
    """
    check_kind("image", array, np.ndarray, "of NumPy")
    if array.ndim not in (2, 3):
        raise ShapeError(f"image: array must be [H, W] or [H, W, C], got {list(array.shape)}")
    if array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4):
        first = array.shape[0] in (1, 2, 3, 4)
        raise ShapeError(
            f"image: array must be [H, W, C] with 1 to 4 channels, got {list(array.shape)}"
            + ("; it looks like [C, H, W], so transpose it (1, 2, 0)" if first else "")
        )
    pixels = array[..., None] if array.ndim == 2 else array
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:  # in either byte order
        bits = 16 if array.dtype.itemsize == 2 else 8
        return from_channels(from_samples(pixels), bits, Metadata())
    if not np.issubdtype(array.dtype, np.floating):
        raise DTypeError(
            f"image: array must be uint8, uint16 or floating point in [0, 1], got {array.dtype}"
        )
    planes = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32))
    return from_tensor(planes, bits=bits)


def to_numpy(image: Image, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Give an array `[H, W]` (grey) or `[H, W, C]` (C = 2 grey + alpha, 3 RGB, 4 RGBA).

    Args:
        image: the picture.
        dtype: uint8, uint16 or a floating point type; by default uint8 or uint16 by its bits.

    Raises:
        DTypeError: another dtype. NonFiniteError: integers of NaN or infinity were asked for.
    """
    check_image("image", image)
    wanted = _dtype((np.uint16 if image.bits == 16 else np.uint8) if dtype is None else dtype)
    if wanted in (np.uint8, np.uint16):
        array: NDArray[Any] = integer_samples(image, 16 if wanted == np.uint16 else 8)
    elif np.issubdtype(wanted, np.floating):
        planes = to_channels(image).detach().float().cpu()
        array = planes.permute(1, 2, 0).contiguous().numpy().astype(wanted, copy=False)
    else:
        raise DTypeError(f"image: dtype must be uint8, uint16 or floating point, got {wanted}")
    return array[..., 0] if array.shape[2] == 1 else array


def _dtype(given: DTypeLike) -> np.dtype[Any]:
    try:
        return np.dtype(given)
    except Exception as error:  # of many kinds, by what was given
        raise DTypeError(f"image: dtype must be one of NumPy's, got {given!r}") from error


def from_tensor(planes: Tensor, *, bits: Bits = 8) -> Image:
    """Take a tensor `[C, H, W]`, C from 1 to 4 (grey, grey + alpha, RGB, RGBA).

    Args:
        planes: floating point in [0, 1], or uint8 (0-255).
        bits: depth to write a floating point picture with; uint8 is always 8.

    Raises:
        DTypeError: another dtype. ShapeError: another shape.
        OptionError, NonFiniteError: values outside [0, 1], NaN or infinity.
    """
    check_tensor("image", planes)
    if planes.dtype == torch.uint8:
        return from_channels(planes.float() / 255, 8, Metadata())
    if not planes.is_floating_point():
        raise DTypeError(
            f"image: tensor must be floating point in [0, 1] or uint8, got {planes.dtype}"
        )
    if planes.numel():
        low, high = (float(value) for value in torch.aminmax(planes.detach()))
        if not np.isfinite([low, high]).all():
            raise NonFiniteError("image: the picture holds NaN or infinity")
        if low < 0 or high > 1:
            raise OptionError(
                f"image: values must lie in [0, 1], got {low:.4g} to {high:.4g}; "
                "divide by the maximum (255 or 65535), or clamp"
            )
    return from_channels(planes, bits, Metadata())


def to_tensor(image: Image) -> Float[Tensor, "c h w"]:
    """Give a tensor `[C, H, W]` in [0, 1], C from 1 to 4 (grey, grey + alpha, RGB, RGBA).

    Raises:
        DTypeError: it is no `Image`.
    """
    check_image("image", image)
    return to_channels(image)


def from_samples(samples: Samples) -> Float[Tensor, "c h w"]:
    """`[H, W, C]` integers to `[C, H, W]` in [0, 1]; single precision tells 16 bits apart."""
    most = np.iinfo(samples.dtype).max
    planes = np.ascontiguousarray(samples.transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(planes).div_(most)


def integer_samples(image: Image, bits: Bits | None = None) -> Samples:
    """`[H, W, C]` integers of a picture: clamped, then rounded; its own bits by default."""
    depth = image.bits if bits is None else bits
    return samples_of(to_channels(image), depth)


def samples_of(planes: Float[Tensor, "c h w"], bits: Bits) -> Samples:
    """`[C, H, W]` in [0, 1] to `[H, W, C]` integers: clamped, then rounded."""
    integers = quantise(planes, bits).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(integers, dtype=np.uint16 if bits == 16 else np.uint8)


def turn(planes: Float[Tensor, "c h w"], orientation: int) -> Float[Tensor, "c h2 w2"]:
    """Show a picture upright that was stored with an EXIF orientation of 1 to 8."""
    if orientation in (5, 6, 7, 8):  # rows were stored as columns
        planes = planes.transpose(-2, -1)
    flips = {2: (-1,), 3: (-2, -1), 4: (-2,), 6: (-1,), 7: (-2, -1), 8: (-2,)}
    return planes.flip(flips.get(orientation, ())).contiguous()


def _warn(message: str) -> None:
    warnings.warn(f"image: {message}", ImageWarning, stacklevel=3)
