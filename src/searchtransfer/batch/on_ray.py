# SPDX-License-Identifier: Apache-2.0
"""The engine of a Ray cluster: actors of Ray Data hold the model and the latest references.

Ray gives the items of a lost worker to another one. See `docs/design/many-machines.md`.
"""

import os
import pickle
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch

from .. import __version__
from ..errors import BackendError, OptionError
from ..foreign import short
from ..process.stop import Stop
from .cluster import check, connected
from .maker import Made, Maker, not_begun
from .plan import Job
from .processes import need_manifest
from .run import Engine
from .staged import Staged
from .watcher import Watcher

MOST_BLOCKS = 2000
"""Parts that a batch is divided into, at most: what a lost worker was at is looked at again."""

PAUSE = 0.1
"""Seconds between two looks at whether to stop."""


def on_ray(address: str | None = None, workers: int | None = None) -> Engine:
    """An engine on a Ray cluster.

    Inputs, references and outputs must be elsewhere, or at the same paths on all machines, and the
    same version of this package installed.

    Args:
        address: `HOST:PORT`, or `auto`; None: this machine.
        workers: how many; None: one for each processor of the cluster. Processors are divided.

    Raises:
        OptionError: workers is below 1, or this is no address.
        BackendError: no cluster answers there, or it does not take us.
        MissingExtraError: Ray is not installed.
    """
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise OptionError(f"--workers must be a whole number from 1 on, got {workers!r}")
    check(address)  # at once, before models are loaded and files are looked at

    def engine(maker: Maker, jobs: Iterator[Job], watcher: Watcher, stop: Stop) -> Iterator[Made]:
        need_manifest(maker)
        with connected(address, workers) as ray:
            yield from _run(ray, maker, list(jobs), workers, stop)

    return engine


def _run(
    ray: Any, maker: Maker, jobs: Sequence[Job], workers: int | None, stop: Stop
) -> Iterator[Made]:
    if not jobs:
        return
    processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
    count = min(workers or processors, processors, len(jobs))
    threads = max(1, processors // (workers or processors))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    rows = [{"number": number, "job": pickle.dumps(job)} for number, job in enumerate(jobs)]
    plan = ray.put(pickle.dumps(maker))
    # Whoever needs no file of this machine needs none of its folders either.
    remote = isinstance(maker, Staged) and all(map(maker.elsewhere.is_all_of, jobs))
    folder = None if remote else str(Path.cwd())
    made = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS)).map(
        _Worker,
        fn_constructor_args=[plan, threads, folder, __version__],
        compute=ray.data.ActorPoolStrategy(size=count),
        num_cpus=threads,
    )
    waiting = dict(enumerate(jobs))
    for row in _in_thread(made.iter_rows(), stop):
        if waiting.pop(row["number"], None) is None:
            continue
        done: Made = pickle.loads(row["made"])  # noqa: S301  our own workers' words
        yield done
        if done.disk_full:
            break
    for job in waiting.values():
        yield Made(not_begun(job))


def _in_thread(rows: Iterable[Any], stop: Stop) -> Iterator[Any]:
    """Rows as they come; Ray's own waiting cannot be broken off.

    Raises:
        Stopped: it was asked for.
        BackendError: the cluster is lost, or its workers cannot work.
    """
    heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        try:
            for row in rows:
                heard.put(("row", row))
            heard.put(("end", None))
        except BaseException as error:
            heard.put(("error", error))

    threading.Thread(target=listen, name="ray rows", daemon=True).start()
    while True:
        stop.check()
        try:
            kind, said = heard.get(timeout=PAUSE)
        except queue.Empty:
            continue
        if kind == "end":
            return
        if kind == "error":
            raise BackendError(
                "--engine ray: the cluster cannot go on; is the same version of searchtransfer "
                "installed on all machines, and are the folders there? What is finished stays, "
                f"--on-exists skip goes on: {short(_last_words(said), 400)}"
            ) from said
        yield said


def _last_words(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__


class _Worker:
    """An actor: a process somewhere that makes one item after the other."""

    def __init__(self, plan: Any, threads: int, folder: str | None, version: str) -> None:
        import ray

        if version != __version__:
            raise RuntimeError(f"searchtransfer {__version__} is installed here, not {version}")
        if folder is not None:
            os.chdir(folder)  # paths are those of whoever asked
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        self._maker: Maker = pickle.loads(ray.get(plan))  # noqa: S301
        self._stop = Stop()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Make an item."""
        job: Job = pickle.loads(row["job"])  # noqa: S301
        made = self._maker(job, lambda stage, done: None, self._stop)
        return {"number": row["number"], "made": pickle.dumps(made)}
