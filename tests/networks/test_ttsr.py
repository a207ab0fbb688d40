# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
import torch.nn.functional as F
from networks.ttsr_layout import released_layout
from networks.ttsr_oracle import restore

from searchtransfer.errors import DTypeError, OptionError, ShapeError
from searchtransfer.networks import TTSR

SMALL = {"blocks": (1, 2, 1, 1), "features": 8, "texture_channels": (8, 12, 16)}


def images(lr=(5, 7), ref=(24, 16), batch=1, dtype=torch.float64, seed=0):
    """Four images in [-1, 1], of noise."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (lr, (4 * lr[0], 4 * lr[1]), ref, ref)
    return [torch.rand(batch, 3, *n, generator=generator, dtype=dtype) * 2 - 1 for n in sizes]


def small_ttsr(**options):
    torch.manual_seed(0)
    return TTSR(**SMALL, **options).double()


@torch.no_grad()
def test_state_dict_is_that_of_the_released_checkpoints():
    state = TTSR().state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == released_layout()
    assert len(state) == 316
    assert sum(value.numel() for value in state.values()) == 6_729_615
    main = [value for key, value in state.items() if key.startswith("MainNet.")]
    assert (len(main), sum(value.numel() for value in main)) == (304, 6_174_275)


@torch.no_grad()
def test_published_configuration_equals_the_literal_forward():
    torch.manual_seed(0)
    model = TTSR().double()
    inputs = images(lr=(6, 5), ref=(20, 28), batch=2)
    for ours, literal in zip(model(*inputs), restore(model.state_dict(), *inputs), strict=True):
        torch.testing.assert_close(ours, literal, rtol=0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("lr", [(1, 1), (1, 6), (3, 2), (9, 4)])
@pytest.mark.parametrize("ref", [(4, 4), (4, 20), (12, 8)])
def test_small_configuration_equals_the_literal_forward(lr, ref):
    model = small_ttsr()
    inputs = images(lr, ref)
    literal = restore(model.state_dict(), *inputs, depth=SMALL["blocks"])
    for ours, theirs in zip(model(*inputs), literal, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


@torch.no_grad()
def test_single_precision_stays_within_1e_6_of_the_literal_forward():
    model = small_ttsr().float()
    inputs = images((8, 8), (32, 32), dtype=torch.float32)
    literal = restore(model.state_dict(), *inputs, depth=SMALL["blocks"])
    torch.testing.assert_close(model(*inputs).sr, literal[0], rtol=0, atol=1e-6)


@torch.no_grad()
def test_global_skip_begins_with_the_enlarged_image_and_adds_to_it():
    model = TTSR(**SMALL, global_skip=True).double()
    inputs = images()
    assert torch.equal(model(*inputs).sr, inputs[1].clamp(-1, 1))
    model.load_state_dict(small_ttsr().state_dict())
    added = small_ttsr()(*inputs).sr
    torch.testing.assert_close(model(*inputs).sr, (inputs[1] + added).clamp(-1, 1))
    assert model.config["global_skip"] and not small_ttsr().config["global_skip"]


@torch.no_grad()
@pytest.mark.parametrize("key", ["MainNet.ex12.conv21.weight", "LTE.slice2.5.bias"])
def test_the_comparison_fails_where_one_layer_differs(key):
    model = small_ttsr()
    inputs = images()
    state = dict(model.state_dict())
    state[key] = state[key] + 0.1
    literal = restore(state, *inputs, depth=SMALL["blocks"])
    assert not torch.allclose(model(*inputs).sr, literal[0], rtol=0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("ref", [(1, 1), (1, 9), (5, 7), (22, 13)])
def test_any_reference_size_equals_repeating_the_border_by_hand(ref):
    model = small_ttsr()
    lr, lr_up, ref_image, down_up = images((3, 4), ref)
    height, width = (math.ceil(n / 4) * 4 for n in ref)
    padding = (0, width - ref[1], 0, height - ref[0])
    padded = [F.pad(image, padding, mode="replicate") for image in (ref_image, down_up)]
    for ours, by_hand in zip(
        model(lr, lr_up, ref_image, down_up), model(lr, lr_up, *padded), strict=True
    ):
        torch.testing.assert_close(ours, by_hand, rtol=0, atol=0)


@torch.no_grad()
def test_shapes_ranges_and_order():
    result = small_ttsr()(*images((3, 5), (9, 6), batch=2))
    assert result._fields == ("sr", "s", "t3", "t2", "t1")
    assert [tuple(x.shape) for x in result] == [
        (2, 3, 12, 20),
        (2, 1, 3, 5),
        (2, 16, 3, 5),
        (2, 12, 6, 10),
        (2, 8, 12, 20),
    ]
    assert result.sr.abs().max() <= 1
    assert result.s.abs().max() <= 1 + 1e-12


@torch.no_grad()
def test_batch_of_none_and_of_two():
    model = small_ttsr()
    assert model(*images(batch=0)).sr.shape == (0, 3, 20, 28)
    both = images(batch=2)
    singles = [model(*(x[i : i + 1] for x in both)).sr for i in range(2)]
    torch.testing.assert_close(model(*both).sr, torch.cat(singles), rtol=0, atol=1e-12)


@torch.no_grad()
def test_memory_layout_does_not_matter():
    model = small_ttsr()
    inputs = images()
    last = [x.to(memory_format=torch.channels_last) for x in inputs]
    strided = [x.mT.contiguous().mT for x in inputs]
    expected = model(*inputs).sr
    torch.testing.assert_close(model(*last).sr, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(model(*strided).sr, expected, rtol=0, atol=1e-12)


@torch.no_grad()
def test_overlap_mean_is_brighter_at_the_border_only():
    inputs = images((5, 5), (20, 20))
    constant, mean = small_ttsr()(*inputs), small_ttsr(overlap="mean")(*inputs)
    inside = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(mean.t1[inside], constant.t1[inside], rtol=0, atol=1e-12)
    torch.testing.assert_close(mean.t1[..., :4, :4], constant.t1[..., :4, :4] * 9 / 4)


def test_gradients_reach_the_extractor_through_score_and_textures():
    model = small_ttsr()
    frozen = ("LTE.sub_mean.weight", "LTE.sub_mean.bias")
    for output in (0, 1, 2):  # sr, s, t3
        model.zero_grad()
        model(*images())[output].pow(2).sum().backward()
        assert model.LTE.slice1[0].weight.grad.abs().sum() > 0
    model.zero_grad()
    model(*images()).sr.pow(2).sum().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None]
    assert sorted(without) == sorted(frozen)


def test_residual_scale_of_zero_silences_the_blocks():
    one, none = small_ttsr(residual_scale=0.0), small_ttsr(residual_scale=0.0)
    with torch.no_grad():
        for name, parameter in none.named_parameters():
            if "RB" in name:
                parameter.zero_()
        torch.testing.assert_close(one(*images()).sr, none(*images()).sr, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": (1, 2, 3)}, "blocks must be a list of 4 values"),
        ({"blocks": (1, 2, 3, -1)}, "blocks each of its 4 values must be a whole number"),
        ({"features": 7}, "features must be even"),
        ({"features": 0}, "features must be a whole number from 2"),
        ({"texture_channels": (1, 0, 1)}, "texture_channels each of its 3 values must be a whole"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(OptionError, match=message):
        TTSR(**options)


def misfits():
    lr, lr_up, ref, down_up = images(dtype=torch.float32)
    return [
        ((lr[0], lr_up, ref, down_up), ShapeError, r"lr must be \[B, 3, H, W\]"),
        ((lr, lr_up[:, :1], ref, down_up), ShapeError, "lr_up must be"),
        ((lr, lr_up[..., 1:], ref, down_up), ShapeError, "lr_up must be four times lr"),
        ((lr, lr_up, ref, down_up[..., :-4]), ShapeError, "ref_down_up must have the size of ref"),
        ((lr, lr_up, ref.repeat(2, 1, 1, 1), down_up), ShapeError, "ref 2"),
        ((lr, lr_up, ref[..., :0], down_up[..., :0]), ShapeError, "ref must be"),
        ((lr, lr_up, ref.double(), down_up), DTypeError, "ref torch.float64 beside lr"),
        ((lr.long(), lr_up, ref, down_up), DTypeError, "lr must be float16"),
    ]


@pytest.mark.parametrize("case", range(len(misfits())))
def test_images_that_do_not_fit(case):
    inputs, error, message = misfits()[case]
    # The annotations would refuse these first; what users meet is the check inside.
    with pytest.raises(error, match=message):
        TTSR.forward.__wrapped__(small_ttsr(), *inputs)


@torch.no_grad()
@pytest.mark.parametrize("blocks", [(0, 0, 0, 0), (1, 2, 1, 1), (2, 0, 0, 3), (0, 1, 3, 0)])
def test_reach_covers_all_that_the_main_network_sees(blocks):
    torch.manual_seed(0)
    net = TTSR(blocks, 4, texture_channels=(2, 2, 2)).double().MainNet
    sizes = ((3, 1), (1, 1), (2, 1), (2, 2), (2, 4))
    lr, s, t3, t2, t1 = (torch.rand(1, c, 60 * n, 60 * n, dtype=torch.float64) for c, n in sizes)
    first = net(lr, s, t3, t2, t1)
    seen = []
    for place in (29, 30):  # whatever the parity
        changed = lr.clone()
        changed[:, :, place, place] = 9
        where = (net(changed, s, t3, t2, t1) != first).nonzero()[:, 2:] // 4
        seen.append(int((where - place).abs().max()))
    assert max(seen) <= net.reach <= max(seen) + 4
    assert net.reach < 30
