# SPDX-License-Identifier: Apache-2.0
"""What is minimised: the losses of a phase, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import ConfigError
from .config import Adversarial, Section
from .losses import PerceptualLoss, generator_loss


class Restored(NamedTuple):
    """A result beside its truth."""

    sr: Float[Tensor, "b 3 h w"]
    hr: Float[Tensor, "b 3 h w"]
    own: Mapping[str, Callable[[], Tensor]] = {}
    """Losses that only this network has, by their names in its configuration."""


@dataclass(frozen=True)
class Objective:
    """The losses of a network; holds what judges its results."""

    perceptual: PerceptualLoss | None = None
    critic: nn.Module | None = None
    adversarial: Adversarial = field(default_factory=Adversarial)
    """How the critic is taught, if there is one."""

    def terms(self, restored: Restored, losses: Section) -> dict[str, Tensor]:
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


def weights_of(losses: Section) -> dict[str, float]:
    """The losses that take part, by name."""
    return {name: weight for name, weight in losses if weight}
