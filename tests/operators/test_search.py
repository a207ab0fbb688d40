# SPDX-License-Identifier: Apache-2.0
"""Every backend against the float64 oracle, and what may not change the answer."""

import math

import pytest
import torch
from article import search as article_search
from hypothesis import given
from hypothesis import strategies as st
from oracle import assert_best, relevances
from torch import Tensor

from searchtransfer import search
from searchtransfer.errors import BackendError, DTypeError, NonFiniteError, OptionError, ShapeError
from searchtransfer.operators import search_views
from searchtransfer.operators.backends import BACKENDS, tiled

EVERY_BACKEND = [*BACKENDS, "auto"]
FLOAT64_BACKENDS = [name for name in EVERY_BACKEND if name != "native"]  # float32 only
SIDE = st.integers(1, 9)


def pair(
    *, query: tuple[int, ...], key: tuple[int, ...], seed: int = 0, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    dtype = dtype or torch.float32
    return (
        torch.randn(query, generator=generator).to(dtype),
        torch.randn(key, generator=generator).to(dtype),
    )


@pytest.mark.parametrize("backend", EVERY_BACKEND)
class TestExact:
    @given(
        h=SIDE,
        w=SIDE,
        hr=SIDE,
        wr=SIDE,
        c=st.integers(1, 20),
        patch_size=st.sampled_from([1, 3, 5]),
        seed=st.integers(0, 999),
    )
    def test_random_shapes(
        self, backend: str, h: int, w: int, hr: int, wr: int, c: int, patch_size: int, seed: int
    ) -> None:
        query, key = pair(query=(1, c, h, w), key=(1, c, hr, wr), seed=seed)
        match = search(query, key, patch_size, backend)
        assert_best(match.score[0], match.index[0], relevances(query[0], [key[0]], patch_size))

    def test_one_cell(self, backend: str) -> None:
        match = search(torch.tensor([[[[2.0]]]]), torch.tensor([[[[3.0]]]]), backend=backend)
        assert match.score.tolist() == [[[1.0]]]
        assert match.index.tolist() == [[[0]]]

    def test_empty_batch(self, backend: str) -> None:
        match = search(torch.zeros(0, 2, 3, 4), torch.zeros(0, 2, 5, 6), backend=backend)
        assert match.score.shape == match.index.shape == (0, 3, 4)
        assert match.index.dtype == torch.int64

    def test_each_image_of_a_batch_is_searched_alone(self, backend: str) -> None:
        query, key = pair(query=(3, 4, 5, 6), key=(3, 4, 7, 3))
        match = search(query, key, backend=backend)
        for i in range(3):
            alone = search(query[i : i + 1], key[i : i + 1], backend=backend)
            assert torch.equal(match.index[i], alone.index[0])
            torch.testing.assert_close(match.score[i], alone.score[0], rtol=0, atol=1e-6)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_is_accumulated_in_float32(
        self, backend: str, dtype: torch.dtype
    ) -> None:
        # 2304 products of about 1e4 each overflow float16 and lose all digits in bfloat16.
        query, key = pair(query=(1, 256, 5, 6), key=(1, 256, 6, 5), dtype=dtype)
        query, key = query * 100, key * 100
        match = search(query, key, backend=backend)
        assert match.score.dtype == torch.float32
        assert_best(match.score[0], match.index[0], relevances(query[0], [key[0]], 3))

    def test_layout_does_not_matter(self, backend: str) -> None:
        query, key = pair(query=(2, 6, 5, 7), key=(2, 6, 8, 4))
        expected = search(query, key, backend=backend)
        every_second = torch.randn(2, 6, 10, 14)
        every_second[:, :, ::2, ::2] = query
        for other_query, other_key in (
            (query.contiguous(memory_format=torch.channels_last), key),
            (query, key.transpose(2, 3).contiguous().transpose(2, 3)),
            (every_second[:, :, ::2, ::2], key),
        ):
            match = search(other_query, other_key, backend=backend)
            assert torch.equal(match.index, expected.index)
            torch.testing.assert_close(match.score, expected.score, rtol=0, atol=1e-6)

    def test_inputs_are_not_changed(self, backend: str) -> None:
        query, key = pair(query=(1, 3, 4, 5), key=(1, 3, 5, 4))
        before = query.clone(), key.clone()
        search(query, key, backend=backend)
        assert torch.equal(query, before[0])
        assert torch.equal(key, before[1])


@pytest.mark.parametrize("backend", EVERY_BACKEND)
class TestTiesAndZeros:
    def test_zero_query_scores_zero_at_the_first_cell(self, backend: str) -> None:
        match = search(torch.zeros(1, 2, 3, 3), torch.randn(1, 2, 4, 4), backend=backend)
        assert match.score.eq(0).all()
        assert match.index.eq(0).all()

    def test_zero_key_scores_zero_at_the_first_cell(self, backend: str) -> None:
        match = search(torch.randn(1, 2, 3, 3), torch.zeros(1, 2, 4, 4), backend=backend)
        assert match.score.eq(0).all()
        assert match.index.eq(0).all()

    def test_zero_block_beats_a_contrary_one(self, backend: str) -> None:
        query = torch.ones(1, 1, 1, 1)
        key = torch.tensor([[[[-1.0, 0.0, -2.0]]]])
        match = search(query, key, patch_size=1, backend=backend)
        assert match.score.item() == 0
        assert match.index.item() == 1

    def test_equal_scores_of_different_blocks_go_to_the_lowest_index(self, backend: str) -> None:
        # One-hot features: every product is an exact integer, so these ties are exact.
        key = torch.zeros(1, 4, 6, 6)
        key[0, torch.arange(36) % 3, torch.arange(36) // 6, torch.arange(36) % 6] = 1
        query = torch.zeros(1, 4, 5, 5)
        query[0, 3] = 1  # orthogonal to all of them
        assert search(query, key, backend=backend).index.eq(0).all()
        query[0, 0] = 1
        match = search(query, key, patch_size=1, backend=backend)
        assert match.index.eq(0).all()

    @pytest.mark.parametrize("c", [3, 64])
    def test_exact_copies_go_to_the_lowest_index(self, backend: str, c: int) -> None:
        tile = torch.randn(1, c, 3, 4)
        key = tile.repeat(1, 1, 5, 4)
        query = torch.randn(1, c, 9, 8)
        match = search(query, key, backend=backend)
        relevance = relevances(query[0], [key[0]], 3)
        assert_best(match.score[0], match.index[0], relevance)
        # Away from the border the key repeats every 3 rows and 4 columns.
        row, column = match.index // 16, match.index % 16
        inner = (row >= 1) & (row < 14) & (column >= 1) & (column < 15)
        assert inner.any()
        assert (row[inner] <= 3).all()
        assert (column[inner] <= 4).all()

    def test_constant_images(self, backend: str) -> None:
        match = search(torch.ones(1, 3, 6, 7), torch.ones(1, 3, 5, 8), backend=backend)
        assert match.index[0, 2, 3].item() == 9  # the first inner block
        torch.testing.assert_close(match.score, torch.ones(1, 6, 7))


@pytest.mark.parametrize("backend", EVERY_BACKEND)
class TestRange:
    @pytest.mark.parametrize("factor", [1e-38, 1e-20, 3.0, 1e18, 1e37])
    def test_scaling_the_features_changes_nothing(self, backend: str, factor: float) -> None:
        query, key = pair(query=(1, 5, 6, 5), key=(1, 5, 4, 7))
        expected = search(query, key, backend=backend)
        for q, k in ((query * factor, key), (query, key * factor), (query * factor, key * factor)):
            match = search(q, k, backend=backend)
            assert torch.equal(match.index, expected.index)
            torch.testing.assert_close(match.score, expected.score, rtol=0, atol=2e-6)

    def test_denormals(self, backend: str) -> None:
        query, key = pair(query=(1, 4, 5, 6), key=(1, 4, 7, 7))
        query *= 1e-40
        match = search(query, key, backend=backend)
        assert_best(match.score[0], match.index[0], relevances(query[0], [key[0]], 3))

    def test_one_huge_channel(self, backend: str) -> None:
        query, key = pair(query=(1, 8, 6, 6), key=(1, 8, 7, 5))
        query[:, 0] *= 1e6
        key[:, 0] *= 1e6
        match = search(query, key, backend=backend)
        assert_best(match.score[0], match.index[0], relevances(query[0], [key[0]], 3))


@pytest.mark.parametrize("backend", FLOAT64_BACKENDS)
class TestFloat64:
    def test_float64_is_searched_in_float64(self, backend: str) -> None:
        query, key = pair(query=(1, 5, 6, 7), key=(1, 5, 8, 4), dtype=torch.float64)
        match = search(query, key, backend=backend)
        assert match.score.dtype == torch.float64
        assert_best(match.score[0], match.index[0], relevances(query[0], [key[0]], 3), 1e-14)

    def test_cells_of_very_different_magnitude(self, backend: str) -> None:
        query, key = pair(query=(1, 4, 5, 6), key=(1, 4, 7, 7))
        query[:, :, 2:] *= 1e-30
        key[:, :, :, 3:] *= 1e30
        match = search(query, key, backend=backend)
        assert_best(match.score[0], match.index[0], relevances(query[0], [key[0]], 3))


@pytest.mark.parametrize("backend", EVERY_BACKEND)
class TestMetamorphic:
    def test_an_image_finds_itself(self, backend: str) -> None:
        image = torch.randn(1, 7, 8, 9)
        match = search(image, image, backend=backend)
        assert torch.equal(match.index[0], torch.arange(72).view(8, 9))
        torch.testing.assert_close(match.score, torch.ones(1, 8, 9))

    def test_permuting_the_key_permutes_the_index(self, backend: str) -> None:
        query, key = pair(query=(1, 6, 5, 6), key=(1, 6, 7, 8))
        order = torch.randperm(56)
        shuffled = key.flatten(2)[:, :, order].view_as(key)
        plain = search(query, key, patch_size=1, backend=backend)
        permuted = search(query, shuffled, patch_size=1, backend=backend)
        assert torch.equal(order[permuted.index], plain.index)

    def test_flipping_both_flips_the_answer(self, backend: str) -> None:
        query, key = pair(query=(1, 6, 5, 6), key=(1, 6, 7, 8))
        plain = search(query, key, backend=backend)
        flipped = search(query.flip(3), key.flip(3), backend=backend)
        row, column = flipped.index // 8, flipped.index % 8
        assert torch.equal((row * 8 + 7 - column).flip(2), plain.index)

    def test_views_are_one_search(self, backend: str) -> None:
        query = torch.randn(2, 5, 6, 7)
        keys = [torch.randn(2, 5, h, w) for h, w in ((3, 4), (1, 1), (6, 2))]
        match = search_views(query, keys, backend=backend)
        starts = torch.tensor([0, 12, 13])
        for i in range(2):
            relevance = relevances(query[i], [key[i] for key in keys], 3)
            assert_best(match.score[i], starts[match.view[i]] + match.index[i], relevance)

    def test_the_same_view_twice_goes_to_the_first(self, backend: str) -> None:
        query, key = pair(query=(1, 5, 6, 7), key=(1, 5, 8, 9))
        match = search_views(query, [key, key], backend=backend)
        assert match.view.eq(0).all()


class TestTiles:
    @given(
        h=st.integers(1, 14),
        w=st.integers(1, 14),
        hr=st.integers(1, 14),
        wr=st.integers(1, 14),
        patch_size=st.sampled_from([1, 3]),
        columns=st.integers(1, 15),
        kilobytes=st.integers(0, 30),
    )
    def test_no_tile_changes_the_answer(
        self, h: int, w: int, hr: int, wr: int, patch_size: int, columns: int, kilobytes: int
    ) -> None:
        query, key = pair(query=(1, 4, h, w), key=(1, 4, hr, wr))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiled, "MAX_COLUMNS", columns)
            score, position = tiled.best_match(
                query[0], [key[0]], patch_size, working_memory=kilobytes * 1024
            )
        whole, where = tiled.best_match(query[0], [key[0]], patch_size, working_memory=2**30)
        assert torch.equal(position, where)
        torch.testing.assert_close(score, whole, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_as_many_rows_as_memory_allows(self, dtype: torch.dtype) -> None:
        for radius in (0, 1, 15):
            for channels in (1, 64, 2000):
                for widths in ((5, 7), (300, 20), (1000, 4000)):
                    self.are_many(dtype, radius, channels, widths)

    @staticmethod
    def are_many(dtype: torch.dtype, radius: int, channels: int, widths: tuple[int, int]) -> None:
        query, key = (torch.empty(channels, 9, n, dtype=dtype, device="meta") for n in widths)
        for memory in (2**16, 2**20, tiled.WORKING_MEMORY):
            size = tiled._tile_size(query, key, radius, memory)
            columns = size.query_columns, size.key_columns
            # Both sides with their copies, norms, and three products: rows, lines and blocks.
            a, b = (n + 2 * radius for n in columns)
            row = dtype.itemsize * ((2 * channels + 6) * (a + b) + 3 * a * b)
            assert size.rows == max(1, memory // row - 2 * radius)
            whole = tuple(min(n, tiled.MAX_COLUMNS) for n in widths)
            if memory // row < 4 * radius:  # nearly all halo: as narrow as it gets
                assert columns == tuple(min(n, tiled.LEAST_COLUMNS) for n in widths)
            elif columns != whole:  # twice as wide would not do
                a, b = (min(n, 2 * max(columns)) + 2 * radius for n in widths)
                row = dtype.itemsize * ((2 * channels + 6) * (a + b) + 3 * a * b)
                assert memory // row < 4 * radius

    @pytest.mark.parametrize("backend", EVERY_BACKEND)
    def test_no_thread_count_changes_the_answer(self, backend: str) -> None:
        query, key = pair(query=(1, 32, 20, 30), key=(1, 32, 25, 17))
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            one = search(query, key, backend=backend)
            torch.set_num_threads(2)
            two = search(query, key, backend=backend)
        finally:
            torch.set_num_threads(before)
        assert torch.equal(one.index, two.index)
        torch.testing.assert_close(one.score, two.score, rtol=0, atol=1e-6)

    def test_extreme_aspect(self) -> None:
        query, key = pair(query=(1, 2, 1, 700), key=(1, 2, 300, 1))
        match = search(query, key, backend="tiled")
        assert_best(match.score[0], match.index[0], relevances(query[0], [key[0]], 3))


@pytest.mark.parametrize("backend", FLOAT64_BACKENDS)
class TestGradient:
    @pytest.mark.parametrize("patch_size", [1, 3])
    def test_gradcheck(self, backend: str, patch_size: int) -> None:
        query, key = pair(query=(1, 2, 2, 3), key=(1, 2, 3, 2), dtype=torch.float64)
        inputs = (query.requires_grad_(), key.requires_grad_())
        score = lambda q, k: search(q, k, patch_size, backend).score  # noqa: E731
        assert torch.autograd.gradcheck(score, inputs)
        assert torch.autograd.gradgradcheck(score, inputs)

    def test_equals_the_gradient_of_the_article(self, backend: str) -> None:
        query, key = pair(query=(2, 3, 5, 4), key=(2, 3, 4, 6), dtype=torch.float64)
        weight = torch.randn(2, 20, dtype=torch.float64)
        leaves = [x.clone().requires_grad_() for x in (query, key, query, key)]
        (search(leaves[0], leaves[1], backend=backend).score.flatten(1) * weight).sum().backward()
        (article_search(leaves[2], leaves[3])[0] * weight).sum().backward()
        torch.testing.assert_close(leaves[0].grad, leaves[2].grad)
        torch.testing.assert_close(leaves[1].grad, leaves[3].grad)

    def test_zero_blocks_have_no_gradient(self, backend: str) -> None:
        query = torch.zeros(1, 2, 3, 3, requires_grad=True)
        key = torch.zeros(1, 2, 3, 3, requires_grad=True)
        search(query, key, backend=backend).score.sum().backward()
        assert query.grad is not None
        assert key.grad is not None
        assert query.grad.eq(0).all()
        assert key.grad.eq(0).all()

    def test_index_has_no_gradient(self, backend: str) -> None:
        query = torch.randn(1, 2, 3, 3, requires_grad=True)
        match = search(query, torch.randn(1, 2, 3, 3), backend=backend)
        assert match.score.requires_grad
        assert not match.index.requires_grad


@pytest.mark.usefixtures("as_users_run")  # symbolic sizes are not int
def test_registered_operator() -> None:
    query, key = pair(query=(2, 3, 4, 5), key=(2, 3, 5, 4))
    operator = torch.ops.searchtransfer.search.default
    torch.library.opcheck(operator, (query, key, 3, "auto"))
    torch.library.opcheck(operator, (query.requires_grad_(), key.requires_grad_(), 3, "auto"))


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    def test_rank(self) -> None:
        with pytest.raises(ShapeError, match=r"query must be \[B, C, H, W\], got \[2, 3, 4\]"):
            search(torch.zeros(2, 3, 4), torch.zeros(1, 2, 3, 4))
        with pytest.raises(ShapeError, match=r"key must be \[B, C, H, W\], got \[2, 3, 4\]"):
            search(torch.zeros(1, 2, 3, 4), torch.zeros(2, 3, 4))

    def test_batch(self) -> None:
        with pytest.raises(ShapeError, match="same batch, got 2 and 1"):
            search(torch.zeros(2, 2, 3, 4), torch.zeros(1, 2, 3, 4))

    def test_channels(self) -> None:
        with pytest.raises(ShapeError, match="same channels, got 2 and 3"):
            search(torch.zeros(1, 2, 3, 4), torch.zeros(1, 3, 3, 4))

    def test_integers(self) -> None:
        with pytest.raises(DTypeError, match=r"query must be float16.*got torch.int64"):
            search(torch.zeros(1, 2, 3, 4, dtype=torch.int64), torch.zeros(1, 2, 3, 4))

    def test_mixed_dtypes(self) -> None:
        with pytest.raises(DTypeError, match=r"same dtype, got torch.float32 and torch.float64"):
            search(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4, dtype=torch.float64))

    def test_mixed_devices(self) -> None:
        with pytest.raises(DTypeError, match="same device, got cpu and meta"):
            search(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4, device="meta"))

    def test_empty_key(self) -> None:
        with pytest.raises(ShapeError, match="at least one channel and one cell"):
            search(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 0, 4))
        with pytest.raises(ShapeError, match="at least one channel and one cell"):
            search(torch.zeros(1, 0, 3, 4), torch.zeros(1, 0, 3, 4))

    def test_no_views(self) -> None:
        with pytest.raises(ShapeError, match="at least one key"):
            search_views(torch.zeros(1, 2, 3, 4), [])

    @pytest.mark.parametrize("patch_size", [0, 2, -1])
    def test_patch_size(self, patch_size: int) -> None:
        with pytest.raises(OptionError, match=f"positive odd number, got {patch_size}"):
            search(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), patch_size)

    def test_backend(self) -> None:
        with pytest.raises(OptionError, match=r"backend must be auto, literal.*'fast'"):
            search(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4), backend="fast")

    def test_backend_that_cannot_run(self) -> None:
        with pytest.raises(BackendError, match=r"'native' cannot run here: .*"):
            search(
                torch.zeros(1, 2, 3, 4).double(), torch.ones(1, 2, 3, 4).double(), backend="native"
            )

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("name", ["query", "key"])
    def test_non_finite_features(self, name: str, value: float) -> None:
        features = {"query": torch.zeros(1, 2, 3, 4), "key": torch.zeros(1, 2, 5, 5)}
        features[name][0, 1, 2, 3] = value
        with pytest.raises(NonFiniteError, match=f"{name} holds NaN or infinity in 1 of its"):
            search(features["query"], features["key"])
