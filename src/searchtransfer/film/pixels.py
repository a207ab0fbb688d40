# SPDX-License-Identifier: Apache-2.0
"""Frames as colours and back: planes, matrix, range, depth, and chroma at less resolution.

Written out, since the converters of the coding libraries take the nearest chroma sample. Chroma
lies on the left of two columns and between two rows, as in nearly every film.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..errors import ImageFileError
from .orientation import orientation_of

MATRICES = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114)}
MATRICES |= {7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Weights of red and blue in brightness, by the code points of ITU-T H.273."""

BT709, BT601, UNSAID, RGB = 1, 6, 2, 0
FULL = 2
"""Of a range, as libavutil counts; anything else is limited."""

LARGE = 720
"""Rows from which a film that names no matrix is taken for BT.709; smaller ones for BT.601."""


@dataclass(frozen=True)
class Pixels:
    """How the frames of a film are stored."""

    down: int
    """Rows that share a sample of chroma,"""
    across: int
    """and columns."""
    bits: int
    grey: bool
    matrix: int
    full: bool
    primaries: int = UNSAID
    transfer: int = UNSAID

    @property
    def format(self) -> str:
        """As libavutil calls it."""
        if self.grey:
            return "gray" if self.bits == 8 else f"gray{self.bits}le"
        sampling = {(2, 2): "420", (1, 2): "422", (1, 1): "444"}[self.down, self.across]
        return f"yuv{sampling}p" + ("" if self.bits == 8 else f"{self.bits}le")


def pixels_of(frame: Any) -> Pixels:
    """How a frame is stored, or what comes nearest of what is known here.

    Raises:
        ImageFileError: its format or matrix is not known.
    """
    form = frame.format
    if not form.components or form.name.startswith(("bayer", "xyz", "vaapi", "cuda")):
        raise ImageFileError(
            f"film: frames of the format {form.name} cannot be used; convert it, for example with: "
            "ffmpeg -i FILM -pix_fmt yuv420p OTHER"
        )
    bits = 8 if max(x.bits for x in form.components) <= 8 else 10
    is_rgb, matrix = form.is_rgb or form.has_palette, int(frame.colorspace)
    if is_rgb or matrix in (UNSAID, RGB):
        matrix = BT709 if frame.height >= LARGE else BT601
    if matrix not in MATRICES:
        raise ImageFileError(
            f"film: its colours have the matrix {matrix} (of ITU-T H.273), which is not known "
            "here; convert it, for example with: ffmpeg -i FILM -vf scale=out_color_matrix=bt709 "
            "OTHER"
        )
    grey = len(form.components) == 1 and not form.has_palette
    across = 1 if grey or is_rgb else -(-frame.width // max(form.chroma_width(frame.width), 1))
    down = 1 if grey or is_rgb else -(-frame.height // max(form.chroma_height(frame.height), 1))
    if (down, across) not in ((2, 2), (1, 2), (1, 1)):
        down, across = 2, 2
    full = int(frame.color_range) == FULL or form.name.startswith("yuvj") or (grey and is_rgb)
    said = int(frame.color_primaries), int(frame.color_trc)
    return Pixels(down, across, bits, grey, matrix, full, *said)


def lost_of(frame: Any) -> list[str]:
    """What of a frame is not kept, in words."""
    parts = frame.format.components
    bits = max(x.bits for x in parts)
    lost = [f"its {bits} bits become 10"] if bits > 10 else []
    if any(x.is_alpha for x in parts) and not frame.format.has_palette:
        lost.append("its transparency is not kept")
    return lost


def colour_of(frame: Any, pixels: Pixels) -> Float[Tensor, "3 h w"]:
    """A frame as red, green and blue in [0, 1], upright."""
    orientation = orientation_of(frame)
    if frame.format.name.removeprefix("yuvj") != pixels.format.removeprefix("yuv"):
        how = {"dst_color_range": "JPEG" if pixels.full else "MPEG"}
        if frame.format.is_rgb or frame.format.has_palette:
            how["dst_colorspace"] = "ITU709" if pixels.matrix == BT709 else "ITU601"
        frame = frame.reformat(format=pixels.format, **how)
    planes = [_plane(x, frame.format.components[0].bits) for x in frame.planes]
    luma = _scaled(planes[0], pixels, chroma=False)
    if pixels.grey:
        colour = luma.expand(3, -1, -1)
    else:
        size = luma.shape[0], luma.shape[1]
        blue, red = (_spread(_scaled(x, pixels, chroma=True), size, pixels) for x in planes[1:3])
        colour = _to_rgb(luma, blue, red, pixels.matrix)
    return orientation.applied(colour).clamp(0, 1).contiguous()


def frame_of(colour: Float[Tensor, "3 h w"], pixels: Pixels) -> Any:
    """A frame of red, green and blue in [0, 1]."""
    from .pyav import pyav

    colour = colour.clamp(0, 1)
    red_weight, blue_weight = MATRICES[pixels.matrix]
    red, green, blue = colour
    luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    planes = [(luma, False)]
    if not pixels.grey:
        for channel, weight in ((blue, blue_weight), (red, red_weight)):
            difference = (channel - luma) / (2 * (1 - weight))
            planes.append((_gathered(difference, pixels), True))
    frame = pyav().VideoFrame(colour.shape[2], colour.shape[1], pixels.format)
    for plane, (values, chroma) in zip(frame.planes, planes, strict=True):
        _fill(plane, _stored(values, pixels, chroma))
    frame.colorspace, frame.color_range = pixels.matrix, FULL if pixels.full else 1
    frame.color_primaries, frame.color_trc = pixels.primaries, pixels.transfer
    return frame


def _plane(plane: Any, bits: int) -> Float[Tensor, "h w"]:
    kind: Any = np.uint8 if bits == 8 else np.dtype("<u2")
    rows = np.frombuffer(plane, kind).reshape(plane.height, -1)
    return torch.from_numpy(rows[:, : plane.width].astype(np.float32))


def _fill(plane: Any, values: np.ndarray) -> None:
    rows = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
    rows[:, : plane.width] = values
    plane.update(rows)


def _levels(pixels: Pixels, chroma: bool) -> tuple[float, float]:
    """The level of zero, and how many there are to one."""
    step = 2.0 ** (pixels.bits - 8)
    if pixels.full:
        return (128 * step if chroma else 0.0), 256 * step - 1
    return (128 * step, 224 * step) if chroma else (16 * step, 219 * step)


def _scaled(plane: Float[Tensor, "h w"], pixels: Pixels, chroma: bool) -> Float[Tensor, "h w"]:
    zero, one = _levels(pixels, chroma)
    return (plane - zero) / one


def _stored(values: Float[Tensor, "h w"], pixels: Pixels, chroma: bool) -> np.ndarray:
    zero, one = _levels(pixels, chroma)
    levels = (values * one + zero).round().clamp(0, 2**pixels.bits - 1).cpu().numpy()
    stored: np.ndarray = levels.astype(np.uint8 if pixels.bits == 8 else np.dtype("<u2"))
    return stored


def _to_rgb(luma: Tensor, blue: Tensor, red: Tensor, matrix: int) -> Float[Tensor, "3 h w"]:
    red_weight, blue_weight = MATRICES[matrix]
    b = luma + 2 * (1 - blue_weight) * blue
    r = luma + 2 * (1 - red_weight) * red
    g = (luma - red_weight * r - blue_weight * b) / (1 - red_weight - blue_weight)
    return torch.stack([r, g, b])


def _spread(
    chroma: Float[Tensor, "h w"], size: tuple[int, int], pixels: Pixels
) -> Float[Tensor, "h2 w2"]:
    """Chroma at the places of brightness, straight lines between its samples."""
    x = chroma
    if pixels.across == 2:
        right = F.pad(x[None], (0, 1), mode="replicate")[0][:, 1:]
        x = torch.stack([x, (x + right) / 2], 2).flatten(1)[:, : size[1]]
    if pixels.down == 2:
        tall = F.pad(x[None, None], (0, 0, 1, 1), mode="replicate")[0, 0]
        above, below = tall[:-2], tall[2:]
        x = torch.stack([(3 * x + above) / 4, (3 * x + below) / 4], 1).flatten(0, 1)[: size[0]]
    return x


def _gathered(plane: Float[Tensor, "h w"], pixels: Pixels) -> Float[Tensor, "h2 w2"]:
    """Chroma where it is stored."""
    x = plane
    if pixels.across == 2:
        wide = F.pad(x[None], (1, 1), mode="replicate")[0]
        x = ((wide[:, :-2] + 2 * x + wide[:, 2:]) / 4)[:, ::2]
    if pixels.down == 2:
        even = F.pad(x[None], (0, 0, 0, len(x) % 2), mode="replicate")[0]
        x = (even[::2] + even[1::2]) / 2
    return x
