# SPDX-License-Identifier: Apache-2.0
"""Compression with loss: a picture is written and read again, in memory."""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from ...errors import MissingExtraError, OptionError
from .part import Picture, check_range, rounded

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]
FilmCodec = Literal["h264", "hevc"]

_ENCODERS = {"h264": "libx264", "hevc": "libx265"}


@dataclass(frozen=True)
class Jpeg:
    """A JPEG file.

    Raises:
        OptionError: quality is no whole number from 1 to 100, or there is no such subsampling.
    """

    quality: int
    subsampling: Subsampling = "4:2:0"
    """Of colour."""

    def __post_init__(self) -> None:
        _check_whole("Jpeg: quality", self.quality, 1, 100)
        if self.subsampling not in get_args(Subsampling):
            raise OptionError(
                f"Jpeg: subsampling must be one of {', '.join(get_args(Subsampling))}, "
                f"got {self.subsampling!r}"
            )

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The same size."""
        return _saved(picture, "JPEG", quality=self.quality, subsampling=self.subsampling)

    def __str__(self) -> str:
        colour = "" if self.subsampling == "4:2:0" else f" {self.subsampling}"
        return f"JPEG {self.quality}{colour}"


@dataclass(frozen=True)
class WebP:
    """A WebP file with loss.

    Raises:
        OptionError: quality is no whole number from 0 to 100.
    """

    quality: int

    def __post_init__(self) -> None:
        _check_whole("WebP: quality", self.quality, 0, 100)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The same size."""
        return _saved(picture, "WEBP", quality=self.quality)

    def __str__(self) -> str:
        return f"WebP {self.quality}"


@dataclass(frozen=True)
class Film:
    """A still frame of a film, coded by itself.

    Raises:
        OptionError: crf is no whole number from 0 to 51, or there is no such codec.
    """

    crf: int
    """Constant rate factor; larger is worse."""
    codec: FilmCodec = "h264"

    def __post_init__(self) -> None:
        _check_whole("Film: crf", self.crf, 0, 51)
        if self.codec not in _ENCODERS:
            raise OptionError(
                f"Film: codec must be one of {', '.join(_ENCODERS)}, got {self.codec!r}"
            )

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The same size.

        Raises:
            MissingExtraError: there is no PyAV, or it was built without the encoder.
        """
        av = _pyav()
        pixels = rounded(picture)
        height, width = pixels.shape[:2]
        # Colour is stored at half the resolution, in blocks: sides are even, and not tiny.
        missing = [(0, max(16, n + n % 2) - n) for n in (height, width)]
        even = np.pad(pixels, (*missing, (0, 0)), mode="edge")
        try:
            encoder = av.CodecContext.create(_ENCODERS[self.codec], "w")
        except (ValueError, av.error.FFmpegError) as error:
            raise MissingExtraError(
                f"Film: PyAV here cannot write {self.codec} ({error}); "
                "pip install --force-reinstall av"
            ) from None
        encoder.height, encoder.width = even.shape[:2]
        encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 25)
        encoder.thread_count = 1  # threads would change the result
        encoder.options = {"crf": str(self.crf)} | _QUIET.get(self.codec, {})
        frame = av.VideoFrame.from_ndarray(even, format="rgb24")
        decoder = av.CodecContext.create(self.codec, "r")
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        frames: list[Any] = [x for packet in packets for x in decoder.decode(packet)]
        frames += decoder.decode(None)
        decoded: np.ndarray = frames[0].to_ndarray(format="rgb24")
        return decoded[:height, :width].astype(np.float32)

    def __str__(self) -> str:
        return f"film {self.codec} {self.crf}"


_QUIET = {"hevc": {"x265-params": "log-level=none:pools=none:frame-threads=1"}}


def _pyav() -> Any:
    try:
        import av  # only here: an extra, and large
    except ImportError as error:
        raise MissingExtraError(
            f"Film: frames are coded by PyAV, which is missing or broken ({error}); "
            "install the extra: pip install 'searchtransfer[video]'"
        ) from None
    return av


def _saved(picture: Picture, name: str, **options: Any) -> Picture:
    file = io.BytesIO()
    Image.fromarray(rounded(picture)).save(file, name, **options)
    return np.array(Image.open(file), dtype=np.float32)


def _check_whole(what: str, value: int, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise OptionError(f"{what} must be a whole number, got {value!r}")
    check_range(what, value, lowest, highest)
