# SPDX-License-Identifier: Apache-2.0
"""Training TTSR: its inputs, rates and losses."""

from collections.abc import Sequence
from typing import Any, cast

from torch import nn

from ..errors import ConfigError
from ..evaluation import Method, with_ttsr
from ..networks import TTSR
from ..weights import load_weights, start_from_vgg19
from .config import TrainConfig
from .data import Batch, PairDataset, Sample, collate
from .losses import transferal_loss
from .task import Restored, find_pairs


class TTSRTask:
    """See `task.Task`."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config

    def build(self) -> nn.Module:
        """TTSR, from an extractor or whole weights if the configuration names them."""
        options = self.config.model
        if options.extractor and options.weights:
            raise ConfigError("model: extractor is overwritten by weights; give one of the two")
        model = TTSR(**options.model_dump(exclude={"architecture", "extractor", "weights"}))
        if options.extractor:
            start_from_vgg19(model.LTE, options.extractor)
        if options.weights:
            load_weights(model, options.weights)
        return model

    def groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """The main network, and the extractor with its own rate."""
        model, rates = cast(TTSR, model), self.config.optimiser
        groups = [{"params": list(model.MainNet.parameters()), "lr": rates.learning_rate}]
        extractor = [p for p in model.LTE.parameters() if p.requires_grad]
        if rates.extractor_learning_rate:
            groups.append({"params": extractor, "lr": rates.extractor_learning_rate})
        else:
            model.LTE.requires_grad_(False)
        return groups

    def dataset(self) -> PairDataset:
        """All sources, one after another."""
        data = self.config.data
        pairs = [
            pair
            for i, source in enumerate(data.train)
            for pair in find_pairs(source, f"data.train.{i}")
        ]
        return PairDataset(
            pairs, data.patch, self.config.seed, data.augment, cache=data.cache * 2**20
        )

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples side by side."""
        return collate(samples)

    def restore(self, model: nn.Module, batch: Batch) -> Restored:
        """TTSR's five outputs, of which the textures serve the transferal loss."""
        extractor = cast(TTSR, model).LTE
        out = model(batch.lr, batch.lr_up, batch.ref, batch.ref_down_up)
        sr = out.sr.float()
        return Restored(
            sr,
            batch.hr,
            {"transferal": lambda: transferal_loss(extractor, sr, out.t3, out.t2, out.t1)},
        )

    def method(self, model: nn.Module) -> Method:
        """TTSR on inputs as published."""
        return with_ttsr(model)
