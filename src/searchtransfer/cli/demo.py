# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer demo`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..foreign import shown
from .bar import Bar
from .console import say
from .interrupt import interruptible
from .options import ModelName, Quiet, Revision, Scale, Verbose, Weights
from .report import table

if TYPE_CHECKING:
    from ..batch import Stop
    from ..demo import DemoReport

FOLDER = "searchtransfer-demo"


def demo(
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FOLDER", help="Gets the pictures."),
    ] = FOLDER,
    model: ModelName = None,
    revision: Revision = None,
    weights: Weights = None,
    scale: Scale = 4,
    on_exists: Annotated[
        Literal["error", "overwrite"] | None,
        typer.Option(
            "--on-exists",
            help="What to do where a picture is there already; "
            "overwrite in the demo's own folder unless given, error in another.",
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Show it on a real stereo pair: one eye made sharp with the other, measured, with pictures."""
    from ..batch.plan import folder_named
    from ..demo import run_demo
    from ..upscaler import DEFAULT_MODEL, Upscaler

    how = on_exists or ("overwrite" if Path(output) == Path(FOLDER) else "error")
    folder = folder_named(output, "output")
    bar = Bar()

    def work(stop: "Stop") -> "DemoReport":
        return run_demo(folder, upscaler, on_exists=how, on_progress=bar.progressed, stop=stop)

    upscaler = Upscaler.from_pretrained(
        model or DEFAULT_MODEL, scale=scale, weights=weights, revision=revision
    )
    bar.start("demo")
    try:
        report = interruptible(work)
    finally:
        bar.stop()
    say(f"stereo pair of a motorcycle, x{scale}, {report.seconds:.1f} s")
    for line in table(report.quality):
        say(line)
    say(f"  gain      {report.quality.psnr - report.quality.psnr_bicubic:+11.2f} dB")
    say("pictures:")
    for what, path in report.files.items():
        say(f"  {what:17} {shown(path)}")
