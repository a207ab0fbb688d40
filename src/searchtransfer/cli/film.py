# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer upscale` of a film."""

import json
import sys
from collections.abc import Mapping, Sequence
from inspect import Signature
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from ..files.urls import first_path, is_elsewhere, path_in
from ..foreign import shown
from .bar import Bar
from .console import fail, is_quiet, results_to_stderr, say, warn
from .group import FAILED
from .interrupt import interruptible
from .pipes import PIPE

if TYPE_CHECKING:
    from ..batch import Stop
    from ..film import Film, FilmOutcome, Keyframes
    from ..upscaler import Upscaler


DECIDING = ("model", "scale", "search", "weights", "wear", "memory", "look", "revision")
"""Options that decide what a frame becomes: those of `Upscaler.from_pretrained`,"""

OTHERS = {
    "files", "inputs", "output", "refs", "keyframes", "codec", "quality", "on_exists",
    "max_pixels", "keep_going", "as_json", "quiet", "verbose",
}  # fmt: skip
"""and what else films know; the rest is for images."""


class FilmOptions(SimpleNamespace):
    """What was asked for, by the names of the options."""

    source: Path
    output: str | None
    refs: Sequence[Path]
    keyframes: Path | None
    codec: str
    quality: int | None
    on_exists: str
    max_pixels: int
    keep_going: bool
    as_json: bool


def is_film_input(words: Sequence[str]) -> bool:
    """Whether a film is asked for: by the name of the input, or the first bytes of a stream."""
    from ..film import is_film

    if list(words) == [PIPE]:
        from ..film.streaming import MAGIC

        peek = getattr(sys.stdin.buffer, "peek", None)
        return not sys.stdin.isatty() and peek is not None and peek(len(MAGIC)).startswith(MAGIC)
    paths = (Path(first_path(path_in(x))) for x in words)
    return any(is_film(x) and not x.is_dir() for x in paths)


def upscale_film_from(named: Sequence[str], given: Mapping[str, Any], command: Signature) -> None:
    """Make a film sharp, and say what became of it.

    Args:
        named: the inputs.
        given: all options of the command, by name.
        command: knows their defaults.

    Raises:
        BadParameter: an option is for images, there are several inputs, or a URL.
        Exit: frames had to be left out.
        SearchTransferError: whatever `upscale_film` raises.
    """
    if len(named) > 1:
        raise typer.BadParameter("one film at a time; give the others in calls of their own")
    for name, parameter in command.parameters.items():
        if name not in {*DECIDING, *OTHERS} and given[name] != parameter.default:
            option = name.replace("_", "-")
            raise typer.BadParameter(f"--{option} is for images, and the input is a film")
    words = [named[0], *(given["refs"] or []), *filter(None, [given["output"]])]
    for url in filter(is_elsewhere, words):
        raise typer.BadParameter(
            f"films, and what is made of them, are files of this machine, got {shown(url)}; "
            "fetch it first"
        )
    from ..process.budget import parse_memory
    from ..upscaler import Upscaler

    options = FilmOptions(**given, source=Path(path_in(named[0])))
    options.refs = [Path(path_in(x)) for x in given["refs"] or []]
    options.output = None if options.output is None else path_in(options.output)
    deciding = {name: given[name] for name in DECIDING}
    model = deciding.pop("model")
    wanted: dict[str, Any] = {**deciding, "memory": parse_memory(deciding["memory"])}
    upscaler = Upscaler.from_pretrained(model, **wanted)
    _upscale(options, upscaler, {name: str(x) for name, x in deciding.items()})


def _upscale(options: FilmOptions, upscaler: "Upscaler", words: dict[str, str]) -> None:
    from ..film import FilmSettings, digest, read_film, upscale_film

    target = _target(options, upscaler.factor)
    if isinstance(target, Path) and options.on_exists == "skip" and target.is_file():
        _tell_skipped(options, target)
        return
    source: Path | BinaryIO = options.source
    if str(source) == PIPE:
        source = sys.stdin.buffer
    film = read_film(source)
    keyframes, inputs = _keyframes(options, film, upscaler.scale)
    settings = FilmSettings(
        options.codec,
        options.quality,
        "overwrite" if options.on_exists == "overwrite" else "error",
        made_from=words | {"photos": [digest(x) for x in inputs]},
    )
    if isinstance(target, Path) and str(options.output).endswith("/"):
        target.parent.mkdir(parents=True, exist_ok=True)
    bar = Bar()
    bar.start(shown(options.source))

    def work(stop: "Stop") -> "FilmOutcome":
        return upscale_film(
            source,
            target,
            upscaler,
            keyframes,
            settings,
            film=film,
            inputs=inputs,
            progress=bar.progressed,
            note=warn,
            stop=stop,
        )

    try:
        outcome = interruptible(work)
    finally:
        bar.stop()
    _tell(options, target, outcome)
    if outcome.damage.times:
        fail(
            f"{film.name}: is damaged at {outcome.damage}; the frames there were left out, what "
            "was good is kept at its times"
        )
        raise typer.Exit(FAILED)


def _target(options: FilmOptions, factor: float) -> Path | BinaryIO:
    if options.output == PIPE:
        if sys.stdout.isatty():
            raise typer.BadParameter("standard output is a terminal; name a file with -o, or add >")
        results_to_stderr()
        return sys.stdout.buffer
    source = options.source
    if options.output is None:
        if str(source) == PIPE:
            raise typer.BadParameter("name the result with -o: a file such as big.mp4, or -")
        return source.with_name(f"{source.stem}-x{factor:g}{_extension(source)}")
    target = Path(options.output)
    if target.is_dir() or options.output.endswith("/"):
        name = "film" if str(source) == PIPE else source.stem
        return target / f"{name}{_extension(source)}"
    return target


def _extension(source: Path) -> str:
    """That of the input, if such films can be written: it holds the same sound and subtitles."""
    from ..film import CONTAINERS

    extension = source.suffix.lower()
    return extension if extension in CONTAINERS else ".mp4"


def _keyframes(options: FilmOptions, film: "Film", scale: int) -> tuple["Keyframes", list[Path]]:
    """The photos, and their files."""
    from ..batch.references import files_of, read_references
    from ..errors import OptionError
    from ..film import KeyFilm, KeyFolder, Keyframes, is_film, read_film
    from ..film.keyframes import colours_of

    timed: KeyFolder | KeyFilm | None = None
    inputs = [file for path in options.refs for file in files_of(path)]
    if options.keyframes is not None:
        path = options.keyframes
        if path.is_dir():
            going = options.keep_going
            timed = KeyFolder(path, film, options.max_pixels, keep_going=going, scale=scale)
        elif is_film(path):
            timed = KeyFilm(read_film(path), scale)
            if timed.damage.times:
                warn(f"keyframes {shown(path)}: the film is damaged at {timed.damage}")
        else:
            what = (
                "must be a film, or a folder of pictures; a single photo is a reference (-r)"
                if path.exists()
                else "no such film or folder"
            )
            raise OptionError(f"--keyframes {shown(path)}: {what}")
        inputs.append(path)
    photos = read_references(
        options.refs,
        scale=scale,
        keep_going=options.keep_going,
        needed=False,
        max_pixels=options.max_pixels,
    )
    always = [colours_of(x, f"reference {shown(path)}") for path, x in photos.items()]
    return Keyframes(always, timed, scale), inputs


def _tell_skipped(options: FilmOptions, target: Path) -> None:
    if options.as_json:
        facts = {"input": str(options.source), "output": str(target), "status": "skipped"}
        say(json.dumps(facts))
    else:
        say(f"{shown(target)} is there already, skipped")


def _tell(options: FilmOptions, target: Path | BinaryIO, outcome: "FilmOutcome") -> None:
    name = str(target) if isinstance(target, Path) else PIPE
    height, width = outcome.size
    made = outcome.frames - outcome.kept
    if options.as_json:
        facts = {
            "input": str(options.source),
            "output": name,
            "status": "damaged" if outcome.damage.times else "done",
            "width": width,
            "height": height,
            "frames": outcome.frames,
            "kept": outcome.kept,
            "followed": outcome.followed,
            "cuts": outcome.cuts,
            "seconds": round(outcome.seconds, 3),
            "mean_score": outcome.mean_score,
            "damaged": outcome.damage.times,
            "notes": outcome.notes,
        }
        say(json.dumps(facts))
    elif not is_quiet():
        score = outcome.mean_score
        found = "" if score is None else f", mean score {score:.2f}"
        kept = f", {outcome.kept} of them made before" if outcome.kept else ""
        pace = f", {outcome.seconds / made:.2f} s a frame" if made else ""
        say(
            f"{shown(options.source)} -> {shown(name)}  {outcome.frames} frames of {width} x "
            f"{height} pixels{kept}, {outcome.cuts} cuts{found}{pace}"
        )
