# SPDX-License-Identifier: Apache-2.0
"""The module against the article's, compiled, exported, and within its memory."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from article import search_transfer
from torch import Tensor

from searchtransfer import SearchTransfer
from searchtransfer.errors import ShapeError


def features(
    size: tuple[int, int] = (6, 7), key_size: tuple[int, int] = (5, 9), batch: int = 2
) -> tuple[Tensor, ...]:
    hr, wr = key_size
    return (
        torch.randn(batch, 8, *size),
        torch.randn(batch, 8, hr, wr),
        torch.randn(batch, 2, 4 * hr, 4 * wr),
        torch.randn(batch, 3, 2 * hr, 2 * wr),
        torch.randn(batch, 4, hr, wr),
    )


@pytest.mark.parametrize("overlap", ["mean", "constant"])
@pytest.mark.parametrize(
    ("size", "key_size"), [((1, 1), (1, 1)), ((1, 5), (3, 1)), ((6, 7), (5, 9))]
)
def test_equals_the_article(overlap: str, size: tuple[int, int], key_size: tuple[int, int]) -> None:
    inputs = features(size, key_size)
    output = SearchTransfer(overlap)(*inputs)  # type: ignore[arg-type]
    expected = search_transfer(*inputs, mean=overlap == "mean")
    torch.testing.assert_close(output.score, expected[0], rtol=0, atol=1e-6)
    for texture, right in zip(output[1:], expected[1:], strict=True):
        assert torch.equal(texture, right)


def test_order_of_the_outputs() -> None:
    output = SearchTransfer()(*features())
    assert output._fields == ("score", "t1", "t2", "t3")
    assert [list(x.shape) for x in output] == [
        [2, 1, 6, 7],
        [2, 2, 24, 28],
        [2, 3, 12, 14],
        [2, 4, 6, 7],
    ]


def test_no_parameters() -> None:
    assert not SearchTransfer().state_dict()


def test_half_precision_keeps_its_dtype() -> None:
    output = SearchTransfer()(*(x.bfloat16() for x in features()))
    assert {x.dtype for x in output} == {torch.bfloat16}


def test_any_number_of_levels() -> None:
    query, key, *_ = features()
    values = [torch.randn(2, 1, 5 * s, 9 * s) for s in (8, 3)]
    score, textures = SearchTransfer().levels(query, key, values)
    expected = search_transfer(query, key, *values)
    torch.testing.assert_close(score, expected[0], rtol=0, atol=1e-6)
    assert [torch.equal(a, b) for a, b in zip(textures, expected[1:], strict=True)] == [True, True]
    assert SearchTransfer().levels(query, key, [])[1] == []


def test_gradients_reach_every_input() -> None:
    inputs = [x.requires_grad_() for x in features()]
    output = SearchTransfer()(*inputs)
    torch.stack([x.sum() for x in output]).sum().backward()
    assert all(x.grad is not None and x.grad.abs().sum() > 0 for x in inputs)


@pytest.mark.usefixtures("as_users_run")
class TestAsAUserRunsIt:
    def test_value_that_is_no_multiple(self) -> None:
        query, key, *_ = features()
        with pytest.raises(ShapeError, match="whole multiple of the key, 5 x 9 cells, got 10 x 17"):
            SearchTransfer().levels(query, key, [torch.zeros(2, 1, 10, 17)])

    def test_compiles_whole(self) -> None:
        module, inputs = SearchTransfer(), features()
        compiled = torch.compile(module, fullgraph=True, backend="aot_eager")(*inputs)
        for a, b in zip(compiled, module(*inputs), strict=True):
            assert torch.equal(a, b)

    def test_exports_with_dynamic_sizes(self) -> None:
        module, inputs = SearchTransfer(), features()
        h, w = torch.export.Dim("h", min=2), torch.export.Dim("w", min=2)
        program = torch.export.export(
            module, inputs, dynamic_shapes=({2: h, 3: w}, None, None, None, None)
        )
        other = (torch.randn(2, 8, 3, 11), *inputs[1:])
        for a, b in zip(program.module()(*other), module(*other), strict=True):
            assert torch.equal(a, b)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read there")
def test_working_memory_of_a_large_image() -> None:
    """600 x 600 query cells, 75 x 75 key cells, three levels; the bound is 256 MiB.

    A table of all pairs alone would take 8 GB. In a process of its own, which prints how far
    its peak rises above inputs and outputs.
    """
    script = Path(__file__).parent / "memory_of_search_transfer.py"
    done = subprocess.run(
        [sys.executable, str(script), "75"], capture_output=True, text=True, check=True, timeout=600
    )
    assert float(done.stdout) < 256


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_levels_are_told_how(as_users_run, count):
    query, value = torch.rand(1, 4, 5, 6), torch.rand(1, 2, 20, 24)
    with pytest.raises(ShapeError, match=rf"takes three values .* got {count}; .*module\.levels"):
        SearchTransfer()(query, query, *[value] * count)
    _score, (texture,) = SearchTransfer().levels(query, query, [value])
    assert texture.shape == (1, 2, 20, 24)
