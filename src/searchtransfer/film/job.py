# SPDX-License-Identifier: Apache-2.0
"""The whole job: a small film and sharp photos in, a large film out."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, tee
from pathlib import Path
from typing import Any, BinaryIO

from ..batch.claim import claimed
from ..errors import ImageFileError, OptionError, OutputError
from ..files import OnExists, check_file, whole_file
from ..foreign import shown
from ..process.progress import Progress, silent
from ..process.stop import Stop
from ..upscaler import Upscaler
from ..wear import Wear
from .copying import check_copies, left_out
from .decoding import Damage
from .encoding import Coding, Segment, coding_for
from .identity import made_from, noted, wear_in
from .joining import join
from .keyframes import Keyframes
from .making import Made, Maker
from .parts import Parts
from .reading import Film, Frame, frames_of, read_film
from .steadying import steadied
from .streaming import FrameWriter

log = logging.getLogger(__name__)

SECONDS = 2.0
"""Of a segment: what a killed run loses at most."""


@dataclass(frozen=True)
class FilmSettings:
    """How a film is made."""

    codec: str = "auto"
    """Of the result: "h264", "hevc", "av1", or "auto" for that of the film where it can be."""
    quality: int | None = None
    """Of the result, 1 to 100; None: 70."""
    on_exists: OnExists = "error"
    """What to do with an output that is there already."""
    segment: float = SECONDS
    """Seconds of a part."""
    made_from: dict[str, Any] = field(default_factory=dict)
    """What else decides what the result is, for a run that goes on with the parts of another."""


@dataclass
class FilmOutcome:
    """What became of a film."""

    size: tuple[int, int]
    """Rows and columns."""
    frames: int = 0
    """Of the result."""
    kept: int = 0
    """Of these, those that a run which was stopped had made."""
    cuts: int = 0
    followed: int = 0
    """Frames that were found by the one before."""
    seconds: float = 0.0
    damage: Damage = field(default_factory=Damage)
    notes: list[str] = field(default_factory=list)
    """What to know of the result, known before the work."""
    mean_score: float | None = None
    """Of the frames that this run made."""
    wear: Wear | None = None


def unheard(line: str) -> None:
    """Do nothing with a note."""


def upscale_film(
    source: Path | BinaryIO,
    target: Path | BinaryIO,
    upscaler: Upscaler,
    keyframes: Keyframes,
    settings: FilmSettings | None = None,
    *,
    film: Film | None = None,
    inputs: Sequence[Path] = (),
    progress: Progress = silent,
    note: Callable[[str], None] = unheard,
    stop: Stop | None = None,
) -> FilmOutcome:
    """Make a film sharp.

    Frames that cannot be decoded are left out, and told in the outcome. A run that was stopped goes
    on where it was, if everything is the same; the result is the same, too.

    Args:
        source: the small film, or a stream of YUV4MPEG2.
        target: the large one, as its extension says; or a stream for YUV4MPEG2.
        upscaler: the model.
        keyframes: photos.
        settings: see there.
        film: `source`, if it was read before.
        inputs: files that must not be overwritten besides.
        progress: called with the frame and the part that is done.
        note: called before the work with each line of `FilmOutcome.notes`.
        stop: a way to end it early.

    Raises:
        ImageFileError: the film cannot be read, or has no frame.
        OptionError: the codec or quality is none, or the model needs photos and there are none.
        OutputError: the output exists, is an input, or cannot be written.
        MissingExtraError: PyAV is missing.
        Stopped: it was asked for; finished parts stay.
    """
    settings, stop = settings or FilmSettings(), stop or Stop()
    begun = time.perf_counter()
    if not keyframes and upscaler.model.needs_reference:
        raise OptionError(
            f"model {upscaler.model.name!r} needs at least one sharp photo; give one with -r, or "
            "sharp frames with --keyframes"
        )
    film = film or read_film(source)
    outcome = FilmOutcome(_size(film, upscaler))
    if isinstance(target, Path):
        coding = _checked(film, target, outcome, settings, inputs)
        for line in outcome.notes:
            note(line)
        _to_file(film, coding, target, upscaler, keyframes, settings, outcome, progress, stop)
    else:
        outcome.notes += film.notes
        for line in outcome.notes:
            note(line)
        _to_stream(film, target, upscaler, keyframes, outcome, progress, stop)
    outcome.seconds = time.perf_counter() - begun
    return outcome


def _checked(
    film: Film, target: Path, outcome: FilmOutcome, settings: FilmSettings, inputs: Sequence[Path]
) -> Coding:
    """How a film is to be coded; whatever can go wrong does so here. The outcome takes notes."""
    coding = coding_for(film, target, settings.codec, settings.quality)
    whole = outcome.size
    size = outcome.size = coding.size(*whole)
    if min(size) < 2:
        raise ImageFileError(f"{film.name}: its frames are too small to be coded")
    read = [*inputs, *([film.source] if isinstance(film.source, Path) else [])]
    check_file(target, on_exists=settings.on_exists, inputs=read)
    check_copies(film, target)
    outcome.notes += film.notes
    if size != whole:
        outcome.notes.append(
            f"{film.name}: {whole[1]} x {whole[0]} pixels are an odd number, and colour is stored "
            f"for every second one; the last is left out: {size[1]} x {size[0]}"
        )
    fewer = (coding.pixels.down, coding.pixels.across) > (film.pixels.down, film.pixels.across)
    if fewer and not film.pixels.grey:
        outcome.notes.append(f"{film.name}: {coding.codec} stores colour for every second pixel")
    if missing := left_out(film, target):
        outcome.notes.append(f"{film.name}: not in the result are its streams {', '.join(missing)}")
    return coding


def _to_file(
    film: Film,
    coding: Coding,
    target: Path,
    upscaler: Upscaler,
    keyframes: Keyframes,
    settings: FilmSettings,
    outcome: FilmOutcome,
    progress: Progress,
    stop: Stop,
) -> None:
    with claimed(target) as free:
        if not free:
            raise OutputError(
                f"output {shown(target)}: another run is making it just now; let it finish"
            )
        parts = Parts(
            target, made_from(film, upscaler, coding, settings.segment, settings.made_from)
        )
        count = max(1, round(settings.segment * film.rate))
        if not isinstance(film.source, Path):  # a stream begins where it is: parts of none fit
            parts.remove()
        done = parts.open()
        if any(x.count != count for x in done[:-1]):  # of another segment length: cannot be
            parts.remove()
            done = parts.open()
        outcome.kept = sum(x.count for x in done)
        maker = Maker(upscaler, keyframes, lossy=film.is_lossy)
        if done:
            maker.wear = wear_in(done[-1].notes)
            log.info("%d frames are there already", outcome.kept)
        try:
            _make_parts(film, coding, count, parts, maker, outcome, progress, stop)
        except BaseException:
            if not isinstance(film.source, Path):
                parts.remove()
            raise
        if not parts.found:
            parts.remove()
            raise ImageFileError(f"{film.name}: none of its frames can be decoded")
        outcome.frames = sum(x.count for x in parts.found)
        outcome.wear = maker.wear
        progress("joining", 1.0)
        with stop.writing:
            stop.check()
            with whole_file(target, on_exists=settings.on_exists) as file:
                join(film, parts.found, target, file)
        parts.remove()


def _make_parts(
    film: Film,
    coding: Coding,
    count: int,
    parts: Parts,
    maker: Maker,
    outcome: FilmOutcome,
    progress: Progress,
    stop: Stop,
) -> None:
    """Make the segments that are not there yet."""
    scores: list[float] = []
    frames = frames_of(film, outcome.damage, outcome.kept)
    number = outcome.kept
    for first in frames:
        maker.begin_anew()
        segment = Segment(film, coding, outcome.size)
        of_part = chain([first], islice(frames, count - 1))
        for frame, made in _made(film, maker, of_part, number, outcome, progress, stop):
            if made.score is not None:
                scores.append(made.score)
            segment.add(made.colour.cpu(), frame.pts, frame.duration)
            number += 1
        parts.add(segment.finish(noted(maker.wear)), stop)
    outcome.mean_score = sum(scores) / len(scores) if scores else None


def _to_stream(
    film: Film,
    target: BinaryIO,
    upscaler: Upscaler,
    keyframes: Keyframes,
    outcome: FilmOutcome,
    progress: Progress,
    stop: Stop,
) -> None:
    maker = Maker(upscaler, keyframes, lossy=film.is_lossy)
    scores = []
    with FrameWriter(target, film, outcome.size) as writer:
        frames = frames_of(film, outcome.damage)
        for _, made in _made(film, maker, frames, 0, outcome, progress, stop):
            if made.score is not None:
                scores.append(made.score)
            writer.add(made.colour.cpu())
            outcome.frames += 1
    outcome.mean_score = sum(scores) / len(scores) if scores else None
    outcome.wear = maker.wear


def _made(
    film: Film,
    maker: Maker,
    frames: Iterator[Frame],
    first: int,
    outcome: FilmOutcome,
    progress: Progress,
    stop: Stop,
) -> Iterator[tuple[Frame, Made]]:
    """Make frames sharp and steady, and tell how far the whole is."""

    def sharp(frames: Iterator[Frame]) -> Iterator[Made]:
        for number, frame in enumerate(frames, first):
            total = max(film.count, number + 1)
            stage = f"frame {number + 1} of {film.count}" if film.count else f"frame {number + 1}"

            def step(_: str, __: float, stage: str = stage, part: float = number / total) -> None:
                stop.check()
                progress(stage, part)

            step("", 0.0)
            made = maker.make(frame.colour, frame.seconds, step)
            outcome.cuts += made.cut
            outcome.followed += made.followed
            yield made

    seen, shown = tee(frames)
    yield from zip(shown, steadied(sharp(seen)), strict=True)


def _size(film: Film, upscaler: Upscaler) -> tuple[int, int]:
    height, width = (max(1, round(n * upscaler.factor)) for n in film.size)
    return height, width
