# SPDX-License-Identifier: Apache-2.0
"""Refinement: known shifts, turns and tilts are found to a tenth of a pixel."""

import math

import pytest
import torch
from references.views import at_places, inner, low_of, seen_through, similarity, smooth
from torch import Tensor

from searchtransfer.images.reduction import BICUBIC
from searchtransfer.operators.backends import native, native_sampling
from searchtransfer.operators.backends.native import Options
from searchtransfer.references import likeness, refinement, shifting
from searchtransfer.references.copy import Copy, upright
from searchtransfer.references.field import Field
from searchtransfer.references.maps import Map, applied, identity, jacobian_at
from searchtransfer.references.refinement import refined
from searchtransfer.references.target import Target, matched_in, scores

SIZE = (96, 112)
CELLS = (24, 28)


def centres() -> Tensor:
    """Of the cells of the result, as maps."""
    rows, columns = (4 * torch.arange(n) + 1.5 for n in CELLS)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)


def found_with(to: Map, off: float = 1.2) -> Field:
    """What becomes of upright matches that are up to so many pixels off."""
    photo = smooth(150, 160)
    low = low_of(seen_through(photo, to, SIZE))
    generator = torch.Generator().manual_seed(1)
    noise = off * (2 * torch.rand(*CELLS, 2, generator=generator) - 1)
    start = at_places(0, applied(to, centres()) + noise)
    flat = Field(*(x.flatten(0, 1) for x in start))
    better = refined(Target.of(low, [upright(photo, 0, 4)]), flat)
    return Field(*(x.view(*CELLS, *x.shape[1:]) for x in better))


TILTED = similarity(4, 1.05, (12.3, 9.7))
TILTED[2, 0] = 4e-4


@pytest.mark.parametrize(
    "to",
    [
        similarity(0, 1, (20.37, 17.81)),
        similarity(6, 1, (14.4, 20.2)),
        similarity(0, 1.12, (8.2, 9.1)),
        TILTED,
    ],
    ids=["shift", "turn", "zoom", "tilt"],
)
def test_known_maps_are_found(to: Map) -> None:
    field = found_with(to)
    error = torch.linalg.vector_norm(field.centre - applied(to, centres()), dim=-1)
    assert inner(error).median() < 0.1
    assert inner(error).quantile(0.95) < 0.25
    turn = torch.linalg.matrix_norm(field.jacobian - jacobian_at(to, centres()))
    assert inner(turn).median() < 0.03
    assert inner(field.score).min() > 0.98


def test_wild_matches_are_brought_home() -> None:
    to = similarity(0, 1, (20.5, 17.25))
    photo = smooth(150, 160)
    low = low_of(seen_through(photo, to, SIZE))
    place = applied(to, centres())
    generator = torch.Generator().manual_seed(1)
    wild = torch.rand(CELLS, generator=generator) < 0.3
    place[wild] = 60 * torch.rand(int(wild.sum()), 2, generator=generator) + 20
    start = Field(*(x.flatten(0, 1) for x in at_places(0, place)))
    better = refined(Target.of(low, [upright(photo, 0, 4)]), start)
    error = torch.linalg.vector_norm(better.centre.view(*CELLS, 2) - applied(to, centres()), dim=-1)
    assert inner(error).quantile(0.98) < 0.1


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    to = similarity(3, 1, (20.37, 17.81))
    whole = found_with(to)
    for module in (refinement, likeness, shifting):
        monkeypatch.setattr(module, "CELLS", 100)
    for ours, theirs in zip(found_with(to), whole, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_scores_are_cosines_of_what_search_compares() -> None:
    photo = smooth(80, 80)
    low = low_of(photo)
    place = torch.stack(torch.meshgrid(*[4 * torch.arange(20) + 1.5] * 2, indexing="ij"), -1)
    flat = Field(*(x.flatten(0, 1) for x in at_places(0, place)))
    found = scores(Target.of(low, [upright(photo, 0, 4)]), flat).view(20, 20)
    torch.testing.assert_close(inner(found), torch.ones(12, 12), atol=1e-4, rtol=0)


def test_matches_outside_score_less_than_any_other() -> None:
    photo = smooth(40, 40)
    place = torch.tensor([[[-3.0, 10.0], [10, 38.2], [20, 20]]])
    flat = Field(*(x.flatten(0, 1) for x in at_places(0, place)))
    found = scores(Target.of(smooth(1, 3), [upright(photo, 0, 4)]), flat)
    assert found[:2].tolist() == [-1, -1]
    assert found[2] > -1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 3)])
def test_images_smaller_than_a_window(size: tuple[int, int]) -> None:
    photo = smooth(40, 48)
    start = at_places(0, torch.full((*size, 2), 12.0))
    flat = Field(*(x.flatten(0, 1) for x in start))
    better = refined(Target.of(smooth(*size, 1), [upright(photo, 0, 4)]), flat)
    assert all(bool(torch.isfinite(x.float()).all()) for x in better)


def test_constant_pictures_stay_finite_and_score_nothing() -> None:
    photo = torch.full((3, 40, 40), 0.5)
    flat = Field(*(x.flatten(0, 1) for x in at_places(0, torch.full((5, 6, 2), 17.5))))
    better = refined(Target.of(torch.full((3, 5, 6), 0.2), [upright(photo, 0, 4)]), flat)
    assert all(bool(torch.isfinite(x.float()).all()) for x in better)
    assert (better.score == 0).all()


def test_the_start_is_left_alone() -> None:
    photo = smooth(80, 80)
    flat = Field(*(x.flatten(0, 1) for x in at_places(0, torch.full((6, 6, 2), 30.0))))
    before = [x.clone() for x in flat]
    refined(Target.of(smooth(6, 6, 2), [upright(photo, 0, 4)]), flat)
    assert all(torch.equal(a, b) for a, b in zip(flat, before, strict=True))


def test_a_better_copy_is_handed_on() -> None:
    to = identity()
    photo = smooth(96, 112)
    blank = Copy(0, "blank", photo, to, to, torch.rand_like(photo), 4)
    low = low_of(photo)
    start = at_places(0, centres())
    start.copy[12, 14] = 1  # one cell only begins in the copy that shows the image
    flat = Field(*(x.flatten(0, 1) for x in start))
    better = refined(Target.of(low, [blank, upright(photo, 0, 4)]), flat)
    # Handed on by one cell, then by one and four, to each side.
    assert (better.copy.view(CELLS)[7:18, 9:20] == 1).float().mean() > 0.5


@pytest.mark.parametrize("kernel", native.instruction_sets())
@pytest.mark.parametrize("noise", [0.0, 8.0])
def test_compiled_steps_are_those_in_torch(
    kernel: str, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = smooth(150, 160)
    to = similarity(5, 1.02, (14.4, 20.2))
    low = low_of(seen_through(photo, to, SIZE))
    copy = upright(photo, 0, 4).seen_as(BICUBIC, noise)
    copy = copy.changed(inside=torch.arange(160).expand(150, 160) < 120)
    generator = torch.Generator().manual_seed(1)
    off = 3 * torch.randn(*CELLS, 2, generator=generator)
    off[0, :4] = torch.tensor([[-90.0, 0], [0, 300], [90, 90], [0, math.nan]])
    start = at_places(0, applied(to, centres()) + off)
    start = Field(*(x.flatten(0, 1) for x in start))
    target = Target.of(low, [copy])
    target.query[7] = 0
    matched = matched_in(copy, start, target.query)
    likeness_in_torch = likeness.in_torch(matched, 4, noise)
    monkeypatch.setattr(native_sampling.compare, "__defaults__", (Options(kernel),))
    torch.testing.assert_close(likeness.likeness(matched, 4, noise), likeness_in_torch)
    assert (likeness_in_torch == -1).sum() > 50
    start = start._replace(score=likeness_in_torch)
    expected = shifting.in_torch(target, start, 2)
    monkeypatch.setattr(native_sampling.shift, "__defaults__", (Options(kernel),))
    found = shifting.shifted(target, start, 2)
    # A step that hardly changes the score may be taken by one and not by the other.
    torch.testing.assert_close(found.score, expected.score, atol=1e-4, rtol=0)
    same = (found.centre - expected.centre).abs().amax(1) < 1e-2
    assert same[~start.centre.isnan().any(1)].float().mean() > 0.99
    assert (expected.centre != start.centre).any(1).sum() > 300
