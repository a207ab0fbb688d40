# SPDX-License-Identifier: Apache-2.0
"""TTSR's losses beside L1, which is `torch.nn.functional.l1_loss`."""

from .adversarial import critic_loss as critic_loss
from .adversarial import generator_loss as generator_loss
from .adversarial import gradient_penalty as gradient_penalty
from .perceptual import PerceptualLoss as PerceptualLoss
from .transferal import transferal_loss as transferal_loss
