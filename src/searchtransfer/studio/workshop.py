# SPDX-License-Identifier: Apache-2.0
"""Jobs, one at a time, in a process that can be ended at any moment (`worker.py`)."""

import logging
import queue
import secrets
import shutil
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import OptionError
from .course import Course, Moment
from .faults import NO_MEMORY, OURS, Cancelled, Fault, OutOfTime, explain
from .job import Outcome, Page
from .limits import Limits
from .orders import HELD, Order, Settings
from .process import WorkerProcess, memory_of_machine
from .scrubbing import scrubbed

log = logging.getLogger(__name__)

LOOK = 0.1
"""Seconds between two looks at whether a job is to end."""

TELLING = 10.0
"""Seconds of a job that shows how fast this machine is; shorter ones count in part."""


class Job:
    """An order on its way. What it has made can be read at any time.

    Args:
        order: what is to be done.
        settings: what was chosen on the page for it.
        folder: where the files go.
        run: a number that their names have.
    """

    def __init__(self, order: Order, settings: Settings, folder: Path, run: int) -> None:
        self.order, self.settings, self.folder, self.run = order, settings, folder, run
        self.outcomes: list[Outcome] = []
        self.pages: dict[int, str] = {}
        """Files of inspectors, by the number of their small image."""
        self.fault: Fault | None = None
        self.done = threading.Event()
        self.cancelled = threading.Event()
        self.course: Course | None = None
        """None while it waits for its turn."""

    @property
    def moment(self) -> Moment | None:
        """How far it is; None while it waits."""
        return None if self.course is None else self.course.now()

    def cancel(self) -> None:
        """End it."""
        self.cancelled.set()


class Workshop:
    """Does jobs in the order in which they come."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.pace = 1.0
        """How many times longer than `Order.work` says a job takes here."""
        self._most = limits.job_bytes or memory_of_machine()
        self._queue: list[Job] = []
        self._turn = threading.Condition()
        self._process: WorkerProcess | None = None
        self._closed = False

    def begin(self, job: Job) -> None:
        """Put a job in the queue.

        Raises:
            OptionError: the queue is full.
        """
        with self._turn:
            if self._closed or len(self._queue) > self.limits.waiting:
                raise OptionError(
                    f"{self.limits.waiting} jobs are waiting already, as many as are allowed; "
                    "try again later"
                )
            self._queue.append(job)
        threading.Thread(target=self._run, args=(job,), name="job", daemon=True).start()

    def ahead(self, job: Job) -> int:
        """How many jobs come before this one."""
        with self._turn:
            return self._queue.index(job) if job in self._queue else 0

    def expected(self, order: Order) -> float:
        """Seconds that an order will take, about."""
        return order.work * self.pace

    def warm(self) -> None:
        """Start a worker before it is needed, for that takes seconds; one that died is replaced."""
        with self._turn:
            if self._process is not None and self._process.popen.poll() is not None:
                self._process.end()
                self._process = None
            if self._process is None and not self._closed:
                self._process = WorkerProcess()

    def close(self) -> None:
        """End everything."""
        with self._turn:
            self._closed = True
            for job in self._queue:
                job.cancel()
            process, self._process = self._process, None
        if process is not None:
            process.end()

    def _run(self, job: Job) -> None:
        try:
            self._wait(job)
            started = time.monotonic()
            job.course = Course(len(job.order.small), self.expected(job.order))
            self._work(job, started + self.limits.job_seconds)
            if job.fault is None:
                self._learn(job.order, time.monotonic() - started)
        except Exception as error:
            if job.fault is None:
                job.fault = explain(error, job.order.names)
        finally:
            shutil.rmtree(job.folder / HELD, ignore_errors=True)
            with self._turn:
                self._queue.remove(job)
                self._turn.notify_all()
            job.done.set()
            if not self._closed:
                self.warm()

    def _learn(self, order: Order, seconds: float) -> None:
        """Take into account how long a job took."""
        weight = min(1.0, seconds / TELLING)
        self.pace += weight * (seconds / order.work - self.pace)

    def _wait(self, job: Job) -> None:
        with self._turn:
            while self._queue[0] is not job:
                if job.cancelled.is_set():
                    raise Cancelled
                self._turn.wait(LOOK)

    def _work(self, job: Job, deadline: float) -> None:
        self.warm()
        with self._turn:
            process = self._process
        if process is None:
            raise Cancelled
        keep = False
        try:
            process.ask(
                {
                    "order": asdict(job.order),
                    "folder": str(job.folder),
                    "run": job.run,
                    "photo_pixels": self.limits.photo_pixels,
                }
            )
            keep = self._follow(job, process, deadline)
        except BrokenPipeError:
            job.fault = process.died()
        finally:
            if not keep or process.has_grown:
                with self._turn:
                    if self._process is process:
                        self._process = None
                process.end()

    def _follow(self, job: Job, process: WorkerProcess, deadline: float) -> bool:
        """Hear what the worker says; returns whether it can do another job."""
        while True:
            if job.cancelled.is_set():
                raise Cancelled
            if time.monotonic() > deadline:
                raise OutOfTime(
                    f"Stopped, for a job may take {self.limits.job_seconds:.0f} seconds here. Use "
                    "a smaller image, fewer references, or the command line, which has no limit."
                )
            held = process.memory()
            if held is not None and self._most is not None and held > self._most:
                job.fault = Fault(NO_MEMORY)
                return False
            try:
                message = process.said.get(timeout=LOOK)
            except queue.Empty:
                continue
            if message is None:
                job.fault = process.died()
                return False
            if message["kind"] == "done":
                return True
            if message["kind"] == "fault":
                job.fault = _fault(message, job.order)
                return True
            self._hear(job, message)

    @staticmethod
    def _hear(job: Job, message: dict[str, Any]) -> None:
        if message["kind"] == "progress" and job.course is not None:
            job.course.progressed(message["stage"], message["done"], message["part"])
        elif message["kind"] == "outcome":
            job.outcomes.append(_outcome(message["value"]))
        elif message["kind"] == "page":
            page = Page(**message["value"])
            job.pages[page.number] = page.file


def _outcome(value: dict[str, Any]) -> Outcome:
    """JSON knows no tuples."""
    fields: dict[str, Any] = {k: tuple(x) if isinstance(x, list) else x for k, x in value.items()}
    return Outcome(**fields)


def _fault(message: dict[str, str], order: Order) -> Fault:
    """What a worker says went wrong, in words for visitors and in the log."""
    if message["cause"] == "fault":
        number = secrets.token_hex(4)
        log.error("fault %s: %s\n%s", number, message["message"], message["trace"])
        return Fault(OURS, number)
    log.info("refused: %s\n%s", message["message"], message["trace"])
    words = NO_MEMORY
    if message["cause"] == "refusal":
        words = scrubbed(message["message"], order.names)
    return Fault(words[:1].upper() + words[1:])
