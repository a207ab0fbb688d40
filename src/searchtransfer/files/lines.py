# SPDX-License-Identifier: Apache-2.0
"""Files that grow by whole lines: journals, curves, manifests."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from ..errors import OutputError
from ..foreign import shown
from .checks import StrPath
from .locks import locked


class LineFile:
    """Appends lines to a file, each whole or not at all; several processes may do so at once.

    A line that a kill or a full disk cut short earlier is taken away when the file is opened, and
    before the next line.

    Args:
        path: made where it is missing.
        what: what to call it in errors.
        valid: tells a line from what a power cut leaves in its place; a last line that is none is
            taken away when the file is opened.

    Raises:
        OutputError: it cannot be opened or written.
    """

    taken_away = 0
    """Bytes behind the last line that were none, when the file was opened."""

    def __init__(
        self,
        path: StrPath,
        what: str = "journal",
        valid: Callable[[bytes], bool] = lambda line: True,
    ) -> None:
        self._name = f"{what} {shown(path)}"
        try:
            self._file = Path(path).open("a+b", buffering=0)  # noqa: SIM115
            try:
                with locked(self._file.fileno()):
                    size = os.fstat(self._file.fileno()).st_size
                    self.taken_away = size - self._mend(valid)
            except OSError:
                self._file.close()
                raise
        except OSError as error:
            raise self._fault(error) from error

    def append(self, line: str) -> None:
        """Add a line and hand it to the system; what cannot be encoded is escaped.

        Raises:
            OutputError: the disk is full, or the file is gone; the lines before are kept.
        """
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with locked(self._file.fileno()):
            try:
                end = self._mend()
                self._write(data, end)
            except OSError as error:
                raise self._fault(error) from error

    def _write(self, data: bytes, end: int) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with contextlib.suppress(OSError):  # giving room back works on a full disk
                self._file.truncate(end)
            raise

    def _mend(self, valid: Callable[[bytes], bool] = lambda line: True) -> int:
        """Take away a line that was cut short; returns the size of the file."""
        handle = self._file.fileno()
        end = _end_of_last_line(handle, os.fstat(handle).st_size)
        if end:
            before = _end_of_last_line(handle, end - 1)
            os.lseek(handle, before, os.SEEK_SET)
            end = end if valid(os.read(handle, end - before)) else before
        if end != os.fstat(handle).st_size:
            self._file.truncate(end)
        return end

    def close(self) -> None:
        """Close the file; its lines are on the disk then, where the system knows how."""
        if not self._file.closed:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise self._fault(error) from error
            finally:
                self._file.close()

    def __enter__(self) -> "LineFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _fault(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._name}: cannot be written ({error.strerror or error}); "
            "make room or choose another folder"
        )


def _end_of_last_line(handle: int, stop: int) -> int:
    """Bytes up to and with the last end of a line among the first ones."""
    while stop:
        start = max(0, stop - 4096)
        os.lseek(handle, start, os.SEEK_SET)
        found = os.read(handle, stop - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        stop = start
    return 0
