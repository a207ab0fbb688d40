# SPDX-License-Identifier: Apache-2.0
"""The network, its running average, its critic, and their optimisers: what learns in a step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..errors import NonFiniteError, WeightsError
from .batches import Division
from .checkpoint import Checkpoint
from .config import Phase, TrainConfig
from .losses import critic_loss
from .objective import Restored, weights_of
from .processes import over_all
from .task import Task


class Learner:
    """Everything that a checkpoint must hold, and the step that changes it.

    Randomness of a step follows from `(seed, step, process)`, so there is no state of a generator
    to keep. Gradients are averaged over processes here and not by a wrapper of the network, since
    one step runs several backward passes, one of them through gradients.
    """

    def __init__(self, task: Task, config: TrainConfig, accelerator: Accelerator) -> None:
        torch.manual_seed(config.seed)
        self.task, self.config, self.accelerator = task, config, accelerator
        device = accelerator.device
        self.model = task.build().to(device)
        if config.run.channels_last:
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = task.objective()
        self.average: AveragedModel | None = None
        if config.ema_decay is not None:
            self.average = AveragedModel(self.model, multi_avg_fn=_averaging(config.ema_decay))
        groups = task.groups(self.model)
        self.optimisers = {
            "optimiser": torch.optim.Adam(groups, betas=config.optimiser.betas, fused=True)
        }
        if self.objective.perceptual is not None:
            self.objective.perceptual.to(device)
        self.critic = self.objective.critic
        if self.critic is not None:
            self.critic.to(device)
            options = self.objective.adversarial
            self.optimisers["critic_optimiser"] = torch.optim.Adam(
                self.critic.parameters(), options.learning_rate, options.betas
            )
        self.rates = {
            name: [float(group["lr"]) for group in optimiser.param_groups]
            for name, optimiser in self.optimisers.items()
        }
        self.wrapped = {name: accelerator.prepare(o) for name, o in self.optimisers.items()}

    @property
    def best_model(self) -> nn.Module:
        """The network to validate and to keep: the average if there is one."""
        return self.model if self.average is None else self.average.module

    def learn(
        self, parts: Sequence[Any], step: int, phase: Phase, share: float, division: Division
    ) -> dict[str, float]:
        """Take gradients of a batch, and the step.

        Args:
            parts: the batch, on the device, in parts.
            step: its number, from 0.
            phase: with the weights of the losses.
            share: of the learning rates.
            division: how batches are divided.

        Returns:
            Losses by name, averaged over parts and processes, and their weighted sum as "total".

        Raises:
            NonFiniteError: a loss or gradient is NaN or infinite; the step is not taken.
        """
        seeds = [self.config.seed, step, division.process]
        torch.manual_seed(int(np.random.SeedSequence(seeds).generate_state(1)[0]))
        self.model.train()
        weights = weights_of(phase.losses)
        sums: dict[str, float] = {}
        held = self._restore(parts[0], phase) if len(parts) == 1 else None
        if "adversarial" in weights and self.critic is not None:
            sums["critic"] = self._teach_critic(
                self.critic, parts, held, step, phase, share, division
            )

        self.optimisers["optimiser"].zero_grad()
        with _frozen(self.critic):
            for part in parts:
                restored = held or self._restore(part, phase)
                with self.accelerator.autocast():
                    terms = self.objective.terms(restored, phase.losses)
                    total = torch.stack([weights[k] * v.float() for k, v in terms.items()]).sum()
                self.accelerator.backward(total / len(parts))
                for name, value in {**terms, "total": total}.items():
                    sums[name] = sums.get(name, 0.0) + value.item() / len(parts)
        means = self._mean(sums)
        _require_finite(means)
        self._update("optimiser", share)
        if self.average is not None:
            self.average.update_parameters(self.model)
        return means

    def _restore(self, part: Any, phase: Phase) -> Restored:
        with self.accelerator.autocast():
            return self.task.restore(self.model, part, phase)

    def _teach_critic(
        self,
        critic: nn.Module,
        parts: Sequence[Any],
        held: Restored | None,
        step: int,
        phase: Phase,
        share: float,
        division: Division,
    ) -> float:
        """The critic's own steps on the results of the whole batch; returns its last loss."""
        if held is not None:
            pairs = [(held.hr, held.sr.detach())]
        else:
            with torch.no_grad():
                results = [self._restore(part, phase) for part in parts]
            pairs = [(result.hr, result.sr) for result in results]
        total = 0.0
        for repetition in range(self.objective.adversarial.critic_steps):
            rng = np.random.default_rng([self.config.seed, step, repetition])
            mix = torch.from_numpy(rng.random(division.batch, dtype=np.float32))
            self.optimisers["critic_optimiser"].zero_grad()
            total = 0.0
            for (real, fake), own in zip(pairs, division.slices(), strict=True):
                # In single precision always: the penalty is a gradient of gradients.
                penalty = self.objective.adversarial.penalty
                loss = critic_loss(critic, real, fake, penalty, mix[own].to(real))
                self.accelerator.backward(loss / len(pairs))
                total += loss.item() / len(pairs)
            _require_finite(self._mean({"critic": total}))
            self._update("critic_optimiser", share)
        return total

    def _update(self, name: str, share: float) -> None:
        """Average the gradients over the processes, and take the step."""
        optimiser, wrapped = self.optimisers[name], self.wrapped[name]
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.accelerator.num_processes > 1:
            flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
            flat = over_all(self.accelerator, flat, "mean")
            for gradient, mean in zip(
                gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True
            ):
                gradient.copy_(mean.view_as(gradient))
        self.accelerator.unscale_gradients(wrapped)
        largest = self.config.optimiser.max_gradient_norm if name == "optimiser" else None
        norm = nn.utils.clip_grad_norm_(parameters, largest or float("inf"))
        if self.accelerator.scaler is None:  # a scaler leaves out such a step and goes on
            _require_finite({f"gradient ({name})": norm.item()})
        for group, rate in zip(optimiser.param_groups, self.rates[name], strict=True):
            group["lr"] = rate * share
        wrapped.step()

    def _mean(self, values: Mapping[str, float]) -> dict[str, float]:
        if self.accelerator.num_processes == 1:
            return dict(values)
        numbers = torch.tensor(
            list(values.values()), dtype=torch.float32, device=self.accelerator.device
        )
        return dict(zip(values, over_all(self.accelerator, numbers, "mean").tolist(), strict=True))

    def checkpoint(self, state: Mapping[str, Any]) -> Checkpoint:
        """All that is needed to go on; `state` is what the learner does not know."""
        tensors = _prefixed("model", self.model.state_dict())
        if self.average is not None:
            tensors |= _prefixed("average", self.average.state_dict())
        if self.critic is not None:
            tensors |= _prefixed("critic", self.critic.state_dict())
        for name, optimiser in self.optimisers.items():
            for number, memory in optimiser.state_dict()["state"].items():
                tensors |= _prefixed(f"{name}/{number}", memory)
        scaler = self.accelerator.scaler
        scaling = scaler.state_dict() if scaler is not None else None
        return Checkpoint(tensors, {**state, "scaler": scaling})

    def load(self, checkpoint: Checkpoint) -> None:
        """Be as when a checkpoint was taken.

        Raises:
            WeightsError: it is of another network, or of a run with other parts.
        """
        try:
            self.model.load_state_dict(checkpoint.part("model"))
            if self.average is not None:
                self.average.load_state_dict(checkpoint.part("average"))
            if self.critic is not None:
                self.critic.load_state_dict(checkpoint.part("critic"))
            for name, optimiser in self.optimisers.items():
                _remember(optimiser, checkpoint.part(name))
        except (RuntimeError, ValueError, KeyError, IndexError) as error:
            raise WeightsError(
                f"the checkpoint does not fit this configuration: {str(error).splitlines()[0]} ..."
            ) from None
        if self.accelerator.scaler is not None and checkpoint.state.get("scaler"):
            self.accelerator.scaler.load_state_dict(checkpoint.state["scaler"])


def _averaging(decay: float) -> Callable[[Any, Any, Any], None]:
    """A running average that at first forgets faster, so that the first weights leave it early."""

    @torch.no_grad()
    def update(average: Sequence[Tensor], current: Sequence[Tensor], count: Tensor | int) -> None:
        present = min(decay, (int(count) + 1) / (int(count) + 11))
        for mean, value in zip(average, current, strict=True):
            mean.lerp_(value, 1 - present)

    return update


def _remember(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser what it knew of each parameter; keys `number/what`."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    memory: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, what = key.partition("/")
        parameter = parameters[int(number)]
        if value.shape == parameter.shape:
            # Laid out as the parameter: the fused step walks both in the order of memory.
            value = torch.empty_like(parameter).copy_(value)
        memory.setdefault(int(number), {})[what] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": memory, "param_groups": groups})


def _prefixed(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{part}/{key}": value for key, value in tensors.items()}


def _require_finite(values: Mapping[str, float]) -> None:
    bad = [f"{name} is {value}" for name, value in values.items() if not np.isfinite(value)]
    if bad:
        raise NonFiniteError(", ".join(bad))


@contextmanager
def _frozen(module: nn.Module | None) -> Iterator[None]:
    """Let gradients pass through a module and leave none in it."""
    if module is None:
        yield
        return
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
