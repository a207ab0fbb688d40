# SPDX-License-Identifier: Apache-2.0
import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from models.test_fusion import scene

from searchtransfer import Reference, Upscaler, search
from searchtransfer.errors import OptionError, WeightsError
from searchtransfer.evaluation import with_ttsr
from searchtransfer.images import up
from searchtransfer.models import Model, TTSRModel, ttsr, ttsr_reference
from searchtransfer.models.ttsr_reference import describe_references
from searchtransfer.networks import TTSR, FusionNet
from searchtransfer.networks.ttsr_inputs import enlarged, reference_inputs
from searchtransfer.weights import save_weights


def network(overlap="mean", global_skip=False, blocks=(1, 2, 1, 1)):
    torch.manual_seed(0)
    net = TTSR(blocks, 8, texture_channels=(4, 6, 8), overlap=overlap, global_skip=global_skip)
    torch.nn.init.normal_(net.MainNet.merge_tail.conv_tail2.weight, std=0.1)
    return net.requires_grad_(False)


def noise(*size, seed=0):
    return torch.randint(256, (3, *size), generator=torch.Generator().manual_seed(seed)) / 255


def assert_close(ours, theirs, atol=1e-6):
    torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)


@pytest.fixture(scope="module")
def pair():
    low, photo = scene()
    return low.clamp(0, 1), photo.clamp(0, 1)


def test_is_a_model():
    model = TTSRModel(network())
    assert isinstance(model, Model)
    assert (model.name, model.scale) == ("ttsr", 4)


@pytest.mark.parametrize("overlap", ["mean", "constant"])
@pytest.mark.parametrize("global_skip", [False, True])
@pytest.mark.parametrize(("lr", "ref"), [((1, 1), (4, 4)), ((1, 7), (5, 22)), ((9, 12), (31, 18))])
def test_equals_the_network_on_published_inputs(overlap, global_skip, lr, ref):
    net = network(overlap, global_skip)
    small, photo = noise(*lr), noise(*ref, seed=1)
    ours = TTSRModel(net).upscale(small, Reference.build([photo]))
    assert_close(ours.colour, with_ttsr(net)(small, [photo]))


def test_says_where_each_cell_was_found(pair):
    low, photo = pair
    net = network()
    result = TTSRModel(net).upscale(low, Reference.build([photo]))
    query = net.LTE((enlarged(low)[None] + 1) / 2).level3
    key = net.LTE((reference_inputs(photo)[1][None] + 1) / 2).level3
    found = search(query, key)
    assert_close(result.score, found.score[0])
    assert (result.photo == 0).all()
    columns = key.shape[3]
    assert torch.equal(result.pixel[..., 0], found.index[0] // columns * 4)
    assert torch.equal(result.pixel[..., 1], found.index[0] % columns * 4)


@pytest.mark.parametrize("global_skip", [False, True])
def test_tiles_give_the_same(pair, global_skip):
    low, photo = pair
    model, reference = TTSRModel(network(global_skip=global_skip)), Reference.build([photo])
    whole = model.upscale(low, reference)
    tiled = model.upscale(low, reference, tile=5)
    assert_close(tiled.colour, whole.colour)
    assert torch.equal(tiled.pixel, whole.pixel)


def test_a_halo_too_small_is_noticed(pair, monkeypatch):
    low, photo = pair
    model, reference = TTSRModel(network()), Reference.build([photo])
    whole = model.upscale(low, reference).colour
    monkeypatch.setattr(TTSRModel, "_halo", 1)
    tiled = model.upscale(low, reference, tile=5).colour
    assert (tiled - whole).abs().max() > 1e-4


def test_extractor_and_search_in_tiles_find_the_same(monkeypatch):
    low, photo = noise(19, 26), noise(90, 100, seed=1)  # without near ties
    model = TTSRModel(network())
    whole = model.upscale(low, Reference.build([photo, photo[:, 3:80, 5:90]]))
    for module in (ttsr, ttsr_reference):
        monkeypatch.setattr(module, "SIDE", 6)
    tiled = model.upscale(low, Reference.build([photo, photo[:, 3:80, 5:90]]))
    assert_close(tiled.score, whole.score)
    assert torch.equal(tiled.pixel, whole.pixel)
    assert torch.equal(tiled.photo, whole.photo)
    assert_close(tiled.colour, whole.colour)
    monkeypatch.setattr(ttsr_reference, "REACH", 1)
    cut = describe_references(model.network.LTE, [photo])
    assert (cut.values[2] - describe_whole(model, photo)).abs().max() > 1e-3


def describe_whole(model, photo):
    return model.network.LTE((reference_inputs(photo)[0][None] + 1) / 2).level3


def gathered_one_by_one(textures, features, view, index, overlap):
    """The article's sum over nine blocks, cell by cell; `features` are of each photo apart."""
    height, width = view.shape
    total = torch.zeros(features[0].shape[1], height, width)
    for y in range(height):
        for x in range(width):
            count = 0
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if not (0 <= y - dy < height and 0 <= x - dx < width):
                        continue
                    photo = features[view[y - dy, x - dx]][0]
                    columns = photo.shape[2]
                    row, column = divmod(int(index[y - dy, x - dx]), columns)
                    row, column = row + dy, column + dx
                    if 0 <= row < photo.shape[1] and 0 <= column < columns:
                        total[:, y, x] += photo[:, row, column]
                        count += 1
            total[:, y, x] /= count if overlap == "mean" else 9
    return total


@pytest.mark.parametrize("overlap", ["mean", "constant"])
def test_each_block_comes_from_the_photo_it_was_found_in(overlap):
    net = network()
    sizes = [(4, 9), (20, 12), (13, 33)]
    photos = [noise(*size, seed=i) for i, size in enumerate(sizes)]
    textures = describe_references(net.LTE, photos)
    generator = torch.Generator().manual_seed(0)
    view = torch.randint(3, (5, 6), generator=generator)
    cells = torch.tensor([1 * 3, 5 * 3, 4 * 9])[view]
    index = (torch.rand(5, 6, generator=generator) * cells).long()
    features = [net.LTE((reference_inputs(photo)[0][None] + 1) / 2) for photo in photos]
    ours = textures.gathered(textures.place(view, index), overlap)
    expected = gathered_one_by_one(textures, [f.level3 for f in features], view, index, overlap)
    assert_close(ours[2][0], expected)
    # At level 1 a cell is 4 x 4 pixels: compare the first pixel of each.
    first = [f.level1[:, :, ::4, ::4] for f in features]
    expected = gathered_one_by_one(textures, first, view, index, overlap)
    assert_close(ours[0][0, :, ::4, ::4], expected)
    other = gathered_one_by_one(textures, first, view.flip(0), index, overlap)
    assert not torch.allclose(ours[0][0, :, ::4, ::4], other, atol=1e-3)


def test_several_references(pair):
    low, photo = pair
    photos = [scene(1)[1].clamp(0, 1), photo[:, :50], photo]
    result = TTSRModel(network()).upscale(low, Reference.build(photos))
    alone = TTSRModel(network()).upscale(low, Reference.build([photo]))
    assert (result.score >= alone.score - 1e-6).all()
    assert (result.photo > 0).float().mean() > 0.5
    assert (result.photo == 2).any()
    assert result.pixel.min() >= 0
    for number, image in enumerate(photos):
        inside = result.pixel[result.photo == number]
        assert (inside < torch.tensor(image.shape[1:])).all()


def test_the_same_photo_twice_changes_nothing(pair):
    low, photo = pair
    model = TTSRModel(network())
    once, twice = (model.upscale(low, Reference.build([photo] * n)) for n in (1, 2))
    assert_close(twice.colour, once.colour)
    assert (twice.photo == 0).all()


def test_features_are_kept_for_the_latest_references(pair, monkeypatch):
    low, photo = pair
    model, reference = TTSRModel(network()), Reference.build([photo])
    first = model.upscale(low, reference).colour
    other = TTSRModel(network("constant"))
    assert not torch.equal(other.upscale(low, reference).colour, first)
    monkeypatch.setattr(ttsr, "describe_references", None)
    assert torch.equal(model.upscale(low, reference).colour, first)
    monkeypatch.undo()
    for seed in range(3):
        model.upscale(low, Reference.build([noise(20, 24, seed=seed)]))
    assert len(model._kept) <= 2
    assert torch.equal(model.upscale(low, reference).colour, first)


def test_what_is_kept_goes_with_its_reference(pair):
    low, photo = pair
    model, reference = TTSRModel(network()), Reference.build([photo])
    model.upscale(low, reference)
    assert len(model._kept) == 1
    del reference
    gc.collect()
    assert len(model._kept) == 0


@pytest.mark.parametrize("change", ["in place", "by data", "loaded", "replaced"])
def test_weights_that_changed_are_used(pair, change):
    low, photo = pair
    net, other = network(), network().requires_grad_(False)
    with torch.no_grad():
        for parameter in other.LTE.parameters():
            parameter.mul_(-0.7)
    model, reference = TTSRModel(net), Reference.build([photo])
    before = model.upscale(low, reference).colour
    for mine, theirs in zip(net.LTE.parameters(), other.LTE.parameters(), strict=True):
        if change == "in place":
            mine.copy_(theirs)
        elif change == "by data":
            mine.data.copy_(theirs)
        elif change == "replaced":
            mine.data = theirs.data.clone()
    if change == "loaded":
        net.load_state_dict(other.state_dict())
    after = model.upscale(low, reference).colour
    assert not torch.equal(after, before)
    assert torch.equal(after, TTSRModel(other).upscale(low, Reference.build([photo])).colour)


def test_a_used_reference_and_model_pickle_without_what_is_kept(pair):
    low, photo = pair
    model, reference = TTSRModel(network()), Reference.build([photo])
    sizes = [len(pickle.dumps(x)) for x in (model, reference)]
    result = model.upscale(low, reference).colour
    again = [pickle.dumps(x) for x in (model, reference)]
    assert len(again[0]) == sizes[0]
    assert torch.equal(pickle.loads(again[0]).upscale(low, reference).colour, result)
    assert copy.deepcopy(model)._kept is not model._kept


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float32])
def test_the_callers_network_stays_as_it_is(pair, dtype):
    low, photo = pair
    net = network().to(dtype).train()
    net.MainNet.eval()
    state = {name: (x.dtype, x.data_ptr()) for name, x in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    result = TTSRModel(net).upscale(low, Reference.build([photo])).colour
    assert result.dtype == torch.float32
    assert {name: (x.dtype, x.data_ptr()) for name, x in net.state_dict().items()} == state
    assert [module.training for module in net.modules()] == modes


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_changes_nothing(pair, dtype):
    low, photo = pair
    model, reference = TTSRModel(network()), Reference.build([photo])
    plain = model.upscale(low, reference)
    with torch.autocast("cpu", dtype):
        under = TTSRModel(model.network).upscale(low, Reference.build([photo]))
    assert torch.equal(under.colour, plain.colour)
    assert torch.equal(under.pixel, plain.pixel)


def test_threads_on_one_reference_compute_once(pair, monkeypatch):
    low, photo = pair
    model, reference, calls = TTSRModel(network()), Reference.build([photo]), []
    monkeypatch.setattr(
        ttsr, "describe_references", lambda *x: calls.append(1) or describe_references(*x)
    )
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: model.upscale(low, reference).colour, range(4)))
    assert len(calls) == 1
    assert all(torch.equal(x, results[0]) for x in results)


def test_pieces_only_where_the_image_is_large():
    full = TTSRModel(TTSR())
    assert full.tile_for(125, 88) == 0
    assert full.tile_for(1000, 1000) == 64
    small = TTSRModel(network())
    assert small.tile_for(500, 500) == 0
    side = small.tile_for(2000, 2000)
    assert (side + 2 * small._halo) ** 2 * 9 * 16 * 4 * 8 <= 2 * 2**30


def test_errors(pair, tmp_path):
    low, photo = pair
    model = TTSRModel(network())
    with pytest.raises(OptionError, match="model 'ttsr' needs a reference"):
        model.upscale(low, None)
    with pytest.raises(OptionError, match="built for scale 2, the model has 4"):
        model.upscale(low, Reference.build([photo], 2))
    with pytest.raises(OptionError, match="model 'ttsr' has scale 4, got 2"):
        TTSRModel.load(tmp_path / "none.pt", 2)
    with pytest.raises(OptionError, match=r"searches exactly .*, got 'refine'"):
        TTSRModel.load(tmp_path / "none.pt", 4, "refine")
    with pytest.raises(WeightsError, match=r"none\.pt"):
        TTSRModel.load(tmp_path / "none.pt")
    save_weights(FusionNet(8, 1), tmp_path / "fusion.safetensors")
    with pytest.raises(WeightsError, match="needed are those of ttsr x4"):
        TTSRModel.load(tmp_path / "fusion.safetensors")


def test_upscaler(pair, tmp_path):
    low, photo = pair
    path = tmp_path / "ttsr.safetensors"
    save_weights(network(), path)
    upscaler = Upscaler.from_pretrained("ttsr", weights=path)
    reference = upscaler.prepare([photo, photo[:, :60]])
    result = upscaler.upscale(low, reference)
    assert result.image.shape == (3, *(4 * n for n in low.shape[1:]))
    direct = TTSRModel(network()).upscale(low, Reference.build([photo, photo[:, :60]]))
    assert torch.equal(result.image, direct.colour.clamp(0, 1))
    assert torch.equal(result.score, direct.score)
    assert torch.equal(result.matches.pixel, direct.pixel)
    assert_close(upscaler.upscale(low, reference, tile=7).image, result.image)


def test_global_skip_untrained_is_the_enlarged_image(pair):
    low, photo = pair
    model = TTSRModel(TTSR((1, 1, 1, 1), 8, texture_channels=(4, 4, 4), global_skip=True))
    sharp = model.upscale(low, Reference.build([photo])).colour
    assert (sharp - up(low, 4).clamp(0, 1)).abs().max() < 0.03  # two passes, rounded and cut off
