# SPDX-License-Identifier: Apache-2.0
"""Copies of the references at other scales join where the camera has moved."""

import pytest
import torch
import torch.nn.functional as F

from searchtransfer import Reference, Upscaler, zooms
from searchtransfer.evaluation import psnr
from searchtransfer.images import degrade, up
from searchtransfer.matching import plan_search
from searchtransfer.models import TransferModel
from searchtransfer.zooms import ZOOMS, with_zooms


def world(seed=0):
    """Texture of several sizes, 240 x 320 pixels."""
    generator = torch.Generator().manual_seed(seed)
    coarse, middle = (torch.rand(3, 240 // n, 320 // n, generator=generator) for n in (8, 4))
    fine = torch.rand(3, 120, 160, generator=generator)
    return (0.4 * up(coarse, 8) + 0.35 * up(middle, 4) + 0.25 * up(fine, 2)).clamp(0, 1)


def resized(photo, factor):
    size = [round(n * factor) for n in photo.shape[1:]]
    return F.interpolate(photo[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)


TRUTH = world()[:, 40:200, 60:260].contiguous()
LOW = degrade(TRUTH, 4)


def test_the_same_scale_needs_no_zoom():
    found = with_zooms(LOW, Reference.build([world()]))
    assert found.zooms == ()


@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_camera_that_moved_gets_its_zoom(zoom):
    reference = Reference.build([resized(world(), 1 / zoom)])
    found = with_zooms(LOW, reference)
    assert zoom in found.zooms
    assert len(found.reference.photos) == 1 + len(found.zooms)
    model, plain = TransferModel(), TransferModel(zooms=())
    with_it, without = (x.upscale(LOW, reference) for x in (model, plain))
    assert psnr(with_it.colour, TRUTH) > psnr(without.colour, TRUTH) + 0.5
    assert without.zoom is None or (without.zoom == 1).all()


@pytest.mark.parametrize("zoom", ZOOMS)
def test_places_are_those_of_the_photo(zoom):
    reference = Reference.build([world(1), resized(world(), 1 / zoom)])
    result = TransferModel().upscale(LOW, reference)
    copies = result.zoom == zoom
    assert copies.float().mean() > 0.5
    row, column = torch.meshgrid(torch.arange(40), torch.arange(50), indexing="ij")
    expected = torch.stack([40 + 4 * row, 60 + 4 * column], -1) / zoom
    off = (result.pixel - expected).abs().amax(-1)
    assert (off[copies] < 4).float().mean() > 0.8
    assert (result.photo[copies] == 1).float().mean() > 0.8


def test_unrelated_photos_get_none():
    assert with_zooms(LOW, Reference.build([world(5)])).zooms == ()


def test_no_copies_for_a_refined_search():
    reference = Reference.build([resized(world(), 1.25)])
    assert with_zooms(LOW, reference, search="refine").zooms == ()


def test_no_more_copies_than_are_searched_exactly(monkeypatch):
    reference = Reference.build([resized(world(), 1.25)])
    pairs = plan_search((40, 50), reference).pairs
    monkeypatch.setattr(zooms, "EXACT_PAIRS", 1.7 * pairs)
    assert with_zooms(LOW, reference).zooms == (0.8,)
    monkeypatch.setattr(zooms, "EXACT_PAIRS", 1.6 * pairs)
    assert with_zooms(LOW, reference).zooms == ()
    assert 0.8 in with_zooms(LOW, reference, search="exact").zooms


def test_one_view_means_one():
    reference = Reference.build([resized(world(), 1.25)], sub_cell=False)
    assert with_zooms(LOW, reference).zooms == ()


def test_copies_are_made_once():
    reference = Reference.build([resized(world(), 1.25)])
    assert with_zooms(LOW, reference).reference is with_zooms(LOW, reference).reference


def test_tiny_photos():
    reference = Reference.build([torch.rand(3, 4, 5)])
    assert with_zooms(LOW, reference).photos == 1


def test_the_result_says_the_zoom():
    result = Upscaler.from_pretrained("transfer").upscale(LOW, [resized(world(), 1.25)])
    assert result.zoom is not None
    assert (result.zoom == 0.8).float().mean() > 0.5
