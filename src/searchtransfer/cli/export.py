# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer export`: a network as a graph that other runtimes read."""

from pathlib import Path
from typing import Annotated

import typer

from ..foreign import shown
from .console import say
from .options import Quiet, Replace, Verbose


def export(
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            show_default=False,
            help="The file to write: .onnx, or .pt2 for torch.export.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", show_default=False, help="What to write, as -n."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "-n",
            "--model",
            metavar="NAME",
            show_default=False,
            help="Packaged weights (see `info`), as fusion-x4, which fusion is short for; "
            "search-transfer; or a file of weights of fusion or ttsr.",
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence",
            metavar="NAME",
            show_default="Apache-2.0 for the package's own",
            help="Of the weights; it is written into the file.",
        ),
    ] = None,
    on_exists: Replace = "error",
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Write a network as an ONNX file, or as a program of torch.export."""
    if (model is None) == (name is None):
        raise typer.BadParameter("say once what to write, as MODEL or with -n")
    from ..export import export as write

    model = model or name or ""
    write(model, output, licence=licence, on_exists=on_exists)
    say(f"{shown(output)}: {model}, {output.stat().st_size / 1e6:.1f} MB")
