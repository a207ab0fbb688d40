# SPDX-License-Identifier: Apache-2.0
"""All crops of a run, before its first step: shared among processes, and gone on with."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import ConfigError, TrainingError
from ..children import serve_only_the_parent
from ..task import Preparation
from .config import FusionConfig
from .crops import crop_file
from .manifest import Manifest
from .prepare import prepare
from .sources import Sources, find_sources
from .teacher import Teacher

TRAIN, HELD_OUT = "train", "held-out"


class _Job(NamedTuple):
    """A crop to make."""

    photos: Path
    out: Path
    number: int
    seed: int
    held_out: bool
    teacher: Path | None


def crop_folder(config: FusionConfig) -> Path:
    """Where the crops of a run are; `train` and `held-out` are in it."""
    return config.data.prepared or config.run.folder / "crops"


def prepare_all(config: FusionConfig, how: Preparation) -> None:
    """Make the crops that are not stored yet, those that are held out first.

    Raises:
        ConfigError: there are no photos; or what is stored was made with other settings.
        DataError: the photos cannot be used, or the teacher cannot be read.
        TrainingError: a process that prepares died.
    """
    folder, seed = crop_folder(config), config.seed
    if how.process == 0:
        Manifest.of(config).settle(folder)
    how.meet()
    photos, teacher = config.data.photos, config.teacher.files
    jobs = [
        _Job(photos, folder / HELD_OUT, number, seed + 1, True, None)
        for number in range(config.validation.crops)
    ]
    jobs += [
        _Job(photos, folder / TRAIN, number, seed + 2, False, teacher)
        for number in range(config.data.crops)
    ]
    missing = [job for job in jobs if not crop_file(job.out, job.number).exists()]
    how.meet()  # all have looked before the first crop is made
    if missing and not photos.is_dir():
        raise ConfigError(f"data.photos: there is no folder {photos}; name it with --data")
    mine = missing[how.process :: how.processes]
    done = len(jobs) - len(missing)
    for _ in _made(mine, how.workers, how.stop):
        done = min(len(jobs), done + how.processes)
        how.tell(done, len(jobs))
    how.meet()


def _made(jobs: list[_Job], workers: int, stop: Callable[[], bool]) -> Iterator[None]:
    """Work through the jobs, here or in other processes; yields after each."""
    if not workers or len(jobs) < 2:
        for job in jobs:
            if stop():
                return
            _make(job)
            yield
        return
    context = multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // workers)
    with ProcessPoolExecutor(workers, context, _begin, (threads,)) as pool:
        futures: list[Future[None]] = [pool.submit(_make, job) for job in jobs]
        try:
            for future in as_completed(futures):
                future.result()
                yield
                if stop():
                    return
        except BrokenProcessPool as error:
            raise TrainingError(
                f"a process that prepares crops died ({error}). Often memory is too small for "
                "run.workers; lower it and start again: finished crops are kept"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(threads: int) -> None:
    """In each process of the pool."""
    serve_only_the_parent()
    torch.set_num_threads(threads)


def _make(job: _Job) -> None:
    sources, teacher = _sources(job.photos, job.held_out), _teacher(job.teacher)
    prepare(sources, job.out, range(job.number, job.number + 1), job.seed, teacher)


@cache
def _sources(photos: Path, held_out: bool) -> Sources:
    return find_sources(photos, held_out)


@cache
def _teacher(files: Path | None) -> Callable[[Tensor], Tensor] | None:
    return None if files is None else Teacher(files)
