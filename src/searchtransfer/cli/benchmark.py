# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer benchmark`."""

import json
from typing import Annotated

import typer

from .bar import Bar
from .console import all_said, say, say_lines
from .group import FAILED
from .options import AsJson, parse_size


def benchmark(
    size: Annotated[
        str, typer.Option(metavar="ROWSxCOLUMNS", help="Cells of query and key.")
    ] = "83x125",
    channels: Annotated[int, typer.Option(metavar="N", help="Of the features.")] = 256,
    repeat: Annotated[int, typer.Option(metavar="N", help="Runs of each backend.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Time the search on this machine, with each backend.

    On made-up features: moved, as a photo and another of the same have them, and random.
    """
    cells = parse_size(size)
    from ..benchmark import benchmark as run
    from ..benchmark import table

    bar = Bar()
    bar.start("benchmark")
    try:
        report = run(cells, channels, repeat, bar.progressed)
    finally:
        bar.stop()
    if as_json:
        say_lines(json.dumps(report.as_dict(), indent=2))
    else:
        for line in table(report):
            say(line)
    if not all_said():
        raise typer.Exit(FAILED)
