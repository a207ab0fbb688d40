# SPDX-License-Identifier: Apache-2.0
"""Prepared keys: what they held when they were made is what is searched."""

import pytest
import torch
from oracle import assert_best, relevances

from searchtransfer import search
from searchtransfer.errors import (
    DTypeError,
    NonFiniteError,
    OptionError,
    SearchTransferError,
    ShapeError,
)
from searchtransfer.operators import Keys, search_views
from searchtransfer.operators.backends import BACKENDS, native
from searchtransfer.operators.backends.native_attempt import Attempt, query_features

EVERY_BACKEND = [*BACKENDS, "auto"]
needs_kernel = pytest.mark.skipif(not native.instruction_sets(), reason="the kernel is not built")


@pytest.mark.parametrize("backend", EVERY_BACKEND)
class TestTheCallersTensors:
    @pytest.mark.parametrize("value", [torch.nan, 0.0, 7.0])
    @pytest.mark.parametrize("before_first_search", [True, False])
    def test_written_to_later(self, backend: str, value: float, before_first_search: bool) -> None:
        query, buffer = torch.randn(1, 8, 5, 5), torch.randn(8, 6, 7)
        keys = Keys([buffer])
        expected = search(query, buffer[None].clone(), backend=backend)
        if not before_first_search:
            search_views(query, keys, backend=backend)
        buffer.fill_(value)
        match = search_views(query, keys, backend=backend)
        assert torch.equal(match.index, expected.index)
        assert torch.equal(match.score, expected.score)

    def test_one_buffer_for_several_views(self, backend: str) -> None:
        query, buffer = torch.randn(1, 8, 5, 5), torch.empty(8, 6, 7)
        alone, made = [], []
        for _ in range(3):
            buffer.normal_()
            alone.append(buffer.clone())
            made.append(Keys([buffer]))
        for keys, view in zip(made, alone, strict=True):
            match = search_views(query, keys, backend=backend)
            assert_best(match.score[0], match.index[0], relevances(query[0], [view], 3))


@needs_kernel
def test_what_a_thread_spoils_is_an_error_and_no_crash() -> None:
    keys = Keys([torch.randn(8, 6, 7)])
    keys.views[0].fill_(torch.nan)  # against all rules
    with pytest.raises(SearchTransferError, match="changed to NaN while it ran"):
        search_views(torch.randn(1, 8, 5, 5), keys)


@needs_kernel
def test_a_query_that_met_nothing_is_scored_without_reading_elsewhere() -> None:
    keys = native.prepare([torch.randn(8, 6, 7)], 3)
    attempt = Attempt(
        query_features(torch.randn(8, 5, 5), keys, native.Options()), keys, native.Options()
    )
    with pytest.raises(NonFiniteError):
        attempt.scored()


@pytest.mark.parametrize("backend", EVERY_BACKEND)
class TestMagnitude:
    @pytest.mark.parametrize("exponent", [-100, -60, 60, 100])
    def test_each_view_has_its_own(self, backend: str, exponent: int) -> None:
        query = torch.randn(1, 8, 5, 6)
        views = [torch.randn(8, 7, 9), query[0] * 2.0**exponent, torch.randn(8, 4, 4)]
        match = search_views(query, Keys(views), backend=backend)
        assert (match.view == 1).all()
        assert torch.equal(match.index[0], torch.arange(30).view(5, 6))

    def test_as_lists_too(self, backend: str) -> None:
        query = torch.randn(2, 8, 5, 6)
        views = [torch.randn(2, 8, 7, 9), query * 2.0**-100]
        assert (search_views(query, views, backend=backend).view == 1).all()


class TestDtypes:
    @pytest.mark.parametrize("view", [torch.float16, torch.bfloat16, torch.float32])
    @pytest.mark.parametrize("query", [torch.float16, torch.bfloat16, torch.float32])
    @pytest.mark.parametrize("backend", EVERY_BACKEND)
    def test_half_precision(self, view: torch.dtype, query: torch.dtype, backend: str) -> None:
        features, key = torch.randn(1, 8, 5, 5).to(query), torch.randn(8, 6, 7).to(view)
        match = search_views(features, Keys([key]), backend=backend)
        expected = search(features.float(), key[None].float(), backend=backend)
        assert match.score.dtype == torch.float32
        assert torch.equal(match.index, expected.index)

    def test_negated_views(self) -> None:
        imaginary = torch.randn(4, 5, 6, dtype=torch.complex64).conj().imag
        assert imaginary.is_neg()
        match = search_views(imaginary[None], Keys([imaginary]))
        torch.testing.assert_close(match.score, torch.ones(1, 5, 6))

    @pytest.mark.usefixtures("as_users_run")
    def test_float64_does_not_meet_float32(self) -> None:
        with pytest.raises(DTypeError, match=r"same dtype, got torch.float64 and torch.float32"):
            search_views(torch.randn(1, 2, 3, 3).double(), Keys([torch.randn(2, 3, 3)]))


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    def test_no_view(self) -> None:
        with pytest.raises(ShapeError, match="at least one view, got none"):
            Keys([])

    @pytest.mark.parametrize("patch_size", [True, 3.0, 0, 2, 4, -1, "3", None])
    def test_patch_size(self, patch_size: object) -> None:
        with pytest.raises(OptionError, match="positive odd number, got"):
            Keys([torch.zeros(2, 3, 3)], patch_size)  # type: ignore[arg-type]

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.complex64])
    def test_not_floating_point(self, dtype: torch.dtype) -> None:
        with pytest.raises(DTypeError, match=rf"view 0 must be float16.* got {dtype}"):
            Keys([torch.zeros(2, 3, 3, dtype=dtype)])

    def test_not_a_tensor(self) -> None:
        with pytest.raises(DTypeError, match=r"view 0 must be a tensor .*, got list"):
            Keys([[1.0]])  # type: ignore[list-item]

    def test_sparse(self) -> None:
        with pytest.raises(DTypeError, match="must be dense"):
            Keys([torch.zeros(2, 3, 3).to_sparse()])

    def test_rank(self) -> None:
        with pytest.raises(ShapeError, match=r"view 1 must be \[C, Hr, Wr\], got \[1, 2, 3, 3\]"):
            Keys([torch.zeros(2, 3, 3), torch.zeros(1, 2, 3, 3)])

    def test_empty(self) -> None:
        with pytest.raises(ShapeError, match="at least one channel and one cell"):
            Keys([torch.zeros(2, 0, 3)])

    def test_views_that_differ(self) -> None:
        with pytest.raises(ShapeError, match=r"view 1 .* channels as the first, 2, got 3"):
            Keys([torch.zeros(2, 3, 3), torch.zeros(3, 3, 3)])
        with pytest.raises(DTypeError, match="view 1 must have the dtype of the first"):
            Keys([torch.zeros(2, 3, 3), torch.zeros(2, 3, 3).double()])

    def test_channels_of_the_query(self) -> None:
        with pytest.raises(ShapeError, match=r"same channels, got 3 and 2 \(query \[1, 3, 4, 5\]"):
            search_views(torch.zeros(1, 3, 4, 5), Keys([torch.zeros(2, 3, 3)]))

    def test_another_patch_size(self) -> None:
        with pytest.raises(OptionError, match="prepared for patch_size 5, got 3"):
            search_views(torch.zeros(1, 2, 3, 3), Keys([torch.zeros(2, 3, 3)], 5))

    @pytest.mark.parametrize("value", [torch.nan, torch.inf])
    def test_not_finite(self, value: float) -> None:
        view = torch.zeros(2, 3, 3)
        view[0, 1, 1] = value
        with pytest.raises(NonFiniteError, match="key holds NaN or infinity in 1 of its 9 cells"):
            Keys([torch.zeros(2, 3, 3), view])
