# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer studio`."""

from typing import Annotated

import typer

from .console import say
from .options import Quiet, Verbose
from .streams import INTERRUPTED


def studio(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen at; 0.0.0.0 lets other machines in."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Port to listen at; the first free one from 7860 on unless given."
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    job_seconds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Time that one job may take.")
    ] = 600,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Open a page in the browser that upscales, and shows where the texture comes from."""
    from ..studio import Limits, run_studio

    def ready(address: str) -> None:
        say(f"searchtransfer studio: {address}  (Ctrl-C ends it)")
        if open_:
            import webbrowser

            webbrowser.open(address)

    try:
        run_studio(host, port, limits=Limits(job_seconds=float(job_seconds)), on_ready=ready)
    except KeyboardInterrupt:
        say("studio ended, all pictures of its visitors are deleted")
        raise typer.Exit(INTERRUPTED) from None
