# SPDX-License-Identifier: Apache-2.0
"""Train FusionNet on prepared crops; started again, it continues.

    python -m searchtransfer.training.fusion.run CONFIG.yaml CROPS RUN

CROPS holds `train/` and `held-out/`. RUN receives `log.csv`, `state.pt` to continue from, and
`last` and `best.safetensors`, both means over the last steps. Best is chosen on the held-out crops:
the mean PSNR-Y of those with a useful reference, plus that of all without. `harm` in the log is
what a useless reference costs.
"""

import argparse
import csv
import io
import math
import time
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ...errors import DataError
from ...evaluation import psnr
from ...files import write_file
from ...networks.fusion_net import Evidence, FusionNet
from ...weights import load_weights, save_weights
from .config import Config, read_config
from .crops import Crop, batch, crop_files, read_crop, without_evidence

_COLUMNS = ("step", "seconds", "rate", "loss", "crops", "with reference", "without", "harm")


class Run:
    """A network in training."""

    def __init__(self, config: Config, crops: Path, folder: Path) -> None:
        torch.manual_seed(config.seed)
        self.config, self.folder, self.crops = config, folder, crops
        self.network = FusionNet(config.features, config.blocks)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean = deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.network.parameters(), betas=(0.9, 0.99), fused=True)
        self.step, self.best, self.seconds = 0, -math.inf, 0.0
        self.held_out = [read_crop(path) for path in crop_files(crops / "held-out")]
        folder.mkdir(parents=True, exist_ok=True)
        if self._state.exists():
            self._resume()

    def start_from(self, weights: Path) -> None:
        """Begin with trained weights instead of fresh ones."""
        load_weights(self.network, weights)
        self.mean.load_state_dict(self.network.state_dict())

    def train(self) -> None:
        """Until the last step."""
        losses: list[float] = []
        start = time.perf_counter()
        before = self.seconds
        files = crop_files(self.crops / "train", self.config.crops)
        while self.step < self.config.steps:
            losses.append(self.one_step(files))
            if self.step % self.config.validate_every and self.step < self.config.steps:
                continue
            self.seconds = before + time.perf_counter() - start
            self._validate(mean(losses), len(files))
            losses.clear()
            files = crop_files(self.crops / "train", self.config.crops)

    def one_step(self, files: list[Path]) -> float:
        """One step of Adam; its randomness follows from its number."""
        rng = np.random.default_rng([self.config.seed, self.step])
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self.config)
        config = self.config
        alone = 1.0 if self.step < config.alone_until else config.alone
        low, evidence, truth, taught, helped = batch(files, config.batch, config.side, alone, rng)
        result = self._beyond_bicubic(self.network, low, evidence)
        trust = config.teacher * (1 - helped)
        loss = ((1 - trust) * charbonnier(result, truth)).mean()
        loss = loss + (trust * charbonnier(result, taught)).mean()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        if not torch.isfinite(norm):
            raise DataError(f"step {self.step}: the gradient is not finite; lower learning_rate")
        self.optimiser.step()
        self.step += 1
        decay = min(self.config.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for ours, theirs in zip(self.mean.parameters(), self.network.parameters(), strict=True):
                ours.lerp_(theirs, 1 - decay)
        return loss.item()

    def _beyond_bicubic(self, network: FusionNet, low: Tensor, evidence: Evidence) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            correction = network.correct(low, evidence)
        return network.beyond_bicubic(evidence, correction.float())

    @torch.no_grad()
    def _quality(self, crop: Crop) -> float:
        """PSNR-Y."""
        fields = crop.fields
        evidence = Evidence(*(fields[name][None] for name in Evidence._fields))
        detail = self._beyond_bicubic(self.mean, fields["low"][None], evidence)[0]
        return psnr(fields["bicubic"] + detail, fields["hr"])

    def _validate(self, loss: float, crops: int) -> None:
        quality = [
            (crop, self._quality(crop), self._quality(without_evidence(crop)))
            for crop in self.held_out
        ]
        alone = mean(without for _, _, without in quality)
        helped = _mean(seen for crop, seen, _ in quality if crop.useful)
        harm = _mean(without - seen for crop, seen, without in quality if crop.kind == "useless")
        rate = learning_rate(self.step - 1, self.config)
        row = (self.step, round(self.seconds), f"{rate:.2e}", f"{loss:.5f}", crops)
        log = self.folder / "log.csv"
        new = not log.exists()
        with log.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(_COLUMNS)
            writer.writerow((*row, f"{helped:.3f}", f"{alone:.3f}", f"{harm:.3f}"))
        save_weights(self.mean, self.folder / "last.safetensors", overwrite=True)
        if helped + alone > self.best:
            self.best = helped + alone
            save_weights(self.mean, self.folder / "best.safetensors", overwrite=True)
        self._save()

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    def _save(self) -> None:
        content = io.BytesIO()
        state = {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "numbers": {"step": self.step, "best": self.best, "seconds": self.seconds},
        }
        torch.save(state, content)
        write_file(self._state, content.getvalue(), on_exists="overwrite", what="state")

    def _resume(self) -> None:
        state = torch.load(self._state, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        numbers = state["numbers"]
        self.step, self.best, self.seconds = (numbers[x] for x in ("step", "best", "seconds"))


def charbonnier(
    image: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"]
) -> Float[Tensor, " b"]:
    """A smooth L1 loss: the mean of sqrt(difference^2 + 0.001^2) of each image."""
    return ((image - truth) ** 2 + 1e-6).sqrt().mean((1, 2, 3))


def _mean(numbers: Iterable[float]) -> float:
    """Or 0 of none."""
    some = list(numbers)
    return mean(some) if some else 0.0


def learning_rate(step: int, config: Config) -> float:
    """Rises linearly, then falls as a cosine to a hundredth."""
    warm = min(1.0, (step + 1) / max(1, config.warm_up))
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps)))
    return config.learning_rate * warm * max(0.01, fall)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("config", type=Path)
    parser.add_argument("crops", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, help="instead of those of the configuration")
    parser.add_argument("--start", type=Path, help="weights to begin with, in a new run")
    options = parser.parse_args()
    config = read_config(options.config)
    if options.steps:
        config = replace(config, steps=options.steps)
    run = Run(config, options.crops, options.run)
    if options.start and not run.step:
        run.start_from(options.start)
    run.train()


if __name__ == "__main__":
    main()
