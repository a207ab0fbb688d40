# SPDX-License-Identifier: Apache-2.0
"""All crops of a run, before its first step: shared among processes, and gone on with."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import ConfigError, TrainingError
from ...files import clear_leftovers
from ...models.symmetries import mean_over
from ...process.children import deaf_from_the_start, serve_only_the_parent
from ..data.views import Views
from ..degradations import Album, Recipe
from ..task import Preparation
from .config import FusionConfig
from .crops import crop_file
from .drawing import Sources
from .manifest import Manifest, held_out
from .prepare import prepare
from .sources import find_sources
from .split import Split
from .teacher import Teacher

TRAIN, HELD_OUT = "train", "held-out"


class _Ways(NamedTuple):
    """How pictures are made of photos; see `find_sources`."""

    views: Views
    recipe: Recipe
    album: Album
    scale: int

    @classmethod
    def of(cls, config: FusionConfig) -> "_Ways":
        data = config.data
        recipe = data.degradations.model_dump()
        album = recipe.pop("references")
        return cls(
            Views(**data.views.model_dump()), Recipe(**recipe), Album(**album), config.model.scale
        )


class _Job(NamedTuple):
    """A crop to make."""

    photos: Path
    out: Path
    number: int
    seed: int
    held_out: bool
    split: Split
    how: _Ways
    teacher: Path | None = None
    symmetries: int = 1
    """That the teacher is shown the crop in."""


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
    taught = config.teacher.files, config.teacher.symmetries
    if how.process == 0:
        Manifest.of(config).settle(folder)
    how.meet()
    parts = ((HELD_OUT, config.validation.crops), (TRAIN, config.data.crops))
    wanted = [(part, number) for part, count in parts for number in range(count)]
    missing = [(p, number) for p, number in wanted if not crop_file(folder / p, number).exists()]
    how.meet()  # all have looked before the first crop is made
    if not missing:
        return
    photos = config.data.photos
    if not photos.is_dir():
        raise ConfigError(f"data.photos: there is no folder {photos}; name it with --data")
    if how.process == 0:
        held_out(folder, config.data.held_out, photos, config.model.scale)
    how.meet()
    split = held_out(folder, config.data.held_out, photos, config.model.scale)
    ways = _Ways.of(config)
    jobs = [
        _Job(photos, folder / HELD_OUT, number, seed + 1, True, split, ways)
        if part == HELD_OUT
        else _Job(photos, folder / TRAIN, number, seed + 2, False, split, ways, *taught)
        for part, number in missing[how.process :: how.processes]
    ]
    done = len(wanted) - len(missing)
    for unusable in _made(jobs, how.workers, how.stop):
        how.skip(unusable)
        done = min(len(wanted), done + how.processes)
        how.tell(done, len(wanted))
    how.meet()


def _made(jobs: list[_Job], workers: int, stop: Callable[[], bool]) -> Iterator[list[str]]:
    """Work through the jobs, here or in other processes; after each, what could not be used."""
    if not workers or len(jobs) < 2:
        for job in jobs:
            if stop():
                return
            yield _make(job)
        return
    context = multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // workers)
    with ProcessPoolExecutor(workers, context, _begin, (threads,)) as pool:
        with deaf_from_the_start():
            futures: list[Future[list[str]]] = [pool.submit(_make, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
                if stop():
                    return
        except BrokenProcessPool as error:
            pool.shutdown(wait=True)
            for folder in {job.out for job in jobs}:
                clear_leftovers(folder)  # a killed process cannot
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


def _make(job: _Job) -> list[str]:
    sources = _sources(job.photos, job.held_out, job.split, job.how)
    before = set(sources.unusable)
    numbers = range(job.number, job.number + 1)
    prepare(sources, job.out, numbers, job.seed, _teacher(job.teacher, job.symmetries))
    return sorted(sources.unusable - before)


@cache
def _sources(photos: Path, held_out: bool, split: Split, ways: _Ways) -> Sources:
    return find_sources(photos, held_out, split, *ways)


@cache
def _teacher(files: Path | None, symmetries: int) -> Callable[[Tensor], Tensor] | None:
    return None if files is None else partial(mean_over, symmetries, Teacher(files))
