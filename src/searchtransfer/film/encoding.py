# SPDX-License-Identifier: Apache-2.0
"""Coding frames: which codec, how good, and a segment of a film in memory."""

import io
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError, OutputError
from ..foreign import short, shown
from ..process.scheduling import scheduling_kept
from .pixels import Pixels, frame_of
from .pyav import pyav
from .reading import Film
from .stamps import decoding_times

Codec = Literal["auto", "h264", "hevc", "av1"]
CODECS = ("auto", "h264", "hevc", "av1")

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""What can be written, by extension."""

QUALITY = 70
"""If nothing is said: hardly to be told from the frames themselves."""

# One thread each: several would make the bytes depend on their number.
_ENCODERS = {
    "h264": ("libx264", 51, {"preset": "medium"}),
    "hevc": ("libx265", 51, {"x265-params": "log-level=none:pools=none:frame-threads=1"}),
    "av1": ("libsvtav1", 63, {"preset": "8", "svtav1-params": "lp=1"}),
}

PART = "mp4"
"""Container of a segment: it keeps time stamps as they are."""


@dataclass(frozen=True)
class Coding:
    """How frames are coded."""

    codec: str
    quality: int
    pixels: Pixels

    @property
    def options(self) -> dict[str, str]:
        """Of the encoder."""
        _, worst, options = _ENCODERS[self.codec]
        return options | {"crf": str(round(worst * (1 - self.quality / 100) + 1))}

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The largest that can be coded: sides are multiples of those of chroma."""
        return height - height % self.pixels.down, width - width % self.pixels.across


def coding_for(film: Film, target: Path, codec: str, quality: int | None) -> Coding:
    """Choose codec and pixels: those of the film where the container and the encoders allow.

    Raises:
        OptionError: there is no such codec or quality, or the container does not take it.
        OutputError: the extension is that of no container that can be written.
    """
    if codec not in CODECS:
        raise OptionError(f"codec must be one of {', '.join(CODECS)}, got {codec!r}")
    if quality is not None and not 1 <= quality <= 100:
        raise OptionError(f"quality must be from 1 to 100, got {quality!r}")
    extension = target.suffix.lower()
    if extension not in CONTAINERS:
        raise OutputError(
            f"output {shown(target)}: a film is written as {', '.join(CONTAINERS)}, got "
            f"{extension or 'no extension'}; choose another name, or - for YUV4MPEG2"
        )
    if codec == "auto":
        same = film.codec if film.codec in _ENCODERS else "h264"
        codec = "av1" if extension == ".webm" else same
        if codec == "h264" and film.pixels.bits > 8 and film.codec != "h264":
            codec = "hevc"  # hardly anything plays H.264 of 10 bits
    if extension == ".webm" and codec != "av1":
        raise OptionError(f"codec {codec}: WebM takes av1 only; use --codec av1, or write .mkv")
    _check_encoder(codec)
    pixels = film.pixels
    if pixels.grey or codec == "av1":
        pixels = replace(pixels, grey=False, down=2, across=2)
    return Coding(codec, QUALITY if quality is None else quality, pixels)


def _check_encoder(codec: str) -> None:
    name = _ENCODERS[codec][0]
    try:
        pyav().codec.Codec(name, "w")
    except Exception as error:
        raise OptionError(
            f"codec {codec}: this PyAV was built without {name}; choose another with --codec, or "
            "install PyAV's own wheels: pip install --force-reinstall av"
        ) from error


class Segment:
    """Some frames, coded on their own.

    Args:
        film: whose times and shape the frames have.
        coding: see there.
        size: rows and columns of the frames.
    """

    def __init__(self, film: Film, coding: Coding, size: tuple[int, int]) -> None:
        self._film, self._coding, self._size = film, coding, size
        self._file = io.BytesIO()
        self._container: Any = None
        self._stream: Any = None
        self._first: int | None = None
        self._durations: dict[int, int] = {}
        self._packets: list[Any] = []

    def add(self, colour: Float[Tensor, "3 h w"], pts: int, duration: int) -> None:
        """Code the next frame.

        Raises:
            OutputError: the encoder does not take it.
        """
        try:
            if self._container is None:
                self._begin(pts)
            frame = frame_of(colour[:, : self._size[0], : self._size[1]], self._coding.pixels)
            frame.pts, frame.time_base = pts - (self._first or 0), self._film.unit
            self._durations[frame.pts] = duration
            with scheduling_kept():  # the first frame starts the encoder
                packets = self._stream.encode(frame)
            self._packets += self._timed(packets)
        except pyav().error.FFmpegError as error:
            raise self._fault(error) from error

    def finish(self, notes: dict[str, Any]) -> bytes:
        """The segment as a file, with notes on it."""
        try:
            self._packets += self._timed(self._stream.encode(None))
            # Encoders do not always know them where there are few frames.
            times = decoding_times([packet.pts for packet in self._packets])
            for packet, time in zip(self._packets, times, strict=True):
                packet.dts = time
            told = json.dumps(notes | {"start": self._first})
            self._container.metadata["comment"] = told  # before the first packet, or never
            self._container.mux(self._packets)
            self._container.close()
        except pyav().error.FFmpegError as error:
            raise self._fault(error) from error
        return self._file.getvalue()

    def _begin(self, pts: int) -> None:
        av = pyav()
        os.environ.setdefault("SVT_LOG", "1")  # that encoder prints by itself
        self._container = av.open(self._file, "w", format=PART)
        name = _ENCODERS[self._coding.codec][0]
        self._stream = self._container.add_stream(
            name, rate=self._film.rate.limit_denominator(2**16), options=self._coding.options
        )
        context, pixels = self._stream.codec_context, self._coding.pixels
        context.height, context.width = self._size
        context.pix_fmt = pixels.format
        context.thread_count = 1
        context.time_base = self._stream.time_base = self._film.unit
        context.sample_aspect_ratio = self._film.aspect
        context.colorspace, context.color_range = pixels.matrix, 2 if pixels.full else 1
        context.color_primaries, context.color_trc = pixels.primaries, pixels.transfer
        self._first = pts

    def _timed(self, packets: list[Any]) -> list[Any]:
        for packet in packets:
            duration = self._durations.pop(packet.pts, 0)
            if duration and packet.time_base == self._film.unit:
                packet.duration = duration
        return packets

    def _fault(self, error: Exception) -> OutputError:
        height, width = self._size
        said = short(str(getattr(error, "strerror", None) or error))
        return OutputError(
            f"film of {width} x {height} pixels, {self._coding.pixels.format}: the encoder of "
            f"{self._coding.codec} refuses it ({said}); try another --codec"
        )
