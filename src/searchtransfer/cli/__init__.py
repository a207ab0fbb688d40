# SPDX-License-Identifier: Apache-2.0
"""The command `searchtransfer`: one file for each subcommand, none with logic of its own.

Nothing here imports torch before a command runs, so that `--help` answers at once. Exit codes:
0 all done, 1 some items failed, 2 the command cannot be run as given, 130 interrupted.
"""

from typing import Annotated

import typer

from .arguments import Command
from .benchmark import benchmark
from .console import fail, say
from .convert import convert
from .demo import demo
from .evaluate import evaluate
from .export import export
from .group import FAILED, ReportingGroup
from .info import info
from .interrupt import terminable
from .match import match
from .streams import INTERRUPTED, leave, prepare_streams
from .studio import studio
from .train import train
from .upscale import upscale

app = typer.Typer(
    cls=ReportingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command)(upscale)
app.command(cls=Command)(match)
app.command(cls=Command)(demo)
app.command(cls=Command)(train)
app.command(cls=Command)(evaluate)
app.command(cls=Command)(benchmark)
app.command(cls=Command)(studio)
app.command(cls=Command)(convert)
app.command(cls=Command)(export)
app.command(cls=Command)(info)


def _show_version(asked: bool) -> bool:
    if asked:
        from .. import __version__

        say(f"searchtransfer {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Make a small image sharp with the texture of reference photos."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    prepare_streams()
    try:
        with terminable():
            app()
    except SystemExit as end:
        leave(end.code)
    except KeyboardInterrupt:  # before a command began, or while it ended
        fail("interrupted; finished files are kept")
        leave(INTERRUPTED)
    except OSError:  # help that nobody could be shown
        leave(FAILED)
