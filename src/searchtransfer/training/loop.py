# SPDX-License-Identifier: Apache-2.0
"""Training from a configuration: steps, validations, checkpoints, and what may go wrong."""

import json
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import safetensors.torch
import torch
from accelerate.utils import gather_object
from torch import Tensor

from ..errors import DataError, NonFiniteError, OutputError, TrainingError
from ..files import write_file
from ..process.signals import StopRequest, stop_request
from ..weights import save_weights
from .batches import Chunks, Division, ReadersDied, steps_of
from .checkpoint import latest_checkpoint, set_aside, write_checkpoint
from .config import TrainConfig
from .data import SkipLog
from .folder import run_folder
from .journal import Journal, mean_psnr
from .learner import Learner
from .processes import accelerator_for, over_all
from .progress import Outcome, Progress
from .resumption import require_same_run, what_differs
from .schedule import rate_share, stretch_at, stretches
from .task import Preparation
from .tasks import task_for


def train(
    config: TrainConfig,
    *,
    resume: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Train a network.

    With several processes (`accelerate launch`), each calls this; only the first one writes. What
    is learned depends neither on their number nor on `run.accumulate`, up to rounding.

    Args:
        config: see `load_config`.
        resume: go on from the last usable checkpoint in the folder, if there is one; the curve is
            that of a run without interruption.
        on_progress: called in the first process after each step and validation, and with notes.
            Without it, notes are warnings.

    Raises:
        ConfigError, DataError, WeightsError, OutputError: found before any work, wherever possible.
        TrainingError: a loss is NaN or infinite, or a process that reads photos died; the last
            checkpoint is kept.
        DataError: more photos could not be used than allowed.
    """
    with torch.random.fork_rng():
        return _Training(config, resume, on_progress).run()


class _Training:
    def __init__(
        self, config: TrainConfig, resume: bool, report: Callable[[Progress], None] | None
    ) -> None:
        self.config, self.resume, self.report = config, resume, report
        self.accelerator = accelerator_for(config.run)
        self.division = Division(
            config.batch,
            config.run.accumulate,
            self.accelerator.num_processes,
            self.accelerator.process_index,
        )
        self.task = task_for(config)
        self.dataset = self.task.dataset()
        self.validator = self.task.validator()
        self.plan = stretches(config.phases, len(self.dataset), config.batch)  # type: ignore[arg-type]
        self.steps = self.plan[-1].stop
        self.last = min(self.steps, config.run.stop_after or self.steps)
        self.skips = SkipLog(config.data.max_skipped)
        self.unvalidated: set[str] = set()
        self.folder = config.run.folder
        self.clock = time.monotonic()
        self.taken = 0
        """Steps."""

    def run(self) -> Outcome:
        learner = Learner(self.task, self.config, self.accelerator)
        with self._first_process_holds_the_folder(), stop_request() as stop:
            start, seconds = self._go_on(learner)
            self._prepare(start, stop)
            self.clock = time.monotonic() - seconds
            journal = Journal(self.folder, start) if self._first else None
            try:
                return self._loop(learner, journal, start, stop)
            except (DataError, ReadersDied, OutputError):
                self._keep(learner)
                raise
            finally:
                if journal is not None:
                    journal.close()

    def _loop(
        self, learner: Learner, journal: Journal | None, start: int, stop: StopRequest
    ) -> Outcome:
        run = self.config.run
        self.taken, interrupted = start, self._anyone(stop.made)
        if start and not interrupted and self._due(start, self.config.validation.every):
            self._validate(learner, journal, start)
        for parts in self._batches(start) if not interrupted else ():
            stretch = stretch_at(self.plan, self.taken)
            share = rate_share(self.config.optimiser, self.taken, self.steps)
            parts = [_moved(part, self.accelerator.device) for part in parts]
            try:
                losses = learner.learn(parts, self.taken, stretch.phase, share, self.division)
            except NonFiniteError as error:
                self._give_up(self.taken, parts, error)
            self.taken = step = self.taken + 1
            if journal is not None and self._due(step, run.log_every):
                rate = learner.rates["optimiser"][0] * share
                journal.step(step, losses, rate, self._seconds)
            self._tell(Progress(step, self.steps, stretch.phase.name, losses))
            interrupted = self._agree(parts, stop.made)
            if interrupted or self._due(step, run.checkpoint_every):
                self._save(learner, step)
            if interrupted:
                break
            if self._due(step, self.config.validation.every):
                self._validate(learner, journal, step)
        return self._outcome(learner, journal, self.taken, interrupted)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self.clock

    @property
    def _first(self) -> bool:
        return bool(self.accelerator.is_main_process)

    def _due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == self.last

    def _tell(self, progress: Progress) -> None:
        if not self._first:
            return
        if self.report is not None:
            self.report(progress)
        elif progress.note:
            warnings.warn(progress.note, stacklevel=2)

    @contextmanager
    def _first_process_holds_the_folder(self) -> Iterator[None]:
        if self._first:
            with run_folder(self.folder, self.resume):
                self.accelerator.wait_for_everyone()
                yield
        else:
            self.accelerator.wait_for_everyone()
            yield

    def _prepare(self, start: int, stop: StopRequest) -> None:
        def tell(done: int, pieces: int) -> None:
            self._tell(Progress(start, self.steps, prepared=(done, pieces)))

        how = Preparation(
            self.accelerator.process_index,
            self.accelerator.num_processes,
            self.config.run.workers,
            lambda: stop.made,
            tell,
            self.skips.add,
            self.accelerator.wait_for_everyone,
        )
        self.task.prepare(how)

    def _go_on(self, learner: Learner) -> tuple[int, float]:
        """Load the last usable checkpoint; the step and the seconds it was taken at."""
        folder = self.folder / "checkpoints"
        checkpoint, faults = latest_checkpoint(folder)
        self.accelerator.wait_for_everyone()
        if self._first:
            set_aside(faults)
        if checkpoint is None:
            return 0, 0.0
        state = checkpoint.state
        require_same_run(state["config"], self.config)
        learner.load(checkpoint)
        self.skips.reasons.update(state["skipped"])
        step = int(state["step"])
        for fault in faults.values():
            self._tell(Progress(step, self.steps, note=f"{fault}; the one before is used"))
        changed = what_differs(state["config"], self.config)
        if changed:
            text = f"resumed with other settings than before: {', '.join(changed)}"
            self._tell(Progress(step, self.steps, note=text))
        self._tell(Progress(step, self.steps, note=f"resumed at step {step} of {self.steps}"))
        return min(step, self.steps), float(state["seconds"])

    def _batches(self, start: int) -> Iterator[list[Any]]:
        chunks = Chunks(
            self.division,
            len(self.dataset),  # type: ignore[arg-type]
            start,
            max(start, self.last),
            self.config.seed,
        )
        pin = self.accelerator.device.type == "cuda"
        return steps_of(self.dataset, self.task.collate, chunks, self.config.run.workers, pin)

    def _agree(self, parts: list[Any], stop: bool) -> bool:
        """Gather what was skipped; true if any process was asked to stop."""
        mine = [reason for part in parts for reason in part.skipped]
        if self.accelerator.num_processes == 1:
            self.skips.add(mine)
            return stop
        counts = torch.tensor(
            [len(mine), int(stop)], dtype=torch.int64, device=self.accelerator.device
        )
        skipped, stops = over_all(self.accelerator, counts, "sum").tolist()
        if skipped:
            self.skips.add(gather_object(mine))
        return bool(stops)

    def _save(self, learner: Learner, step: int) -> None:
        if self._first:
            self._write_checkpoint(learner, step)
        self.accelerator.wait_for_everyone()

    def _keep(self, learner: Learner) -> None:
        """Save what has been learned before something ends the run from outside."""
        if not self._first or not self.taken:
            return
        with suppress(OutputError, TrainingError):  # what ended the run is told, not this
            self._write_checkpoint(learner, self.taken)

    def _write_checkpoint(self, learner: Learner, step: int) -> None:
        state = {
            "step": step,
            "seed": self.config.seed,
            "seconds": self._seconds,
            "skipped": sorted(self.skips.reasons),
            "config": json.loads(self.config.model_dump_json()),
        }
        try:
            write_checkpoint(self.folder / "checkpoints", step, learner.checkpoint(state))
        except NonFiniteError as error:
            raise TrainingError(f"{error}; the checkpoint before it is kept") from None

    def _validate(self, learner: Learner, journal: Journal | None, step: int) -> None:
        if self.validator is None or self._everywhere(journal is not None and journal.scored(step)):
            return
        scores, failures = self.validator.scores(learner.best_model, self.accelerator)
        self.unvalidated.update(failures)
        if journal is not None:
            best = journal.best()
            if best is None or mean_psnr(scores) > best:
                self._write_weights(learner, "best")
            journal.scores(step, scores)
            self._tell(Progress(step, self.steps, scores=scores))
        self.accelerator.wait_for_everyone()

    def _everywhere(self, decision: bool) -> bool:
        """The first process's decision."""
        return self._anyone(decision and self._first)

    def _anyone(self, flag: bool) -> bool:
        """Whether it is so in any process."""
        if self.accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([int(flag)], dtype=torch.int64, device=self.accelerator.device)
        return bool(over_all(self.accelerator, flags, "sum").item())

    def _write_weights(self, learner: Learner, name: str) -> Path:
        path = self.folder / "weights" / f"{name}.safetensors"
        save_weights(learner.best_model, path, overwrite=True)
        return path

    def _outcome(
        self, learner: Learner, journal: Journal | None, step: int, interrupted: bool
    ) -> Outcome:
        weights = self.folder / "weights" / "last.safetensors"
        if self._first:
            self._write_weights(learner, "last")
        self.accelerator.wait_for_everyone()
        parts = [self.skips.summary()]
        if self.unvalidated:
            lines = [f"  {reason}" for reason in sorted(self.unvalidated)]
            parts += [f"{len(lines)} photos could not be validated:", *lines]
        best = journal.best() if journal is not None else None
        skipped = "\n".join(part for part in parts if part)
        return Outcome(step, self.steps, weights, best, skipped, interrupted)

    def _give_up(self, step: int, parts: list[Any], error: NonFiniteError) -> NoReturn:
        """Save what led to a NaN, and say what is left."""
        tensors = {
            f"{i}/{name}": value.cpu().contiguous()
            for i, part in enumerate(parts)
            for name, value in _tensors(part)
        }
        path = self.folder / f"failed-step-{step}-process-{self.division.process}.safetensors"
        content = safetensors.torch.save(tensors, {"reason": str(error)})
        write_file(path, content, on_exists="overwrite", what="failed batch")
        raise TrainingError(
            f"step {step}: {error}. The batch is in {path}; the last checkpoint in "
            f"{self.folder / 'checkpoints'} is from before. A lower optimiser.learning_rate, or "
            "optimiser.max_gradient_norm, often helps"
        ) from None


def _moved(batch: Any, device: torch.device) -> Any:
    """A batch, a NamedTuple that may hold others, on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_moved(x, device) for x in batch))
    return batch


def _tensors(batch: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a batch by their dotted names."""
    for name, value in batch._asdict().items():
        if isinstance(value, Tensor):
            yield name, value
        elif hasattr(value, "_asdict"):
            yield from ((f"{name}.{inner}", x) for inner, x in _tensors(value))
