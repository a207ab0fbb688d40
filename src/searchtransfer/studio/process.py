# SPDX-License-Identifier: Apache-2.0
"""A worker as the server sees it: a process that is asked, says things, and can be ended."""

import json
import logging
import os
import queue
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..process.children import deaf_from_the_start
from .faults import NO_MEMORY, Fault
from .limits import MIB

log = logging.getLogger(__name__)

GROWN = 256 * MIB
"""A worker that holds so much more than a fresh one after its job is replaced by a fresh one."""


class WorkerProcess:
    """A worker, and what it says."""

    def __init__(self) -> None:
        source = str(Path(__file__).parents[2])
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        with deaf_from_the_start():
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "searchtransfer.studio.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                text=True,
                encoding="utf-8",
            )
        self.said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.fresh: int | None = None
        threading.Thread(target=self._listen, name="listener", daemon=True).start()

    def _listen(self) -> None:
        assert self.popen.stdout is not None  # noqa: S101
        for line in self.popen.stdout:
            message = json.loads(line)
            if message["kind"] == "ready":
                self.fresh = self.memory()
            else:
                self.said.put(message)
        self.said.put(None)

    def ask(self, request: dict[str, Any]) -> None:
        """Give it an order."""
        assert self.popen.stdin is not None  # noqa: S101
        self.popen.stdin.write(json.dumps(request) + "\n")
        self.popen.stdin.flush()

    def memory(self) -> int | None:
        """Bytes that it holds; None where nobody can say."""
        try:
            pages = int(Path(f"/proc/{self.popen.pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def has_grown(self) -> bool:
        """Whether it holds on to what it no longer needs."""
        now = self.memory()
        return now is not None and self.fresh is not None and now > self.fresh + GROWN

    def end(self) -> None:
        """At once."""
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    log.debug("a pipe to a worker was broken")

    def died(self) -> Fault:
        """It ended by itself: nearly always the system took it for its memory."""
        number = secrets.token_hex(4)
        log.error("fault %s: a worker ended with status %s", number, self.popen.wait())
        return Fault(NO_MEMORY, number)


def memory_of_machine() -> int | None:
    """Three quarters of the memory there is; None where nobody can say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4
    except (AttributeError, ValueError, OSError):
        return None
