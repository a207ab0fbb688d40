# SPDX-License-Identifier: Apache-2.0
"""YUV4MPEG2: frames one after the other, uncompressed, for other programs at a pipe."""

from dataclasses import replace
from fractions import Fraction
from types import TracebackType
from typing import Any, BinaryIO

from jaxtyping import Float
from torch import Tensor

from ..errors import OutputError
from ..foreign import short
from .pixels import frame_of
from .pyav import pyav
from .reading import Y4M, Film

MAGIC = b"YUV4MPEG2"


class _Output:
    """A stream that can only be written, as a pipe can; its header tells the shape of pixels."""

    def __init__(self, stream: BinaryIO, aspect: Fraction) -> None:
        self._stream, self._aspect = stream, aspect
        self._begun = False

    def write(self, data: bytes) -> int:
        told = bytes(data)
        if not self._begun:  # PyAV has no way to say it of this format
            ratio = f" A{self._aspect.numerator}:{self._aspect.denominator} "
            told, self._begun = told.replace(b" A0:0 ", ratio.encode(), 1), True
        self._stream.write(told)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()


class FrameWriter:
    """Writes frames of one size to a stream.

    The format has no variable frame rate: frames are told as evenly spread. Nor has it a place for
    the matrix; range and sampling are told.
    """

    def __init__(self, stream: BinaryIO, film: Film, size: tuple[int, int]) -> None:
        av = pyav()
        self._pixels = replace(film.pixels, grey=False)
        self._container = av.open(
            _Output(stream, film.aspect), "w", format=Y4M, container_options={"strict": "-1"}
        )
        rate = film.rate.limit_denominator(2**16)
        self._stream = self._container.add_stream("wrapped_avframe", rate=rate)
        context = self._stream.codec_context
        context.height, context.width = size
        context.pix_fmt = self._pixels.format
        context.color_range = 2 if self._pixels.full else 1
        self._count = 0

    def add(self, colour: Float[Tensor, "3 h w"]) -> None:
        """Write the next frame.

        Raises:
            OutputError: the reader is gone.
        """
        frame: Any = frame_of(colour, self._pixels)
        frame.pts = self._count
        self._count += 1
        try:
            self._container.mux(self._stream.encode(frame))
        except (pyav().error.FFmpegError, OSError) as error:
            said = short(str(getattr(error, "strerror", None) or error))
            raise OutputError(
                f"output -: standard output cannot be written ({said}); {self._count - 1} frames "
                "were"
            ) from error

    def __enter__(self) -> "FrameWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._container.close()
        except (pyav().error.FFmpegError, OSError):
            if error is None:
                raise
