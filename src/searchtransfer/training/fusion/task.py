# SPDX-License-Identifier: Apache-2.0
"""Training FusionNet: crops searched once, windows of them, and the loss with its teacher."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...evaluation import LPIPS
from ...images.resize import up
from ...networks import FusionNet
from ...networks.other_scale import at_scale
from ...weights import load_weights, read_weights
from ..config import Phase
from ..objective import Objective, Restored
from ..task import Preparation
from .config import FusionConfig, FusionPhase
from .crops import hidden
from .dataset import CropDataset, Draw, Windows, collate
from .stage import HELD_OUT, TRAIN, crop_folder, prepare_all
from .validation import CropValidator, beyond_bicubic


class FusionTask:
    """See `task.Task`."""

    def __init__(self, config: FusionConfig) -> None:
        self.config = config
        self.lpips: LPIPS | None = None

    def build(self) -> nn.Module:
        """FusionNet, from weights if the configuration names them."""
        options = self.config.model
        network = FusionNet(options.features, options.blocks, options.scale)
        if options.weights:
            said = read_weights(options.weights).description
            scale = options.scale if said is None else said.scale
            earlier = FusionNet(options.features, options.blocks, scale)
            load_weights(earlier, options.weights)
            network.load_state_dict(at_scale(earlier.state_dict(), options.scale))
        return network

    def groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """All of it."""
        return [{"params": list(model.parameters()), "lr": self.config.optimiser.learning_rate}]

    def objective(self) -> Objective:
        """Nothing but the network's own losses.

        Raises:
            WeightsError: a phase wants LPIPS, and its weights are not here.
        """
        if any(phase.losses.lpips for phase in self.config.phases):
            self.lpips = LPIPS("vgg16")
        return Objective()

    def prepare(self, how: Preparation) -> None:
        """Search the crops that are not stored yet."""
        prepare_all(self.config, how)

    def dataset(self) -> CropDataset:
        """Windows of the stored crops."""
        data = self.config.data
        folder = crop_folder(self.config) / TRAIN
        return CropDataset(folder, data.crops, data.window, self.config.seed)

    def collate(self, samples: Sequence[Draw]) -> Windows:
        """Windows side by side."""
        return collate(samples)

    def restore(self, model: nn.Module, batch: Windows, phase: Phase) -> Restored:
        """What the network adds to bicubic, with the evidence that the phase lets it see."""
        seen = hidden(batch.windows, batch.luck < cast(FusionPhase, phase).alone)
        result = beyond_bicubic(cast(FusionNet, model), seen.low, seen.evidence, seen.noise)
        trust = self.config.teacher.share * (1 - seen.helped)

        def loss(distance: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
            truth = (1 - trust) * distance(result, seen.truth)
            return (truth + trust * distance(result, seen.taught)).mean()

        losses = {
            "charbonnier": partial(loss, charbonnier),
            "root_mean_square": partial(loss, root_mean_square),
        }
        if self.lpips is not None:
            losses["lpips"] = partial(looks, self.lpips, seen.low, result, seen.truth)
        return Restored(result, seen.truth, losses)

    def validator(self) -> CropValidator | None:
        """Crops of photos that training leaves out."""
        crops = self.config.validation.crops
        return CropValidator(crop_folder(self.config) / HELD_OUT, crops) if crops else None


def charbonnier(
    image: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"]
) -> Float[Tensor, " b"]:
    """A smooth L1 loss: the mean of sqrt(difference^2 + 0.001^2) of each image."""
    return torch.sqrt((image - truth) ** 2 + 1e-6).mean((1, 2, 3))


def root_mean_square(
    image: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"]
) -> Float[Tensor, " b"]:
    """Of the difference, of each image: what PSNR is made of, where large errors weigh most."""
    return torch.sqrt(((image - truth) ** 2).mean((1, 2, 3)) + 1e-6)


def looks(
    lpips: LPIPS,
    low: Float[Tensor, "b 3 h w"],
    result: Float[Tensor, "b 3 hs ws"],
    truth: Float[Tensor, "b 3 hs ws"],
) -> Float[Tensor, ""]:
    """How different two pictures look, given as differences from the enlarged small one."""
    bicubic = up(low, truth.shape[-1] // low.shape[-1])
    pictures = (2 * (bicubic + x) - 1 for x in (result, truth))
    return lpips.distance(*pictures).mean()
