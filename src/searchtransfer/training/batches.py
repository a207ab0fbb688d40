# SPDX-License-Identifier: Apache-2.0
"""Which process works on which samples, in which order.

A step takes the next `batch` draws, however many processes and parts there are: chunks of them go
round the processes, so that what is learned depends on neither number.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import wait
from typing import Any

from torch.utils.data import DataLoader, Dataset
from torch.utils.data._utils.signal_handling import _set_SIGCHLD_handler

from ..errors import ConfigError, TrainingError
from ..process.children import deaf_from_the_start, serve_only_the_parent
from .data.sampler import DrawSampler

DYING = 2.0
"""Seconds that a process may take between closing its files and being dead."""


@dataclass(frozen=True)
class Division:
    """How a batch is divided."""

    batch: int
    parts: int = 1
    """Worked through one after another by each process."""
    processes: int = 1
    process: int = 0
    """The number of this one."""

    def __post_init__(self) -> None:
        if self.batch % (self.parts * self.processes):
            raise ConfigError(
                f"batch: {self.batch} samples cannot be divided evenly over {self.processes} "
                f"processes and {self.parts} parts (run.accumulate); choose a multiple of "
                f"{self.parts * self.processes}"
            )

    @property
    def chunk(self) -> int:
        """Samples of one part on one process."""
        return self.batch // (self.parts * self.processes)

    def slices(self) -> list[slice]:
        """Where this process's parts lie in the batch."""
        starts = range(self.process * self.chunk, self.batch, self.processes * self.chunk)
        return [slice(start, start + self.chunk) for start in starts]


@dataclass(frozen=True)
class Chunks:
    """Lists of draws for a `DataLoader`: `parts` lists a step, of this process only."""

    division: Division
    length: int
    """Of the data set."""
    start: int
    """First step."""
    stop: int
    """First step that is not taken."""
    seed: int

    def __len__(self) -> int:
        return (self.stop - self.start) * self.division.parts

    def __iter__(self) -> Iterator[list[int]]:
        batch = self.division.batch
        draws = iter(
            DrawSampler(self.length, self.stop * batch, self.start * batch, seed=self.seed)
        )
        for _ in range(self.start, self.stop):
            step = list(islice(draws, batch))
            yield from (step[part] for part in self.division.slices())


def steps_of(
    dataset: Dataset[Any],
    collate: Callable[[Any], Any],
    chunks: Chunks,
    workers: int,
    pin_memory: bool = False,
) -> Iterator[list[Any]]:
    """For each step the batches of this process's parts.

    Raises:
        ReadersDied: a process that reads samples is gone; said between two steps, never within one.
    """
    loader = DataLoader(
        dataset,
        batch_sampler=chunks,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pin_memory,
        worker_init_fn=_begin_to_read,
    )
    with _deaths_are_found_when_reading():
        with deaf_from_the_start():
            batches = iter(loader)
        for _ in range(chunks.start, chunks.stop):
            try:
                step = list(islice(batches, chunks.division.parts))
            except Exception as error:
                ends = _ends_of_readers(batches)
                if not ends:
                    raise
                raise ReadersDied(
                    f"a process that reads photos died ({ends}). Often memory "
                    "or shared memory is too small for run.workers; lower it and resume"
                ) from error
            yield step


class ReadersDied(TrainingError):
    """A process that reads samples is gone."""


def _begin_to_read(number: int) -> None:
    serve_only_the_parent()


def _ends_of_readers(batches: Any) -> str:
    """How readers ended that are dead or about to die; then the others are ended too.

    The error that comes first says little: torch tells of a dead reader, but what a dying one sent
    may fail to arrive before that, in any way that a pipe or a socket can fail. None is left that
    could die later, where torch's own handler would tell it, or be waited for when Python ends.
    """
    readers = getattr(batches, "_workers", [])
    gone = wait([reader.sentinel for reader in readers], DYING if readers else 0)
    for reader in readers:
        if reader.sentinel not in gone:
            reader.kill()
        reader.join()
    return ", ".join({_end(reader.exitcode): 0 for reader in readers if reader.sentinel in gone})


def _end(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {-code}: {signal.strsignal(-code) or 'unknown'}"


@contextmanager
def _deaths_are_found_when_reading() -> Iterator[None]:
    """Take away the handler by which torch tells of a dead reader, which it sets for good.

    It raises wherever the program happens to be, in the middle of a step or of a checkpoint. Dead
    readers are found all the same when the next samples are waited for.
    """
    child = getattr(signal, "SIGCHLD", None)
    if child is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    _set_SIGCHLD_handler()  # now, since torch sets it once in a process
    torchs = signal.signal(child, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(child, torchs)
