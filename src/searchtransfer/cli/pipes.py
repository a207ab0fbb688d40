# SPDX-License-Identifier: Apache-2.0
"""`-`: pictures from standard input and to standard output, by way of temporary files.

So that they are checked, and errors told, as those of files are.
"""

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from ..files.locks import lock
from .console import call_it, results_to_stderr

PIPE = "-"

PREFIX, HELD = "searchtransfer-", ".held"
"""Of the folders' names, and of a file in each that is locked as long as the command lives."""

YOUNG = 60.0
"""Seconds in which a command has surely locked its file."""


class Pipes:
    """The files that stand for the two streams, in a folder that lasts as long as the command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken = False
        self._target: Path | None = None

    def inputs(self, words: Sequence[str]) -> list[str]:
        """Words with `-` replaced by a file of what standard input gives.

        Raises:
            BadParameter: it is asked for twice, or is a terminal.
        """
        return [word if word != PIPE else str(self._standard_input()) for word in words]

    def folder(self, name: str) -> Path:
        """A folder that lasts as long."""
        folder = self._folder / name
        folder.mkdir()
        return folder

    def output(self, ext: str, source: Path) -> Path:
        """A file for standard output.

        Args:
            ext: its format, "auto" for that of the input.
            source: the input.

        Raises:
            BadParameter: standard output is a terminal.
        """
        if sys.stdout.isatty():
            raise typer.BadParameter("standard output is a terminal; name a file with -o, or add >")
        results_to_stderr()
        extension = _extension(source) if ext == "auto" else f".{ext}"
        self._target = self._folder / f"output{extension}"
        call_it(self._target, PIPE)
        return self._target

    def send(self) -> bool:
        """Write the picture to standard output; whether that could be done."""
        if self._target is None or not self._target.exists():
            return True
        try:
            with self._target.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except OSError:
            return False
        return True

    def _standard_input(self) -> Path:
        from ..images.reading import MAX_BYTES

        if self._taken:
            raise typer.BadParameter("standard input (-) can be read only once")
        if sys.stdin.isatty():
            raise typer.BadParameter("standard input (-) is a terminal; name a file, or add <")
        self._taken = True
        path = self._folder / "input"
        with path.open("wb") as file:
            # A byte more than may be read is enough to tell that it is too much.
            left = MAX_BYTES + 1
            while left and (part := sys.stdin.buffer.read(min(2**20, left))):
                file.write(part)
                left -= len(part)
        named = path.with_suffix(_extension(path))
        path.rename(named)
        call_it(named, PIPE)
        return named


def _extension(path: Path) -> str:
    """Of a format that can be written: that of a file's content where it can be."""
    from ..images.formats import WRITTEN, detect

    with path.open("rb") as file:
        kind = detect(file.read(4096))
    return next((format.extensions[0] for format in WRITTEN if format is kind), ".png")


@contextmanager
def pipes() -> Iterator[Pipes]:
    """Pipes, whose files are removed in the end; and those that killed commands have left."""
    _clear_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder, Path(folder, HELD).open("w") as held:
        lock(held.fileno(), wait=False)
        yield Pipes(Path(folder))


def _clear_left() -> None:
    for held in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{HELD}"):
        with contextlib.suppress(OSError):
            if time.time() - held.stat().st_mtime < YOUNG:
                continue
            with held.open("r+") as file:
                if lock(file.fileno(), wait=False):
                    shutil.rmtree(held.parent, ignore_errors=True)
