# SPDX-License-Identifier: Apache-2.0
"""What a process sets for itself - default dtype, default device, autocast - changes no answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from searchtransfer import SearchTransfer, search, transfer
from searchtransfer.errors import BackendError
from searchtransfer.operators import Keys, search_views
from searchtransfer.operators.backends import BACKENDS, native
from searchtransfer.operators.backends.native_jobs import Search, address
from searchtransfer.operators.backends.native_kernel import buffer


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SETTINGS: dict[str, Callable[[], object]] = {
    **{
        f"default {dtype}": lambda dtype=dtype: default_dtype(dtype)
        for dtype in (torch.float64, torch.float16, torch.bfloat16)
    },
    "default device meta": lambda: torch.device("meta"),
    "autocast bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast float16": lambda: torch.autocast("cpu", torch.float16),
}


def positive(*size: int, seed: int) -> Tensor:
    """As the features of a network are: there, half precision finds other places."""
    return torch.rand(size, generator=torch.Generator().manual_seed(seed)) + 1


def spread(features: Tensor) -> Tensor:
    """With a few blocks that float32 cannot see beside the others."""
    features = features.clone()
    features[..., 2:5, 3:6] *= 1e-15
    return features


def with_gradients(backend: str) -> list[Tensor]:
    query = positive(1, 24, 9, 11, seed=1).requires_grad_()
    key = positive(1, 24, 12, 10, seed=2).requires_grad_()
    match = search(query, key, backend=backend)
    gradients = torch.autograd.grad(match.score.square().sum(), [query, key])
    return [match.score.detach(), match.index, *gradients]


JOBS: dict[str, Callable[[], list[Tensor]]] = {
    **{f"search {name}": lambda name=name: with_gradients(name) for name in BACKENDS},
    **{
        f"faint blocks {name}": lambda name=name: list(
            search(
                spread(positive(1, 24, 20, 21, seed=1)),
                spread(positive(1, 24, 22, 23, seed=2)),
                backend=name,
            )
        )
        for name in BACKENDS
    },
    "float64": lambda: list(
        search(positive(1, 24, 9, 11, seed=1).double(), positive(1, 24, 7, 8, seed=2).double())
    ),
    "views": lambda: list(
        search_views(
            positive(1, 24, 9, 11, seed=1),
            Keys([positive(24, 9, 11, seed=2), positive(24, 5, 6, seed=3)]),
        )
    ),
    "half precision views": lambda: list(
        search_views(positive(1, 24, 9, 11, seed=1).half(), Keys([positive(24, 9, 11, seed=2)]))
    ),
    "module": lambda: list(
        SearchTransfer()(
            positive(1, 24, 9, 11, seed=1),
            positive(1, 24, 7, 8, seed=2),
            *(positive(1, 2, 7 * s, 8 * s, seed=s) for s in (4, 2, 1)),
        )
    ),
    "transfer in float64": lambda: [
        transfer(
            positive(1, 2, 14, 16, seed=1).double(),
            torch.arange(20, device="cpu").view(1, 4, 5),
            (7, 8),
            2,
        )
    ],
}


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("job", JOBS)
def test_no_setting_changes_an_answer(job: str, setting: str) -> None:
    if "native" in job and not native.instruction_sets():
        pytest.skip("the compiled kernel is not built")
    # Inputs are made under the setting too, as the inputs of a user are; `rand` would follow it.
    expected = JOBS[job]()
    generator = torch.rand
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            torch,
            "rand",
            lambda *size, **kw: generator(*size, dtype=torch.float32, device="cpu", **kw),
        )
        with SETTINGS[setting]():
            found = JOBS[job]()
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.device == b.device
        assert torch.equal(a, b)


class TestAddresses:
    """No address is taken of what C would misread."""

    @pytest.mark.parametrize(
        "wrong",
        [
            torch.zeros(3, 4, dtype=torch.float64),
            torch.zeros(3, 4, dtype=torch.float16),
            torch.zeros(3, 4).T,
            torch.zeros(3, 4).expand(2, 3, 4),
            torch.zeros(3, 4, device="meta"),
        ],
        ids=lambda x: f"{x.dtype} {x.device} {x.stride()}",
    )
    def test_refused(self, wrong: Tensor) -> None:
        with pytest.raises(BackendError, match=r"slack must be contiguous, torch.float32, on the"):
            address(wrong, torch.float32, "slack")
        with pytest.raises(BackendError, match=r"kernel: Search.slack must be contiguous"):
            Search(slack=wrong)

    def test_every_address_of_a_struct_says_what_lies_there(self) -> None:
        names = {name for name, *_ in Search._fields_}
        stated = {*Search.FLOAT32.split(), *Search.INT64.split()}
        assert stated == {"slack", "best", "counts"}
        assert stated < names

    def test_taken(self) -> None:
        room = buffer(3, 4)
        assert address(room, torch.float32, "room") == room.data_ptr()
        assert address(None, torch.float32, "room") == 0
