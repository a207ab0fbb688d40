# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer upscale`."""

from typing import Annotated, Literal

import typer

from .group import FAILED
from .interrupt import interruptible
from .options import (
    AsJson,
    Inputs,
    KeepGoing,
    ModelName,
    OptionalRefs,
    Quiet,
    Scale,
    Search,
    Verbose,
    Weights,
    parse_tile,
)
from .report import Reporter


def upscale(
    inputs: Inputs,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FILE|FOLDER", help="Result; a folder for several inputs."
        ),
    ],
    refs: OptionalRefs = None,
    model: ModelName = None,
    weights: Weights = None,
    scale: Scale = 4,
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
    metadata: Annotated[
        Literal["keep", "strip"], typer.Option(help="EXIF, XMP and resolution of the input.")
    ] = "keep",
    on_exists: Annotated[
        Literal["error", "skip", "overwrite"],
        typer.Option("--on-exists", help="What to do where the output is there already."),
    ] = "error",
    ext: Annotated[
        Literal["auto", "png", "jpg", "tif", "webp"],
        typer.Option(help="Format of the results in a folder; auto: that of the input."),
    ] = "auto",
    suffix: Annotated[
        str, typer.Option(metavar="TEXT", help="Put behind the names of the results in a folder.")
    ] = "",
    lr_from_hr: Annotated[
        bool,
        typer.Option(
            "--lr-from-hr", metavar="", help="Reduce the input first, and measure PSNR and SSIM."
        ),
    ] = False,
    score_map: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Also draw how well each place was found."),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Also make a page that shows where each point comes from."
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
    tile_size = parse_tile(tile)
    from ..batch import LeftOut, References, Settings, Stop, plan_batch, read_references, run_batch
    from ..errors import OptionError
    from ..upscaler import Upscaler

    upscaler = Upscaler.from_pretrained(model, scale=scale, search=search, weights=weights)
    needed = upscaler.model.needs_reference
    photos = read_references(refs or [], scale=scale, keep_going=keep_going, needed=needed)
    if score_map is not None and not photos:
        raise OptionError("--score-map shows how references were found: add -r with a sharp photo")
    left: list[LeftOut] = []
    jobs = plan_batch(
        inputs,
        output,
        references=photos,
        ext=ext,
        suffix=suffix,
        score_map=score_map,
        report=report,
        on_left_out=left.append,
    )
    references = References(photos, upscaler.prepare)
    settings = Settings(tile_size, metadata, on_exists, lr_from_hr)
    reporter = Reporter(len(jobs), as_json, left)

    def work(stop: Stop) -> None:
        run_batch(jobs, upscaler, references, settings, watcher=reporter, stop=stop)

    try:
        interruptible(work)
    finally:
        failed = reporter.end()
    if failed:
        raise typer.Exit(FAILED)
