# SPDX-License-Identifier: Apache-2.0
"""Errors and warnings of every command, told in one way."""

import traceback
import warnings
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import SearchTransferError
from .console import INTERRUPTED, fail, set_quiet, set_verbose, wants_tracebacks, warn

FAILED, UNUSABLE = 1, 2
"""Exit codes: some items failed; the command cannot be run as given."""


_PACKAGE = __name__.partition(".")[0]


class ReportingGroup(TyperGroup):
    """Turns this package's errors into a message and an exit code, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        set_quiet(False)
        set_verbose(0)
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                _tell("interrupted; finished files are kept", INTERRUPTED)
            except SearchTransferError as error:
                _tell(str(error), UNUSABLE)
            except MemoryError:
                _tell("not enough memory", FAILED)
            except Exception as error:
                if hasattr(error, "exit_code") or isinstance(error, (typer.Abort, BrokenPipeError)):
                    raise  # Typer's own
                _tell(
                    f"unexpected fault, {type(error).__name__}: {error}; please report it", FAILED
                )


def _tell(message: str, code: int) -> None:
    if wants_tracebacks():
        traceback.print_exc()
    fail(message)
    raise typer.Exit(code)


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
