# SPDX-License-Identifier: Apache-2.0
"""The refined search against the exact one, and the choice between them."""

import pytest
import torch
from torch import Tensor

from searchtransfer import Reference, matching
from searchtransfer.errors import OptionError
from searchtransfer.images import crop_to_multiple, down
from searchtransfer.matching import SEED_PAIRS, Plan, match, plan_search
from searchtransfer.operators import places
from searchtransfer.operators import refine as refinement


def scene(height: int, width: int) -> Tensor:
    """Smooth noise with structure at every size, as photos have: `[3, height, width]`."""
    generator = torch.Generator().manual_seed(5)
    image = torch.zeros(3, height, width)
    for size in (4, 8, 16, 32, 64):
        coarse = torch.rand(1, 3, height // size + 2, width // size + 2, generator=generator)
        layer = torch.nn.functional.interpolate(coarse, scale_factor=size, mode="bicubic")
        image += layer[0, :, :height, :width] * size**0.5
    return image / image.max()


def moved_pair(dy: int, dx: int, scale: int = 4) -> tuple[Tensor, Reference]:
    """A small image, and a photo that shows the same moved by (dy, dx) pixels."""
    photo = scene(176, 208)
    target = photo[:, dy : dy + 128, dx : dx + 160]
    return down(crop_to_multiple(target, scale), scale), Reference.build([photo], scale)


def plan_of(monkeypatch: pytest.MonkeyPatch, stride: tuple[int, int]) -> None:
    monkeypatch.setattr(matching, "plan_search", lambda *_: Plan("refine", 0, stride))


class TestMatch:
    @pytest.mark.parametrize("mode", ["exact", "refine"])
    @pytest.mark.parametrize(("dy", "dx"), [(0, 0), (13, 30), (26, 7)])
    def test_finds_the_very_pixel(self, mode: str, dy: int, dx: int) -> None:
        small, reference = moved_pair(dy, dx)
        found = match(small, reference, mode)  # type: ignore[arg-type]
        photo, pixel = reference.locate(found.view, found.index)
        inner = (slice(4, -4), slice(4, -4))  # the borders see different neighbours
        rows = torch.arange(32)[:, None] * 4 + dy
        columns = torch.arange(40) * 4 + dx
        right = (pixel[..., 0] == rows) & (pixel[..., 1] == columns)
        assert photo.eq(0).all()
        assert right[inner].double().mean() > 0.99
        torch.testing.assert_close(
            found.score[inner][right[inner]], torch.ones(int(right[inner].sum())), rtol=0, atol=1e-3
        )

    @pytest.mark.parametrize("stride", [(2, 1), (2, 2), (8, 4), (64, 64)])
    def test_refined_from_some_cells(
        self, stride: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan_of(monkeypatch, stride)
        small, reference = moved_pair(13, 30)
        found = match(small, reference)
        _, pixel = reference.locate(found.view, found.index)
        rows = torch.arange(32)[:, None] * 4 + 13
        assert (pixel[..., 0] == rows)[4:-4, 4:-4].double().mean() > 0.95

    def test_strips_of_a_photo_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        small, reference = moved_pair(13, 30)
        whole = match(small, reference, "refine")
        monkeypatch.setattr(places, "STRIP_BYTES", 300_000)  # of 4 MB
        monkeypatch.setattr(refinement, "STRIP_BYTES", 300_000)
        strips = match(small, reference, "refine")
        assert torch.equal(strips.index, whole.index)
        assert torch.equal(strips.view, whole.view)
        torch.testing.assert_close(strips.score, whole.score, rtol=0, atol=1e-6)

    def test_refined_among_first_views_only(self) -> None:
        small, reference = moved_pair(8, 12)  # whole cells
        single = Reference.build(list(reference.photos), 4, sub_cell=False)
        exact, refined = (match(small, single, mode) for mode in ("exact", "refine"))  # type: ignore[arg-type]
        assert refined.view.eq(0).all()
        assert (refined.index == exact.index).double().mean() > 0.99

    @pytest.mark.parametrize("scale", [2, 3, 8])
    def test_refined_at_other_scales(self, scale: int) -> None:
        small, reference = moved_pair(13, 30, scale)
        found = match(small, reference, "refine")
        _, pixel = reference.locate(found.view, found.index)
        rows = torch.arange(small.shape[1])[:, None] * scale + 13
        assert (pixel[..., 0] == rows)[4:-4, 4:-4].double().mean() > 0.95

    def test_refined_score_is_the_relevance_of_its_match_and_below_the_exact_one(self) -> None:
        small, reference = moved_pair(13, 30)
        exact, refined = (match(small, reference, mode) for mode in ("exact", "refine"))  # type: ignore[arg-type]
        assert (refined.score <= exact.score + 1e-5).all()
        same = (refined.view == exact.view) & (refined.index == exact.index)
        assert same.any()
        torch.testing.assert_close(refined.score[same], exact.score[same], rtol=0, atol=1e-5)

    def test_several_photos_of_different_sizes(self) -> None:
        small, reference = moved_pair(13, 30)
        photo = reference.photos[0]
        halves = Reference.build([photo[:, :, :100], photo[:, :, 90:]], 4)
        for mode in ("exact", "refine"):
            found = match(small, halves, mode)  # type: ignore[arg-type]
            which, pixel = halves.locate(found.view, found.index)
            assert which[16, 6] == 0
            assert which[16, 34] == 1
            assert pixel[16, 6].tolist() == [16 * 4 + 13, 6 * 4 + 30]
            assert pixel[16, 34].tolist() == [16 * 4 + 13, 34 * 4 + 30 - 90]

    @pytest.mark.parametrize("mode", ["exact", "refine"])
    def test_one_cell(self, mode: str) -> None:
        found = match(torch.rand(3, 1, 1), Reference.build([torch.rand(3, 4, 4)], 4), mode)  # type: ignore[arg-type]
        assert found.score.shape == (1, 1)
        assert found.index.item() == 0

    @pytest.mark.parametrize("mode", ["exact", "refine"])
    def test_flat_cells_score_zero_at_the_first_cell(self, mode: str) -> None:
        _, reference = moved_pair(0, 0)
        found = match(torch.full((3, 9, 9), 0.3), reference, mode)  # type: ignore[arg-type]
        assert found.score.eq(0).all()
        assert found.index.eq(0).all()
        assert found.view.eq(0).all()

    def test_rows_at_a_time_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        small, reference = moved_pair(5, 6)
        whole = match(small, reference, "exact")
        monkeypatch.setattr(matching, "ROWS", 7)
        strips = match(small, reference, "exact")
        assert torch.equal(strips.index, whole.index)
        assert torch.equal(strips.view, whole.view)
        torch.testing.assert_close(strips.score, whole.score, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("mode", ["exact", "refine"])
    def test_progress_grows_to_one(self, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(matching, "ROWS", 8)
        small, reference = moved_pair(5, 6)
        seen: list[float] = []
        match(small, reference, mode, progress=lambda stage, done: seen.append(done))  # type: ignore[arg-type]
        assert seen == sorted(seen)
        assert seen[-1] == 1
        assert len(seen) > 4


class TestPlan:
    def test_small_images_are_searched_exactly(self) -> None:
        small, reference = moved_pair(0, 0)
        plan = plan_search((small.shape[1], small.shape[2]), reference)
        views = [view.low.shape[1] * view.low.shape[2] for view in reference.views]
        assert plan == Plan("exact", 32 * 40 * sum(views))

    def test_large_images_are_refined(self) -> None:
        _, reference = moved_pair(0, 0)
        plan = plan_search((4000, 3000), reference)
        pairs = 4000 * 3000 * 44 * 52
        assert plan == Plan("refine", pairs, (1, 1), 4000 * 3000)

    def test_for_very_large_images_some_cells_are_searched(self) -> None:
        _, reference = moved_pair(0, 0)
        assert plan_search((40001, 3000), reference).stride == (2, 1)
        assert plan_search((40001, 3000), reference).pairs == 20001 * 3000 * 44 * 52
        plan = plan_search((40000, 30000), reference)
        assert plan.stride == (8, 4)
        assert plan.pairs == 5000 * 7500 * 44 * 52 <= SEED_PAIRS

    def test_the_stride_ends_at_one_cell(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _, reference = moved_pair(0, 0)
        monkeypatch.setattr(matching, "SEED_PAIRS", 1)
        plan = plan_search((5, 3), reference, "refine")
        assert plan.pairs == 44 * 52

    def test_a_mode_that_is_named_is_taken(self) -> None:
        _, reference = moved_pair(0, 0)
        assert plan_search((4000, 3000), reference, "exact").mode == "exact"
        assert plan_search((2, 2), reference, "refine").mode == "refine"

    @pytest.mark.usefixtures("as_users_run")
    def test_unknown_mode(self) -> None:
        _, reference = moved_pair(0, 0)
        with pytest.raises(OptionError, match="search must be one of exact, refine, auto, got 'x'"):
            plan_search((2, 2), reference, "x")  # type: ignore[arg-type]

    def test_says_what_it_will_do(self, caplog: pytest.LogCaptureFixture) -> None:
        small, reference = moved_pair(0, 0)
        with caplog.at_level("INFO", logger="searchtransfer.matching"):
            match(small, reference)
        plan = plan_search((32, 40), reference)
        assert str(plan) == f"exact, {plan.pairs:.2g} pairs"
        assert caplog.messages == [f"search: {plan}, about {plan.seconds():.2g} s"]
        assert str(Plan("refine", 1000, (4, 2), 8)) == "refine, 1e+03 pairs, from every 4 x 2 cells"

    def test_torch_alone_takes_longer(self) -> None:
        plan = Plan("exact", 10**10)
        assert plan.seconds("tiled") == 10**10 / (matching.TORCH_RATE * torch.get_num_threads())
        assert plan.seconds() <= plan.seconds("tiled")

    def test_refinement_takes_time_too(self) -> None:
        alone, refined = Plan("refine", 10**9, (1, 1)), Plan("refine", 10**9, (1, 1), 10**6)
        work = 10**6 * matching.REFINED_CELLS / matching.REFINED_RATE
        difference = refined.seconds() - alone.seconds()
        assert difference == pytest.approx(work / torch.get_num_threads())
