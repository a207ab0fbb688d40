# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F

from searchtransfer.errors import OptionError, ShapeError, WeightsError
from searchtransfer.images import up
from searchtransfer.networks import TTSR, FusionNet
from searchtransfer.networks.fusion_net import MAPS, Evidence, no_evidence
from searchtransfer.networks.other_scale import at_scale
from searchtransfer.weights import load_weights, save_weights


def evidence(batch, height, width):
    sharp = (batch, 3, 4 * height, 4 * width)
    return Evidence(
        torch.rand(sharp) - 0.5, torch.rand(sharp) - 0.5, torch.rand(batch, MAPS, height, width)
    )


def tiny(seed=0):
    """A network whose every weight matters."""
    torch.manual_seed(seed)
    network = FusionNet(features=8, blocks=2)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


@torch.no_grad()
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 3)])
def test_any_size(size):
    low = torch.rand(2, 3, *size)
    assert tiny()(low, evidence(2, *size)).shape == (2, 3, 4 * size[0], 4 * size[1])
    assert tiny()(low).shape == (2, 3, 4 * size[0], 4 * size[1])


@torch.no_grad()
def test_untrained_network_is_the_model_without_learning():
    low, found = torch.rand(2, 3, 6, 5), evidence(2, 6, 5)
    torch.testing.assert_close(FusionNet(8, 2)(low, found), up(low, 4) + found.transferred)


@torch.no_grad()
def test_no_reference_is_zero_evidence():
    low = torch.rand(1, 3, 6, 5)
    assert torch.equal(tiny()(low), tiny()(low, no_evidence(low, 4)))
    assert not torch.equal(tiny()(low), tiny()(low, evidence(1, 6, 5)))


@torch.no_grad()
def test_nothing_beyond_the_reach_changes_a_cell():
    network = tiny()
    reach, low = network.reach, torch.rand(1, 3, 1, 40)
    found = evidence(1, 1, 40)
    before = network(low, found)
    low[..., 20] += 1
    for x in found:
        x[..., 20 * x.shape[-1] // 40 : 21 * x.shape[-1] // 40] += 1
    changed = (network(low, found) - before).abs().amax((0, 1, 2)).reshape(40, 4).amax(1) > 0
    assert changed[20]
    assert not changed[: 20 - reach].any()
    assert not changed[20 + reach + 1 :].any()
    assert changed[20 - reach] or changed[20 + reach]  # the reach is not stated too large


@torch.no_grad()
@pytest.mark.parametrize("scale", [2, 3, 8])
def test_other_scales(scale):
    network, low = FusionNet(8, 1, scale), torch.rand(1, 3, 5, 6)
    assert network.scale == scale
    assert network(low).shape == (1, 3, 5 * scale, 6 * scale)
    torch.testing.assert_close(network(low), up(low, scale))
    with pytest.raises(OptionError, match="scale must be one of 2, 3, 4, 8"):
        FusionNet(scale=5)


@torch.no_grad()
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_weights_of_another_scale_do_about_the_same(scale):
    """The same in the mean over a cell, if all pixels of a cell have the same weights."""
    earlier = tiny().double()  # sums of single precision differ by more on some processors
    textures = earlier.head.weight[:, 3 : -MAPS - 1].unflatten(1, (6, 16))
    textures.copy_(textures.mean(2, keepdim=True).expand_as(textures))
    for x in (earlier.tail.weight, earlier.tail.bias):
        cells = x.unflatten(0, (5, 16))
        cells.copy_(cells.mean(1, keepdim=True).expand_as(cells))
    later = FusionNet(8, 2, scale).double()
    later.load_state_dict(at_scale(earlier.state_dict(), scale))
    low, smooth = torch.rand(1, 3, 9, 8).double(), torch.rand(1, 6, 9, 8).double() - 0.5
    maps = torch.rand(1, MAPS, 9, 8).double()

    def painted(network):
        large = smooth.repeat_interleave(network.scale, 2).repeat_interleave(network.scale, 3)
        found = network.correct(low, Evidence(*large.split(3, 1), maps))
        return F.avg_pool2d(found, network.scale)

    torch.testing.assert_close(painted(later), painted(earlier))


def test_weights_of_the_same_scale_stay_what_they_are():
    state = dict(tiny().state_dict())
    torch.testing.assert_close(at_scale(state, 4), state)


def test_size_of_the_default():
    count = sum(x.numel() for x in FusionNet().parameters())
    assert 500_000 < count < 2_000_000


@torch.no_grad()
@pytest.mark.parametrize(
    ("low", "found", "message"),
    [
        (torch.rand(1, 3, 4, 4), evidence(1, 4, 5), r"\[1, 3, 4, 4\] needs three channels"),
        (torch.rand(2, 3, 4, 4), evidence(1, 4, 4), r"got \[\[1, 3, 16, 16\]"),
    ],
)
def test_evidence_must_fit(low, found, message):
    with pytest.raises(ShapeError, match=message):
        tiny()(low, found)


def test_weights_describe_themselves(tmp_path):
    network, path = tiny(), tmp_path / "a.safetensors"
    save_weights(network, path)
    again = FusionNet(**network.config)
    assert load_weights(again, path).description.config == {"features": 8, "blocks": 2, "scale": 4}
    low = torch.rand(1, 3, 4, 4)
    assert torch.equal(again(low), network(low))
    with pytest.raises(WeightsError, match="holds weights of fusion x4, needed are those of ttsr"):
        load_weights(TTSR(), path)
