# SPDX-License-Identifier: Apache-2.0
"""Errors and warnings of every command, told in one way."""

import warnings
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import OutOfMemoryError, SearchTransferError
from .arguments import without_value
from .console import fail, reset, show_traceback, wants_tracebacks, warn
from .streams import INTERRUPTED

FAILED, UNUSABLE = 1, 2
"""Exit codes: some items failed; the command cannot be run as given."""


_PACKAGE = __name__.partition(".")[0]


class ReportingGroup(TyperGroup):
    """Turns this package's errors into a message and an exit code, without a traceback."""

    def get_params(self, ctx: Any) -> Any:
        """The options, of which switches take no value."""
        return without_value(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        reset()
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                fail("interrupted; finished files are kept")
                raise typer.Exit(INTERRUPTED) from None
            except Exception as error:
                if hasattr(error, "exit_code") or isinstance(error, (typer.Abort, BrokenPipeError)):
                    plainly(error)
                    raise  # Typer's own; and help into a pipe that nobody reads
                message, code = explain(error)
                if wants_tracebacks():
                    show_traceback()
                fail(message)
                raise typer.Exit(code) from None


def plainly(error: Exception) -> None:
    """What Typer says of arguments, in the words of whoever typed them."""
    said = getattr(error, "message", None)
    if not isinstance(said, str):
        return
    said = said.removeprefix("Value error, ")
    command = getattr(getattr(error, "ctx", None), "command", None)
    options = {name for option in getattr(command, "params", ()) for name in option.opts}
    if "unexpected extra argument" in said and "-r" in options:
        said += "; references are named with -r"
    error.message = said  # type: ignore[attr-defined]


def explain(error: Exception) -> tuple[str, int]:
    """The words and the exit code for an error."""
    if isinstance(error, SearchTransferError):
        return str(error), FAILED if isinstance(error, OutOfMemoryError) else UNUSABLE
    from ..process.memory import lacks_memory

    if lacks_memory(error):
        return "not enough memory; use a smaller picture, fewer references or --tile 128", FAILED
    name = type(error).__name__
    return f"unexpected fault, {name}: {error}; please report it", FAILED


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Other packages' warnings are for developers; with -vv they are shown too."""
    if category.__module__.partition(".")[0] == _PACKAGE or wants_tracebacks():
        warn(str(message))
