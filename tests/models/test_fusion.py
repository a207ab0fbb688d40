# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F
from networks.test_fusion_net import tiny
from pictures import target, unrelated

from searchtransfer import Reference, Upscaler
from searchtransfer.errors import OptionError, WeightsError
from searchtransfer.images import degrade, down, up
from searchtransfer.models import FusionModel, Model, TransferModel, fusion
from searchtransfer.models.look import painted_beyond
from searchtransfer.models.pieces import spread_over
from searchtransfer.networks import TTSR, FusionNet
from searchtransfer.operators.agreement import shown
from searchtransfer.weights import save_weights
from searchtransfer.weights.packaged import PACKAGED, packaged


def scene(seed=0):
    """A low-resolution image and a reference that shows it, shifted."""
    generator = torch.Generator().manual_seed(seed)
    world = up(torch.rand(3, 30, 40, generator=generator), 2)
    world = up(world, 4)
    return down(world[:, 40:200, 60:260], 4), world[:, 50:210, 70:270].contiguous()


@pytest.fixture(scope="module")
def pair():
    low, photo = scene()
    return low, Reference.build([photo])


def test_is_a_model():
    assert isinstance(FusionModel(tiny()), Model)


def test_untrained_is_the_transfer_model(pair):
    low, reference = pair
    ours, theirs = FusionModel(FusionNet(8, 1), consistency_rounds=0), TransferModel()
    a, b = ours.upscale(low, reference), theirs.upscale(low, reference)
    # At the border less of the reference can be believed.
    inner = (slice(None), slice(32, -32), slice(32, -32))
    torch.testing.assert_close(a.colour[inner], b.colour[inner])
    assert torch.equal(a.score, b.score)
    assert torch.equal(a.matches.photo, b.matches.photo)
    assert torch.equal(a.matches.position, b.matches.position)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_changes_nothing(pair, dtype):
    low, reference = pair
    for model in (FusionModel(tiny()), TransferModel()):
        plain = model.upscale(low, reference)
        with torch.autocast("cpu", dtype):
            fresh = Reference.build(reference.photos).prepare()
            cast = model.upscale(low, fresh)
        assert torch.equal(cast.colour, plain.colour)


def test_tiles_give_the_same(pair):
    low, reference = pair
    model = FusionModel(tiny(), consistency_rounds=1)
    whole = model.upscale(low, reference)
    tiled = model.upscale(low, reference, tile=13)
    torch.testing.assert_close(tiled.colour, whole.colour, atol=1e-5, rtol=0)


def test_tiles_give_the_same_without_a_reference(pair):
    low, _ = pair
    model = FusionModel(tiny())
    whole, tiled = model.upscale(low, None), model.upscale(low, None, tile=13)
    torch.testing.assert_close(tiled.colour, whole.colour, atol=1e-5, rtol=0)


def test_a_halo_too_small_is_noticed(pair, monkeypatch):
    low, reference = pair
    model = FusionModel(tiny())
    whole = model.upscale(low, reference).colour
    monkeypatch.setattr(FusionModel, "_halo", lambda self, *_: 1)
    tiled = model.upscale(low, reference, tile=13).colour
    assert (tiled - whole).abs().max() > 1e-3


def test_a_vivid_look_invents_nothing_of_what_is_shown(pair):
    low, reference = pair
    low = torch.cat([low, scene(seed=9)[0]], 2)  # the right half is shown nowhere
    other = tiny(seed=1)
    faithful = FusionModel(tiny(), consistency_rounds=0)
    vivid = FusionModel(tiny(), vivid=other, consistency_rounds=0)
    # A mean over symmetries would be soft.
    alone = FusionModel(other, consistency_rounds=0, symmetries=1)
    seen = faithful.transfer.find(low, reference)
    known = shown(seen.found.agreement) >= 0.5
    near = F.max_pool2d((~known).float()[None], 3, 1, 1)[0] > 0  # it fades over half a cell
    inside, beside = (x.repeat_interleave(4, 0).repeat_interleave(4, 1) for x in (~near, ~known))
    assert inside.any()
    ours, theirs = vivid.upscale(low, reference).colour, faithful.upscale(low, reference).colour
    assert torch.equal(ours[:, inside], theirs[:, inside])
    assert not torch.equal(ours[:, beside], theirs[:, beside])
    plain, painted = (x.upscale(low, None).colour for x in (faithful, alone))
    expected = plain + painted_beyond(plain, painted, 4)
    assert torch.equal(vivid.upscale(low, None).colour, expected)
    tiled = vivid.upscale(low, reference, tile=13).colour
    torch.testing.assert_close(tiled, ours, atol=1e-5, rtol=0)


def test_large_images_are_seen_in_one_way(pair, monkeypatch):
    low, reference = pair
    network = tiny()
    one, two = (FusionModel(network, symmetries=x).upscale(low, None).colour for x in (1, 2))
    assert not torch.equal(one, two)
    model = FusionModel(network)
    assert torch.equal(model.upscale(low, None).colour, two)
    monkeypatch.setattr(fusion, "LARGE", low[0].numel())
    assert torch.equal(model.upscale(low, None).colour, one)
    assert torch.equal(
        model.upscale(low, reference).colour,
        FusionModel(network, symmetries=1).upscale(low, reference).colour,
    )


def test_half_of_what_is_trusted_comes_from_the_model_without_learning(pair, monkeypatch):
    low, reference = pair
    model = FusionModel(tiny(), consistency_rounds=0)
    seen = model.transfer.find(low, reference)
    piece = model.transfer.piece(low, seen)
    trust = spread_over(piece.trust * shown(piece.agreement), 4)
    half = model.sharpened(low, seen).colour
    monkeypatch.setattr(fusion, "TEXTURE", 0.0)
    network = model.sharpened(low, seen).colour
    assert trust.max() > 0.9 and trust.min() < 0.1
    torch.testing.assert_close(half, network + trust / 2 * (piece.sharp - network))


def test_networks_of_several_scales_are_refused():
    with pytest.raises(OptionError, match="networks have the scales 2 and 4"):
        FusionModel(tiny(), worn=FusionNet(8, 1, 2))


def test_without_a_reference(pair):
    low, _ = pair
    network = tiny()
    result = FusionModel(network, consistency_rounds=0, symmetries=1).upscale(low, None)
    with torch.no_grad():
        torch.testing.assert_close(result.colour, network(low[None])[0])
    assert (result.score == 0).all()
    assert (result.matches.photo == -1).all()
    assert result.matches.position.shape == (*low.shape[1:], 2)


def test_several_references(pair):
    low, _ = pair
    photos = [scene(1)[1], scene()[1]]
    result = FusionModel(tiny()).upscale(low, Reference.build(photos))
    assert (result.matches.photo == 1).float().mean() > 0.9


def test_consistency_rounds_bring_the_result_closer_to_the_input(pair):
    low, reference = pair

    def distance(rounds):
        sharp = FusionModel(tiny(), consistency_rounds=rounds).upscale(low, reference).colour
        return (down(sharp, 4) - low).abs().mean()

    assert distance(2) < 0.5 * distance(0)


def test_smallest_image(pair):
    assert FusionModel(tiny()).upscale(torch.rand(3, 1, 1), pair[1]).colour.shape == (3, 4, 4)


def test_load(tmp_path, pair):
    low, reference = pair
    path = tmp_path / "a.safetensors"
    save_weights(tiny(), path)
    model = FusionModel.load(path)
    expected = FusionModel(tiny()).upscale(low, reference).colour
    assert torch.equal(model.upscale(low, reference).colour, expected)
    with pytest.raises(WeightsError, match="are of fusion x4, asked for is scale 2; give theirs"):
        FusionModel.load(path, TransferModel(2))


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    save_weights(TTSR((1, 1, 1, 1), 8), path)
    with pytest.raises(WeightsError, match="needed are those of fusion x4"):
        FusionModel.load(path)


def test_reference_of_another_scale_is_refused(pair):
    with pytest.raises(OptionError, match="built for scale 2, the model has 4"):
        FusionModel(tiny()).upscale(pair[0], Reference.build([torch.rand(3, 16, 16)], 2))


def test_transfer_needs_a_reference(pair):
    with pytest.raises(OptionError, match="model 'transfer' needs a reference"):
        TransferModel().upscale(pair[0], None)


def test_upscaler_without_a_reference(pair):
    result = Upscaler(FusionModel(tiny())).upscale(pair[0].clamp(0, 1), None)
    assert result.image.shape == (3, 160, 200)


def test_packaged_weights():
    scales = [f"fusion-x{scale}" for scale in (2, 3, 4, 8)]
    assert set(scales) < set(PACKAGED)
    assert sum(packaged(name).stat().st_size for name in PACKAGED) < 24 * 2**20
    for name in PACKAGED:
        assert packaged(name).stat().st_size <= 8 * 2**20
        assert packaged(name).with_suffix(".md").is_file()
    with pytest.raises(WeightsError, match="no weights 'nothing' come with the package"):
        packaged("nothing")


def test_symmetries_are_averaged(pair):
    low, _ = pair
    network = tiny()
    whole = FusionModel(network, consistency_rounds=0, symmetries=8)
    turned = low.rot90(1, (1, 2))
    ours, theirs = whole.upscale(low, None).colour, whole.upscale(turned, None).colour
    torch.testing.assert_close(theirs, ours.rot90(1, (1, 2)), atol=1e-5, rtol=0)
    one = FusionModel(network, consistency_rounds=0, symmetries=1)
    assert not torch.allclose(
        one.upscale(turned, None).colour, one.upscale(low, None).colour.rot90(1, (1, 2)), atol=1e-3
    )
    with pytest.raises(OptionError, match="symmetries must be from 1 to 8, got 9"):
        FusionModel(network, symmetries=9)


def test_flat_areas_and_slow_ramps_are_bicubic():
    model = FusionModel(tiny())
    flat = torch.full((3, 12, 14), 0.3)
    ramp = flat + torch.arange(14) * 4 / 65535
    for low in (flat, ramp):
        sharp = model.upscale(low, None).colour
        assert ((sharp - up(low, 4)).abs() * 65535).max() < 0.5
    edge = flat.clone()
    edge[:, :, 7:] = 0.8
    assert (model.upscale(edge, None).colour - up(edge, 4)).abs().max() > 0.01


def test_an_unrelated_reference_changes_nothing():
    low, model = degrade(target(), 4), FusionModel(tiny())
    alone, with_it = model.upscale(low, None), model.upscale(low, Reference.build([unrelated()]))
    torch.testing.assert_close(with_it.colour, alone.colour, atol=1e-5, rtol=0)
    assert (with_it.score > 0).any()
