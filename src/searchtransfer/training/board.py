# SPDX-License-Identifier: Apache-2.0
"""The curve of a run as TensorBoard reads it.

TensorBoard's own writer hands what it gets to a thread, which prints a traceback of its own where
the disk is full, and whose error comes at some later call. Here each step is written when it is
told.
"""

import io
import itertools
import os
import time
from collections.abc import Mapping
from pathlib import Path

# Protobuf makes their names when they are imported, which pyright cannot see.
from tensorboard.compat.proto.event_pb2 import (
    Event,  # pyright: ignore[reportAttributeAccessIssue]
    SessionLog,  # pyright: ignore[reportAttributeAccessIssue]
)
from tensorboard.compat.proto.summary_pb2 import (
    Summary,  # pyright: ignore[reportAttributeAccessIssue]
)
from tensorboard.summary.writer.record_writer import RecordWriter

from ..errors import OutputError
from ..foreign import shown


class Board:
    """Appends figures to a new file of events.

    Args:
        folder: gets the file; made where it is missing.
        step: the first that is to come; what older files of the folder hold from it on counts no
            more.

    Raises:
        OutputError: the folder or the file cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        begin = f"events.out.tfevents.{int(time.time())}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            paths = (folder / f"{begin}.{number}" for number in itertools.count())
            path = next(path for path in paths if not path.exists())
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise self._fault(error) from error
        self._write(Event(file_version="brain.Event:2"))
        self._write(Event(session_log=SessionLog(status=SessionLog.START), step=step))

    def add(self, figures: Mapping[str, int | float], step: int) -> None:
        """Note figures of a step, by names that slashes group.

        Raises:
            OutputError: the disk is full, or the file is gone; the steps before are kept.
        """
        values = [Summary.Value(tag=name, simple_value=x) for name, x in figures.items()]
        self._write(Event(summary=Summary(value=values), step=step))

    def close(self) -> None:
        """Close the file; all that was noted has been handed to the system before."""
        self._file.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        try:
            rest = record.getbuffer()
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> OutputError:
        return OutputError(
            f"{shown(self._folder)}: TensorBoard's files cannot be written "
            f"({error.strerror or error}); make room or choose another folder"
        )
