# SPDX-License-Identifier: Apache-2.0
"""Files that grow by whole lines: journals, curves, manifests."""

import contextlib
import os
from pathlib import Path
from types import TracebackType

from ..errors import OutputError
from ..foreign import shown
from .checks import StrPath


class LineFile:
    """Appends lines to a file, each whole or not at all.

    A line that a kill or a full disk cut short earlier is taken away when the file is opened.

    Args:
        path: made where it is missing.
        what: what to call it in errors.

    Raises:
        OutputError: it cannot be opened or written.
    """

    def __init__(self, path: StrPath, what: str = "journal") -> None:
        self._name = f"{what} {shown(path)}"
        try:
            self._file = Path(path).open("a+b", buffering=0)  # noqa: SIM115
            try:
                self._end = _end_of_last_line(self._file.fileno())
                self._file.truncate(self._end)
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
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # giving room back works on a full disk
                self._file.truncate(self._end)
            raise self._fault(error) from error
        self._end += len(data)

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


def _end_of_last_line(handle: int) -> int:
    """Bytes up to and with the last end of a line."""
    stop = os.fstat(handle).st_size
    while stop:
        start = max(0, stop - 4096)
        os.lseek(handle, start, os.SEEK_SET)
        found = os.read(handle, stop - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        stop = start
    return 0
