# SPDX-License-Identifier: Apache-2.0
"""Reading a film: what it is, and its frames one after the other, upright.

From a packet that cannot be decoded to the next frame that needs no other, frames are left out.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from jaxtyping import Float
from torch import Tensor

from ..errors import ImageFileError
from ..foreign import short, shown
from .pixels import Pixels, colour_of, pixels_of
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

_EXTENSIONS = "mp4 m4v mov mkv webm avi mpg mpeg ts m2ts mts wmv flv 3gp ogv nut y4m"
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


@dataclass
class Damage:
    """What could not be decoded."""

    times: list[tuple[float, float | None]] = field(default_factory=list)
    """From which second to which; None: to the end."""

    def __str__(self) -> str:
        spans = [f"{clock(a)} to {'its end' if b is None else clock(b)}" for a, b in self.times]
        return ", ".join(spans)


@dataclass(frozen=True)
class Film:
    """What is known of a film before its frames are decoded."""

    path: Path
    name: str
    """For messages."""
    source: Path | BinaryIO
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
    pending: Any = None
    """Of a stream: its frames as they were decoded, which can be had once."""

    @property
    def is_lossy(self) -> bool:
        """Its codec loses something."""
        return self.codec not in LOSSLESS


def is_film(path: Path) -> bool:
    """Whether a name is that of a film."""
    return path.suffix.lower() in FILMS


def clock(seconds: float) -> str:
    """A time as people write it: 1:02:03.45."""
    hundredths = round(100 * seconds)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{head}:{rest // 100:02}.{rest % 100:02}"


def opened(source: Path | BinaryIO, name: str) -> Any:
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
    if isinstance(source, Path) and source.is_dir():
        raise ImageFileError(f"{name}: is a folder, expected a film")
    with ExitStack() as open_until:
        container = opened(source, name)
        open_until.callback(container.close)
        stream = picture_stream(container, name)
        decoded = _decoded(container, stream, Damage())
        frame = next(decoded, None)
        if frame is None:
            raise ImageFileError(f"{name}: none of its frames can be decoded")
        pixels = pixels_of(frame)
        height, width = frame.height, frame.width
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if round(frame.rotation / 90) % 2:
            height, width, aspect = width, height, 1 / aspect
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        count = stream.frames or 0
        if not count and container.duration:
            count = round(container.duration / pyav().time_base * float(rate))
        pending = None
        if not isinstance(source, Path):
            pending = chain([frame], decoded)
            open_until.pop_all()
        return Film(
            path, name, source, pixels, (height, width), aspect, stream.time_base, rate, count,
            stream.codec_context.codec.canonical_name, bool(frame.interlaced_frame), pending,
        )  # fmt: skip


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
        yield from _timed(film, film.pending, first)
        return
    with opened(film.source, film.name) as container:
        stream = picture_stream(container, film.name)
        yield from _timed(film, _decoded(container, stream, damage), first)


def _timed(film: Film, decoded: Iterator[Any], first: int) -> Iterator[Frame]:
    last: int | None = None
    for number, frame in enumerate(decoded):
        pts = frame.pts if frame.pts is not None else frame.dts
        if pts is None or (last is not None and pts <= last):  # files without good time stamps
            pts = 0 if last is None else last + max(1, round(1 / (film.rate * film.unit)))
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


def _decoded(container: Any, stream: Any, damage: Damage) -> Iterator[Any]:
    """Frames that were decoded without a fault."""
    av = pyav()
    context = stream.codec_context
    context.thread_type = "NONE"  # so that a fault is that of the packet just given
    context.options = {"err_detect": "explode"}
    since: float | None = None
    """When the damage began."""
    now = 0.0
    for packet in _packets(container, stream, damage):
        try:
            frames = context.decode(packet)
            broken = bool(packet.is_corrupt)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            frames, broken = [], True
        time = float(packet.pts * stream.time_base) if packet.pts is not None else now
        if broken and since is None:
            since = time
        for frame in frames:
            now = frame.time if frame.time is not None else time
            if frame.is_corrupt and since is None:
                since = now
            if since is not None and now >= since:
                if not frame.key_frame or frame.is_corrupt or broken:
                    continue
                damage.times.append((since, now))
                since = None
            yield frame
    if since is not None:
        damage.times.append((since, None))


def _packets(container: Any, stream: Any, damage: Damage) -> Iterator[Any]:
    """Packets as long as there are any; a file that ends too early ends here."""
    av = pyav()
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except av.error.FFmpegError:
            yield av.Packet()
            return
        yield packet
