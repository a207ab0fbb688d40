# SPDX-License-Identifier: Apache-2.0
"""Places of a photo, and the local search among them, against all places compared one by one."""

import pytest
import torch
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.images.resize import down_phases
from searchtransfer.matching import _photo_places
from searchtransfer.operators import places as places_module
from searchtransfer.operators.descriptors import describe
from searchtransfer.operators.places import PhotoPlaces, Strip, unit_rows
from searchtransfer.operators.refine import Guess, refine


def photo_places(
    height: int, width: int, scale: int = 4, first: int = 0, seed: int = 0
) -> PhotoPlaces:
    """Places of a random photo, numbered from `first` on."""
    photo = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    views, starts = {}, {}
    for phase, low in enumerate(down_phases(photo, scale)):
        if low.numel():
            views[phase // scale, phase % scale] = low
            starts[phase // scale, phase % scale] = first
            first += low.shape[1] * low.shape[2]
    return PhotoPlaces(views, scale, starts)


def everywhere(photo: PhotoPlaces) -> tuple[Tensor, Tensor]:
    """Row and column of all places."""
    height, width = photo.size
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return row, column


def all_rows(strip: Strip, rows: slice = slice(None)) -> Tensor:
    """The descriptors of some rows of a strip's photo: `[rows, columns, C]`."""
    row, column = (x[rows].flatten() for x in everywhere(strip.places))
    here = torch.zeros(1, dtype=torch.int64)
    return strip.gather(row, column, here, here)[:, 0].unflatten(0, (-1, strip.places.size[1]))


def cell_of(photo: PhotoPlaces, label: int) -> Tensor:
    """The unit descriptor of a cell by its number, straight from its view."""
    phase = max((p for p in photo.first if photo.first[p] <= label), key=lambda p: photo.first[p])
    rows = unit_rows(describe(photo.views[phase])).flatten(0, 1)
    return rows[label - photo.first[phase]]


def guess(row: Tensor, column: Tensor, photo: int = 0) -> Guess:
    return Guess(torch.full_like(row, photo), row, column, torch.ones_like(row, dtype=torch.bool))


class TestPlaces:
    @pytest.mark.parametrize("size", [(4, 4), (5, 4), (4, 9), (7, 7), (8, 8), (19, 26)])
    def test_every_place_is_a_cell_of_its_own(self, size: tuple[int, int]) -> None:
        photo = photo_places(*size, first=5)
        assert photo.size == (size[0] - 3, size[1] - 3)
        labels = photo.label(*everywhere(photo)).flatten()
        assert sorted(labels.tolist()) == list(range(5, 5 + labels.numel()))

    @pytest.mark.parametrize("scale", [2, 3, 4])
    def test_descriptors_are_those_of_the_views(self, scale: int) -> None:
        photo = photo_places(13, 17, scale, first=7)
        row, column = everywhere(photo)
        (strip,) = photo.strips(side=scale)
        found = all_rows(strip)
        for r, c in ((0, 0), (5, 7), (photo.size[0] - 1, photo.size[1] - 1)):
            expected = cell_of(photo, int(photo.label(row, column)[r, c]))
            torch.testing.assert_close(found[r, c], expected, rtol=0, atol=1e-6)

    def test_strips_hold_every_window_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        photo = photo_places(30, 12)
        (whole,) = photo.strips(side=4)
        monkeypatch.setattr(places_module, "STRIP_BYTES", photo.bytes // 3)
        strips = list(photo.strips(side=4))
        assert len(strips) > 3
        assert [s.top for s in strips[1:]] == [s.bottom for s in strips[:-1]]
        assert (strips[0].top, strips[-1].bottom) == (0, photo.size[0])
        for strip in strips:
            rows = slice(strip.top, min(strip.bottom + 3, photo.size[0]))
            torch.testing.assert_close(
                all_rows(strip, rows), all_rows(whole)[rows], rtol=0, atol=1e-6
            )

    def test_one_view_only(self) -> None:
        generator = torch.Generator().manual_seed(0)
        photo = torch.rand(3, 21, 30, generator=generator)
        (places,) = _photo_places(Reference.build([photo], 4, sub_cell=False))
        assert places.size == (5, 7)
        assert places.label(*everywhere(places)).flatten().tolist() == list(range(35))


class TestRefine:
    def test_one_cell_one_place(self) -> None:
        photo = photo_places(4, 4)
        zero = torch.zeros(1, 1, dtype=torch.int64)
        found = refine(describe(torch.rand(3, 1, 1)), [photo], guess(zero, zero))
        assert found.label.item() == 0

    def test_finds_the_best_of_a_window(self) -> None:
        """One cell has no neighbours: the best place is found among those around the guess."""
        photo = photo_places(60, 60)
        query = torch.randn(42, 1, 1, generator=torch.Generator().manual_seed(1))
        one = torch.ones(1, 1, dtype=torch.int64)
        found = refine(query, [photo], guess(20 * one, 31 * one), rounds=1)
        row, column = (x[18:22, 29:33] for x in everywhere(photo))
        (strip,) = photo.strips(side=4)
        relevance = all_rows(strip)[18:22, 29:33] @ unit_rows(query)[0, 0]
        assert found.compared == 16
        torch.testing.assert_close(found.score[0, 0], relevance.max(), rtol=0, atol=1e-6)
        assert found.label.item() == photo.label(row, column).flatten()[relevance.argmax()]

    @pytest.mark.parametrize("outside", [(-9, -9), (500, 500), (0, 500)])
    def test_guesses_outside_begin_at_the_border(self, outside: tuple[int, int]) -> None:
        photo = photo_places(12, 15)
        one = torch.ones(1, 1, dtype=torch.int64)
        query = torch.randn(42, 1, 1)
        found = refine(query, [photo], guess(outside[0] * one, outside[1] * one))
        expected = cell_of(photo, int(found.label)) @ unit_rows(query)[0, 0]
        torch.testing.assert_close(found.score[0, 0], expected, rtol=0, atol=1e-6)

    def test_one_right_guess_spreads_to_all_cells(self) -> None:
        """The query is a view of the photo; all guesses but one are wrong."""
        photo = photo_places(96, 128)
        query = describe(photo.views[1, 2])
        height, width = query.shape[1:]
        wrong = torch.zeros(height, width, dtype=torch.int64)
        row, column = wrong.clone(), wrong.clone()
        row[9, 11], column[9, 11] = 9 * 4 + 1, 11 * 4 + 2
        found = refine(query, [photo], guess(row, column), rounds=20)
        expected = photo.label(
            torch.arange(height)[:, None].expand(-1, width) * 4 + 1,
            torch.arange(width).expand(height, -1) * 4 + 2,
        )
        assert torch.equal(found.label, expected)

    def test_ties_go_to_the_lowest_label(self) -> None:
        """In a flat photo all places are equal."""
        views = {phase: torch.full_like(v, 0.5) for phase, v in photo_places(12, 12).views.items()}
        flat = PhotoPlaces(views, 4, photo_places(12, 12).first)
        middle = torch.full((3, 3), 4)
        found = refine(torch.randn(42, 3, 3), [flat], guess(middle, middle))
        row, column = (x[2:6, 2:6] for x in everywhere(flat))
        assert found.label.amax() <= flat.label(row, column).min()

    def test_the_best_of_two_photos(self) -> None:
        first = photo_places(40, 40, seed=1)
        count = first.size[0] * first.size[1]
        second = photo_places(52, 44, first=count, seed=2)
        query = torch.cat(
            [describe(first.views[0, 0])[:, :9, :5], describe(second.views[0, 0])[:, :9, 5:10]], 2
        )
        row, column = (
            x.contiguous() * 4
            for x in torch.meshgrid(torch.arange(9), torch.arange(10), indexing="ij")
        )
        photo = torch.cat([torch.zeros(9, 5), torch.ones(9, 5)], 1).long()
        photo[4, 7] = 0  # a wrong photo is put right by the neighbours
        start = Guess(photo, row, column, torch.ones_like(photo, dtype=torch.bool))
        found = refine(query, [first, second], start)
        assert torch.equal(found.label >= count, torch.arange(10).expand(9, 10) >= 5)
        torch.testing.assert_close(found.score, torch.ones(9, 10), rtol=0, atol=1e-5)

    def test_says_how_far_it_is(self) -> None:
        photo = photo_places(40, 40)
        zero = torch.zeros(8, 8, dtype=torch.int64)
        seen: list[float] = []
        refine(torch.randn(42, 8, 8), [photo], guess(zero, zero), rounds=4, on_round=seen.append)
        assert seen[0] == 0
        assert seen == sorted(seen)
        assert len(seen) <= 4
