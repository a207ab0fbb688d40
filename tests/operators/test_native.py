# SPDX-License-Identifier: Apache-2.0
"""The compiled search: every instruction set, depth, block size, thread count; hard inputs."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracle import assert_best, relevances
from torch import Tensor

from searchtransfer.operators.backends import native
from searchtransfer.operators.backends.native import Options, best_match, measured_match, prepare

if not native.instruction_sets():
    pytest.skip("the compiled kernel is not built", allow_module_level=True)

KERNELS = native.instruction_sets()
SIDE = st.integers(1, 24)
SIZE = st.tuples(st.integers(1, 16), st.integers(1, 50))


def check(query: Tensor, keys: list[Tensor], patch_size: int = 3, **options: object) -> None:
    score, position = best_match(query, keys, patch_size, Options(**options))  # type: ignore[arg-type]
    assert_best(score, position, relevances(query, keys, patch_size))


def randn(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def smooth(*size: int, seed: int = 0) -> Tensor:
    """Features whose energy gathers in few directions, so that pruning works."""
    image = randn(*size, seed=seed).cumsum(1).cumsum(2)
    mix = randn(size[0], size[0], seed=99) * torch.logspace(0, -3, size[0])
    return torch.einsum("dc,chw->dhw", mix, image) / (1 + image.abs().max())


@pytest.mark.parametrize("kernel", KERNELS)
class TestExact:
    @given(
        query_size=SIZE,
        key_sizes=st.lists(SIZE, min_size=1, max_size=3),
        channels=st.sampled_from([1, 2, 3, 15, 16, 17, 27, 48, 70]),
        patch_size=st.sampled_from([1, 3, 3, 3, 5]),
        depth=st.sampled_from([None, 0, 16]),
        threads=st.integers(1, 4),
        features=st.sampled_from([randn, smooth]),
        seed=st.integers(0, 999),
    )
    def test_random_shapes(
        self, kernel, query_size, key_sizes, channels, patch_size, depth, threads, features, seed
    ):
        query = features(channels, *query_size, seed=seed)
        keys = [features(channels, *size, seed=seed + i) for i, size in enumerate(key_sizes, 1)]
        check(query, keys, patch_size, kernel=kernel, depth=depth, threads=threads)

    @pytest.mark.parametrize("depth", [16, 32, 64, 96, 128])
    def test_many_channels(self, kernel, depth):
        query, keys = smooth(200, 9, 21, seed=1), [smooth(200, 14, 33, seed=2)]
        check(query, keys, kernel=kernel, depth=depth)

    @pytest.mark.parametrize("depth", [16, 48, 112, 128])
    def test_the_bound_can_be_reached(self, kernel, depth):
        # A copy of the query has its tail too, so partial product + bound is exactly its score;
        # a near copy sets the bar just below. Shuffled, so that no seed finds them.
        query = randn(200, 600, seed=1) * torch.logspace(0, -0.5, 200)[:, None]
        near = query + 0.2 * query.std() * randn(200, 600, seed=2)
        order = torch.randperm(1200, generator=torch.Generator().manual_seed(1))
        key = torch.cat([query, near], 1)[:, order].view(200, 40, 30)
        options = Options(kernel=kernel, depth=depth)
        score, position = best_match(query.view(200, 20, 30), [key], 1, options)
        assert torch.equal(order[position.flatten()], torch.arange(600))
        torch.testing.assert_close(score, torch.ones(20, 30), rtol=0, atol=1e-6)

    @pytest.mark.parametrize("depth", [0, 16])
    @pytest.mark.parametrize("patch_size", [1, 3, 5, 7, 31])
    def test_column_blocks(self, kernel, depth, patch_size):
        query, keys = smooth(20, 6, 37, seed=1), [smooth(20, 8, 83, seed=2), randn(20, 5, 19)]
        whole = best_match(query, keys, patch_size, Options(kernel=kernel, depth=depth))
        assert_best(*whole, relevances(query, keys, patch_size))
        for query_block in [*range(1, 39), 64]:
            key_block = query_block % 6 * 16
            options = Options(kernel, 2, depth, query_block, key_block)
            blocked = best_match(query, keys, patch_size, options)
            assert torch.equal(blocked[1], whole[1]), (query_block, key_block)
            assert torch.equal(blocked[0], whole[0])

    def test_every_key_width_remainder(self, kernel):
        for width in range(1, 70):
            query, keys = smooth(5, 3, 9, seed=width), [smooth(5, 4, width, seed=100)]
            check(query, keys, kernel=kernel, depth=width % 2 * 16)


class TestSameBits:
    @pytest.mark.parametrize("depth", [0, 16, 48])
    def test_thread_counts(self, depth):
        query, keys = smooth(70, 20, 31, seed=1), [smooth(70, 25, 40, seed=s) for s in (2, 3)]
        one = best_match(query, keys, 3, Options(threads=1, depth=depth))
        for threads in (2, 3, 4, 99):
            more = best_match(query, keys, 3, Options(threads=threads, depth=depth))
            assert torch.equal(one[0], more[0])
            assert torch.equal(one[1], more[1])

    def test_prepared_keys_again_and_again(self):
        keys = [smooth(40, 12, 17, seed=s) for s in (1, 2)]
        prepared = prepare(keys, 3)
        for seed in (3, 4, 5):
            query = smooth(40, 9, 11, seed=seed)
            for a, b in zip(
                best_match(query, prepared, 3), best_match(query, keys, 3), strict=True
            ):
                assert torch.equal(a, b)

    def test_many_callers_at_once(self):
        keys = prepare([smooth(40, 20, 30, seed=1)], 3)
        queries = [smooth(40, 15, 20, seed=s) for s in range(8)]
        expected = [best_match(query, keys, 3)[1] for query in queries]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda query: best_match(query, keys, 3)[1], queries))
        assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))

    def test_inputs_are_not_changed(self):
        query, key = randn(5, 6, 7), randn(5, 8, 9, seed=1)
        before = query.clone(), key.clone()
        best_match(query, [key], 3)
        assert torch.equal(query, before[0])
        assert torch.equal(key, before[1])


@pytest.mark.parametrize("depth", [None, 0, 16])
class TestHardInputs:
    @pytest.mark.parametrize(("query", "key"), [(0, 1), (1, 0)])
    def test_zeros(self, depth, query, key):
        score, position = best_match(
            query * randn(3, 4, 5), [key * randn(3, 6, 7)], 3, Options(depth=depth)
        )
        assert torch.equal(score, torch.zeros(4, 5))
        assert torch.equal(position, torch.zeros(4, 5, dtype=torch.int64))

    def test_all_scores_negative(self, depth):
        check(torch.full((4, 5, 6), 1.0), [-randn(4, 7, 8).abs() - 0.1], depth=depth)

    def test_a_zero_block_beats_negative_ones(self, depth):
        key = -torch.ones(2, 9, 9)
        key[:, 3:, 3:] = 0
        score, position = best_match(torch.ones(2, 5, 5), [key], 3, Options(depth=depth))
        assert torch.equal(score, torch.zeros(5, 5))
        assert (position[1:-1, 1:-1] == 4 * 9 + 4).all()

    def test_constant(self, depth):
        score, position = best_match(
            torch.ones(4, 9, 9), [torch.ones(4, 20, 30)], 3, Options(depth=depth)
        )
        torch.testing.assert_close(score, torch.ones(9, 9))
        inner = position[1:-1, 1:-1]
        assert (inner == 31).all()

    def test_periodic_ties_go_to_the_lowest(self, depth):
        tile = torch.randint(-2, 3, (5, 4, 4), generator=torch.Generator().manual_seed(1)).float()
        query, key = tile.repeat(1, 3, 3), tile.repeat(1, 6, 8)
        score, position = best_match(query, [key, key], 3, Options(depth=depth))
        relevance = relevances(query, [key, key], 3)
        assert_best(score, position, relevance)
        lowest = (relevance > relevance.amax(1, keepdim=True) - 1e-12).int().argmax(1)
        assert torch.equal(position.flatten(), lowest)

    def test_ties_of_different_blocks_go_to_the_lowest(self, depth):
        # One-hot cells: dot products are integers and all norms are equal, so ties are exact.
        labels = torch.randint(0, 6, (14, 18), generator=torch.Generator().manual_seed(2))
        one_hot = torch.nn.functional.one_hot(labels, 6).permute(2, 0, 1).float()
        query = torch.nn.functional.pad(one_hot[:, :8, :9], (1, 1, 1, 1))
        score, position = best_match(query, [one_hot], 1, Options(depth=depth))
        relevance = relevances(query, [one_hot], 1)
        lowest = (relevance > relevance.amax(1, keepdim=True) - 1e-12).int().argmax(1)
        assert torch.equal(position.flatten(), lowest)
        score, position = best_match(one_hot[:, :8, :9], [one_hot], 3, Options(depth=depth))
        assert_best(score, position, relevances(one_hot[:, :8, :9], [one_hot], 3))

    def test_near_ties(self, depth):
        key = randn(20, 1, 40).repeat(1, 12, 1)
        key = key * (1 + torch.randint(-1, 2, key.shape) * 2.0**-23)  # one ulp apart
        check(key[:, :5, :30].clone(), [key], depth=depth)

    def test_one_huge_channel(self, depth):
        query, key = randn(20, 7, 9), randn(20, 10, 30, seed=1)
        for x in (query, key):
            x[3] *= 1e5
        check(query, [key], depth=depth)

    @pytest.mark.parametrize("magnitude", [2.0**-20, 2.0**20])
    def test_magnitudes(self, depth, magnitude):
        query, key = randn(20, 7, 9), randn(20, 10, 30, seed=1)
        check(query * magnitude, [key / magnitude], depth=depth)

    def test_dim_cells_and_denormal_channels(self, depth):
        query, key = randn(20, 7, 9), randn(20, 10, 30, seed=1)
        for x in (query, key):
            x[:, ::2] *= 2.0**-38
            x[10:] *= 2.0**-120  # denormal where the row is dim
        check(query, [key], depth=depth)

    def test_rank_one(self, depth):
        key = randn(1, 9, 25).abs() * torch.linspace(1, 2, 30)[:, None, None]
        check(key[:, 2:7, 3:20].clone(), [key], depth=depth)


class TestPruning:
    def test_it_prunes(self):
        query, key = smooth(100, 30, 40, seed=1), smooth(100, 30, 40, seed=1)
        key += 0.01 * key.std() * randn(100, 30, 40)
        score, position, statistics = measured_match(query, [key], 3)
        assert_best(score, position, relevances(query, [key], 3))
        assert statistics.depth > 0
        assert statistics.pairs == 1200 * 1200
        assert statistics.exact < 1200 * 60

    def test_copies_are_not_evaluated(self):
        query, key = torch.ones(20, 20, 20), torch.ones(20, 30, 30)
        statistics = measured_match(query, [key, key], 3, Options(depth=16))[2]
        assert statistics.exact <= 20 * 20 * 9  # nine different blocks: inside, edges, corners

    def test_blocks_that_differ_in_the_sign_of_zero_are_copies(self):
        key = torch.zeros(20, 20, 20)
        key[0], key[1] = 1, -0.0 * torch.randint(-1, 2, (20, 20))
        statistics = measured_match(torch.ones(20, 9, 9), [key], 3, Options(depth=16))[2]
        assert statistics.exact <= 9 * 9 * 9

    def test_it_does_not_where_nothing_can_be_settled(self):
        query, keys = randn(100, 20, 20), [randn(100, 20, 20, seed=1)]
        *_, statistics = measured_match(query, keys, 3)
        assert statistics.depth == 0 or statistics.depth >= 100
        assert statistics.pairs == 160000
        assert statistics.exact < 160000 / 10  # none, or what bfloat16 leaves open
        for kernel in set(KERNELS) - {"amx"}:
            *_, statistics = measured_match(query, keys, 3, Options(kernel))
            assert statistics == (0, 160000, 0, 0)

    def test_a_later_view_profits_from_an_earlier_one(self):
        query, other = smooth(64, 25, 30, seed=1), smooth(64, 25, 30, seed=2)
        key = query + 0.01 * query.std() * randn(64, 25, 30)
        options = Options(depth=16, threads=1)
        alone = measured_match(query, [other], 3, options)[2]
        behind = measured_match(query, [key, other], 3, options)[2]
        first = measured_match(query, [key], 3, options)[2]
        assert behind.open - first.open < alone.open / 2


class TestWhyNot:
    def test_none_when_it_can(self):
        assert native.why_not(randn(2, 3, 4), [randn(2, 5, 6)], 3) is None
        assert native.why_not(randn(2, 3, 4), prepare([randn(2, 5, 6)], 3), 3) is None

    @pytest.mark.parametrize(
        ("query", "patch_size", "reason"),
        [
            (torch.zeros(2, 3, 4, dtype=torch.float64), 3, "float32 only, .* torch.float64"),
            (torch.zeros(2, 3, 4, device="meta"), 3, "CPU only, .* on meta"),
            (torch.zeros(2, 3, 4), 33, "largest patch_size is 31, and 33"),
        ],
    )
    def test_reasons(self, query, patch_size, reason):
        assert re.search(reason, native.why_not(query, [query], patch_size))

    def test_keys_for_another_patch_size(self):
        keys = prepare([randn(2, 5, 6)], 3)
        assert "patch_size 3, not 5" in native.why_not(randn(2, 5, 6), keys, 5)

    def test_too_many_cells(self):
        huge = torch.zeros(1, 1, 1).expand(1, 2**16, 2**16)
        assert "32 bits" in native.why_not(torch.zeros(1, 1, 1), [huge], 3)

    def test_not_built(self, monkeypatch):
        monkeypatch.setattr(native, "kernel_module", None)
        monkeypatch.setattr(native, "MISSING", "No module named '_kernel'")
        assert "not installed (No module" in native.why_not(randn(2, 3, 4), [randn(2, 3, 4)], 3)


class TestOptions:
    def test_unknown_instruction_set(self):
        with pytest.raises(ValueError, match="does not run the instruction set abacus"):
            best_match(randn(2, 3, 4), [randn(2, 3, 4)], 3, Options(kernel="abacus"))

    @pytest.mark.parametrize("depth", [-16, 8, 48])
    def test_depth_out_of_range(self, depth):
        with pytest.raises(ValueError, match=rf"depth must be .* up to 32, got {depth}"):
            best_match(randn(2, 3, 4), [randn(2, 3, 4)], 3, Options(depth=depth))

    def test_a_struct_of_the_wrong_size(self):
        with pytest.raises(ValueError, match=r"search takes .* bytes, got 3"):
            native.kernel_module.search(None, b"abc", lambda: None)
