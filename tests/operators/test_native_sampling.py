# SPDX-License-Identifier: Apache-2.0
"""Sampling around matches: the compiled kernel beside torch's `grid_sample` in double precision."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from searchtransfer.errors import BackendError
from searchtransfer.operators.backends import native
from searchtransfer.operators.backends.native import Options
from searchtransfer.operators.backends.native_kernel import COEFFICIENTS, LUMAS, MOST_STEPS
from searchtransfer.operators.backends.native_sampling import (
    Described,
    Matched,
    can_sample,
    compare,
    sample,
    shift,
)
from searchtransfer.references import likeness
from searchtransfer.references.maps import identity
from searchtransfer.references.sampling import sampled_around

if not native.instruction_sets():
    pytest.skip("the compiled kernel is not built", allow_module_level=True)


@pytest.mark.parametrize("kernel", native.instruction_sets())
@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    count=st.integers(0, 150),
    steps=st.sampled_from([1, 2, 25, 81, 1100]),
    cubic=st.booleans(),
    tilt=st.sampled_from([0.0, 0.02]),
    spread=st.sampled_from([1.0, 4.0, 300.0]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_as_in_double_precision(kernel, size, count, steps, cubic, tilt, spread, threads, seed):
    generator = torch.Generator().manual_seed(seed)
    picture = torch.rand(3, *size, generator=generator)
    centre = torch.rand(count, 2, generator=generator) * torch.tensor(size)
    jacobian = torch.eye(2) + 0.3 * torch.randn(count, 2, 2, generator=generator)
    offsets = spread * torch.randn(steps, 2, generator=generator)
    to = identity()
    to[:2] += 0.1 * torch.randn(2, 3, generator=generator)
    to[2, :2] = tilt * torch.rand(2, generator=generator)
    # Near its horizon a map takes neighbours anywhere: rounding would be compared, not sampling.
    places = centre[:, None] + (jacobian @ offsets.T).transpose(1, 2)
    depth = places.double() @ to[2, :2] + 1
    sound = (depth.abs() > 0.2).all(1) & (places.abs() < 900).flatten(1).all(1)
    centre, jacobian = centre[sound], jacobian[sound]

    found = sample(picture, centre, jacobian, offsets, to.float(), cubic, Options(kernel, threads))
    mode = "bicubic" if cubic else "bilinear"
    double = (x.double() for x in (picture, centre, jacobian, offsets))
    expected = sampled_around(*double, mode, to.float().double())
    assert found.shape == expected.shape
    # A place of 900 pixels is off by 1e-4 of a pixel in single precision; bicubic slopes reach 2.
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("kernel", native.instruction_sets())
@pytest.mark.parametrize("cubic", [False, True])
def test_no_place_leads_outside(kernel, cubic):
    picture = torch.rand(3, 3, 4)
    strange = torch.tensor([math.nan, math.inf, -math.inf, 3e38, -3e38, 1e-40])
    centre = torch.cartesian_prod(strange, strange)
    jacobian = torch.eye(2).repeat(len(centre), 1, 1)
    steps = torch.cartesian_prod(strange, strange)
    to = identity().float()
    values = sample(picture, centre, jacobian, steps, to, cubic, Options(kernel))
    # Bicubic overshoots by an eighth at most; nothing but the picture was read.
    assert torch.isfinite(values).all()
    assert values.min() > -0.3 and values.max() < 1.3


def test_channels_side_by_side_are_the_same_picture():
    picture = torch.rand(3, 9, 11)
    beside = picture.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    given = torch.rand(20, 2) * 8, torch.eye(2).repeat(20, 1, 1), torch.rand(7, 2)
    for cubic in (False, True):
        values = [sample(x, *given, identity().float(), cubic) for x in (picture, beside)]
        assert torch.equal(*values)


@pytest.mark.parametrize("noise", [0.0, 8.0])
def test_compared_as_in_torch(noise):
    generator = torch.Generator().manual_seed(1)
    picture = torch.rand(3, 40, 50, generator=generator)
    centre = torch.rand(60, 2, generator=generator) * torch.tensor([50.0, 60.0]) - 5
    jacobian = torch.eye(2) + 0.2 * torch.randn(60, 2, 2, generator=generator)
    query = torch.nn.functional.normalize(torch.randn(60, 42, generator=generator))
    query[7] = 0
    shown = torch.arange(50).expand(40, 50) < 30
    for matched in (
        Matched(picture, centre, jacobian, query),
        Matched(picture, centre, jacobian, query, shown),
    ):
        found = compare(matched, likeness.patch_described(3, noise, centre))
        torch.testing.assert_close(found, likeness.in_torch(matched, 3, noise))
        assert (found == -1).any() and found[7] <= 0 and (found.abs() > 0.2).any()


def test_shifted_onto_what_is_shown():
    """Smooth pictures: matches a pixel off are brought home by a few steps, scores are theirs."""
    rows, columns = torch.meshgrid(torch.arange(60.0), torch.arange(60.0), indexing="ij")
    luma = torch.sin(rows / 5) * torch.cos(columns / 7) + torch.sin((rows + 2 * columns) / 9)
    picture = luma.expand(3, -1, -1).contiguous()
    down, across = torch.gradient(luma)
    home = torch.cartesian_prod(torch.arange(20.0, 40, 4), torch.arange(20.0, 40, 4))
    jacobian = torch.eye(2).repeat(len(home), 1, 1)
    described = likeness.patch_described(3, 0.0, home)
    patches = sampled_around(picture, home, jacobian, described.steps, "bilinear")
    key = likeness.described(patches.transpose(0, 1), 0.0)
    query = torch.nn.functional.normalize(key)
    start = home + torch.tensor([0.8, -0.6])
    matched = Matched(picture, start, jacobian, query)
    score = compare(matched, described)
    slopes = torch.stack([luma, down, across])
    centre, better = shift(matched, described, score, slopes, 1.5, 0.01, 6)
    assert (better > score).all() and better.min() > 0.9999
    assert (centre - home).norm(dim=1).max() < 0.05
    torch.testing.assert_close(compare(matched._replace(centre=centre), described), better)
    still, same = shift(matched, described, score, slopes, 1.5, 0.01, 0)
    assert torch.equal(still, start) and torch.equal(same, score)
    once, _ = shift(matched, described, score, slopes, 0.25, 0.01, 1)
    assert (once - start).norm(dim=1).max() <= 0.2501


@pytest.mark.parametrize(
    ("steps", "coefficients", "lumas"),
    [(MOST_STEPS + 1, 42, 24), (25, COEFFICIENTS + 1, 24), (25, 42, LUMAS + 1)],
)
def test_descriptors_that_are_too_long(steps, coefficients, lumas):
    described = Described(
        torch.rand(steps, 2),
        torch.rand(steps, 3, coefficients),
        torch.rand(coefficients),
        torch.rand(steps, lumas),
    )
    picture, centre, jacobian = torch.rand(3, 9, 11), torch.rand(4, 2), torch.eye(2).repeat(4, 1, 1)
    matched = Matched(picture, centre, jacobian, torch.rand(4, coefficients))
    with pytest.raises(BackendError, match=rf"got {steps}, {coefficients} and {lumas}"):
        compare(matched, described)
    with pytest.raises(BackendError, match=rf"compares {MOST_STEPS} samples, {COEFFICIENTS} coeff"):
        shift(matched, described, torch.rand(4), torch.rand(3, 9, 11), 1.5, 0.05, 2)


def test_as_many_pixels_as_are_numbered():
    pixel = torch.zeros(1, 1, 1)
    assert can_sample(pixel.expand(3, 1, 2**31 - 1))
    assert not can_sample(pixel.expand(3, 2, 2**30))
    assert not can_sample(torch.rand(3, 9, 11), torch.rand(4, 2).double())


def test_what_it_cannot_take_goes_to_torch():
    picture = torch.rand(3, 9, 11)
    assert can_sample(picture)
    assert not can_sample(picture.double())
    picture.requires_grad_()
    assert not can_sample(picture)
    with torch.no_grad():
        assert can_sample(picture)
    given = torch.rand(20, 2) * 8, torch.eye(2).repeat(20, 1, 1), torch.rand(7, 2)
    sampled_around(picture, *given, "bilinear").sum().backward()
    assert picture.grad is not None and picture.grad.sum() > 0
