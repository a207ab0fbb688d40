# SPDX-License-Identifier: Apache-2.0
"""Matching as a whole: what is chosen, what is found, and that it is always the same."""

import logging
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from pictures import related, target, texture, unrelated
from references.views import inner, low_of
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.errors import OptionError
from searchtransfer.evaluation import psnr
from searchtransfer.images.reduction import BICUBIC
from searchtransfer.models import TransferModel
from searchtransfer.operators.agreement import shown
from searchtransfer.references import choosing
from searchtransfer.references.choosing import choose
from searchtransfer.references.copy import Copy, upright
from searchtransfer.references.finding import Found, find, plan_for
from searchtransfer.references.matching import match
from searchtransfer.references.plan import PAIRS_A_CELL, SEED_PAIRS, plan_search


def names(found: Found) -> list[str]:
    return [copy.name for copy in found.copies]


def resized(photo: Tensor, factor: float) -> Tensor:
    return torch.nn.functional.interpolate(
        photo[None], scale_factor=factor, mode="bicubic", antialias=True
    )[0].clamp(0, 1)


def quality(photo: Tensor) -> float:
    result = TransferModel().upscale(low_of(target()), Reference.build([photo]))
    return psnr(result.colour, target())


class TestPlan:
    def test_small_images_are_searched_from_every_cell(self) -> None:
        plan = plan_search((32, 40), 1800, 4)
        assert (plan.stride, plan.phases, plan.pairs) == (1, 1, 32 * 40 * 1800)

    def test_larger_ones_from_some(self) -> None:
        plan = plan_search((540, 960), 540 * 960, 4)
        assert plan.stride > 1
        assert plan.pairs <= max(SEED_PAIRS, PAIRS_A_CELL * 540 * 960)

    def test_exact_is_every_pair_at_every_phase(self) -> None:
        plan = plan_search((540, 960), 1000, 4, "exact")
        assert (plan.stride, plan.phases, plan.pairs) == (1, 4, 540 * 960 * 16000)

    def test_refine_never_is(self) -> None:
        assert plan_search((8, 8), 4, 4, "refine").stride == 2

    def test_other_modes_are_refused(self) -> None:
        with pytest.raises(OptionError, match="exact, refine, auto, got 'x'"):
            plan_search((2, 2), 4, 4, "x")
        with pytest.raises(OptionError, match="got 'x'"):
            match(texture(3, 3), Reference.build([texture(8, 8)]), "x")


def copy_of(height: int, width: int, noise: float = 0.0) -> Copy:
    """A blank one of so many cells."""
    photo = torch.zeros(3, 4 * height, 4 * width)
    return upright(photo, 0, 4).seen_as(BICUBIC, noise)


class TestHalvings:
    """Seeds are found at half the size, those of a noisy image at a quarter and less."""

    @pytest.mark.parametrize(
        ("noise", "halvings"),
        [(0.0, 1), (1.9, 1), (2.0, 1), (5.9, 1), (6.0, 2), (11.9, 2), (12.0, 3)],
    )
    def test_the_more_noise_the_more_often(self, noise: float, halvings: int) -> None:
        plan = plan_for((200, 300), [copy_of(190, 170, noise)], "auto")
        assert plan.halvings == halvings
        each = 4**halvings
        assert plan.pairs == pytest.approx(200 * 300 * 190 * 170 / each**2, rel=0.1)

    @pytest.mark.parametrize("side", [31, 32])
    def test_small_pictures_are_not_halved(self, side: int) -> None:
        for size, copy in (((side, 90), copy_of(90, 90)), ((90, 90), copy_of(90, side))):
            assert plan_for(size, [copy_of(90, 90), copy], "auto").halvings == (side == 32)

    def test_exactly_is_at_the_full_size(self) -> None:
        assert plan_for((90, 90), [copy_of(90, 90)], "exact").halvings == 0

    def test_it_is_said(self) -> None:
        said = str(plan_for((64, 64), [copy_of(64, 64)], "auto"))
        assert said == "from every cell at 1/2 of the size, 1e+06 pairs"

    def test_what_looks_different_is_found_in_one_piece_more_often(self) -> None:
        """As on another day: patches of twice the width are taken for others more seldom."""
        photo = related()
        small = low_of(target())
        noise = torch.randn(small.shape, generator=torch.Generator().manual_seed(0))
        strange = (0.5 * (small + 0.15 * noise) + 0.2).clamp(0, 1)
        copies = (upright(photo, 0, 4),)
        ways = [plan_for(small.shape[1:], copies, mode).halvings for mode in ("auto", "exact")]
        assert ways == [1, 0]
        below, above = (find(strange, copies, mode) for mode in ("auto", "exact"))
        assert below.agreement.mean() > above.agreement.mean() + 0.05


class TestFound:
    @pytest.mark.parametrize("mode", ["exact", "auto", "refine"])
    def test_a_part_of_the_photo_is_found_where_it_is(self, mode: str) -> None:
        photo = related()
        small = low_of(photo[:, 9:137, 30:190])
        found = match(small, Reference.build([photo]), mode)
        rows, columns = (4 * torch.arange(n) + 1.5 for n in small.shape[1:])
        place = torch.stack(torch.meshgrid(rows + 9, columns + 30, indexing="ij"), -1)
        off = torch.linalg.vector_norm(found.matches.position - place, dim=-1)
        assert inner(off).median() < 0.05
        assert inner(off).quantile(0.9) < 0.5
        assert inner(found.agreement).mean() > 0.9

    @pytest.mark.parametrize("turns", [1, 2, 3])
    def test_turned_photos_serve_as_well(self, turns: int) -> None:
        assert quality(torch.rot90(related(), turns, (1, 2))) > quality(related()) - 0.3

    def test_mirrored_photos_too(self) -> None:
        assert quality(related().flip(2)) > quality(related()) - 0.6

    @pytest.mark.parametrize("factor", [2, 3])
    def test_larger_photos_too(self, factor: float) -> None:
        assert quality(resized(related(), factor)) > quality(related()) - 0.5

    def test_the_better_of_several_photos(self) -> None:
        photos = [unrelated(), related(), texture(9, 30)]
        found = match(low_of(target()), Reference.build(photos))
        assert (found.matches.photo == 1).float().mean() > 0.9

    def test_unrelated_photos_show_nothing(self) -> None:
        for photo in (unrelated(), texture(120, 100)):
            found = match(low_of(target()), Reference.build([photo]))
            assert shown(found.agreement).mean() < 0.02

    @pytest.mark.parametrize("size", [(1, 1), (1, 20), (17, 1), (2, 3)])
    @pytest.mark.parametrize("photo", [(4, 4), (4, 90), (33, 21)])
    def test_tiny_pictures(self, size: tuple[int, int], photo: tuple[int, int]) -> None:
        found = match(texture(*size), Reference.build([texture(*photo)]))
        assert found.matches.position.shape == (*size, 2)
        assert bool(torch.isfinite(found.matches.position).all())
        assert bool((found.matches.photo == 0).all())

    def test_constant_pictures(self) -> None:
        found = match(torch.full((3, 6, 7), 0.3), Reference.build([torch.full((3, 40, 40), 0.6)]))
        assert (found.field.score == 0).all()

    def test_always_the_same(self) -> None:
        small, reference = low_of(target()), Reference.build([related()])
        first = match(small, reference)
        again = match(small, Reference.build([related()]))
        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            other = match(small, reference)
        finally:
            torch.set_num_threads(threads)
        for found in (again, other):
            assert torch.equal(found.matches.position, first.matches.position)
            assert torch.equal(found.matches.jacobian, first.matches.jacobian)

    def test_many_threads_prepare_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from searchtransfer.references import photo

        calls: list[int] = []
        original = photo.keypoints
        monkeypatch.setattr(photo, "keypoints", lambda x: calls.append(1) or original(x))
        reference = Reference.build([related()])
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: reference.prepare(), range(8)))
        assert calls == [1]

    def test_progress_counts_up_and_can_end_the_work(self) -> None:
        seen: list[float] = []
        small, reference = low_of(target()), Reference.build([unrelated()])
        match(small, reference, progress=lambda stage, done: seen.append(done))
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (0, 1)
        # Stopped while copies are tried.
        begun = Stopper(after=3)
        with pytest.raises(StopIteration):
            match(small, reference, progress=begun)


class Stopper:
    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, stage: str, done: float) -> None:
        self.left -= 1
        if not self.left:
            raise StopIteration


class TestChoosing:
    def test_a_photo_of_the_same_is_enough(self, caplog: pytest.LogCaptureFixture) -> None:
        photo = related()
        small = low_of(photo[:, 9:137, 30:190])
        with caplog.at_level(logging.DEBUG, "searchtransfer"):
            found = match(small, Reference.build([photo]))
        assert names(found) == ["as it is"]
        assert "joins: photo 0 as it is" in caplog.text

    @pytest.mark.parametrize("factor", [0.6, 1.25, 1.7])
    def test_photos_of_other_sizes_are_found_at_theirs(self, factor: float) -> None:
        photo = related()
        small = low_of(photo[:, 9:137, 30:190])
        found = match(small, Reference.build([resized(photo, factor)]))
        assert inner(found.matches.zoom).median() == pytest.approx(1 / factor, rel=0.05)

    def test_memory_bounds_the_copies(self) -> None:
        photos = Reference.build([texture(400, 400)]).prepared
        memory = 48 * 100 * 100
        copies = choose(texture(30, 30, 1), photos, memory=memory).copies
        assert copies
        assert sum(48 * copy.pixels[0].numel() for copy in copies) <= memory

    def test_what_is_too_large_is_not_even_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(choosing, "TRIAL_PAIRS", 0)
        photos = Reference.build([related()]).prepared
        monkeypatch.setattr(type(photos[0]), "aligned", lambda *_: pytest.fail("a copy was made"))
        assert len(choose(low_of(target()), photos).copies) == 1


def test_pickles_hold_the_photos_only() -> None:
    reference = Reference.build([related()])
    before = len(pickle.dumps(reference))
    match(low_of(target()), reference)
    assert len(pickle.dumps(reference)) == before


def test_a_noisy_image_and_a_copy_that_cannot_be_halved_as_often():
    """Noise is looked for at half the size, as long as every copy has cells enough for it."""

    def noise(side, seed):
        samples = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
        return torch.from_numpy(samples).permute(2, 0, 1) / 255

    model = TransferModel()
    found = model.find(noise(200, 1), Reference.build([noise(800, 2)], 4)).found
    assert found.noise > 10  # in grey levels: it was looked for at half the size
    assert found.matches.photo.shape == (200, 200)
