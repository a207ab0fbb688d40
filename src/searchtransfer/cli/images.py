# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer upscale` of images: from options to a batch, and what became of it."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import typer

from .console import fail, name_them
from .group import FAILED
from .interrupt import interruptible
from .options import parse_tile
from .pipes import PIPE, Pipes, pipes
from .report import Reporter

if TYPE_CHECKING:
    from ..batch import Elsewhere, Job, LeftOut, Provider, Settings, Shelf, Stop
    from ..upscaler import Upscaler


def _known(file: "LeftOut") -> None:
    """What folders have beside images was told when the plan was made."""


class ImageOptions(SimpleNamespace):
    """What was asked for, by the names of the options."""

    output: str | None
    refs: Sequence[str] | None
    model: str | None
    revision: str | None
    weights: Path | None
    scale: float
    width: int | None
    height: int | None
    fit: str | None
    tile: str
    search: Any
    wear: str
    look: Any
    memory: str
    metadata: Literal["keep", "strip"]
    on_exists: Literal["error", "skip", "overwrite"]
    ext: str
    suffix: str
    quality: int | None
    bits: str
    background: str | None
    max_pixels: int
    pair_by: Literal["all", "name", "folder"]
    album: Path | None
    top: int
    album_index: Path | None
    engine: Literal["local", "ray"]
    jobs_at_once: int | None
    workers: int | None
    address: str | None
    lr_from_hr: bool
    score_map: str | None
    report: str | None
    keep_going: bool
    as_json: bool


def upscale_images_from(named: Sequence[str], given: Mapping[str, Any]) -> None:
    """Make images sharp, and say what became of each.

    Args:
        named: the inputs.
        given: all options of the command, by name.

    Raises:
        BadParameter: an option makes no sense.
        Exit: some images failed.
        SearchTransferError: the batch cannot be made as it is asked for.
    """
    options = ImageOptions(**given)
    tile = parse_tile(options.tile)
    if options.output is None and list(named) == [PIPE]:
        options.output = PIPE
    from ..batch import Elsewhere, Manifest, engine_for, manifest_folder, run_batch
    from ..errors import OptionError

    settings = _settings(options, tile)
    engine = engine_for(options.engine, options.jobs_at_once, options.workers, options.address)
    _check(options, settings)
    with pipes() as pipe:
        elsewhere = Elsewhere(pipe.folder("elsewhere"))
        name_them(elsewhere.told)
        sources = elsewhere.inputs(pipe.inputs(named), "input")
        photos = elsewhere.inputs(pipe.inputs(options.refs or []), "references")
        _name_output(options, settings, sources, pipe)
        _name_outputs_elsewhere(options, elsewhere, sources)
        upscaler = _upscaler(options)
        if options.score_map is not None and not photos and options.album is None:
            raise OptionError(
                "--score-map shows how references were found: add -r with a sharp photo"
            )
        shelf = _shelf(options, upscaler)
        left: list[LeftOut] = []
        jobs = _plan(options, sources, photos, shelf, elsewhere, left)
        several = options.engine != "local" or (options.jobs_at_once or 1) > 1
        folder = manifest_folder(sources, options.output, several)
        manifest = None if folder is None else Manifest(folder)
        reporter = Reporter(len(jobs), options.as_json, list(dict.fromkeys(left)))

        def work(stop: "Stop") -> None:
            run_batch(
                jobs,
                upscaler,
                _provider(options, shelf, reporter, stop),
                settings,
                manifest=manifest,
                engine=engine,
                elsewhere=elsewhere,
                watcher=reporter,
                stop=stop,
            )

        try:
            interruptible(work)
        finally:
            failed = reporter.end()
        if not pipe.send():
            fail("output -: standard output cannot be written")
            failed += 1
    if failed:
        raise typer.Exit(FAILED)


def _settings(options: ImageOptions, tile: int | Literal["auto"]) -> "Settings":
    from ..batch import Settings
    from ..images import parse_colour
    from ..images.sizes import SizeWish, parse_frame
    from ..images.writing import check_quality

    check_quality(options.quality)
    background, fit = options.background, options.fit
    return Settings(
        tile,
        options.metadata,
        options.on_exists,
        options.lr_from_hr,
        bits={"8": 8, "16": 16}.get(options.bits),  # type: ignore[arg-type]
        background=None if background is None else parse_colour(background),
        quality=options.quality,
        max_pixels=options.max_pixels,
        wish=SizeWish(
            None, options.width, options.height, None if fit is None else parse_frame(fit)
        ),
    )


def _check(options: ImageOptions, settings: "Settings") -> None:
    """Options that exclude each other."""
    from ..errors import OptionError
    from ..models.pretrained import next_scale

    if options.album is not None and (options.refs or options.pair_by != "all"):
        raise OptionError("--album chooses the references; leave -r and --pair-by out")
    whole = options.scale == next_scale(options.scale)
    if options.lr_from_hr and (settings.wish or not whole):
        raise OptionError(
            "--lr-from-hr: results are compared with the input, so have its size; leave --width, "
            "--height and --fit out, and give a whole --scale"
        )


def _name_output(
    options: ImageOptions, settings: "Settings", sources: Sequence[Path], pipe: Pipes
) -> None:
    """Standard output is a file for now; a result without a name has that of its input."""
    from ..errors import OptionError

    if options.output == PIPE:
        if len(sources) > 1 or sources[0].is_dir():
            raise OptionError("output -: standard output takes one picture; give a folder (-o)")
        options.output, options.ext = str(pipe.output(options.ext, sources[0])), "auto"
    elif options.output is None:
        scale = f"-x{options.scale:g}" if not settings.wish else "-large"
        options.suffix = options.suffix or scale


def _name_outputs_elsewhere(
    options: ImageOptions, elsewhere: "Elsewhere", sources: Sequence[Path]
) -> None:
    """Paths stand for URLs; a result beside its input needs one that can be written to."""
    if options.output is not None:
        options.output = elsewhere.output(options.output)
    elif any(elsewhere.place_of(x) is not None for x in sources):
        raise typer.BadParameter("say with -o where the results go: a folder, or a URL")
    if options.score_map is not None:
        options.score_map = elsewhere.output(options.score_map, "score map")
    if options.report is not None:
        options.report = elsewhere.output(options.report, "report")


def _upscaler(options: ImageOptions) -> "Upscaler":
    from ..process.budget import parse_memory
    from ..upscaler import Upscaler

    return Upscaler.from_pretrained(
        options.model,
        scale=options.scale,
        search=options.search,
        weights=options.weights,
        wear=options.wear,
        memory=parse_memory(options.memory),
        look=options.look,
        revision=options.revision,
    )


def _shelf(options: ImageOptions, upscaler: "Upscaler") -> "Shelf":
    from ..batch import Shelf

    return Shelf(
        partial(upscaler.prepare, copy=False),
        upscaler.scale,
        upscaler.model.needs_reference,
        options.keep_going or options.album is not None,
        options.max_pixels,
    )


def _plan(
    options: ImageOptions,
    sources: Sequence[Path],
    photos: Sequence[Path],
    shelf: "Shelf",
    elsewhere: "Elsewhere",
    left: "list[LeftOut]",
) -> "list[Job]":
    """What is to be made of what; `left` gets the files of folders that are no images."""
    from ..batch import fetch_files, files_of, paired, plan_batch, same_for_all
    from ..models.pretrained import model_files

    folders = [*photos, *filter(None, [options.album])]
    files = [file for path in folders for file in files_of(path, left.append)]
    jobs = plan_batch(
        sources,
        options.output,
        references=files,
        weights=model_files(options.model, shelf.scale, options.weights),
        ext=options.ext,
        suffix=options.suffix,
        score_map=options.score_map,
        report=options.report,
        go_on=options.on_exists == "skip",
        on_left_out=left.append,
    )
    if options.album is not None:
        return jobs  # references are chosen when the work begins, for an index may take long
    if options.pair_by == "all":
        fetch_files(elsewhere, files)
        return same_for_all(jobs, files, shelf)
    return paired(jobs, photos, options.pair_by, options.keep_going, on_left_out=_known)


def _provider(
    options: ImageOptions, shelf: "Shelf", reporter: Reporter, stop: "Stop"
) -> "Provider":
    """Who has the references: the shelf, or an album that chooses among its photos."""
    if options.album is None:
        return shelf
    from ..albums import Album
    from ..batch import FromAlbum

    def progress(stage: str, done: float) -> None:
        stop.check()
        reporter.progressed(stage, done)

    album = Album.open(
        options.album,
        scale=shelf.scale,
        index=options.album_index,
        on_progress=progress,
        on_left_out=_known,
    )
    return FromAlbum(album, shelf, options.top, options.lr_from_hr, options.max_pixels)
