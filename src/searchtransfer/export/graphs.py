# SPDX-License-Identifier: Apache-2.0
"""What is exported: networks with names, sizes and examples of what goes in and comes out."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.export import Dim

from ..networks import TTSR, FusionNet, SearchTransfer
from ..networks.fusion_net import MAPS, Evidence
from ..weights.description import Description

LARGEST = 2**15
"""Of a side, in pixels of the small image."""


@dataclass(frozen=True)
class Graph:
    """A module, and how it is called."""

    module: nn.Module
    examples: Mapping[str, Tensor]
    """Inputs by name, of any size."""
    sizes: Mapping[str, Mapping[int, Any]]
    """Which sides of them are free, or follow from others."""
    outputs: tuple[str, ...]
    about: Mapping[str, str]
    """What the file says about itself, without version and licence."""


class _Fusion(nn.Module):
    """FusionNet on plain tensors."""

    def __init__(self, network: FusionNet) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        low: Float[Tensor, "b 3 h w"],
        detail: Float[Tensor, "b 3 hs ws"],
        transferred: Float[Tensor, "b 3 hs ws"],
        maps: Float[Tensor, "b 7 h w"],
        noise: Float[Tensor, "b 1 h w"],
    ) -> Float[Tensor, "b 3 hs ws"]:
        sharp: Tensor = self.network(low, Evidence(detail, transferred, maps), noise)
        return sharp


class _Plain(nn.Module):
    """A module whose named outputs become a tuple, which files can hold."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


class _TTSR(_Plain):
    def forward(
        self, lr: Tensor, lr_up: Tensor, ref: Tensor, ref_down_up: Tensor
    ) -> tuple[Tensor, ...]:
        return tuple(self.module(lr, lr_up, ref, ref_down_up))


class _SearchTransfer(_Plain):
    def forward(
        self,
        lrsr_lv3: Tensor,
        refsr_lv3: Tensor,
        ref_lv1: Tensor,
        ref_lv2: Tensor,
        ref_lv3: Tensor,
    ) -> tuple[Tensor, ...]:
        return tuple(self.module(lrsr_lv3, refsr_lv3, ref_lv1, ref_lv2, ref_lv3))


def fusion_graph(network: FusionNet) -> Graph:
    """FusionNet: `low`, the three parts of the evidence (zeros for none) and `noise` to `sharp`."""
    scale = network.scale
    batch, height, width = Dim("batch"), Dim("height", max=LARGEST), Dim("width", max=LARGEST)
    small = {0: batch, 2: height, 3: width}
    large = {0: batch, 2: scale * height, 3: scale * width}
    examples = {
        "low": _example(2, 3, 10, 12),
        "detail": _example(2, 3, 10 * scale, 12 * scale),
        "transferred": _example(2, 3, 10 * scale, 12 * scale),
        "maps": _example(2, MAPS, 10, 12),
        "noise": _example(2, 1, 10, 12),
    }
    sizes = {
        "low": small,
        "detail": large,
        "transferred": large,
        "maps": small,
        "noise": small,
    }
    about = _about(network.architecture, scale, network.config) | {"reach": str(network.reach)}
    return Graph(_as_used(_Fusion(network)), examples, sizes, ("sharp",), about)


def _example(*size: int) -> Tensor:
    return torch.rand(size, dtype=torch.float32, device="cpu")


def ttsr_graph(network: TTSR) -> Graph:
    """TTSR with the published inputs and outputs; sides of the reference are multiples of 4."""
    scale = network.scale
    batch, height, width = Dim("batch"), Dim("height", max=LARGEST), Dim("width", max=LARGEST)
    rows, columns = Dim("rows", max=LARGEST), Dim("columns", max=LARGEST)
    reference = {0: batch, 2: scale * rows, 3: scale * columns}
    examples = {
        "lr": _example(2, 3, 8, 9),
        "lr_up": _example(2, 3, 8 * scale, 9 * scale),
        "ref": _example(2, 3, 7 * scale, 10 * scale),
        "ref_down_up": _example(2, 3, 7 * scale, 10 * scale),
    }
    sizes = {
        "lr": {0: batch, 2: height, 3: width},
        "lr_up": {0: batch, 2: scale * height, 3: scale * width},
        "ref": reference,
        "ref_down_up": reference,
    }
    about = _about(network.architecture, scale, network.config)
    return Graph(_as_used(_TTSR(network)), examples, sizes, ("sr", "s", "t3", "t2", "t1"), about)


def search_transfer_graph(module: SearchTransfer, channels: tuple[int, int, int]) -> Graph:
    """The operator: query and key of some channels, values of three levels.

    Args:
        module: says how overlaps count.
        channels: of the values at 4, 2 and 1 times the key; query and key have those of the last.
    """
    batch, height, width = Dim("batch"), Dim("height", max=LARGEST), Dim("width", max=LARGEST)
    rows, columns = Dim("rows", max=LARGEST), Dim("columns", max=LARGEST)
    examples = {
        "lrsr_lv3": _example(2, channels[2], 6, 7),
        "refsr_lv3": _example(2, channels[2], 8, 5),
    }
    sizes: dict[str, dict[int, Any]] = {
        "lrsr_lv3": {0: batch, 2: height, 3: width},
        "refsr_lv3": {0: batch, 2: rows, 3: columns},
    }
    for level, (count, times) in enumerate(zip(channels, (4, 2, 1), strict=True), 1):
        examples[f"ref_lv{level}"] = _example(2, count, 8 * times, 5 * times)
        sizes[f"ref_lv{level}"] = {0: batch, 2: times * rows, 3: times * columns}
    about = _about("search-transfer", 4, {"overlap": module.overlap, "channels": list(channels)})
    return Graph(
        _as_used(_SearchTransfer(module)), examples, sizes, ("score", "t1", "t2", "t3"), about
    )


def _as_used(module: nn.Module) -> nn.Module:
    """A copy in single precision that learns no more; the caller's stays as it is."""
    return deepcopy(module).cpu().float().eval().requires_grad_(False)


def _about(architecture: str, scale: int, config: Mapping[str, Any]) -> dict[str, str]:
    return Description(architecture, scale, config).to_header()
