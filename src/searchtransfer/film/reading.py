# SPDX-License-Identifier: Apache-2.0
"""Reading a film: what it is, and its frames one after the other, upright."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from jaxtyping import Float
from torch import Tensor

from ..errors import ImageFileError
from ..foreign import short, shown
from .decoding import Damage, clock, decoded_of
from .orientation import orientation_of
from .packets import Clock, Complaints, pieces
from .pipes import Counted
from .pixels import Pixels, colour_of, lost_of, pixels_of
from .pyav import pyav

LOSSLESS = {
    "ffv1",
    "huffyuv",
    "ffvhuff",
    "rawvideo",
    "utvideo",
    "png",
    "wrapped_avframe",
    "magicyuv",
}
"""Codecs that lose nothing."""

_EXTENSIONS = (
    "mp4 m4v mov qt mkv webm avi mpg mpeg vob ts m2ts mts mxf wmv asf flv f4v 3gp ogv nut y4m"
)
FILMS = frozenset(f".{x}" for x in _EXTENSIONS.split())
"""Extensions of films."""

Y4M = "yuv4mpegpipe"


@dataclass(frozen=True)
class Frame:
    """One frame of a film."""

    colour: Float[Tensor, "3 h w"]
    """In [0, 1], upright."""
    pts: int
    """When it is shown, in units of the film."""
    duration: int
    """How long, in the same units; 0 if that is not said."""
    seconds: float
    """When it is shown."""


@dataclass(frozen=True)
class Film:
    """What is known of a film before its frames are decoded."""

    path: Path
    name: str
    """For messages."""
    source: Path | Counted
    pixels: Pixels
    size: tuple[int, int]
    """Rows and columns, upright."""
    aspect: Fraction
    """Width of a pixel by its height, upright."""
    unit: Fraction
    """Of time stamps, in seconds."""
    rate: Fraction
    """Frames a second, on the average."""
    count: int
    """Of frames, as far as the file says; 0: not known."""
    codec: str
    interlaced: bool
    notes: tuple[str, ...] = ()
    """What to know of it before it is made sharp."""
    pending: Any = None
    """Of a stream: its frames as they were decoded, which can be had once, and their damage."""

    @property
    def is_lossy(self) -> bool:
        """Its codec loses something."""
        return self.codec not in LOSSLESS


def is_film(path: Path) -> bool:
    """Whether a name is that of a film."""
    return path.suffix.lower() in FILMS


def opened(source: Path | Counted, name: str) -> Any:
    """A container for reading.

    Raises:
        ImageFileError: it cannot be opened, or is no film.
        MissingExtraError: PyAV is missing.
    """
    av = pyav()
    av.logging.set_level(av.logging.PANIC)  # what is wrong is said in our own words
    try:
        if isinstance(source, Path):
            return av.open(str(source.absolute()))
        return av.open(source, format=Y4M)
    except FileNotFoundError:
        raise ImageFileError(f"{name}: no such file") from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        said = short(str(getattr(error, "strerror", None) or error))
        raise ImageFileError(f"{name}: cannot be read as a film ({said})") from None


def read_film(source: Path | BinaryIO) -> Film:
    """Find out what a film is; its first frame is decoded.

    Args:
        source: a file; or a stream of YUV4MPEG2, whose frames can then be read once.

    Raises:
        ImageFileError: it cannot be read, has no video stream, or no frame that can be decoded.
        MissingExtraError: PyAV is missing.
    """
    path = source if isinstance(source, Path) else Path("-")
    name = f"film {shown(path)}"
    whence = source if isinstance(source, Path) else Counted(source)
    if isinstance(whence, Path) and whence.is_dir():
        raise ImageFileError(f"{name}: is a folder, expected a film")
    complaints = Complaints()
    with ExitStack() as open_until:
        container = opened(whence, name)
        open_until.callback(container.close)
        stream = picture_stream(container, name)
        damage = Damage()
        decoded = decoded_of(container, stream, complaints, damage)
        frame = next(decoded, None)
        if frame is None:
            raise ImageFileError(f"{name}: none of its frames can be decoded")
        pixels = pixels_of(frame)
        orientation = orientation_of(frame)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        aspect = 1 / aspect if orientation.swapped else aspect
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        count = stream.frames or 0
        if not count and container.duration:
            count = round(container.duration / pyav().time_base * float(rate))
        notes = [f"{name}: {x}" for x in lost_of(frame)]
        if frame.interlaced_frame:
            notes.append(f"{name}: is interlaced; deinterlace it first for better results")
        pending = None
        if isinstance(whence, Counted):
            rest = _to_the_end(whence, chain([frame], decoded), damage, rate)
            pending = rest, damage
            open_until.pop_all()
        size = orientation.of_size(frame.height, frame.width)
        return Film(
            path, name, whence, pixels, size, aspect, stream.time_base, rate, count,
            stream.codec_context.codec.canonical_name, bool(frame.interlaced_frame), tuple(notes),
            pending,
        )  # fmt: skip


def _to_the_end(
    stream: Counted, decoded: Iterator[Any], damage: Damage, rate: Fraction
) -> Iterator[Any]:
    """Frames of a stream, and whether that was cut off: its reader would not say."""
    count, frame = 0, None
    for count, frame in enumerate(decoded, 1):  # noqa: B007
        yield frame
    if frame is not None and stream.broken_off(frame) and not damage.times:
        damage.times.append((float(count / rate), None))


def picture_stream(container: Any, name: str) -> Any:
    """The stream that is shown.

    Raises:
        ImageFileError: there is none; covers and thumbnails do not count.
    """
    cover = pyav().stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover and stream.codec_context is not None:
            return stream
    kinds = ", ".join(sorted({x.type for x in container.streams})) or "nothing"
    raise ImageFileError(f"{name}: has no video stream (it holds {kinds})")


def frames_of(film: Film, damage: Damage, first: int = 0) -> Iterator[Frame]:
    """The frames of a film, from some number on.

    Args:
        film: from `read_film`.
        damage: takes what cannot be decoded.
        first: frames before are passed over.
    """
    if film.pending is not None:
        decoded, found = film.pending
        yield from _timed(film, decoded, first)
        damage.times += found.times
        return
    complaints = Complaints()
    with opened(film.source, film.name) as container:
        stream = picture_stream(container, film.name)
        yield from _timed(film, decoded_of(container, stream, complaints, damage), first)


def moments_of(film: Film) -> list[float] | None:
    """When the frames of a film are shown, in seconds; None where only decoding would tell."""
    if not isinstance(film.source, Path):
        return None
    complaints = Complaints()
    with opened(film.source, film.name) as container:
        stream = picture_stream(container, film.name)
        packets = (x.packet for x in pieces(container, stream, complaints, Clock(container)))
        stamps = [x.pts for x in packets if x.size and not x.is_discard]
    if None in stamps:
        return None
    return [float(x * film.unit) for x in sorted(stamps)]


def restarts_of(film: Film) -> list[Fraction]:
    """What is added to the time stamps of a film behind each restart of its clock."""
    complaints = Complaints()
    with opened(film.source, film.name) as container:
        clock = Clock(container)
        if clock.is_set:
            for _ in pieces(container, picture_stream(container, film.name), complaints, clock):
                pass
        return clock.restarts


def _timed(film: Film, decoded: Iterator[Any], first: int) -> Iterator[Frame]:
    last: int | None = None
    for number, frame in enumerate(decoded):
        pts = frame.pts if frame.pts is not None else frame.dts
        if pts is None:  # a file without time stamps
            pts = 0 if last is None else last + max(1, round(1 / (film.rate * film.unit)))
        elif last is not None:  # two frames of one moment must not push all others on
            pts = max(pts, last + 1)
        last = pts
        if number >= first:
            colour = colour_of(frame, film.pixels)
            if colour.shape[1:] != film.size:
                raise ImageFileError(
                    f"{film.name}: its size changes at {clock(float(pts * film.unit))}, from "
                    f"{film.size[1]} x {film.size[0]} to {colour.shape[2]} x {colour.shape[1]}; "
                    "cut it there, and make the parts one by one"
                )
            yield Frame(colour, pts, frame.duration or 0, float(pts * film.unit))
