# SPDX-License-Identifier: Apache-2.0
"""Every kind of derivative that torch has, of search and transfer; features of any magnitude."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from searchtransfer import SearchTransfer, search, transfer
from searchtransfer.errors import BackendError
from searchtransfer.operators.backends import BACKENDS

# Torch itself builds its forward mode with torch.jit.script.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

KEY_SIZE = (4, 3)


def query_and_key() -> tuple[Tensor, Tensor]:
    return (
        torch.randn(1, 4, 3, 4, dtype=torch.float64),
        torch.randn(1, 4, *KEY_SIZE, dtype=torch.float64),
    )


def score(query: Tensor, key: Tensor) -> Tensor:
    return search(query, key).score


def texture_of(index: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda value: transfer(value, index, KEY_SIZE, 2)


class TestModes:
    @pytest.mark.usefixtures("as_users_run")  # checks of shapes take a third of it
    def test_forward_mode_and_second_derivatives(self) -> None:
        inputs = tuple(x.requires_grad_() for x in query_and_key())
        assert torch.autograd.gradcheck(score, inputs, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(
            score, inputs, check_fwd_over_rev=True, check_rev_over_rev=True
        )

    def test_forward_mode_with_one_side_still(self) -> None:
        query, key = query_and_key()
        moves = torch.randn_like(key)
        step = 1e-6
        _, tangent = torch.func.jvp(lambda k: score(query, k), (key,), (moves,))
        difference = (score(query, key + step * moves) - score(query, key - step * moves)) / 2
        torch.testing.assert_close(tangent, difference / step, rtol=1e-6, atol=1e-7)

    @pytest.mark.usefixtures("as_users_run")  # transforms hand in tensors of more dimensions
    def test_func_transforms(self) -> None:
        query, key = query_and_key()
        by_backward = torch.autograd.functional.jacobian(lambda q: score(q, key), query)
        for jacobian in (torch.func.jacrev, torch.func.jacfwd):
            torch.testing.assert_close(jacobian(lambda q: score(q, key))(query), by_backward)
        torch.testing.assert_close(
            torch.func.grad(lambda q: score(q, key).sum())(query), by_backward.sum((0, 1, 2))
        )
        hessian = torch.func.hessian(lambda q: score(q, key).sum())(query)
        torch.testing.assert_close(
            hessian, torch.autograd.functional.hessian(lambda q: score(q, key).sum(), query)
        )

    @pytest.mark.usefixtures("as_users_run")
    @pytest.mark.parametrize("dim", [0, 2])
    def test_vmap(self, dim: int) -> None:
        queries = torch.randn(5, 1, 4, 3, 4)
        key = torch.randn(1, 4, 3, 5)
        found = torch.vmap(lambda q: tuple(search(q, key)), in_dims=dim)(queries.movedim(0, dim))
        for i, query in enumerate(queries):
            for mapped, alone in zip(found, search(query, key), strict=True):
                torch.testing.assert_close(mapped[i], alone)

    @pytest.mark.usefixtures("as_users_run")
    def test_transfer(self) -> None:
        query, key = query_and_key()
        texture = texture_of(search(query, key).index)
        value = torch.randn(1, 2, 8, 6, dtype=torch.float64)
        leaf = value.clone().requires_grad_()
        assert torch.autograd.gradcheck(texture, (leaf,), check_forward_ad=True)
        by_backward = torch.autograd.functional.jacobian(texture, value)
        for jacobian in (torch.func.jacrev, torch.func.jacfwd):
            torch.testing.assert_close(jacobian(texture)(value), by_backward)

    @pytest.mark.usefixtures("as_users_run")
    def test_transfer_under_vmap(self) -> None:
        values, index = torch.randn(3, 2, 5, 8, 6), torch.randint(12, (2, 3, 4))
        mapped = torch.vmap(lambda v, i: transfer(v, i, KEY_SIZE, 2), in_dims=(0, None))
        found = mapped(values, index)
        for i, value in enumerate(values):
            assert torch.equal(found[i], transfer(value, index, KEY_SIZE, 2))

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision(self, dtype: torch.dtype) -> None:
        inputs = [torch.randn(1, 8, 5, 6).to(dtype).requires_grad_() for _ in range(2)]
        search(*inputs).score.sum().backward()
        wide = [x.detach().float().requires_grad_() for x in inputs]
        search(*wide).score.sum().backward()
        for x, y in zip(inputs, wide, strict=True):
            assert x.grad is not None
            assert x.grad.dtype == dtype
            assert torch.equal(x.grad, y.grad.to(dtype))
        _, tangent = torch.func.jvp(
            lambda q: search(q, inputs[1].detach()).score,
            (inputs[0].detach(),),
            (torch.ones_like(inputs[0]),),
        )
        assert tangent.dtype == torch.float32


@pytest.mark.parametrize("backend", BACKENDS)
class TestMagnitude:
    @pytest.mark.parametrize("both", [False, True])
    @pytest.mark.parametrize("magnitude", [1e-37, 1e-25, 1e-12, 1e12, 1e25, 1e37])
    def test_large_and_small(self, backend: str, magnitude: float, both: bool) -> None:
        query, key = torch.randn(1, 6, 5, 4) * magnitude, torch.randn(1, 6, 4, 6)
        self.same_as_in_float64(query, key * magnitude if both else key, backend)

    def test_both_in_one_image(self, backend: str) -> None:
        query, key = torch.randn(1, 6, 8, 8), torch.randn(1, 6, 9, 9)
        query[..., :4] *= 1e-20
        key[..., :4, :] *= 1e-18
        self.same_as_in_float64(query, key, backend)

    @staticmethod
    def same_as_in_float64(query: Tensor, key: Tensor, backend: str) -> None:
        ours = [x.clone().requires_grad_() for x in (query, key)]
        wide = [x.double().requires_grad_() for x in (query, key)]
        search(*ours, backend=backend).score.sum().backward()
        search(*wide, backend="literal").score.sum().backward()
        for a, b in zip(ours, wide, strict=True):
            assert a.grad is not None
            assert b.grad is not None
            # Gradients go with one over the magnitude of their cell.
            size = a.detach().double().abs().amax(1, keepdim=True)
            torch.testing.assert_close(a.grad.double() * size, b.grad * size, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("as_users_run")
class TestOldCompilers:
    def inputs(self) -> tuple[Tensor, ...]:
        return (
            torch.randn(1, 8, 6, 7),
            torch.randn(1, 8, 5, 4),
            *(torch.randn(1, 3, 5 * s, 4 * s) for s in (4, 2, 1)),
        )

    def test_trace_says_what_to_do(self) -> None:
        with pytest.raises(BackendError, match=r"search cannot be traced.*use torch.export.export"):
            torch.jit.trace(SearchTransfer(), self.inputs())
        index = torch.zeros(1, 3, 3, dtype=torch.int64)
        with pytest.raises(BackendError, match=r"transfer cannot be traced"):
            torch.jit.trace(lambda value: transfer(value, index, (2, 2)), torch.zeros(1, 1, 2, 2))

    def test_script_says_what_to_do(self) -> None:
        with pytest.raises(BackendError, match=r"cannot be compiled by torch\.jit\.script"):
            torch.jit.script(SearchTransfer())
