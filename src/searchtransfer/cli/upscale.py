# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer upscale`."""

from inspect import signature
from pathlib import Path
from typing import Annotated, Literal

import typer

from .film import is_film_input, upscale_film_from
from .images import upscale_images_from
from .options import (
    AsJson,
    Factor,
    Files,
    Inputs,
    KeepGoing,
    LookWord,
    MaxPixels,
    Memory,
    ModelName,
    Quiet,
    RefsOrUrls,
    Revision,
    Search,
    Verbose,
    WearWords,
    Weights,
)


def upscale(
    files: Files = None,
    inputs: Inputs = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|FOLDER|URL",
            show_default="beside each input, with -xSCALE behind its name",
            help="Result; a folder for several inputs; - is standard output.",
        ),
    ] = None,
    refs: RefsOrUrls = None,
    model: ModelName = None,
    revision: Revision = None,
    weights: Weights = None,
    scale: Factor = 4.0,
    width: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of the results, in pixels; alone, the height follows."),
    ] = None,
    height: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of the results, in pixels; alone, the width follows."),
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="A frame that the results just fit into."),
    ] = None,
    tile: Annotated[
        str,
        typer.Option(
            "-t",
            "--tile",
            metavar="auto|0|N",
            help="Input pixels on a side of a tile, 0 for one piece; bounds the memory.",
        ),
    ] = "auto",
    search: Search = "auto",
    wear: WearWords = "auto",
    look: LookWord = "faithful",
    memory: Memory = "1.5GiB",
    metadata: Annotated[
        Literal["keep", "strip"], typer.Option(help="EXIF, XMP and resolution of the input.")
    ] = "keep",
    on_exists: Annotated[
        Literal["error", "skip", "overwrite"],
        typer.Option("--on-exists", help="What to do where the output is there already."),
    ] = "error",
    ext: Annotated[
        Literal["auto", "png", "jpg", "tif", "webp", "avif"],
        typer.Option(help="Format of the results in a folder; auto: that of the input."),
    ] = "auto",
    suffix: Annotated[
        str, typer.Option(metavar="TEXT", help="Put behind the names of the results in a folder.")
    ] = "",
    quality: Annotated[
        int | None,
        typer.Option(
            metavar="1-100",
            show_default="95 for JPEG, 90 for AVIF, 70 for films, without loss for WebP",
            help="Of JPEG, AVIF, WebP and films.",
        ),
    ] = None,
    bits: Annotated[
        Literal["auto", "8", "16"],
        typer.Option(help="Depth of the results; auto: that of the input."),
    ] = "auto",
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR", help="Put transparent pictures on it, as for JPEG: white, #ffffff."
        ),
    ] = None,
    max_pixels: MaxPixels = 134217728,
    pair_by: Annotated[
        Literal["all", "name", "folder"],
        typer.Option(
            "--pair-by",
            help="Which references serve an input: all; those of its name, or its name and a "
            "number, in the same subfolder of -r; or all in the same subfolder.",
        ),
    ] = "all",
    keyframes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILM|FOLDER",
            help="Of a film: sharp frames, each for its neighbours in time; a film, or pictures "
            "whose names end in the number of the frame.",
        ),
    ] = None,
    codec: Annotated[
        Literal["auto", "h264", "hevc", "av1"],
        typer.Option(help="Of a film; auto: that of the input."),
    ] = "auto",
    album: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Choose the references of each image from these photos: those that show the same.",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="References from the album, at most.")
    ] = 3,
    album_index: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=".searchtransfer-album in the album",
            help="Where the album's index is kept.",
        ),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Who works: this machine, or a cluster (needs the extra ray)."),
    ] = "local",
    jobs_at_once: Annotated[
        int | None,
        typer.Option(
            "-j",
            "--jobs",
            metavar="N",
            show_default="1",
            help="Processes on this machine, which share its threads.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default="one for each processor", help="Of --engine ray; they share."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT|auto",
            show_default="one is started here",
            help="Of the cluster for --engine ray.",
        ),
    ] = None,
    lr_from_hr: Annotated[
        bool,
        typer.Option("--lr-from-hr", help="Reduce the input first, and measure PSNR and SSIM."),
    ] = False,
    score_map: Annotated[
        str | None,
        typer.Option(metavar="PATH|URL", help="Also draw how well each place was found."),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL", help="Also make a page that shows where each point comes from."
        ),
    ] = None,
    keep_going: KeepGoing = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Make images sharp with reference photos.

    An input is never overwritten. In a folder, subfolders are kept. All is checked before the work.
    """
    given = dict(locals())
    named = [*(files or []), *(inputs or [])]
    if not named:
        raise typer.BadParameter(
            "Missing option '-i': there is no input; name small images first, or with -i"
        )
    if is_film_input(named):
        upscale_film_from(named, given, signature(upscale))
    elif keyframes is not None or codec != "auto":
        raise typer.BadParameter("--keyframes and --codec are for films, and the input is none")
    else:
        upscale_images_from(named, given)
