# SPDX-License-Identifier: Apache-2.0
"""The engine of several processes on this machine; one that is lost is replaced, its item too.

The parent gives each worker one item at a time through a pipe, so it knows what a worker was at
when its pipe closes. See `docs/design/many-machines.md`.
"""

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import cv2
import torch

from ..errors import OptionError
from ..process.children import deaf_from_the_start, serve_only_the_parent
from ..process.stop import Stop, Stopped
from .maker import Made, Maker, name_of
from .outcome import Outcome
from .plan import Job
from .run import Engine
from .watcher import Watcher

TRIES = 2
"""Workers that an item may lose before it is taken for what ends them."""

PAUSE = 0.1
"""Seconds between two looks at whether to stop."""

PATIENCE = 10.0
"""Seconds that a file which is being written may take when the work is stopped."""

log = logging.getLogger("searchtransfer")


def processes(count: int, threads: int | None = None) -> Engine:
    """An engine of several processes.

    Programs that use it need the usual `if __name__ == "__main__":`, since the processes are
    started by `spawn`.

    Args:
        count: of processes.
        threads: of each; None: those of this process, divided.

    Raises:
        OptionError: count is below 1, or the batch has no manifest, by which an item that a lost
            worker has finished is known.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise OptionError(f"--jobs must be a whole number from 1 on, got {count!r}")
    each = threads or max(1, torch.get_num_threads() // count)

    def engine(maker: Maker, jobs: Iterator[Job], watcher: Watcher, stop: Stop) -> Iterator[Made]:
        need_manifest(maker)
        return _Pool(maker, count, each).run(jobs, watcher, stop)

    return engine


def need_manifest(maker: Maker) -> None:
    """Raise unless a batch has a manifest.

    Raises:
        OptionError: it has none.
    """
    if maker.manifest is None:
        raise OptionError(
            "several workers need an output folder, whose manifest tells what lost ones have done; "
            "give one (-o FOLDER/)"
        )


class _Flag:
    """A `threading.Event` for several processes that holds no lock.

    That of `multiprocessing` asks with a lock held: a worker that is killed then stops all others.
    """

    def __init__(self, context: Any) -> None:
        self._value = context.RawValue("b", 0)

    def is_set(self) -> bool:
        return bool(self._value.value)

    def set(self) -> None:
        self._value.value = 1


@dataclass(eq=False)
class _Worker:
    process: Any
    pipe: Connection
    writing: Any
    """Held by it while it writes files."""
    job: Job | None = None
    taken: bool = True
    """Whether its item may be what ends it: not until it says that it has it, but for the first,
    which counts from the start, so that what cannot start is not started for ever."""


class _Pool:
    def __init__(self, maker: Maker, count: int, threads: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._maker, self._count, self._threads = maker, count, threads
        self._stop = _Flag(self._context)
        self._workers: list[_Worker] = []
        self._losses: dict[Job, int] = {}

    def run(self, jobs: Iterator[Job], watcher: Watcher, stop: Stop) -> Iterator[Made]:
        """Make the items, in the order in which they are ready."""
        with stop.writing:  # whoever holds it next knows that no worker writes
            try:
                yield from self._run(jobs, watcher, stop)
            finally:
                self._end()

    def _run(self, jobs: Iterator[Job], watcher: Watcher, stop: Stop) -> Iterator[Made]:
        again: list[Job] = []
        more = True
        while True:
            stop.check()
            idle = [x for x in self._workers if x.job is None]
            while more or again:
                if not idle and len(self._workers) == self._count:
                    break
                job = again.pop() if again else next(jobs, None)
                if job is None:
                    more = False
                    break
                worker = idle.pop() if idle else self._begin()
                worker.job = job
                try:
                    worker.pipe.send(job)
                except OSError:  # lost; its pipe tells below
                    continue
            busy = [x for x in self._workers if x.job is not None]
            if not busy:
                return
            ready = wait([x.pipe for x in busy], PAUSE)
            for worker in [x for x in busy if x.pipe in ready]:
                yield from self._heard(worker, again, watcher)

    def _heard(self, worker: _Worker, again: list[Job], watcher: Watcher) -> Iterator[Made]:
        """What a worker says, or what becomes of its item if it is lost."""
        job = worker.job
        if job is None:
            return
        try:
            kind, said = worker.pipe.recv()
        except (EOFError, OSError):
            code = self._lost(worker)
            self._losses[job] = self._losses.get(job, 0) + worker.taken
            if self._losses[job] < TRIES:
                log.warning("a worker process was lost (%s); its item is done again", code)
                again.append(job)
                return
            message = (
                f"{name_of(job)}: {TRIES} worker processes ended while they made it ({code}); "
                "probably memory lacks: use fewer (--jobs), or smaller tiles (--tile 128)"
            )
            yield Made(Outcome(job, "failed", error=message))
            return
        if kind == "taken":
            worker.taken = True
        elif kind == "begun":
            watcher.started(job)
        elif kind == "log":
            log.handle(said)
        else:
            worker.job, worker.taken = None, False
            yield said

    def _begin(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        writing = self._context.Lock()
        process = self._context.Process(
            target=_work,
            args=(theirs, self._maker, self._threads, self._stop, writing, log.level),
            daemon=True,
        )
        with deaf_from_the_start():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, writing)
        self._workers.append(worker)
        return worker

    def _lost(self, worker: _Worker) -> str:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        code = worker.process.exitcode
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def _end(self) -> None:
        """End all workers, none in the middle of a file."""
        self._stop.set()
        for worker in self._workers:
            worker.pipe.close()  # an idle worker ends by it
        until = time.monotonic() + PATIENCE
        for worker in self._workers:
            if worker.job is not None:
                while worker.process.is_alive() and time.monotonic() < until:
                    if worker.writing.acquire(timeout=PAUSE):
                        break
                worker.process.kill()
        for worker in self._workers:
            worker.process.join()


class _Forwarding(logging.Handler):
    """Sends what is logged to the parent."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self._send(("log", record))


def _work(
    pipe: Connection, maker: Maker, threads: int, stopped: Any, writing: Any, level: int
) -> None:
    """Make one item after the other, until the parent closes the pipe."""
    serve_only_the_parent()
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    stop = Stop()
    stop.requested, stop.writing = stopped, writing
    lock = threading.Lock()

    def send(what: object) -> None:
        with lock:
            pipe.send(what)

    log.setLevel(level)
    log.addHandler(_Forwarding(send))
    try:
        while True:
            job = pipe.recv()
            send(("taken", None))
            send(("made", maker(job, lambda stage, done: stop.check(), stop, _telling(send))))
    except (EOFError, OSError, Stopped):
        return


def _telling(send: Callable[[Any], None]) -> Callable[[], None]:
    return lambda: send(("begun", None))
