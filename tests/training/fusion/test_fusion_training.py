# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from training.data.photos import photo, saved
from training.fusion.runs import tiny

from searchtransfer import Reference
from searchtransfer.errors import DataError
from searchtransfer.images import up
from searchtransfer.models import TransferModel
from searchtransfer.networks import FusionNet
from searchtransfer.training.degradations import Recipe, clean
from searchtransfer.training.fusion.config import FusionLosses, FusionPhase
from searchtransfer.training.fusion.crops import (
    batch,
    crop_files,
    hidden,
    read_crop,
    turned,
    without_evidence,
)
from searchtransfer.training.fusion.dataset import CropDataset, Windows, collate
from searchtransfer.training.fusion.prepare import prepare, searched
from searchtransfer.training.fusion.sources import find_sources
from searchtransfer.training.fusion.task import FusionTask, charbonnier, root_mean_square


def bright(low):
    """A teacher."""
    return up(low, 4).clamp(0, 1) * 0.5 + 0.5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Photos in the layout of the training data."""
    root = tmp_path_factory.mktemp("data")
    for i in range(12):
        saved(root / "singles" / f"{i}.png", photo(128, 136, seed=i))
    for seed, name in enumerate(("yard", "street")):
        for i in range(2):
            saved(root / "scenes" / name / f"{i}.png", photo(140, 150, seed=20 + seed))
    return root


@pytest.fixture(scope="module")
def crops(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    prepare(find_sources(data), folder / "train", range(10), seed=0, teacher=bright)
    prepare(find_sources(data, held_out=True), folder / "held-out", range(2), seed=0)
    return folder


def useful(crops):
    """The training crops whose reference shows the same."""
    return [x for x in crop_files(crops / "train") if read_crop(x).useful]


def test_all_kinds_are_drawn(data):
    sources = find_sources(data)
    kinds = set()
    for i in range(40):
        target, reference, kind = sources.draw(np.random.default_rng(i))
        kinds.add(kind)
        assert target.shape[0] == target.shape[1]
        assert 128 <= target.shape[0] <= 256
        assert target.shape[0] % 4 == 0
        assert reference is None or min(reference.shape[:2]) >= 128
        assert (reference is None) == (kind == "alone")
    assert kinds == {"scene", "useless", "made", "alone"}


def test_photos_are_of_any_sharpness(data):
    sources = find_sources(data)
    sizes = [sources.draw(np.random.default_rng(i))[0].shape[0] for i in range(60)]
    assert min(sizes) == 128  # smaller photos are not reduced further
    assert max(sizes) > 180
    assert len(set(sizes)) > 5


def test_preparing_goes_on_where_it_stopped(crops, data, tmp_path):
    sources = find_sources(data)
    assert prepare(sources, tmp_path, range(2), seed=0, teacher=bright) == 2
    before = [path.stat().st_mtime_ns for path in crop_files(tmp_path)]
    assert prepare(sources, tmp_path, range(3), seed=0, teacher=bright) == 1
    after = crop_files(tmp_path)
    assert [path.stat().st_mtime_ns for path in after[:2]] == before
    for path in after:  # whoever makes a crop, it is the same
        ours, theirs = read_crop(path), read_crop(crops / "train" / path.name)
        assert ours.kind == theirs.kind
        assert all(torch.equal(x, theirs.fields[name]) for name, x in ours.fields.items())


def test_evidence_is_that_of_the_model():
    target, reference = photo(128, 128, seed=3), photo(140, 128, seed=3)
    crop, noise = searched(target, reference, clean(4))
    assert noise == 0
    low = crop["raw"].float() / 255
    colour = torch.from_numpy(reference.transpose(2, 0, 1).copy()).float() / 255
    expected = TransferModel().upscale(low, Reference.build([colour])).colour
    network = FusionNet(8, 1)
    found = [crop[name].float()[None] for name in ("detail", "transferred", "maps")]
    with torch.no_grad():
        ours = network(low[None], type(_none())(*found))[0]
    torch.testing.assert_close(ours, expected, atol=2e-3, rtol=0)


def _none():
    from searchtransfer.networks.fusion_net import no_evidence

    return no_evidence(torch.zeros(1, 3, 1, 1), 4)


def test_windows_show_the_same_place(crops):
    rng = np.random.default_rng(0)
    for path in crop_files(crops / "train"):
        fields = turned(read_crop(path, 16, rng), rng).fields
        assert fields["hr"].shape == (3, 64, 64)
        reduced = torch.nn.functional.avg_pool2d(fields["hr"], 4)
        assert (reduced - fields["low"]).abs().mean() < 0.02


def test_bicubic_of_a_window_is_that_of_the_crop(crops):
    path = crop_files(crops / "train")[0]
    whole = read_crop(path).fields
    torch.testing.assert_close(whole["bicubic"], up(whole["low"], 4), atol=1e-6, rtol=0)
    for i in range(8):
        window = read_crop(path, 16, np.random.default_rng(i)).fields
        places = whole["low"].unfold(1, 16, 1).unfold(2, 16, 1)
        same = (places == window["low"][:, None, None]).all(-1).all(-1).all(0).nonzero()
        top, left = 4 * same[0]
        expected = whole["bicubic"][:, top : top + 64, left : left + 64]
        torch.testing.assert_close(window["bicubic"], expected, atol=1e-6, rtol=0)


def windows(files, size, seed=0):
    """Windows of random crops."""
    rng = np.random.default_rng(seed)
    return batch(
        [turned(read_crop(files[int(rng.integers(len(files)))], 16, rng), rng) for _ in range(size)]
    )


def test_batch(crops):
    files = useful(crops)
    ours = windows(files, 4)
    assert ours.truth.shape == ours.taught.shape == (4, 3, 64, 64)
    assert ours.low.shape == (4, 3, 16, 16)
    assert ours.evidence.maps.abs().sum() > 0
    assert ours.helped.sum() == 4
    some = hidden(ours, torch.tensor([True, False, True, False]))
    for before, after in zip(ours.evidence, some.evidence, strict=True):
        assert torch.equal(after[1::2], before[1::2])
        assert after[::2].abs().sum() == 0
    assert some.helped.tolist() == [0, 1, 0, 1]
    assert torch.equal(some.truth[1::2], ours.truth[1::2])
    assert torch.equal(some.low[::2], ours.raw[::2])


def test_what_is_hidden_is_as_if_there_had_been_no_reference(data, tmp_path):
    """Also where the reference told noise from picture: image, noise and difference are others."""
    recipe = Recipe(light=0.0, heavy=1.0, noise=(10.0, 20.0))
    prepare(find_sources(data, recipe=recipe), tmp_path, range(8), seed=1)
    crops = [read_crop(path) for path in crop_files(tmp_path)]
    told = [x for x in crops if x.useful and (x.fields["raw_noise"] > 2).all()]
    assert told
    for crop in told:
        alone, seen = batch([without_evidence(crop)]), batch([crop])
        assert (seen.low - seen.raw).abs().max() > 0.01
        assert (seen.noise < seen.raw_noise).any()
        same = hidden(seen, torch.tensor([True]))
        assert torch.equal(same.low, alone.low) and torch.equal(same.noise, alone.noise)
        torch.testing.assert_close(same.truth, alone.truth, atol=1e-6, rtol=0)
        torch.testing.assert_close(same.taught, alone.taught, atol=1e-6, rtol=0)


def test_a_draw_is_the_same_whoever_makes_it(crops):
    data = CropDataset(crops / "train", 10, 16, seed=3)
    assert len(data) == 10
    for draw in (0, 7, 12):
        ours, theirs = data[draw], CropDataset(crops / "train", 10, 16, seed=3)[draw]
        assert ours.luck == theirs.luck
        assert all(torch.equal(x, theirs.crop.fields[name]) for name, x in ours.crop.fields.items())
    other = CropDataset(crops / "train", 10, 16, seed=4)[7]
    assert other.luck != data[7].luck


def test_a_damaged_crop_is_left_out_and_named(crops, tmp_path):
    for number, path in enumerate(crop_files(crops / "train")[:2]):
        (tmp_path / path.name).write_bytes(path.read_bytes() if number else b"nothing")
    batched = collate([CropDataset(tmp_path, 2, 16, seed=0)[0]])
    assert "000000.safetensors: cannot be read as a prepared crop" in batched.skipped[0]
    (tmp_path / "000001.safetensors").unlink()
    with pytest.raises(DataError, match="2 crops in a row could not be used"):
        CropDataset(tmp_path, 2, 16, seed=0)[0]


def loss(task, model, seen, alone):
    phase = FusionPhase(name="a", steps=1, alone=alone)
    restored = task.restore(model, Windows(seen, torch.full((len(seen.low),), 0.5), ()), phase)
    return restored.own["charbonnier"]()


def test_the_teacher_is_believed_where_no_reference_helps(crops, tmp_path):
    """The gradient follows the teacher alone, the truth alone, or both, as its share says."""
    seen = windows(crop_files(crops / "train"), 4)
    truth, taught = (seen._replace(taught=x, truth=x) for x in (seen.truth, seen.taught))
    expected = {}
    for share in (0.0, 0.5, 1.0):
        task = FusionTask(tiny(tmp_path, tmp_path, f"teacher.share={share}"))
        torch.manual_seed(0)
        model = task.build()
        ours = loss(task, model, seen, alone=1.0)
        expected[share] = ours.item()
        if share != 0.5:
            only = taught if share else truth
            assert ours.item() == pytest.approx(loss(task, model, only, alone=1.0).item())
    assert expected[0.5] == pytest.approx((expected[0.0] + expected[1.0]) / 2)
    assert abs(expected[0.0] - expected[1.0]) > 0.01


def test_large_errors_weigh_most_in_a_root_mean_square():
    """What L1 sees as equal, the square does not; each image of a batch counts for itself."""
    spread, gathered = torch.full((3, 8, 8), 0.1), torch.zeros(3, 8, 8)
    gathered[:, :2, :2] = 1.6
    images, truth = torch.stack([spread, gathered]), torch.zeros(2, 3, 8, 8)
    torch.testing.assert_close(
        charbonnier(images, truth), torch.tensor([0.1, 0.1]), atol=1e-3, rtol=0
    )
    torch.testing.assert_close(
        root_mean_square(images, truth), torch.tensor([0.1, 0.4]), atol=1e-4, rtol=0
    )
    equal = torch.zeros(1, 3, 8, 8, requires_grad=True)
    root_mean_square(equal, truth[:1]).sum().backward()
    assert torch.equal(equal.grad, torch.zeros_like(equal)), "no NaN where nothing differs"


@pytest.mark.parametrize("loss_of", [charbonnier, root_mean_square])
def test_a_phase_takes_the_losses_that_it_weighs(crops, tmp_path, loss_of):
    seen = windows(useful(crops), 2)
    task = FusionTask(tiny(tmp_path, tmp_path))
    losses = FusionLosses(
        **{x.__name__: float(x is loss_of) for x in (charbonnier, root_mean_square)}
    )
    phase = FusionPhase(name="a", steps=1, alone=0.0, losses=losses)
    restored = task.restore(task.build(), Windows(seen, torch.full((2,), 0.5), ()), phase)
    terms = task.objective().terms(restored, phase.losses)
    assert set(terms) == {loss_of.__name__}
    assert terms[loss_of.__name__].item() == pytest.approx(
        loss_of(restored.sr, restored.hr).mean().item()
    )


def test_a_phase_without_a_loss_is_refused():
    with pytest.raises(ValueError, match="charbonnier or root_mean_square must be above 0"):
        FusionLosses(charbonnier=0.0, lpips=1.0)


def test_the_truth_is_believed_where_a_reference_helps(crops, tmp_path):
    seen = windows(useful(crops), 4)
    assert torch.equal(seen.helped, torch.ones(4))
    task = FusionTask(tiny(tmp_path, tmp_path, "teacher.share=1"))
    model = task.build()
    only = seen._replace(taught=seen.taught + 1)
    assert loss(task, model, seen, alone=0.0) == loss(task, model, only, alone=0.0)
    assert loss(task, model, seen, alone=1.0) != loss(task, model, only, alone=1.0)


def test_a_phase_says_how_much_evidence_is_hidden(crops, tmp_path):
    task = FusionTask(tiny(tmp_path, tmp_path))
    model = task.build()  # it begins with what the evidence says
    seen = Windows(windows(useful(crops), 4), torch.tensor([0.0, 0.3, 0.6, 0.9]), ())
    for alone, hidden_ones in ((0.0, 0), (0.5, 2), (1.0, 4)):
        phase = FusionPhase(name="a", steps=1, alone=alone)
        result = task.restore(model, seen, phase).sr
        assert [bool(x.abs().sum() == 0) for x in result].count(True) == hidden_ones


def test_without_evidence_keeps_the_pictures(crops):
    crop = read_crop(crop_files(crops / "train")[0])
    alone = without_evidence(crop)
    assert torch.equal(alone.fields["hr"], crop.fields["hr"])
    assert alone.fields["detail"].abs().sum() == 0
    assert not alone.useful


def test_bad_crops(crops, tmp_path):
    with pytest.raises(DataError, match="no crops are in it"):
        crop_files(tmp_path)
    with pytest.raises(DataError, match="32 x 32 cells, the window has 64"):
        read_crop(crop_files(crops / "train")[0], 64, np.random.default_rng(0))
    damaged = tmp_path / "000000.safetensors"
    damaged.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read as a prepared crop"):
        read_crop(damaged)
