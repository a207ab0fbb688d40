# SPDX-License-Identifier: Apache-2.0
"""What the compiled search is told: margins, bounds, the cost model, layouts.

None of it may change an answer, so each is held against what `docs/design/native-search.md` says.
The jobs of matrix tiles are looked at as they are handed over, also where no processor has tiles.
"""

import dataclasses
import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from searchtransfer.operators.backends import native, native_attempt, native_features
from searchtransfer.operators.backends.native import Options, prepare
from searchtransfer.operators.backends.native_attempt import TINY, Attempt, Walk, query_features
from searchtransfer.operators.backends.native_basis import MOST_HEADS, principal_basis
from searchtransfer.operators.backends.native_cost import Work, cheapest_depth
from searchtransfer.operators.backends.native_features import (
    Features,
    described,
    halved,
    rotation_error,
)
from searchtransfer.operators.backends.native_jobs import Job
from searchtransfer.operators.backends.native_kernel import PANEL, SPARE, lanes, padded
from searchtransfer.operators.backends.native_layout import bordered_cells

if not native.instruction_sets():
    pytest.skip("the compiled kernel is not built", allow_module_level=True)

BEST = native.instruction_sets()[0]
U = 2.0**-24


def randn(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def attempt(
    query: Tensor, keys: list[Tensor], patch_size: int = 3, kernel: str | None = None
) -> Attempt:
    options = Options(kernel)
    prepared = prepare(keys, patch_size, options=options)
    return Attempt(query_features(query, prepared, options), prepared, options)


def features(
    image: Tensor, patch_size: int = 3, is_key: bool = True, gap: bool = False
) -> Features:
    cells = bordered_cells(image, patch_size, is_key, None, 1)
    return described(cells, principal_basis([cells], gap))


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Job]]:
    """What the kernel is told to do; nothing is done."""
    told: list[tuple[str, Job]] = []

    def run(operation: str, kernel: str | None, job: Job) -> None:
        told.append((operation, job))

    for module in (native_attempt, native_features):
        monkeypatch.setattr(module, "run", run)
    return told


class TestMargin:
    """Of rounding: what the bound of a pair must have in hand, no less and not much more."""

    @pytest.mark.parametrize("kernel", native.instruction_sets())
    def test_as_derived(self, kernel: str) -> None:
        for channels in (1, 16, 17, 64, 200, 512):
            for patch_size in (1, 3, 7):
                self.is_as_derived(channels, patch_size, kernel)

    @staticmethod
    def is_as_derived(channels: int, patch_size: int, kernel: str) -> None:
        one = attempt(randn(channels, 4, 5), [randn(channels, 5, 4, seed=1)], patch_size, kernel)
        p, c, wide = patch_size, padded(channels, 16), lanes()[kernel]
        heads = padded(min(channels, 128), 32)
        # Roundings in a row: four sums of a row of the block at a time, then the rows.
        exact = p * (math.ceil(p * c / (4 * wide)) + 3) + 8
        partial = p * p * heads // wide + 3 * heads // 32 + heads + 2 * p + 16
        tiles = 2 * (p * (padded(c + 3, 32) + 32) // 32 + p * (p + 2) + 32)
        chain = (c + 2) * U
        rotation = math.sqrt(heads) * chain / (1 - chain)
        relative = 1.01 * U * (exact + max(partial, tiles)) + 2.01 * rotation
        terms = 2 * p * p * (c + heads)
        absolute = terms * 2.0**-126 * one.keys.largest_scale
        found = one._slack()
        assert found == pytest.approx((relative, absolute), rel=2.0**-19, abs=0)
        assert found[0] > relative  # it is rounded up

    def test_of_a_search_grows_with_the_query(self) -> None:
        one = attempt(randn(20, 4, 5), [randn(20, 5, 4, seed=1)])
        relative, absolute = one._slack()
        torch.testing.assert_close(one.slack, one.query.scale * relative + absolute)

    def test_covers_what_underflows(self) -> None:
        one = attempt(randn(20, 4, 5) * 2.0**-60, [randn(20, 5, 4, seed=1) * 2.0**-60])
        relative, absolute = one._slack()
        assert absolute > 100 * relative * one.query.scale.max()
        torch.testing.assert_close(one.slack, torch.full((20,), absolute), rtol=0.02, atol=0)

    def test_the_smallest_normal_number(self) -> None:
        assert torch.finfo(torch.float32).tiny == TINY

    @pytest.mark.parametrize(("step", "depth"), [(16, 16), (64, 32), (512, 128)])
    def test_of_a_rotation(self, step: int, depth: int) -> None:
        """A chain of `step` multiply-adds with factors that were rounded, in each component."""
        grown = (1 + U) ** (step + 2) - 1
        assert grown <= rotation_error(step, depth) / math.sqrt(depth) < 1.001 * grown


class TestBounds:
    @pytest.mark.parametrize("is_key", [False, True])
    @pytest.mark.parametrize("patch_size", [1, 3, 5])
    def test_tails_bound_what_is_left_of_a_block(self, patch_size: int, is_key: bool) -> None:
        for channels in (5, 16, 40, 150):
            self.are_bounds(channels, patch_size, is_key)

    @staticmethod
    def are_bounds(channels: int, patch_size: int, is_key: bool) -> None:
        decay = torch.logspace(0, -2, channels)[:, None, None]
        image = randn(channels, 6, 7) * decay
        found = features(image, patch_size, is_key)
        basis = principal_basis([found.cells], gap=False)
        rotated = torch.einsum("ch,cyx->hyx", basis[:channels].float().double(), image.double())
        full = image.double().square().sum(0)
        radius = patch_size // 2
        for level in range(found.tails.shape[2]):
            rest = full - rotated[: 16 * (level + 1)].square().sum(0)
            block = torch.nn.functional.avg_pool2d(
                rest[None], patch_size, 1, radius, count_include_pad=True
            )[0]
            norm = torch.nn.functional.avg_pool2d(full[None], patch_size, 1, radius)[0]
            tail = (block.clamp(min=0) * patch_size**2).sqrt()
            unit = (norm * patch_size**2).sqrt()
            bound = found.tails[..., level].double() * (unit if is_key else 1)
            assert (bound >= tail).all()
            # Not looser than 2 e |x|^2, whose root counts where nothing is left.
            e = rotation_error(found.cells.step, 16 * (level + 1))
            most = (tail.square() + (3 * e + 1e-6) * unit.square()).sqrt()
            assert (bound <= 1.0001 * most).all()

    def test_grow_by_what_rounding_can_take(self, jobs: list[tuple[str, Job]]) -> None:
        """Squares are off by (2 e + e^2) |x|^2, and sums in double by less than 2^-40."""
        cells = bordered_cells(randn(40, 3, 4), 3, True, None, 1)
        basis = torch.eye(48, 64, dtype=torch.float64)
        described(cells, basis)
        (name, job) = jobs[-1]
        assert name == "norms"
        growth = next(x for x in job.keep if isinstance(x, Tensor) and x.dim() == 1)
        assert growth.dtype == torch.float64
        errors = [rotation_error(48, depth) for depth in (16, 32, 48, 64)]
        exact = torch.tensor([(1 + e) ** 2 for e in errors], dtype=torch.float64)
        assert (growth > exact).all()
        assert (growth < exact + 2.0**-39).all()

    def test_half_the_size_has_no_heads_of_its_own(self) -> None:
        found = halved(features(randn(40, 5, 7)))
        assert found.size == (3, 4) and found.depth == 0
        assert found.heads.numel() == found.tails.numel() == 0

    def test_room(self) -> None:
        """C reads whole vectors: rows of keys are padded to panels, and spare numbers follow."""
        for width in (1, 15, 16, 17, 40):
            key = features(randn(5, 3, width))
            assert key.scale.shape == (3 * padded(width) + SPARE,)
            assert features(randn(5, 3, width), is_key=False).scale.shape == (3 * width,)

    @pytest.mark.parametrize("depth", [0, 32, 64])
    @pytest.mark.parametrize("is_key", [False, True])
    def test_rounded_cells(self, depth: int, is_key: bool) -> None:
        """The numbers of a tile are those of the cell, rounded; bounds stand behind them."""
        image = randn(40, 3, 5)
        found = features(image, 3, is_key, gap=True)
        length = {0: 64, 32: 32, 64: 64}[depth]
        columns = padded(5, PANEL if is_key else 32)
        rounded = found.rounded(depth)
        assert rounded.shape == (3 * columns * length,)
        assert found.rounded(depth) is rounded
        assert bool(rounded.isfinite().all())

    def test_rounding_is_told_of_the_rotation(self, jobs: list[tuple[str, Job]]) -> None:
        cells = bordered_cells(randn(40, 3, 5), 3, True, None, 1)
        basis = torch.eye(48, 64, dtype=torch.float64)
        found = described(cells, basis)
        for depth, error, kept, bounds in (
            (0, 0.0, 40, 40),
            (32, rotation_error(48, 32), 32, 29),
            (64, rotation_error(48, 64), 64, 29),
        ):
            found.rounded(depth)
            job: Any = jobs[-1][1]
            assert (job.error, job.kept, job.bounds) == (error, kept, bounds)


class TestBasis:
    def test_gathers_the_energy(self) -> None:
        mix = torch.linalg.qr(randn(60, 60, seed=3)).Q * torch.logspace(0, -4, 60)
        image = torch.einsum("dc,chw->dhw", mix, randn(60, 40, 40))
        cells = bordered_cells(image, 1, True, None, 1)
        basis = principal_basis([cells], gap=False)
        unit = torch.nn.functional.normalize(image, dim=0).flatten(1).double()
        moments = unit @ unit.T
        best = torch.linalg.eigvalsh(moments).flip(0)
        assert basis.shape == (64, 64)
        for count in (4, 16, 32):
            kept = basis[:60, :count]
            torch.testing.assert_close(kept.T @ kept, torch.eye(count, dtype=torch.float64))
            rest = moments.trace() - (kept.T @ moments @ kept).trace()
            assert rest <= 1.05 * best[count:].sum() + 1e-12 * best.sum()

    @pytest.mark.parametrize("image", [torch.zeros(20, 3, 4), torch.ones(20, 3, 4)])
    def test_is_orthonormal_where_there_is_nothing_to_gather(self, image: Tensor) -> None:
        basis = principal_basis([bordered_cells(image, 3, True, None, 1)], gap=False)[:20, :20]
        torch.testing.assert_close(basis.T @ basis, torch.eye(20, dtype=torch.float64))

    def test_keeps_places_for_the_bounds(self) -> None:
        cells = bordered_cells(randn(300, 5, 5), 1, True, None, 1)
        basis = principal_basis([cells], gap=True)
        assert basis.shape == (304, MOST_HEADS)
        assert basis[:, 29:32].eq(0).all()
        assert basis[:300].norm(dim=0).ne(0).sum() == MOST_HEADS - 3


class TestCost:
    """In multiply-adds of the row product, as the page of the design has them."""

    @given(
        channels=st.integers(1, 600),
        exact=st.integers(9, 6000),
        key_cells=st.integers(1, 100000),
        tiled=st.booleans(),
        share=st.lists(st.floats(0, 1), min_size=2, max_size=8).map(sorted),
    )
    def test_the_cheapest(
        self, channels: int, exact: int, key_cells: int, tiled: bool, share: list[float]
    ) -> None:
        share = share[::-1]
        if tiled:
            rows = math.ceil((channels + 3) / 32) * 32
            costs = {0: 9 + 0.44 * rows + 5 / key_cells * 10 * exact}
        else:
            costs = {0: 32.0 + channels}
        for depth in range(16, 16 * len(share) + 1, 16):
            if tiled and depth % 32:
                continue
            here = depth // 16 - 1
            stages = sum(share[i] for i in range(here, len(share), 2))
            walk = 9 + 0.44 * depth if tiled else 32 + depth
            costs[depth] = walk + 2600 * share[here] + 1800 * stages + 10 * exact * share[-1]
        found = cheapest_depth(Work(channels, exact, key_cells, tiled), share)
        assert costs[found] == pytest.approx(min(costs.values()), rel=1e-12)

    def test_each_kind_of_work_counts(self) -> None:
        """Shares that make the walk of all channels cheaper by one kind of work alone."""
        few = [0.01] * 8
        assert cheapest_depth(Work(600, 9, 5000, False), few) == 16
        assert cheapest_depth(Work(600, 6000, 5000, False), few) == 0  # exact products
        assert cheapest_depth(Work(160, 9, 5000, False), [0.0] + [0.02] * 7) == 16
        assert cheapest_depth(Work(100, 9, 5000, False), [0.0] + [0.02] * 7) == 0  # stages
        assert cheapest_depth(Work(100, 9, 5000, False), [0.05] + [0.0] * 7) == 32  # open pairs
        assert cheapest_depth(Work(100, 9, 5000, True), [0.0] * 8) == 32
        assert cheapest_depth(Work(20, 900, 1, True), [0.0] * 8) == 32  # products of few keys

    def test_nothing_settled_is_not_pruned(self) -> None:
        assert cheapest_depth(Work(256, 9 * 256, 5000, False), [1.0] * 8) == 0

    def test_everything_settled_at_once(self) -> None:
        assert cheapest_depth(Work(256, 9 * 256, 5000, False), [0.0] * 8) == 16
        assert cheapest_depth(Work(256, 9 * 256, 5000, True), [0.0] * 8) == 32

    @pytest.mark.parametrize("cells", [1, 31, 32, 64, 65, 2500, 100000, 102400])
    @pytest.mark.parametrize("samples", [32, 2500])
    def test_samples_do_not_walk_down_one_column(self, cells: int, samples: int) -> None:
        stride = native_attempt._stride(cells, samples)
        assert stride % 2 == 1
        assert stride - max(1, cells // samples) in (0, 1)

    def test_what_a_search_has_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[tuple[Work, list[float]]] = []

        def choose(work: Work, share: list[float]) -> int:
            seen.append((work, share))
            return 0

        monkeypatch.setattr(native_attempt, "cheapest_depth", choose)
        native.best_match(randn(40, 9, 8), [randn(40, 7, 6), randn(40, 5, 4)], 5)
        native.best_match(randn(40, 1, 1), [randn(40, 1, 1, seed=1)], 1)
        tiled = BEST == "amx"
        (work, share), (alone, one) = seen
        assert work == Work(40, 25 * 48, 42 + 20, tiled)
        assert alone == Work(40, 48, 1, tiled)
        assert len(share) == len(one) == 4  # 64 heads
        assert all(1 >= a >= b >= 0 for a, b in itertools.pairwise(share))
        assert set(one) <= {0.0, 1.0}  # of a single pair


class TestJobs:
    def test_without_a_walk(self) -> None:
        one = attempt(randn(40, 4, 5), [randn(40, 5, 4), randn(40, 3, 6)])
        job: Any = one._job()
        assert (job.depth, job.walk, job.walked_step, job.key_count) == (0, 0, 0, 2)
        assert job.query.rounded == job.query.walked == job.query.tail == 0
        assert (job.cell_step, job.heads, job.panel_depth, job.patch_size) == (48, 64, 48, 3)

    @pytest.mark.parametrize(
        ("walk", "depth", "step", "deep", "panel"),
        [(Walk.CELLS, 0, 48, 40, 48), (Walk.HEADS, 16, 32, 16, 64), (Walk.HEADS, 64, 64, 64, 64)],
    )
    def test_walks(self, walk: Walk, depth: int, step: int, deep: int, panel: int) -> None:
        one = attempt(randn(40, 4, 5), [randn(40, 5, 4)])
        job: Any = one._job(walk, depth)
        assert (job.walk, job.walked_step, job.depth, job.panel_depth) == (walk, step, deep, panel)
        assert job.query.rounded == 0
        assert (job.query.tail != 0) == (walk == Walk.HEADS)

    def test_with_tiles(self, monkeypatch: pytest.MonkeyPatch, jobs: list[tuple[str, Job]]) -> None:
        """Rounded cells are walked, but where the walk in float32 is asked for."""
        one = attempt(randn(40, 4, 5), [randn(40, 5, 4)])
        keys = one.keys
        one.tiled = True
        one.search(32)
        one.search(0)
        one.search(32, rounded=False)
        one.search(0, rounded=False)
        told: list[Any] = [job for name, job in jobs if name == "search"]
        assert [job.walk for job in told] == [Walk.ROUNDED, Walk.ROUNDED, Walk.HEADS, Walk.CELLS]
        assert [job.rounded_depth for job in told[:2]] == [32, 64]
        assert [job.query.rounded != 0 for job in told] == [True, True, False, False]
        monkeypatch.setattr(native_attempt, "has_tiles", lambda kernel: True)
        native.walk_only(randn(40, 4, 5), keys)
        last: Any = jobs[-1][1]
        assert last.walk == Walk.CELLS

    def test_numbers_of_all_keys(self) -> None:
        keys = prepare([randn(20, 3, 4), randn(20, 5, 2), randn(20, 1, 7)], 3)
        assert keys.cell_count == 12 + 10 + 7
        assert keys.first == [0, 12, 22]
        assert keys.channels == 20

    def test_tails_of_keys_in_whole_panels(self) -> None:
        keys = prepare([randn(40, 3, 5)], 3)
        for depth in (16, 32, 64):
            (tail,) = keys.tail(depth)
            assert tail.shape == (3 * PANEL + SPARE,)
            rows = tail[: 3 * PANEL].view(3, PANEL)
            assert torch.equal(rows[:, :5], keys.features[0].tails[..., depth // 16 - 1])
            assert rows[:, 5:].eq(0).all()

    def test_what_is_laid_out_stays_as_it_is(self) -> None:
        found = features(randn(5, 3, 4))
        keys = prepare([randn(5, 3, 4)], 3)
        for part, name in (
            (keys, "basis"),
            (Options(), "threads"),
            (found, "scale"),
            (found.cells, "channels"),
            (found.cells.shape, "width"),
        ):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(part, name, None)

    @pytest.mark.parametrize(
        ("beyond", "reason"), [(0, None), (1, "32 bits, and there are 4294967295")]
    )
    def test_the_most_cells(self, beyond: int, reason: str | None) -> None:
        key = torch.zeros(1, 1, 1).expand(1, 1, 2**32 - 2 + beyond)
        found = native.why_not(torch.zeros(1, 1, 1), [key], 3)
        assert found == reason or (reason and found and reason in found)
