# SPDX-License-Identifier: Apache-2.0
"""The compiled transfer: bit for bit what unfold, gather, fold and division give."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from searchtransfer.operators.backends import native
from searchtransfer.operators.backends.native import Options

if not native.instruction_sets():
    pytest.skip("the compiled kernel is not built", allow_module_level=True)


def transfer(value, index, key_size, scale, *options) -> Tensor:
    texture = torch.empty(len(value), *(scale * n for n in index.shape))
    native.transfer(texture, value, index, key_size, scale, *options)
    return texture


def folded(value: Tensor, index: Tensor, scale: int, patch_size: int, constant: bool) -> Tensor:
    geometry = {
        "kernel_size": patch_size * scale,
        "stride": scale,
        "padding": patch_size // 2 * scale,
    }

    def chosen(image: Tensor) -> Tensor:
        blocks = F.unfold(image[None], **geometry)[:, :, index.flatten()]
        return F.fold(blocks, (index.shape[0] * scale, index.shape[1] * scale), **geometry)[0]

    count = patch_size**2 if constant else chosen(torch.ones_like(value))
    return chosen(value) / count


@pytest.mark.parametrize("kernel", native.instruction_sets())
@given(
    channels=st.integers(1, 4),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    key_size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    scale=st.sampled_from([1, 2, 3, 4, 5]),
    patch_size=st.sampled_from([1, 3, 5]),
    constant=st.booleans(),
    threads=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_same_bits_as_fold(
    kernel, channels, size, key_size, scale, patch_size, constant, threads, seed
):
    generator = torch.Generator().manual_seed(seed)
    value = torch.randn(channels, key_size[0] * scale, key_size[1] * scale, generator=generator)
    index = torch.randint(0, key_size[0] * key_size[1], size, generator=generator)
    texture = transfer(
        value, index, key_size, scale, patch_size, constant, Options(kernel, threads)
    )
    assert torch.equal(texture, folded(value, index, scale, patch_size, constant))


def test_layout_does_not_matter():
    value, index = torch.randn(8, 12, 3).permute(2, 0, 1), torch.randint(0, 6, (5, 4)).T
    plain = transfer(value.contiguous(), index.contiguous(), (2, 3), 4, 3, False)
    assert torch.equal(transfer(value, index, (2, 3), 4, 3, False), plain)
