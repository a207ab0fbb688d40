# SPDX-License-Identifier: Apache-2.0
import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from training.data.photos import photo, saved

from searchtransfer.errors import ConfigError, DataError
from searchtransfer.images import up
from searchtransfer.models import TransferModel
from searchtransfer.networks import FusionNet
from searchtransfer.reference import Reference
from searchtransfer.training.fusion.config import Config, read_config
from searchtransfer.training.fusion.crops import (
    batch,
    crop_files,
    read_crop,
    turned,
    without_evidence,
)
from searchtransfer.training.fusion.prepare import prepare, searched
from searchtransfer.training.fusion.run import Run, learning_rate
from searchtransfer.training.fusion.sources import find_sources
from searchtransfer.training.fusion.wear import worn
from searchtransfer.weights import load_weights

TINY = Config(
    features=8, blocks=1, steps=6, batch=2, side=16, validate_every=3, warm_up=1, bfloat16=False
)


def bright(low):
    """A teacher."""
    return up(low, 4).clamp(0, 1) * 0.5 + 0.5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Photos in the layout of the training data."""
    root = tmp_path_factory.mktemp("data")
    for i in range(12):
        saved(root / "singles" / f"{i}.png", photo(128, 136, seed=i))
    for name in ("et", "street"):
        for i in range(2):
            saved(root / "scenes" / name / f"{i}.png", photo(140, 150, seed=20))
    return root


@pytest.fixture(scope="module")
def crops(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    prepare(find_sources(data), folder / "train", range(5), seed=0, teacher=bright)
    prepare(find_sources(data, held_out=True), folder / "held-out", range(2), seed=0)
    return folder


def useful(crops):
    """The training crops whose reference shows the same."""
    return [x for x in crop_files(crops / "train") if read_crop(x).useful]


def test_held_out_photos_are_not_trained_on(data):
    ours, theirs = find_sources(data), find_sources(data, held_out=True)
    for kind in ("scenes", "singles"):
        trained, kept = (
            {pair.target for pair in getattr(sources, kind)} for sources in (ours, theirs)
        )
        assert trained
        assert kept
        assert not trained & kept


def test_a_folder_of_photos_is_singles(data):
    assert len(find_sources(data / "singles").singles) == 11


def test_no_photos(tmp_path):
    saved(tmp_path / "small.png", photo(16, 16))
    with pytest.raises(DataError, match="no photos of at least 128 pixels"):
        find_sources(tmp_path)


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
    crop = searched(target, reference)
    low = crop["low"].float() / 255
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


def test_batch(crops):
    files = useful(crops)
    ours = batch(files, 4, 16, 0.0, np.random.default_rng(0))
    again = batch(files, 4, 16, 0.0, np.random.default_rng(0))
    assert torch.equal(ours.truth, again.truth)
    assert ours.truth.shape == ours.taught.shape == (4, 3, 64, 64)
    assert ours.low.shape == (4, 3, 16, 16)
    assert ours.evidence.maps.abs().sum() > 0
    assert ours.helped.sum() == 4
    none = batch(files, 4, 16, 1.0, np.random.default_rng(0))
    assert all(x.abs().sum() == 0 for x in none.evidence)
    assert none.helped.sum() == 0


def test_the_teacher_is_believed_where_no_reference_helps(crops, tmp_path):
    files = crop_files(crops / "train")
    result = {}
    for weight in (0.0, 1.0):
        config = replace(TINY, steps=80, learning_rate=3e-3, alone=1.0, teacher=weight)
        run = Run(config, crops, tmp_path / str(weight))
        for _ in range(80):
            run.one_step(files)
        with torch.no_grad():
            result[weight] = run.network(torch.full((1, 3, 16, 16), 0.25)).mean().item()
    assert result[1.0] > result[0.0] + 0.1


def test_evidence_is_hidden_at_first(crops, tmp_path):
    files = useful(crops)
    seen = []
    run = Run(replace(TINY, alone=0.0, alone_until=2), crops, tmp_path)
    forward = run._beyond_bicubic
    run._beyond_bicubic = lambda n, low, found: (
        seen.append(float(found.maps.abs().sum())) or forward(n, low, found)
    )
    for _ in range(3):
        run.one_step(files)
    assert seen[:2] == [0, 0]
    assert seen[2] > 0


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


def test_wear_is_small_and_repeats():
    pixels = photo(seed=4)
    versions = [worn(pixels, np.random.default_rng(i)) for i in range(20)]
    assert np.array_equal(versions[3], worn(pixels, np.random.default_rng(3)))
    changes = [np.abs(x.astype(int) - pixels).mean() for x in versions]
    assert min(changes) == 0
    assert 0 < max(changes) < 30


def test_loss_falls(crops, tmp_path):
    config = replace(TINY, steps=60, learning_rate=2e-3, alone=0.0)
    run = Run(config, crops, tmp_path)
    files = useful(crops)[:1]
    losses = [run.one_step(files) for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])


def test_run_writes_and_resumes(crops, tmp_path):
    whole = Run(TINY, crops, tmp_path / "whole")
    whole.train()
    part = Run(TINY, crops, tmp_path / "parts")
    files = crop_files(crops / "train")
    for _ in range(3):
        part.one_step(files)
    part._save()
    again = Run(TINY, crops, tmp_path / "parts")
    assert again.step == 3
    again.train()
    for ours, theirs in zip(again.network.parameters(), whole.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    with (tmp_path / "whole" / "log.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["3", "6"]
    assert all(float(row["without"]) > 10 for row in rows)
    for name in ("last", "best"):
        load_weights(FusionNet(8, 1), tmp_path / "whole" / f"{name}.safetensors")


def test_start_from_weights(crops, tmp_path):
    Run(TINY, crops, tmp_path / "first").train()
    run = Run(TINY, crops, tmp_path / "second")
    run.start_from(tmp_path / "first" / "last.safetensors")
    expected = FusionNet(8, 1)
    load_weights(expected, tmp_path / "first" / "last.safetensors")
    for ours, theirs in zip(run.network.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_learning_rate():
    config = replace(TINY, steps=1000, warm_up=100, learning_rate=1.0)
    rates = [learning_rate(step, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1, abs=0.05)
    assert rates[-1] == pytest.approx(0.01)


def test_config(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("steps: 7\nlearning_rate: 1\n")
    assert read_config(path) == Config(steps=7, learning_rate=1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz: 7", "unknown key 'stepz'"),
        ("steps: many", "steps must be of type int, got 'many'"),
        ("steps: true", "steps must be of type int, got True"),
        ("- 1", "must be a mapping"),
        ("a: [", "cannot be read as a configuration"),
        ("steps: 0", "steps must be at least 1, got 0"),
        ("alone: 2", r"alone must be in \[0, 1\]"),
    ],
)
def test_bad_config(tmp_path, text, message):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config(path)
