# SPDX-License-Identifier: Apache-2.0
"""The process that works: it reads orders, one a line, and writes what becomes of them.

A process can be ended at any moment, whatever it is doing, and takes all its memory along; a thread
cannot. It is started by `workshop.py`: `python -m searchtransfer.studio.worker`.
"""

import json
import logging
import os
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from ..errors import SearchTransferError
from ..process.children import ignore_signals
from ..process.memory import lacks_memory
from .folder import temporary_files_in
from .job import Outcome, make
from .notes import listening
from .orders import Order, Upload

EVERY = 0.1
"""Seconds between two words on progress."""


def main() -> None:
    """Work until there are no more orders."""
    ignore_signals()  # the parent ends it
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints, prints beside the channel
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    with listening():
        say(channel, kind="ready")
        for line in sys.stdin:
            serve(json.loads(line), channel)


def serve(request: dict[str, Any], channel: TextIO) -> None:
    """Do one order."""
    last = 0.0

    def progress(stage: str, done: float, part: int = 0) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY or done in (0.0, 1.0):
            last = time.monotonic()
            say(channel, kind="progress", stage=stage, done=done, part=part)

    order, folder = read_order(request["order"]), Path(request["folder"])
    try:
        # A worker may be killed at any moment: what it leaves is deleted with the folder.
        with temporary_files_in(folder):
            for piece in make(order, folder, request["run"], request["photo_pixels"], progress):
                kind = "outcome" if isinstance(piece, Outcome) else "page"
                say(channel, kind=kind, value=asdict(piece))
    except Exception as error:
        memory = lacks_memory(error)
        ours = isinstance(error, SearchTransferError)
        say(
            channel,
            kind="fault",
            cause="memory" if memory else "refusal" if ours else "fault",
            message=str(error),
            trace=traceback.format_exc(),
        )
    else:
        say(channel, kind="done")


def read_order(value: dict[str, Any]) -> Order:
    """An order as the parent wrote it."""
    uploads: dict[str, Any] = {
        kind: tuple(
            Upload(id, name, path, (size[0], size[1]), count)
            for id, name, path, size, count in value[kind]
        )
        for kind in ("small", "references")
    }
    return Order(**{**value, **uploads})


def say(channel: TextIO, **message: Any) -> None:
    """One line for the parent."""
    channel.write(json.dumps(message) + "\n")
    channel.flush()


def _leave_with_parent(parent: int) -> None:
    """End where the server was killed: nobody waits for this any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    main()
