# SPDX-License-Identifier: Apache-2.0
"""The course of the work: a bar on a terminal, a line now and then in a file.

Neither can end the work: a bar that cannot be drawn is drawn no more.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..foreign import in_line
from .console import is_quiet, note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60.0
"""Where stderr is no terminal; short work is told in no line at all."""


class Bar:
    """How far one piece of work is, on stderr."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._title = ""
        self._begun = self._told = 0.0

    def start(self, title: str) -> None:
        """Begin to show it.

        Args:
            title: of the work; may hold foreign words.
        """
        self._title = in_line(title)
        self._begun = self._told = time.monotonic()
        self._safely(self._start)

    def progressed(self, stage: str, done: float) -> None:
        """Show how far a stage is, 0 to 1; one that has only begun is shown as running."""
        self._safely(lambda: self._progressed(in_line(stage), done))

    def tell(self, line: str) -> None:
        """Write a line above the bar."""
        if self._progress is None:
            note(line)
            return
        console, text = self._progress.console, in_line(line)
        self._safely(lambda: console.print(text, markup=False, highlight=False, soft_wrap=True))

    def stop(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._safely(self._progress.stop)
        self._progress = None
        self._title = ""

    def _start(self) -> None:
        if is_quiet() or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[title]}", markup=False),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            # What is printed goes to its own stream; the bar is stopped for it.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=None, title=self._title)
        self._progress.start()

    def _progressed(self, stage: str, done: float) -> None:
        if self._progress is not None and self._task is not None:
            total = None if done == 0 else 1.0
            self._progress.update(self._task, description=stage, total=total, completed=done)
            return
        now = time.monotonic()
        if self._title and not is_quiet() and now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            note(f"{self._title}: {stage} {done:.0%}, {now - self._begun:.0f} s")

    def _safely(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            self._progress = None
            log.debug("the bar cannot be drawn", exc_info=error)
